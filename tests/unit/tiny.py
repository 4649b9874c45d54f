"""Recipes that train in a fraction of a second, and what tests compare runs by."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from core.recipe import Recipe, recipe_from_draft

DATASET = "tiny"

AUGMENTATIONS = [
    {"kind": "horizontal_flip", "p": 0.5},
    {"kind": "affine", "degrees": 10, "translate": [0.1, 0.1], "p": 0.8},
]


def recipe(**settings: Any) -> Recipe:
    """A recipe as its JSON would give it: one small block, batches of 16, 2 epochs, fp32."""
    draft: dict[str, Any] = {
        "data": {"name": DATASET},
        "architecture": {"kind": "my_net", "blocks": 1, "width": 4},
        "optimizer": {"kind": "sgd", "lr": 0.05},
        "batch_size": 16,
        "epochs": 2,
        "seed": 3,
        "precision": "fp32",
        "device": "cpu",
    }
    return recipe_from_draft(draft | settings)


@contextmanager
def quick_collections() -> Iterator[None]:
    """Each run ends with a garbage collection, which would go through all of torch every time."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def digest(tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 over names, shapes and bits: equal only for tensors that are equal to the bit."""
    sha = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        sha.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
        sha.update(tensor.numpy().tobytes())
    return sha.hexdigest()
