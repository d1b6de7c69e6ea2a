"""Verdicts as words with a tone and a glyph, and how their badge is drawn."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen

from emostudio.gui.theme import theme
from emostudio.gui.tokens import RADIUS_BADGE, SPACE

VERDICTS: dict[str, tuple[str, str, str]] = {
    "proved": ("Proved", "ok", "verdict-proved"),
    "size only": ("Size only", "info", "verdict-size"),
    "simulated": ("Simulated", "text2", "verdict-simulated"),
    "refuted": ("Refuted", "bad", "verdict-refuted"),
    "not decided": ("Not decided", "warn", "verdict-undecided"),
    "baseline": ("Baseline", "text2", ""),
    "kernel faster": ("Kernel faster", "ok", "verdict-proved"),
    "kernel slower": ("Kernel slower", "bad", "verdict-refuted"),
}
"""Verdict word (lower case) to shown word, tone and glyph."""


def verdict_look(verdict: str) -> tuple[str, str, str]:
    """Return shown word, tone and glyph of a verdict; any other text is shown as it is."""
    return VERDICTS.get(verdict.replace("_", " ").lower(), (verdict, "text2", ""))


def badge_width(verdict: str) -> float:
    """Return how wide a badge is drawn."""
    word, _, glyph = verdict_look(verdict)
    text_width = QFontMetrics(theme().font("caption_medium")).horizontalAdvance(word)
    return float(text_width + (32 if glyph else 16))


def paint_badge(painter: QPainter, x: float, middle: float, verdict: str, ratio: float) -> float:
    """Draw a verdict badge with its left edge at `x`; returns its width."""
    word, tone, glyph = verdict_look(verdict)
    colours = theme().colours
    font = theme().font("caption_medium")
    text_width = QFontMetrics(font).horizontalAdvance(word)
    width = badge_width(verdict)
    box = QRectF(x + 0.5, middle - SPACE.badge / 2 + 0.5, width - 1, SPACE.badge - 1)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if tone != "text2":
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(getattr(colours, f"{tone}_soft")))
    elif glyph:
        painter.setPen(QPen(QColor(colours.ctl), 1, Qt.PenStyle.DashLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
    else:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.neutral_soft))
    painter.drawRoundedRect(box, RADIUS_BADGE, RADIUS_BADGE)
    left = x + 8
    if glyph:
        painter.drawPixmap(round(x + 6), round(middle - 6), theme().pixmap(glyph, tone, 12, ratio))
        left = x + 23
    painter.setFont(font)
    painter.setPen(QColor(getattr(colours, tone)))
    painter.drawText(
        QRectF(left, middle - 10, text_width + 4, 20), Qt.AlignmentFlag.AlignVCenter, word
    )
    return width
