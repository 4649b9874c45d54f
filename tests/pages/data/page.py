"""The page Data without a browser: opening it, reading it, using its widgets."""

import time
from pathlib import Path

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.data import Dataset
from tests.pages.opening import opened, press, show
from ui.data_jobs import jobs


def save(dataset: Dataset, index: int, path: Path) -> None:
    Image.fromarray(np.array(dataset.images[index])).save(path)


def page(**query: str) -> AppTest:
    return opened("data", **query)


def until_imported(test: AppTest) -> AppTest:
    """The page after the import in the background is over."""
    deadline = time.monotonic() + 15
    while jobs().running and time.monotonic() < deadline:
        time.sleep(0.05)
    return show(test)


def errors(test: AppTest) -> str:
    return "\n".join(str(error.value) for error in test.error)


def texts(test: AppTest) -> str:
    parts = [*test.markdown, *test.caption, *test.error, *test.warning, *test.success, *test.info, *test.html]
    return "\n".join(str(getattr(part, "value", "") or getattr(part, "body", "")) for part in parts)


def keys(test: AppTest) -> set[str]:
    return {str(button.key) for button in test.button}


def upload(content: bytes, file: str, *, name: str = "") -> AppTest:
    """The page after an import of this zip was asked for."""
    test = page(add="files")
    test.button_group(key="data_files_from").set_value("upload")
    show(test)
    test.file_uploader(key="data_zip").set_value((file, content, "application/zip"))
    test.text_input(key="data_name_files").set_value(name)
    show(test)
    return press(test, "data_import")
