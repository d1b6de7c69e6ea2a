"""Values by row: bars from zero for one series, dots of their own shapes for several."""

from __future__ import annotations

from emostudio.reports.pgf.code import COMMON, axis, colour_of, hidden, mark_of, number, plot
from emostudio.reports.tex_text import escape
from emostudio.workspace.charts.base import Bar, Bars

_HALF_BAR = 0.27


def bars_code(panel: Bars) -> list[str]:
    """Return the picture of a panel."""
    if len(panel.series) == 1:
        body = [code for place, (bar,) in enumerate(panel.values) for code in _bar(bar, place)]
        body += [_words(bar, place, panel.decimals) for place, (bar,) in enumerate(panel.values)]
    else:
        body = [code for number_ in range(len(panel.series)) for code in _dots(panel, number_)]
    return axis(_options(panel), body)


def _options(panel: Bars) -> list[str]:
    count, is_single = len(panel.rows), len(panel.series) == 1
    row_cm = 0.5 if is_single else 0.14 + 0.24 * len(panel.series)
    names = ",".join(f"{{{escape(name)}}}" for name in panel.rows)
    options = [
        *COMMON,
        r"width=0.6\linewidth",
        f"height={row_cm * count:.2f}cm",
        "y dir=reverse",
        "ymin=-0.5",
        f"ymax={count - 0.5}",
        f"ytick={{{','.join(map(str, range(count)))}}}",
        f"yticklabels={{{names}}}",
        "axis line style={draw=none}",
        "xmajorgrids",
    ]
    if is_single:
        options.append(f"title={{{escape(panel.title)}}}")
        options += ["enlarge x limits={upper, value=0.2}"]
        values = [bar.value for (bar,) in panel.values if bar.value is not None]
        options += ["xmin=0"] if min(values, default=0) >= 0 else ["enlarge x limits=0.25"]
    for name, end in (("xmin", panel.scale.low), ("xmax", panel.scale.high)):
        options += [f"{name}={number(end)}"] if end is not None else []
    return options


def _bar(bar: Bar, place: int) -> list[str]:
    if bar.value is None:
        return []
    low, high = place - _HALF_BAR, place + _HALF_BAR
    corners = [(0.0, low), (bar.value, low), (bar.value, high), (0.0, high)]
    fill = [f"fill={colour_of(bar.slot)}", "draw=none", "no marks", hidden()]
    lines = [plot(fill, corners).replace("};", "} --cycle;")]
    if bar.interval is not None:
        whisker = ["black", "no marks", "line width=0.7pt", hidden()]
        lines.append(plot(whisker, [(end, place) for end in bar.interval]))
    return lines


def _words(bar: Bar, place: int, decimals: int) -> str:
    if bar.value is None:
        return rf"\node[anchor=west, font=\footnotesize] at (axis cs:0,{place}) {{--}};"
    end = bar.interval[bar.value >= 0] if bar.interval is not None else bar.value
    anchor = "west" if bar.value >= 0 else "east"
    text = escape(f"{bar.value:,.{decimals}f}".replace("-", "−"))
    spot = f"(axis cs:{number(end)},{place})"
    return rf"\node[anchor={anchor}, font=\footnotesize] at {spot} {{{text}}};"


def _dots(panel: Bars, series: int) -> list[str]:
    name, slot = panel.series[series]
    offset = 0.76 * ((series + 0.5) / len(panel.series) - 0.5)
    dots = [
        (bar.value, place + offset, bar.interval)
        for place, row in enumerate(panel.values)
        if (bar := row[series]).value is not None
    ]
    colour = colour_of(slot)
    line = [colour, "no marks", "line width=0.6pt", hidden()]
    lines = [plot(line, [(end, y) for end in bounds]) for _, y, bounds in dots if bounds]
    shape = [colour, "only marks", mark_of(slot), "mark size=1.6pt"]
    dots_code = [plot(shape, [(x, y) for x, y, _ in dots], entry=name)] if dots else []
    return [*lines, *dots_code]
