"""A report as runs of an experiment tracker: parameters, tags and numbers by step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from emostudio.paper.results import ErrorCurve, Measured, ResultRow, ResultTable
from emostudio.reports.base import PaperReport, Report
from emostudio.workspace.comparison import ComparisonRow
from emostudio.workspace.figures import SIZES


@dataclass(frozen=True)
class Scalar:
    """A number at a step; steps count epochs from 1, what is measured once has step 0."""

    key: str
    value: float
    step: int = 0


@dataclass(frozen=True)
class TrackedRun:
    """What a tracker shows as one run; keys hold letters, digits, ``_`` and ``/`` only."""

    name: str
    parameters: dict[str, str]
    tags: dict[str, str]
    scalars: tuple[Scalar, ...]


def runs_of(report: Report) -> tuple[TrackedRun, ...]:
    """Return one run per compared model, its training included."""
    tags = _tags(report)
    return tuple(
        TrackedRun(row.model, _parameters(row), tags, tuple(_scalars(report, row)))
        for row in report.comparison.rows
    )


def _tags(report: Report) -> dict[str, str]:
    facts = {name.lower(): words for name, words in report.facts}
    return {**facts, "caveats": ". ".join(report.caveats)}


def _parameters(row: ComparisonRow) -> dict[str, str]:
    found = {
        "role": row.role,
        "architecture": row.architecture,
        "recipe": row.recipe,
        "engine": row.engine,
        "threads": "" if row.threads is None else str(row.threads),
        "kernels": row.kernels,
        "verdict": row.verdict,
        "judged_against": row.judged_against,
    }
    return {key: value for key, value in found.items() if value}


def _scalars(report: Report, row: ComparisonRow) -> Iterator[Scalar]:
    yield from _with_bounds("accuracy_percent", row.accuracy, row.accuracy_interval, 100.0)
    p50 = row.latency_ms.p50 if row.latency_ms else None
    yield from _with_bounds("inference_p50_ms", p50, row.latency_interval)
    speed = row.speed
    if speed is not None:
        yield from _with_bounds("speed_ratio", speed.ratio, speed.interval)
    yield from _with_bounds("macro_f1", row.macro_f1, row.macro_f1_interval)
    for size in SIZES:
        value = size.value(row)
        if value is not None:
            yield Scalar(f"size/{size.name}", value)
    for curve in report.curves:
        if curve.model == row.model:
            yield from _errors(curve.train_error, curve.validation_error, "validation")


def _with_bounds(
    key: str, value: float | None, bounds: tuple[float, float] | None, factor: float = 1.0
) -> Iterator[Scalar]:
    if value is None:
        return
    yield Scalar(key, factor * value)
    if bounds is not None:
        yield Scalar(f"{key}_low", factor * bounds[0])
        yield Scalar(f"{key}_high", factor * bounds[1])


def _errors(
    train: tuple[float, ...], other: tuple[float | None, ...], name: str
) -> Iterator[Scalar]:
    for step, error in enumerate(train, 1):
        yield Scalar("error_percent/training", 100 * error, step)
    for step, value in enumerate(other, 1):
        if value is not None:
            yield Scalar(f"error_percent/{name}", 100 * value, step)


def runs_of_tables(report: PaperReport) -> tuple[TrackedRun, ...]:
    """Return one run per row and per error curve of the paper's tables."""
    found = [
        run
        for table in report.tables
        for run in (*(_row_run(table, row) for row in table.rows), *_curve_runs(table))
    ]
    return tuple(found)


def _row_run(table: ResultTable, row: ResultRow) -> TrackedRun:
    scalars: list[Scalar] = []
    tags = _table_tags(table)
    for key, cell in row.cells.items():
        if cell.paper is not None:
            scalars.append(Scalar(f"{key}/paper", cell.paper))
        for whose, measured in (("ours", cell.ours), ("as_paper", cell.as_paper)):
            if measured is not None:
                scalars += _measured(f"{key}/{whose}", measured)
                tags["engine"], tags["machine"] = measured.engine, measured.machine
    parameters = {
        "reference": row.reference,
        "dataset": row.dataset,
        "seeds": " ".join(map(str, row.seeds)),
        "verdict": row.verdict,
    }
    tags["caveats"] = "; ".join(part for part in (*row.caveats, tags["caveats"]) if part)
    known = {key: value for key, value in parameters.items() if value}
    return TrackedRun(f"{table.key} {row.title}", known, tags, tuple(scalars))


def _table_tags(table: ResultTable) -> dict[str, str]:
    """Return what is true of every run of a table: facts, caveats and findings."""
    facts = {name.lower(): words for name, words in table.facts.items()}
    found = (f"{item.verdict}: {item.title}. {item.words}" for item in table.findings)
    told = {"findings": "; ".join(found)} if table.findings else {}
    caveats = "; ".join(f"{caveat.title} {caveat.words}" for caveat in table.caveats)
    return {**facts, **told, "caveats": caveats}


def _measured(key: str, measured: Measured) -> list[Scalar]:
    if not measured.has_interval:
        return [Scalar(key, measured.value)]
    return list(_with_bounds(key, measured.value, (measured.low, measured.high)))


def _curve_runs(table: ResultTable) -> Iterator[TrackedRun]:
    tags = _table_tags(table)
    for curve in table.curves:
        name = f"{curve.reference} {curve.title}"
        scalars = tuple(_errors(curve.train_error, curve.test_error, "test"))
        yield TrackedRun(name, _paper_end(curve), tags, scalars)


def _paper_end(curve: ErrorCurve) -> dict[str, str]:
    return {"paper": curve.paper_words} if curve.paper_words else {}
