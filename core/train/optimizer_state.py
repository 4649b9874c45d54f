"""An optimizer's state as flat tensors, and back."""

import torch
from torch.amp import GradScaler
from torch.optim import Optimizer

_SCALE, _GROWTH = "scaler.scale", "scaler.growth"


def copy_to_cpu(tensor: torch.Tensor) -> torch.Tensor:
    """A copy of its own, with its values side by side."""
    return tensor.detach().to("cpu", copy=True).contiguous()


def flatten_optimizer(optimizer: Optimizer, scaler: GradScaler | None = None) -> dict[str, torch.Tensor]:
    """An optimizer's state as '<parameter's number>.<name>' -> tensor (copies on the CPU), and that of
    fp16's loss scaler where there is one."""
    flat: dict[str, torch.Tensor] = {}
    if scaler is not None and (state := scaler.state_dict()):
        flat[_SCALE] = torch.tensor(state["scale"], dtype=torch.float64)
        flat[_GROWTH] = torch.tensor(state["_growth_tracker"], dtype=torch.int64)
    for number, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            if value is None:
                continue
            flat[f"{number}.{name}"] = copy_to_cpu(
                value if isinstance(value, torch.Tensor) else torch.tensor(value)
            )
    return flat


def restore_optimizer(
    optimizer: Optimizer, flat: dict[str, torch.Tensor], scaler: GradScaler | None = None
) -> None:
    """Put a flattened state back; learning rate and momentum stay as the schedule left them.

    torch's fused kernels walk through memory without looking at strides: a momentum that is laid
    out otherwise than its weights (channels_last) would be added to the wrong ones, silently.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in flat.items():
        if key in (_SCALE, _GROWTH):
            continue
        number, _, name = key.partition(".")
        parameter = parameters[int(number)]
        like = parameter if value.shape == parameter.shape else value
        laid_out = torch.empty_like(like, dtype=value.dtype, device="cpu").copy_(value)
        state.setdefault(int(number), {})[name] = laid_out
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    if scaler is not None and _SCALE in flat:
        known = {"scale": float(flat[_SCALE]), "_growth_tracker": int(flat[_GROWTH])}
        scaler.load_state_dict(scaler.state_dict() | known)
