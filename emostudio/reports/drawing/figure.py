"""A chart as a figure of a given width: title, key, panels and the caption every export carries."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emostudio.reports import palette
from emostudio.reports.drawing.bars import NAMES_IN, draw_bars, rows_height_in
from emostudio.reports.drawing.gallery import draw_gallery, gallery_height_in
from emostudio.reports.drawing.key import key_handles
from emostudio.reports.drawing.matrix import draw_matrix
from emostudio.reports.drawing.plot import draw_plot
from emostudio.reports.drawing.radar import draw_radar
from emostudio.reports.fitting import shortened, wrapped
from emostudio.workspace.charts.base import Bars, Chart, Gallery, Matrix, Panel, Plot, Radar

PRINT_WIDTH_IN = 6.3
"""Text width of A4 with usual margins: at this width type has the size it says."""

_MARGIN_IN = 0.15
_TITLE_IN, _KEY_IN, _LINE_IN = 0.36, 0.2, 0.145
_CHARACTER_IN = 0.058
"""Width of an average letter of the row names."""
_KEY_CHARACTER_IN, _KEY_ENTRY_IN = 0.062, 0.55
_PANEL_SIZE, _CAPTION_SIZE = 8.5, 6.5
_TALLEST_PLOT_IN = 3.9


def chart_figure(
    chart: Chart, caption: str = "", width_in: float = PRINT_WIDTH_IN, *, has_title: bool = True
) -> Figure:
    """Draw a chart.

    Parameters
    ----------
    chart
        What to draw.
    caption
        Machine, engine, data and caveats; wrapped below the panels.
    width_in
        Width in inches; the height follows.
    has_title
        Whether title and note stand above; pages with headings of their own leave them out.
    """
    lines = wrapped(caption, width_in - 2 * _MARGIN_IN, _CAPTION_SIZE)
    key = key_rows(chart, width_in)
    head = _MARGIN_IN + _TITLE_IN * has_title + _KEY_IN * len(key)
    columns = _columns(chart.panels, width_in)
    heights = [
        max(_panel_height(panel, width_in / columns) for panel in row)
        for row in _rows(chart.panels, columns)
    ]
    foot = _MARGIN_IN + _LINE_IN * len(lines)
    total = head + sum(heights) + foot
    figure = Figure(figsize=(width_in, total))
    if has_title:
        _draw_title(figure, chart, width_in, total)
    _draw_key(figure, key, (_MARGIN_IN + _TITLE_IN * has_title, width_in, total))
    top = head
    for row, height in zip(_rows(chart.panels, columns), heights, strict=True):
        for place, panel in enumerate(row):
            cell = (place * width_in / columns, top, width_in / columns, height)
            _draw(figure, panel, cell, (width_in, total))
        top += height
    for number, line in enumerate(lines):
        y = (foot - _LINE_IN * (number + 0.9)) / total
        figure.text(_MARGIN_IN / width_in, y, line, fontsize=_CAPTION_SIZE, color=palette.TEXT3)
    return figure


def _draw_title(figure: Figure, chart: Chart, width: float, total: float) -> None:
    left, y = _MARGIN_IN / width, 1 - (_MARGIN_IN + 0.13) / total
    figure.text(left, y, chart.title, fontsize=10, weight=600, va="center")
    beside = 0.085 * len(chart.title) + 0.15
    figure.text(
        left + beside / width, y, chart.note, fontsize=7.5, color=palette.TEXT3, va="center"
    )


def key_rows(chart: Chart, width_in: float) -> list[list[object]]:
    """Return the entries of the key in rows that fit the width; panels share one key."""
    found = (handle for panel in chart.panels for handle in key_handles(panel))
    handles = {handle.get_label(): handle for handle in found}
    rows: list[list[object]] = []
    used = width_in
    for label, handle in handles.items():
        wide = _KEY_ENTRY_IN + _KEY_CHARACTER_IN * len(str(label))
        if used + wide > width_in - 2 * _MARGIN_IN:
            rows.append([])
            used = 0.0
        rows[-1].append(handle)
        used += wide
    return rows


def _draw_key(
    figure: Figure, rows: Sequence[Sequence[object]], place: tuple[float, float, float]
) -> None:
    top, width, total = place
    for number, row in enumerate(rows):
        figure.legend(
            handles=list(row),
            loc="upper left",
            bbox_to_anchor=(_MARGIN_IN / width, 1 - (top + _KEY_IN * number) / total),
            ncols=len(row),
            frameon=False,
            fontsize=7.5,
            labelcolor=palette.TEXT2,
            handletextpad=0.5,
            handlelength=2.4,
            columnspacing=1.2,
            borderaxespad=0,
            borderpad=0,
        )


def _columns(panels: Sequence[Panel], width_in: float) -> int:
    widest = {Bars: 2.9, Matrix: 3.1}.get(type(panels[0]), math.inf)
    if isinstance(panels[0], Bars) and len(panels[0].series) > 1:
        widest = 3.0
    return min(len(panels), max(1, int(width_in / widest)))


def _rows(panels: Sequence[Panel], columns: int) -> list[Sequence[Panel]]:
    return [panels[start : start + columns] for start in range(0, len(panels), columns)]


def _panel_height(panel: Panel, width_in: float) -> float:
    if isinstance(panel, Bars):
        return rows_height_in(panel) + 0.62 + _LINE_IN * len(_note_lines(panel, width_in))
    if isinstance(panel, Matrix):
        return width_in - 0.2
    if isinstance(panel, Gallery):
        return gallery_height_in(panel, width_in - 2 * _MARGIN_IN) + 0.5
    if isinstance(panel, Radar):
        return min(width_in * 0.8, 4.4)
    return min(width_in * 0.58, _TALLEST_PLOT_IN) + 0.5


def _note_lines(panel: Bars, width_in: float) -> list[str]:
    return wrapped(panel.note, max(1.0, width_in - 2 * _MARGIN_IN), _CAPTION_SIZE)


def _draw(
    figure: Figure,
    panel: Panel,
    cell: tuple[float, float, float, float],
    size: tuple[float, float],
) -> None:
    """Draw a panel into a cell (left, top, width, height), in inches from the upper left."""
    left, top, width, height = cell
    if isinstance(panel, Plot):
        box = (left + 0.55, top + 0.1, width - 0.7, height - 0.55)
        draw_plot(_axes(figure, box, size), panel)
    elif isinstance(panel, Bars):
        names = min(NAMES_IN + 0.2, 0.12 + _CHARACTER_IN * max(map(len, panel.rows)))
        notes = _note_lines(panel, width)
        body = height - 0.62 - _LINE_IN * len(notes)
        box = (left + _MARGIN_IN + names, top + 0.25, width - names - 0.3, body)
        draw_bars(_axes(figure, box, size), panel)
        _head(figure, panel.title, "", (left, top + 0.13), size)
        for number, line in enumerate(notes):
            y = 1 - (top + body + 0.55 + _LINE_IN * number) / size[1]
            x = (left + _MARGIN_IN) / size[0]
            figure.text(x, y, line, fontsize=_CAPTION_SIZE, color=palette.TEXT3, va="center")
    elif isinstance(panel, Matrix):
        box = (left + 0.75, top + 0.45, width - 0.9, height - 1.15)
        draw_matrix(_axes(figure, box, size), panel)
        title = shortened(panel.title, width - 2 * _MARGIN_IN, _PANEL_SIZE, 600)
        _head(figure, title, panel.note, (left, top + 0.15), size)
    elif isinstance(panel, Gallery):
        inner = width - 2 * _MARGIN_IN
        box = (left + _MARGIN_IN, top + 0.4, inner, gallery_height_in(panel, inner))
        draw_gallery(_axes(figure, box, size), panel, inner)
        _head(figure, panel.title, panel.note, (left, top + 0.1), size)
    else:
        box = (left + _MARGIN_IN, top, width - 2 * _MARGIN_IN, height)
        draw_radar(_axes(figure, box, size), panel)


def _head(
    figure: Figure, title: str, note: str, place: tuple[float, float], size: tuple[float, float]
) -> None:
    """Write a panel's title at its left edge, its note below."""
    x, y = (place[0] + _MARGIN_IN) / size[0], 1 - place[1] / size[1]
    figure.text(x, y, title, fontsize=_PANEL_SIZE, weight=600, va="center")
    y -= _LINE_IN / size[1]
    figure.text(x, y, note, fontsize=7, color=palette.TEXT3, va="center")


def _axes(
    figure: Figure, box: tuple[float, float, float, float], size: tuple[float, float]
) -> Axes:
    left, top, width, height = box
    bottom = size[1] - top - height
    return figure.add_axes((left / size[0], bottom / size[1], width / size[0], height / size[1]))
