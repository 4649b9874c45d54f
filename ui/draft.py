"""The draft of a run: what the form holds until it is launched, and after.

A draft is a plain dict, in the session for speed and on the disk so that a refresh, another page, an
error or a new server finds it again; its id stands in the page's address. Loading other settings
begins a new draft, so the one before can be gone back to.
"""

import hashlib
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from core.errors import Damaged
from core.files import read_json, write_json
from core.recipe import Recipe, recipe_to_draft
from ui.form_values import as_key, conform

Draft = dict[str, Any]
"""id, recipe, name, hypothesis, parent (a run's id or None), view ('basic' or 'expert'), launches."""

KEEP_S = 30 * 24 * 3600.0
_ID = re.compile(r"[a-z0-9]{6,20}")
_SESSION, _WRITTEN, _BEFORE, _NOTICE = "draft", "draft_written", "draft_before", "draft_notice"


def new_draft(
    recipe: Recipe | None = None, *, parent: str | None = None, view: str = "basic", name: str = ""
) -> Draft:
    """A draft of these settings (default: the recipe's own defaults)."""
    return {
        "id": secrets.token_hex(5),
        "recipe": recipe_to_draft(recipe or Recipe()),
        "name": name,
        "hypothesis": "",
        "parent": parent,
        "view": view,
        "launches": 0,
    }


@dataclass(frozen=True)
class DraftFolder:
    """Where drafts lie, one JSON file each."""

    folder: Path

    def load(self, draft_id: str) -> Draft | None:
        """The draft with this id; None where there is none. Raises Damaged."""
        if not _ID.fullmatch(draft_id):
            return None
        try:
            content = read_json(self._path(draft_id))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Damaged(f"The draft {draft_id} cannot be read: {error.strerror}.") from error
        if not isinstance(content.get("recipe"), dict):
            raise Damaged(f"The draft {draft_id} does not hold a recipe.")
        parent, launches = content.get("parent"), content.get("launches")
        return {
            "id": draft_id,
            "recipe": conform(Recipe, content["recipe"]),
            "name": str(content.get("name") or ""),
            "hypothesis": str(content.get("hypothesis") or ""),
            "parent": parent if isinstance(parent, str) else None,
            "view": "expert" if content.get("view") == "expert" else "basic",
            "launches": launches if isinstance(launches, int) else 0,
        }

    def save(self, draft: Draft) -> None:
        """Write the draft's file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self._path(draft["id"]), draft, durable=False)

    def prune(self, older_than_s: float = KEEP_S) -> None:
        """Remove drafts that nobody changed for long."""
        if not self.folder.is_dir():
            return
        oldest = time.time() - older_than_s
        for path in self.folder.glob("*.json"):
            try:
                if path.stat().st_mtime < oldest:
                    path.unlink()
            except FileNotFoundError:
                continue

    def _path(self, draft_id: str) -> Path:
        return self.folder / f"{draft_id}.json"


def open_draft(drafts: DraftFolder) -> Draft:
    """The session's draft: the one that the address names, else the session's own, else a new one."""
    wanted = st.query_params.get("draft", "")
    held: Draft | None = st.session_state.get(_SESSION)
    if held is None:
        drafts.prune()
    if held is None or wanted not in ("", held["id"]):
        found = _load(drafts, wanted) if wanted else None
        held = found or held or new_draft()
        _hold(held)
        st.session_state[_WRITTEN] = as_key(held) if found else ""
    if wanted != held["id"]:
        st.query_params["draft"] = held["id"]
    return held


def _load(drafts: DraftFolder, draft_id: str) -> Draft | None:
    try:
        return drafts.load(draft_id)
    except Damaged as error:
        notice(f"{error} This is a fresh one.")
        return None


def begin(draft: Draft, said: str = "") -> None:
    """Go on with another draft; the one before can be gone back to. `said` is told once."""
    before = st.session_state.get(_SESSION)
    if before is not None:
        st.session_state[_BEFORE] = before
    _hold(draft)
    st.session_state[_WRITTEN] = ""
    st.query_params["draft"] = draft["id"]
    if said:
        notice(said)


def _hold(draft: Draft) -> None:
    st.session_state[_SESSION] = draft


def can_go_back() -> bool:
    """Whether this session had another draft before this one."""
    return st.session_state.get(_BEFORE) is not None


def go_back() -> None:
    """Return to the draft before; the present one takes its place."""
    before = st.session_state.pop(_BEFORE, None)
    if before is not None:
        begin(before)


def save_if_changed(drafts: DraftFolder, draft: Draft) -> None:
    """Write the draft to the disk if it is not there as it is."""
    text = as_key(draft)
    if st.session_state.get(_WRITTEN) == text:
        return
    try:
        drafts.save(draft)
        st.session_state[_WRITTEN] = text
    except OSError as error:
        notice(f"The draft cannot be stored ({error.strerror}): it lasts as long as this tab.")


def notice(text: str) -> None:
    """Something to say once, at the top of the page's next drawing."""
    st.session_state[_NOTICE] = text


def take_notice() -> str:
    """What is to be said, once."""
    return str(st.session_state.pop(_NOTICE, ""))


def launch_token(draft: Draft) -> str:
    """Two clicks on one launch button have one token; other settings or a launch before have another."""
    content = as_key([draft["recipe"], draft["name"], draft["hypothesis"]])
    digest = hashlib.sha256(content.encode()).hexdigest()[:12]
    return f"{draft['id']}-{draft['launches']}-{digest}"
