"""Everything a comparison holds, as JSON."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from emostudio.core.atomic import write_json
from emostudio.reports.base import PaperReport, Report, Writer


def _write(report: Report, path: Path) -> None:
    write_json(
        path,
        {
            "title": report.title,
            "created": report.created.isoformat(timespec="seconds"),
            **report.comparison.model_dump(mode="json"),
            "claims": [asdict(claim) for claim in report.claims],
            "curves": [asdict(curve) for curve in report.curves],
            "facts": dict(report.facts),
            "caveats": list(report.caveats),
        },
    )


def _write_tables(report: PaperReport, path: Path) -> None:
    write_json(
        path,
        {
            "title": report.title,
            "created": report.created.isoformat(timespec="seconds"),
            "tables": [table.model_dump(mode="json") for table in report.tables],
        },
    )


WRITER = Writer(
    "json", "JSON", "All measurements behind the table, for programs", _write, _write_tables
)
