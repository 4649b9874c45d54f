"""A call of the command line within the test's own process."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass
class Answer:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as the one JSON document that it must be."""
        return json.loads(self.out, parse_constant=pytest.fail)

    @property
    def sentence(self) -> str:
        """Standard error as the one sentence that it must be."""
        (line,) = self.err.strip().splitlines()
        assert line.endswith(".")
        assert "Traceback" not in line
        return line


Call = Callable[..., Answer]
