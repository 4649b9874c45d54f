"""Which run, which of its checkpoints, how many views: the bar above everything else on Classify."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from core.augment import describe
from core.classify import MAX_VIEWS, OneThread, Predictor, compute_for
from core.errors import NotFound
from core.recipe import Recipe
from core.runs import ACTIVE, CheckpointChoice, Run, RunEntry, Status
from core.train import read_card
from ui.charts import run_color
from ui.services import store
from ui.words import percent, plain

DEFAULT_VIEWS = 5
_LAST_RUN = "classify_last_run"


@dataclass(frozen=True)
class Choice:
    """A run and one of its checkpoints, and the predictor of it."""

    run: Run
    name: str
    status: Status
    checkpoint: CheckpointChoice
    epoch: int
    path: Path
    predictor: Predictor
    views: int
    """Views of test-time augmentation; 0 for none."""
    averaged: bool = False
    """Whether the average of the weights (EMA) answers."""

    @property
    def color(self) -> str:
        return run_color(self.status.color)

    @property
    def key(self) -> tuple[str, int, bool]:
        """What every answer depends on: the file, when it was written, and which of its weights."""
        return str(self.path), self.path.stat().st_mtime_ns, self.averaged


def runs_with_checkpoint() -> list[RunEntry]:
    """Runs with at least one whole epoch, newest first."""
    return [entry for entry in store().list() if entry.status and entry.status.epoch > 0]


def choose(entries: list[RunEntry]) -> Choice | None:
    """Draw the bar; None where no run is chosen."""
    by_id = {entry.id: entry for entry in entries}
    wanted = _wanted(by_id)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        entry = _choose_run(by_id, wanted)
        if entry is None or entry.status is None:
            return None
        checkpoint, epoch, path = _choose_checkpoint(entry.run, entry.status)
        # Not the run's recipe.json: the checkpoint alone is enough, whatever happened to the rest.
        averaged = _choose_average(entry.run, read_card(path).parsed_recipe())
        views = _choose_views()
    with one_thread_while_training():
        predictor = predictor_of(path, averaged=averaged)
    return Choice(entry.run, entry.name, entry.status, checkpoint, epoch, path, predictor, views, averaged)


def _wanted(by_id: dict[str, RunEntry]) -> str | None:
    """The run that the address names, else the last one, else the newest; None where the address names
    one that cannot be used, which is said."""
    asked = st.query_params.get("run")
    if asked and asked not in by_id:
        st.warning(_why_not(asked), icon=":material/search_off:")
        return None
    last = asked or st.session_state.get(_LAST_RUN)
    return last if last in by_id else next(iter(by_id))


def _choose_run(by_id: dict[str, RunEntry], wanted: str | None) -> RunEntry | None:

    def words(run_id: str) -> str:
        entry = by_id[run_id]
        status = entry.status
        best = f" · {percent(status.best.val_accuracy)} val" if status and status.best else ""
        return f"{entry.name}{best}"

    chosen = st.selectbox(
        "Run",
        list(by_id),
        index=list(by_id).index(wanted) if wanted else None,
        format_func=words,
        placeholder="Choose a run",
        help="All runs that have finished at least one epoch, the newest first.",
        key="classify_run",
        width=360,
    )
    if chosen is None:
        return None
    st.query_params["run"] = st.session_state[_LAST_RUN] = chosen
    return by_id[chosen]


def _why_not(run_id: str) -> str:
    try:
        run = store().get(run_id)
    except NotFound as error:
        return plain(str(error))
    return plain(f"Run {run.display_name()} has no checkpoint yet: no epoch is done.")


def _choose_checkpoint(run: Run, status: Status) -> tuple[CheckpointChoice, int, Path]:
    offers = _checkpoints(run, status)
    accuracies = {int(row["epoch"]): row.get("val/accuracy") for row in run.epochs().rows if "epoch" in row}

    def words(which: str) -> str:
        epoch = offers[which][1]
        return f"{_TITLES.get(which, 'Kept')} · epoch {epoch} · {percent(accuracies.get(epoch))} val"

    asked = st.query_params.get("checkpoint", "best")
    chosen = st.selectbox(
        "Checkpoint",
        list(offers),
        index=list(offers).index(asked) if asked in offers else 0,
        format_func=words,
        help="The best epoch by val accuracy, the last one, and those that the recipe keeps.",
        key=f"classify_checkpoint_{run.id}",
        width=285,
    )
    if chosen == "best":
        st.query_params.pop("checkpoint", None)
    else:
        st.query_params["checkpoint"] = chosen
    return offers[chosen]


_TITLES = {"best": "Best", "last": "Last"}


def _checkpoints(run: Run, status: Status) -> dict[str, tuple[CheckpointChoice, int, Path]]:
    """What can be chosen: its value in the address -> (choice, epoch, file)."""
    found: dict[str, tuple[CheckpointChoice, int, Path]] = {}
    best = status.best.epoch if status.best else status.epoch
    wanted: list[tuple[CheckpointChoice, int]] = [("best", best), ("last", status.epoch)]
    wanted += [
        (epoch, epoch) for epoch in reversed(run.checkpoint_epochs()) if epoch not in (best, status.epoch)
    ]
    for which, epoch in wanted:
        try:
            found[str(which)] = (which, epoch, run.checkpoint(which))
        except NotFound:
            continue
    if not found:
        raise NotFound(f"Run {run.id} has no checkpoint left; resume or extend it to make one.")
    return found


def _choose_average(run: Run, recipe: Recipe) -> bool:
    """Whether the averaged weights answer; only asked where the run kept them."""
    if not recipe.ema.decay:
        return False
    return st.toggle(
        "EMA",
        key=f"classify_ema_{run.id}",
        help="Answer with the moving average of the weights instead of the weights themselves.",
    )


def _choose_views() -> int:
    # The page's widgets are dropped when it is left, so what was set is kept beside them.
    kept = st.session_state.setdefault("classify_tta_kept", {"on": True, "views": DEFAULT_VIEWS})
    on = st.toggle(
        "TTA",
        value=kept["on"],
        key="classify_tta",
        help="Test-time augmentation: the network looks at each image several times, changed at random as "
        "in its training, and the views vote.",
    )
    views = st.number_input(
        "Views",
        min_value=1,
        max_value=MAX_VIEWS,
        value=kept["views"],
        disabled=not on,
        key="classify_views",
        width=130,
        help=f"How many random views of each image vote, 1 to {MAX_VIEWS}.",
    )
    kept.update(on=on, views=int(views))
    return int(views) if on else 0


def describe_choice(choice: Choice) -> None:
    """One line on what this network expects, and what its views are drawn from."""
    card, recipe = choice.predictor.card, choice.predictor.recipe
    colors = "grey" if card.channels == 1 else "RGB"
    st.caption(
        f"{plain(recipe.architecture.label)} on {plain(card.dataset)}: {len(card.classes)} classes, "
        f"{card.image_size} px {colors}. {_augmentations(recipe, choice.views)}"
    )


def _augmentations(recipe: Recipe, views: int) -> str:
    if not views:
        return ""
    if not recipe.augmentations:
        return "This run has no augmentations: all views of an image are the same, and TTA changes nothing."
    steps = "; ".join(plain(describe(augmentation)) for augmentation in recipe.augmentations)
    return f"Views are drawn from the run's own augmentations: {steps}."


def predictor_of(path: Path, *, averaged: bool = False) -> Predictor:
    """The predictor of a checkpoint file, kept in memory while it is among the last few in use."""
    return _load(str(path), path.stat().st_mtime_ns, averaged)


@st.cache_resource(max_entries=4, show_spinner="Loading the network")
def _load(path: str, written_ns: int, averaged: bool) -> Predictor:
    compute = compute_for(read_card(Path(path)).parsed_recipe())
    return Predictor.load(Path(path), compute, averaged=averaged)


_ONE_THREAD = OneThread()  # torch's number of threads is the process's, so this is too


@contextmanager
def one_thread_while_training() -> Iterator[None]:
    """While a run trains on the CPU, let this thread compute on one core and leave it the others."""
    with _ONE_THREAD.entered() if _cpu_is_training() else nullcontext():
        yield


def _cpu_is_training() -> bool:
    statuses = (entry.status for entry in store().list())
    return any(status and status.state in ACTIVE and status.device.startswith("CPU") for status in statuses)
