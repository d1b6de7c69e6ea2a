"""A row that is a link: icon, two lines, something at the right."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QEnterEvent, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy

from emostudio.gui.painting import paint_text
from emostudio.gui.theme import theme
from emostudio.gui.tokens import RADIUS_CONTROL


class LinkRow(QAbstractButton):
    """One entry of a short list; clicking or Enter opens it."""

    def __init__(
        self, icon: str, title: str, detail: str = "", right: str = "", tone: str = "text2"
    ) -> None:
        super().__init__()
        self._icon, self._detail, self._right, self._tone = icon, detail, right, tone
        self.setText(title)
        self.setAccessibleName(f"{title}, {detail}" if detail else title)
        self.setToolTip(detail)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:
        """Ask for two lines."""
        return QSize(200, round(42 * theme().scale))

    def minimumSizeHint(self) -> QSize:
        """Accept narrow cards."""
        return QSize(80, round(42 * theme().scale))

    def enterEvent(self, event: QEnterEvent) -> None:
        """Show the hover colour."""
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Take the hover colour away."""
        super().leaveEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the row."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.underMouse() and self.isEnabled():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme().colour("hover"))
            painter.drawRoundedRect(QRectF(self.rect()), RADIUS_CONTROL, RADIUS_CONTROL)
        middle = self.height() / 2
        pixmap = theme().pixmap(self._icon, "text2", 16, self.devicePixelRatioF())
        painter.drawPixmap(4, round(middle - 8), pixmap)
        width = QFontMetrics(theme().font("small")).horizontalAdvance(self._right) + 4
        right = QRectF(self.width() - width - 4, 0, width, self.height())
        paint_text(painter, right, self._right, "small", "text2", Qt.AlignmentFlag.AlignRight)
        room = self.width() - width - 40
        title = "text" if self.isEnabled() else "text3"
        first = QRectF(28, middle - 18 if self._detail else 0, room, 18)
        if not self._detail:
            first.setHeight(self.height())
        paint_text(painter, first, self.text(), "body_medium", title)
        if self._detail:
            paint_text(painter, QRectF(28, middle, room, 16), self._detail, "small", self._tone)
