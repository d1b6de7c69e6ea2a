"""Points and lines over two axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from emostudio.reports import palette
from emostudio.reports.fitting import shortened, width_in
from emostudio.reports.style import plain_axes
from emostudio.workspace.charts.base import Line, Mark, Plot, Scale

_LABEL_GAP = 0.062
"""Least vertical distance of two labels, as a share of the chart's height."""
_LABEL_NEAR = 0.2
"""Labels closer than this share of the width can collide."""
_LABEL_LIFT, _LABEL_DROP, _LABEL_BESIDE, _LABEL_AWAY = 0.045, 0.03, 0.013, 0.035
"""Height above the frontier, below other points, and distance to the right, near and led."""
_NAME_SIZE, _LEAST_NAME_IN = 8, 1.4
_ROOM_FOR_NAMES = 1.22
_LOG_LEFT, _LOG_RIGHT = 1.35, 1.9


def draw_plot(axes: Axes, plot: Plot) -> None:
    """Draw a plot; names stand beside points and behind the ends of lines.

    Filled points are on the frontier, hollow ones dominated, ringed ones undecided.
    """
    plain_axes(axes)
    _set_scales(axes, plot)
    for line in plot.lines:
        _draw_line(axes, line)
    for mark in plot.marks:
        _draw_mark(axes, mark)
    _label_marks(axes, plot.marks)
    if has_end_labels(plot):
        _label_ends(axes, [line for line in plot.lines if line.role == "full"])
    if plot.title:
        axes.set_title(plot.title, fontsize=8.5, weight=600, loc="left")


def has_end_labels(plot: Plot) -> bool:
    """Whether lines are named behind their ends; where they end at the edge a key names them."""
    return plot.x.high is None and any(line.role == "full" for line in plot.lines)


def _set_scales(axes: Axes, plot: Plot) -> None:
    xs = [x for x, _ in _points(plot)]
    ys = [y for _, y in _points(plot)]
    if plot.x.is_log:
        low, high = min(xs) / _LOG_LEFT, max(xs)
        high = high * _LOG_RIGHT if not plot.lines else max(high, *plot.lines[0].xs)
        axes.set_xscale("log")
        axes.set_xlim(low, high)
        axes.xaxis.set_major_locator(FixedLocator(log_ticks(low, high)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        axes.set_xlim(*_linear_ends(plot.x, xs, _ROOM_FOR_NAMES))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=plot.x.title == "Epoch"))
    room = max(1.0, 0.08 * (max(ys) - min(ys)))
    low = max(0.0, min(ys) - room) if plot.y.low is None else plot.y.low
    high = min(101.5, max(ys) + room) if plot.y.high is None else plot.y.high
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel(plot.x.title, fontsize=8)
    axes.set_ylabel(plot.y.title, fontsize=8)


def _linear_ends(scale: Scale, xs: Sequence[float], room: float) -> tuple[float, float]:
    low = min(xs) if scale.low is None else min(scale.low, *xs)
    return low, (max(xs) * room + 0.5 if scale.high is None else scale.high)


def _points(plot: Plot) -> Iterator[tuple[float, float]]:
    """Yield the corners of what must be seen, intervals included; limits may lie outside."""
    for line in plot.lines:
        if line.role != "limit":
            yield from zip(line.xs, line.ys, strict=True)
    for mark in plot.marks:
        yield from ((mark.x, y) for y in (mark.y, *(mark.y_interval or ())))


