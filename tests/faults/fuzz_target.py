"""What is fuzzed: something that draws hostile content and feeds it to a parser."""

from pathlib import Path
from random import Random
from typing import Any, ClassVar


class Target:
    """One parser. A target may use its folder `place` as it likes, and nothing else."""

    name: ClassVar[str]

    def __init__(self, place: Path) -> None:
        self.place = place

    def draw(self, rng: Random) -> Any:
        """What a case feeds: it follows from the generator alone."""
        raise NotImplementedError

    def feed(self, given: Any) -> None:
        """Parse it, and check what came out where it was accepted. Raises PlateauError for a refusal;
        anything else is a failure."""
        raise NotImplementedError

    def left_behind(self) -> str:
        """What a case left that it should not have; it is removed."""
        return ""
