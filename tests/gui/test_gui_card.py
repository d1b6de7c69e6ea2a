"""Notes that go, cards that scroll, buttons that stay pressed."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from emostudio.gui.pages.base import Page
from emostudio.gui.theme import theme
from emostudio.gui.widgets import note as note_module
from emostudio.gui.widgets.buttons import button
from emostudio.gui.widgets.card import Card, scrolled
from emostudio.gui.widgets.note import Note

SHORT_S = 0.05


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(note_module, "OK_SECONDS", SHORT_S)


@pytest.fixture
def note(qtbot, short):
    holder = QWidget()
    qtbot.addWidget(holder)
    made = Note(is_passing=True)
    QVBoxLayout(holder).addWidget(made)
    holder.show()
    made.holder = holder  # else Python would take it away, and the note with it
    return made


def close_button(note):
    (found,) = [
        made
        for made in note.findChildren(QPushButton)
        if made.accessibleName() == "Close this note"
    ]
    return found


def test_good_news_goes_by_itself(note, qtbot):
    note.show_note("ok", "The table is on the clipboard.")
    assert note.isVisible()
    qtbot.waitUntil(lambda: not note.isVisible(), timeout=2_000)
    assert note.text() == ""


@pytest.mark.parametrize("tone", ["warn", "bad", "info"])
def test_other_news_stays_until_it_is_closed(note, qtbot, tone):
    note.show_note("ok", "Saved.")
    note.show_note(tone, "The disk is full.")
    qtbot.wait(round(4_000 * SHORT_S))
    assert note.isVisible()
    close_button(note).click()
    assert not note.isVisible()


def test_good_news_waits_while_the_focus_is_on_its_button(note, qtbot):
    note.show_note("ok", "Saved out.html.", action="Show in folder")
    note.window().activateWindow()
    remedy = next(made for made in note.findChildren(QPushButton) if made.text())
    remedy.setFocus()
    qtbot.waitUntil(remedy.hasFocus)
    qtbot.wait(round(4_000 * SHORT_S))
    assert note.isVisible()
    remedy.clearFocus()
    qtbot.waitUntil(lambda: not note.isVisible(), timeout=2_000)


def test_a_note_on_a_state_cannot_be_closed_and_stays(qtbot, short):
    made = Note()
    qtbot.addWidget(made)
    made.show_note("ok", "Written and checked.")
    assert not [one for one in made.findChildren(QPushButton) if one.accessibleName()]
    qtbot.wait(round(4_000 * SHORT_S))
    assert made.text() == "Written and checked."


def test_good_news_is_gone_when_the_page_is_left_and_errors_stay(studio, qtbot):
    page = Page(studio, "Test")
    qtbot.addWidget(page)
    page.show()
    page.note.show_note("ok", "Table copied.")
    page.hide()
    page.show()
    assert not page.note.isVisible()
    page.note.show_note("bad", "The disk is full.")
    page.hide()
    page.show()
    assert page.note.isVisible()


def test_only_what_scrolls_takes_the_focus_and_it_has_the_name_of_its_card(qtbot):
    made = Card("Read this")
    qtbot.addWidget(made)
    text = QLabel("\n".join(["line"] * 60))
    made.body.addWidget(scrolled(text))
    area = made.findChild(QScrollArea)
    made.resize(300, 200)
    made.show()
    qtbot.waitUntil(lambda: area.focusPolicy() == Qt.FocusPolicy.StrongFocus)
    assert area.accessibleName() == "Read this"
    made.resize(300, 3_000)
    qtbot.waitUntil(lambda: area.focusPolicy() == Qt.FocusPolicy.NoFocus)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_a_button_that_is_on_looks_so(qapp, qtbot, name):
    theme().install(qapp)
    theme().choose(name)
    made = button("Numbers", "small")
    made.setCheckable(True)
    qtbot.addWidget(made)
    made.show()

    def colour():
        return made.grab().toImage().pixelColor(made.width() // 2, 4).name().upper()

    assert colour() == theme().colours.card
    made.setChecked(True)
    assert colour() == theme().colours.accent_soft
    theme().choose("system")


def test_a_state_with_an_icon_shows_both_and_an_empty_one_none(qtbot):
    made = Card("Table 2")
    qtbot.addWidget(made)
    made.setFixedSize(400, 100)
    made.show()
    quiet = made.grab().toImage()
    made.set_state("Drawn faces, not RaFD", "warn", "warning")
    assert made.grab().toImage() != quiet
    assert "Drawn faces, not RaFD" in [text.text() for text in made.findChildren(QLabel)]
    made.set_state("", "warn", "warning")
    assert made.grab().toImage() == quiet
