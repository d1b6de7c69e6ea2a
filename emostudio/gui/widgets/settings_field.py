"""One setting on a form: its editor and the check of what was typed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QCoreApplication, QObject, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QWidget

from emostudio.gui.theme import theme
from emostudio.gui.widgets.labels import polish

_NARROW = 88
_WIDE = 172


def _tr(text: str) -> str:
    return QCoreApplication.translate("SettingsForm", text)


class Rule:
    """What a setting accepts, read from its JSON schema."""

    def __init__(
        self, name: str, schema: Mapping[str, Any], definitions: Mapping[str, Any]
    ) -> None:
        branch, self.is_optional = _main_branch(schema, definitions)
        self.name = name
        self.title = str(schema.get("title") or branch.get("title") or name.replace("_", " "))
        self.help = str(schema.get("description") or branch.get("description") or "")
        self.unit = str(schema.get("unit", ""))
        self.is_advanced = bool(schema.get("advanced", False))
        self.default = schema.get("default")
        self.kind = str(branch.get("type", "string"))
        self.low = branch.get("minimum", schema.get("minimum"))
        self.high = branch.get("maximum", schema.get("maximum"))
        self.above = branch.get("exclusiveMinimum", schema.get("exclusiveMinimum"))
        self.below = branch.get("exclusiveMaximum", schema.get("exclusiveMaximum"))
        self.choices = [branch["const"]] if "const" in branch else list(branch.get("enum", ()))
        items = branch.get("items") or {}
        if "$ref" in items:
            items = definitions.get(str(items["$ref"]).rsplit("/", 1)[-1], {})
        self._item_kind = str(items.get("type", "string"))
        self._item_choices = tuple(str(choice) for choice in items.get("enum", ()))

    def parse(self, text: str) -> tuple[Any, str]:
        """Return the value of a typed text and, where it is refused, what to do instead."""
        text = text.strip()
        if not text and self.is_optional:
            return None, ""
        if not text and self.kind != "array" and self.kind != "string":
            return None, _tr("Enter a value") + self._range()
        try:
            value = self._convert(text)
        except ValueError:
            words = {"integer": _tr("Enter a whole number"), "number": _tr("Enter a number")}
            return None, words.get(self.kind, _tr("Not understood")) + self._range()
        return value, self._outside(value)

    def show(self, value: Any) -> str:
        """Return a value as text for the editor."""
        if value is None:
            return ""
        if isinstance(value, list | tuple):
            return ", ".join(str(part) for part in value)
        if isinstance(value, dict):
            return json.dumps(value)
        return f"{value:g}" if isinstance(value, float) else str(value)

    def _convert(self, text: str) -> Any:
        if self.kind == "integer":
            return int(text.replace(",", ""))
        if self.kind == "number":
            return float(text)
        if self.kind == "array":
            parts = [part.strip() for part in text.split(",") if part.strip()]
            if self._item_choices and len(parts) == 1 and parts[0] not in self._item_choices:
                return parts[0]  # a word for several, such as "all", which the model knows
            kinds: dict[str, type] = {"integer": int, "number": float}
            return [kinds.get(self._item_kind, str)(part) for part in parts]
        return json.loads(text) if self.kind == "object" else text

    def _outside(self, value: Any) -> str:
        if self.kind not in {"integer", "number"}:
            return ""
        if self.low is not None and value < self.low:
            return _tr("Use at least {0}").format(self.show(self.low))
        if self.high is not None and value > self.high:
            return _tr("Use at most {0}").format(self.show(self.high))
        if self.above is not None and value <= self.above:
            return _tr("Use more than {0}").format(self.show(self.above))
        if self.below is not None and value >= self.below:
            return _tr("Use less than {0}").format(self.show(self.below))
        return ""

    def _range(self) -> str:
        if self.low is None or self.high is None:
            return ""
        return _tr(" from {0} to {1}").format(self.show(self.low), self.show(self.high))


def _main_branch(
    schema: Mapping[str, Any], definitions: Mapping[str, Any]
) -> tuple[Mapping[str, Any], bool]:
    branches = list(schema.get("anyOf", schema.get("allOf", [schema])))
    is_optional = any(branch.get("type") == "null" for branch in branches)
    main = next((branch for branch in branches if branch.get("type") != "null"), schema)
    if "$ref" in main:
        main = definitions.get(str(main["$ref"]).rsplit("/", 1)[-1], {})
    return main, is_optional


class Field(QObject):
    """An editor and its rule; `changed` follows every edit."""

    changed = Signal()

    def __init__(self, rule: Rule, value: Any) -> None:
        super().__init__()
        self.rule = rule
        self.error = ""
        self.editor: QWidget
        if rule.choices:
            self.editor = self._combo()
        elif rule.kind == "boolean":
            self.editor = self._check()
        else:
            self.editor = self._line()
        self.editor.setAccessibleName(rule.title)
        self.editor.setToolTip(rule.help)
        self.set_value(value)

    def value(self) -> Any:
        """Return the value, None while the text is refused."""
        if isinstance(self.editor, QComboBox):
            return self.editor.currentData()
        if isinstance(self.editor, QCheckBox):
            return self.editor.isChecked()
        assert isinstance(self.editor, QLineEdit)  # noqa: S101 - the only kind left
        return self.rule.parse(self.editor.text())[0]

    def set_value(self, value: Any) -> None:
        """Show a value."""
        if isinstance(self.editor, QComboBox):
            index = self.editor.findData(value)
            self.editor.setCurrentIndex(max(0, index))
        elif isinstance(self.editor, QCheckBox):
            self.editor.setChecked(bool(value))
        elif isinstance(self.editor, QLineEdit):
            self.editor.setText(self.rule.show(value))
            self.editor.setCursorPosition(0)
        self._check_text()

    def set_error(self, error: str) -> None:
        """Mark the field as refused; empty takes the mark away."""
        self.error = error
        fault = "true" if error else "false"
        if self.editor.property("fault") != fault:
            self.editor.setProperty("fault", fault)
            polish(self.editor)

    def is_default(self) -> bool:
        """Whether the value is the schema's default."""
        value, default = self.value(), self.rule.default
        if isinstance(value, list) and isinstance(default, list | tuple):
            return list(value) == list(default)
        return bool(value == default)

    def _combo(self) -> QComboBox:
        combo = QComboBox()
        theme().set_font(combo, "body")
        if self.rule.is_optional:
            combo.addItem(_tr("Automatic"), None)
        for choice in self.rule.choices:
            combo.addItem(str(choice).replace("_", " "), choice)
        combo.setFixedWidth(_WIDE)
        combo.currentIndexChanged.connect(lambda _index: self.changed.emit())
        return combo

    def _check(self) -> QCheckBox:
        check = QCheckBox()
        check.toggled.connect(lambda _on: self.changed.emit())
        return check

    def _line(self) -> QLineEdit:
        line = QLineEdit()
        theme().set_font(line, "body")
        line.setFixedWidth(_NARROW if self.rule.kind in {"integer", "number"} else _WIDE)
        if self.rule.is_optional:
            line.setPlaceholderText(_tr("automatic"))
        line.textEdited.connect(self._on_edited)
        return line

    def _on_edited(self, _text: str) -> None:
        self._check_text()
        self.changed.emit()

    def _check_text(self) -> None:
        if isinstance(self.editor, QLineEdit):
            self.set_error(self.rule.parse(self.editor.text())[1])
