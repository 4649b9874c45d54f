"""An unknown PLATEAU_LAUNCHER is said on the page, and nothing is said otherwise."""

import pytest
from streamlit.testing.v1 import AppTest


def script() -> None:
    from ui.launcher_notice import launcher_notice

    launcher_notice()


def test_an_unknown_launcher_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATEAU_LAUNCHER", "rocket")
    [error] = AppTest.from_function(script).run().error
    assert error.value.replace("\\", "") == (
        "Runs wait, and none begins. PLATEAU_LAUNCHER = 'rocket': must be 'thread' or 'process'; set it to "
        "one of them, or not at all. Then start the app again."
    )


@pytest.mark.parametrize("value", ["", "thread", "process"])
def test_a_known_one_is_no_news(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PLATEAU_LAUNCHER", value)
    test = AppTest.from_function(script).run()
    assert not test.error and not test.exception
