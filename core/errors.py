"""The errors that a person may see. Each message is one plain sentence; pages and the command
line show it as it is. Anything else that is raised is a fault of ours: the log has its traceback.

    PlateauError
    ├── BadInput        an image, archive, table, folder, recipe file or address that cannot be used
    │   └── InvalidSettings   a recipe with one or more invalid values, all of them listed
    ├── NotFound        no such run, data set, checkpoint, preset
    ├── Damaged         a stored file of ours that can no longer be read
    ├── Busy            somebody else holds the lock of the run, data set or device
    └── Unavailable     no network, no such device, not enough memory or disk space
"""

from dataclasses import dataclass
from typing import Self

_MOST_TOLD = 20
"""Problems that one message lists: a hostile recipe may have a hundred thousand."""


def shown(text: str, most: int = 80) -> str:
    """A name out of a file or an upload as a sentence can hold it: without characters that break lines,
    turn the direction of writing or cannot be seen, and cut where it is very long."""
    clean = "".join(char if char.isprintable() else "?" for char in text[: most + 1])
    return clean if len(clean) <= most else clean[: most - 3] + "..."


@dataclass(frozen=True)
class Problem:
    """One invalid value: `field` as a dotted path ('optimizer.lr'), the value, the rule, the remedy."""

    field: str
    value: object
    rule: str
    remedy: str = ""

    def sentence(self) -> str:
        """Field, value, rule and remedy in one sentence; an empty value is not shown."""
        remedy = f"; {self.remedy}" if self.remedy else ""
        given = "" if self.value is None or self.value == "" else f" = {self._shown()}"
        return f"{shown(self.field)}{given}: {self.rule}{remedy}."

    def _shown(self) -> str:
        # As a recipe's JSON has it.
        shown = str(self.value).lower() if isinstance(self.value, bool) else repr(self.value)
        return shown if len(shown) <= 60 else shown[:57] + "..."


class PlateauError(Exception):
    """Base of all errors that are shown to a person as they are."""

    problem: Problem | None = None
    """The one value that is at fault, where the error is about a field."""

    @classmethod
    def at(cls, field: str, value: object, rule: str, remedy: str = "") -> Self:
        """The error about a field's value: a form shows it there, everybody else as one sentence."""
        problem = Problem(field, value, rule, remedy)
        error = cls(problem.sentence())
        error.problem = problem
        return error


class BadInput(PlateauError):
    """Something a person gave cannot be used; names the file or field, and the remedy."""


class NotFound(PlateauError):
    """A run, data set, checkpoint or preset that does not exist."""


class Damaged(PlateauError):
    """A stored file of ours that can no longer be read."""


class Busy(PlateauError):
    """The run, data set or device is in use by somebody else."""


class Unavailable(PlateauError):
    """Something this machine does not have at the moment: network, device, memory, disk space."""


def first_line(error: BaseException) -> str:
    """The first line of an error that is not ours, short enough for a sentence."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip(".")[:200] if lines else type(error).__name__


class InvalidSettings(BadInput):
    """Every invalid value of a recipe at once, in `problems`; the message has the first of them."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        sentences = [problem.sentence() for problem in problems[:_MOST_TOLD]]
        if len(problems) > _MOST_TOLD:
            sentences.append(f"There are {len(problems) - _MOST_TOLD:,} more.")
        super().__init__(" ".join(sentences))

    @classmethod
    def at(cls, field: str, value: object, rule: str, remedy: str = "") -> Self:
        """The error about a single value."""
        return cls([Problem(field, value, rule, remedy)])
