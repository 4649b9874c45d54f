"""Many unlabelled images at once, and the CSV of their classes."""

import csv
import io
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core.classify import (
    Answers,
    classify_images,
    classify_unlabelled,
    found_images,
    ids_have_endings,
    zipped_images,
)
from core.data import Library, Progress
from core.errors import BadInput, PlateauError
from ui.classify_choice import Choice, one_thread_while_training
from ui.classify_progress import cancellable
from ui.services import library
from ui.words import count, plain

_RESULT = "classify_csv"
_OWN, _UPLOAD, _PATH = "The data set's unlabelled images", "Upload a zip", "A folder or zip on this machine"
_PREVIEW = 200
_MOST_TOLD = 200


def show_batch(choice: Choice) -> None:
    """Choose the images, classify them, download the CSV."""
    unlabelled = _unlabelled(library(), choice.predictor.card.dataset)
    ways = [_OWN, _UPLOAD, _PATH] if unlabelled else [_UPLOAD, _PATH]
    way = st.segmented_control(
        "Unlabelled images", ways, default=ways[0], required=True, key=f"classify_way_{len(ways)}",
        help="Each image becomes a row Id,Category. With TTA on, the category is the majority vote.",
    )  # fmt: skip
    upload, path = None, ""
    if way == _OWN:
        st.caption(f"{count(unlabelled)} images of {plain(choice.predictor.card.dataset)} have no label.")
    elif way == _UPLOAD:
        upload = st.file_uploader(
            "Zip of images", type="zip", key="classify_zip",
            help="The Id is the image's path inside; a folder around everything doesn't count.",
        )  # fmt: skip
    else:
        path = st.text_input(
            "Folder or zip", key="classify_path", placeholder="/home/me/pictures/unlabelled",
            help="On the machine that Plateau runs on. The Id is the image's path inside.",
        )  # fmt: skip
    if st.button("Classify all", type="primary", icon=":material/playlist_add_check:", key="classify_all"):
        _classify(choice, str(way), upload, path.strip())
    _show_result(choice)


def _unlabelled(data: Library, name: str) -> int:
    """How many; none where the data set is gone."""
    try:
        return data.open(name).info.counts.get("unlabelled", 0)
    except PlateauError:
        return 0


def _classify(choice: Choice, way: str, upload: Any, path: str) -> None:
    st.session_state.pop(_RESULT, None)
    with cancellable("Looking at the files") as progress, one_thread_while_training():
        answers = _answers(choice, way, upload, path, progress)
    st.session_state[_RESULT] = {
        "run": choice.run.id,
        "name": choice.name,
        "epoch": choice.epoch,
        "views": choice.views,
        "averaged": choice.averaged,
        "csv": answers.csv(endings=ids_have_endings(library(), choice.predictor.card.dataset)),
        "count": len(answers.answers),
        "warning": answers.warning,
        "left_out": list(answers.left_out),
    }


def _answers(choice: Choice, way: str, upload: Any, path: str, progress: Progress) -> Answers:
    predictor, views = choice.predictor, choice.views
    if way == _OWN:
        dataset = library().open(predictor.card.dataset)
        return classify_unlabelled(predictor, dataset, views=views, progress=progress)
    if way == _UPLOAD:
        if upload is None:
            raise BadInput("There is no zip yet; upload one, then classify.")
        with zipped_images(upload, upload.name, progress) as found:
            return classify_images(predictor, found, views=views, progress=progress)
    if not path:
        raise BadInput("The folder is empty; give the path of a folder or zip of images.")
    with found_images([Path(path).expanduser()], progress) as found:
        return classify_images(predictor, found, views=views, progress=progress)


def _show_result(choice: Choice) -> None:
    result: dict[str, Any] | None = st.session_state.get(_RESULT)
    if result is None:
        return
    with st.container(border=True):
        weights = ", averaged weights (EMA)" if result["averaged"] else ""
        voted = f", majority of {result['views']} views" if result["views"] else ""
        done = f"{count(result['count'])} image{'s' if result['count'] != 1 else ''} classified"
        st.markdown(f"**{done}** by {plain(result['name'])}, epoch {result['epoch']}{weights}{voted}.")
        st.download_button(
            "Download the CSV",
            result["csv"],
            file_name=f"{result['run']}-epoch-{result['epoch']}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="classify_download",
        )
        if result["warning"]:
            st.warning(plain(result["warning"]), icon=":material/warning:")
        if result["left_out"]:
            _show_left_out(result["left_out"])
        rows = list(csv.reader(io.StringIO(result["csv"])))[1 : _PREVIEW + 1]
        st.dataframe(pd.DataFrame(rows, columns=["Id", "Category"]), hide_index=True, height=280, width=520)
        if result["count"] > _PREVIEW:
            st.caption(f"The first {_PREVIEW} rows; the file has all {count(result['count'])}.")


def _show_left_out(sentences: list[str]) -> None:
    with st.expander(f"Left out: {len(sentences)}", icon=":material/warning:", expanded=len(sentences) <= 5):
        shown = [f"- {plain(sentence)}" for sentence in sentences[:_MOST_TOLD]]
        if len(sentences) > _MOST_TOLD:
            shown.append(f"- and {len(sentences) - _MOST_TOLD} more")
        st.markdown("\n".join(shown))
