"""Outlines of the series' marks; pyqtgraph has the same, but takes a third of a second to load."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainterPath, QPolygonF

_CORNERS: dict[str, tuple[tuple[float, float], ...]] = {
    "s": ((-0.45, -0.45), (0.45, -0.45), (0.45, 0.45), (-0.45, 0.45)),
    "t": ((-0.5, -0.45), (0.0, 0.5), (0.5, -0.45)),
    "t1": ((-0.5, 0.45), (0.0, -0.5), (0.5, 0.45)),
    "d": ((0.0, -0.55), (-0.5, 0.0), (0.0, 0.55), (0.5, 0.0)),
    "p": ((0, -0.5), (-0.4755, -0.1545), (-0.2939, 0.4045), (0.2939, 0.4045), (0.4755, -0.1545)),
    "star": (
        (0, -0.55), (-0.13, -0.17), (-0.52, -0.17), (-0.2, 0.065), (-0.32, 0.445), (0, 0.21),
        (0.32, 0.445), (0.2, 0.065), (0.52, -0.17), (0.13, -0.17),
    ),
}  # fmt: skip


@cache
def mark_shape(mark: str) -> QPainterPath:
    """Return a mark's outline around the origin, about one unit wide."""
    path = QPainterPath()
    if mark in _CORNERS:
        path.addPolygon(QPolygonF([QPointF(x, y) for x, y in _CORNERS[mark]]))
        path.closeSubpath()
    else:
        path.addEllipse(QPointF(0, 0), 0.5, 0.5)
    return path
