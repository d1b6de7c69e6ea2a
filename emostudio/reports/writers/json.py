"""Everything a comparison holds, as JSON."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from emostudio.core.atomic import write_json
from emostudio.reports.base import PaperReport, Report, Writer
from emostudio.workspace.charts.base import Chart


def _head(report: Report) -> dict[str, Any]:
    return {
        "title": report.title,
        "created": report.created.isoformat(timespec="seconds"),
        "facts": dict(report.facts),
        "caveats": list(report.caveats),
    }


def _write(report: Report, path: Path) -> None:
    write_json(
        path,
        {
            **_head(report),
            **report.comparison.model_dump(mode="json"),
            "claims": [asdict(claim) for claim in report.claims],
            "curves": [asdict(curve) for curve in report.curves],
            "profiles": [found.model_dump(mode="json") for found in report.profiles],
            "ablations": [found.model_dump(mode="json") for found in report.ablations],
        },
    )


def _write_chart(report: Report, chart: Chart, path: Path) -> None:
    found = report.comparison
    origin = {"dataset": found.dataset, "engine": found.engine, "machine": found.machine}
    write_json(path, {**_head(report), **origin, "chart": asdict(chart)})


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
    "json", "JSON", "All measurements behind the table, for programs", _write, _write_tables,
    _write_chart, "table",
)  # fmt: skip
