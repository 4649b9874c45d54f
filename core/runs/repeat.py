"""Repeats: runs of the same recipe on the same images with other seeds, and how they are told."""

from functools import lru_cache
from itertools import count
from pathlib import Path

from core.data import DatasetInfo, Library
from core.errors import BadInput, Damaged, InvalidSettings
from core.recipe import Recipe, recipe_fingerprint
from core.runs.names import repeat_name
from core.runs.run import Run, RunEntry
from core.runs.status import Status
from core.runs.store import RunStore
from core.train import check

MOST = 100
"""Repeats at once; a hundred seeds show what chance does, and more are a slip of the finger."""
SEEDS = 2**31
"""A seed is less than this."""


def repeat(store: RunStore, run: Run, times: int, *, library: Library, token: str | None = None) -> list[Run]:
    """Queue `times` runs of the same recipe with the next seeds that no run of its group has.

    Each has the run repeated as its parent, its hypothesis, and its name with the seed. A run that was
    extended is repeated with all its epochs. A second call with the same `token` gives the same runs.

    Raises BadInput where the number is out of range or the data set is another one than the run's,
    Damaged, NotFound, and InvalidSettings where the recipe cannot be trained here.
    """
    if not 1 <= times <= MOST:
        raise BadInput(f"repeats = {times}: must be 1 to {MOST}.")
    entry = store.entry(run)
    if entry.status is None:
        raise Damaged(f"{entry.damaged.rstrip('.')}; a damaged run cannot be repeated.")
    recipe, status = run.recipe(), entry.status
    info = _same_data(library, recipe, status)
    problems = check(recipe, info, schedule=False).problems
    if problems:
        raise InvalidSettings(problems)
    # Held from choosing the seeds on: two at the same time must not choose the same ones.
    with store.repeating():
        seeds = next_seeds(store.list(), entry, times)
        return [
            store.create(
                recipe.model_copy(update={"seed": seed}),
                info,
                name=repeat_name(entry.name, seed),
                hypothesis=entry.notes.hypothesis,
                parent=run.id,
                token=None if token is None else f"{token}-{number}",
                epochs=status.epochs,
                hold_from=status.hold_from,
            )
            for number, seed in enumerate(seeds, start=1)
        ]


def next_seeds(entries: list[RunEntry], entry: RunEntry, times: int) -> list[int]:
    """The next seeds after the run's own that no run of its group has."""
    key = group_key(entry)
    used = {seed_of(other) for other in entries if group_key(other) == key} | {seed_of(entry)}
    found: list[int] = []
    for seed in count((seed_of(entry) or 0) + 1):
        if len(found) == times:
            break
        if seed % SEEDS not in used:
            found.append(seed % SEEDS)
    return found


def _same_data(library: Library, recipe: Recipe, status: Status) -> DatasetInfo:
    """The run's data set, where it is still what it was."""
    info = library.open(recipe.data.name).info
    if not status.is_on(info.fingerprint, info.split_fingerprint):
        raise BadInput(
            f"The data set {info.name!r} is not the one that this run learned from: a run on other images or "
            "another split is no repeat. Import the old images under this name again, or launch the recipe "
            "anew."
        )
    return info


def group_key(entry: RunEntry) -> str:
    """What the runs of one group have in common, as one word: the recipe but for SEED_AND_PLACE, images
    and split, and the epochs asked for (an extended run is another training). A run that cannot be read
    is alone."""
    status = entry.status
    fingerprint = status and (status.recipe_fingerprint or _from_recipe(entry.run)[0])
    if status is None or not fingerprint:
        return f"alone-{entry.id}"
    images = status.dataset_fingerprint or status.dataset
    held = "" if status.hold_from is None else f"-{status.hold_from}"
    return f"{fingerprint}-{images}-{status.split_fingerprint}-{status.epochs}{held}"


def seed_of(entry: RunEntry) -> int | None:
    """The run's seed; None where it cannot be read."""
    if entry.status is None:
        return None
    return _from_recipe(entry.run)[1] if entry.status.seed is None else entry.status.seed


def _from_recipe(run: Run) -> tuple[str, int | None]:
    """Fingerprint and seed of a run whose status has none, from its recipe.json; ('', None) where that is
    damaged."""
    path = run.folder / "recipe.json"
    try:
        return _read(str(path), path.stat().st_mtime_ns)
    except OSError:
        return "", None


@lru_cache(maxsize=10_000)
def _read(path: str, _written_ns: int) -> tuple[str, int | None]:
    """A recipe.json never changes, and every drawing of a page asks for all of them."""
    try:
        recipe = Run(Path(path).parent).recipe()
    except Damaged:
        return "", None
    return recipe_fingerprint(recipe), recipe.seed
