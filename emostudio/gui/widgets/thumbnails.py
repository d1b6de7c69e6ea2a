"""Small pictures under the names of their classes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent

from emostudio.core.answers import Thumbnail
from emostudio.gui.charts.canvas import Chart, paint_text
from emostudio.gui.tokens import RADIUS_CONTROL
from emostudio.gui.widgets.live_preview import thumbnail_image

_GAP = 8
_HEAD = 20
_MOST_ROWS = 3


class ThumbnailGrid(Chart):
    """One column per class, or a plain row of pictures where there are no labels."""

    def __init__(self) -> None:
        super().__init__("")
        self.setAccessibleName(self.tr("Sample pictures"))
        self._columns: dict[str, list[tuple[QImage, str]]] = {}

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
        self.updateGeometry()

    def rows(self) -> int:
        """Return the number of rows of pictures."""
        return min(_MOST_ROWS, max((len(images) for images in self._columns.values()), default=1))

    def sizeHint(self) -> QSize:
        """Ask for at most three rows."""
        return QSize(400, self.rows() * 58 + _HEAD)

    def minimumSizeHint(self) -> QSize:
        """Accept smaller pictures."""
        return QSize(200, self.rows() * 44 + _HEAD)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw names and pictures."""
        del event
        if not self._columns:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        width = (self.width() + _GAP) / len(self._columns) - _GAP
        height = (self.height() - _HEAD + _GAP) / self.rows() - _GAP
        for place, (name, images) in enumerate(self._columns.items()):
            x = place * (width + _GAP)
            if not name.startswith("#"):
                head = QRectF(x, 0, width, _HEAD - 4)
                paint_text(painter, head, name.capitalize(), "small", "text2")
            for row, (image, _) in enumerate(images[: self.rows()]):
                box = QRectF(x, _HEAD + row * (height + _GAP), width, height)
                _paint_cropped(painter, box, image)


def _paint_cropped(painter: QPainter, box: QRectF, image: QImage) -> None:
    scale = max(box.width() / image.width(), box.height() / image.height())
    source = QRectF(0, 0, box.width() / scale, box.height() / scale)
    source.moveCenter(QRectF(image.rect()).center())
    path = QPainterPath()
    path.addRoundedRect(box, RADIUS_CONTROL, RADIUS_CONTROL)
    painter.save()
    painter.setClipPath(path)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawImage(box, image, source)
    painter.restore()
