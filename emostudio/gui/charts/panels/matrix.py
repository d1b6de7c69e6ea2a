"""Shares by true and given class as heat cells."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath

from emostudio.gui.charts.canvas import metrics, paint_text
from emostudio.gui.charts.panels.common import line_height, paint_title
from emostudio.gui.theme import theme
from emostudio.gui.tokens import RADIUS_BADGE, mix
from emostudio.workspace.charts.base import Matrix

_ROW = 20.0
_LEAST_SHOWN = 0.5


def matrix_height(panel: Matrix, width: float) -> float:
    """Return the pixels a panel asks for."""
    del width
    rows = _ROW * theme().scale * len(panel.rows)
    return line_height("small_bold") + 2 * line_height() + rows + 8


def paint_matrix(painter: QPainter, rect: QRectF, panel: Matrix) -> None:
    """Paint heads, cells and percents."""
    top = rect.top() + paint_title(painter, rect, panel.title)
    note = QRectF(rect.left(), top, rect.width(), line_height())
    paint_text(painter, note, panel.note, "caption", "text3")
    top += line_height()
    names = max(metrics("caption").horizontalAdvance(name) for name in panel.rows) + 8
    left = rect.left() + names
    width = (rect.right() - left) / len(panel.columns)
    height = _ROW * theme().scale
    for place, name in enumerate(panel.columns):
        head = QRectF(left + place * width, top, width, line_height())
        short = name if metrics("caption").horizontalAdvance(name) < width - 2 else name[:3]
        paint_text(painter, head, short, "caption", "text3", Qt.AlignmentFlag.AlignHCenter)
    top += line_height()
    for place, (name, shares) in enumerate(zip(panel.rows, panel.values, strict=True)):
        side = QRectF(rect.left(), top + place * height, names - 6, height)
        paint_text(painter, side, name, "caption", "text2")
        first = QRectF(left, side.top(), width, height)
        for said, share in enumerate(shares):
            cell = first.translated(said * width, 0).adjusted(1, 1, -1, -1)
            _paint_cell(painter, cell, share, is_right=said == place)


def _paint_cell(painter: QPainter, cell: QRectF, share: float, *, is_right: bool) -> None:
    colours = theme().colours
    path = QPainterPath()
    path.addRoundedRect(cell, RADIUS_BADGE, RADIUS_BADGE)
    fill = mix(colours.card, colours.accent, share / 100 * colours.heat_share)
    painter.fillPath(path, QColor(fill if share > 0 else colours.sunken))
    if share >= _LEAST_SHOWN:
        style = "caption_bold" if is_right else "caption"
        words = f"{share:.0f}"
        paint_text(painter, cell, words, style, "text", Qt.AlignmentFlag.AlignHCenter)
