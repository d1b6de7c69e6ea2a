"""The one style sheet, generated from the tokens. Fonts are never set here."""

from __future__ import annotations

from emostudio.core.paths import resource_path
from emostudio.gui.tokens import RADIUS_BADGE, RADIUS_CARD, RADIUS_CONTROL, SPACE, Colours

_TONES = ("text", "text2", "text3", "accent_text", "on_accent", "ok", "info", "warn", "bad")


def style_sheet(name: str, colours: Colours, scale: float) -> str:
    """Return the style sheet of a theme for the whole application."""
    return "\n".join(
        (
            _surfaces(colours),
            _buttons(colours, scale),
            _fields(name, colours, scale),
            _lists(colours),
            _scroll_bars(colours),
        )
    )


def _surfaces(c: Colours) -> str:
    tones = "\n".join(f'QLabel[tone="{tone}"] {{ color: {getattr(c, tone)}; }}' for tone in _TONES)
    notes = "\n".join(
        f'QFrame[note="{tone}"] {{ background: {getattr(c, tone + "_soft")}; border: none;'
        f" border-radius: {RADIUS_CONTROL}px; }}"
        for tone in ("ok", "info", "warn", "bad")
    )
    return f"""
QMainWindow, QDialog, QWidget[kind="page"], QScrollArea[kind="page"] {{ background: {c.bg}; }}
QDialog {{ border: 1px solid {c.line2}; }}
QWidget[kind="plain"], QScrollArea, QScrollArea > QWidget > QWidget[kind="plain"]
    {{ background: transparent; border: none; }}
QWidget[kind="statusbar"] {{ background: {c.rail}; border-top: 1px solid {c.line}; }}
QFrame[kind="card"] {{ background: {c.card}; border: 1px solid {c.line};
    border-radius: {RADIUS_CARD}px; }}
QFrame[kind="rule"] {{ background: {c.line}; border: none; }}
QFrame[kind="sunken"] {{ background: {c.sunken}; border: none; border-radius: {RADIUS_CONTROL}px; }}
QFrame[place="top"] {{ margin-top: 8px; }}
QLabel {{ background: transparent; color: {c.text}; }}
QLabel:disabled {{ color: {c.text3}; }}
QLabel[kind="keycap"] {{ background: {c.neutral_soft}; color: {c.text2};
    border-radius: {RADIUS_BADGE}px; padding: 1px 6px; }}
QToolTip {{ background: {c.card}; color: {c.text}; border: 1px solid {c.line2}; padding: 4px; }}
{tones}
{notes}
"""


def _buttons(c: Colours, scale: float) -> str:
    high, small = round((SPACE.control - 2) * scale), round((SPACE.control_small - 2) * scale)
    return f"""
QPushButton, QCheckBox, QRadioButton, QComboBox {{ outline: none; }}
QPushButton {{ background: {c.card}; color: {c.text}; border: 1px solid {c.line2};
    border-radius: {RADIUS_CONTROL}px; min-height: {high}px; padding: 0 12px; }}
QPushButton:hover {{ background: {c.hover}; }}
QPushButton:pressed {{ background: {c.neutral_soft}; }}
QPushButton:checked {{ background: {c.accent_soft}; color: {c.accent_text};
    border-color: {c.accent}; }}
QPushButton:disabled {{ background: {c.neutral_soft}; color: {c.text3}; }}
QPushButton[kind="primary"] {{ background: {c.accent}; color: {c.on_accent};
    border-color: {c.accent}; }}
QPushButton[kind="primary"]:hover, QPushButton[kind="primary"]:pressed
    {{ background: {c.accent_hover}; border-color: {c.accent_hover}; }}
QPushButton[kind="primary"]:disabled {{ background: {c.neutral_soft}; color: {c.text3};
    border-color: {c.line2}; }}
QPushButton[kind="small"] {{ min-height: {small}px; padding: 0 8px; }}
QPushButton[kind="warn"] {{ min-height: {small}px; padding: 0 8px; background: {c.warn_soft};
    color: {c.warn}; border-color: {c.warn_soft}; }}
QPushButton[kind="warn"]:hover {{ border-color: {c.warn}; }}
QPushButton[kind="ghost"], QPushButton[kind="link"], QPushButton[kind="icon"]
    {{ background: transparent; border: 1px solid transparent; }}
QPushButton[kind="ghost"] {{ color: {c.text2}; padding: 0 8px; }}
QPushButton[kind="link"] {{ color: {c.accent_text}; padding: 0 2px; min-height: {small}px; }}
QPushButton[kind="icon"] {{ padding: 0; min-width: 28px; min-height: 28px; max-width: 28px;
    max-height: 28px; }}
QPushButton[kind="ghost"]:hover, QPushButton[kind="icon"]:hover {{ background: {c.hover}; }}
QPushButton::menu-indicator {{ image: none; width: 0; }}
QMenu {{ background: {c.card}; border: 1px solid {c.line2}; border-radius: {RADIUS_CONTROL}px;
    padding: 4px; color: {c.text}; }}
QMenu::item {{ padding: 5px 20px 5px 12px; border-radius: {RADIUS_BADGE}px; }}
QMenu::item:selected {{ background: {c.accent_soft}; color: {c.text}; }}
QMenu::item:disabled {{ color: {c.text3}; }}
QMenu::separator {{ height: 1px; background: {c.line}; margin: 4px; }}
"""


