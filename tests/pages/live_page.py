"""The page Live without a browser, and what it says."""

from typing import Any

from streamlit.testing.v1 import AppTest

from tests.pages.opening import opened


def page(**address: str) -> AppTest:
    return opened("live", **address)


def texts(test: AppTest) -> str:
    parts = [*test.markdown, *test.caption, *test.error, *test.info, *test.subheader]
    return "\n".join(str(part.value) for part in parts)


def buttons(test: AppTest) -> dict[str, Any]:
    return {button.key: button for button in test.button}


def metrics(test: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in test.metric}
