"""Points and lines over two axes."""

from __future__ import annotations

import math

from emostudio.reports.drawing.plot import has_end_labels, log_ticks
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
from emostudio.workspace.charts.base import Line, Mark, Plot

_WIDTH, _HEIGHT = r"width=0.82\linewidth", r"height=0.45\linewidth"
_LINE_PT, _THIN_PT = 1.0, 0.5


def plot_code(panel: Plot) -> list[str]:
    """Return the picture of a plot."""
    body = [code for line in panel.lines for code in _line(line, panel)]
    body += [code for mark in panel.marks for code in _mark(mark)]
    return axis(_options(panel), body)


def _options(panel: Plot) -> list[str]:
    options = [
        *COMMON,
        _WIDTH,
        _HEIGHT,
        "axis lines=left",
        "y axis line style={draw=none}",
        "axis line style={-}",
        "ymajorgrids",
        f"xlabel={{{escape(panel.x.title)}}}",
        f"ylabel={{{escape(panel.y.title)}}}",
    ]
    if panel.title:
        options.append(f"title={{{escape(panel.title)}}}")
    for name, scale in (("x", panel.x), ("y", panel.y)):
        options += [f"{name}min={number(scale.low)}"] if scale.low is not None else []
        options += [f"{name}max={number(scale.high)}"] if scale.high is not None else []
    if panel.x.is_log:
        xs = [mark.x for mark in panel.marks]
        low, high = min(xs) / 1.35, max(xs) * 1.9
        ticks = ",".join(number(tick) for tick in log_ticks(low, high))
        options += [
            "xmode=log",
            f"xmin={number(low)}",
            f"xmax={number(high)}",
            f"xtick={{{ticks}}}",
            "log ticks with fixed point",
        ]
    elif has_end_labels(panel):
        options.append("enlarge x limits={upper, value=0.22}")
    return options


def _line(line: Line, panel: Plot) -> list[str]:
    pairs = list(zip(line.xs, line.ys, strict=True))
    if line.role == "frontier":
        options = ["const plot", "emoaccent", "no marks", f"line width={_LINE_PT}pt"]
        return [plot(options, pairs, entry=line.name)]
    if line.role == "limit":
        return [plot(["emobad", "dashed", "no marks"], pairs, entry=line.name)]
    if line.role == "reference":
        return [plot(["emogrey", "densely dashed", "no marks"], pairs, entry=line.name)]
    colour = colour_of(line.slot)
    if line.role == "thin":
        thin = [colour, "opacity=0.55", "no marks", f"line width={_THIN_PT}pt", hidden()]
        return [plot(thin, pairs)]
    return [*_whiskers(line, colour), *_full(line, pairs, colour, panel)]


def _full(line: Line, pairs: list[tuple[float, float]], colour: str, panel: Plot) -> list[str]:
    width = f"line width={_LINE_PT}pt"
    options = [colour, dash_of(line.slot, _LINE_PT), width, mark_of(line.slot), "mark size=1.8pt"]
    options.append("mark options={solid}")
    if not line.intervals:
        options += ["mark repeat=1000", f"mark phase={len(pairs)}"]
    code = plot(options, pairs, entry=line.name)
    if not has_end_labels(panel):
        return [code]
    x, y = pairs[-1]
    name = rf"\node[anchor=west, font=\footnotesize, text={colour}] at (axis cs:"
    return [code, f"{name}{number(x)},{number(y)}) {{{escape(line.name)}}};"]


def _whiskers(line: Line, colour: str) -> list[str]:
    pairs: list[tuple[float, float]] = []
    for x, bounds in zip(line.xs, line.intervals, strict=False):
        if bounds is not None:
            pairs += [(x, bounds[0]), (x, bounds[1]), (x, math.nan)]
    if not pairs:
        return []
    options = [colour, "no marks", "line width=0.5pt", "unbounded coords=jump", hidden()]
    return [plot(options, pairs)]


def _mark(mark: Mark) -> list[str]:
    colour = colour_of(mark.slot)
    bar = [colour, "no marks", "line width=0.8pt", hidden()]
    lines = []
    if mark.y_interval is not None:
        lines.append(plot(bar, [(mark.x, end) for end in mark.y_interval]))
    if mark.x_interval is not None:
        lines.append(plot(bar, [(end, mark.y) for end in mark.x_interval]))
    if mark.state == "ringed":
        ring = ["emowarn", "only marks", "mark=o", "mark size=5pt", "densely dashed", hidden()]
        lines.append(plot(ring, [(mark.x, mark.y)]))
    fill = "white" if mark.state == "hollow" else colour
    shape = [colour, "only marks", mark_of(mark.slot), "mark size=2.4pt"]
    shape.append(f"mark options={{solid, fill={fill}}}")
    return [*lines, plot(shape, [(mark.x, mark.y)], entry=mark.name)]
