"""A table of the paper as columns and rows: the paper's figures grey, ours black, verdicts last."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from emostudio.gui.charts.dumbbell import DumbbellRow
from emostudio.paper.results import ColumnInfo, Measured, ResultCell, ResultRow, ResultTable
from emostudio.paper.words import has_accounting, paper_words
from emostudio.qt.table_models import EMPTY_CELL, Cell, Column, Row

_NAME, _VERDICT = "name", "verdict"
_NUMBER_WIDTH, _INTERVAL_WIDTH, _WIDE_EXTRA = 53, 84, 26
_COUNTED_WIDTH, _VERDICT_WIDTH = 66, 104
_WITH_INTERVAL = frozenset({"%", "times less", "times faster"})
"""Units whose interval stands in the cell; others are so narrow that it is in the details."""


def _tr(text: str) -> str:
    return QCoreApplication.translate("PaperPage", text)


def _width(table: ResultTable, column: ColumnInfo, whose: str, *, is_wide: bool) -> int:
    with_interval = whose != "paper" and column.unit in _WITH_INTERVAL
    width = _INTERVAL_WIDTH if with_interval else _NUMBER_WIDTH
    if whose == "as_paper" and not with_interval:
        width = _COUNTED_WIDTH
    roomy = len(table.columns) <= 3
    return width + (_WIDE_EXTRA if is_wide or roomy else 0)


def shown_kinds(table: ResultTable, column: ColumnInfo, *, is_wide: bool) -> tuple[str, ...]:
    """Return whose figures of a column are shown; the rest is in the row's details."""
    kinds: tuple[str, ...] = ("paper", "ours")
    has_room = is_wide or len(table.columns) <= 3 or column.unit == "MiB"
    if has_accounting(table, column) and has_room:
        kinds += ("as_paper",)
    return kinds


def table_columns(table: ResultTable, *, is_wide: bool = False) -> tuple[Column, ...]:
    """Return the columns of a table in groups of the paper's figure and ours."""
    titles = {"paper": _tr("paper"), "ours": _tr("ours"), "as_paper": _tr("as paper")}
    tips = {
        "paper": _tr("As printed"),
        "ours": _tr("Measured here, with its interval"),
        "as_paper": _tr("Ours, counted the way the paper counts"),
    }
    made = [Column(_NAME, _tr("Model") if table.key == "table2" else "")]
    for column in table.columns:
        unit = f", {column.unit}" if column.unit else ""
        made += [
            Column(
                f"{column.key}-{kind}",
                titles[kind],
                is_number=True,
                width=_width(table, column, kind, is_wide=is_wide),
                group=f"{column.title}{unit}",
                tooltip=tips[kind],
            )
            for kind in shown_kinds(table, column, is_wide=is_wide)
        ]
    if any(row.verdict for row in table.rows):
        made.append(Column(_VERDICT, _tr("Verdict"), width=_VERDICT_WIDTH))
    return tuple(made)


def table_rows(table: ResultTable) -> list[Row]:
    """Return the rows; the best of our figures in a column is bold."""
    best = {column.key: _best(column, table.rows) for column in table.columns}
    made = []
    for row in table.rows:
        tone = "text2" if row.is_extra else "text"
        tip = ". ".join((row.reference, *row.caveats))
        cells = {_NAME: Cell(row.title, tone=tone, tooltip=tip)}
        for column in table.columns:
            cell = row.cells.get(column.key, ResultCell())
            cells[f"{column.key}-paper"] = _paper(cell)
            is_best = cell.ours is not None and cell.ours.value == best[column.key]
            cells[f"{column.key}-ours"] = _ours(cell.ours, column, is_best=is_best)
            cells[f"{column.key}-as_paper"] = _ours(cell.as_paper, column, tone="text3")
        if row.verdict:
            cells[_VERDICT] = Cell(
                row.verdict, verdict=row.verdict.lower(), tooltip=row.verdict_words
            )
        made.append(Row(row.key, cells))
    return made


def dumbbell_rows(table: ResultTable, key: str) -> list[DumbbellRow]:
    """Return one column as a chart."""
    made = []
    for row in table.rows:
        cell = row.cells.get(key, ResultCell())
        ours = (cell.ours.low, cell.ours.value, cell.ours.high) if cell.ours else None
        made.append(DumbbellRow(row.title, cell.paper, ours))
    return made


def detail_lines(table: ResultTable, row: ResultRow) -> list[str]:
    """Return every figure of a row with its interval, engine and machine, one sentence each."""
    made = []
    for column in table.columns:
        cell = row.cells.get(column.key, ResultCell())
        for measured, kind in ((cell.ours, ""), (cell.as_paper, _tr(", as the paper counts"))):
            if measured is not None:
                made.append(f"{column.title}{kind}: {_sentence(measured, column)}")
    return made


def _sentence(measured: Measured, column: ColumnInfo) -> str:
    unit = f" {column.unit}" if column.unit else ""
    number = f"{measured.value:,.{column.decimals}f}{unit}"
    if measured.is_exact:
        return f"{number} ({measured.basis})"
    low, high = (f"{bound:,.{column.decimals}f}" for bound in (measured.low, measured.high))
    return f"{number} ({low}–{high}; {measured.basis}; {measured.engine})"


def _paper(cell: ResultCell) -> Cell:
    if cell.paper is None:
        return EMPTY_CELL
    return Cell(paper_words(cell.paper), cell.paper, tone="text3")


def _ours(
    measured: Measured | None, column: ColumnInfo, *, tone: str = "text", is_best: bool = False
) -> Cell:
    if measured is None:
        return EMPTY_CELL
    text = f"{measured.value:,.{column.decimals}f}"
    if not measured.is_exact and column.unit in _WITH_INTERVAL:
        half = max(measured.high - measured.value, measured.value - measured.low)
        text += f" ± {half:.{column.decimals}f}"
    tip = f"{_sentence(measured, column)}\n{measured.machine}"
    return Cell(text, measured.value, tone=tone, is_bold=is_best, tooltip=tip)


def _best(column: ColumnInfo, rows: Sequence[ResultRow]) -> float | None:
    known = [cell.ours.value for row in rows if (cell := row.cells.get(column.key)) and cell.ours]
    if not column.better or len(set(known)) < 2:
        return None
    return min(known) if column.better == "low" else max(known)
