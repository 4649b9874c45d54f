"""ImageNet's weights, downloaded once and then read from torch's own cache folder.

torchvision and parts of timm publish their weights as PyTorch archives. They are read with torch's
restricted reader (`weights_only=True`), which takes tensors and nothing that could run.
"""

import pickle
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from torch import Tensor, nn

from core.errors import Damaged, Unavailable
from core.models.weights import load_state


def weights_folder() -> Path:
    """Where weights are kept: the folder that torch.hub uses (set by TORCH_HOME)."""
    return Path(torch.hub.get_dir()) / "checkpoints"


def load_imagenet(model: nn.Module, weights: Any, head: str) -> None:
    """Load torchvision's `weights` into all of `model` but its last layer `head`, which stays new."""
    state = imagenet_state(weights)
    own = model.state_dict()
    for name in (f"{head}.weight", f"{head}.bias"):
        state[name] = own[name]
    load_state(model, state, f"the file's weights ({Path(weights.url).name})")


def imagenet_state(weights: Any) -> dict[str, Tensor]:
    """torchvision's state dict for `weights`, from the cache or the network."""
    file = weights_folder() / Path(weights.url).name
    try:
        state = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (URLError, ConnectionError, TimeoutError) as error:
        raise no_network(file.name, file) from error
    except (pickle.UnpicklingError, EOFError, RuntimeError) as error:
        raise Damaged(
            f"{file} cannot be read as ImageNet weights; delete it, and it is downloaded again."
        ) from error
    return dict(state)


def no_network(what: str, file: Path) -> Unavailable:
    """The error for weights that can neither be found nor downloaded."""
    return Unavailable(
        f"The ImageNet weights {what} could not be downloaded; connect this machine to the network, "
        f"or put the file at {file}, or set pretrained to 'none'."
    )
