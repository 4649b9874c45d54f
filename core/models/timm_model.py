"""Any architecture of timm, by name."""

import difflib
from typing import Any, ClassVar, Literal

from pydantic import field_validator
from torch import nn

import core.vision  # noqa: F401  (timm imports torchvision, which must be prepared first)
from core.errors import BadInput
from core.models.base import (
    Architecture,
    DropDepth,
    FullResolutionSteps,
    HeadDropout,
    InputSize,
    MaxPool,
    Pretrained,
)
from core.models.edits import drop_before_head, keep_resolution, remove_max_pool
from core.models.pretrained import no_network, weights_folder
from core.spec import setting


class Timm(Architecture):
    """One of more than a thousand image classifiers, by its name in timm. Source: Wightman 2019, PyTorch
    Image Models, timm.create_model."""

    label: ClassVar[str] = "timm (by name)"
    kind: Literal["timm"] = "timm"

    name: str = setting("resnet26d", label="Name in timm", min_length=1)
    """As in timm.list_models(), for example 'resnet26d', 'regnety_004' or 'vit_tiny_patch16_224'; a tag
    behind a dot ('resnet18.a1_in1k') chooses among the ImageNet weights."""

    pretrained: Pretrained = "none"
    full_resolution_steps: FullResolutionSteps = 0
    max_pool: MaxPool = True
    dropout: HeadDropout = 0.0
    stochastic_depth: DropDepth = 0.0
    input_size: InputSize = None

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        # Imported here and below, not above: timm takes a second, and few runs ask for it.
        import timm

        plain = name.split(".")[0]
        if not timm.is_model(plain):
            close = difflib.get_close_matches(plain, timm.list_models(), n=1, cutoff=0.5)
            remedy = f"did you mean {close[0]!r}?" if close else "see timm.list_models() for the names"
            raise ValueError(f"timm has no architecture named {plain!r}; {remedy}")
        if name != plain and name not in timm.list_models(f"{plain}.*", pretrained=True):
            raise ValueError(f"timm has no weights {name!r}; leave the tag {name[len(plain) :]!r} out")
        return name

    def network(self, num_classes: int, channels: int, size: int) -> nn.Module:
        model = self._create(num_classes, channels, size)
        keep_resolution(model, self.full_resolution_steps)
        if not self.max_pool:
            remove_max_pool(model)
        self._drop_before_head(model)
        return model

    def _create(self, num_classes: int, channels: int, size: int) -> nn.Module:
        import timm

        options: dict[str, Any] = {"num_classes": num_classes, "in_chans": channels}
        config = timm.models.get_pretrained_cfg(self.name)
        if config is not None and config.fixed_input_size:
            # Transformers build their position embeddings for one size.
            options["img_size"] = size
        if self.stochastic_depth:
            options["drop_path_rate"] = self.stochastic_depth
        if self.pretrained == "imagenet":
            return self._create_pretrained(options)
        return self._call_timm(options)

    def _call_timm(self, options: dict[str, Any]) -> nn.Module:
        import timm

        try:
            return timm.create_model(self.name, **options)
        except (TypeError, ValueError, AssertionError, RuntimeError, NotImplementedError) as error:
            raise BadInput(
                f"timm cannot build {self.name!r} with these settings ({str(error).splitlines()[:1]}); "
                "choose another name, another input_size or stochastic_depth 0."
            ) from error

    def _create_pretrained(self, options: dict[str, Any]) -> nn.Module:
        """With ImageNet weights from a file put by hand, from timm's cache, or downloaded."""
        file = weights_folder() / f"{self.name}.safetensors"
        if file.is_file():
            options["pretrained_cfg_overlay"] = {"file": str(file)}
        try:
            return self._call_timm({**options, "pretrained": True})
        except OSError as error:
            # No network, a name that resolves to nothing, an empty cache in offline mode: all OSErrors.
            raise no_network(f"of timm's {self.name!r}", file) from error

    def _drop_before_head(self, model: Any) -> None:
        """Before the last linear layer, where timm's own drop_rate acts too; but timm's would draw from
        the process-wide generator in many of its families."""
        if not self.dropout:
            return
        head = model.get_classifier()
        names = [name for name, module in model.named_modules() if module is head]
        # timm has a Linear of its own that computes the same.
        if not isinstance(head, nn.Linear) or type(head).__name__ != "Linear" or not names:
            raise BadInput.at(
                "dropout",
                self.dropout,
                f"timm's {self.name!r} has no single linear layer at its end",
                "set dropout to 0",
            )
        drop_before_head(model, names[0], self.dropout)
