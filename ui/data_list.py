"""The imported sets as a table; the one that is selected stands in the address."""

import base64
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from core.data import DamagedDataset, DatasetInfo, Library
from core.errors import PlateauError
from ui.pixels import grid_png
from ui.words import count, moment, plain, size

SOURCES = {
    "shapes": "Shapes",
    "folder": "Folder",
    "zip": "Zip",
    "table": "Folder and CSV",
    "known": "Known set",
}
_SAMPLES = 6


def choose_dataset(library: Library, found: list[DatasetInfo | DamagedDataset]) -> str:
    """Draw the table; returns the name of the selected set."""
    names = [info.name for info in found]
    asked = st.query_params.get("data")
    if asked and asked not in names:
        st.warning(f"There is no data set {plain(asked)}.", icon=":material/search_off:")
    selected = asked if asked in names else _newest(found)
    # Another list of names is another table: a row's number must not outlive its row.
    key = hashlib.blake2b("/".join(names).encode(), digest_size=6).hexdigest()
    event = st.dataframe(
        pd.DataFrame([_row(library, info) for info in found]),
        hide_index=True,
        key=f"datasets-{key}",
        on_select="rerun",
        selection_mode="single-row",
        selection_default={"selection": {"rows": [names.index(selected)], "columns": [], "cells": []}},
        row_height=38,
        placeholder="",
        column_config={
            "Samples": st.column_config.ImageColumn(width=190),
            "Name": st.column_config.TextColumn(width="medium"),
            "Images": st.column_config.NumberColumn(format="localized"),
        },
    )
    rows = event["selection"]["rows"]
    if rows:
        selected = names[rows[0]]
    if selected != asked:
        st.query_params["data"] = selected
    return selected


def _newest(found: list[DatasetInfo | DamagedDataset]) -> str:
    whole = [info for info in found if isinstance(info, DatasetInfo)]
    return max(whole, key=lambda info: info.created_at).name if whole else found[0].name


def _row(library: Library, info: DatasetInfo | DamagedDataset) -> dict[str, object]:
    bytes_on_disk = _disk_bytes(library, info.name)
    if isinstance(info, DamagedDataset):
        return {"Samples": None, "Name": info.name, "Source": "damaged", "On disk": size(bytes_on_disk)}
    return {
        "Samples": _strip(str(library.folder), info.name, info.fingerprint),
        "Name": info.name,
        "Images": info.images,
        "Classes": len(info.classes),
        "Size": f"{info.image_size} px",
        "Colour": "grey" if info.channels == 1 else "RGB",
        "Source": source_words(info),
        "On disk": size(bytes_on_disk),
        "Imported (UTC)": moment(info.created_at),
    }


def _disk_bytes(library: Library, name: str) -> int | None:
    try:
        return library.disk_bytes(name)
    except (PlateauError, OSError):
        return None


def source_words(info: DatasetInfo) -> str:
    """Where a set came from, in a few words."""
    source = info.source
    kind = str(source.get("kind", ""))
    if kind == "known":
        return f"Known set: {source.get('dataset', '')}"
    return SOURCES.get(kind, kind)


@st.cache_data(max_entries=300, show_spinner=False)
def _strip(folder: str, name: str, fingerprint: str) -> str | None:
    """A few images side by side as a data address; none where they cannot be read."""

    try:
        dataset = Library(Path(folder)).open(name)
    except PlateauError:
        return None
    chosen = np.random.default_rng(0).permutation(dataset.info.images)[:_SAMPLES]
    picture = grid_png(dataset.images[np.sort(chosen)], columns=_SAMPLES, gap=3)
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"


def totals(found: list[DatasetInfo | DamagedDataset]) -> str:
    """'3 data sets, 76,000 images'."""
    images = sum(info.images for info in found if isinstance(info, DatasetInfo))
    return f"{len(found)} data set{'s' if len(found) != 1 else ''}, {count(images)} images"
