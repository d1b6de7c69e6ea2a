"""A form made from the JSON schema of a settings model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from emostudio.gui.theme import theme
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import button
from emostudio.gui.widgets.card import plain
from emostudio.gui.widgets.labels import IconLabel, label, set_shown, set_tone
from emostudio.gui.widgets.settings_field import Field, Rule

_MOST_HELP = 80
_LEAST_HELP = 32


class _Row:
    """Label, editor with unit, and help that gives way to an error; narrow forms hide the help."""

    def __init__(self, field: Field, grid: QGridLayout, row: int, *, is_narrow: bool) -> None:
        self.field = field
        self._is_narrow = is_narrow
        name = label(field.rule.title, "body", wrap=True)
        name.setBuddy(field.editor)
        name.setFixedWidth(SPACE.label_column)
        holder = plain()
        holder.setFixedWidth(SPACE.control_column)
        line = QHBoxLayout(holder)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(SPACE.s)
        line.addWidget(field.editor)
        if field.rule.unit:
            line.addWidget(label(field.rule.unit, "body", "text2"))
        line.addStretch(1)
        self.icon = IconLabel("error", "bad", 16)
        set_shown(self.icon, shown=False)
        self.help = label(_brief(field.rule.help), "small", "text3", wrap=True)
        for part in (name, self.help):
            part.setToolTip(field.rule.help)
        line_number = 2 * row if is_narrow else row
        grid.addWidget(name, line_number, 0, Qt.AlignmentFlag.AlignVCenter)
        grid.addWidget(holder, line_number, 1)
        if is_narrow:
            holder.setFixedWidth(SPACE.control_column - 24)
            field.editor.setMaximumWidth(SPACE.control_column - 28)
            grid.addWidget(self.help, 2 * row + 1, 0, 1, 2)
        else:
            grid.addWidget(self.icon, row, 2)
            grid.addWidget(self.help, row, 3, Qt.AlignmentFlag.AlignVCenter)
        field.editor.setAccessibleDescription(field.rule.help)

    def show_error(self) -> None:
        error = self.field.error
        set_shown(self.icon, bool(error) and not self._is_narrow)
        if self._is_narrow:
            set_shown(self.help, bool(error))
            self.field.editor.setToolTip(self.field.rule.help)
        self.help.setText(f"{error}." if error else _brief(self.field.rule.help))
        set_tone(self.help, "bad" if error else "text3")


def _brief(text: str) -> str:
    """Return a help text that fits two lines; the tooltip has the rest."""
    if len(text) <= _MOST_HELP:
        return text
    head = text[:_MOST_HELP]
    sentence = max(head.rfind("; "), head.rfind(". "))
    end = sentence if sentence >= _LEAST_HELP else head.rfind(" ")
    return f"{head[:end].rstrip(' ,;.:')}\N{NO-BREAK SPACE}…"


class SettingsForm(QWidget):
    """Fields with bounds, units and help; advanced ones folded; errors beside the field.

    Signals
    -------
    changed
        The user changed a value.
    valid_changed
        Whether all fields are accepted.
    """

    changed = Signal()
    valid_changed = Signal(bool)

    def __init__(
        self,
        schema: Mapping[str, Any] | None = None,
        values: Mapping[str, Any] | None = None,
        skip: Sequence[str] = (),
        *,
        is_narrow: bool = False,
    ) -> None:
        super().__init__()
        self.setProperty("kind", "plain")
        self._is_narrow = is_narrow
        self._rows: dict[str, _Row] = {}
        self._was_valid = True
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(SPACE.s)
        self._content = plain()
        self._column.addWidget(self._content)
        self._column.addStretch(1)
        self._advanced: QWidget | None = None
        self._fold: QPushButton | None = None
        self._fold_note: QLabel | None = None
        self.set_schema(schema or {}, values, skip)

    def set_schema(
        self,
        schema: Mapping[str, Any],
        values: Mapping[str, Any] | None = None,
        skip: Sequence[str] = (),
    ) -> None:
        """Replace all fields."""
        self._rows.clear()
        self._advanced = self._fold = self._fold_note = None
        old = self._content
        self._content = plain()
        self._column.replaceWidget(old, self._content)
        self._content.show()
        old.hide()
        old.deleteLater()
        rules = [
            Rule(name, part, schema.get("$defs", {}))
            for name, part in schema.get("properties", {}).items()
            if name not in skip
        ]
        chosen = dict(values or {})
        column = QVBoxLayout(self._content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE.s)
        self._add_rows([rule for rule in rules if not rule.is_advanced], chosen, column)
        advanced = [rule for rule in rules if rule.is_advanced]
        if advanced:
            self._add_advanced(advanced, chosen, column)
        self._check()

    def values(self) -> dict[str, Any]:
        """Return the value of every field; refused ones keep their default."""
        return {
            name: row.field.rule.default if row.field.error else row.field.value()
            for name, row in self._rows.items()
        }

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Show values; fields that are not named keep theirs."""
        for name, value in values.items():
            if name in self._rows:
                self._rows[name].field.set_value(value)
        self._check()

    def reset(self) -> None:
        """Show the defaults."""
        for row in self._rows.values():
            row.field.set_value(row.field.rule.default)
        self._check()
        self.changed.emit()

    def is_valid(self) -> bool:
        """Whether all fields are accepted."""
        return not self.first_error()

    def first_error(self) -> str:
        """Return what is wrong with the first refused field, empty if nothing is."""
        for row in self._rows.values():
            if row.field.error:
                return f"{row.field.rule.title}: {row.field.error}"
        return ""

    def set_error(self, name: str, error: str) -> None:
        """Mark a field as refused for a reason its bounds do not know."""
        if name in self._rows:
            self._rows[name].field.set_error(error)
            self._rows[name].show_error()

    def editor(self, name: str) -> QWidget:
        """Return the editor of a setting."""
        return self._rows[name].field.editor

    def _add_rows(self, rules: list[Rule], values: dict[str, Any], column: QVBoxLayout) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE.s)
        grid.setVerticalSpacing(SPACE.s)
        grid.setColumnStretch(3, 1)
        for number, rule in enumerate(rules):
            field = Field(rule, values.get(rule.name, rule.default))
            field.setParent(self)
            field.changed.connect(self._on_changed)
            self._rows[rule.name] = _Row(field, grid, number, is_narrow=self._is_narrow)
        column.addLayout(grid)

    def _add_advanced(self, rules: list[Rule], values: dict[str, Any], column: QVBoxLayout) -> None:
        line = QHBoxLayout()
        self._fold = button(self.tr("Advanced"), "ghost", "chevron-right", self._toggle_advanced)
        self._fold.setCheckable(True)
        self._fold_note = label("", "small", "text3")
        line.addWidget(self._fold)
        line.addWidget(self._fold_note)
        line.addStretch(1)
        column.addLayout(line)
        self._advanced = plain()
        inner = QVBoxLayout(self._advanced)
        inner.setContentsMargins(0, 0, 0, 0)
        self._add_rows(rules, values, inner)
        self._advanced.hide()
        column.addWidget(self._advanced)

    def _toggle_advanced(self) -> None:
        if self._advanced is None or self._fold is None:
            return
        is_open = self._advanced.isHidden()
        self._advanced.setVisible(is_open)
        theme().set_icon(self._fold, "chevron-down" if is_open else "chevron-right", "text2")

    def _on_changed(self) -> None:
        self._check()
        self.changed.emit()

    def _check(self) -> None:
        for row in self._rows.values():
            row.show_error()
        if self._fold_note is not None:
            self._fold_note.setText(self._advanced_note())
        valid = self.is_valid()
        if valid != self._was_valid:
            self._was_valid = valid
            self.valid_changed.emit(valid)

    def _advanced_note(self) -> str:
        rows = [row for row in self._rows.values() if row.field.rule.is_advanced]
        changed = sum(not row.field.is_default() for row in rows)
        if changed:
            return self.tr("{0} of {1} settings changed").format(changed, len(rows))
        if len(rows) == 1:
            return self.tr("1 setting at its default")
        return self.tr("{0} settings at their defaults").format(len(rows))
