"""Text, icons and the swatches of series."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from emostudio.gui.theme import theme
from emostudio.gui.tokens import series
from emostudio.gui.widgets.mark_shapes import mark_shape


def label(text: str = "", style: str = "body", tone: str = "text", *, wrap: bool = False) -> QLabel:
    """Return a text in a type style and a colour token that both follow the theme."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setProperty("tone", tone)
    made.setWordWrap(wrap)
    theme().set_font(made, style)
    return made


def set_tone(widget: QWidget, tone: str) -> None:
    """Change a widget's colour token."""
    if widget.property("tone") != tone:
        widget.setProperty("tone", tone)
        polish(widget)


def polish(widget: QWidget) -> None:
    """Let the style sheet see a changed dynamic property."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.update()


def set_shown(widget: QWidget, shown: bool) -> None:
    """Show or hide a widget that may not be in a window yet.

    `QWidget.setVisible` would open one without a parent as a window of its own.
    """
    if shown and widget.parentWidget() is None:
        widget.setAttribute(Qt.WidgetAttribute.WA_WState_ExplicitShowHide, on=False)
    else:
        widget.setVisible(shown)


class ElidedLabel(QLabel):
    """One line that ends in an ellipsis when there is no room; the tooltip has it all."""

    def __init__(self, text: str = "", style: str = "body", tone: str = "text") -> None:
        super().__init__()
        self._full = ""
        self.setProperty("tone", tone)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        theme().set_font(self, style)
        theme().changed.connect(self._elide)
        self.setText(text)

    def setText(self, text: str) -> None:
        """Show a new text."""
        self._full = text
        self.setAccessibleName(text)
        self.updateGeometry()
        self._elide()

    def full_text(self) -> str:
        """Return the text without the ellipsis."""
        return self._full

    def sizeHint(self) -> QSize:
        """Ask for the width of the whole text."""
        return QSize(
            QFontMetrics(self.font()).horizontalAdvance(self._full) + 2, super().sizeHint().height()
        )

    def minimumSizeHint(self) -> QSize:
        """Accept little room."""
        return QSize(24, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut the text to the new width."""
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        metrics = QFontMetrics(self.font())
        shown = metrics.elidedText(self._full, Qt.TextElideMode.ElideRight, max(self.width(), 24))
        if self.text() != shown:
            super().setText(shown)
        self.setToolTip(self._full if shown != self._full else "")


class IconLabel(QWidget):
    """An icon in a colour token."""

    def __init__(self, name: str, token: str = "text2", size: int = 16) -> None:
        super().__init__()
        self._name, self._token, self._pixels = name, token, size
        self.setFixedSize(size, size)
        theme().changed.connect(self.update)

    def set_icon(self, name: str, token: str) -> None:
        """Show another icon."""
        self._name, self._token = name, token
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the icon at the screen's resolution."""
        del event
        painter = QPainter(self)
        painter.drawPixmap(
            0, 0, theme().pixmap(self._name, self._token, self._pixels, self.devicePixelRatioF())
        )


def paint_swatch(painter: QPainter, x: float, middle: float, slot: int, width: float = 26) -> None:
    """Draw a series' line with its dash and mark, `width` pixels wide."""
    rules = series(slot)
    colour = QColor(rules.colour(theme().name))
    line = 2.0
    pen = QPen(colour, line)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    if rules.dash:
        pen.setDashPattern([float(part) for part in rules.dash])
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(pen)
    painter.drawLine(QRectF(x, middle, width, 0).topLeft(), QRectF(x, middle, width, 0).topRight())
    paint_mark(painter, x + width / 2, middle, rules.mark, colour, 4.0)


def paint_mark(
    painter: QPainter, x: float, y: float, mark: str, colour: QColor, radius: float
) -> None:
    """Draw a series' mark, filled."""
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.translate(x, y)
    painter.scale(2 * radius, 2 * radius)
    painter.drawPath(mark_shape(mark))
    painter.restore()


class Swatch(QWidget):
    """The line and mark by which a variant is known on every page."""

    def __init__(self, slot: int) -> None:
        super().__init__()
        self._slot = slot
        self.setFixedSize(28, 14)
        theme().changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw line and mark."""
        del event
        paint_swatch(QPainter(self), 1, self.height() / 2, self._slot)
