"""Which run a run is measured against: the one it was cloned from, else the nearest earlier recipe."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.errors import PlateauError
from core.files import to_json
from core.recipe.edit import decisions, flatten_draft
from core.recipe.fingerprint import SEED_AND_PLACE, what_is_trained
from core.recipe.recipe import Recipe
from core.runs.repeat import seed_of
from core.runs.run import Run, RunEntry

Relation = Literal["clone", "nearest", "chosen"]
Found = tuple[RunEntry, Relation]


def parent_of(entry: RunEntry, entries: Sequence[RunEntry]) -> Found | None:
    """The run that `entry` was cloned from; else, of the earlier runs on the same images and split that
    have a whole epoch, the one whose recipe differs in the fewest settings; of equals one with the same
    seed, and the latest.

    None where there is no such run, or where the run itself is damaged. A parent is always older, so runs
    that name each other (in an edited file) make no ring.
    """
    others = [other for other in entries if other.id != entry.id]
    return _found([*others, entry], {entry.id})[entry.id]


def parents_of(entries: Sequence[RunEntry]) -> dict[str, Found | None]:
    """parent_of every entry, by its id."""
    return _found(entries, {entry.id for entry in entries})


def _found(entries: Sequence[RunEntry], wanted: Collection[str]) -> dict[str, Found | None]:
    """The parents of the `wanted` runs, by their ids; only older runs can be one."""
    places = {_place(entry) for entry in entries if entry.id in wanted}
    seen = {place: _Earlier() for place in places}
    older: dict[str, RunEntry] = {}
    found: dict[str, Found | None] = {}
    for entry in sorted(entries, key=age):
        status, place = entry.status, _place(entry)
        if entry.id in wanted:
            cloned = older.get(status.parent or "") if status else None
            nearest = None if status is None or cloned else seen[place].nearest(entry)
            found[entry.id] = (cloned, "clone") if cloned else nearest
        older[entry.id] = entry
        if status and status.best and place in places:
            seen[place].add(entry)
    return found


def age(entry: RunEntry) -> tuple[str, int, str]:
    """Sorts runs by when they were made; those of one second have ascending colours. A damaged run's id
    still tells the time."""
    status = entry.status
    if status is not None:
        return status.created_at, status.color, entry.id
    stamp = entry.id[:15]
    parts = (stamp[:4], stamp[4:6], stamp[6:8], stamp[9:11], stamp[11:13], stamp[13:15])
    if not all(part.isdecimal() for part in parts):
        return "", 0, entry.id
    return "{}-{}-{}T{}:{}:{}".format(*parts), 0, entry.id


def _place(entry: RunEntry) -> tuple[str, str]:
    """Images and split, which must be the same for accuracies to be comparable."""
    status = entry.status
    return (status.dataset_fingerprint or status.dataset, status.split_fingerprint) if status else ("", "")


# ---- the nearest recipe ----


@dataclass(frozen=True)
class _Settings:
    """A recipe without seed and place, root field by root field, as JSON; a T_max as long as the run is
    left empty. Equal texts are one object, so that telling hundreds of recipes apart costs little."""

    roots: tuple[str, ...]

    @property
    def draft(self) -> dict[str, Any]:
        """The root fields as plain values."""
        return {name: json.loads(text) for name, text in zip(_ROOTS, self.roots, strict=True)}


class _Earlier:
    """Runs on the same images, by recipe: hundreds of runs have fewer recipes, and a row of whole numbers
    tells two of them apart faster than their texts do."""

    def __init__(self) -> None:
        self._recipes: list[_Settings] = []
        self._runs: dict[_Settings, list[RunEntry]] = {}
        self._codes: dict[str, int] = {}
        self._table = np.zeros((64, len(_ROOTS)), dtype=np.int32)

    def add(self, entry: RunEntry) -> None:
        """One more run to be near; a damaged one is left out."""
        settings = settings_of_run(entry.run)
        if settings is None:
            return
        if settings not in self._runs:
            if len(self._recipes) == len(self._table):
                self._table = np.concatenate([self._table, np.zeros_like(self._table)])
            self._table[len(self._recipes)] = self._row(settings)
            self._recipes.append(settings)
        self._runs.setdefault(settings, []).append(entry)

    def nearest(self, entry: RunEntry) -> Found | None:
        """The run whose recipe differs in the fewest settings; None where there is none."""
        mine = settings_of_run(entry.run)
        if mine is None or not self._recipes:
            return None
        roots = (self._table[: len(self._recipes)] != self._row(mine)).sum(axis=1)
        found: list[RunEntry] = []
        best = 10**9
        for at in np.argsort(roots, kind="stable"):
            # No recipe differs in fewer settings than in root fields.
            if roots[at] > best:
                break
            other = self._recipes[at]
            distance = _distance(mine, other) if roots[at] else 0
            if distance < best:
                best, found = distance, []
            if distance == best:
                found += self._runs[other]
        seed = seed_of(entry)
        return max(found, key=lambda other: (seed_of(other) == seed, age(other))), "nearest"

    def _row(self, settings: _Settings) -> list[int]:
        return [self._codes.setdefault(text, len(self._codes)) for text in settings.roots]


def tried(recipe: Recipe, entries: Sequence[RunEntry]) -> bool:
    """Whether one of these runs has this recipe, whatever its seed and place."""
    mine = _settings(recipe)
    return any(settings_of_run(entry.run) == mine for entry in entries)


def settings_of_run(run: Run) -> _Settings | None:
    """The run's recipe for telling it from others; None where it is damaged."""
    path = run.folder / "recipe.json"
    try:
        return _read(str(path), path.stat().st_mtime_ns)
    except OSError:
        return None


_ROOTS = tuple(name for name in Recipe.model_fields if name not in SEED_AND_PLACE | {"version"})


@lru_cache(maxsize=20_000)
def _read(path: str, _written_ns: int) -> _Settings | None:
    """A recipe.json never changes, and every drawing of a page asks for all of them."""
    try:
        return _settings(Run(Path(path).parent).recipe())
    except PlateauError:
        return None


def _settings(recipe: Recipe) -> _Settings:
    trained = what_is_trained(recipe)
    return _Settings(tuple(_one(to_json(trained[name])) for name in _ROOTS))


@lru_cache(maxsize=20_000)
def _one(text: str) -> str:
    return text


@lru_cache(maxsize=20_000)
def _distance(a: _Settings, b: _Settings) -> int:
    """In how many settings two recipes differ, a replaced choice counted once, without seed and place."""
    return len(decisions(*(flatten_draft(settings.draft) for settings in (a, b))))
