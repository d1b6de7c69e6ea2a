"""Charts of a comparison, drawn into axes that the caller provides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from emostudio.core.answers import EvaluationResult
from emostudio.core.measured import NO_LIMITS, Limits
from emostudio.reports import palette
from emostudio.reports.base import TrainingCurve
from emostudio.reports.style import plain_axes
from emostudio.statistics.pareto import Standing, frontier_order
from emostudio.workspace.comparison import ComparisonRow

_LABEL_GAP = 0.062
"""Least vertical distance of two labels, as a share of the chart's height."""
_LABEL_NEAR = 0.2
"""Labels closer than this share of the width can collide."""
_LABEL_LIFT, _LABEL_DROP, _LABEL_BESIDE, _LABEL_AWAY = 0.045, 0.03, 0.013, 0.035
"""Height above the frontier, below other points, and distance to the right, near and led."""
_HEAT = LinearSegmentedColormap.from_list("heat", [palette.CARD, palette.ACCENT])
_HEAT_SHARE = 0.62


def draw_pareto(axes: Axes, rows: Sequence[ComparisonRow], limits: Limits = NO_LIMITS) -> bool:
    """Draw accuracy against latency with the frontier; returns False if nothing was measured.

    Frontier points are filled, dominated ones hollow, undecided ones ringed; limits are lines.
    """
    shown = [row for row in rows if row.latency_ms is not None and row.accuracy is not None]
    plain_axes(axes)
    if not shown:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "Neither time nor accuracy was measured", ha="center", va="center")
        return False
    costs = [row.latency_ms.p50 for row in shown if row.latency_ms is not None]
    values = [100 * row.accuracy for row in shown if row.accuracy is not None]
    _set_pareto_scales(axes, costs, shown)
    _draw_frontier(axes, costs, values)
    _draw_limits(axes, limits)
    for row, cost, value in zip(shown, costs, values, strict=True):
        _draw_point(axes, row, cost, value)
    _label_points(axes, shown, costs, values)
    return True


