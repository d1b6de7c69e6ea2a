"""Limits on the Pareto chart: broken lines with their words, and the region they exclude."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QPointF, QRectF
from PySide6.QtGui import QPainter, QPainterPath, QPen

from emostudio.core.measured import Limits
from emostudio.gui.painting import metrics, paint_text
from emostudio.gui.theme import theme

_SHADE = 0.09
_LINE_HEIGHT, _GAP = 16.0, 4.0


@dataclass(frozen=True)
class LimitLine:
    """A limit in pixels; one beyond the view lies on its edge, and an arrow says so."""

    start: QPointF
    end: QPointF
    words: str
    label: QRectF


@dataclass(frozen=True)
class PlacedLimits:
    """All limits of a chart and what they exclude together."""

    lines: tuple[LimitLine, ...]
    excluded: QPainterPath


def place_limits(
    limits: Limits, area: QRectF, to_pixel: Callable[[float, float], QPointF]
) -> PlacedLimits:
    """Return where lines, words and the excluded region lie.

    Parameters
    ----------
    area
        The plot in pixels.
    to_pixel
        Takes milliseconds and percent.
    """
    lines, excluded = [], QPainterPath()
    if limits.least_accuracy is not None:
        least = 100 * limits.least_accuracy
        line = _level(to_pixel(1.0, least).y(), least, area)
        lines.append(line)
        excluded.addRect(QRectF(line.start, area.bottomRight()))
    if limits.most_ms is not None:
        x = to_pixel(limits.most_ms, 0.0).x()
        line = _upright(x, limits.most_ms, area, [other.label for other in lines])
        lines.append(line)
        slower = QPainterPath()
        slower.addRect(QRectF(line.start, area.bottomRight()))
        excluded = excluded.united(slower)
    return PlacedLimits(tuple(lines), excluded)


def paint_limits(painter: QPainter, placed: PlacedLimits) -> None:
    """Shade what is excluded, then draw the lines with their words."""
    shade = theme().colour("text3")
    shade.setAlphaF(_SHADE)
    painter.fillPath(placed.excluded, shade)
    for line in placed.lines:
        pen = QPen(theme().colour("text2"), 1.25)
        pen.setDashPattern([4, 3])
        painter.setPen(pen)
        painter.drawLine(line.start, line.end)
        paint_text(painter, line.label, line.words, "caption", "text2")


def _level(y: float, percent: float, area: QRectF) -> LimitLine:
    kept = min(max(y, area.top()), area.bottom())
    words = _tr("at least {0} %").format(f"{percent:g}")
    words = _pointed(words, "↑" if y < area.top() else "↓" if y > area.bottom() else "")
    width = _width(words)
    top = kept + 1 if kept + 1 + _LINE_HEIGHT <= area.bottom() else kept - 1 - _LINE_HEIGHT
    label = QRectF(area.right() - width - _GAP, top, width, _LINE_HEIGHT)
    return LimitLine(QPointF(area.left(), kept), QPointF(area.right(), kept), words, label)


def _upright(x: float, most_ms: float, area: QRectF, taken: list[QRectF]) -> LimitLine:
    kept = min(max(x, area.left()), area.right())
    words = _tr("at most {0} ms").format(f"{most_ms:g}")
    words = _pointed(words, "←" if x < area.left() else "→" if x > area.right() else "")
    width = _width(words)
    has_room = kept + _GAP + width <= area.right()
    left = kept + _GAP if has_room else kept - _GAP - width
    label = QRectF(left, area.bottom() - _LINE_HEIGHT - 2, width, _LINE_HEIGHT)
    for other in taken:
        if label.intersects(other):
            label.moveBottom(other.top() - 2)
    return LimitLine(QPointF(kept, area.top()), QPointF(kept, area.bottom()), words, label)


def _pointed(words: str, arrow: str) -> str:
    return f"{arrow} {words}" if arrow == "←" else f"{words} {arrow}".strip()


def _width(words: str) -> float:
    return float(metrics("caption").horizontalAdvance(words)) + 2


def _tr(text: str) -> str:
    return QCoreApplication.translate("ParetoChart", text)
