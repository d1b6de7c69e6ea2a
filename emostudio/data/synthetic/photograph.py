"""Everything that is not the head: background, neck, glasses, and the camera's own faults."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from emostudio.data.synthetic.head import Head
from emostudio.data.synthetic.identity import Identity
from emostudio.data.synthetic.projection import View, look_at
from emostudio.data.synthetic.strokes import ByteArray, fill, fixed_point

FloatArray = NDArray[np.float32]

_NOISE_SEED = 0x0015E
_BANK = 640
_NECK_TONES = tuple((1.0 - 0.14 * step, 0.50 + 0.035 * step) for step in range(6))
_RING = np.linspace(0, 2 * np.pi, 28, endpoint=False, dtype=np.float32)


@dataclass(frozen=True)
class Finish:
    """Faults of one exposure, in pixels and grey levels of the finished picture."""

    blur: float
    gain: tuple[float, float, float]
    noise: float
    noise_place: tuple[int, int]
    jpeg_quality: int | None


def draw_finish(random: np.random.Generator) -> Finish:
    """Draw the faults of one exposure."""
    gain = random.uniform(0.86, 1.12)
    tint = random.normal(0, 0.02, 3)
    red, green, blue = (gain * (1 + tint)).tolist()
    quality = int(random.integers(60, 96))
    return Finish(
        blur=float(random.uniform(0, 0.8)),
        gain=(red, green, blue),
        noise=float(random.uniform(0, 5)),
        noise_place=(int(random.integers(_BANK // 2)), int(random.integers(_BANK // 2))),
        jpeg_quality=quality if random.random() < 0.5 else None,
    )


@lru_cache(maxsize=1)
def _noise_bank() -> FloatArray:
    random = np.random.default_rng(_NOISE_SEED)
    return random.standard_normal((_BANK, _BANK, 3), np.float32)


def draw_background(random: np.random.Generator, width: int, height: int) -> ByteArray:
    """Draw an out-of-focus wall, uint8 (height, width, 3)."""
    tone = random.uniform(60, 225)
    colour = np.clip(tone + random.normal(0, 18, 3), 20, 245)
    corners = random.normal(0, 22, (2, 2, 1)) + random.normal(0, 6, (2, 2, 3))
    blobs = random.normal(0, random.uniform(1, 11), (6, 6, 1)) + random.normal(0, 3, (6, 6, 3))
    small = cv2.resize((corners + colour).astype(np.float32), (24, 24))
    small += cv2.resize(blobs.astype(np.float32), (24, 24), interpolation=cv2.INTER_CUBIC)
    small_bytes = np.clip(small, 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(small_bytes, (width, height)), np.uint8)


def _outline(view: View, points: list[tuple[float, float]], depth: float) -> NDArray[np.int32]:
    """Upright outline around the projected neck axis, as fixed-point pixels."""
    foot = view.project(np.array((0.0, 0.0, depth), np.float32))
    pixels = np.array(points, np.float32) * np.float32(view.scale) + foot
    return fixed_point(pixels)


def _long_hair(image: ByteArray, identity: Identity, view: View) -> None:
    if identity.hair_style != "long":
        return
    edge = [(-1.0, -0.4), (-1.34, 0.6), (-1.42, 1.6), (-1.36, 2.9), (1.36, 2.9), (1.42, 1.6),
            (1.34, 0.6), (1.0, -0.4)]  # fmt: skip
    red, green, blue = (value * 0.62 for value in identity.hair)
    fill(image, _outline(view, edge, -0.35), (red, green, blue))


def _neck(image: ByteArray, head: Head, view: View) -> None:
    identity = head.identity
    wide = 0.72 if identity.is_male else 0.58
    skin = np.array(identity.skin)
    for share, tone in _NECK_TONES:
        edge = wide * share
        neck = [(-edge, 0.6), (-edge * 0.95, 2.0), (-edge * 1.15, 2.75), (edge * 1.15, 2.75),
                (edge * 0.95, 2.0), (edge, 0.6)]  # fmt: skip
        fill(image, _outline(view, neck, -0.32), tuple((skin * tone).tolist()))
    broad = 2.5 if identity.is_male else 2.1
    shoulders = [(-broad, 3.2), (-broad * 0.86, 2.72), (-0.8, 2.3), (-0.45, 2.48), (0, 2.56),
                 (0.45, 2.48), (0.8, 2.3), (broad * 0.86, 2.72), (broad, 3.2), (broad, 9),
                 (-broad, 9)]  # fmt: skip
    fill(image, _outline(view, shoulders, -0.35), identity.clothes)


def _glasses(image: ByteArray, head: Head, view: View) -> None:
    distance = 0.5 + head.identity.shape["eye_distance"]
    depth = 1.50
    overlay = image.copy()
    width = max(1, round(0.02 * view.scale))
    ink = (40.0, 36.0, 34.0)
    for sign in (-1.0, 1.0):
        x = sign * (distance + 0.02) + 0.40 * np.cos(_RING)
        y = 0.07 + 0.30 * np.sin(_RING)
        ring = np.stack((x, y, depth - 0.22 * np.abs(x) ** 2), axis=1).astype(np.float32)
        points = fixed_point(view.project(ring))
        cv2.polylines(
            overlay,
            [points],
            isClosed=True,
            color=ink,
            thickness=width,
            lineType=cv2.LINE_AA,
            shift=4,
        )
        if sign * np.sin(view.facing) > -0.3:
            arm = np.array(((sign * 0.93, 0.02, 1.3), (sign * 1.24, 0.0, 0.1)), np.float32)
            points = fixed_point(view.project(arm))
            cv2.polylines(
                overlay,
                [points],
                isClosed=False,
                color=ink,
                thickness=width,
                lineType=cv2.LINE_AA,
                shift=4,
            )
    bridge = np.array(((-0.13, 0.0, depth), (0.0, -0.03, depth + 0.03), (0.13, 0.0, depth)))
    points = fixed_point(view.project(bridge.astype(np.float32)))
    cv2.polylines(
        overlay, [points], isClosed=False, color=ink, thickness=width, lineType=cv2.LINE_AA, shift=4
    )
    cv2.addWeighted(overlay, 0.45, image, 0.55, 0, dst=image)


def compose(head: Head, view: View, background: ByteArray) -> ByteArray:
    """Put a person in front of a background.

    Parameters
    ----------
    head
        Painted head.
    view
        The camera; its size is the background's.
    background
        uint8 (height, width, 3), changed in place.
    """
    _long_hair(background, head.identity, view)
    _neck(background, head, view)
    colours, coverage = look_at(head, view)
    image: ByteArray = cv2.blendLinear(colours, background, coverage, 1 - coverage)
    if head.identity.glasses:
        _glasses(image, head, view)
    return image


def expose(image: ByteArray, size: tuple[int, int], finish: Finish) -> ByteArray:
    """Shrink a drawing to its final size and give it the camera's faults.

    Parameters
    ----------
    image
        Drawing, uint8 (H, W, 3).
    size
        Final (width, height) in pixels.
    finish
        The faults.
    """
    if (image.shape[1], image.shape[0]) != size:
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    if finish.blur > 0.25:
        image = cv2.GaussianBlur(image, (5, 5), finish.blur * max(1.0, size[0] / 96))
    place_y, place_x = finish.noise_place
    bank = _noise_bank()
    if max(size) > _BANK // 2:
        bank = cv2.resize(bank, (size[0] + _BANK // 2, size[1] + _BANK // 2))
    noise = bank[place_y : place_y + size[1], place_x : place_x + size[0]]
    values = image * np.array(finish.gain, np.float32)
    values = values + noise * np.float32(finish.noise)
    picture = np.clip(values, 0, 255).astype(np.uint8)
    if finish.jpeg_quality is None:
        return picture
    encoded = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, finish.jpeg_quality))[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