def _set_pareto_scales(axes: Axes, costs: Sequence[float], rows: Sequence[ComparisonRow]) -> None:
    lows = [100 * (row.accuracy_interval or (row.accuracy or 0.0,))[0] for row in rows]
    highs = [100 * (row.accuracy_interval or (row.accuracy or 0.0,))[-1] for row in rows]
    room = max(1.0, 0.08 * (max(highs) - min(lows)))
    axes.set_xscale("log")
    axes.set_xlim(min(costs) / 1.35, max(costs) * 1.9)
    axes.set_ylim(max(0.0, min(lows) - room), min(101.5, max(highs) + room))
    axes.xaxis.set_major_locator(FixedLocator(_log_ticks(min(costs) / 1.35, max(costs) * 1.9)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel("Inference p50, ms (log), left is faster", fontsize=8)


def _log_ticks(low: float, high: float) -> list[float]:
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for steps in ((1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        ticks = [step * 10.0**decade for decade in decades for step in steps]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) <= 6:
            return inside
    return inside


def _draw_frontier(axes: Axes, costs: Sequence[float], values: Sequence[float]) -> None:
    corners = frontier_order(costs, values)
    xs = [costs[i] for i in corners] + [axes.get_xlim()[1]]
    ys = [values[i] for i in corners] + [values[corners[-1]]]
    axes.step(xs, ys, where="post", color=palette.ACCENT, linewidth=1.6, zorder=2)


def _draw_limits(axes: Axes, limits: Limits) -> None:
    dash = (0, (6, 3))
    if limits.most_ms is not None:
        axes.axvline(limits.most_ms, color=palette.BAD, linewidth=1.0, linestyle=dash, zorder=1)
    if limits.least_accuracy is not None:
        least = 100 * limits.least_accuracy
        axes.axhline(least, color=palette.BAD, linewidth=1.0, linestyle=dash, zorder=1)


def _draw_point(axes: Axes, row: ComparisonRow, cost: float, value: float) -> None:
    style = palette.series(row.slot)
    if row.latency_interval is not None:
        axes.hlines(value, *row.latency_interval, color=style.line, linewidth=1.2, zorder=3)
    if row.accuracy_interval is not None:
        low, high = row.accuracy_interval
        axes.vlines(cost, 100 * low, 100 * high, color=style.line, linewidth=1.2, zorder=3)
    axes.plot(
        [cost],
        [value],
        marker=style.marker,
        markersize=9 if style.marker == "*" else 7,
        markerfacecolor=palette.CARD if row.standing == Standing.DOMINATED else style.line,
        markeredgecolor=style.line,
        markeredgewidth=1.4,
        linestyle="none",
        zorder=4,
    )
    if row.standing == Standing.UNDECIDED:
        axes.scatter(
            [cost],
            [value],
            s=240,
            facecolors="none",
            edgecolors=palette.WARN,
            linestyles=[(0, (3, 2))],
            linewidths=1.2,
            zorder=3,
        )


def _label_points(
    axes: Axes, rows: Sequence[ComparisonRow], costs: Sequence[float], values: Sequence[float]
) -> None:
    """Write names beside the points; crowded ones are stacked downwards with leader lines.

    Names on the frontier sit above its line, the others below the height of their points.
    """
    to_axes = axes.transData + axes.transAxes.inverted()
    places = to_axes.transform(np.column_stack([costs, values]))
    taken: list[tuple[float, float]] = []
    for index in np.argsort(-places[:, 1], kind="stable"):
        row, (x, y) = rows[index], (float(places[index][0]), float(places[index][1]))
        wanted = y + _LABEL_LIFT if row.standing != Standing.DOMINATED else y - _LABEL_DROP
        label_y = _free_height(x, min(wanted, 0.98), taken)
        taken.append((x, label_y))
        is_moved = wanted - label_y > _LABEL_GAP / 2
        style = palette.series(row.slot)
        label_x = x + (_LABEL_AWAY if is_moved else _LABEL_BESIDE)
        if is_moved:
            axes.plot(
                [x, label_x - 0.004],
                [y, label_y],
                transform=axes.transAxes,
                color=style.line,
                linewidth=0.6,
                zorder=2,
            )
        axes.text(
            label_x,
            label_y,
            row.model,
            transform=axes.transAxes,
            fontsize=8,
            weight=500,
            color=style.ink,
            va="center",
            zorder=5,
        )


def _free_height(x: float, wanted: float, taken: Sequence[tuple[float, float]]) -> float:
    """Return the highest place at or below `wanted` that no label to the left or right covers."""
    height = wanted
    for other_x, other_y in sorted(taken, key=lambda place: -place[1]):
        if abs(other_x - x) < _LABEL_NEAR and abs(other_y - height) < _LABEL_GAP:
            height = other_y - _LABEL_GAP
    return max(height, 0.02)


def draw_confusion(axes: Axes, result: EvaluationResult) -> None:
    """Draw shares per true class as a heat map, counts hidden in favour of percent."""
    counts = np.array(result.confusion, dtype=np.float64)
    support = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, support, out=np.zeros_like(counts), where=support > 0)
    axes.imshow(shares * _HEAT_SHARE, cmap=_HEAT, vmin=0, vmax=1, aspect="equal")
    size = len(result.labels)
    axes.set_xticks(range(size), result.labels, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(size), result.labels)
    axes.tick_params(length=0, labelsize=6.5)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for truth in range(size):
        for answer in range(size):
            if shares[truth, answer] >= 0.005:
                text = f"{100 * shares[truth, answer]:.0f}"
                axes.text(answer, truth, text, ha="center", va="center", fontsize=6.5)
    words = f"{100 * result.accuracy:.1f} % of {result.samples:,}"
    axes.set_title(f"{result.model}  ", loc="left", fontsize=8.5, weight=600)
    axes.set_title(words, loc="right", fontsize=7, color=palette.TEXT3)


def draw_curves(axes: Axes, curves: Sequence[TrainingCurve]) -> None:
    """Draw train error (thin) and validation error (full) in percent against epochs."""
    plain_axes(axes)
    ends: list[tuple[float, float, TrainingCurve]] = []
    for curve in curves:
        style = palette.series(curve.slot)
        train = [100 * error for error in curve.train_error]
        axes.plot(curve.epochs, train, color=style.line, alpha=0.55, linewidth=0.8)
        points = [
            (epoch, 100 * error)
            for epoch, error in zip(curve.epochs, curve.validation_error, strict=True)
            if error is not None
        ]
        if not points:
            continue
        xs, ys = zip(*points, strict=True)
        dash = (0, style.dash) if style.dash else "solid"
        axes.plot(xs, ys, color=style.line, linewidth=0.8 * style.width, linestyle=dash)
        axes.plot(xs[-1:], ys[-1:], marker=style.marker, color=style.line, markersize=6)
        ends.append((xs[-1], ys[-1], curve))
    longest = max(max(curve.epochs) for curve in curves)
    axes.set_xlim(min(1, longest), longest * 1.22 + 0.5)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel("Epoch", fontsize=8)
    _label_ends(axes, ends)


def _label_ends(axes: Axes, ends: Sequence[tuple[float, float, TrainingCurve]]) -> None:
    """Write names behind the last points, stacked upwards where curves end close together."""
    to_axes = axes.transData + axes.transAxes.inverted()
    lowest = -1.0
    for x, y, curve in sorted(ends, key=lambda end: end[1]):
        place_x, place_y = (float(part) for part in to_axes.transform((x, y)))
        lowest = max(place_y, lowest + _LABEL_GAP)
        axes.text(
            place_x + _LABEL_BESIDE,
            lowest,
            curve.model,
            transform=axes.transAxes,
            fontsize=8,
            weight=500,
            color=palette.series(curve.slot).ink,
            va="center",
        )
