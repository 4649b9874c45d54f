"""All randomness of a run follows from its seed, a stream's name, and the epoch.

Nothing random has to be saved: a run resumed at epoch k draws what it would have drawn.
"""

import hashlib

import torch


def derive_seed(seed: int, stream: str, epoch: int = 0) -> int:
    """A 63-bit seed; streams and epochs are independent of each other."""
    digest = hashlib.sha256(f"{seed}/{stream}/{epoch}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator_for(
    seed: int, stream: str, epoch: int = 0, device: torch.device | str = "cpu"
) -> torch.Generator:
    """A generator of its own for a stream; the global one is never used."""
    return torch.Generator(device=device).manual_seed(derive_seed(seed, stream, epoch))
