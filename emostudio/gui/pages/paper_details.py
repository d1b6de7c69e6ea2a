"""What must be read before a result is quoted: findings, the chosen row in full, caveats."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from emostudio.core.units import unbroken
from emostudio.gui.pages.paper_table import detail_lines
from emostudio.gui.theme import theme
from emostudio.gui.tokens import SPACE
from emostudio.gui.verdict_badge import verdict_look
from emostudio.gui.widgets.card import Card, clear, plain, scrolled
from emostudio.gui.widgets.labels import IconLabel
from emostudio.paper.results import ResultRow, ResultTable


class ReadFirstCard(Card):
    """Scrolls; warnings come first."""

    def __init__(self) -> None:
        super().__init__()
        self.title.setText(self.tr("Read this before you quote it"))
        self.title.show()
        self.body.insertWidget(0, self.title)
        content = plain()
        self._column = QVBoxLayout(content)
        self._column.setContentsMargins(0, 0, SPACE.s, 0)
        self._column.setSpacing(SPACE.s)
        self.body.addWidget(scrolled(content), 1)

    def show_table(self, table: ResultTable, row: ResultRow | None) -> None:
        """Show what belongs to a table and to its chosen row."""
        clear(self._column)
        for finding in table.findings:
            word, tone, glyph = verdict_look(finding.verdict)
            self._add(glyph or "info", tone, f"{word}: {finding.title}.", finding.words)
        warnings = [caveat for caveat in table.caveats if caveat.is_warning]
        for caveat in warnings:
            self._add("warning", "warn", caveat.title, caveat.words)
        if row is not None:
            self._add_row(table, row)
        for caveat in table.caveats:
            if not caveat.is_warning:
                self._add("info", "info", caveat.title, caveat.words)
        for name, words in table.facts.items():
            self._add("", "text3", f"{name}.", words)
        self._column.addStretch(1)

    def _add_row(self, table: ResultTable, row: ResultRow) -> None:
        lines = [*detail_lines(table, row), row.verdict_words, *row.caveats]
        told = ". ".join(line.rstrip(".") for line in lines if line)
        if told:
            self._add("chart", "text2", f"{row.title}.", f"{told}.")

    def _add(self, icon: str, tone: str, title: str, words: str) -> None:
        holder = QWidget()
        holder.setProperty("kind", "plain")
        line = QHBoxLayout(holder)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(SPACE.s)
        if icon:
            line.addWidget(IconLabel(icon, tone, 16), 0, Qt.AlignmentFlag.AlignTop)
        else:
            line.addSpacing(16 + SPACE.s)
        text = QLabel(
            f'<div style="line-height:130%"><span style="font-weight:600">{escape(title)}</span> '
            f"{escape(unbroken(words))}</div>"
        )
        text.setTextFormat(Qt.TextFormat.RichText)
        text.setWordWrap(True)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        text.setProperty("tone", "text2")
        text.setAccessibleName(f"{title} {words}")
        theme().set_font(text, "small")
        line.addWidget(text, 1)
        self._column.addWidget(holder)
