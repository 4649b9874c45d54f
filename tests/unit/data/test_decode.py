"""Images out of untrusted bytes."""

import io

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from core.data.decode import decode_image, first_frame_sentence, fit_image
from core.data.limits import Limits
from core.errors import BadInput

from .pictures import encoded, pixels, png, several_frames

_RGB = Image.fromarray(pixels(1, 16))
ADOBE = b"Adobe\x00\x64\x00\x00\x00\x00\x00"
"""A JPEG's Adobe mark, version 100; its last byte says that the four inks are stored as they are."""
_GREY = Image.fromarray(pixels(1, 16, 1))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"])
def test_every_format_of_the_list_is_read(kind: str) -> None:
    image = decode_image(encoded(_RGB, kind), f"a.{kind}")
    assert image.size == (16, 16)
    assert image.mode in ("RGB", "L")
    if kind in ("PNG", "BMP", "TIFF"):
        assert np.array_equal(np.asarray(image), np.asarray(_RGB))


@pytest.mark.parametrize("kind", ["PPM", "TGA", "ICO", "PCX", "EPS", "PDF"])
def test_other_formats_are_refused_under_any_name(kind: str) -> None:
    with pytest.raises(BadInput, match=r"^a\.png is not an image that can be read"):
        decode_image(encoded(_RGB, kind), "a.png")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"hello, this is text", "is not an image"),
        (png(1)[:60], "is damaged or cut short"),
        (encoded(_RGB, "JPEG")[:-40], "is damaged or cut short"),
        (png(1)[:50] + b"\x00\x01\x02" + png(1)[53:], "is damaged or cut short"),
    ],
)
def test_bad_bytes_give_one_sentence_with_the_name(content: bytes, reason: str) -> None:
    with pytest.raises(BadInput, match=rf"^cat\.png {reason}") as caught:
        decode_image(content, "cat.png")
    assert str(caught.value).endswith(".")


def test_limits_hold_before_decoding() -> None:
    with pytest.raises(BadInput, match="more than 0 megapixels"):
        decode_image(png(1), "a.png", limits=Limits(image_pixels=100))
    with pytest.raises(BadInput, match="larger than 0 MB"):
        decode_image(png(1), "a.png", limits=Limits(image_bytes=100))
    with pytest.raises(BadInput, match="1 x 500 pixels"):
        decode_image(encoded(Image.new("L", (1, 500))), "a.png")


def test_a_decompression_bomb_is_refused_without_being_decoded() -> None:
    bomb = encoded(Image.new("1", (20_000, 12_000)))
    with pytest.raises(BadInput, match="more than 40 megapixels"):
        decode_image(bomb, "bomb.png")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_gives_the_upright_picture(kind: str, orientation: int) -> None:
    upright = Image.new("RGB", (24, 16), "white")
    upright.paste("black", (0, 0, 8, 8))
    upright.paste("red", (16, 0, 24, 8))
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100} if kind in ("JPEG", "WEBP") else {}
    image = decode_image(encoded(stored, kind, exif=exif, **options), "a")
    assert image.size == (24, 16)
    corner, other, plain = (np.asarray(image)[4, x].astype(int) for x in (4, 20, 12))
    assert corner.max() < 40
    assert other[0] > 200
    assert other[1] < 60
    assert plain.min() > 215


def test_sixteen_bit_grey_is_scaled_to_eight() -> None:
    wide = np.array([[0, 257, 32768], [65535, 256, 65278]], dtype=np.uint16)
    for kind in ("PNG", "TIFF"):
        image = decode_image(encoded(Image.fromarray(wide), kind), "a")
        assert image.mode == "L"
        assert np.asarray(image).tolist() == [[0, 1, 128], [255, 1, 254]]


@pytest.mark.parametrize("mode", ["I", "F"])
def test_thirty_two_bit_images_are_refused(mode: str) -> None:
    with pytest.raises(BadInput, match="32 bits"):
        decode_image(encoded(Image.new(mode, (8, 8)), "TIFF"), "a.tif")


def test_transparent_parts_are_laid_on_white() -> None:
    clear = Image.new("RGBA", (8, 8), (10, 20, 30, 0))
    assert np.asarray(decode_image(encoded(clear), "a")).min() == 255
    grey = Image.new("LA", (8, 8), (0, 128))
    image = decode_image(encoded(grey), "a")
    assert image.mode == "L"
    assert abs(int(np.asarray(image)[0, 0]) - 127) <= 1
    palette = Image.new("P", (8, 8))
    palette.putpalette([0, 0, 0, 255, 0, 0])
    assert np.asarray(decode_image(encoded(palette, transparency=0), "a")).min() == 255


def test_one_bit_and_palette_become_plain() -> None:
    assert decode_image(encoded(Image.new("1", (8, 8), 1)), "a").getpixel((0, 0)) == 255
    assert decode_image(encoded(_RGB.quantize(8)), "a").mode == "RGB"
    assert decode_image(encoded(_GREY), "a").mode == "L"


