"""The built-in data set."""

from pathlib import Path

import numpy as np
import pytest

from core.data.collection import Workplace
from core.data.shapes import ShapesSource
from core.data.shapes_draw import MOST_CLASSES, class_names, draw_images


def _pixels(start: int, stop: int, **fields: int) -> np.ndarray:
    collection = ShapesSource(**fields).collect(Workplace(Path(), Path()))
    return np.asarray(collection.pictures.read(start, stop))


def test_the_same_seed_gives_the_same_pixels_and_another_seed_others() -> None:
    first = _pixels(0, 60, images=60)
    assert np.array_equal(first, _pixels(0, 60, images=60))
    assert not np.array_equal(first, _pixels(0, 60, images=60, seed=1))


def test_pixels_do_not_depend_on_how_they_are_read_or_how_many_there_are() -> None:
    whole = _pixels(0, 300, images=300)
    assert np.array_equal(_pixels(250, 262, images=300), whole[250:262])
    assert np.array_equal(_pixels(0, 40, images=40), whole[:40])


@pytest.mark.parametrize("size", [28, 32, 64])
def test_every_size_is_drawn(size: int) -> None:
    assert _pixels(0, 20, images=20, image_size=size).shape == (20, size, size, 3)


def test_all_two_hundred_classes_have_a_name_and_a_look_of_their_own() -> None:
    assert len(set(class_names(MOST_CLASSES))) == MOST_CLASSES == 200
    images = draw_images(np.arange(MOST_CLASSES), 32, np.random.default_rng(0))
    assert len(np.unique(images.reshape(MOST_CLASSES, -1), axis=0)) == MOST_CLASSES


def test_classes_are_balanced() -> None:
    labels = ShapesSource(images=1000, classes=7).collect(Workplace(Path(), Path())).labels
    assert np.ptp(np.bincount(labels)) <= 1
