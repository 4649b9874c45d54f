"""The four ways to a new data set: what is filled in, checked, and handed to the import."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st
from pydantic import ValidationError

from core.data import (
    KNOWN_SETS,
    FolderSource,
    ImportOptions,
    KnownSource,
    ShapesSource,
    Source,
    TableSource,
    ZipSource,
)
from core.data.import_job import UploadedZip
from core.errors import BadInput, InvalidSettings, Problem
from core.files import to_json
from core.problems import problems_of
from core.spec import Spec, settings_of
from ui.data_jobs import clear_notice, jobs, start
from ui.data_known import by_hand_words, known_words
from ui.form import Form
from ui.form_cells import STYLE
from ui.form_values import conform
from ui.services import library
from ui.words import plain

WAYS = {
    "shapes": ":material/category: Built-in shapes",
    "files": ":material/folder: Folder or zip",
    "table": ":material/table: Images and CSV",
    "known": ":material/public: Known sets",
}
_DRAFT = "data_draft"

PATHS_STYLE = """<style>
[class*="st-key-cells-data-table"], [class*="st-key-cells-data-known"] {
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); }
</style>"""
"""Paths need wider cells than numbers."""


@dataclass(frozen=True)
class Upload:
    """A zip as the browser sent it."""

    name: str
    content: Any


def show_add() -> None:
    """The chosen way's fields, the settings that all ways share, and the button."""
    draft = _draft()
    st.html(STYLE + PATHS_STYLE)
    with st.container(width=1000):
        _show_form(draft)


def _show_form(draft: dict[str, Any]) -> None:
    way = st.segmented_control(
        "How to add data",
        list(WAYS),
        default=st.query_params["add"],
        required=True,
        format_func=WAYS.__getitem__,
        key="data_way",
        label_visibility="collapsed",
    )
    st.query_params["add"] = way
    upload = _FIELDS[way](draft)
    name = st.text_input(
        "Name",
        value=draft["names"].get(way, ""),
        max_chars=64,
        key=f"data_name_{way}",
        placeholder=_suggested(draft, way, upload),
        help="What the data set is called here: letters, digits, '-', '_' and '.'. Empty: the suggestion.",
    )
    draft["names"][way] = name
    with st.expander("Image size, colour, split", icon=":material/tune:"):
        problems = _problems(ImportOptions, draft["options"]) if draft["tried"] else []
        form = Form(ImportOptions, draft["options"], "data-options", problems=problems)
        form.draw([setting.name for setting in settings_of(ImportOptions)], "options")
    if st.button(
        "Import", type="primary", icon=":material/download:", key="data_import", on_click=_try, args=(draft,)
    ):
        _start(draft, way, name.strip() or _suggested(draft, way, upload), upload)
        st.rerun()


def _try(draft: dict[str, Any]) -> None:
    """From the first try on, what is wrong stands below its field too."""
    draft["tried"] = True
    clear_notice()


def show_first_step() -> None:
    """What a first visit sees: one button that works, and the ways to data of one's own."""
    st.markdown(
        "A run learns from a set of labelled images. The quickest start is the built-in set: 6,000 drawn "
        "shapes in 10 classes, made here in a few seconds."
    )
    if st.button("Make the shapes set", type="primary", icon=":material/category:", key="data_first"):
        start(ShapesSource(), _free_name("shapes"), ImportOptions())
        st.rerun()
    st.markdown("Or bring your own:")
    with st.container(horizontal=True):
        for way, label in WAYS.items():
            if way != "shapes" and st.button(label, key=f"data_first_{way}"):
                st.query_params["add"] = way
                st.rerun()


def _draft() -> dict[str, Any]:
    """What was filled in so far: plain data, kept while other pages are read."""
    if _DRAFT not in st.session_state:
        st.session_state[_DRAFT] = {
            "names": {},
            "tried": False,
            "options": conform(ImportOptions, {}),
            "shapes": conform(ShapesSource, {}),
            "files": {"from": "path", "path": ""},
            "zip": conform(ZipSource, {}),
            "table": conform(TableSource, {}),
            "known": conform(KnownSource, {}),
        }
    return st.session_state[_DRAFT]


# ---- the fields of each way ----


def _shapes_fields(draft: dict[str, Any]) -> Upload | None:
    st.caption(
        "Drawn shapes with changing place, size, turn, colours, texture and noise: made here in a few "
        "seconds, and hard enough that augmentation and schedules matter."
    )
    _form(ShapesSource, draft, "shapes")
    return None


def _files_fields(draft: dict[str, Any]) -> Upload | None:
    st.caption(
        "One folder of images per class, with or without folders train, val and test above them; a zip may "
        "also hold a CSV beside its images."
    )
    values = draft["files"]
    origin = st.segmented_control(
        "Where it is",
        ["path", "upload"],
        default=values["from"],
        required=True,
        format_func={"path": "On this machine", "upload": "Upload a zip"}.__getitem__,
        key="data_files_from",
        help="Large sets are quicker from a folder of the machine that Plateau runs on.",
    )
    values["from"] = origin
    upload = None
    if origin == "path":
        values["path"] = st.text_input(
            "Folder or zip",
            value=values["path"],
            key="data_files_path",
            placeholder="/home/me/pictures/flowers",
            help="Where the class folders are, or the folders train, val and test; or a zip with them.",
        ).strip()
    else:
        sent = st.file_uploader(
            "Zip", type="zip", key="data_zip", help="Up to 1 GB. It is read once and dropped."
        )
        upload = Upload(sent.name, sent) if sent else None
    if origin == "upload" or values["path"].lower().endswith(".zip"):
        with st.expander("A CSV inside the zip", icon=":material/table:"):
            names = [s.name for s in settings_of(ZipSource) if s.name != "path"]
            Form(ZipSource, draft["zip"], "data-zip").draw(names, "zip")
    return upload


