"""What stands above a chart: which line and mark is which."""

from __future__ import annotations

from matplotlib.lines import Line2D

from emostudio.reports import palette
from emostudio.reports.drawing.plot import has_end_labels
from emostudio.workspace.charts.base import Bars, Panel, Plot, Radar


def key_handles(panel: Panel) -> list[Line2D]:
    """Return one handle per entry of a panel's key, none where everything is named directly."""
    if isinstance(panel, Plot):
        return _plot_handles(panel)
    if isinstance(panel, Bars) and len(panel.series) > 1:
        return [_series_handle(name, slot, has_line=False) for name, slot in panel.series]
    if isinstance(panel, Radar):
        return [_series_handle(name, slot) for name, slot, _ in panel.rings]
    return []


def _plot_handles(plot: Plot) -> list[Line2D]:
    handles = []
    if any(line.role == "frontier" for line in plot.lines):
        handles.append(Line2D([], [], color=palette.ACCENT, linewidth=1.6, label="Frontier"))
    states = {mark.state for mark in plot.marks}
    if "hollow" in states:
        handles.append(_round("Dominated", 6, palette.CARD, palette.TEXT2))
    if "ringed" in states:
        handles.append(_round("Not decided", 9, "none", palette.WARN))
    if any(mark.y_interval or mark.x_interval for mark in plot.marks):
        handles.append(
            Line2D([], [], color=palette.TEXT2, marker="|", linestyle="none", label="95 % interval")
        )
    if not has_end_labels(plot):
        lines = [line for line in plot.lines if line.role == "full"]
        handles += [_series_handle(line.name, line.slot) for line in lines]
        handles += [
            Line2D([], [], color=palette.TEXT3, linewidth=0.9, dashes=(4, 3), label=line.name)
            for line in plot.lines
            if line.role == "reference"
        ]
    return handles


def _round(name: str, size: float, fill: str, edge: str) -> Line2D:
    return Line2D(
        [], [], marker="o", linestyle="none", markersize=size, label=name,
        markerfacecolor=fill, markeredgecolor=edge,
    )  # fmt: skip


def _series_handle(name: str, slot: int, *, has_line: bool = True) -> Line2D:
    style = palette.series(slot)
    dashes = ((0, style.dash) if style.dash else "solid") if has_line else "none"
    return Line2D(
        [], [], color=style.line, linewidth=1.4, linestyle=dashes, marker=style.marker,
        markersize=4.5, label=name,
    )  # fmt: skip
