"""What runs can be told apart by: the settings in which they differ, and what they reached."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

from core.insight.palette import PALETTE, run_color
from core.insight.repeats import groups
from core.recipe.words import MISSING, in_order, is_switch, setting_words, value_words
from core.runs import Run, RunEntry, Status
from ui.run_table import group_head, looks_at_test
from ui.words import unique

Value = float | str | None
BEST = "best"
REPEATS = "repeats"
RAMP = ("#5b5bd6", "#8c52c4", "#c0489a", "#e0586a", "#ee8440", "#dba520")
"""From low to high, to be seen on light and on dark."""
PARTS = len(RAMP)
"""Into so many parts numbers are divided for colours and facets."""
CHOICES = len(PALETTE)
OTHERS = "others"
LOG_FROM = 20
"""Numbers that differ by this factor stand on a logarithmic axis."""


@dataclass(frozen=True)
class Field:
    """A setting or figure of several runs: one value per run, None where a run has none."""

    key: str
    label: str
    values: tuple[Value, ...]
    is_number: bool
    known_colors: Mapping[str, str] = field(default_factory=dict)
    """The colour that a choice has elsewhere on the page, and keeps where no other one has the same."""

    @cached_property
    def numbers(self) -> list[float]:
        """The values that are numbers."""
        return [value for value in self.values if isinstance(value, float)]

    @property
    def is_log(self) -> bool:
        """Whether the numbers are to be seen on a logarithmic axis."""
        low, high = min(self.numbers, default=0.0), max(self.numbers, default=0.0)
        return self.is_number and low > 0 and high / low >= LOG_FROM

    @cached_property
    def has_few(self) -> bool:
        """Whether its values stand for themselves, as choices and a handful of numbers do."""
        return not self.is_number or len(set(self.numbers)) <= PARTS

    @cached_property
    def parts(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The values in few words, one per run, and these words in order: each value where there are few
        of them, else stretches with about equally many runs each."""
        return self._number_parts() if self.is_number else self._choice_parts()

    @cached_property
    def colors(self) -> dict[str, str]:
        """A colour for each of the parts: a ramp for numbers, grey for what has none."""
        names = [name for name in self.parts[1] if name not in (MISSING, OTHERS)]
        if self.is_number:
            step = (PARTS - 1) / max(1, len(names) - 1)
            found = {name: RAMP[round(at * step)] for at, name in enumerate(names)}
        else:
            found = self._choice_colors(names)
        return {name: found.get(name, "#9aa0a6") for name in self.parts[1]}

    def _choice_colors(self, names: Sequence[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for name in names:
            color = self.known_colors.get(name)
            if color and color not in found.values():
                found[name] = color
        free = (color for color in PALETTE if color not in found.values())
        for name in names:
            if name not in found:
                found[name] = next(free)
        return found

    def _number_parts(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        distinct = sorted(set(self.numbers))
        if len(distinct) <= PARTS:
            words = {value: value_words(value) for value in distinct}
            order = list(dict.fromkeys(words.values()))
            named = [words[value] if isinstance(value, float) else MISSING for value in self.values]
        else:
            edges = _edges(self.numbers)
            order = [f"{_short(low)} to {_short(high)}" for low, high in edges]
            named = [
                order[_place(value, edges)] if isinstance(value, float) else MISSING for value in self.values
            ]
        return tuple(named), (*order, *([MISSING] if MISSING in named else []))

    def _choice_parts(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        named = [MISSING if value is None else str(value) for value in self.values]
        counts = Counter(name for name in named if name != MISSING)
        most = len(counts) if len(counts) <= CHOICES else CHOICES - 1
        kept = {name for name, _ in counts.most_common(most)}
        named = [name if name in kept or name == MISSING else OTHERS for name in named]
        order = sorted(kept, key=str.casefold)
        order += [name for name in (OTHERS, MISSING) if name in named]
        return tuple(named), tuple(order)


def _edges(numbers: Sequence[float]) -> list[tuple[float, float]]:
    """Stretches from the lowest to the highest, with about equally many of the numbers each."""
    ordered = sorted(numbers)
    cuts = sorted({ordered[round(at * (len(ordered) - 1) / PARTS)] for at in range(PARTS + 1)})
    return list(pairwise(cuts))


def _place(value: float, edges: Sequence[tuple[float, float]]) -> int:
    return next((at for at, (_, high) in enumerate(edges) if value <= high), len(edges) - 1)


def _short(value: float) -> str:
    return f"{value:.3g}"


def fields_of(
    entries: Sequence[RunEntry],
    settings: Mapping[str, Mapping[str, Any]],
    everyone: Sequence[RunEntry] = (),
) -> dict[str, Field]:
    """What tells these runs apart, by its key: their group, the settings that are not the same in all
    of them, in the recipe's order, and figures. Of `everyone` a group has the colour that the table shows,
    though only some of its runs are among the `entries`."""
    found = {}
    named = _repeats(entries, everyone)
    if named is not None:
        found[REPEATS] = named
    for path in _differing(entries, settings):
        found[path] = _setting(path, entries, settings)
    for key, (label, read) in _FIGURES.items():
        values = tuple(_number(read(entry.run, entry.status)) if entry.status else None for entry in entries)
        if key == BEST or len(set(values)) > 1:
            found[key] = Field(key, label, values, is_number=True)
    return found


def _repeats(entries: Sequence[RunEntry], everyone: Sequence[RunEntry]) -> Field | None:
    members = groups(entries)
    if not 1 < len(members) < len(entries):
        return None
    # Two recipes may have runs of one name.
    names = unique({group.first.id: group.name for group in members})
    named = {entry.id: names[group.first.id] for group in members for entry in group.entries}
    whole = {group.key: group for group in groups(everyone)}
    heads = {names[group.first.id]: group_head(whole.get(group.key, group)).status for group in members}
    colors = {name: run_color(status.color) for name, status in heads.items() if status}
    values = tuple(named[entry.id] for entry in entries)
    return Field(REPEATS, "Group of repeats", values, is_number=False, known_colors=colors)


def _differing(entries: Sequence[RunEntry], settings: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Paths of settings with two values or more. That another optimizer has no momentum is said by the
    optimizer; that one run has an augmentation and another has not is a difference of its own."""
    known = [settings[entry.id] for entry in entries if entry.id in settings]
    if len(known) < 2:
        return []
    first = known[0]
    candidates = {
        path for flat in known[1:] for path in flat if path not in first or flat[path] != first[path]
    }
    candidates |= {path for path in first if any(path not in flat for flat in known)}
    candidates.discard("augmentations.order")
    return in_order(sorted(path for path in candidates if is_switch(path) or _varies(path, known)))


def _varies(path: str, known: Sequence[Mapping[str, Any]]) -> bool:
    values = [flat[path] for flat in known if path in flat]
    return any(value != values[0] for value in values)


def _setting(path: str, entries: Sequence[RunEntry], settings: Mapping[str, Mapping[str, Any]]) -> Field:
    label = setting_words(path)
    if is_switch(path):
        flats = [settings.get(entry.id) for entry in entries]
        switched = tuple(None if flat is None else "on" if path in flat else "off" for flat in flats)
        return Field(path, label, switched, is_number=False)
    raw = [settings.get(entry.id, {}).get(path) for entry in entries]
    if all(value is None or type(value) in (int, float) for value in raw):
        return Field(path, label, tuple(_number(value) for value in raw), is_number=True)
    words = tuple(None if value is None else value_words(value, path) for value in raw)
    return Field(path, label, words, is_number=False)


def _number(value: Any) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _test(run: Run) -> float | None:
    newest = looks_at_test(run)[0]
    return newest.accuracy * 100 if newest else None


Reader = Callable[[Run, Status], float | None]
_FIGURES: dict[str, tuple[str, Reader]] = {
    BEST: ("Best val (%)", lambda _, s: s.best.val_accuracy * 100 if s.best else None),
    "best_epoch": ("Epoch of best val", lambda _, s: s.best.epoch if s.best else None),
    "gap": (
        "Gap at best (points)",
        lambda _, s: s.best.gap * 100 if s.best and s.best.gap is not None else None,
    ),
    "last": ("Last val (%)", lambda _, s: s.last.val_accuracy * 100 if s.last else None),
    "val_loss": ("Last val loss", lambda _, s: s.last.val_loss if s.last else None),
    "train": ("Last train (%)", lambda _, s: s.last.train_accuracy * 100 if s.last else None),
    "test": ("Test, newest look (%)", lambda run, _: _test(run)),
    "last_lr": ("Last learning rate", lambda _, s: s.last.lr if s.last else None),
    "clean": ("Last clean train (%)", lambda _, s: s.last.clean_train_accuracy * 100 if s.last else None),
    "epochs_done": ("Epochs done", lambda _, s: s.epoch),
    "minutes": ("Minutes", lambda _, s: s.elapsed_s / 60),
    "speed": ("Images per second", lambda _, s: s.images_per_s),
}


def spread_fields(fields: Mapping[str, Field]) -> list[str]:
    """Keys of fields that are worth an axis: settings, seed and names apart."""
    return [key for key in fields if key not in _FIGURES and key not in (REPEATS, "seed")]
