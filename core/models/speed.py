"""Two changes that save work in every training step and change no number.

- SiLU and Hardswish in place: autograd needs their input, so it copies it before it is overwritten
  (103 copies per step in EfficientNetV2-S). Out of place nothing is copied. ReLU stays in place: its
  gradient comes from its output.
- BatchNorm counts its batches in a tensor of its own, one tiny kernel per layer and step, which only
  `momentum=None` ever reads. Without the counter the key is absent from the plain state dict;
  `core.models.weights` puts it back into what is saved.
"""

from typing import Any

from torch import nn

_NEED_THEIR_INPUT = (nn.SiLU, nn.Hardswish, nn.Mish, nn.ELU, nn.GELU)


def remove_overhead(model: nn.Module) -> None:
    """Apply both to `model`."""
    module: Any  # a Module's attributes are typed as tensors, which may not be None
    for module in model.modules():
        if isinstance(module, _NEED_THEIR_INPUT) and getattr(module, "inplace", False):
            module.inplace = False
        if counts_for_nothing(module):
            module.num_batches_tracked = None


def counts_for_nothing(module: nn.Module) -> bool:
    """True for a batch norm whose batch counter is never read."""
    return (
        isinstance(module, nn.modules.batchnorm._BatchNorm)
        and module.track_running_stats
        and module.momentum is not None
    )