def _fields(name: str, c: Colours, scale: float) -> str:
    high = round((SPACE.control - 2) * scale)
    arrow = resource_path("icons", f"chevron-down-{name}.svg").as_posix()
    check = resource_path("icons", "check-on-accent.svg").as_posix()
    return f"""
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QPlainTextEdit, QTextEdit
    {{ background: {c.card}; color: {c.text}; border: 1px solid {c.ctl};
    border-radius: {RADIUS_CONTROL}px; padding: 0 8px; selection-background-color: {c.accent};
    selection-color: {c.on_accent}; }}
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox {{ min-height: {high}px; }}
QPlainTextEdit, QTextEdit {{ padding: 6px 8px; }}
QLineEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled, QComboBox:disabled
    {{ background: {c.neutral_soft}; color: {c.text3}; border-color: {c.line2}; }}
QLineEdit[fault="true"], QSpinBox[fault="true"], QDoubleSpinBox[fault="true"],
QComboBox[fault="true"] {{ border-color: {c.bad}; }}
QAbstractSpinBox QLineEdit {{ border: none; padding: 0 4px; min-height: 0; }}
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button,
QDoubleSpinBox::down-button {{ width: 0; border: none; }}
QComboBox::drop-down {{ border: none; width: 26px; }}
QComboBox::down-arrow {{ image: url("{arrow}"); width: 14px; height: 14px; }}
QComboBox QAbstractItemView {{ background: {c.card}; color: {c.text};
    border: 1px solid {c.line2}; selection-background-color: {c.accent_soft};
    selection-color: {c.text}; outline: none; padding: 4px; }}
QCheckBox, QRadioButton {{ color: {c.text}; spacing: 8px; background: transparent;
    min-height: 24px; }}
QCheckBox::indicator {{ width: 16px; height: 16px; border: 1px solid {c.ctl};
    border-radius: {RADIUS_BADGE}px; background: {c.card}; }}
QCheckBox::indicator:checked {{ background: {c.accent}; border-color: {c.accent};
    image: url("{check}"); }}
QRadioButton::indicator {{ width: 14px; height: 14px; border: 1px solid {c.ctl};
    border-radius: 8px; background: {c.card}; }}
QRadioButton::indicator:checked {{ border: 5px solid {c.accent}; width: 6px; height: 6px; }}
"""


def _lists(c: Colours) -> str:
    return f"""
QTableView, QTreeView, QListView {{ background: {c.card}; color: {c.text}; border: none;
    outline: none; selection-background-color: {c.accent_soft}; selection-color: {c.text};
    gridline-color: {c.line}; }}
QHeaderView, QHeaderView::section {{ background: {c.card}; border: none; color: {c.text2}; }}
QTableCornerButton::section {{ background: {c.card}; border: none; }}
QSplitter::handle {{ background: transparent; }}
"""


def _scroll_bars(c: Colours) -> str:
    return f"""
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 2px; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 2px; }}
QScrollBar::handle {{ background: {c.line2}; border-radius: 3px; min-height: 24px;
    min-width: 24px; }}
QScrollBar::handle:hover {{ background: {c.ctl}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
"""
