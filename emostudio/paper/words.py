"""Tables as text: one way to write a number with its interval, for every place that shows one."""

from __future__ import annotations

from emostudio.paper.results import ColumnInfo, Measured, ResultCell, ResultRow, ResultTable

MISSING = "–"
_PAPER, _OURS, _AS_PAPER = "paper", "ours", "ours, as the paper counts"


def measured_words(measured: Measured | None, decimals: int) -> str:
    """Return a number and its interval, alone if it has none; a missing one is a dash."""
    if measured is None:
        return MISSING
    text = f"{measured.value:,.{decimals}f}"
    if not measured.has_interval:
        return text
    return f"{text} [{measured.low:,.{decimals}f}, {measured.high:,.{decimals}f}]"


def paper_words(value: float | None) -> str:
    """Return a figure as the paper prints it; rounded where we derived it."""
    return MISSING if value is None else f"{round(value, 2):g}"


def has_accounting(table: ResultTable, column: ColumnInfo) -> bool:
    """Whether the paper counts a column in another way than we do, in any row."""
    cells = (row.cells.get(column.key) for row in table.rows)
    return any(cell is not None and cell.as_paper is not None for cell in cells)


def heads(table: ResultTable) -> list[str]:
    """Return the heads of a table's columns of figures, in the order of `cell_words`."""
    made = []
    for column in table.columns:
        unit = f", {column.unit}" if column.unit else ""
        named = [_PAPER, _OURS, *([_AS_PAPER] if has_accounting(table, column) else [])]
        made += [f"{column.title}{unit}: {name}" for name in named]
    return made


def cell_words(table: ResultTable, row: ResultRow) -> list[str]:
    """Return a row's figures as text: the paper's, ours, and ours as the paper counts."""
    made = []
    for column in table.columns:
        cell = row.cells.get(column.key, ResultCell())
        made += [paper_words(cell.paper), measured_words(cell.ours, column.decimals)]
        if has_accounting(table, column):
            made.append(measured_words(cell.as_paper, column.decimals))
    return made


def footer_words(table: ResultTable) -> list[str]:
    """Return caveats, then facts with the engines that ran, one text each; never empty."""
    caveats = [f"{caveat.title} {caveat.words}" for caveat in table.caveats]
    facts = dict(table.facts)
    engines = _engine_words(table)
    if engines:
        facts["Engines"] = engines
    if table.parts_total:
        took = f"{table.seconds / 60:.0f} min of work"
        facts["Done"] = f"{table.parts_done} of {table.parts_total} parts, {took}"
    return [*caveats, ". ".join(f"{name}: {words}" for name, words in facts.items()) + "."]


def _engine_words(table: ResultTable) -> str:
    """Return the engines that ran, each with its rows where others ran on another one."""
    rows_of: dict[str, dict[str, None]] = {}
    for row in table.rows:
        for cell in row.cells.values():
            if cell.ours is not None and not cell.ours.is_exact:
                rows_of.setdefault(cell.ours.engine, {})[row.title] = None
    measured = {title for titles in rows_of.values() for title in titles}
    told = [
        engine if len(titles) == len(measured) else f"{engine} ({', '.join(titles)})"
        for engine, titles in sorted(rows_of.items())
    ]
    return "; ".join(told)
