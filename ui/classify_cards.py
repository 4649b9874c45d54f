"""Images with their answers as cards: the picture, the top classes as bars, the views with their votes."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.classify import TTA, Prediction
from ui.pixels import RIGHT, WRONG, Tile, factor_for, image_tag, tiles
from ui.words import percent

TOP = 5

STYLE = f"""<style>
.pl-cards {{ display:grid; grid-template-columns:repeat(auto-fill,minmax(min(100%,430px),1fr)); gap:14px; }}
.pl-card {{ border:1px solid color-mix(in srgb, currentColor 16%, transparent); border-radius:6px;
  padding:12px 14px; min-width:0; }}
.pl-head {{ display:flex; gap:10px; align-items:baseline; margin-bottom:8px; font-size:0.86rem; }}
.pl-name {{ overflow:hidden; text-overflow:ellipsis; white-space:nowrap; opacity:0.7; flex:1; }}
.pl-right {{ color:{RIGHT}; font-weight:600; white-space:nowrap; }}
.pl-wrong {{ color:{WRONG}; font-weight:600; white-space:nowrap; }}
.pl-body {{ display:flex; gap:16px; align-items:flex-start; }}
.pl-bars {{ flex:1; min-width:0; display:grid; grid-template-columns:minmax(4.5em,42%) 1fr 4em; gap:3px 8px;
  align-items:center; font-size:0.86rem; font-variant-numeric:tabular-nums; }}
.pl-class {{ overflow:hidden; text-overflow:ellipsis; white-space:nowrap; }}
.pl-track {{ height:9px; border-radius:2px; background:color-mix(in srgb, currentColor 9%, transparent); }}
.pl-fill {{ height:9px; border-radius:2px; }}
.pl-number {{ text-align:right; }}
.pl-tta {{ margin-top:10px; padding-top:8px; font-size:0.86rem;
  border-top:1px solid color-mix(in srgb, currentColor 12%, transparent); }}
.pl-changed {{ font-weight:600; }}
.pl-views {{ margin-top:6px; }}
</style>"""


@dataclass(frozen=True)
class Shown:
    """An image as the network sees it, and its true class where that is known."""

    name: str
    pixels: np.ndarray  # (H, W, C) uint8
    truth: int | None = None


def cards(
    images: Sequence[Shown], predictions: Sequence[Prediction], classes: Sequence[str], color: str
) -> str:
    """HTML of one card per image; `color` is the run's."""
    parts = [_card(image, answer, classes, color) for image, answer in zip(images, predictions, strict=True)]
    return f'{STYLE}<div class="pl-cards">{"".join(parts)}</div>'


def tally(images: Sequence[Shown], predictions: Sequence[Prediction]) -> str:
    """'6 of 8 right; with TTA 7 of 8', for images whose class is known."""
    known = [
        (image, answer) for image, answer in zip(images, predictions, strict=True) if image.truth is not None
    ]
    if not known:
        return ""
    right = sum(answer.predicted == image.truth for image, answer in known)
    text = f"{right} of {len(known)} right"
    if all(answer.tta for _, answer in known):
        voted = sum(answer.tta is not None and answer.tta.predicted == image.truth for image, answer in known)
        text += f"; with TTA {voted} of {len(known)}"
    return text


def _card(image: Shown, answer: Prediction, classes: Sequence[str], color: str) -> str:
    factor = factor_for(image.pixels.shape[0], 128)
    predicted = classes[answer.predicted]
    picture = image_tag(image.pixels, factor, alt=f"{image.name}, predicted {predicted}", tooltip=image.name)
    tta = _tta(image, answer, answer.tta, classes) if answer.tta else ""
    bars = _bars(image, answer, classes, color)
    return (
        f'<div class="pl-card">{_head(image, answer, classes)}'
        f'<div class="pl-body">{picture}<div class="pl-bars">{bars}</div></div>'
        f"{tta}</div>"
    )


def _head(image: Shown, answer: Prediction, classes: Sequence[str]) -> str:
    name = html.escape(image.name)
    mark = ""
    if image.truth is not None:
        if answer.predicted == image.truth:
            mark = '<span class="pl-right">✓ right</span>'
        else:
            mark = f'<span class="pl-wrong">✗ it is {html.escape(classes[image.truth])}</span>'
    return f'<div class="pl-head"><span class="pl-name" title="{name}">{name}</span>{mark}</div>'


def _bars(image: Shown, answer: Prediction, classes: Sequence[str], color: str) -> str:
    rows = answer.top(min(TOP, len(classes)))
    if image.truth is not None and image.truth not in [label for label, _ in rows]:
        rows = [*rows[:-1], (image.truth, float(answer.probabilities[image.truth]))]
    return "".join(
        _bar(classes[label], share, color, label == image.truth, at == 0)
        for at, (label, share) in enumerate(rows)
    )


def _bar(name: str, share: float, color: str, is_truth: bool, is_first: bool) -> str:
    shown = html.escape(name) + (" (true)" if is_truth else "")
    weight = "font-weight:600;" if is_first else ""
    return (
        f'<span class="pl-class" style="{weight}" title="{html.escape(name)}">{shown}</span>'
        f'<span class="pl-track"><span class="pl-fill" style="display:block;width:{share * 100:.2f}%;'
        f'background:{color};"></span></span>'
        f'<span class="pl-number" style="{weight}">{percent(share)}</span>'
    )


def _tta(image: Shown, answer: Prediction, tta: TTA, classes: Sequence[str]) -> str:
    factor = factor_for(image.pixels.shape[0], 64)
    views = tiles(
        [
            Tile(
                view.pixels,
                classes[view.predicted],
                "none",
                f"view {number}: {classes[view.predicted]}, {percent(view.probability)}",
            )
            for number, view in enumerate(tta.views, start=1)
        ],
        factor,
    )
    return (
        f'<div class="pl-tta"><div>{_votes(tta, classes)}</div>{_verdict(image, answer, tta, classes)}'
        f'<div class="pl-views">{views}</div></div>'
    )


def _votes(tta: TTA, classes: Sequence[str]) -> str:
    """'cat. Votes: cat 4, dog 1. Mean probability: 71.0 %'."""
    order = np.argsort(-tta.votes, kind="stable")[:4]
    voted = ", ".join(f"{html.escape(classes[i])} {tta.votes[i]}" for i in order if tta.votes[i])
    winner = html.escape(classes[tta.predicted])
    mean = percent(float(tta.mean_probabilities[tta.predicted])).replace(" ", "\u00a0")
    tie = " (a tie, decided by the mean probability)" if (tta.votes == tta.votes.max()).sum() > 1 else ""
    views = f"{tta.count} view{'s' if tta.count > 1 else ''}"
    return f"TTA, {views}: <b>{winner}</b>{tie}. Votes: {voted}. Mean probability: {mean}."


def _verdict(image: Shown, answer: Prediction, tta: TTA, classes: Sequence[str]) -> str:
    """Said only where TTA changes the answer."""
    if tta.predicted == answer.predicted:
        return ""
    outcome = ""
    if image.truth is not None:
        fixed, broken = tta.predicted == image.truth, answer.predicted == image.truth
        outcome = ", and is right" if fixed else ", and is wrong" if broken else ", and both are wrong"
    before, after = (html.escape(classes[label]) for label in (answer.predicted, tta.predicted))
    return f'<div class="pl-changed">TTA changes the answer: {before} → {after}{outcome}.</div>'
