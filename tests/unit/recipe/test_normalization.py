"""Which mean and standard deviation each choice gives, for colour and for greyscale."""

import pytest

from core.recipe import AnyNormalization
from core.recipe.normalization import (
    DatasetNormalization,
    HalfNormalization,
    ImageNetNormalization,
    NormalizationSpec,
    OwnNormalization,
)
from core.spec import choices_of

OWN = ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
GREY = ((0.15,), (0.35,))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("spec", choices_of(AnyNormalization), ids=lambda spec: spec.__name__)
def test_every_choice_gives_one_number_per_channel(spec: type[NormalizationSpec], channels: int) -> None:
    if spec is OwnNormalization and channels == 1:
        pytest.skip("its default is for colour; the pre-flight check says so")
    mean, std = spec().statistics(channels, OWN if channels == 3 else GREY)
    assert (len(mean), len(std)) == (channels, channels)
    assert min(std) > 0


def test_each_choice_gives_what_it_says() -> None:
    assert HalfNormalization().statistics(3, OWN) == ((0.5,) * 3, (0.5,) * 3)
    assert DatasetNormalization().statistics(3, OWN) == OWN
    assert ImageNetNormalization().statistics(3, OWN) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    mine = OwnNormalization(mean=(0.2,), std=(0.3,))
    assert mine.statistics(1, GREY) == ((0.2,), (0.3,))


def test_one_number_of_my_own_holds_for_all_channels() -> None:
    assert OwnNormalization(mean=(0.2,), std=(0.3,)).statistics(3, OWN) == ((0.2,) * 3, (0.3,) * 3)


def test_imagenets_statistics_of_a_grey_image_are_the_mean_over_the_colours() -> None:
    (mean,), (std,) = ImageNetNormalization().statistics(1, GREY)
    assert mean == pytest.approx(0.449, abs=1e-3)
    assert std == pytest.approx(0.226, abs=1e-3)
