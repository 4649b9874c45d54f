"""What the selected runs reached, and what they were set to where they differ."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.runs import RunEntry
from ui import words
from ui.charts import run_color
from ui.compare_curves import unique_names
from ui.compare_settings import MISSING, differing_settings, kind_words, recipes_of
from ui.run_table import newest_test_look, swatch


def results_panel(entries: list[RunEntry]) -> None:
    """The results of each run, then the settings in which they differ."""
    readable = [entry for entry in entries if entry.status]
    if not readable:
        return
    for sentence in data_warnings(readable):
        st.warning(words.plain(sentence), icon=":material/warning:")
    st.dataframe(
        results_table(readable),
        hide_index=True,
        key="compare_results",
        column_config={
            "color": st.column_config.ImageColumn("", width=36, pinned=True),
            "Run": st.column_config.TextColumn(pinned=True, width="medium"),
        },
    )
    if len(readable) < 2:
        st.caption("Select a second run to see in which settings they differ.")
        return
    st.markdown("##### Settings that differ")
    recipes, problems = recipes_of([entry.run for entry in readable])
    for problem in problems:
        st.error(words.plain(problem), icon=":material/broken_image:")
    names = unique_names(readable)
    table = differing_settings({names[run_id]: recipe for run_id, recipe in recipes.items()})
    if len(recipes) < 2:
        return
    if table.empty:
        st.caption("None: these runs have the same settings, down to the seed.")
        return
    st.dataframe(
        table,
        hide_index=True,
        key="compare_differences",
        column_config={"Setting": st.column_config.TextColumn(pinned=True, width="medium")}
        | {name: st.column_config.TextColumn(width=220) for name in table.columns[1:]},
    )


def data_warnings(entries: Sequence[RunEntry]) -> list[str]:
    """Why accuracies of these runs do not compare, where they don't."""
    statuses = [entry.status for entry in entries if entry.status]
    names = sorted({status.dataset for status in statuses})
    if len(names) > 1:
        return [f"These runs saw different data sets ({', '.join(names)}): their accuracies do not compare."]
    found = []
    if len({status.dataset_fingerprint for status in statuses}) > 1:
        found.append(
            f"The data set {names[0]} was changed between these runs: their accuracies do not compare."
        )
    elif len({status.split_fingerprint for status in statuses}) > 1:
        found.append(
            f"The split of {names[0]} was changed between these runs: their val images are not the same, "
            "so their accuracies do not compare."
        )
    return found


def results_table(entries: Sequence[RunEntry]) -> pd.DataFrame:
    """One row per run, as a person reads it."""
    names = unique_names(list(entries))
    rows = []
    for entry in entries:
        status = entry.status
        if status is None:
            continue
        best, last, look = status.best, status.last, newest_test_look(entry.run)
        rows.append(
            {
                "color": swatch(run_color(status.color)),
                "Run": names[entry.id],
                "State": status.state,
                "Best val": words.percent(best.val_accuracy) if best else MISSING,
                "at epoch": str(best.epoch) if best else MISSING,
                "Gap at best": words.points(best.gap) if best else MISSING,
                "Last val": words.percent(last.val_accuracy) if last else MISSING,
                "Clean train": words.percent(last.clean_train_accuracy) if last else MISSING,
                "Test": words.percent(look.accuracy) if look else MISSING,
                "Test, TTA": _tta(look.tta_accuracy, look.tta_views) if look else MISSING,
                "Epochs": f"{status.epoch} of {status.epochs}",
                "Time": words.duration(status.elapsed_s),
                "Data set": status.dataset,
                "Architecture": kind_words("architecture", status.architecture),
            }
        )
    return pd.DataFrame(rows)


def _tta(accuracy: float | None, views: int | None) -> str:
    return MISSING if accuracy is None else f"{words.percent(accuracy)} ({views} views)"
