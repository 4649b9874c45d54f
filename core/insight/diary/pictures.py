"""A run's curves as a picture: a Vega-Lite spec in plain words, drawn by vl-convert as a PNG.

vl-convert holds Vega, a rasterizer and its fonts in one wheel: no browser and no network is asked.
"""

import hashlib
import io
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.files import replacing, to_json
from core.insight.curves import best_row, number, thin
from core.insight.lr_line import Line, lr_rows
from core.insight.palette import ACCURACY_LINES, run_color
from core.words import percent

Row = Mapping[str, Any]
Spec = dict[str, Any]

WIDTH, ACCURACY_HEIGHT, LR_HEIGHT = 640, 240, 80
SCALE = 2
"""Pixels per unit of the spec: sharp on screens of twice the density, and on paper."""
POINTS = 300
"""More points than this the width does not show."""
DOTS_UP_TO = 40
"""Up to so many epochs each one has a dot: a line of one point would show nothing."""
COLOURS = 128
"""Of the PNG's palette: with all colours and transparency the same picture takes ten times the space."""
VEGA_LITE = "6.4"
_GREY, _RULE = "#5a6470", "#dde2e7"


def curves_spec(rows: Sequence[Row], color: int, marks: Sequence[int] = (), line: Line = ()) -> Spec | None:
    """Accuracy over epochs and the learning rate below, in the run's own colour; None where no row
    has a number.

    The best epoch has a ring, each of the epochs in `marks` a dotted line. `line` is the learning rate
    within the epochs, where it changes there.
    """
    drawn = thin(rows, POINTS)
    x = _axis_of_epochs(max([1.0, *(number(row, "epoch") or 1.0 for row in rows[-1:])]))
    shade = run_color(color)
    parts: list[Spec] = []
    accuracy = _accuracy(drawn, shade, x)
    if accuracy:
        layers = [*_marks(marks, x), *accuracy, *_best(rows, shade, x)]
        parts.append({"width": WIDTH, "height": ACCURACY_HEIGHT, "layer": layers})
    if any(number(row, "lr") is not None for row in drawn):
        parts.append({"width": WIDTH, "height": LR_HEIGHT, "layer": [_lr(lr_rows(drawn, line), shade, x)]})
    if not parts:
        return None
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "background": "white",
        "padding": 8,
        "spacing": 12,
        "config": _CONFIG,
        "vconcat": parts,
    }


_CONFIG: Spec = {
    "font": "Liberation Sans, Arial, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": _GREY,
        "titleColor": _GREY,
        "titleFontWeight": "normal",
        "labelFontSize": 11,
        "titleFontSize": 12,
        "gridColor": _RULE,
        "domainColor": _RULE,
        "tickColor": _RULE,
    },
    "legend": {"labelColor": _GREY, "labelFontSize": 12, "title": None},
}


def _axis_of_epochs(last: float) -> Spec:
    # A few epochs are named one by one: between them the axis would put numbers that are none.
    few = {"values": list(range(int(last) + 1))} if last <= 10 else {}
    return {
        "field": "epoch",
        "type": "quantitative",
        "title": None,
        "scale": {"domain": [0, last], "nice": False},
        "axis": {"format": "d", "tickMinStep": 1, "grid": False, **few},
    }


def _axis_of_values(title: str, form: str, ticks: int, *, zero: bool) -> Spec:
    return {
        "field": "value",
        "type": "quantitative",
        "title": title,
        "scale": {"zero": zero, "nice": True},
        # A fixed width keeps the two x axes in line.
        "axis": {"format": form, "tickCount": ticks, "minExtent": 40, "maxExtent": 40},
    }


def _accuracy(rows: Sequence[Row], shade: str, x: Spec) -> list[Spec]:
    lines = [line for line in ACCURACY_LINES if any(number(row, line.key) is not None for row in rows)]
    if not lines:
        return []
    names = [line.name for line in lines]
    values = [
        {"epoch": number(row, "epoch"), "value": number(row, line.key), "line": line.name}
        for line in lines
        for row in rows
    ]
    legend = _LEGEND | {"symbolStrokeColor": shade}
    style = {
        "strokeDash": _of_lines(names, [list(line.dash) for line in lines], legend),
        "strokeWidth": _of_lines(names, [line.width for line in lines], legend),
    }
    # Without a number of digits: as many as the distance of the ticks asks for.
    y = _axis_of_values("accuracy", "%", 6, zero=False)
    drawn: list[Spec] = [
        {
            "data": {"values": values},
            "mark": {"type": "line", "color": shade, "clip": True},
            "encoding": {"x": x, "y": y, **style},
        }
    ]
    if len(rows) <= DOTS_UP_TO:
        drawn.append(
            {
                "data": {"values": values},
                "mark": {"type": "circle", "color": shade, "size": 14, "opacity": 0.9},
                "encoding": {"x": x, "y": y},
            }
        )
    return drawn


