import os
import struct
import zlib

import cv2
import numpy as np
import pytest

from emostudio.data.decode import (
    DecodeError,
    decode_file,
    decode_image,
    exif_orientation,
    printable,
    read_file,
)

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def picture():
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 3)


def encode(ending, pixels):
    return cv2.imencode(ending, pixels)[1].tobytes()


def png_chunk(name, content):
    check = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)


def png_bomb(side, depth=8):
    header = struct.pack(">IIBBBBB", side, side, depth, 0, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(bytes(10_000))), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def with_orientation(jpeg, orientation, order="little"):
    mark = b"II*\x00" if order == "little" else b"MM\x00*"
    entry = [(0x0112, 2), (3, 2), (1, 4), (orientation, 2), (0, 2)]
    body = b"".join(value.to_bytes(size, order) for value, size in [(8, 4), (1, 2), *entry, (0, 4)])
    block = b"Exif\x00\x00" + mark + body
    return jpeg[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + jpeg[2:]


def refusal(content):
    with pytest.raises(DecodeError) as caught:
        decode_image(content, "x.jpg")
    return caught.value.why


@pytest.mark.parametrize("ending", [".png", ".bmp", ".tiff", ".gif", ".webp", ".jpg"])
def test_every_format_is_told_by_its_first_bytes_and_comes_out_as_rgb(picture, ending):
    red = np.zeros((60, 80, 3), np.uint8)
    red[:, :, 2] = 255  # OpenCV stores BGR
    decoded = decode_image(encode(ending, red))
    assert decoded.pixels.shape == (60, 80, 3)
    assert decoded.pixels[30, 40, 0] > 250
    assert decoded.pixels[30, 40, 2] < 5


def test_an_empty_file_is_refused():
    assert refusal(b"") == "empty file"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"hello, this is text", "no supported picture"),
        (np.random.default_rng(5).bytes(500), "no supported picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<?xml version='1.0'?><svg/>", "SVG"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(100), "HEIC"),
        (b"\x00\x00\x00\x18ftypisom" + bytes(100), "video"),
        (b"PK\x03\x04" + bytes(100), "zip"),
    ],
)
def test_what_is_no_picture_is_refused_by_name(content, words):
    assert words in refusal(content)


@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
def test_a_jpeg_cut_short_is_refused(picture, share):
    content = encode(".jpg", picture)
    assert "truncated" in refusal(content[: int(len(content) * share)])


@pytest.mark.parametrize("shape", [(40, 40), (41, 35, 3)])
def test_no_cut_of_a_jpeg_goes_unnoticed(picture, shape):
    pixels = picture[: shape[0], : shape[1], 0] if len(shape) == 2 else picture[:41, :35]
    content = encode(".jpg", np.ascontiguousarray(pixels))
    whole = decode_image(content).pixels
    for length in range(2, len(content)):
        try:
            decoded = decode_image(content[:length])
        except DecodeError:
            continue
        assert decoded.notes
        changed = np.any(decoded.pixels != whole, axis=2)
        assert not changed[:-16].any()


@pytest.mark.parametrize("missing", [1, 2])
def test_a_jpeg_without_its_end_marker_is_kept_with_a_note(picture, missing):
    content = encode(".jpg", picture)
    decoded = decode_image(content[:-missing])
    np.testing.assert_array_equal(decoded.pixels, decode_image(content).pixels)
    assert "end marker" in decoded.notes[0]


