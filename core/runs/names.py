"""What runs are called: of repeats and clones, and how a run is found by what a person types."""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import count

from core.errors import BadInput, NotFound, shown
from core.runs.run import RunEntry

LONGEST = 200
"""Letters of a name."""
CANDIDATES = 5
"""So many runs are named where several fit."""
_SEED = re.compile(r", seed \d+$")
_NUMBER = re.compile(r" \(\d{1,4}\)$")


def repeat_name(name: str, seed: int) -> str:
    """'my_net 12, seed 3', also where the run repeated is called 'my_net 12, seed 2'."""
    suffix = f", seed {seed}"
    return name_without_seed(name)[: LONGEST - len(suffix)] + suffix


def name_without_seed(name: str) -> str:
    """'my_net 12' of 'my_net 12, seed 3'."""
    return _SEED.sub("", name)


def clone_name(name: str, taken: Iterable[str]) -> str:
    """The first free name for a clone: 'flip (2)' after 'flip', 'flip (3)' after 'flip (2)'."""
    base, names = _NUMBER.sub("", name_without_seed(name))[: LONGEST - 8], set(taken)
    return next(new for number in count(2) if (new := f"{base} ({number})") not in names)


def find_run(entries: Sequence[RunEntry], text: str) -> RunEntry:
    """The run that a person means by `text`: 'last' for the first of `entries`, a name, an id, or how an id
    begins or ends.

    In a name case does not matter, nor whether blanks, hyphens or underscores part its words; a name that
    is written just so comes first. Raises NotFound, BadInput where several fit.
    """
    if text == "last" and entries:
        return entries[0]
    fitting: list[RunEntry] = []
    ways: tuple[Callable[[RunEntry, str], bool], ...] = (_has_id, _has_name, _has_name_like, _has_id_like)
    for fits in ways if text else ():
        fitting = fitting or [entry for entry in entries if fits(entry, text)]
    if not fitting:
        raise NotFound(f"There is no run '{shown(text)}'; `python -m core runs` lists them.")
    if len(fitting) > 1:
        which = "; ".join(f"{shown(entry.id)} ({shown(entry.name)})" for entry in fitting[:CANDIDATES])
        more = f"; and {len(fitting) - CANDIDATES} more" if len(fitting) > CANDIDATES else ""
        raise BadInput(
            f"'{shown(text)}' fits {len(fitting)} runs: {which}{more}; give one's id, or the end of it."
        )
    return fitting[0]


def _has_id(entry: RunEntry, text: str) -> bool:
    return entry.id == text


def _has_name(entry: RunEntry, text: str) -> bool:
    return text in (entry.notes.name, entry.name)


def _has_name_like(entry: RunEntry, text: str) -> bool:
    return _folded(text) in (_folded(entry.notes.name), _folded(entry.name))


def _folded(name: str) -> str:
    """'first-look' for 'First look', 'first_look' and so on."""
    return re.sub(r"[\s_-]+", "-", name.strip()).casefold()


def _has_id_like(entry: RunEntry, text: str) -> bool:
    return entry.id.startswith(text) or entry.id.endswith(text)
