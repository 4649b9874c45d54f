"""A page without a browser: opening it, running it, pressing its buttons."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

PAGES = Path(__file__).resolve().parents[2] / "pages"


def opened(name: str, **address: str) -> AppTest:
    """The page of this name, with these parameters in its address."""
    test = AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=30)
    for key, value in address.items():
        if value:
            test.query_params[key] = value
    return show(test)


def show(test: AppTest) -> AppTest:
    test.run()
    assert not test.exception, test.exception[0].value
    return test


def press(test: AppTest, key: str) -> AppTest:
    test.button(key=key).click()
    return show(test)