def test_a_cut_progressive_jpeg_is_refused(picture):
    content = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    assert "truncated" in refusal(content[: len(content) // 2])


def test_a_jpeg_cut_inside_its_header_is_refused(picture):
    assert "truncated" in refusal(encode(".jpg", picture)[:30])


def test_an_end_marker_inside_a_thumbnail_does_not_hide_a_cut(picture):
    content = encode(".jpg", picture)
    block = b"JFXX\x00" + b"\xff\xd9" * 3
    content = content[:2] + b"\xff\xe0" + (len(block) + 2).to_bytes(2, "big") + block + content[2:]
    assert "truncated" in refusal(content[: len(content) // 2])


def test_a_cut_png_is_refused(picture):
    content = encode(".png", picture)
    assert "truncated" in refusal(content[: len(content) // 2])


def test_a_png_with_a_wrong_check_sum_is_refused(picture):
    content = bytearray(encode(".png", picture))
    content[len(content) // 2] ^= 0xFF
    assert "check sum" in refusal(bytes(content))


@pytest.mark.parametrize(("side", "depth"), [(65_000, 8), (30_000, 8), (32_000, 1)])
def test_a_picture_with_too_many_pixels_is_refused_before_unpacking(side, depth):
    assert "too many" in refusal(png_bomb(side, depth))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_as_opencv_applies_it(picture, orientation):
    content = with_orientation(encode(".jpg", picture), orientation)
    expected = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    np.testing.assert_array_equal(decode_image(content).pixels, expected)


def test_exif_orientation_is_read_in_both_byte_orders(picture):
    content = with_orientation(encode(".jpg", picture), 6, "big")
    assert decode_image(content).pixels.shape == (80, 60, 3)


@pytest.mark.parametrize("block", [b"", b"II", b"XX*\x00", b"II*\x00\xff\xff\xff\xff"])
def test_a_damaged_exif_block_means_upright(block):
    assert exif_orientation(block) == 1


def test_sixteen_bits_are_divided_by_257_with_a_note():
    deep = np.full((20, 20), 257 * 100, np.uint16)
    decoded = decode_image(encode(".png", deep))
    assert np.all(decoded.pixels == 100)
    assert "16 bits" in decoded.notes[0]


def test_float_pixels_are_refused():
    content = encode(".tiff", np.full((20, 20, 3), 0.5, np.float32))
    assert "float32" in refusal(content)


def test_a_cmyk_jpeg_is_refused(picture):
    content = bytearray(encode(".jpg", picture))
    frame = content.index(b"\xff\xc0")
    content[frame + 9] = 4
    assert "CMYK" in refusal(bytes(content))


def test_transparency_is_laid_over_grey():
    transparent = np.zeros((20, 20, 4), np.uint8)
    transparent[:, :10] = (0, 0, 255, 255)
    pixels = decode_image(encode(".png", transparent)).pixels
    assert pixels[0, 0].tolist() == [255, 0, 0]
    assert pixels[0, 15].tolist() == [128, 128, 128]


def test_grey_stays_grey():
    assert decode_image(encode(".png", np.zeros((20, 20), np.uint8))).pixels.shape == (20, 20, 1)


def test_a_palette_becomes_rgb():
    header = struct.pack(">IIBBBBB", 16, 16, 8, 3, 0, 0, 0)
    rows = b"".join(b"\x00" + bytes([1] * 16) for _ in range(16))
    chunks = [(b"IHDR", header), (b"PLTE", bytes([0, 0, 0, 10, 200, 30]))]
    chunks += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    content = b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)
    assert decode_image(content).pixels[3, 3].tolist() == [10, 200, 30]


@pytest.mark.parametrize("ending", [".gif", ".webp", ".png"])
def test_the_first_frame_stands_for_an_animation(ending):
    animation = cv2.Animation()
    black, white = np.zeros((20, 20, 4), np.uint8), np.full((20, 20, 4), 255, np.uint8)
    black[:, :, 3] = 255
    animation.frames, animation.durations = [black, white], [100, 100]
    content = cv2.imencodeanimation(ending, animation)[1].tobytes()
    decoded = decode_image(content)
    assert decoded.pixels.max() < 20
    assert "first frame" in decoded.notes[0]


@pytest.mark.parametrize(("shape", "words"), [((1, 1), "too small"), ((20, 2000), "ratio")])
def test_tiny_and_stretched_pictures_are_refused(shape, words):
    assert words in refusal(encode(".png", np.zeros(shape, np.uint8)))


def test_a_large_picture_is_shrunk_unless_full_size_is_asked_for():
    content = encode(".png", np.zeros((300, 512, 3), np.uint8))
    assert decode_image(content).pixels.shape == (150, 256, 3)
    assert decode_image(content, full_size=True).pixels.shape == (300, 512, 3)


def test_damage_in_random_places_never_ends_the_process(picture):
    random = np.random.default_rng(1)
    for ending in (".jpg", ".png", ".webp", ".gif", ".bmp", ".tiff"):
        original = np.frombuffer(encode(ending, picture), np.uint8)
        for _ in range(60):
            content = original.copy()
            places = random.integers(0, len(content), 8)
            content[places] = random.integers(0, 256, 8)
            try:
                pixels = decode_image(content.tobytes()).pixels
            except DecodeError:
                continue
            assert pixels.dtype == np.uint8


def test_a_file_is_decoded_like_its_bytes(tmp_path, picture):
    path = tmp_path / "no ending"
    path.write_bytes(encode(".png", picture))
    expected = decode_image(path.read_bytes()).pixels
    np.testing.assert_array_equal(decode_file(path).pixels, expected)


def test_a_pipe_is_never_opened(tmp_path):
    os.mkfifo(tmp_path / "x.jpg")
    with pytest.raises(DecodeError, match="plain file"):
        read_file(tmp_path / "x.jpg")


@pytest.mark.parametrize("target", ["missing.jpg", "x.jpg"])
def test_a_link_that_leads_nowhere_is_refused(tmp_path, target):
    (tmp_path / "x.jpg").symlink_to(tmp_path / target)
    with pytest.raises(DecodeError, match=r"cannot be (used|read)"):
        read_file(tmp_path / "x.jpg", tmp_path)


def test_a_link_out_of_the_root_is_refused(tmp_path, picture):
    (tmp_path / "root").mkdir()
    (tmp_path / "secret.png").write_bytes(encode(".png", picture))
    (tmp_path / "root" / "x.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(DecodeError, match="out of the folder"):
        read_file(tmp_path / "root" / "x.png", tmp_path / "root")
    assert read_file(tmp_path / "root" / "x.png") == (tmp_path / "secret.png").read_bytes()


def test_names_of_any_bytes_become_printable_text():
    text = printable(b"a\xff\n\xe4\xb8\xad.jpg".decode("utf-8", "surrogateescape"))
    assert text == "a\\xff\\n\N{CJK UNIFIED IDEOGRAPH-4E2D}.jpg"
    text.encode("utf-8")
