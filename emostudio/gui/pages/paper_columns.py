"""Which columns a table of the paper has, in how much detail, and how wide each must be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QFontMetrics

from emostudio.gui.theme import theme
from emostudio.paper.results import ColumnInfo, ResultCell, ResultTable
from emostudio.paper.words import has_accounting
from emostudio.qt.table_models import Column, Row

NAME, VERDICT = "name", "verdict"
_VERDICT_WIDTH, _ROOMY_EXTRA, _PADDING, _GROUP_PADDING = 104, 26, 17, 4
_FEW_COLUMNS = 3


class _Level(IntEnum):
    """How much the columns of a table say; what is left out is in tips and in the details."""

    COMPACT = 0
    USUAL = 1
    FULL = 2
    ROOMY = 3


_INTERVAL_FROM = {
    "%": _Level.COMPACT,
    "times less": _Level.COMPACT,
    "times faster": _Level.COMPACT,
    "×": _Level.USUAL,
}
"""From which level on the interval stands in the cell; other units have it there when full."""


def column_choices(table: ResultTable, rows: Sequence[Row]) -> tuple[tuple[Column, ...], ...]:
    """Return the columns of a table for wide to narrow pages, wide enough for its `rows`."""
    return tuple(_columns(table, rows, level) for level in sorted(_Level, reverse=True))


def _columns(table: ResultTable, rows: Sequence[Row], level: _Level) -> tuple[Column, ...]:
    has_few = len(table.columns) <= _FEW_COLUMNS
    detail = max(level, _Level.FULL) if has_few else level
    made = [Column(NAME, _tr("Model") if table.key == "table2" else "")]
    for column in table.columns:
        made += _group(table, rows, column, detail, is_roomy=has_few or level == _Level.ROOMY)
    if any(row.verdict for row in table.rows):
        made.append(Column(VERDICT, _tr("Verdict"), width=_VERDICT_WIDTH))
    return tuple(made)


def _group(
    table: ResultTable, rows: Sequence[Row], column: ColumnInfo, detail: int, *, is_roomy: bool
) -> list[Column]:
    """Return the paper's figure and ours, and where there is room ours as the paper counts."""
    cells = [row.cells.get(column.key, ResultCell()) for row in table.rows]
    is_measured = any(cell.ours is not None and cell.ours.has_interval for cell in cells)
    is_alone = is_measured and detail < _INTERVAL_FROM.get(column.unit, _Level.FULL)
    shown = [
        ("paper", _tr("paper"), _tr("As printed")),
        ("alone" if is_alone else "ours", _tr("ours"), _tr("Measured here, with its interval")),
    ]
    is_size = detail == _Level.USUAL and column.unit == "MiB"
    if has_accounting(table, column) and (is_size or detail >= _Level.FULL):
        words = _tr("Ours, counted the way the paper counts")
        shown.append(("as_paper", _tr("as paper"), words))
    group = f"{column.title}, {column.unit}" if column.unit else column.title
    keys = [f"{column.key}-{kind}" for kind, _, _ in shown]
    widths = [
        _widest(head, (row.cells[key].text for row in rows if key in row.cells))
        for key, (_, head, _) in zip(keys, shown, strict=True)
    ]
    widths[1] += max(0, _advance(group, "caption_medium") + _GROUP_PADDING - sum(widths))
    extra = _ROOMY_EXTRA if is_roomy else 0
    return [
        Column(key, head, is_number=True, width=width + extra, group=group, tooltip=tip)
        for key, (_, head, tip), width in zip(keys, shown, widths, strict=True)
    ]


def _widest(head: str, texts: Iterable[str]) -> int:
    text = max((_advance(text, "small_bold") for text in texts), default=0)
    return max(text, _advance(head, "caption_medium")) + _PADDING


def _advance(text: str, style: str) -> int:
    """Return the width of a text in pixels before the text scale, which the table multiplies by."""
    return round(QFontMetrics(theme().font(style)).horizontalAdvance(text) / theme().scale)


def _tr(text: str) -> str:
    return QCoreApplication.translate("PaperPage", text)
