"""Which run, which of its answers, against which other run: the bar above everything else on Inspect."""

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from core.data import Dataset
from core.errors import Damaged, NotFound, PlateauError
from core.insight.answers import plain_files
from core.insight.curves import number
from core.insight.outcomes import Outcomes, comparable, plain_outcomes
from core.runs import Run, RunEntry, Status
from core.runs.answers import AnswerFile
from core.train import read_card
from ui.inspect_gallery import Line, Picture
from ui.services import library, store
from ui.words import distinct, percent, plain

_LAST_RUN = "inspect_last_run"
_ANSWERS = ("epoch", "split", "weights")
"""What the address says of the answers, beside the run."""
_MOST_CLASSES = 10_000
"""Where nobody can say any more how many classes there were."""


@dataclass(frozen=True)
class Images:
    """The images that a split's answers belong to, in their order."""

    dataset: Dataset | None
    indices: np.ndarray  # (n,) int64 into the data set; empty where it cannot be used
    problem: str = ""
    """Why there are no images, and what to do about it."""


@dataclass(frozen=True)
class Scene:
    """A run's answers for a split, and all that is needed to show them."""

    entry: RunEntry
    status: Status
    file: AnswerFile
    outcomes: Outcomes
    classes: tuple[str, ...]
    images: Images

    @property
    def run(self) -> Run:
        return self.entry.run

    @property
    def labelled(self) -> bool:
        """Whether the true class of every image is known: an older file tells it of hits alone."""
        return bool((self.outcomes.labels >= 0).all())

    def picture(self, place: int, lines: tuple[Line, ...]) -> Picture:
        """The image at a place of the split, with its lines."""
        dataset = self.images.dataset
        if dataset is None:
            return Picture(None, lines)
        index = int(self.images.indices[place])
        return Picture(np.asarray(dataset.images[index]), lines, dataset.image_name(index))

    def name_of(self, label: int) -> str:
        """A class in words."""
        if label < 0:
            return "unknown"
        return self.classes[label] if label < len(self.classes) else f"class {label}"


def inspectable(entries: list[RunEntry]) -> list[RunEntry]:
    """Runs with at least one whole epoch, newest first."""
    return [entry for entry in entries if entry.status and entry.status.epoch > 0]


def choose(entries: list[RunEntry]) -> tuple[RunEntry, RunEntry | None] | None:
    """The run and, where one is chosen, the run that it is compared against; None where no run is."""
    by_id = {entry.id: entry for entry in entries}
    asked = st.query_params.get("run")
    if asked and asked not in by_id:
        st.warning(_why_not(asked), icon=":material/search_off:")
        wanted = None
    else:
        last = asked or st.session_state.get(_LAST_RUN)
        wanted = last if last in by_id else next(iter(by_id))
    labels = distinct({entry.id: _run_words(entry) for entry in entries})
    chosen = st.selectbox(
        "Run",
        list(by_id),
        index=list(by_id).index(wanted) if wanted else None,
        format_func=lambda run_id: labels.get(run_id, run_id),
        placeholder="Choose a run",
        help="All runs that have finished at least one epoch, the newest first.",
        key="inspect_run",
        width=320,
    )
    if chosen is None:
        return None
    if asked and asked != chosen:
        # They were the other run's answers: this one begins with those of its own best epoch.
        for key in _ANSWERS:
            st.query_params.pop(key, None)
    st.query_params["run"] = st.session_state[_LAST_RUN] = chosen
    return by_id[chosen], _choose_against(by_id, by_id[chosen], labels)


def _choose_against(by_id: dict[str, RunEntry], entry: RunEntry, labels: dict[str, str]) -> RunEntry | None:
    """Runs on the same images; the one that the address names even where it is on others."""
    assert entry.status is not None
    asked = st.query_params.get("against")
    if asked and asked not in by_id:
        st.warning(_why_not(asked), icon=":material/search_off:")
    offers = [
        other.id
        for other in by_id.values()
        if other.status
        and other.id != entry.id
        and (other.id == asked or not comparable(other.status, entry.status))
    ]
    chosen = st.selectbox(
        "Against",
        offers,
        index=offers.index(asked) if asked in offers else None,
        format_func=lambda run_id: labels.get(run_id, run_id),
        placeholder="No second run",
        help="A second run on the same images, the one before: which images did the first run fix, which "
        "did it break?",
        key=f"inspect_against_{entry.id}",
        width=320,
    )
    if chosen:
        st.query_params["against"] = chosen
        return by_id[chosen]
    st.query_params.pop("against", None)
    return None


def _run_words(entry: RunEntry) -> str:
    best = entry.status.best if entry.status else None
    return f"{entry.name} · {percent(best.val_accuracy)} val" if best else entry.name


def _why_not(run_id: str) -> str:
    try:
        entry = store().entry(store().get(run_id))
    except NotFound as error:
        return plain(str(error))
    if entry.status is None:
        return plain(f"Run {entry.name} cannot be inspected: {entry.damaged}")
    return plain(f"Run {entry.name} has no answers to inspect yet: no epoch is done.")


