"""The overview page, or one chart, as PNG."""

from __future__ import annotations

from emostudio.reports.picture import picture_writer

_DOTS_PER_INCH = 300
"""What journals ask of pictures with lines."""

WRITER = picture_writer(
    "png", "PNG", "Table and chart as a picture, for slides", dpi=_DOTS_PER_INCH
)
