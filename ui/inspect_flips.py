"""Between two runs: the images that the second one fixed and broke, and what that makes by class."""

import numpy as np
import pandas as pd
import streamlit as st

from core.errors import NotFound
from core.insight.answers import plain_files
from core.insight.flips import Flips, flips, net_by_class
from core.insight.outcomes import comparable
from core.insight.significance import paired
from core.insight.verdict_words import figures
from core.runs import RunEntry
from core.runs.answers import AnswerFile
from ui.inspect_choice import Scene, answer_words, scene_of
from ui.inspect_gallery import Line, gallery, table_height
from ui.links import go
from ui.smallest import smallest_seen
from ui.words import percent, plain


def show_flips(scene: Scene, against: RunEntry | None) -> None:
    """The figures, the classes, the gallery."""
    if against is None or against.status is None:
        st.info(
            "Choose a second run under Against: the run from before. Then the images that "
            f"{plain(scene.entry.name)} fixed and broke stand here.",
            icon=":material/compare_arrows:",
        )
        return
    problem = comparable(against.status, scene.status)
    if problem:
        st.warning(plain(problem), icon=":material/warning:")
        return
    before = scene_of(against, answers_of(against, scene.file.split))
    found = flips(before.outcomes, scene.outcomes)
    _show_figures(before, scene, found)
    if not len(found.fixed) + len(found.broken):
        st.caption("Both runs have the same images right.")
        return
    _show_classes(before, scene)
    _show_gallery(before, scene, found)


def answers_of(entry: RunEntry, split: str) -> AnswerFile:
    """The answers of the other run: on the same split, of its best epoch where they are kept.

    Raises NotFound where it has none on this split.
    """
    status = entry.status
    files = [file for file in plain_files(entry.run) if file.split == split]
    if not files:
        raise NotFound(
            f"Run {entry.name} keeps no answers on {split}: evaluate it on {split} under Checkpoints, or "
            "choose answers on val above."
        )
    best = status.best.epoch if status and status.best else 0
    return next((file for file in files if (file.epoch, file.averaged) == (best, False)), files[0])


def _show_figures(before: Scene, after: Scene, found: Flips) -> None:
    count = len(after.outcomes.labels)
    st.markdown(
        f"**{plain(after.entry.name)}** ({answer_words(after.file, after.status)}) against "
        f"**{plain(before.entry.name)}** ({answer_words(before.file, before.status)}), "
        f"{count:,} images"
    )
    with st.container(horizontal=True, gap="large"):
        st.metric("Fixed", f"{len(found.fixed):,}", width="content", help="Wrong before, right now.")
        st.metric("Broken", f"{len(found.broken):,}", width="content", help="Right before, wrong now.")
        st.metric("Net", f"{found.net:+,}", width="content", help="Fixed minus broken.")
        st.metric("Both right", f"{found.both_right:,}", width="content")
        st.metric(
            "Both wrong",
            f"{found.both_wrong:,}",
            width="content",
            help=f"{found.wrong_otherwise:,} of them with another wrong answer than before.",
        )
    result = paired(before.outcomes.hits, after.outcomes.hits)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"Difference on these images: {plain(figures(result))}.", width="content")
        if st.button(
            "Is it real?", icon=":material/compare_arrows:", key="inspect_to_compare", type="tertiary"
        ):
            go("compare", runs=f"{before.run.id},{after.run.id}", view="changed")
    st.caption(plain(smallest_seen(result, after.file.split)))


def _show_classes(before: Scene, after: Scene) -> None:
    rows = net_by_class(before.outcomes, after.outcomes, len(after.classes))
    changed = sorted((row for row in rows if row.fixed or row.broken), key=lambda row: (row.net, row.label))
    st.markdown("**Net by class** :gray[the largest loss first]")
    table = pd.DataFrame(
        {
            "Class": [after.name_of(row.label) for row in changed],
            "Images": [row.images for row in changed],
            "Fixed": [row.fixed for row in changed],
            "Broken": [row.broken for row in changed],
            "Net": [row.net for row in changed],
            "Net, points": [row.net / row.images * 100 for row in changed],
        }
    )
    st.dataframe(
        table,
        hide_index=True,
        height=table_height(len(table), 10),
        key="inspect_net_by_class",
        column_config={
            "Net": st.column_config.NumberColumn(format="%+d"),
            "Net, points": st.column_config.NumberColumn(
                format="%+.1f", help="Change of the class's accuracy, in percentage points"
            ),
        },
    )


def _show_gallery(before: Scene, after: Scene, found: Flips) -> None:
    kinds = {"fixed": found.fixed, "broken": found.broken}
    labels = np.where(before.outcomes.labels >= 0, before.outcomes.labels, after.outcomes.labels)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            "Images",
            list(kinds),
            default="fixed",
            required=True,
            format_func=lambda name: f"{name.capitalize()} · {len(kinds[name]):,}",
            key="inspect_flip_kind",
        )
        places = kinds[kind or "fixed"]
        label = st.selectbox(
            "True class",
            sorted(set(labels[places].tolist())),
            index=None,
            format_func=after.name_of,
            placeholder="Any class",
            key=f"inspect_flip_class_{after.run.id}_{kind}",
            width=220,
        )
    if label is not None:
        places = places[labels[places] == label]

    def lines(place: int) -> tuple[Line, ...]:
        return (
            Line("", after.name_of(int(labels[place]))),
            _answer(before, place, "before", kind == "broken"),
            _answer(after, place, "now", kind == "fixed"),
        )

    gallery(
        "inspect_flips",
        places,
        lambda place: after.picture(place, lines(place)),
        told=f"{before.run.id} {before.file.name} {after.run.id} {after.file.name} {kind} {label}",
    )


def _answer(scene: Scene, place: int, role: str, right: bool) -> Line:
    return Line(
        role,
        scene.name_of(int(scene.outcomes.predicted[place])),
        percent(float(scene.outcomes.probability[place])),
        "right" if right else "wrong",
    )
