"""What is subtracted from the pixels, and what they are divided by, after augmentation."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from core.spec import Spec, setting

Statistics = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and standard deviation per channel, of pixels in [0, 1]."""


class NormalizationSpec(Spec):
    """A choice of mean and standard deviation."""

    def statistics(self, channels: int, dataset: Statistics) -> Statistics:
        """Mean and standard deviation per channel for a data set with these statistics."""
        raise NotImplementedError


class HalfNormalization(NormalizationSpec):
    """Mean 0.5 and standard deviation 0.5: pixels end in [-1, 1]. Source:
    torchvision.transforms.Normalize as its tutorials use it."""

    label: ClassVar[str] = "0.5 (pixels in -1 to 1)"
    kind: Literal["half"] = "half"

    def statistics(self, channels: int, dataset: Statistics) -> Statistics:
        return (0.5,) * channels, (0.5,) * channels


class DatasetNormalization(NormalizationSpec):
    """The training images' own mean and standard deviation per channel. Source: computed at
    import, over all pixels of the train split."""

    label: ClassVar[str] = "The data set's own"
    kind: Literal["dataset"] = "dataset"

    def statistics(self, channels: int, dataset: Statistics) -> Statistics:
        return dataset


class ImageNetNormalization(NormalizationSpec):
    """ImageNet's statistics, which pretrained weights expect. Source: torchvision.models."""

    label: ClassVar[str] = "ImageNet's"
    kind: Literal["imagenet"] = "imagenet"

    def statistics(self, channels: int, dataset: Statistics) -> Statistics:
        mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
        if channels == 1:
            return (sum(mean) / 3,), (sum(std) / 3,)
        return mean, std


class OwnNormalization(NormalizationSpec):
    """A mean and standard deviation of your own. Source: torchvision.transforms.Normalize."""

    label: ClassVar[str] = "My own"
    kind: Literal["own"] = "own"
    mean: tuple[float, ...] = setting((0.5, 0.5, 0.5), label="Mean", min_length=1, max_length=3)
    """One number per channel, for pixels in 0 to 1."""
    std: tuple[float, ...] = setting(
        (0.25, 0.25, 0.25), label="Standard deviation", min_length=1, max_length=3
    )
    """One number per channel, above 0."""

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if len(self.mean) != len(self.std):
            raise ValueError(
                "mean and standard deviation must have the same length; one number per channel each"
            )
        if min(self.std) <= 0:
            raise ValueError("the standard deviation must be above 0 in every channel; raise it")
        return self

    def statistics(self, channels: int, dataset: Statistics) -> Statistics:
        if len(self.mean) == 1:
            return self.mean * channels, self.std * channels
        return self.mean, self.std


AnyNormalization = Annotated[
    HalfNormalization | DatasetNormalization | ImageNetNormalization | OwnNormalization,
    Field(discriminator="kind"),
]
