"""Small pictures under the names of their classes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy

from emostudio.core.answers import Thumbnail
from emostudio.gui.charts.canvas import Chart
from emostudio.gui.painting import metrics, paint_text
from emostudio.gui.theme import theme
from emostudio.gui.tokens import RADIUS_CONTROL
from emostudio.gui.widgets.live_preview import thumbnail_image

_GAP = 8
_MOST_ROWS = 3
_LEAST_SIDE, _MOST_SIDE = 64, 112
_WINDOW_SHARE = 11
"""A picture is at most this part of the window's height: the cards below stay in sight."""

_CALM = 8
"""Pictures grow in steps, else a scroll bar that comes and goes would make them tremble."""


class ThumbnailGrid(Chart):
    """One column per class, or a plain row of pictures where there are no labels."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(self.tr("Sample pictures"))
        self._columns: dict[str, list[tuple[QImage, str]]] = {}
        self._side = _LEAST_SIDE
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self._fit)

    def show_thumbnails(self, thumbnails: Sequence[Thumbnail], labels: Sequence[str]) -> None:
        """Show pictures in the order of their labels."""
        columns: dict[str, list[tuple[QImage, str]]] = {name: [] for name in labels}
        for number, thumbnail in enumerate(thumbnails):
            image = thumbnail_image(thumbnail)
            if image.isNull():
                continue
            key = thumbnail.emotion or f"#{number}"
            columns.setdefault(key, []).append((image, thumbnail.item))
        self._columns = {key: images for key, images in columns.items() if images}
        self.describe(", ".join(f"{key} {len(images)}" for key, images in self._columns.items()))
        self._fit()

    def rows(self) -> int:
        """Return the number of rows of pictures."""
        return min(_MOST_ROWS, max((len(images) for images in self._columns.values()), default=1))

    def sizeHint(self) -> QSize:
        """Ask for the height of all rows at the present side of a picture."""
        rows = self.rows()
        return QSize(400, _head() + rows * self._side + (rows - 1) * _GAP)

    def minimumSizeHint(self) -> QSize:
        """Give way in width alone."""
        return QSize(200, self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Use the room for larger pictures."""
        super().resizeEvent(event)
        self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw names and pictures."""
        del event
        if not self._columns:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        width = self._column_width()
        side = min(float(self._side), width)
        for place, (name, images) in enumerate(self._columns.items()):
            x = place * (width + _GAP)
            if not name.startswith("#"):
                head = QRectF(x, 0, width, _head() - 4)
                paint_text(painter, head, name.capitalize(), "small", "text2")
            for row, (image, _) in enumerate(images[: self.rows()]):
                box = QRectF(x, _head() + row * (self._side + _GAP), side, side)
                _paint_whole(painter, box, image)

    def _column_width(self) -> float:
        return (self.width() + _GAP) / max(len(self._columns), 1) - _GAP

    def _fit(self) -> None:
        most = max(_LEAST_SIDE, min(_MOST_SIDE, self.window().height() // _WINDOW_SHARE))
        side = max(24, int(min(self._column_width(), most)))
        if side < self._side or side >= self._side + _CALM or side == most:
            self._side = side
        self.updateGeometry()
        self.update()


def _head() -> int:
    return round(metrics("small").height()) + 6


def _paint_whole(painter: QPainter, box: QRectF, image: QImage) -> None:
    path = QPainterPath()
    path.addRoundedRect(box, RADIUS_CONTROL, RADIUS_CONTROL)
    size = QSizeF(image.size()).scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatio)
    target = QRectF(QPointF(0, 0), size)
    target.moveCenter(box.center())
    painter.save()
    painter.setClipPath(path)
    painter.fillPath(path, theme().colour("sunken"))
    painter.drawImage(target, image, QRectF(image.rect()))
    painter.restore()