def log_ticks(low: float, high: float) -> list[float]:
    """Return round values of a logarithmic axis, at most six where that is possible."""
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for steps in ((1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        ticks = [step * 10.0**decade for decade in decades for step in steps]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) <= 6:
            return inside
    return inside


def _draw_line(axes: Axes, line: Line) -> None:
    style = palette.series(line.slot)
    if line.role == "frontier":
        axes.step(line.xs, line.ys, where="post", color=palette.ACCENT, linewidth=1.6, zorder=2)
    elif line.role == "limit":
        dash = (0, (6, 3))
        is_upright = line.xs[0] == line.xs[-1]
        draw = axes.axvline if is_upright else axes.axhline
        place = line.xs[0] if is_upright else line.ys[0]
        draw(place, color=palette.BAD, linewidth=1.0, linestyle=dash, zorder=1)
    elif line.role == "reference":
        axes.plot(line.xs, line.ys, color=palette.TEXT3, linewidth=0.9, dashes=(4, 3), zorder=1)
    elif line.role == "thin":
        axes.plot(line.xs, line.ys, color=style.line, alpha=0.55, linewidth=0.8)
    else:
        dashes = (0, style.dash) if style.dash else "solid"
        width = 0.8 * style.width
        axes.plot(line.xs, line.ys, color=style.line, linewidth=width, linestyle=dashes)
        shown = slice(None) if line.intervals else slice(-1, None)
        axes.plot(
            line.xs[shown], line.ys[shown], marker=style.marker, color=style.line,
            markersize=5 if line.intervals else 6, linestyle="none",
            clip_on=False, zorder=3,
        )  # fmt: skip
        for x, bounds in zip(line.xs, line.intervals, strict=False):
            if bounds is not None:
                axes.vlines(x, *bounds, color=style.line, linewidth=0.9, alpha=0.8)


def _draw_mark(axes: Axes, mark: Mark) -> None:
    style = palette.series(mark.slot)
    if mark.x_interval is not None:
        axes.hlines(mark.y, *mark.x_interval, color=style.line, linewidth=1.2, zorder=3)
    if mark.y_interval is not None:
        axes.vlines(mark.x, *mark.y_interval, color=style.line, linewidth=1.2, zorder=3)
    axes.plot(
        [mark.x],
        [mark.y],
        marker=style.marker,
        markersize=9 if style.marker == "*" else 7,
        markerfacecolor=palette.CARD if mark.state == "hollow" else style.line,
        markeredgecolor=style.line,
        markeredgewidth=1.4,
        linestyle="none",
        zorder=4,
    )
    if mark.state == "ringed":
        axes.scatter(
            [mark.x],
            [mark.y],
            s=240,
            facecolors="none",
            edgecolors=palette.WARN,
            linestyles=[(0, (3, 2))],
            linewidths=1.2,
            zorder=3,
        )


def _label_marks(axes: Axes, marks: Sequence[Mark]) -> None:
    """Write names beside the points; crowded ones are stacked downwards with leader lines.

    Names on the frontier sit above its line, the others below the height of their points.
    """
    if not marks:
        return
    to_axes = axes.transData + axes.transAxes.inverted()
    places = to_axes.transform([(mark.x, mark.y) for mark in marks])
    taken: list[tuple[float, float]] = []
    for index in np.argsort(-places[:, 1], kind="stable"):
        mark, (x, y) = marks[index], (float(places[index][0]), float(places[index][1]))
        wanted = y - _LABEL_DROP if mark.state == "hollow" else y + _LABEL_LIFT
        label_y = _free_height(x, min(wanted, 0.98), taken)
        taken.append((x, label_y))
        is_moved = wanted - label_y > _LABEL_GAP / 2
        style = palette.series(mark.slot)
        name, width = _fitted(axes, mark.name)
        away = _LABEL_AWAY if is_moved else _LABEL_BESIDE
        side = -1 if x + away + width > 1 else 1  # what would leave the chart stands to the left
        label_x = x + side * away
        if is_moved:
            leader = ([x, label_x - side * 0.004], [y, label_y])
            axes.plot(*leader, transform=axes.transAxes, color=style.line, linewidth=0.6, zorder=2)
        _write(axes, label_x, label_y, name, style.ink, is_left=side < 0)


def _free_height(x: float, wanted: float, taken: Sequence[tuple[float, float]]) -> float:
    """Return the highest place at or below `wanted` that no label to the left or right covers."""
    height = wanted
    for other_x, other_y in sorted(taken, key=lambda place: -place[1]):
        if abs(other_x - x) < _LABEL_NEAR and abs(other_y - height) < _LABEL_GAP:
            height = other_y - _LABEL_GAP
    return max(height, 0.02)


def _label_ends(axes: Axes, lines: Sequence[Line]) -> None:
    """Write names behind the last points, stacked upwards where curves end close together."""
    to_axes = axes.transData + axes.transAxes.inverted()
    taken: list[tuple[float, float]] = []
    for line in sorted(lines, key=lambda line: line.ys[-1]):
        x, y = (float(part) for part in to_axes.transform((line.xs[-1], line.ys[-1])))
        for other_x, other_y in taken:
            if abs(other_x - x) < _LABEL_NEAR and abs(other_y - y) < _LABEL_GAP:
                y = other_y + _LABEL_GAP
        taken.append((x, y))
        name, _ = _fitted(axes, line.name)
        _write(axes, x + _LABEL_BESIDE, y, name, palette.series(line.slot).ink)


def _fitted(axes: Axes, name: str) -> tuple[str, float]:
    """Return a name no longer than labels keep apart, and its width as a share of the axes'."""
    figure = axes.get_figure(root=True)
    assert figure is not None  # noqa: S101 - axes are made by figures
    inches = axes.get_position().width * figure.get_figwidth()
    short = shortened(name, max(_LEAST_NAME_IN, _LABEL_NEAR * inches), _NAME_SIZE, 500)
    return short, width_in(short, _NAME_SIZE, 500) / inches


def _write(
    axes: Axes, x: float, y: float, name: str, colour: str, *, is_left: bool = False
) -> None:
    axes.text(
        x, y, name, transform=axes.transAxes, fontsize=_NAME_SIZE, weight=500, color=colour,
        va="center", ha="right" if is_left else "left", zorder=5,
        path_effects=[withStroke(linewidth=2.0, foreground=palette.CARD)],
    )  # fmt: skip
