"""Test-time augmentation taken apart: what it fixes and breaks, which views help, how many are enough."""

from dataclasses import asdict
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from core.errors import PlateauError
from core.insight.answers import Votes, stored_votes, vote_files
from core.insight.significance import paired
from core.insight.verdict_words import figures
from core.insight.verdict_words import signed as signed_alike
from core.insight.votes import (
    AugmentationRow,
    CountRow,
    ViewRow,
    agreement_rows,
    augmentation_rows,
    broken_images,
    count_rows,
    enough_views,
    fixed_images,
    view_rows,
)
from core.runs.answers import AnswerFile
from ui.charts import run_color, spec_of
from ui.inspect_choice import Scene, answer_words
from ui.inspect_evaluate import Job, evaluate_all, views_input
from ui.inspect_gallery import Line, gallery, table_height
from ui.smallest import smallest_seen
from ui.words import percent, plain, points, signed

_VERDICTS = {"hurts": "hurts", "helps": "helps", "open": "unclear"}


def show_tta(scene: Scene) -> None:
    """The votes that belong to the chosen answers, or the way to them."""
    mine = [
        file
        for file in vote_files(scene.run)
        if (file.split, file.epoch, file.averaged)
        == (scene.file.split, scene.file.epoch, scene.file.averaged)
    ]
    file = _choose_votes(scene, mine)
    if file is None:
        return
    votes = stored_votes(scene.run, file)
    _show_figures(votes)
    path = file.path(scene.run)
    counts, views = _counted(str(path), path.stat().st_mtime_ns, votes)
    _show_counts([CountRow(**row) for row in counts], votes, run_color(scene.status.color))
    _show_views([ViewRow(**row) for row in views])
    _show_augmentations(votes)
    _show_agreement(votes)
    if (votes.labels.shape == scene.outcomes.labels.shape) and votes.views:
        _show_gallery(scene, votes)


