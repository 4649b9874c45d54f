"""What the frame around every page does for their width."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

from core.runs import RunStore
from tests.pages.opening import show
from ui.layout import LEAST_PX

ROUTER = Path(__file__).resolve().parents[2] / "ui" / "router.py"


def test_the_frame_gives_every_page_its_rules_for_narrow_windows(store: RunStore) -> None:
    test = show(AppTest.from_file(str(ROUTER), default_timeout=60))
    assert any(f"min({LEAST_PX}px, 100%)" in html.proto.body for html in test.html)
