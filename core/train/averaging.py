"""An exponential moving average of a network's weights, evaluated beside the weights themselves."""

import copy

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from core.models.randomness import set_generator
from core.models.weights import load_state, state_dict_of


class WeightAverage:
    """A second network whose weights and batch statistics follow the first's after each step:
    average = decay * average + (1 - decay) * weights. Source: torch.optim.swa_utils.AveragedModel;
    Polyak and Juditsky, 1992."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        # A copy of a generator would be a second stream of the same numbers.
        set_generator(model, None)
        self._averaged = AveragedModel(
            copy.deepcopy(model), multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True
        )

    @property
    def model(self) -> nn.Module:
        """The averaged network."""
        module = self._averaged.module
        assert isinstance(module, nn.Module)
        return module

    def update(self, model: nn.Module) -> None:
        """Follow the network by one step."""
        self._averaged.update_parameters(model)

    def state(self) -> dict[str, torch.Tensor]:
        """The averaged weights under the standard names."""
        return state_dict_of(self.model)

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Put averaged weights back, as after some steps."""
        load_state(self.model, state, "the averaged weights")
        self._averaged.n_averaged.fill_(1)
