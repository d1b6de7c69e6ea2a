"""Rings over axes that all run from 0 to 1."""

from __future__ import annotations

import math

from matplotlib.axes import Axes

from emostudio.reports import palette
from emostudio.workspace.charts.base import Radar

_REACH, _NAMES_AT = 1.45, 1.1
_LEVELS = (0.25, 0.5, 0.75, 1.0)


def draw_radar(axes: Axes, radar: Radar) -> None:
    """Draw grid, names and one ring per variant into axes of equal aspect."""
    axes.set_axis_off()
    axes.set_aspect("equal")
    axes.set_xlim(-_REACH, _REACH)
    axes.set_ylim(-1.22, 1.22)
    count = len(radar.axes)
    for level in _LEVELS:
        corners = [corner(place, count, level) for place in range(count + 1)]
        axes.plot(*zip(*corners, strict=True), color=palette.LINE2, linewidth=0.6)
        axes.text(0.015, level, f"{level:g}", fontsize=6.5, color=palette.TEXT3, va="bottom")
    for place, name in enumerate(radar.axes):
        x, y = corner(place, count)
        axes.plot([0, x], [0, y], color=palette.LINE, linewidth=0.6, zorder=1)
        side = "center" if abs(x) < 0.1 else "left" if x > 0 else "right"
        axes.text(
            _NAMES_AT * x, _NAMES_AT * y, name, fontsize=8, color=palette.TEXT2, ha=side,
            va="center",
        )  # fmt: skip
    for _, slot, values in radar.rings:
        _draw_ring(axes, slot, values)


def corner(place: int, count: int, share: float = 1.0) -> tuple[float, float]:
    """Return where `share` lies on axis `place` of `count`, the first one upright, clockwise."""
    angle = 2 * math.pi * place / count
    return share * math.sin(angle), share * math.cos(angle)


def _draw_ring(axes: Axes, slot: int, values: tuple[float | None, ...]) -> None:
    style = palette.series(slot)
    count = len(values)
    points = [
        (math.nan, math.nan) if value is None else corner(place, count, value)
        for place, value in enumerate(values)
    ]
    xs, ys = zip(*points, points[0], strict=True)
    dashes = (0, style.dash) if style.dash else "solid"
    axes.plot(
        xs, ys, color=style.line, linewidth=0.8 * style.width, linestyle=dashes, zorder=3,
        marker=style.marker, markersize=4,
    )  # fmt: skip
