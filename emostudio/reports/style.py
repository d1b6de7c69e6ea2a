"""How exported charts look: fonts and axes in the studio's drawing rules."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from matplotlib import font_manager, rc_context
from matplotlib.axes import Axes

from emostudio.core.paths import resource_path
from emostudio.reports import palette

_FONT = "Inter"
_SETTINGS: dict[str, Any] = {
    "font.family": [_FONT, "DejaVu Sans"],
    "font.size": 9.0,
    "text.color": palette.TEXT,
    "axes.edgecolor": palette.LINE2,
    "axes.labelcolor": palette.TEXT3,
    "axes.unicode_minus": True,
    "xtick.color": palette.TEXT3,
    "ytick.color": palette.TEXT3,
    "pdf.fonttype": 3,  # outlines: readers object to how our OpenType fonts are embedded as 42
    "svg.fonttype": "path",
    "svg.hashsalt": "emostudio",
    "figure.facecolor": palette.CARD,
    "axes.facecolor": palette.CARD,
}


@contextmanager
def chart_style() -> Iterator[None]:
    """Draw and save figures inside this context; nothing global is left changed."""
    _add_fonts()
    logger = logging.getLogger("matplotlib.font_manager")
    level = logger.level
    logger.setLevel(logging.ERROR)  # the fallback font lacks our weights, and says so every time
    try:
        with rc_context(_SETTINGS):
            yield
    finally:
        logger.setLevel(level)


def _add_fonts() -> None:
    known = {font.fname for font in font_manager.fontManager.ttflist}
    for path in sorted(resource_path("fonts").glob(f"{_FONT}-*.otf")):
        if str(path) not in known:
            font_manager.fontManager.addfont(path)


def plain_axes(axes: Axes) -> None:
    """Leave only horizontal grid lines and the x axis."""
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_linewidth(0.8)
    axes.tick_params(length=0, labelsize=8)
    axes.grid(visible=True, axis="y", color=palette.LINE, linewidth=0.8)
    axes.set_axisbelow(True)
