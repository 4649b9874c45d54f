"""How often the test split was looked at."""

from core.runs import Run
from ui.words import plain


def looks_sentence(run: Run) -> str:
    """How often the test split was looked at with this run, and what that means."""
    known, problem = run.read_looks()
    if problem:
        return plain(problem)
    looks = sum(look.split == "test" for look in known)
    if looks == 0:
        return "The test split was not looked at with this run yet: the first look is the honest one."
    times = "once" if looks == 1 else f"{looks} times"
    rest = " Choosing by its figures makes them flattering." if looks > 1 else ""
    return f"The test split was looked at {times} with this run, whichever checkpoint it was.{rest}"
