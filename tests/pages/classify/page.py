"""The page Classify without a browser: opening it, reading it, using its widgets."""

import io
from pathlib import Path

import numpy as np
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.data import Dataset
from core.runs import Run

PAGE = Path(__file__).resolve().parents[3] / "pages" / "classify.py"


def save(dataset: Dataset, index: int, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(dataset.images[index])).save(path)


def encoded(dataset: Dataset, index: int, kind: str) -> bytes:
    target = io.BytesIO()
    Image.fromarray(np.array(dataset.images[index])).save(target, kind)
    return target.getvalue()


def page(run: Run | str = "", **query: str) -> AppTest:
    test = AppTest.from_file(str(PAGE), default_timeout=20)
    run_id = run.id if isinstance(run, Run) else run
    for key, value in ({"run": run_id} | query).items():
        if value:
            test.query_params[key] = value
    return show(test)


def show(test: AppTest) -> AppTest:
    test.run()
    assert not test.exception
    return test


def press(test: AppTest, key: str) -> AppTest:
    test.button(key=key).click()
    return show(test)


def cards(test: AppTest) -> str:
    return "".join(html.proto.body for html in test.html)


def texts(test: AppTest) -> str:
    parts = [*test.markdown, *test.caption, *test.error, *test.warning]
    return "\n".join(str(part.value) for part in parts).replace("\\", "")
