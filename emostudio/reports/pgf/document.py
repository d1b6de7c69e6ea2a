"""Charts as figures of a LaTeX document, for the command input."""

from __future__ import annotations

from collections.abc import Sequence

from emostudio.reports.pgf.bars import bars_code
from emostudio.reports.pgf.code import STYLE, colour_lines
from emostudio.reports.pgf.matrix import matrix_code
from emostudio.reports.pgf.plot import plot_code
from emostudio.reports.pgf.radar import radar_code
from emostudio.reports.tex_text import comment, escape
from emostudio.workspace.charts.base import Bars, Chart, Gallery, Matrix, Panel, Plot

_NEEDS = (
    comment(r"needs \usepackage{pgfplots} and \pgfplotsset{compat=1.16}"),
    comment("use it with \\input"),
)


def document(charts: Sequence[Chart], caption: str) -> str:
    """Return the code of charts, each a figure whose caption says where its numbers are from."""
    lines = [*_NEEDS, *colour_lines(), *STYLE]
    for chart in charts:
        lines += _figure(chart, caption)
    return "\n".join(lines) + "\n"


def _figure(chart: Chart, caption: str) -> list[str]:
    """Return as many figures as the panels need, so that none is higher than a page."""
    lines: list[str] = []
    for number, panels in enumerate(_portions(chart.panels)):
        words = f"{chart.title}: {chart.note}. {caption}"
        if number:
            words = f"{chart.title}, continued"
        lines += _one_figure(panels, words)
    return lines


def _portions(panels: Sequence[Panel]) -> list[Sequence[Panel]]:
    first = panels[0]
    is_tall = isinstance(first, Gallery) or (isinstance(first, Bars) and len(first.series) > 1)
    most = 1 if is_tall else 4
    return [panels[start : start + most] for start in range(0, len(panels), most)]


def _one_figure(panels: Sequence[Panel], words: str) -> list[str]:
    lines = ["", r"\begin{figure}", r"\centering"]
    for panel in panels:
        below = r"\quad" if isinstance(panel, Matrix) else r"\par\medskip"
        lines += [*_panel(panel), *_note(panel), below]
    return [*lines, rf"\caption{{{escape(words)}}}", r"\end{figure}"]


def _panel(panel: Panel) -> list[str]:
    if isinstance(panel, Plot):
        return plot_code(panel)
    if isinstance(panel, Bars):
        return bars_code(panel)
    if isinstance(panel, Gallery):
        return _list(panel)
    return matrix_code(panel) if isinstance(panel, Matrix) else radar_code(panel)


def _list(panel: Gallery) -> list[str]:
    """Return names instead of faces: code holds no pictures."""
    rows = [
        " & ".join(map(escape, (one.item, one.truth, one.before, one.now, one.state))) + r" \\"
        for one in panel.pictures
    ]
    return [
        rf"\textbf{{{escape(panel.title)}}}\par",
        r"{\footnotesize\begin{tabular}{lllll}",
        r"picture & truth & baseline & variant & change \\ \hline",
        *rows,
        r"\end{tabular}}",
    ]


def _note(panel: Panel) -> list[str]:
    if isinstance(panel, Matrix):
        return []
    has_series = isinstance(panel, Bars) and len(panel.series) > 1  # its key stands for a title
    words = ". ".join(part for part in (panel.title if has_series else "", panel.note) if part)
    return [rf"\par{{\footnotesize {escape(words)}}}"] if words else []
