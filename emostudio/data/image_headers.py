"""What the first bytes of a picture say: format, size, and whether its end is there."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

_FOREIGN = {
    b"<svg": "SVG drawings are not supported",
    b"<?xml": "text, not a picture",
    b"<!doc": "a web page, not a picture",
    b"<html": "a web page, not a picture",
    b"%pdf": "a PDF document, not a picture",
    b"pk\x03\x04": "a zip archive, not a picture",
    b"\x1f\x8b": "a gzip archive, not a picture",
    b"#?rad": "Radiance HDR pictures are not supported",
    b"\x00\x00\x00\x0cjxl": "JPEG XL is not supported",
}


_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG markers that carry the picture's size."""


@dataclass(frozen=True)
class ImageHeader:
    """Facts from a picture's header.

    Attributes
    ----------
    width, height
        Pixels as stored; 0 where the header was not read.
    channels
        Colour components of a JPEG, 0 where unknown.
    ends
        False where the end marker is missing.
    is_progressive
        Whether a JPEG is stored in passes.
    has_frames
        Whether it is an animation.
    damage
        What is broken beyond use; empty if nothing.
    """

    format: str
    width: int = 0
    height: int = 0
    channels: int = 0
    ends: bool = True
    is_progressive: bool = False
    has_frames: bool = False
    damage: str = ""


def image_format(content: bytes) -> str:
    """Return the format by magic bytes, empty if it is none that is supported."""
    if content.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "webp"
    if content.startswith(b"BM") and len(content) > 26:
        return "bmp"
    if content.startswith((b"II*\x00", b"MM\x00*")):
        return "tiff"
    if content[:2] in {b"P1", b"P2", b"P3", b"P4", b"P5", b"P6"} and content[2:3].isspace():
        return "pnm"
    return ""


def foreign_format(content: bytes) -> str:
    """Return why `content` is not a supported picture, in words."""
    start = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for magic, reason in _FOREIGN.items():
        if start.startswith(magic):
            return "SVG drawings are not supported" if b"<svg" in start else reason
    if content[4:8] == b"ftyp":
        if content[8:12] in {b"heic", b"heix", b"mif1", b"avif", b"hevc"}:
            return "HEIC and AVIF are not supported; convert to JPEG or PNG"
        return "a video, not a picture"
    return "no supported picture format"


def read_header(content: bytes, kind: str) -> ImageHeader:
    """Read the header of a picture of a known format.

    Parameters
    ----------
    content
        The whole file.
    kind
        What `image_format` returned.
    """
    reader = {"jpeg": _jpeg, "png": _png, "gif": _gif, "bmp": _bmp}.get(kind)
    if reader is None:
        frames = kind == "webp" and b"ANIM" in content[:64]
        return ImageHeader(kind, has_frames=frames)
    try:
        return reader(content)
    except (struct.error, IndexError):
        return ImageHeader(kind, damage="truncated: the header is cut off")


def _jpeg(content: bytes) -> ImageHeader:
    place, size = 2, (0, 0, 0)
    progressive = False
    while True:
        if content[place] != 0xFF:
            return ImageHeader("jpeg", damage="damaged: no marker where one belongs")
        marker = content[place + 1]
        if marker == 0xFF:  # fill byte
            place += 1
            continue
        (length,) = struct.unpack_from(">H", content, place + 2)
        if marker in _FRAME_MARKERS:
            height, width, channels = struct.unpack_from(">HHB", content, place + 5)
            size, progressive = (width, height, channels), marker == 0xC2
        place += 2 + length
        if marker == 0xDA:
            # Scan data cannot hold an end marker, but a thumbnail in front of it can.
            ends = content.rfind(b"\xff\xd9") >= place
            return ImageHeader("jpeg", *size, ends=ends, is_progressive=progressive)


def _png(content: bytes) -> ImageHeader:
    width, height = struct.unpack_from(">II", content, 16)
    place, frames = 8, False
    while place < len(content):
        (length,) = struct.unpack_from(">I", content, place)
        name = content[place + 4 : place + 8]
        end = place + 12 + length
        if end > len(content):
            break
        (stated,) = struct.unpack_from(">I", content, end - 4)
        if zlib.crc32(memoryview(content)[place + 4 : end - 4]) != stated:
            return ImageHeader("png", width, height, damage="damaged: a check sum does not match")
        if name == b"IEND":
            return ImageHeader("png", width, height, has_frames=frames)
        frames = frames or name == b"acTL"
        place = end
    return ImageHeader("png", width, height, damage="truncated: the end of the file is missing")


def _gif(content: bytes) -> ImageHeader:
    width, height = struct.unpack_from("<HH", content, 6)
    return ImageHeader("gif", width, height, has_frames=content.count(b"\x21\xf9\x04") > 1)


def _bmp(content: bytes) -> ImageHeader:
    width, height = struct.unpack_from("<ii", content, 18)
    return ImageHeader("bmp", abs(width), abs(height))
