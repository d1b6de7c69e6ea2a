"""The runner reads every picture as EmoStudio does, or refuses it where EmoStudio would."""

import io
import sys

import cv2
import numpy as np
import onnxruntime
import pytest
from PIL import Image

from emostudio.data.decode import DecodeError, decode_image
from emostudio.exports import runner

RANDOM = np.random.default_rng(0)
SIZE = (20, 24)
GREY, ALPHA = (Image.fromarray(RANDOM.integers(0, 256, SIZE, dtype=np.uint8)) for _ in range(2))
RGB = Image.merge("RGB", [GREY, ALPHA, GREY.rotate(180)])
RGBA = Image.merge("RGBA", [*RGB.split(), ALPHA])
PALETTE = RGB.convert("P")
SMOOTH = RGB.resize((240, 200), Image.Resampling.BICUBIC)
LIBRARIES = {"Pillow": "cv2", "OpenCV": "PIL"}
"""What reads the picture, and what is not installed meanwhile."""


def saved(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def sixteen(channels, ending):
    pixels = RANDOM.integers(0, 65536, (*SIZE, channels)[: 2 + channels // 3], dtype=np.uint16)
    return cv2.imencode(ending, pixels)[1].tobytes()


def turned(orientation, kind, image=SMOOTH, **options):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(image, kind, exif=exif, **options)


READ = {
    "png": saved(RGB, "PNG"),
    "grey png": saved(GREY, "PNG"),
    "png of one bit": saved(GREY.convert("1"), "PNG"),
    "png of a palette": saved(RGB.convert("P"), "PNG"),
    "grey png of 16 bits": sixteen(1, ".png"),
    "grey tiff of 16 bits": sixteen(1, ".tiff"),
    "jpeg": saved(SMOOTH, "JPEG", quality=90),
    "grey jpeg": saved(SMOOTH.convert("L"), "JPEG"),
    "jpeg in passes": saved(SMOOTH, "JPEG", progressive=True),
    **{f"jpeg turned {n}": turned(n, "JPEG", quality=95, subsampling=0) for n in range(1, 9)},
    "png turned": turned(6, "PNG"),
    "webp turned": turned(6, "WEBP", lossless=True),
    "gif": saved(RGB.convert("P"), "GIF"),
    "gif with a clear colour": saved(RGB.convert("P"), "GIF", transparency=3),
    "gif of two frames": saved(RGB, "GIF", save_all=True, append_images=[RGB.rotate(90)]),
    "webp": saved(RGB, "WEBP", lossless=True),
    "bmp": saved(RGB, "BMP"),
    "grey bmp": saved(GREY, "BMP"),
    "tiff": saved(RGB, "TIFF"),
    "grey tiff": saved(GREY, "TIFF"),
    "ppm": saved(RGB, "PPM"),
    "pgm": saved(GREY, "PPM"),
    "ppm with a comment": b"P6 # made by hand\n8 # and\n# more\n9\n255\n" + bytes(range(216)),
    "grey png with a clear value": saved(GREY, "PNG", transparency=3),
}
TRANSPARENT = {
    "png with alpha": saved(RGBA, "PNG"),
    "grey png with alpha": saved(RGBA.convert("LA"), "PNG"),
    "png of a palette with a clear colour": saved(
        PALETTE, "PNG", transparency=PALETTE.getpixel((2, 3))
    ),
    "png with a clear colour": saved(RGB, "PNG", transparency=RGB.getpixel((2, 3))),
    "png with alpha, turned": turned(8, "PNG", RGBA),
    "webp with alpha": saved(RGBA, "WEBP", lossless=True, exact=True),
}
PNG, JPEG = READ["png"], READ["jpeg"]
REFUSED = {
    "nothing": b"",
    "text": b"no picture at all",
    "cmyk jpeg": saved(SMOOTH.convert("CMYK"), "JPEG"),
    "no pixels": b"P6 0 0 255\n",
    "no width": b"P5 0 9 255\n" + bytes(9),
    "a ppm cut off": b"P6 9 9 255\nshort",
    "a ppm without a size": b"P6 x",
    "too small": saved(RGB.crop((0, 0, 7, 20)), "PNG"),
    "too narrow": saved(RGB.resize((200, 19)), "PNG"),
    "20000 x 20000": saved(Image.new("1", (20000, 20000)), "PNG"),
    "5000 x 5000": saved(Image.new("1", (5000, 5000)), "PNG"),
    "a png cut off": PNG[:-20],
    "a png with a wrong check sum": PNG[:-14] + bytes(2) + PNG[-12:],
    "a jpeg cut off": JPEG[: len(JPEG) // 2],
    "a jpeg's first bytes": JPEG[:30],
    "numbers with a point": saved(GREY.convert("F"), "TIFF"),
    "numbers of 32 bits": saved(GREY.convert("I"), "TIFF"),
}


@pytest.fixture(params=LIBRARIES)
def library(request, monkeypatch):
    monkeypatch.setitem(sys.modules, LIBRARIES[request.param], None)
    return request.param


def read(content, tmp_path):
    (tmp_path / "x").write_bytes(content)
    found = runner.read_picture(tmp_path / "x")
    assert found.dtype == np.uint8
    return found if found.ndim == 3 else found[:, :, np.newaxis]


@pytest.mark.parametrize("name", READ)
def test_what_emostudio_reads_it_reads_alike(name, library, tmp_path):
    expected = decode_image(READ[name], full_size=True).pixels
    assert np.array_equal(read(READ[name], tmp_path), expected)


@pytest.mark.parametrize("name", TRANSPARENT)
def test_transparency_is_laid_over_the_same_grey_or_needs_pillow(name, library, tmp_path):
    expected = decode_image(TRANSPARENT[name], full_size=True).pixels
    if library == "Pillow":
        assert np.array_equal(read(TRANSPARENT[name], tmp_path), expected)
        return
    with pytest.raises(runner.ModelError, match="install Pillow"):
        read(TRANSPARENT[name], tmp_path)


@pytest.mark.parametrize("ending", [".png", ".tiff"])
def test_colours_of_16_bits_differ_by_a_level_at_most(ending, library, tmp_path):
    content = sixteen(3, ending)
    expected = decode_image(content, full_size=True).pixels.astype(int)
    most = 1 if library == "Pillow" else 0  # Pillow hands out the upper byte only
    assert np.abs(read(content, tmp_path) - expected).max() <= most


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.filterwarnings("ignore:Image size")
def test_what_emostudio_refuses_it_refuses_by_name(name, library, tmp_path):
    with pytest.raises(DecodeError):
        decode_image(REFUSED[name])
    with pytest.raises(runner.ModelError, match=r"x cannot be read: \S+"):
        read(REFUSED[name], tmp_path)


def test_with_neither_library_it_says_what_to_install(monkeypatch, tmp_path):
    for name in LIBRARIES.values():
        monkeypatch.setitem(sys.modules, name, None)
    assert read(READ["ppm"], tmp_path).shape == (*SIZE, 3)
    with pytest.raises(runner.ModelError, match="install Pillow"):
        read(PNG, tmp_path)


def test_a_folder_is_no_picture(tmp_path):
    for name in ("", "none"):
        with pytest.raises(runner.ModelError, match="no such plain file"):
            runner.read_picture(tmp_path / name)


def test_a_refusal_without_a_word_is_named_by_its_kind(monkeypatch, tmp_path):
    def refuse(*_arguments, **_options):
        raise MemoryError

    file = tmp_path / "x.onnx"
    file.write_bytes(b"")
    monkeypatch.setattr(onnxruntime, "InferenceSession", refuse)
    with pytest.raises(runner.ModelError, match="cannot be loaded: MemoryError"):
        runner._session(file, 1)
