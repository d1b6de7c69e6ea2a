"""Rings over axes that all run from 0 to 1, drawn on a plain axis: no further library is needed."""

from __future__ import annotations

import math

from emostudio.reports.drawing.radar import corner
from emostudio.reports.pgf.code import (
    COMMON,
    axis,
    colour_of,
    dash_of,
    hidden,
    mark_of,
    number,
    plot,
)
from emostudio.reports.tex_text import escape
from emostudio.workspace.charts.base import Radar

_LEVELS = (0.25, 0.5, 0.75, 1.0)
_WIDTH_PT = 0.9


def radar_code(panel: Radar) -> list[str]:
    """Return the picture of a radar chart."""
    count = len(panel.axes)
    around = range(count + 1)
    options = [
        *COMMON, r"width=0.55\linewidth", "axis equal image", "hide axis", "clip=false",
        "xmin=-1.2", "xmax=1.2", "ymin=-1.2", "ymax=1.2",
    ]  # fmt: skip
    grid = ["emoaxis", "no marks", "line width=0.4pt", hidden()]
    body = [plot(grid, [corner(place, count, level) for place in around]) for level in _LEVELS]
    body += [plot(grid, [(0.0, 0.0), corner(place, count)]) for place in range(count)]
    body += [_name(name, place, count) for place, name in enumerate(panel.axes)]
    body += [_ring(name, slot, values) for name, slot, values in panel.rings]
    return axis(options, body)


def _name(name: str, place: int, count: int) -> str:
    x, y = corner(place, count, 1.06)
    anchor = "south" if y > 0.9 else "west" if x > 0.1 else "east" if x < -0.1 else "north"
    spot = f"(axis cs:{number(x)},{number(y)})"
    return rf"\node[anchor={anchor}, font=\footnotesize] at {spot} {{{escape(name)}}};"


def _ring(name: str, slot: int, values: tuple[float | None, ...]) -> str:
    count = len(values)
    pairs = [
        (math.nan, math.nan) if value is None else corner(place, count, value)
        for place, value in enumerate(values)
    ]
    options = [
        colour_of(slot), dash_of(slot, _WIDTH_PT), f"line width={_WIDTH_PT}pt", mark_of(slot),
        "mark size=1.5pt", "mark options={solid}", "unbounded coords=jump",
    ]  # fmt: skip
    return plot(options, [*pairs, pairs[0]], entry=name)
