"""Where a draft's settings come from: a preset, a past run, a recipe file, or nothing at all."""

from collections.abc import Callable
from itertools import groupby
from typing import Any

import streamlit as st

from core.errors import PlateauError
from core.insight.next_steps import changed
from core.recipe import DIARY, Preset, Recipe, load_preset, parse_recipe
from core.recipe.words import changed_settings
from core.runs.names import clone_name
from ui.draft import Draft, begin, new_draft, notice
from ui.form_presets import (
    PresetShown,
    choose_experiment,
    figures_words,
    presets_shown,
    show_experiment,
)
from ui.links import take_form_request
from ui.services import library, store
from ui.words import plain

LOADED = ("Cloned", "Loaded")
"""How a notice begins that tells of no trouble."""


def take_request(draft: Draft) -> Draft:
    """The draft that another page asked for, if one did; else the one given."""
    request = take_form_request()
    if not request:
        return draft
    if "data" in request:
        draft["recipe"]["data"]["name"] = str(request["data"])
        return draft
    _told_later(lambda: _from_request(request, draft))
    return st.session_state["draft"]


def _from_request(request: dict[str, Any], draft: Draft) -> None:
    if "clone" in request:
        changes = request.get("changes") or {}
        from_run(str(request["clone"]), draft["view"], changes, str(request.get("hypothesis") or ""))
    elif "preset" in request:
        from_preset(load_preset(str(request["preset"])), draft)


def from_run(run_id: str, view: str, changes: dict[str, Any] | None = None, hypothesis: str = "") -> None:
    """Clone a run: exactly its recipe but for the `changes`, and it is the parent.

    Raises InvalidSettings where the changes do not fit the run's recipe.
    """
    run = store().get(run_id)
    recipe = run.recipe()
    after = changed(recipe, changes) if changes else recipe
    told = [f"{setting} {old} → {new}" for _, setting, old, new in changed_settings(recipe, after)]
    name = run.notes().name
    if name:
        name = clone_name(name, (entry.name for entry in store().list()))
    draft = new_draft(after, parent=run.id, view=view, name=name)
    draft["hypothesis"] = hypothesis
    begin(draft, f"Cloned from {run.display_name()}{', with ' if told else ''}{', '.join(told)}.")


def from_preset(preset: Preset, draft: Draft) -> None:
    """Load a preset; the data set stays where the preset names none that is here."""
    recipe = preset.recipe
    names = {info.name for info in library().list()}
    if recipe.data.name not in names:
        kept = draft["recipe"]["data"]["name"]
        recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update={"name": kept})})
    begin(new_draft(recipe, view=draft["view"], name=preset.title), f"Loaded the preset {preset.title}.")


def from_file(name: str, content: bytes, draft: Draft) -> None:
    """Load a recipe file. Raises BadInput naming what is wrong with it."""
    recipe: Recipe = parse_recipe(content)
    begin(new_draft(recipe, view=draft["view"]), f"Loaded the recipe {name}.")


def afresh(draft: Draft) -> None:
    """Begin with the defaults; only the data set stays."""
    fresh = new_draft(view=draft["view"])
    fresh["recipe"]["data"]["name"] = draft["recipe"]["data"]["name"]
    begin(fresh)


def _told_later(act: Callable[[], None]) -> None:
    """For callbacks: what goes wrong is said at the top of the page."""
    try:
        act()
    except PlateauError as error:
        notice(str(error))


def show_sources(draft: Draft) -> None:
    """The menu 'Start from'."""
    with st.popover("Start from", icon=":material/library_add:", key=f"sources-{draft['id']}"):
        st.caption("Other settings begin a new draft; you can go back to this one.")
        presets, runs, file = st.tabs(["Presets", "A past run", "A recipe file"])
        with presets:
            _show_presets(draft)
        with runs:
            _show_runs(draft)
        with file:
            _show_upload(draft)
        st.button("Start afresh", icon=":material/restart_alt:", key="afresh", on_click=afresh, args=(draft,))


def _show_presets(draft: Draft) -> None:
    for group, found in groupby(presets_shown(), key=lambda preset: preset.group):
        members = list(found)
        st.markdown(f":gray[{plain(group)}]")
        if group != DIARY:
            with st.container(gap=None):
                for preset in members:
                    _show_line(f"**{plain(preset.title)}** :gray[{plain(preset.about)}]", preset, draft)
            continue
        # 26 of them: one line to search in, and the chosen one in detail.
        chosen = choose_experiment(members, draft["id"])
        if chosen:
            _show_line(figures_words(chosen), chosen, draft)
            show_experiment(chosen)


def _show_line(words: str, preset: PresetShown, draft: Draft) -> None:
    """Something about a preset, and the button that loads it."""
    left, right = st.columns([8, 1], vertical_alignment="center")
    left.markdown(f":small[{words}]")
    with right:
        _load_button(preset, draft)


def _load_button(preset: PresetShown, draft: Draft) -> None:
    st.button(
        "Load",
        key=f"preset-{preset.id}",
        help=f"Load {plain(preset.title)} into the form",
        type="tertiary",
        on_click=_load_preset,
        args=(preset.id, draft),
    )


def _load_preset(preset_id: str, draft: Draft) -> None:
    _told_later(lambda: from_preset(load_preset(preset_id), draft))


def _show_runs(draft: Draft) -> None:
    names = {entry.id: entry.name for entry in store().list() if not entry.damaged}
    if not names:
        st.caption("No run yet. Once there is one, all of its settings can be cloned into the form.")
        return
    chosen = st.selectbox(
        "Run",
        list(names),
        index=None,
        format_func=lambda run: names[run] if names[run] == run else f"{names[run]} · {run}",
        placeholder="Choose a run",
        key="clone_run",
        help="All of its settings are taken over exactly; the new run remembers where it came from.",
    )
    st.button(
        "Clone",
        icon=":material/content_copy:",
        key="clone",
        disabled=chosen is None,
        on_click=_clone,
        args=(chosen, draft["view"]),
    )


def _clone(run_id: str, view: str) -> None:
    _told_later(lambda: from_run(run_id, view))


def _show_upload(draft: Draft) -> None:
    upload = st.file_uploader(
        "Recipe file",
        type="json",
        key=f"recipe_file-{draft['id']}",
        max_upload_size=1,
        help="A recipe that Plateau saved: recipe.json of a run's folder, or a download from this page.",
    )
    if upload is None:
        return
    try:
        from_file(upload.name, upload.getvalue(), draft)
    except PlateauError as error:
        st.error(f"{plain(upload.name)}: {plain(str(error))}", icon=":material/error:")
    else:
        st.rerun()
