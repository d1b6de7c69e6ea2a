"""The catalogue of file formats."""

from __future__ import annotations

from emostudio.core.answers import FormatEntry
from emostudio.core.catalogue import Catalogue
from emostudio.reports.base import Writer

_FAMILIES = ("document", "picture", "table", "tracking")
WRITERS: Catalogue[Writer] = Catalogue("emostudio.reports.writers", "WRITER", "file format")


def describe_formats() -> tuple[FormatEntry, ...]:
    """Return all formats as data, documents first, trackers last."""
    entries = [
        FormatEntry(**dict(entry), writes_charts=WRITERS.get(entry.key).write_chart is not None)
        for entry in WRITERS.describe()
    ]
    return tuple(sorted(entries, key=lambda entry: _FAMILIES.index(entry.family)))
