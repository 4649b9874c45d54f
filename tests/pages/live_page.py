"""The page Live without a browser, and what it says."""

from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

PAGE = Path(__file__).resolve().parents[2] / "pages" / "live.py"


def page(**address: str) -> AppTest:
    test = AppTest.from_file(str(PAGE), default_timeout=20)
    for name, value in address.items():
        test.query_params[name] = value
    return show(test)


def show(test: AppTest) -> AppTest:
    test.run()
    assert not test.exception
    return test


def texts(test: AppTest) -> str:
    parts = [*test.markdown, *test.caption, *test.error, *test.info, *test.subheader]
    return "\n".join(str(part.value) for part in parts)


def buttons(test: AppTest) -> dict[str, Any]:
    return {button.key: button for button in test.button}


def metrics(test: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in test.metric}
