"""The overview page, or one chart, as SVG."""

from __future__ import annotations

from emostudio.reports.picture import picture_writer

WRITER = picture_writer(
    "svg", "SVG", "Table and chart on one page, for editing and the web", metadata={"Date": None}
)
