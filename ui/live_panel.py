"""The part of Live that renews itself: progress, numbers, curves."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.insight import best_row, has_average, number, overfit_gap, seconds_left
from core.insight.changes import behind_parent
from core.insight.outcomes import comparable
from core.insight.parents import Found
from core.runs import ACTIVE, Run, RunStore, Status
from ui import words
from ui.live_charts import Shown, live_charts
from ui.live_choice import LIVE
from ui.live_pace import pace_s
from ui.live_watch import Read, keep_only, read_new
from ui.overfit_marks import images_behind, mark_sentences, marks_of
from ui.problems import told
from ui.smallest import smallest_expected

METRIC_WIDTH = 112
LOOK_AROUND_S = 5.0
"""How often a page that shows a finished run looks whether another run began or ended."""


@dataclass(frozen=True)
class Scene:
    """What the page showed when it was last drawn as a whole; a change of it draws it anew."""

    state: str
    waiting: tuple[str, ...]
    training: tuple[str, ...]
    """Other runs that trained."""


def watch(store: RunStore, run: Run, scene: Scene, behind: Run | None, parent: Found | None = None) -> None:
    """Draw the run, and renew it while there is something to renew; while it trains, say how it stands
    against its `parent`."""
    rival = parent if scene.state in ACTIVE else None
    keep_only([shown.id for shown in (run, behind, rival and rival[0].run) if shown])
    images = images_behind(run, run.status())
    every: float | None = None
    if scene.state in LIVE:
        every = pace_s()
    elif scene.waiting or scene.training:
        every = LOOK_AROUND_S

    @st.fragment(run_every=every)
    def tick() -> None:
        if scene.state in LIVE and every and pace_s(every) != every:
            st.rerun()
        with told():
            draw(store, run, scene, behind, rival, images)

    tick()


def draw(
    store: RunStore, run: Run, scene: Scene, behind: Run | None, rival: Found | None, images: int | None
) -> None:
    """One tick: read what is new and show it; ask for the whole page where the scene changed."""
    status = run.status()
    if status.state != scene.state or _surroundings_changed(store, scene):
        st.rerun()
    read = read_new(run, steps=status.state in ACTIVE)
    behind_read = read_new(behind) if behind else None
    marks = marks_of(read, status, images)
    _progress(status, read)
    _numbers(status, read)
    if rival is not None:
        st.caption(words.plain(against_parent(status, read, rival, images)) or " ")
    live_charts(Shown(run, status, read, marks, behind, behind_read))
    mark_sentences(marks)
    for note in read["notes"]:
        st.caption(f":orange[:material/warning:] {words.plain(note)}")


def against_parent(status: Status, read: Read, rival: Found, images: int | None) -> str:
    """How it stands against its parent at the same epoch, which run that is, and how small a difference so
    many val images can show; why there is nothing to say of one that was judged on other images."""
    parent, relation = rival
    if parent.status is None:
        return ""
    apart = comparable(parent.status, status)
    if apart:
        return f"{apart} Its parent is {parent.name}."
    said = behind_parent(read["epochs"], read_new(parent.run)["epochs"])
    if not said:
        return ""
    # It brings scipy along, which a run without a parent does not need.
    from core.insight.diary.entries import RELATIONS

    which = f", {RELATIONS[relation]}" if relation == "nearest" else ""
    smallest = smallest_expected(images, number(read["epochs"][-1], "val/accuracy"))
    return f"{said} Its parent is {parent.name}{which}. {smallest}".strip()


def _surroundings_changed(store: RunStore, scene: Scene) -> bool:
    if tuple(waiting.id for waiting in store.queue()) != scene.waiting:
        return True
    return any(not Run(store.folder / run_id).is_alive() for run_id in scene.training)


def _progress(status: Status, read: Read) -> None:
    """How far it is: the bar, and one line of figures."""
    live = status.live
    inside = 0.0
    if live and live.epoch > status.epoch and live.steps:
        inside = live.step / live.steps
    done = min(1.0, (status.epoch + inside) / status.epochs)
    facts: list[str] = []
    if status.state in ACTIVE:
        text = f"**epoch {min(status.epoch + 1, status.epochs)} of {status.epochs}**"
        facts.append(
            f"{inside:.0%} of this epoch" if not live or live.phase == "training" else words.plain(live.phase)
        )
    else:
        text = f"**{status.epoch} of {status.epochs} epochs**"
    rate = live.images_per_s if live else status.images_per_s
    if rate and status.state in ACTIVE:
        facts.append(f"{words.count(round(rate))} images/s")
    if status.state in ACTIVE:
        left = seconds_left(
            read["epochs"],
            done=status.epoch,
            epochs=status.epochs,
            inside=inside,
            elapsed_s=status.elapsed_s,
        )
        facts.append("time left: –" if left is None else f"{words.duration(left)} left")
    if status.elapsed_s:
        facts.append(f"{words.duration(status.elapsed_s)} elapsed")
    facts.append(f"{words.plain(status.device or 'device not chosen yet')}{_why(status)}")
    st.progress(done, text=text + "  ·  " + "  ·  ".join(facts))
    if status.notices:
        st.caption(" ".join(words.plain(notice) for notice in status.notices))


def _why(status: Status) -> str:
    return f" ({words.plain(status.precision)})" if status.precision else ""


def _numbers(status: Status, read: Read) -> None:
    """The current numbers, each with its change since the epoch before."""
    rows = read["epochs"]
    now: dict[str, Any] = rows[-1] if rows else {}
    before: dict[str, Any] = rows[-2] if len(rows) > 1 else {}
    best = best_row(rows)
    with st.container(horizontal=True, gap="small", key="live_numbers"):
        _metric(
            "Best val",
            words.percent(number(best, "val/accuracy") if best else None),
            f"epoch {best['epoch']}" if best else None,
            "The highest val accuracy so far, and its epoch.",
            arrow=False,
        )
        averaged = has_average(rows)
        for label, key, help_text in _ACCURACIES:
            if key == "val/ema_accuracy" and not averaged:
                continue
            value = number(now, key)
            _metric(label, words.percent(value), _change(value, number(before, key)), help_text)
        gap = overfit_gap(now)
        _metric(
            "Overfit gap",
            "–" if gap is None else words.signed(gap * 100),
            _change(gap, overfit_gap(before)),
            "Clean train minus val accuracy, in points: how much better it does on what it has seen.",
        )
        for label, key, help_text in _LOSSES:
            loss, old = number(now, key), number(before, key)
            change = None if loss is None or old is None else words.signed(loss - old, 3)
            _metric(label, "–" if loss is None else f"{loss:.3f}", change, help_text)
        lr = status.live.lr if status.live else number(now, "lr")
        _metric("lr", _short_lr(lr), None, "That of the last optimizer step.")


_ACCURACIES = (
    ("Val", "val/accuracy", "Accuracy on the val split, after the last whole epoch."),
    (
        "Val (EMA)",
        "val/ema_accuracy",
        "Accuracy on the val split with the average of the weights instead of the weights themselves.",
    ),
    (
        "Clean train",
        "train/clean_accuracy",
        "Accuracy on training images as they are: no augmentation, no dropout, weights standing still.",
    ),
    (
        "Train",
        "train/accuracy",
        "Accuracy as trained: on augmented images, with dropout, while the weights move.",
    ),
)
_LOSSES = (
    ("Val loss", "val/loss", "Cross entropy on the val split, without label smoothing."),
    (
        "Train loss",
        "train/loss",
        "What training minimizes: cross entropy on augmented images, with the recipe's label smoothing and "
        "mixing in it. To compare with val, take the thin line 'clean train' in the chart.",
    ),
)


def _short_lr(lr: float | None) -> str:
    """A learning rate that fits its place: 0.05, 6.2e-4."""
    if lr is None or lr == 0 or lr >= 0.001:
        return words.lr(lr)
    mantissa, _, exponent = f"{lr:.1e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def _change(value: float | None, before: float | None) -> str | None:
    return None if value is None or before is None else words.signed((value - before) * 100)


def _metric(label: str, value: str, delta: str | None, help_text: str, *, arrow: bool = True) -> None:
    st.metric(
        label,
        value,
        # A metric without a second line would be lower than its neighbours.
        delta if delta is not None else " ",
        delta_color="off",
        delta_arrow="auto" if arrow and delta else "off",
        help=help_text,
        width=METRIC_WIDTH,
    )
