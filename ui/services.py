"""The store and the library that the pages use: made anew where needed, for they hold no state."""

from core.data import Library
from core.runs import RunStore
from core.workspace import find_workspace


def store() -> RunStore:
    """The runs of this workspace."""
    return RunStore(find_workspace().runs)


def library() -> Library:
    """The data sets of this workspace."""
    return Library(find_workspace().data)