_LEGEND: Spec = {
    "orient": "top",
    "direction": "horizontal",
    "symbolType": "stroke",
    "symbolSize": 700,
    "symbolOpacity": 1,
    "offset": 4,
}


def _of_lines(names: Sequence[str], styles: Sequence[Any], legend: Spec) -> Spec:
    return {
        "field": "line",
        "type": "ordinal",
        "sort": list(names),
        "scale": {"type": "ordinal", "domain": list(names), "range": list(styles)},
        "legend": legend,
    }


def _best(rows: Sequence[Row], shade: str, x: Spec) -> list[Spec]:
    """A ring around the best epoch, and its accuracy in words beside the legend, where no line is."""
    best = best_row(rows)
    if best is None:
        return []
    epoch, value = number(best, "epoch"), number(best, "val/accuracy")
    ring: Spec = {
        "type": "point",
        "color": shade,
        "filled": False,
        "size": 110,
        "strokeWidth": 2,
        "opacity": 1,
    }
    words: Spec = {"type": "text", "align": "right", "baseline": "middle", "fontSize": 12, "color": "#1c2733"}
    return [
        {
            "data": {"values": [{"epoch": epoch, "value": value}]},
            "mark": ring,
            "encoding": {"x": x, "y": {"field": "value", "type": "quantitative"}},
        },
        {
            "data": {"values": [{"words": f"best val {percent(value)} at epoch {epoch:g}"}]},
            "mark": words,
            "encoding": {"x": {"value": WIDTH}, "y": {"value": -11}, "text": {"field": "words"}},
        },
    ]


def _marks(epochs: Sequence[int], x: Spec) -> list[Spec]:
    if not epochs:
        return []
    values = [{"epoch": epoch} for epoch in sorted(set(epochs))]
    mark = {"type": "rule", "color": _GREY, "strokeDash": [1, 3], "strokeWidth": 1, "clip": True}
    return [{"data": {"values": values}, "mark": mark, "encoding": {"x": x}}]


def _lr(rows: Sequence[Row], shade: str, x: Spec) -> Spec:
    values = [{"epoch": row["position"], "value": row["lr"]} for row in rows]
    mark: Spec = {"type": "line", "color": shade, "strokeWidth": 1.8}
    y = _axis_of_values("lr", "~g", 3, zero=True)
    return {"data": {"values": values}, "mark": mark, "encoding": {"x": x | {"title": "epoch"}, "y": y}}


def draw(spec: Spec) -> bytes:
    """The spec as a PNG on white, at SCALE pixels per unit."""
    # Only who draws pays for the JavaScript machine that comes with it.
    import vl_convert
    from PIL import Image

    drawn = vl_convert.vegalite_to_png(spec, vl_version=VEGA_LITE, scale=SCALE, allowed_base_urls=[])
    with Image.open(io.BytesIO(drawn)) as image:
        few = image.convert("RGB").quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    target = io.BytesIO()
    few.save(target, "PNG")
    return target.getvalue()


@dataclass
class Pictures:
    """Draws pictures, and keeps them in a folder: a run whose rows are the same is drawn once.

    Without a folder, or where it cannot be written, each one is drawn anew.
    """

    folder: Path | None = None
    _used: set[str] = field(default_factory=set)

    def png(self, spec: Spec) -> bytes:
        """The picture of this spec."""
        key = to_json([spec, VEGA_LITE, SCALE, COLOURS])
        name = f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.png"
        self._used.add(name)
        if self.folder is None:
            return draw(spec)
        path = self.folder / name
        with suppress(OSError):
            return path.read_bytes()
        drawn = draw(spec)
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(path, durable=False) as temporary:
                temporary.write_bytes(drawn)
        return drawn

    def forget_others(self) -> None:
        """Remove what was not asked for since this was made: pictures of runs that changed or went."""
        if self.folder is None:
            return
        for path in self.folder.glob("*.png"):
            if path.name not in self._used:
                with suppress(OSError):
                    path.unlink()
