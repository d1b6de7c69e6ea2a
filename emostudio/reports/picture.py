"""Figures as picture files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from emostudio.core.atomic import atomic_file
from emostudio.reports.base import Report
from emostudio.reports.drawing.figure import chart_figure
from emostudio.workspace.charts.base import Chart


def save_figure(figure: Figure, path: Path, kind: str, **options: Any) -> None:
    """Write a figure as ``png`` or ``svg``; call inside `style.chart_style`."""
    with atomic_file(path) as stream:
        figure.savefig(stream, format=kind, **options)


def captioned(report: Report, chart: Chart) -> Figure:
    """Draw a chart at its print size, with what an export must say below it."""
    return chart_figure(chart, report.caption)