Inks = tuple[int, int, int, int]
INKS: dict[Inks, tuple[int, int, int]] = {
    (0, 0, 0, 0): (255, 255, 255),
    (255, 0, 0, 0): (0, 255, 255),
    (0, 255, 0, 0): (255, 0, 255),
    (0, 0, 255, 0): (255, 255, 0),
    (0, 255, 255, 0): (255, 0, 0),
    (0, 0, 0, 255): (0, 0, 0),
    (0, 0, 0, 102): (153, 153, 153),
    (51, 0, 102, 51): (163, 204, 122),
}
"""Cyan, magenta, yellow and black, and the colour that they give on white paper."""
every_ink = pytest.mark.parametrize("inks", INKS, ids=str)


def cmyk(inks: Inks, kind: str) -> bytes:
    return encoded(Image.new("CMYK", (8, 8), inks), kind, **({"quality": 100} if kind == "JPEG" else {}))


def as_stored(jpeg: bytes) -> Inks:
    """The numbers of a JPEG's first pixel as they stand in the file."""
    with Image.open(io.BytesIO(jpeg)) as image:
        image.tile = [tile._replace(args=("CMYK", "")) for tile in image.tile]
        return image.getpixel((0, 0))


def is_about(image: Image.Image, color: tuple[int, int, int]) -> bool:
    return image.mode == "RGB" and int(np.abs(np.asarray(image).astype(int) - color).max()) <= 3


@every_ink
def test_a_cmyk_tiff_has_its_colours(inks: Inks) -> None:
    content = cmyk(inks, "TIFF")
    assert bytes(inks) * 64 in content
    assert is_about(decode_image(content, "a.tif"), INKS[inks])


@every_ink
def test_a_cmyk_jpeg_has_its_colours(inks: Inks) -> None:
    """As Adobe's programs write it, and others after them: upside down, 255 is no ink."""
    content = cmyk(inks, "JPEG")
    assert ADOBE in content
    assert as_stored(content) == pytest.approx([255 - ink for ink in inks], abs=2)
    assert is_about(decode_image(content, "a.jpg"), INKS[inks])


@every_ink
def test_a_cmyk_jpeg_of_brightness_and_two_colours_has_its_colours(inks: Inks) -> None:
    """YCCK, as Photoshop writes it: the first three inks as an RGB image's Y, Cb and Cr."""
    turned = Image.new("RGB", (1, 1), inks[:3]).convert("YCbCr").getpixel((0, 0))
    content = cmyk((*(255 - part for part in turned), inks[3]), "JPEG")
    assert content.count(ADOBE) == 1
    ycck = content.replace(ADOBE, ADOBE[:-1] + b"\x02")
    assert is_about(decode_image(ycck, "a.jpg"), INKS[inks])


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF", "PNG"])
def test_the_first_frame_counts_and_that_is_said(kind: str) -> None:
    image = decode_image(several_frames(kind), "a")
    assert np.asarray(image).min() > 250
    said = first_frame_sentence(image, f"my/cat.{kind}")
    assert said == f"my/cat.{kind} has several frames or pages; the first one counts."


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF", "PNG"])
def test_of_a_single_frame_nothing_is_said(kind: str) -> None:
    """Also where it was saved as an animation may be."""
    for options in ({}, {"save_all": True}):
        assert first_frame_sentence(decode_image(encoded(_RGB, kind, **options), "a"), "a") == ""


def test_the_preview_that_a_phone_puts_into_a_jpeg_is_no_frame() -> None:
    photo = encoded(_RGB, "MPO", save_all=True, append_images=[_RGB.resize((4, 4))])
    assert first_frame_sentence(decode_image(photo, "a.jpg"), "a.jpg") == ""


def test_metadata_is_dropped_and_one_pixel_is_enough() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("where", "at home")
    image = decode_image(encoded(Image.new("RGB", (1, 1)), pnginfo=text, dpi=(72, 72)), "a")
    assert image.info == {}
    assert fit_image(image, 8, "crop", 3).shape == (8, 8, 3)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_an_unreadable_exif_block_counts_as_none() -> None:
    image = decode_image(encoded(_RGB, "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff"), "a")
    assert image.size == (16, 16)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("resize", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("size", [(40, 20), (20, 40), (7, 9), (16, 16), (300, 8)])
def test_every_fit_gives_the_asked_shape(size: tuple[int, int], resize: str, channels: int) -> None:
    fitted = fit_image(Image.new("RGB", size, "white"), 16, resize, channels)
    assert fitted.shape == (16, 16, channels)
    assert fitted.dtype == np.uint8


def test_crop_cuts_the_middle_pad_adds_black_stretch_keeps_all() -> None:
    wide = Image.new("RGB", (48, 16), "white")
    wide.paste("red", (0, 0, 16, 16))
    crop, pad, stretch = (fit_image(wide, 16, how, 3) for how in ("crop", "pad", "stretch"))
    assert crop.min() == 255
    assert pad[0].max() == 0
    assert pad[8, 15].min() > 200
    assert stretch[8, 1].tolist() == [255, 0, 0]


def test_an_image_of_the_right_size_keeps_its_pixels() -> None:
    assert np.array_equal(fit_image(_RGB, 16, "crop", 3), np.asarray(_RGB))
