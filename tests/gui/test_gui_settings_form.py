from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit
from pytestqt.qtbot import QtBot

from emostudio.core.settings import Settings, setting
from emostudio.gui.theme import theme
from emostudio.gui.widgets.settings_form import SettingsForm

Texts = Callable[[object], str]


class Example(Settings):
    bits: int = setting(5, title="Index size", help="Bits per weight", unit="bits", low=1, high=8)
    share: float = setting(0.5, title="Share", help="Part kept", low=0.0, high=1.0)
    start: Literal["linear", "density"] = setting("linear", title="Start", help="First centres")
    is_on: bool = setting(True, title="Huffman", help="Code the indices")
    rank: int | None = setting(None, title="Rank", help="Empty: by energy", low=1, high=64)
    names: tuple[str, ...] = setting(("a", "b"), title="Names", help="Which ones")
    decay: float = setting(0.1, title="Decay", help="Rarely changed", advanced=True)


@pytest.fixture
def form(qtbot: QtBot, qapp: QApplication) -> SettingsForm:
    theme().install(qapp)
    made = SettingsForm(Example.model_json_schema())
    qtbot.addWidget(made)
    made.resize(700, 400)
    made.show()
    return made


def retype(qtbot: QtBot, form: SettingsForm, name: str, text: str) -> None:
    editor = form.editor(name)
    assert isinstance(editor, QLineEdit)
    editor.selectAll()
    qtbot.keyClicks(editor, text)


def test_untouched_values_make_the_default_settings(form: SettingsForm) -> None:
    assert Example.model_validate(form.values()) == Example()


def test_labels_units_and_help_are_shown(form: SettingsForm, texts: Texts) -> None:
    for words in ("Index size", "bits", "Bits per weight"):
        assert words in texts(form)


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("bits", "9", "Use at most 8"),
        ("bits", "0", "Use at least 1"),
        ("bits", "two", "Enter a whole number from 1 to 8"),
        ("share", "1.5", "Use at most 1"),
        ("rank", "100", "Use at most 64"),
    ],
)
def test_a_refused_value_is_explained_beside_its_field(
    qtbot: QtBot, form: SettingsForm, texts: Texts, name: str, text: str, error: str
) -> None:
    with qtbot.waitSignal(form.valid_changed) as changed:
        retype(qtbot, form, name, text)
    assert changed.args == [False]
    assert f"{error}." in texts(form)
    assert form.editor(name).property("fault") == "true"
    form.reset()
    assert form.is_valid()
    assert f"{error}." not in texts(form)


def test_optional_values_may_be_empty_and_lists_are_typed_with_commas(
    qtbot: QtBot, form: SettingsForm
) -> None:
    retype(qtbot, form, "rank", "7")
    retype(qtbot, form, "names", "x, y,z")
    values = form.values()
    assert values["rank"] == 7
    assert values["names"] == ["x", "y", "z"]
    form.set_values({"rank": None})
    assert form.values()["rank"] is None


def test_choices_become_a_list(form: SettingsForm) -> None:
    editor = form.editor("start")
    assert isinstance(editor, QComboBox)
    editor.setCurrentIndex(1)
    assert form.values()["start"] == "density"


def test_advanced_settings_are_folded_and_counted(
    qtbot: QtBot, form: SettingsForm, texts: Texts
) -> None:
    assert not form.editor("decay").isVisible()
    assert "1 setting at its default" in texts(form)
    form._fold.click()
    assert form.editor("decay").isVisible()
    retype(qtbot, form, "decay", "0.2")
    assert "1 of 1 settings changed" in texts(form)
