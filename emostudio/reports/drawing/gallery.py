"""Faces with what was said about them."""

from __future__ import annotations

import base64
import io

from matplotlib.axes import Axes
from matplotlib.image import imread

from emostudio.reports import palette
from emostudio.workspace.charts.base import Gallery, Picture

CELL_IN, CELL_HEIGHT_IN = 1.0, 1.56
_SIDE = 0.84
_LINE = 0.14
_INK = {"lost": palette.BAD, "gained": palette.OK, "other": palette.TEXT2}


def across(width_in: float) -> int:
    """Return how many pictures stand side by side in `width_in` inches."""
    return max(1, int(width_in / CELL_IN))


def gallery_height_in(gallery: Gallery, width_in: float) -> float:
    """Return the height that all pictures take, in inches."""
    rows = -(-len(gallery.pictures) // across(width_in))
    return CELL_HEIGHT_IN * max(rows, 1)


def draw_gallery(axes: Axes, gallery: Gallery, width_in: float) -> None:
    """Draw the pictures; the axes' data units are inches from the upper left corner."""
    height = gallery_height_in(gallery, width_in)
    axes.set_xlim(0, width_in)
    axes.set_ylim(height, 0)
    axes.set_axis_off()
    if not gallery.pictures:
        axes.text(0, 0.2, "No picture is judged otherwise", fontsize=8, color=palette.TEXT2)
    columns = across(width_in)
    for number, picture in enumerate(gallery.pictures):
        row, column = divmod(number, columns)
        _draw_picture(axes, picture, column * CELL_IN, row * CELL_HEIGHT_IN)


def _draw_picture(axes: Axes, picture: Picture, left: float, top: float) -> None:
    pixels = imread(io.BytesIO(base64.b64decode(picture.png_base64)), format="png")
    height, width = pixels.shape[:2]
    scale = _SIDE / max(height, width)
    right, bottom = left + width * scale, top + height * scale
    box = (left, right, bottom, top)
    axes.imshow(pixels, extent=box, aspect="auto", cmap="gray", vmin=0, vmax=1)
    lines = (
        (picture.truth, palette.TEXT, 600),
        (picture.before, palette.TEXT2, 400),
        (f"→ {picture.now}", _INK[picture.state], 500),
        (picture.state if picture.state != "other" else "still wrong", _INK[picture.state], 400),
    )
    for number, (words, colour, weight) in enumerate(lines):
        y = top + _SIDE + 0.1 + _LINE * number
        axes.text(left, y, words, fontsize=6.2, color=colour, weight=weight, va="center")
