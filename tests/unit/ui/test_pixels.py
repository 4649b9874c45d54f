"""Small images on a page: true pixels, enlarged by whole factors, never smoothed."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from ui.pixels import Tile, factor_for, grid_png, image_tag, png, tiles


def read(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image)


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


@pytest.mark.parametrize(("size", "target", "factor"), [(28, 96, 3), (32, 96, 3), (96, 96, 1), (512, 96, 1)])
def test_the_factor_is_whole_and_at_least_one(size: int, target: int, factor: int) -> None:
    assert factor_for(size, target) == factor


@pytest.mark.parametrize("factor", [1, 3])
def test_every_pixel_becomes_a_square(pixels: np.ndarray, factor: int) -> None:
    np.testing.assert_array_equal(
        read(png(pixels, factor)), pixels.repeat(factor, axis=0).repeat(factor, axis=1)
    )


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1)])
def test_grey_stays_grey(shape: tuple[int, ...]) -> None:
    grey = np.arange(35, dtype=np.uint8).reshape(shape)
    np.testing.assert_array_equal(read(png(grey)), grey.reshape(5, 7))


def test_floats_are_refused(pixels: np.ndarray) -> None:
    with pytest.raises(TypeError, match="uint8"):
        png(pixels / 255)


class TestGrid:
    def test_images_stand_in_rows_with_gaps_that_are_transparent(self, pixels: np.ndarray) -> None:
        sheet = read(grid_png([pixels] * 3, columns=2, factor=2, gap=4))
        assert sheet.shape == (4 + 2 * (10 + 4), 4 + 2 * (14 + 4), 4)
        np.testing.assert_array_equal(sheet[4:14, 4:18, :3], pixels.repeat(2, axis=0).repeat(2, axis=1))
        assert not sheet[:4, :, 3].any()
        assert not sheet[18:28, 22:36, 3].any()

    def test_nothing_to_show_is_a_fault_of_the_caller(self) -> None:
        with pytest.raises(ValueError, match="at least one image"):
            grid_png([], columns=3)


class TestHtml:
    def test_the_true_pixels_are_inside_and_the_browser_enlarges_them(self, pixels: np.ndarray) -> None:
        tag = image_tag(pixels, 4, alt="a cat")
        content = re.search(r"base64,([^\"]+)", tag)
        assert content
        np.testing.assert_array_equal(read(base64.b64decode(content[1])), pixels)
        assert 'width="28" height="20"' in tag
        assert "image-rendering:pixelated" in tag

    def test_names_of_files_cannot_become_markup(self, pixels: np.ndarray) -> None:
        nasty = '"><script>alert(1)</script>'
        made = tiles([Tile(pixels, nasty, "wrong", nasty)], 2) + image_tag(pixels, 2, alt=nasty)
        assert "<script" not in made
        assert '"><' not in made.replace('px;">', "").split("alert")[0].rpartition("alt=")[2]

    def test_right_and_wrong_differ_by_a_mark_not_only_by_colour(self, pixels: np.ndarray) -> None:
        assert "✓ cat" in tiles([Tile(pixels, "cat", "right")], 2)
        assert "✗ cat" in tiles([Tile(pixels, "cat", "wrong")], 2)
