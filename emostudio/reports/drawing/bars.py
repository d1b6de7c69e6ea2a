"""Values by row: bars from zero for one series, dots of their own shapes for several."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from emostudio.reports import palette
from emostudio.reports.fitting import shortened
from emostudio.workspace.charts.base import Bar, Bars

NAMES_IN = 1.5
"""Room for the names of rows at most."""
_NAME_SIZE = 7.5
_ROW_IN, _DOT_IN = 0.21, 0.1
_LEAST_ROW_IN = 0.2
_DOTS_END = 1.03
"""How far the axis goes on behind the last dot."""
_DIGIT_IN, _BESIDE_IN = 0.068, 0.1
"""Width of a digit, and what lies between a bar and its number."""


def rows_height_in(bars: Bars) -> float:
    """Return the height that all rows take, in inches."""
    own = _ROW_IN if len(bars.series) == 1 else _DOT_IN * len(bars.series) + 0.08
    return max(_LEAST_ROW_IN, own) * len(bars.rows)


def draw_bars(axes: Axes, bars: Bars) -> None:
    """Draw a panel of bars or dots with their intervals and, for one series, their numbers."""
    for side in ("left", "right", "top", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_ylim(len(bars.rows) - 0.5, -0.5)
    axes.set_yticks(
        range(len(bars.rows)), [shortened(name, NAMES_IN, _NAME_SIZE) for name in bars.rows]
    )
    axes.tick_params(length=0, labelsize=_NAME_SIZE)
    axes.tick_params(axis="y", labelcolor=palette.TEXT)
    axes.tick_params(axis="x", labelsize=7)
    axes.grid(visible=True, axis="x", color=palette.LINE, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    _set_ends(axes, bars)
    if len(bars.series) == 1:
        _draw_single(axes, bars)
    else:
        _draw_dots(axes, bars)


def _set_ends(axes: Axes, bars: Bars) -> None:
    known = [
        end
        for row in bars.values
        for bar in row
        if bar.value is not None
        for end in (bar.value, *(bar.interval or ()))
    ]
    low = min(0.0, *known, 0.0) if bars.scale.low is None else bars.scale.low
    high = _DOTS_END * max(0.0, *known, 0.0) if bars.scale.high is None else bars.scale.high
    if len(bars.series) == 1:
        low, high = _with_room(axes, bars, low, high)
    axes.set_xlim(low, high)


def _with_room(axes: Axes, bars: Bars, low: float, high: float) -> tuple[float, float]:
    """Widen the ends so that the numbers behind the bars stay inside the axes."""
    longest = max(len(_number(bar, bars.decimals)) for (bar,) in bars.values)
    room = _BESIDE_IN + _DIGIT_IN * longest
    figure = axes.get_figure(root=True)
    assert figure is not None  # noqa: S101 - axes are made by figures
    inches = max(axes.get_position().width * figure.get_figwidth(), 0.5)
    known = [bar.value for (bar,) in bars.values if bar.value is not None]
    has_right = any(value >= 0 for value in known) or not known
    sides = (low < 0) + has_right
    # what is left of the axes once every side that has bars gave room to numbers
    scale = ((high - low) or 1.0) / max(inches - room * sides, 0.25 * inches)
    return low - room * scale * (low < 0), high + room * scale * has_right


def _number(bar: Bar, decimals: int) -> str:
    if bar.value is None:
        return "–"
    return f"{bar.value:,.{decimals}f}".replace("-", "−")


def _draw_single(axes: Axes, bars: Bars) -> None:
    low, high = axes.get_xlim()
    gap = 0.015 * (high - low)
    for place, (bar,) in enumerate(bars.values):
        if bar.value is None:
            axes.text(gap, place, "–", fontsize=7.5, color=palette.TEXT3, va="center")
            continue
        style = palette.series(bar.slot)
        axes.barh(place, bar.value, height=0.5, color=style.line, zorder=2)
        end = bar.value
        if bar.interval is not None:
            axes.hlines(place, *bar.interval, color=palette.TEXT, linewidth=1.1, zorder=3)
            end = bar.interval[1] if bar.value >= 0 else bar.interval[0]
        is_left = bar.value < 0
        axes.text(
            end - gap if is_left else end + gap, place, _number(bar, bars.decimals),
            fontsize=7.5, weight=500, va="center", ha="right" if is_left else "left",
        )  # fmt: skip
    axes.axvline(0, color=palette.LINE2, linewidth=0.9, zorder=3)


def _draw_dots(axes: Axes, bars: Bars) -> None:
    count = len(bars.series)
    for place, row in enumerate(bars.values):
        for number, (bar, (_, slot)) in enumerate(zip(row, bars.series, strict=True)):
            offset = 0.76 * ((number + 0.5) / count - 0.5)
            _draw_dot(axes, bar, place + offset, slot)
        if place:
            axes.axhline(place - 0.5, color=palette.LINE, linewidth=0.6, zorder=1)


def _draw_dot(axes: Axes, bar: Bar, y: float, slot: int) -> None:
    if bar.value is None:
        return
    style = palette.series(slot)
    if bar.interval is not None:
        axes.hlines(y, *bar.interval, color=style.line, linewidth=1.0, zorder=2)
    axes.plot(
        [bar.value],
        [y],
        marker=style.marker,
        markersize=4.2,
        color=style.line,
        zorder=3,
        clip_on=False,
    )
