"""Words that stay where they belong: wrapped, or cut in the middle, by their measured width.

Call inside `style.chart_style`, whose fonts are measured.
"""

from __future__ import annotations

import re

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

_POINTS_PER_IN = 72.0
_ROUNDED_UP = 1.02
"""Pictures place letters at whole pixels, so that a line is a little wider than its outlines."""
_GAPS = re.compile(r"(?<= )|(?<=[-_/])(?=[^\W\d])")
"""A line may end behind a space, and within a name; not within a number or a date."""
_DOTS = "…"


def width_in(text: str, size: float, weight: int = 400) -> float:
    """Return how wide a line of text is in inches, at a size in points."""
    if not text:
        return 0.0
    font = FontProperties(size=size, weight=weight)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return _ROUNDED_UP * float(width) / _POINTS_PER_IN


def wrapped(text: str, most_in: float, size: float, weight: int = 400) -> list[str]:
    """Return the lines of a text no wider than `most_in`; what is wider alone is cut in two."""
    lines, line = [], ""
    for piece in filter(None, _GAPS.split(text)):
        if width_in((line + piece).rstrip(" "), size, weight) <= most_in:
            line += piece
            continue
        if line:
            lines.append(line.rstrip(" "))
        line = piece
        while width_in(line.rstrip(" "), size, weight) > most_in:
            count = _fitting(line, most_in, size, weight)
            lines.append(line[:count])
            line = line[count:]
    return [*lines, line.rstrip(" ")] if line.strip(" ") else lines


def shortened(text: str, most_in: float, size: float, weight: int = 400) -> str:
    """Return a text no wider than `most_in`, its middle left out if need be: ends tell apart."""
    if width_in(text, size, weight) <= most_in:
        return text
    for left_out in range(1, len(text) - 1):
        kept = len(text) - left_out
        short = text[: kept - kept // 2] + _DOTS + text[len(text) - kept // 2 :]
        if width_in(short, size, weight) <= most_in:
            return short
    return _DOTS


def _fitting(text: str, most_in: float, size: float, weight: int) -> int:
    """Return how many letters fit, one at least."""
    count = 1
    while count < len(text) and width_in(text[: count + 1], size, weight) <= most_in:
        count += 1
    return count
