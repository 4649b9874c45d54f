"""The curves as a PNG."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core.insight.diary import pictures
from core.insight.diary.pictures import SCALE, WIDTH, Pictures, curves_spec, draw
from core.insight.palette import run_color
from tests.pages.made_runs import epoch_row

ROWS = [epoch_row(epoch, 12) for epoch in range(1, 13)]


def opened(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    return image.convert("RGB")


@pytest.mark.parametrize("color", [0, 5, 13])
def test_the_picture_is_on_white_and_in_the_runs_colour(color: int) -> None:
    image = opened(draw(curves_spec(ROWS, color) or {}))
    assert image.width > SCALE * WIDTH
    assert image.getpixel((0, 0)) == (255, 255, 255)
    wanted = tuple(bytes.fromhex(run_color(color)[1:]))
    found = {pixel for _, pixel in image.getcolors(image.width * image.height) or []}
    assert any(max(abs(a - b) for a, b in zip(wanted, pixel, strict=True)) <= 4 for pixel in found)


@pytest.mark.parametrize("rows", [[], [{"epoch": 1}]])
def test_without_a_number_there_is_no_picture(rows: list[dict[str, Any]]) -> None:
    assert curves_spec(rows, 0) is None


@pytest.mark.parametrize(
    "rows",
    [
        ROWS[:1],
        [epoch_row(epoch, 2_000) for epoch in range(1, 2_001)],
        [ROWS[0], ROWS[1] | {"val/accuracy": float("nan"), "lr": float("inf")}, ROWS[2]],
        [{"epoch": 1, "lr": 0.1}],
        [{"epoch": 1, "val/accuracy": 0.5}],
        [row | {"val/ema_accuracy": 0.5} for row in ROWS],
    ],
    ids=["one epoch", "many epochs", "no numbers", "no accuracy", "no lr", "averaged"],
)
def test_any_rows_can_be_drawn(rows: list[dict[str, Any]]) -> None:
    png = draw(curves_spec(rows, 1, [1]) or {})
    assert opened(png).height > 0
    assert len(png) < 60_000


def test_the_average_has_a_line_only_where_there_is_one() -> None:
    plain, averaged = (
        str(curves_spec(rows, 0)) for rows in (ROWS, [row | {"val/ema_accuracy": 0.5} for row in ROWS])
    )
    assert "val (EMA)" not in plain and "val (EMA)" in averaged


def test_nothing_is_fetched_from_elsewhere() -> None:
    spec = curves_spec(ROWS, 0)
    assert "'url'" not in str(spec)


class TestKept:
    @pytest.fixture
    def drawn(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """What was really drawn, in place of drawing it."""
        calls: list[str] = []

        def instead(spec: dict[str, Any]) -> bytes:
            calls.append(str(spec))
            return f"picture {len(calls)}".encode()

        monkeypatch.setattr(pictures, "draw", instead)
        return calls

    def test_the_same_rows_are_drawn_once(self, tmp_path: Path, drawn: list[str]) -> None:
        spec = curves_spec(ROWS, 0) or {}
        first = Pictures(tmp_path / "kept").png(spec)
        assert Pictures(tmp_path / "kept").png(spec) == first and len(drawn) == 1

    def test_another_row_or_colour_is_drawn_anew(self, tmp_path: Path, drawn: list[str]) -> None:
        kept = Pictures(tmp_path)
        for rows, color in ((ROWS, 0), (ROWS, 1), (ROWS[:-1], 0)):
            kept.png(curves_spec(rows, color) or {})
        assert len(drawn) == 3

    def test_what_is_no_longer_asked_for_goes(self, tmp_path: Path, drawn: list[str]) -> None:
        Pictures(tmp_path).png(curves_spec(ROWS[:-1], 0) or {})
        kept = Pictures(tmp_path)
        kept.png(curves_spec(ROWS, 0) or {})
        kept.forget_others()
        assert len(list(tmp_path.iterdir())) == 1
        kept.png(curves_spec(ROWS, 0) or {})
        assert len(drawn) == 2

    def test_where_nothing_can_be_kept_it_is_drawn_each_time(self, tmp_path: Path, drawn: list[str]) -> None:
        (tmp_path / "file").write_text("no folder")
        for kept in (Pictures(), Pictures(tmp_path / "file" / "below")):
            kept.png(curves_spec(ROWS, 0) or {})
            kept.forget_others()
        assert len(drawn) == 2


@pytest.mark.parametrize(("spread", "labels"), [(0.4, {"40%", "60%"}), (0.01, {"50.0%", "50.5%"})])
def test_the_axis_of_accuracies_names_each_tick_once(spread: float, labels: set[str]) -> None:
    import vl_convert

    rows = [{"epoch": at, "val/accuracy": 0.5 + spread * (at - 2), "lr": 0.1} for at in (1, 2, 3)]
    svg = vl_convert.vegalite_to_svg(json.dumps(curves_spec(rows, 0)), vl_version="6.4")
    shown = re.findall(r">([\d.]+%)<", svg)
    assert len(shown) == len(set(shown)) and labels <= set(shown)
