"""What a person wants to see of the list of runs."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from core.recipe.words import value_words
from core.runs import RunEntry

Settings = Mapping[str, Any]
_CONDITION = re.compile(r"([A-Za-z_][\w.]*)(<=|>=|=|<|>)([^\s<>=]\S*)")
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


@dataclass(frozen=True)
class RunFilter:
    """Which runs to show; an empty field lets everything pass."""

    text: str = ""
    states: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    starred: bool = False

    @cached_property
    def words(self) -> tuple[str, ...]:
        """What must be found: words, and conditions such as 'optimizer.kind=sgd' or 'lr<0.01'."""
        return tuple(self.text.casefold().split())

    @property
    def asks_settings(self) -> bool:
        """Whether a word may be a condition, for which the settings are needed."""
        return any(_CONDITION.fullmatch(word) for word in self.words)

    @property
    def unclear(self) -> str:
        """A sentence on the first word that looks like a condition and is none; '' where there is none."""
        for word in self.words:
            if set(word) & set("<>=") and not _CONDITION.fullmatch(word):
                return (
                    f"{word!r} is no condition, and so looked for as a word; a condition is a setting, one "
                    "of = < > <= >=, and a value, without spaces: lr<0.01."
                )
        return ""

    def passes(self, entry: RunEntry, settings: Settings | None = None) -> bool:
        """Whether the run is to be shown. A tag is enough; of the words all must be found in what was
        written about the run, or hold of its settings."""
        status, notes = entry.status, entry.notes
        if self.states and entry.state not in self.states:
            return False
        if self.datasets and (status is None or status.dataset not in self.datasets):
            return False
        if self.architectures and (status is None or status.architecture not in self.architectures):
            return False
        if self.tags and not set(self.tags) & set(notes.tags):
            return False
        if self.starred and not notes.star:
            return False
        if not self.words:
            return True
        text = " ".join([entry.id, entry.name, notes.hypothesis, notes.note, *notes.tags]).casefold()
        return all(word in text or _holds(word, settings or {}) for word in self.words)


def _holds(word: str, settings: Settings) -> bool:
    """Whether a setting of this path, or one whose path ends so, has such a value."""
    condition = _CONDITION.fullmatch(word)
    if condition is None:
        return False
    path, sign, wanted = condition.groups()
    return any(
        _fits(value, sign, wanted)
        for field, value in settings.items()
        if field == path or field.endswith(f".{path}")
    )


def _fits(value: Any, sign: str, wanted: str) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return _COMPARED[sign](value, float(wanted))
        except ValueError:
            return False
    return sign == "=" and wanted == value_words(value).casefold()
