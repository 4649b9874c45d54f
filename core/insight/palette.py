"""The runs' colours and the lines' dashes: the same in every chart and picture."""

from dataclasses import dataclass

PALETTE = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
    "#8c6bb1",
    "#a6761d",
    "#66a61e",
    "#b22222",
)
"""Okabe and Ito's colours that show on light and dark, and four more; colour-blind safe side by side."""

_SECOND_ROUND = (
    "#5f8fb6",
    "#734e01",
    "#56d1a3",
    "#81526b",
    "#2b5c79",
    "#fcb08a",
    "#b7a3d0",
    "#b7996d",
    "#85cf3c",
    "#ff6056",
)
"""A lighter or darker relative of each, as far from the other 19 as both backgrounds allow."""

TRAIN_DASH = (5, 4)
"""Train is dashed and val solid, everywhere."""


def run_color(index: int) -> str:
    """The colour of a run, by the index that it was given when it was made; 20 in a row differ."""
    rounds, place = divmod(index, len(PALETTE))
    return (_SECOND_ROUND if rounds % 2 else PALETTE)[place]


@dataclass(frozen=True)
class Line:
    """How one of the accuracies is drawn, everywhere."""

    name: str
    key: str
    """Of a row of epochs.jsonl."""
    dash: tuple[int, int]
    width: float


ACCURACY_LINES = (
    Line("val", "val/accuracy", (1, 0), 2.4),
    Line("val (EMA)", "val/ema_accuracy", (2, 3), 2.2),
    Line("train", "train/accuracy", TRAIN_DASH, 1.7),
    Line("clean train", "train/clean_accuracy", (1, 0), 1.3),
)
