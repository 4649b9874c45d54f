"""One run's entry on the page: what the diary tells of it, its curves, and a person's own words."""

from collections.abc import Sequence

import streamlit as st

from core.errors import PlateauError
from core.insight import has_average, thin
from core.insight.diary.entries import Changed, Diary, DiaryEntry
from core.insight.diary.settings import Line
from core.insight.overfit import overfit_marks, val_images
from core.runs import Run, RunEntry
from ui import words
from ui.charts import on_background, run_color
from ui.layout import room
from ui.links import go
from ui.live_rows import live_datasets, live_frame, running_rows
from ui.lr_lines import drawn_lr
from ui.run_charts import Kind, axis_end, live_spec
from ui.services import store
from ui.words import plain

_EDITED, _PROBLEM = "diary_edited", "diary_problem"
"""Runs whose words are being changed; why they could not be saved, by run."""
_HEIGHTS: dict[Kind, int] = {"accuracy": 260, "lr": 160}
POINTS = 200
SETTINGS_WIDTH = 380


@st.fragment
def show_entry(diary: Diary, run: RunEntry) -> None:
    """The entry of a run, in a frame of its own. A click in it draws this one anew and no other."""
    # What was saved a moment ago is not in the list that the page was drawn from.
    run = store().entry(run.run)
    entry = diary.entry(run)
    edited = run.id in st.session_state.get(_EDITED, [])
    with st.container(border=True, key=f"diary_run_{run.id}"):
        _heading(entry, run, edited)
        if edited:
            _edit(run)
        else:
            _own_words("Hypothesis", entry.hypothesis)
        # On a narrow screen the results move below the settings instead of being squeezed.
        with st.container(horizontal=True, gap="medium"):
            left, right = st.container(width=SETTINGS_WIDTH), room(f"diary_{run.id}")
        with left:
            _list("Settings", entry.settings)
            if entry.changed:
                _changed(entry.changed)
        with right:
            _list("Results", entry.results)
            if entry.repeats:
                st.markdown(plain(entry.repeats))
            _curves(run)
        _verdict(entry)
        if not edited:
            _own_words("Conclusion", entry.note)