def choose_answers(entry: RunEntry) -> AnswerFile:
    """Which of the run's kept answers to inspect: val after an epoch, or an evaluation.

    Raises NotFound where it keeps none.
    """
    assert entry.status is not None
    status = entry.status
    offers = plain_files(entry.run)
    if not offers:
        raise NotFound(
            f"Run {entry.name} keeps no answers for single images: its folder predictions/ is empty. "
            "Evaluate one of its checkpoints under Checkpoints, and they are kept from then on."
        )
    best = status.best.epoch if status.best else status.epoch
    default = next((file for file in offers if (file.split, file.epoch) == ("val", best)), offers[0])
    wanted = _asked_for(offers, answer_words(default, status)) or default
    known = _accuracies(entry.run)
    names = {file.name: file for file in offers}
    chosen = st.selectbox(
        "Answers",
        list(names),
        index=list(names).index(wanted.name),
        format_func=lambda name: f"{answer_words(names[name], status)} · {percent(known.get(names[name]))}",
        help="The answers that the run keeps: on val of its best, last and kept epochs, and of every "
        "evaluation.",
        key=f"inspect_answers_{entry.id}",
        width=300,
    )
    _to_address(names[chosen], names[chosen] == default)
    return names[chosen]


def _accuracies(run: Run) -> dict[AnswerFile, float | None]:
    """What training measured on val after each epoch, and what evaluations did."""
    known: dict[AnswerFile, float | None] = {}
    for row in run.epochs().rows:
        if number(row, "epoch") is not None:
            known[AnswerFile("val", int(row["epoch"]))] = number(row, "val/accuracy")
    for look in run.looks():
        known[AnswerFile(look.split, look.checkpoint_epoch, look.averaged)] = look.accuracy
    return known


def answer_words(file: AnswerFile, status: Status) -> str:
    """'val · best, epoch 46', 'test · epoch 40, EMA'."""
    best = status.best is not None and status.best.epoch == file.epoch
    title = "best, " if best else "last, " if status.epoch == file.epoch else ""
    return f"{file.split} · {title}epoch {file.epoch}{', EMA' if file.averaged else ''}"


def _asked_for(offers: list[AnswerFile], instead: str) -> AnswerFile | None:
    """The answers that the address names; where there are none, it is said what is shown `instead`."""
    epoch = st.query_params.get("epoch", "")
    if not epoch:
        return None
    split = st.query_params.get("split", "val")
    averaged = st.query_params.get("weights") == "ema"
    for file in offers:
        if (str(file.epoch), file.split, file.averaged) == (epoch, split, averaged):
            return file
    st.warning(
        f"No {plain(split)} answers of epoch {plain(epoch)}{' (EMA)' if averaged else ''} are kept; shown "
        f"are {plain(instead)}. An evaluation under Checkpoints keeps those of any checkpoint.",
        icon=":material/search_off:",
    )
    return None


def _to_address(file: AnswerFile, is_default: bool) -> None:
    for key, value in (
        ("epoch", "" if is_default else str(file.epoch)),
        ("split", "" if file.split == "val" else file.split),
        ("weights", "ema" if file.averaged else ""),
    ):
        if value:
            st.query_params[key] = value
        else:
            st.query_params.pop(key, None)


def scene_of(entry: RunEntry, file: AnswerFile) -> Scene:
    """The answers with their images. Raises NotFound, Damaged."""
    assert entry.status is not None
    outcomes = plain_outcomes(entry.run, file)
    images = images_of(entry.status, file.split, len(outcomes.predicted))
    if images.dataset is not None and (outcomes.labels < 0).any():
        # From before labels were kept with the answers.
        outcomes = replace(outcomes, labels=images.dataset.labels[images.indices])
    classes = class_names(entry.run, images.dataset)
    highest = int(max(outcomes.labels.max(), outcomes.predicted.max()))
    if outcomes.predicted.min() < 0 or highest >= (len(classes) or _MOST_CLASSES):
        raise Damaged(
            f"predictions/{file.name} of run {entry.name} names a class that there is not; evaluate this "
            "checkpoint again."
        )
    classes += tuple(f"class {label}" for label in range(len(classes), highest + 1))
    return Scene(entry, entry.status, file, outcomes, classes, images)


def class_names(run: Run, dataset: Dataset | None) -> tuple[str, ...]:
    """The classes' names, from the data set or, where that is gone, from a checkpoint."""
    if dataset is not None:
        return dataset.info.classes
    try:
        return read_card(run.checkpoint("last")).classes
    except (NotFound, Damaged):
        return ()


def images_of(status: Status, split: str, count: int) -> Images:
    """The split's images, where the data set is still the one that the run was trained on."""
    nothing = np.zeros(0, dtype=np.int64)
    try:
        dataset = library().open(status.dataset)
    except PlateauError as error:
        return Images(
            None,
            nothing,
            f"{error} The images cannot be shown without it; figures, classes and votes can. Import it again "
            "under the same name and with the same settings to see them.",
        )
    same = status.is_on(dataset.info.fingerprint, dataset.info.split_fingerprint)
    indices = dataset.indices("test" if split == "test" else "val")
    if not same or len(indices) != count:
        return Images(
            None,
            nothing,
            f"The data set {status.dataset} or its split has changed since this run was trained on it, so "
            "its images are not the ones that were answered, and are not shown. Import the earlier version "
            "again under this name to see them.",
        )
    return Images(dataset, indices)
