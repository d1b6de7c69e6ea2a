"""Shares by true and given class as heat cells."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath

from emostudio.gui.charts.panels.common import line_height, paint_title
from emostudio.gui.painting import metrics, paint_text
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
    cells = _cells(rect, panel)
    width, height = cells.width() / len(panel.columns), cells.height() / len(panel.rows)
    for place, name in enumerate(panel.columns):
        head = QRectF(cells.left() + place * width, note.bottom(), width, line_height())
        short = name if metrics("caption").horizontalAdvance(name) < width - 2 else name[:3]
        paint_text(painter, head, short, "caption", "text3", Qt.AlignmentFlag.AlignHCenter)
    for place, (name, shares) in enumerate(zip(panel.rows, panel.values, strict=True)):
        top = cells.top() + place * height
        side = QRectF(rect.left(), top, cells.left() - rect.left() - 6, height)
        paint_text(painter, side, name, "caption", "text2")
        first = QRectF(cells.left(), top, width, height)
        for said, share in enumerate(shares):
            cell = first.translated(said * width, 0).adjusted(1, 1, -1, -1)
            _paint_cell(painter, cell, share, is_right=said == place)


def cell_words(rect: QRectF, panel: Matrix, at: QPointF) -> str:
    """Return what the cell or head at a pixel stands for, with names in full."""
    cells = _cells(rect, panel)
    column = int((at.x() - cells.left()) // (cells.width() / len(panel.columns)))
    row = int((at.y() - cells.top()) // (cells.height() / len(panel.rows)))
    if not 0 <= column < len(panel.columns):
        return ""
    if 0 <= row < len(panel.rows):
        return confusion_words(panel.rows[row], panel.columns[column], panel.values[row][column])
    return panel.columns[column] if cells.top() - line_height() <= at.y() < cells.top() else ""


def confusion_words(truth: str, said: str, percent: float) -> str:
    """Return a cell of a confusion matrix as a sentence."""
    words = QCoreApplication.translate("Matrix", "{0} called {1}: {2} %")
    return words.format(truth, said, f"{percent:.1f}")


def _cells(rect: QRectF, panel: Matrix) -> QRectF:
    head = line_height("small_bold") if panel.title else 0.0
    names = max(metrics("caption").horizontalAdvance(name) for name in panel.rows) + 8
    return QRectF(
        rect.left() + names, rect.top() + head + 2 * line_height(), rect.width() - names,
        _ROW * theme().scale * len(panel.rows),
    )  # fmt: skip


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
