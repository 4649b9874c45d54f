"""The launch: a name, a reason, and one button; everything that stands in its way, named at once."""

import time

import streamlit as st

from core.data import DatasetInfo
from core.errors import Damaged, NotFound, PlateauError, Problem
from core.recipe import Recipe
from core.recipe.words import field_words, value_words
from core.runs import Run
from core.runs.repeat import MOST, repeat
from ui.draft import Draft, launch_token, notice
from ui.form_checks import Checked, check_draft
from ui.links import go, page_path
from ui.services import library, store
from ui.words import plain

LAUNCHED = "new_run_launched"
SECOND_CLICK_S = 1.5
"""A second click of a double click may bring the form back for a moment."""


def follow_launch() -> None:
    """After a launch, go to the run; a second later, only offer the way there."""
    launched = st.session_state.get(LAUNCHED)
    if not launched:
        return
    if time.time() - launched["at"] < SECOND_CLICK_S:
        go("live", run=launched["run"])


def find_dataset(draft: Draft) -> DatasetInfo | None:
    """The data set that the draft names, where there is one."""
    try:
        return library().open(draft["recipe"]["data"]["name"]).info
    except (NotFound, Damaged):
        return None


def show_launch(draft: Draft, checked: Checked) -> None:
    """Name, hypothesis, the button, and what stands in its way."""
    launched = st.session_state.get(LAUNCHED)
    if launched and launched["draft"] == draft["id"]:
        st.page_link(
            page_path("live"),
            label=plain(f"Launched: {launched['name']}{_with_repeats(launched['repeats'])}"),
            icon=":material/monitoring:",
            query_params={"run": launched["run"]},
        )
    left, right = st.columns(2)
    with left:
        _text(draft, "name", "Name", 200, "my_net, wider", "For you; a run without one goes by its id.")
    with right:
        _text(
            draft,
            "hypothesis",
            "Why this run?",
            5_000,
            "A wider net closes the gap",
            "What you expect, so that the result can tell you something. Optional.",
        )
    button, seeds = st.columns([3, 1], vertical_alignment="bottom")
    with seeds:
        _repeats(draft)
    with button:
        st.button(
            "Launch",
            type="primary",
            icon=":material/rocket_launch:",
            width="stretch",
            key=f"launch-{draft['id']}-{draft['launches']}",
            on_click=_launch,
            args=(draft, draft["launches"]),
        )
    if checked.problems:
        _show_problems(draft, checked.problems)
    for warning in checked.warnings:
        st.markdown(f":orange[:material/warning:] :small[{plain(warning)}]")


def _repeats(draft: Draft) -> None:
    """With how many seeds the recipe is trained. A new server has forgotten it: no setting of the run."""
    key = f"{draft['id']}:repeats"
    if st.session_state.get(key) != draft.get("repeats", 1):
        st.session_state[key] = draft.get("repeats", 1)

    def take() -> None:
        draft["repeats"] = int(st.session_state[key])

    st.number_input(
        "Seeds",
        min_value=1,
        max_value=MOST,
        key=key,
        help="How many runs in all, each with a seed of its own, one after the other: with 3 or more, a "
        "comparison can tell the recipe from chance.",
        on_change=take,
    )


def _with_repeats(repeats: int) -> str:
    """What is said of a launch beyond its first run."""
    return "" if repeats < 1 else f" and {repeats} repeat{'s' if repeats > 1 else ''}"


def _text(draft: Draft, field: str, label: str, most: int, example: str, help_text: str) -> None:
    key = f"{draft['id']}:{field}"
    if st.session_state.get(key) != draft[field]:
        st.session_state[key] = draft[field]

    def take() -> None:
        draft[field] = st.session_state[key] or ""

    st.text_input(label, key=key, max_chars=most, placeholder=example, help=help_text, on_change=take)


def _show_problems(draft: Draft, problems: list[Problem]) -> None:
    many = f"{len(problems)} settings stand" if len(problems) > 1 else "One setting stands"
    lines = [f"- {sentence(draft, problem)}" for problem in problems]
    st.error(f"{many} in the way:\n\n" + "\n".join(lines), icon=":material/error:")


def sentence(draft: Draft, problem: Problem) -> str:
    """A problem in the form's own words: field, value, rule, remedy."""
    field, rest = _field_and_rest(draft, problem)
    return f"**{plain(field)}**{plain(rest)}"


def _field_and_rest(draft: Draft, problem: Problem) -> tuple[str, str]:
    shown = "empty" if problem.value in (None, "", []) else value_words(problem.value)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    remedy = f"; {problem.remedy}" if problem.remedy else ""
    field = field_words(Recipe, draft["recipe"], problem.field)
    return field, f" ({shown}): {problem.rule}{remedy}."


def _first(draft: Draft, problems: list[Problem]) -> str:
    """What to correct first, where a click on the button launched nothing."""
    if not problems:
        return "The data set is no longer there; choose another one."
    more = len(problems) - 1
    others = f" {more} more stand{'s' if more == 1 else ''} below the button." if more else ""
    return f"Correct {''.join(_field_and_rest(draft, problems[0]))}{others}"


def _launch(draft: Draft, launches: int) -> None:
    """Make the run and put it in the queue; runs before the page is drawn again.

    Checked anew: a field may have been left by the very click on the button. `launches` is how many
    there had been when the button was drawn: the second click of a double click is on an old one.
    """
    if draft["launches"] != launches:
        return
    try:
        info = find_dataset(draft)
        checked = check_draft(draft["recipe"], info)
        if checked.problems or checked.recipe is None or info is None:
            notice(f"Nothing was launched. {_first(draft, checked.problems)}")
            return
        token = launch_token(draft)
        run = store().create(
            checked.recipe,
            info,
            name=draft["name"],
            hypothesis=draft["hypothesis"],
            parent=draft["parent"],
            token=token,
        )
    except (PlateauError, OSError) as error:
        notice(f"Nothing was launched. {_why(error)}")
        return
    repeats = _launch_repeats(run, draft.get("repeats", 1) - 1, token)
    draft["launches"] += 1
    # They were about this run; the settings stay for the next one.
    draft["name"] = draft["hypothesis"] = ""
    draft["repeats"] = 1
    st.session_state[LAUNCHED] = {
        "run": run.id,
        "name": run.display_name(),
        "repeats": repeats,
        "draft": draft["id"],
        "at": time.time(),
    }


def _launch_repeats(run: Run, times: int, token: str) -> int:
    """Queue the same with other seeds; returns how many were."""
    if times < 1:
        return 0
    try:
        return len(repeat(store(), run, times, library=library(), token=token))
    except (PlateauError, OSError) as error:
        notice(f"{run.display_name()} was launched, but not all of its repeats. {_why(error)}")
        return 0


def _why(error: PlateauError | OSError) -> str:
    return f"The folder of runs: {error.strerror}." if isinstance(error, OSError) else str(error)
