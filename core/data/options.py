"""How a data set is imported."""

from typing import Any, ClassVar, Literal

from pydantic import field_validator

from core.data.decode import Resize
from core.spec import Spec, setting
from core.words import size

LARGEST_SIZE = 512


class ImportOptions(Spec):
    """Size, colour and split of the images as they are stored. Source: the layout of
    torchvision.datasets.ImageFolder, and torchvision.transforms.Resize for the scaling."""

    label: ClassVar[str] = "Import"

    image_size: int | None = setting(None, label="Image size", unit="px", ge=8, le=LARGEST_SIZE)
    """Side of the stored square. Empty: the images' own size, at most 96."""

    @field_validator("image_size", mode="before")
    @classmethod
    def _fits_into_memory(cls, value: Any) -> Any:
        """Say what a huge size would take, not only that it is above a bound."""
        if isinstance(value, int) and value > LARGEST_SIZE:
            needed = size(1000 * 3 * float(min(value, 10**9)) ** 2)
            raise ValueError(
                f"must be at most {LARGEST_SIZE}, for 1,000 colour images of this size take {needed}; "
                "lower it"
            )
        return value

    resize: Resize = setting("crop", label="Fit")
    """How an image becomes a square: 'crop' keeps its aspect and cuts the middle out, 'pad' keeps
    its aspect and adds black bars, 'stretch' squeezes it."""

    color: Literal["as stored", "rgb", "grey"] = setting("as stored", label="Colour")
    """'as stored' keeps one channel where every image is grey, and three otherwise."""

    val_fraction: float | None = setting(None, label="Validation share", gt=0.0, le=0.9, step=0.05)
    """Share of the train images that becomes the val split, class by class. Empty: 0.15, or the
    source's own val images where it has them."""

    test_fraction: float | None = setting(None, label="Test share", ge=0.0, le=0.9, step=0.05)
    """Share of the train images that becomes the test split, class by class. Empty: 0.15, or none
    where the source has test images of its own, labelled or not."""

    seed: int = setting(0, label="Seed of the split", ge=0, le=2**31 - 1, level="expert")
    """The same seed on the same files gives the same split."""

    on_bad_file: Literal["skip", "stop"] = setting("skip", label="Unreadable files", level="expert")
    """'skip' leaves an image that cannot be read out and lists it, 'stop' ends the import there."""