def _table_fields(draft: dict[str, Any]) -> Upload | None:
    st.caption(
        "A folder of images, a CSV that gives each image's class, and where there is one, a folder of "
        "unlabelled test images: the usual layout of a competition."
    )
    _form(TableSource, draft, "table")
    return None


def _known_fields(draft: dict[str, Any]) -> Upload | None:
    values = draft["known"]
    downloads = Path(values["folder"]).expanduser() if values["folder"] else library().downloads
    names = list(KNOWN_SETS)
    values["dataset"] = st.selectbox(
        "Data set",
        names,
        index=names.index(values["dataset"]),
        format_func=lambda name: known_words(name, downloads),
        key="data_known",
        help="torchvision's own files, checked; each set keeps its own test split.",
    )
    st.caption(plain(by_hand_words(values["dataset"], downloads)))
    with st.expander("Files in another folder", icon=":material/folder_open:"):
        Form(KnownSource, values, "data-known").draw(["folder"], "known")
    return None


_FIELDS: dict[str, Callable[[dict[str, Any]], Upload | None]] = {
    "shapes": _shapes_fields,
    "files": _files_fields,
    "table": _table_fields,
    "known": _known_fields,
}


def _form(spec: type[Spec], draft: dict[str, Any], way: str) -> None:
    problems = _problems(spec, draft[way]) if draft["tried"] else []
    Form(spec, draft[way], f"data-{way}", problems=problems).draw([s.name for s in settings_of(spec)], way)


# ---- names ----


def _suggested(draft: dict[str, Any], way: str, upload: Upload | None) -> str:
    """A free name, out of what was filled in."""
    match way:
        case "shapes":
            base = "shapes"
        case "known":
            base = draft["known"]["dataset"]
        case "table":
            base = Path(draft["table"]["images"]).name
        case _:
            base = Path(upload.name if upload else draft["files"]["path"]).name
    base = re.sub(r"\.zip$", "", base, flags=re.IGNORECASE)
    return _free_name(re.sub(r"[^A-Za-z0-9._-]+", "-", base).strip("-.")[:56] or "my-data")


def _free_name(base: str) -> str:
    taken = {info.name.casefold() for info in library().list()}
    names = [base, *(f"{base}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name.casefold() not in taken)


# ---- the import ----


def _start(draft: dict[str, Any], way: str, name: str, upload: Upload | None) -> None:
    """Check everything, then begin. Raises BadInput with all that is wrong, or Busy."""
    spec, values = _source_values(draft, way, upload)
    problems = [
        *_problems(spec, values, labels=True),
        *_problems(ImportOptions, draft["options"], labels=True),
    ]
    if problems:
        raise InvalidSettings(problems)
    options = ImportOptions.model_validate_json(to_json(draft["options"]))
    if way == "files" and draft["files"]["from"] == "upload":
        _start_upload(upload, values, name, options)
    else:
        source: Source = spec.model_validate_json(to_json(values))  # type: ignore[assignment]
        start(source, name, options)
    draft["names"].pop(way, None)
    draft["tried"] = False


def _start_upload(upload: Upload | None, values: dict[str, Any], name: str, options: ImportOptions) -> None:
    if upload is None:
        raise BadInput("There is no zip yet; upload one, then import.")
    jobs().check(library(), name)  # before a gigabyte is copied
    fields = {key: value for key, value in values.items() if key not in ("kind", "path")}
    source = UploadedZip.keep(upload.content, upload.name, library().folder, **fields)
    try:
        start(source, name, options)
    except BaseException:
        source.close()
        raise


def _source_values(
    draft: dict[str, Any], way: str, upload: Upload | None
) -> tuple[type[Spec], dict[str, Any]]:
    """The source's class, and what was filled in for it."""
    specs: dict[str, type[Spec]] = {"shapes": ShapesSource, "table": TableSource, "known": KnownSource}
    if way in specs:
        return specs[way], draft[way]
    path = draft["files"]["path"]
    if draft["files"]["from"] == "upload":
        return ZipSource, draft["zip"] | {"path": upload.name if upload else "upload.zip"}
    if path.lower().endswith(".zip"):
        return ZipSource, draft["zip"] | {"path": path}
    return FolderSource, {"kind": "folder", "path": path}


def _problems(spec: type[Spec], values: dict[str, Any], *, labels: bool = False) -> list[Problem]:
    """Everything that is wrong with these values; with `labels` the fields by what the form calls them."""
    names = {setting.name: setting.label for setting in settings_of(spec)} if labels else {}
    try:
        spec.model_validate_json(to_json(values))
    except ValidationError as error:
        return problems_of(error, spec, names)
    return []
