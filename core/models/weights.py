"""A network's weights under the standard names, whatever was done to the network for speed."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from core.errors import BadInput
from core.models.speed import counts_for_nothing

_COUNTER = "num_batches_tracked"


def state_dict_of(model: nn.Module, steps: int = 0) -> dict[str, Tensor]:
    """All weights and statistics, contiguous, with exactly the keys of the unchanged architecture.

    Batch norms don't count their batches here (see `core.models.speed`); the counters that torchvision
    and timm expect are filled with `steps`. Nothing reads them. The tensors stay on their device and
    share memory with the model where they are contiguous already: copy them if training goes on.
    """
    state: dict[str, Tensor] = {}
    for prefix, module in model.named_modules():
        start = f"{prefix}." if prefix else ""
        own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
        for name, tensor in own:
            if name not in module._non_persistent_buffers_set:
                state[start + name] = tensor.detach().contiguous()
        if counts_for_nothing(module) and module.num_batches_tracked is None:
            state[start + _COUNTER] = torch.tensor(steps, dtype=torch.long)
    return state


def load_state(model: nn.Module, state: Mapping[str, Tensor], source: str = "the weights") -> None:
    """Copy a state dict with the standard keys into `model`, in place; every key must fit.

    `source` names the file in the message of the error.
    """
    kept = dict(state)
    for prefix, module in model.named_modules():
        if counts_for_nothing(module) and module.num_batches_tracked is None:
            kept.pop(f"{prefix}.{_COUNTER}" if prefix else _COUNTER, None)
    expected = model.state_dict()
    missing = [name for name in expected if name not in kept]
    surplus = [name for name in kept if name not in expected]
    reshaped = [n for n in expected if n in kept and kept[n].shape != expected[n].shape]
    for what, names in (
        ("lack", missing),
        ("have the unknown", surplus),
        ("have another shape in", reshaped),
    ):
        if names:
            raise BadInput(
                f"{source[:1].upper()}{source[1:]} do not fit this architecture: they {what} {names[0]!r} "
                f"({len(names)} in all); rebuild the network with the settings that it was trained with."
            )
    # Not through load_state_dict: batch norm's would ask for the counters that are gone.
    with torch.no_grad():
        for name, tensor in expected.items():
            tensor.copy_(kept[name])
