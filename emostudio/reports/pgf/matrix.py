"""Shares by true and given class as heat cells."""

from __future__ import annotations

from emostudio.reports.pgf.code import COMMON, axis
from emostudio.reports.tex_text import escape
from emostudio.workspace.charts.base import Matrix

_HEAT_SHARE = 62
_LEAST_SHOWN = 0.5


def matrix_code(panel: Matrix) -> list[str]:
    """Return the picture of a matrix."""
    options = [
        *COMMON,
        f"width={0.62 * len(panel.columns):.2f}cm",
        f"height={0.62 * len(panel.rows):.2f}cm",
        "y dir=reverse",
        "xmin=-0.5", f"xmax={len(panel.columns) - 0.5}",
        "ymin=-0.5", f"ymax={len(panel.rows) - 0.5}",
        *_ticks("x", panel.columns),
        *_ticks("y", panel.rows),
        "x tick label style={rotate=45, anchor=north east}",
        "axis line style={draw=none}",
        f"title={{{escape(panel.title)}\\\\{{\\normalfont\\footnotesize {escape(panel.note)}}}}}",
        "title style={align=center}",
    ]  # fmt: skip
    body = [
        _cell(column, row, share)
        for row, shares in enumerate(panel.values)
        for column, share in enumerate(shares)
        if share >= _LEAST_SHOWN
    ]
    return axis(options, body)


def _ticks(name: str, labels: tuple[str, ...]) -> list[str]:
    places = ",".join(str(place) for place in range(len(labels)))
    words = ",".join(f"{{{escape(label)}}}" for label in labels)
    return [f"{name}tick={{{places}}}", f"{name}ticklabels={{{words}}}"]


def _cell(column: int, row: int, share: float) -> str:
    fill = f"emoaccent!{share / 100 * _HEAT_SHARE:.0f}!white"
    corners = f"(axis cs:{column - 0.5},{row - 0.5}) rectangle (axis cs:{column + 0.5},{row + 0.5})"
    middle = f"(axis cs:{column},{row})"
    return (
        rf"\fill[{fill}] {corners};"
        rf" \node[font=\scriptsize] at {middle} {{{share:.0f}}};"
    )
