"""How long work on an untrusted file may take, looked at wherever more of the file is asked for."""

import io
from time import monotonic

from core.errors import BadInput


class Clock:
    """From now on so many seconds; `check` raises BadInput with the sentence once they are over."""

    def __init__(self, seconds: float, sentence: str) -> None:
        self._until_s = monotonic() + seconds
        self._sentence = sentence

    def check(self) -> None:
        """Raise BadInput if the time is over."""
        if monotonic() >= self._until_s:
            raise BadInput(self._sentence)


class ClockedBytes(io.BytesIO):
    """Bytes as a file whose `read` looks at the clock: Pillow comes back with it for every further piece."""

    def __init__(self, content: bytes, clock: Clock) -> None:
        super().__init__(content)
        self._clock = clock

    def read(self, size: int | None = -1, /) -> bytes:
        """As `io.BytesIO.read`; raises BadInput once the time is over."""
        self._clock.check()
        return super().read(size)
