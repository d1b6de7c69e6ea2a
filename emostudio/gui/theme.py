"""Light and dark: palette, one generated style sheet, fonts and recoloured icons."""

from __future__ import annotations

import functools
import sys
from typing import Literal

from PySide6.QtCore import QByteArray, QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from emostudio.core.paths import resource_path
from emostudio.gui.style_sheet import style_sheet
from emostudio.gui.tokens import THEMES, TYPE, Colours

ThemeChoice = Literal["system", "light", "dark"]

_OWN_FONTS = (
    "Segoe UI Variable", "Segoe UI", "SF Pro", "Adwaita Sans", "Cantarell", "Noto Sans", "Ubuntu",
)  # fmt: skip
_WEIGHTS = {400: QFont.Weight.Normal, 500: QFont.Weight.Medium, 600: QFont.Weight.DemiBold}
_POINTS = {"darwin": 13.0, "win32": 9.0}

_MOST_SIDE_SCALE = 1.3


class Theme(QObject):
    """What every widget asks for colours, fonts and icons; `changed` follows every switch."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._choice: str = "system"
        self._user_scale = 1.0
        self._system_scale = 1.0
        self._family = "Inter"
        self._pixmaps: dict[tuple[str, str, int, float], QPixmap] = {}
        self._installed = False
        self.name: str = "light"
        self.reduce_motion = False

    @property
    def colours(self) -> Colours:
        """Return the colours of the theme in use."""
        return THEMES[self.name]

    @property
    def scale(self) -> float:
        """Return by how much text is larger than the design's."""
        return self._system_scale * self._user_scale

    def side_width(self, width: int) -> int:
        """Return the width of a side column for the present text, which pages still fit beside."""
        return round(width * min(self.scale, _MOST_SIDE_SCALE))

    def colour(self, token: str) -> QColor:
        """Return a token's colour in the theme in use."""
        return QColor(getattr(self.colours, token))

    def install(self, app: QApplication) -> None:
        """Prepare the application once: Fusion, fonts, and following of the system's theme."""
        if self._installed:
            return
        self._installed = True
        points = _POINTS.get(sys.platform, 10.0)
        self._system_scale = max(1.0, min(1.6, app.font().pointSizeF() / points))
        app.setStyle("Fusion")
        for weight in ("Regular", "Medium", "SemiBold"):
            QFontDatabase.addApplicationFont(str(resource_path("fonts", f"Inter-{weight}.otf")))
        system = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont).family()
        self._family = system if system.startswith(_OWN_FONTS) else "Inter"
        app.styleHints().colorSchemeChanged.connect(self._follow_system)
        self._apply(app)

    def choose(
        self, choice: ThemeChoice, text_scale: float = 1.0, *, reduce_motion: bool = False
    ) -> None:
        """Switch to the user's choice and text scale; every widget follows at once."""
        if (choice, text_scale, reduce_motion) == (
            self._choice, self._user_scale, self.reduce_motion
        ):  # fmt: skip
            return
        self._choice, self._user_scale = choice, text_scale
        self.reduce_motion = reduce_motion
        self._refresh()

    def font(self, style: str = "body") -> QFont:
        """Return the font of a type style, with figures of equal width."""
        token = TYPE[style]
        font = QFont([self._family, "Inter", "DejaVu Sans"])
        font.setPixelSize(max(11, round(token.px * self.scale)))
        font.setWeight(_WEIGHTS[token.weight])
        if token.spacing:
            font.setLetterSpacing(QFont.SpacingType.PercentageSpacing, 100 + token.spacing)
        font.setHintingPreference(QFont.HintingPreference.PreferVerticalHinting)
        font.setFeature(QFont.Tag("tnum"), 1)
        return font

    def mono(self) -> QFont:
        """Return the font of logs and hashes."""
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setPixelSize(max(11, round(12 * self.scale)))
        return font

    def set_font(self, widget: QWidget, style: str) -> None:
        """Give a widget a type style that follows the text scale."""
        widget.setProperty("typeStyle", style)
        widget.setFont(self.font(style))

    def set_icon(self, button: QAbstractButton, name: str, token: str, size: int = 16) -> None:
        """Give a button an icon in a token's colour that follows the theme."""
        button.setProperty("iconName", name)
        button.setProperty("iconToken", token)
        button.setProperty("iconPixels", size)
        self._paint_icon(button)

    def icon(self, name: str, token: str = "text", size: int = 16) -> QIcon:
        """Return an icon in a token's colour; disabled it takes the caption colour."""
        icon = QIcon()
        for ratio in (1.0, 2.0):
            icon.addPixmap(self.pixmap(name, token, size, ratio))
            icon.addPixmap(self.pixmap(name, "text3", size, ratio), QIcon.Mode.Disabled)
        return icon

    def pixmap(self, name: str, token: str, size: int, ratio: float = 1.0) -> QPixmap:
        """Return an icon as pixels; `token` is a colour token or ``#RRGGBB``."""
        colour = token if token.startswith("#") else getattr(self.colours, token)
        key = (name, colour, size, ratio)
        if key not in self._pixmaps:
            self._pixmaps[key] = _render(name, colour, self.colours.card, size, ratio)
        return self._pixmaps[key]

    def _follow_system(self) -> None:
        if self._choice == "system":
            self._refresh()

    def _refresh(self) -> None:
        app = QApplication.instance()
        if self._installed and isinstance(app, QApplication):
            self._apply(app)

    def _apply(self, app: QApplication) -> None:
        dark = app.styleHints().colorScheme() == Qt.ColorScheme.Dark
        self.name = ("dark" if dark else "light") if self._choice == "system" else self._choice
        self._pixmaps.clear()
        app.setPalette(_palette(self.colours))
        app.setFont(self.font("body"))
        app.setStyleSheet(style_sheet(self.name, self.colours, self.scale))
        for widget in app.allWidgets():
            style = widget.property("typeStyle")
            if style:
                widget.setFont(self.font(style))
            if isinstance(widget, QAbstractButton) and widget.property("iconName"):
                self._paint_icon(widget)
        self.changed.emit()

    def _paint_icon(self, button: QAbstractButton) -> None:
        size = int(button.property("iconPixels"))
        button.setIcon(self.icon(button.property("iconName"), button.property("iconToken"), size))
        button.setIconSize(QSize(size, size))


