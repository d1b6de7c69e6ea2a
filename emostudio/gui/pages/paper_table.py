"""A table of the paper as columns and rows: the paper's figures grey, ours black, verdicts last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QCoreApplication

from emostudio.gui.charts.dumbbell import DumbbellRow
from emostudio.gui.pages.paper_columns import NAME, VERDICT
from emostudio.paper.results import ColumnInfo, Measured, ResultCell, ResultRow, ResultTable
from emostudio.paper.words import paper_words
from emostudio.qt.table_models import EMPTY_CELL, Cell, Row


def _tr(text: str) -> str:
    return QCoreApplication.translate("PaperPage", text)


def table_rows(table: ResultTable) -> list[Row]:
    """Return the rows, for every choice of columns; the best of ours in a column is bold."""
    best = {column.key: _best(column, table.rows) for column in table.columns}
    made = []
    for row in table.rows:
        tone = "text2" if row.is_extra else "text"
        tip = ". ".join((row.title, row.reference, *row.caveats))
        cells = {NAME: Cell(row.title, tone=tone, tooltip=tip)}
        for column in table.columns:
            cell = row.cells.get(column.key, ResultCell())
            cells[f"{column.key}-paper"] = _paper(cell)
            is_best = cell.ours is not None and cell.ours.value == best[column.key]
            ours = _ours(cell.ours, column, is_best=is_best)
            cells[f"{column.key}-ours"] = ours
            cells[f"{column.key}-alone"] = _alone(ours, cell.ours, column)
            cells[f"{column.key}-as_paper"] = _ours(cell.as_paper, column, tone="text3")
        if row.verdict:
            cells[VERDICT] = Cell(
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
    if not measured.has_interval:
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
    if measured.has_interval:
        half = max(measured.high - measured.value, measured.value - measured.low)
        text += f" ± {half:.{column.decimals}f}"
    tip = f"{_sentence(measured, column)}\n{measured.machine}"
    return Cell(text, measured.value, tone=tone, is_bold=is_best, tooltip=tip)


def _alone(cell: Cell, measured: Measured | None, column: ColumnInfo) -> Cell:
    """Return the cell without its interval, where that has no room; the tip still has it."""
    if measured is None:
        return cell
    return replace(cell, text=f"{measured.value:,.{column.decimals}f}")


def _best(column: ColumnInfo, rows: Sequence[ResultRow]) -> float | None:
    known = [cell.ours.value for row in rows if (cell := row.cells.get(column.key)) and cell.ours]
    if not column.better or len(set(known)) < 2:
        return None
    return min(known) if column.better == "low" else max(known)
