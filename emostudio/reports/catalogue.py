"""The catalogue of file formats."""

from __future__ import annotations

from emostudio.core.catalogue import Catalogue
from emostudio.reports.base import Writer

WRITERS: Catalogue[Writer] = Catalogue("emostudio.reports.writers", "WRITER", "file format")
