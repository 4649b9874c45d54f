"""The page Classify without a browser: opening it, reading it, using its widgets."""

import io
from pathlib import Path

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.data import Dataset
from core.runs import Run
from tests.pages.opening import opened


def save(dataset: Dataset, index: int, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(dataset.images[index])).save(path)


def encoded(dataset: Dataset, index: int, kind: str) -> bytes:
    target = io.BytesIO()
    Image.fromarray(np.array(dataset.images[index])).save(target, kind)
    return target.getvalue()


def page(run: Run | str = "", **query: str) -> AppTest:
    return opened("classify", run=run.id if isinstance(run, Run) else run, **query)


def cards(test: AppTest) -> str:
    return "".join(html.proto.body for html in test.html)


def texts(test: AppTest) -> str:
    parts = [*test.markdown, *test.caption, *test.error, *test.warning]
    return "\n".join(str(part.value) for part in parts).replace("\\", "")