@functools.cache
def theme() -> Theme:
    """Return the one theme of the process."""
    return Theme()


def _render(name: str, colour: str, card: str, size: int, ratio: float) -> QPixmap:
    text = resource_path("icons", f"{name}.svg").read_text(encoding="utf-8")
    if name != "app_icon":
        text = text.replace("currentColor", colour).replace("#fff", card)
    pixels = round(size * ratio)
    pixmap = QPixmap(pixels, pixels)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(text.encode())).render(painter, QRectF(0, 0, pixels, pixels))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


def _palette(colours: Colours) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    chosen = {
        role.Window: colours.bg, role.WindowText: colours.text, role.Base: colours.card,
        role.AlternateBase: colours.sunken, role.Text: colours.text, role.Button: colours.card,
        role.ButtonText: colours.text, role.Highlight: colours.accent_soft,
        role.HighlightedText: colours.text, role.PlaceholderText: colours.text3,
        role.ToolTipBase: colours.card, role.ToolTipText: colours.text,
        role.Link: colours.accent_text, role.LinkVisited: colours.accent_text,
        role.BrightText: colours.bad, role.Accent: colours.accent, role.Mid: colours.line2,
        role.Light: colours.card, role.Dark: colours.line2, role.Midlight: colours.line,
        role.Shadow: colours.line2,
    }  # fmt: skip
    for key, value in chosen.items():
        palette.setColor(key, QColor(value))
    for key in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, key, QColor(colours.text3))
    return palette
