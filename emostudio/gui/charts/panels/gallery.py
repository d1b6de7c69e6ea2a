"""Faces with what was said about them."""

from __future__ import annotations

import base64

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath

from emostudio.gui.charts.panels.common import line_height, paint_title
from emostudio.gui.painting import paint_text
from emostudio.gui.theme import theme
from emostudio.gui.tokens import RADIUS_CONTROL
from emostudio.workspace.charts.base import Gallery, Picture

_SIDE, _GAP = 84.0, 12.0
_CELL = 112.0
_LINES = 3
_TOKENS = {"lost": "bad", "gained": "ok", "other": "text2"}


def gallery_height(panel: Gallery, width: float) -> float:
    """Return the pixels a panel asks for."""
    rows = -(-max(len(panel.pictures), 1) // _across(width))
    return line_height("small_bold") + line_height() + rows * _cell_height()


def _across(width: float) -> int:
    return max(1, int((width + _GAP) / (_CELL * theme().scale + _GAP)))


def _cell_height() -> float:
    return _SIDE * theme().scale + _LINES * line_height() + _GAP


def paint_gallery(painter: QPainter, rect: QRectF, panel: Gallery) -> None:
    """Paint title, counts and pictures."""
    top = rect.top() + paint_title(painter, rect, panel.title)
    paint_text(painter, QRectF(rect.left(), top, rect.width(), line_height()), panel.note,
               "caption", "text3")  # fmt: skip
    top += line_height()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    columns = _across(rect.width())
    width = _CELL * theme().scale
    for number, picture in enumerate(panel.pictures):
        row, column = divmod(number, columns)
        left = rect.left() + column * (width + _GAP)
        _paint_picture(painter, QRectF(left, top + row * _cell_height(), width, _cell_height()),
                       picture)  # fmt: skip


def _paint_picture(painter: QPainter, cell: QRectF, picture: Picture) -> None:
    side = _SIDE * theme().scale
    image = QImage.fromData(base64.b64decode(picture.png_base64))
    size = QSizeF(image.size()).scaled(QSizeF(side, side), Qt.AspectRatioMode.KeepAspectRatio)
    box = QRectF(QPointF(cell.left(), cell.top() + 4), size)
    path = QPainterPath()
    path.addRoundedRect(box, RADIUS_CONTROL, RADIUS_CONTROL)
    painter.save()
    painter.setClipPath(path)
    painter.drawImage(box, image, QRectF(image.rect()))
    painter.restore()
    words = {
        "lost": QCoreApplication.translate("Gallery", "lost"),
        "gained": QCoreApplication.translate("Gallery", "gained"),
        "other": QCoreApplication.translate("Gallery", "still wrong"),
    }[picture.state]
    token = _TOKENS[picture.state]
    lines = (
        (f"{picture.truth}: {words}", "caption_bold", token),
        (picture.before, "caption", "text2"),
        (f"→ {picture.now}", "caption", "text"),
    )
    top = cell.top() + side + 6
    for number, (text, style, colour) in enumerate(lines):
        place = QRectF(cell.left(), top + number * line_height(), cell.width(), line_height())
        paint_text(painter, place, text, style, colour)
