"""What the selected runs reached, and what they were set to where they differ."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.insight import has_average, number
from core.recipe.words import MISSING, kind_words
from core.runs import Look, RunEntry, Status
from ui import words
from ui.charts import run_color
from ui.comparability import comparability_warning
from ui.compare_curves import Reads, unique_names
from ui.compare_settings import SETTING, differing_settings, recipes_of
from ui.run_table import looks_at_test, swatch
from ui.smallest import SMALLEST_OF_TWO, smallest_of_splits


def results_panel(entries: list[RunEntry], reads: Reads) -> None:
    """The results of each run, then the settings in which they differ."""
    readable = [entry for entry in entries if entry.status]
    if not readable:
        return
    comparability_warning(readable)
    st.dataframe(
        results_table(readable, reads),
        hide_index=True,
        key="compare_results",
        column_config={
            "color": st.column_config.ImageColumn("", width=36, pinned=True),
            "Run": st.column_config.TextColumn(width="medium"),
            "Last val (EMA)": st.column_config.TextColumn(
                help="Val accuracy of the averaged weights after the last epoch."
            ),
            # Widths that hold the longest: a table whose rows change keeps those of its first rows.
            "Test": st.column_config.TextColumn(help=TEST_HELP, width=150),
            "Test, TTA": st.column_config.TextColumn(help=TEST_HELP, width=190),
            "Time": st.column_config.TextColumn(width=110),
        },
    )
    if sentences := smallest_of_splits(readable):
        st.caption(words.plain(" ".join([*sentences, SMALLEST_OF_TWO])))
    if len(readable) < 2:
        st.caption("Select a second run to see in which settings they differ.")
        return
    _differences(readable)


TEST_HELP = (
    "The newest test evaluation of its kind. Where it was not of the best epoch's checkpoint, "
    "the epoch stands behind it."
)


def _differences(entries: Sequence[RunEntry]) -> None:
    st.markdown("##### Settings that differ")
    recipes, problems = recipes_of([entry.run for entry in entries])
    for problem in problems:
        st.error(words.plain(problem), icon=":material/broken_image:")
    if len(recipes) < 2:
        return
    table = differing_settings(recipes)
    if table.empty:
        st.caption("None: these runs have the same settings, down to the seed.")
        return
    # The columns are the runs' ids: a name may be anything, and two runs may share it.
    names = unique_names(entries)
    st.dataframe(
        table,
        hide_index=True,
        key="compare_differences",
        column_config={SETTING: st.column_config.TextColumn("Setting", pinned=True, width="medium")}
        | {run_id: st.column_config.TextColumn(names[run_id], width=220) for run_id in recipes},
    )


def results_table(entries: Sequence[RunEntry], reads: Reads) -> pd.DataFrame:
    """One row per run, as a person reads it."""
    names = unique_names(entries)
    averaged = any(has_average(read.rows) for read in reads.values())
    rows = []
    for entry in entries:
        status = entry.status
        if status is None:
            continue
        best, last = status.best, status.last
        row: dict[str, Any] = {
            "color": swatch(run_color(status.color)),
            "Run": names[entry.id],
            "State": status.state,
            "Best val": words.percent(best.val_accuracy) if best else MISSING,
            "at epoch": str(best.epoch) if best else MISSING,
            "Gap at best": words.points(best.gap) if best else MISSING,
            "Last val": words.percent(last.val_accuracy) if last else MISSING,
        }
        if averaged:
            done = reads[entry.id].rows
            row["Last val (EMA)"] = words.percent(number(done[-1], "val/ema_accuracy") if done else None)
        look, with_tta, looks = looks_at_test(entry.run)
        row |= {
            "Clean train": words.percent(last.clean_train_accuracy) if last else MISSING,
            "Test": look_words(look, status),
            "Test, TTA": look_words(with_tta, status, tta=True),
            "Looks at test": "not known" if looks is None else str(looks),
            "Epochs": f"{status.epoch} of {status.epochs}",
            "Time": words.duration(status.elapsed_s),
            "Data set": status.dataset,
            "Architecture": kind_words("architecture", status.architecture),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def look_words(look: Look | None, status: Status, *, tta: bool = False) -> str:
    """An evaluation on the test split: '58.3 % (5 views), EMA, @ epoch 12'.

    The epoch is named where it is not the best one, the average where its weights were evaluated.
    """
    if look is None:
        return MISSING
    said = words.percent(look.tta_accuracy if tta else look.accuracy)
    if tta and look.tta_views:
        said += f" ({look.tta_views} views)"
    if look.averaged:
        said += ", EMA"
    if status.best is None or look.checkpoint_epoch != status.best.epoch:
        said += f" @ epoch {look.checkpoint_epoch}"
    return said