def _choose_votes(scene: Scene, mine: list[AnswerFile]) -> AnswerFile | None:
    """Which of the votes, by their number of views; below it a way to others."""
    words = answer_words(scene.file, scene.status)
    if not mine:
        st.markdown(
            f"No view has voted on **{plain(words)}** yet. Evaluate it with TTA, and its votes are kept with "
            "the run: the network looks at each image several times, changed at random as in its training."
        )
    if _has_no_views(scene):
        st.caption(
            ":material/info: This run has no augmentations: all views of an image are the same, and TTA "
            "changes nothing."
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = None
        if mine:
            sizes = [file.views for file in mine]
            views = st.segmented_control(
                "Views",
                sizes,
                default=sizes[-1],
                required=True,
                key=f"inspect_votes_{scene.run.id}_{scene.file.name}_{len(sizes)}",
            )
            chosen = next(file for file in mine if file.views == (views or sizes[-1]))
        new = views_input(f"inspect_tta_views_{scene.run.id}", least=1)
        look = " (counts as a look at test)" if scene.file.split == "test" else ""
        asked = st.button(
            "Evaluate with TTA",
            icon=":material/how_to_vote:",
            type="secondary" if mine or _has_no_views(scene) else "primary",
            key="inspect_evaluate_tta",
            help=f"{words}{look}",
        )
    if asked:
        job = Job(scene.file.epoch, scene.file.averaged)
        evaluate_all(scene.run, [job], scene.file.split, new)
    return chosen


def _has_no_views(scene: Scene) -> bool:
    """Whether all views of an image would be the image itself."""
    try:
        return not scene.run.recipe().augmentations
    except PlateauError:
        return False


@st.cache_data(show_spinner="Counting the votes", max_entries=40)
def _counted(path: str, written_ns: int, _votes: Votes) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """`count_rows` and `view_rows` as plain values."""
    return [asdict(row) for row in count_rows(_votes)], [asdict(row) for row in view_rows(_votes)]


def _show_figures(votes: Votes) -> None:
    fixed, broken = len(fixed_images(votes)), len(broken_images(votes))
    found = paired(votes.plain_hits, votes.hits)
    single = float((votes.votes == votes.labels[:, None]).mean())
    with st.container(horizontal=True, gap="large"):
        st.metric("Plain", percent(found_accuracy(votes.plain_hits)), width="content")
        st.metric(
            "A single view",
            percent(single),
            width="content",
            help="The mean over all views: what changing an image at random costs.",
        )
        st.metric(f"Vote of {votes.views}", percent(found_accuracy(votes.hits)), width="content")
        st.metric("Fixes", fixed, width="content", help="Images that only the vote has right.")
        st.metric("Breaks", broken, width="content", help="Images that only the plain answer has right.")
    st.markdown(
        f"TTA with {votes.views} view{'' if votes.views == 1 else 's'} fixes {fixed} and breaks {broken} of "
        f"{len(votes.labels):,} images: {plain(figures(found))}."
    )
    st.caption(plain(smallest_seen(found, votes.file.split)))


def found_accuracy(hits: np.ndarray) -> float:
    """The share of hits."""
    return float(hits.mean())


def _show_counts(rows: list[CountRow], votes: Votes, color: str) -> None:
    if len(rows) < 2:
        return
    st.markdown("**How many views are enough**")
    table = pd.DataFrame(
        [
            {"views": row.views, "accuracy": row.accuracy, "low": row.low, "high": row.high, "what": "vote"}
            for row in rows
        ]
    )
    table["plain"] = found_accuracy(votes.plain_hits)
    st.vega_lite_chart(table, _counts_spec(color, len(rows)), key="inspect_counts", width="stretch")
    st.markdown(enough_sentence(rows))


def enough_sentence(rows: list[CountRow]) -> str:
    """From how many views on more of them add nothing that these images could show."""
    enough, last = enough_views(rows), rows[-1]
    if enough.views == last.views:
        return (
            f"The last view still added something ({points(rows[-2].missing)}, 95 % "
            f"{points_range(rows[-2])}): more than {last.views} views may pay."
        )
    return (
        f"From **{enough.views} view{'' if enough.views == 1 else 's'}** on, further ones add nothing that "
        f"these images could show ({last.views} against {enough.views}: {points(enough.missing)}, "
        f"95 % {points_range(enough)})."
    )


def points_range(row: CountRow) -> str:
    """'-0.2 to +0.4'."""
    low, high = signed_alike(row.missing_low, row.missing_high)
    return f"{low} to {high}"


@st.cache_data(show_spinner=False, max_entries=50)
def _counts_spec(color: str, views: int) -> dict[str, Any]:
    base = alt.Chart(alt.NamedData(name="counts"))
    x = alt.X(
        "views:Q",
        title="views that vote",
        scale=alt.Scale(domain=[1, views], nice=False),
        axis=alt.Axis(format="d", tickMinStep=1, grid=False),
    )
    y = alt.Y("accuracy:Q", title="accuracy", scale=alt.Scale(zero=False), axis=alt.Axis(format=".1%"))
    tooltip = [
        alt.Tooltip("views:Q", format="d"),
        alt.Tooltip("accuracy:Q", format=".2%"),
        alt.Tooltip("low:Q", title="95 % from", format=".2%"),
        alt.Tooltip("high:Q", title="to", format=".2%"),
        alt.Tooltip("plain:Q", title="plain", format=".2%"),
    ]
    layers = [
        base.mark_area(color=color, opacity=0.16).encode(
            x=x, y=alt.Y("low:Q", title="accuracy"), y2="high:Q", tooltip=tooltip
        ),
        base.mark_line(color="#808790", strokeDash=[2, 3]).encode(x=x, y="plain:Q"),
        base.mark_line(color=color, strokeWidth=2.2).encode(x=x, y=y),
        base.mark_circle(color=color, size=45, opacity=1).encode(x=x, y=y, tooltip=tooltip),
    ]
    title = alt.TitleParams(
        "Accuracy by number of views",
        subtitle="the mean over which views these are; band: 95 % over images; dotted: the plain answer",
        anchor="start",
        fontSize=14,
        subtitleFontSize=11,
        subtitleColor="#808790",
        offset=6,
    )
    return spec_of(alt.layer(*layers).properties(height=260, title=title))


def _show_views(rows: list[ViewRow]) -> None:
    if len(rows) < 2:
        return
    st.markdown("**Views one by one**")
    hurting = [str(row.view) for row in rows if row.verdict == "hurts"]
    if hurting:
        st.markdown(f"Without view {', '.join(hurting)} the vote is better, beyond what chance makes of it.")
    else:
        st.markdown("No view hurts the vote beyond what chance makes of it.")
    st.dataframe(
        views_table(rows),
        hide_index=True,
        height=table_height(len(rows), 8),
        key="inspect_views_table",
        column_config=_percents("Right alone", "With most", "Without it") | _VIEW_COLUMNS,
    )
    st.caption(
        "A view's number is the order in which it was drawn: view 3 of one image is changed otherwise than "
        "view 3 of the next. What the change does is below, by augmentation."
    )


def views_table(rows: list[ViewRow]) -> pd.DataFrame:
    """One row per view, as a person reads it."""
    return pd.DataFrame(
        {
            "View": [row.view for row in rows],
            "Right alone": [row.right * 100 for row in rows],
            "With most": [row.with_majority * 100 for row in rows],
            "Without it": [None if row.without is None else row.without * 100 for row in rows],
            "Change": [
                None if row.difference is None else round(row.difference * 100, 2) + 0.0 for row in rows
            ],
            "95 %": [_range(row.low, row.high) for row in rows],
            "Effect": [_VERDICTS[row.verdict] for row in rows],
        }
    )


_VIEW_COLUMNS: dict[str, Any] = {
    "View": st.column_config.NumberColumn(width=50),
    "With most": st.column_config.NumberColumn(
        format="%.1f %%", width=80, help="Share of the images on which it votes as most views do"
    ),
    "Change": st.column_config.NumberColumn(
        format="%+.2f",
        width=66,
        help="Points that the vote wins without this view; above 0, it hurts",
    ),
    "95 %": st.column_config.TextColumn(width=112),
    "Effect": st.column_config.TextColumn(
        width=72, help="hurts or helps where McNemar's p times the number of views is under 0.05"
    ),
}


def _show_augmentations(votes: Votes) -> None:
    rows = augmentation_rows(votes)
    st.markdown("**Views by what changed them**")
    if not rows:
        st.caption("This run has no augmentations: all views of an image are the same.")
        return
    st.dataframe(
        augmentations_table(rows),
        hide_index=True,
        key="inspect_augmentations",
        column_config=_AUGMENTATION_COLUMNS,
    )


def augmentations_table(rows: list[AugmentationRow]) -> pd.DataFrame:
    """One row per augmentation, as a person reads it."""
    return pd.DataFrame(
        {
            "Augmentation": [row.words for row in rows],
            "In views": [percent(row.share) for row in rows],
            "With it": [percent(row.right_with) for row in rows],
            "Without": [percent(row.right_without) for row in rows],
            "Points": ["–" if row.difference is None else signed(row.difference * 100, 2) for row in rows],
            "95 %": [_range(row.low, row.high) for row in rows],
            "Effect": [
                "in all views" if row.share == 1 else _VERDICTS[row.verdict] if row.images else "–"
                for row in rows
            ],
        }
    )


_WIDTHS = {"Augmentation": 150, "In views": 70, "With it": 70, "Without": 70, "95 %": 112, "Effect": 88}
_AUGMENTATION_COLUMNS: dict[str, Any] = {
    name: st.column_config.TextColumn(width=width) for name, width in _WIDTHS.items()
} | {
    "Points": st.column_config.TextColumn(
        width=62, help="Views of the same image with and without it, each view alone"
    )
}


def _show_agreement(votes: Votes) -> None:
    rows = agreement_rows(votes)
    st.markdown("**How sure a vote is**")
    st.dataframe(
        pd.DataFrame(
            {
                "Votes for the winner": [f"{row.votes} of {votes.views}" for row in rows],
                "Images": [row.images for row in rows],
                "Right": [row.right / row.images * 100 for row in rows],
            }
        ),
        hide_index=True,
        height=table_height(len(rows), 8),
        key="inspect_agreement",
        column_config=_percents("Right"),
        width="content",
    )


def _show_gallery(scene: Scene, votes: Votes) -> None:
    kinds = {"fixed": fixed_images(votes), "broken": broken_images(votes)}
    kind = st.segmented_control(
        "Images that TTA",
        list(kinds),
        default="fixed",
        required=True,
        format_func=lambda name: f"{'Fixes' if name == 'fixed' else 'Breaks'} · {len(kinds[name]):,}",
        key="inspect_tta_kind",
    )

    def lines(place: int) -> tuple[Line, ...]:
        counted = np.bincount(votes.votes[place], minlength=1)
        order = np.argsort(-counted, kind="stable")[:3]
        tally = ", ".join(f"{scene.name_of(int(c))} {counted[c]}" for c in order if counted[c])
        return (
            Line("", scene.name_of(int(votes.labels[place]))),
            Line(
                "plain", scene.name_of(int(votes.plain[place])), "", "wrong" if kind == "fixed" else "right"
            ),
            Line(
                "vote",
                scene.name_of(int(votes.predicted[place])),
                "",
                "right" if kind == "fixed" else "wrong",
            ),
            Line("", tally),
        )

    gallery(
        "inspect_tta_gallery",
        kinds[kind or "fixed"],
        lambda place: scene.picture(place, lines(place)),
        told=f"{scene.run.id} {votes.file.name} {kind}",
    )


def _percents(*columns: str) -> dict[str, Any]:
    return {name: st.column_config.NumberColumn(format="%.1f %%", width=84) for name in columns}


def _range(low: float | None, high: float | None) -> str:
    return "–" if low is None or high is None else f"{signed(low * 100, 2)} to {signed(high * 100, 2)}"
