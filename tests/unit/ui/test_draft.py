"""Drafts on the disk."""

import json
import os
import time
from pathlib import Path

import pytest

from core.errors import Damaged
from core.recipe import load_preset, recipe_to_draft
from core.runs.run import RUN_ID
from ui.draft import KEEP_S, DraftFolder, launch_token, new_draft


def test_a_draft_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    drafts = DraftFolder(tmp_path / ".drafts")
    draft = new_draft(load_preset("first-look").recipe, parent="20260901-141530-my-net-k3f9", view="expert")
    draft["name"], draft["hypothesis"], draft["launches"] = "wider", "it helps", 3
    drafts.save(draft)
    assert drafts.load(draft["id"]) == draft
    assert draft["recipe"] == recipe_to_draft(load_preset("first-look").recipe)


def test_invalid_values_are_kept_as_they_were_typed(tmp_path: Path) -> None:
    drafts = DraftFolder(tmp_path)
    draft = new_draft()
    draft["recipe"]["optimizer"]["lr"] = -3.0
    draft["recipe"]["scheduler"] = {"kind": "multi_step", "milestones": [5, "ten"], "gamma": 0.1}
    drafts.save(draft)
    assert drafts.load(draft["id"]) == draft


@pytest.mark.parametrize("content", ["", "{", "[]", '{"recipe": 3}', "\x00\x01", "[" * 100_000])
def test_a_damaged_draft_says_so(tmp_path: Path, content: str) -> None:
    (tmp_path / "abcdef0123.json").write_text(content)
    with pytest.raises(Damaged):
        DraftFolder(tmp_path).load("abcdef0123")


@pytest.mark.parametrize("draft_id", ["", "../../secret", "ABCDEF", "a" * 50, "abcdef0124", "abc\n"])
def test_an_unknown_or_impossible_id_is_no_draft(tmp_path: Path, draft_id: str) -> None:
    assert DraftFolder(tmp_path).load(draft_id) is None


def test_drafts_that_nobody_changed_for_long_are_removed(tmp_path: Path) -> None:
    drafts = DraftFolder(tmp_path)
    old, new = new_draft(), new_draft()
    drafts.save(old)
    drafts.save(new)
    long_ago = time.time() - KEEP_S - 60
    os.utime(tmp_path / f"{old['id']}.json", (long_ago, long_ago))
    drafts.prune()
    assert [path.stem for path in tmp_path.glob("*.json")] == [new["id"]]
    DraftFolder(tmp_path / "none").prune()


def test_a_token_names_one_launch_of_these_settings() -> None:
    draft = new_draft()
    first = launch_token(draft)
    assert RUN_ID.fullmatch(first) and launch_token(json.loads(json.dumps(draft))) == first
    draft["launches"] = 1
    second = launch_token(draft)
    draft["recipe"]["epochs"] = 3
    assert len({first, second, launch_token(draft)}) == 3