def _heading(entry: DiaryEntry, run: RunEntry, edited: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        star = " ★" if entry.star else ""
        st.markdown(
            f"#### {entry.number} · {plain(entry.name)}{star}  {words.state_badge(entry.state)}",
            width="stretch",
        )
        if run.status is not None and st.button(
            "Open in Live", icon=":material/monitoring:", key=f"diary_live_{run.id}", type="tertiary"
        ):
            go("live", run=run.id)
        if not edited:
            st.button(
                "Edit",
                icon=":material/edit_note:",
                key=f"diary_edit_{run.id}",
                on_click=_begin,
                args=(run.id,),
                help="Change hypothesis and conclusion.",
            )
    tags = " ".join(f":gray-badge[{plain(tag)}]" for tag in entry.tags)
    st.caption(f"{plain(entry.made)} UTC · {plain(entry.id)} {tags}")
    for sentence in entry.told:
        if entry.state in ("failed", "damaged"):
            st.error(plain(sentence), icon=":material/error:")
        else:
            st.info(plain(sentence), icon=":material/info:")


def _edit(run: RunEntry) -> None:
    """Hypothesis and conclusion as two fields, until they are saved or left."""
    problem = st.session_state.get(_PROBLEM, {}).get(run.id)
    if problem:
        st.error(plain(problem), icon=":material/error:")
    with st.form(f"diary_form_{run.id}"):
        st.text_area(
            "Hypothesis", run.notes.hypothesis, max_chars=5_000, height=90,
            key=f"diary_hypothesis_{run.id}", placeholder="Why this run? What do you expect?",
        )  # fmt: skip
        st.text_area(
            "Conclusion", run.notes.note, max_chars=50_000, height=160,
            key=f"diary_note_{run.id}", placeholder="What came out of it?",
        )  # fmt: skip
        with st.container(horizontal=True):
            st.form_submit_button(
                "Save", type="primary", key=f"diary_save_{run.id}", on_click=_save, args=(run.run,)
            )
            st.form_submit_button(
                "Leave as it was", key=f"diary_leave_{run.id}", on_click=_end, args=(run.id,)
            )


def _begin(run_id: str) -> None:
    st.session_state[_EDITED] = [*st.session_state.get(_EDITED, []), run_id]


def _end(run_id: str) -> None:
    st.session_state[_EDITED] = [other for other in st.session_state.get(_EDITED, []) if other != run_id]
    st.session_state.get(_PROBLEM, {}).pop(run_id, None)


def _save(run: Run) -> None:
    """Write both down. Where that fails the fields stay open, with what was typed."""
    typed = {name: st.session_state[f"diary_{name}_{run.id}"].strip() for name in ("hypothesis", "note")}
    try:
        run.write_notes(**typed)
    except PlateauError as error:
        st.session_state.setdefault(_PROBLEM, {})[run.id] = str(error)
    except OSError as error:
        sentence = f"The notes could not be written: {error.strerror or error}."
        st.session_state.setdefault(_PROBLEM, {})[run.id] = sentence
    else:
        _end(run.id)


def _own_words(title: str, text: str) -> None:
    """A person's words, line by line as they wrote them."""
    if text.strip():
        lines = (_as_typed(line) for line in text.strip().splitlines())
        st.markdown(f"**{title}**\n\n> " + "  \n> ".join(lines))


def _as_typed(line: str) -> str:
    """Blanks at a line's beginning are kept, and not taken for code."""
    body = line.lstrip()
    blanks = len(line[: len(line) - len(body)].expandtabs(4))
    return "\u00a0" * blanks + plain(body)


def _list(title: str, lines: Sequence[Line]) -> None:
    if lines:
        shown = "\n".join(f"- :gray[{plain(name)}:] {plain(said)}" for name, said in lines)
        st.markdown(f"**{title}**\n\n{shown}")


def _changed(changed: Changed) -> None:
    parent = f"{changed.parent_number} · {plain(changed.parent_name)}"
    relation = f", {plain(changed.relation)}" if changed.relation else ""
    shown = [f"**What changed**\n\nAgainst {parent}{relation}: **{plain(changed.kind)}**\n"]
    shown += [f"- :gray[{plain(name)}:] {plain(old)} → {plain(new)}" for name, old, new in changed.settings]
    st.markdown("\n".join(shown))
    _list("What it did", changed.effects)
    if changed.note:
        st.caption(plain(changed.note))


def _curves(run: RunEntry) -> None:
    status = run.status
    rows = run.run.epochs().rows if status else []
    if status is None or not rows:
        return
    drawn, averaged = thin(rows, POINTS), has_average(rows)
    color = on_background(run_color(status.color), dark=st.context.theme.type == "dark")
    marks = overfit_marks(rows, val_images(run.run), status.epochs)
    end = axis_end(status.epoch, status.epoch)
    for kind, height in _HEIGHTS.items():
        shown = drawn_lr(run.run, status, drawn) if kind == "lr" else drawn
        spec = live_spec(kind, color, color, end, averaged=averaged) | {"height": height, "title": None}
        frame = live_frame(kind, shown, averaged=averaged, marks=marks, end=end)
        st.vega_lite_chart(
            spec=spec | {"datasets": live_datasets(frame, running_rows(kind, [], averaged=averaged))},
            key=f"diary_{kind}_{run.id}",
            width="stretch",
        )


def _verdict(entry: DiaryEntry) -> None:
    if entry.verdict:
        st.markdown(f"**Verdict** {words.verdict_badge(entry.verdict_kind)}\n\n{plain(entry.verdict)}")
    if entry.marks:
        st.markdown("**Overfitting**\n\n" + "\n".join(f"- {plain(sentence)}" for sentence in entry.marks))
