"""Writes the paper's tables to a file whose suffix decides the format."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from emostudio.paper.results import ResultTable
from emostudio.reports.base import PaperReport
from emostudio.reports.catalogue import WRITERS
from emostudio.reports.comparison import check_suffix

_TITLE = "Compressing emotion-recognition networks: the 2017 survey and ours"


def write_tables(tables: Sequence[ResultTable], out: Path) -> Path:
    """Write tables of the paper's experiments.

    Parameters
    ----------
    tables
        In the order of the file.
    out
        File to write; its suffix names the format.

    Raises
    ------
    InputError
        If the suffix is unknown.
    """
    writer = WRITERS.get(check_suffix(out))
    title = tables[0].title if len(tables) == 1 else _TITLE
    writer.write_tables(PaperReport(title, tuple(tables), datetime.now(UTC)), Path(out))
    return Path(out)
