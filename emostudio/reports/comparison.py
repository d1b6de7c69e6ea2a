"""From stored measurements to a comparison file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from emostudio.compression.catalogue import METHODS
from emostudio.core.errors import InputError
from emostudio.core.events import EpochDone, Event, VariantSaved
from emostudio.core.measured import NO_LIMITS, Limits
from emostudio.reports.base import Report, TrainingCurve
from emostudio.reports.catalogue import WRITERS
from emostudio.workspace.claims import check_claims, speed_claims
from emostudio.workspace.comparison import Comparison, ComparisonRow, compare
from emostudio.workspace.records import ModelRecord
from emostudio.workspace.seeds import seed_words
from emostudio.workspace.standing import question_lines
from emostudio.workspace.store import Workspace

_NOT_FOR = (
    "Expressions are not feelings. Not for use at work or in education in the EU "
    "(AI Act, Article 5(1)(f)); people must be told that they are analysed (Article 50(3))"
)
_SYNTHETIC = "Measured on drawn faces: this accuracy does not carry over to photographs"
_DIFFERENT_IMAGES = (
    "Models are not asked about emotions they do not know, so their accuracies are over different "
    "numbers of images; differences in points are over the common ones"
)
_ONE_RUN = "One training run per variant: another seed may rank close variants differently"
_HERE = "Times and ratios hold for this machine, engine and number of threads only"


def write_comparison(
    workspace: Workspace,
    models: Sequence[str],
    out: Path,
    *,
    data: str | None = None,
    title: str = "Comparison",
    limits: Limits = NO_LIMITS,
) -> Path:
    """Write what the workspace knows about `models` to a file whose suffix decides the format.

    Parameters
    ----------
    workspace
        Where the measurements are.
    models
        Names; the first teacher among them is the baseline.
    out
        File to write: html, pdf, svg, png, csv, tex or json.
    data
        Dataset whose accuracies are shown; None takes the one most models share.
    title
        Heading.
    limits
        What the models must keep to.

    Raises
    ------
    InputError
        If the suffix is unknown or a model is not in the workspace.
    """
    check_suffix(out)
    records = [workspace.model(name) for name in models]
    curves = [curve for record in records if (curve := _curve(workspace, record)) is not None]
    synthetic = {record.name for record in workspace.datasets() if record.reader == "synthetic"}
    return write(
        records, out, title=title, data=data, curves=curves, synthetic=synthetic, limits=limits
    )


def write(
    records: Sequence[ModelRecord],
    out: Path,
    *,
    title: str = "Comparison",
    data: str | None = None,
    curves: Sequence[TrainingCurve] = (),
    synthetic: set[str] | frozenset[str] = frozenset(),
    limits: Limits = NO_LIMITS,
) -> Path:
    """Write a comparison of `records`; see `write_comparison`.

    Parameters
    ----------
    curves
        Training curves to add, in any order.
    synthetic
        Names of datasets that hold drawn faces.

    Raises
    ------
    InputError
        If the suffix is unknown or there is nothing to compare.
    """
    writer = WRITERS.get(check_suffix(out))
    report = build(
        records, title=title, data=data, curves=curves, synthetic=synthetic, limits=limits
    )
    writer.write(report, Path(out))
    return Path(out)


def check_suffix(out: Path) -> str:
    """Return the format a file name asks for.

    Raises
    ------
    InputError
        Listing the known formats.
    """
    suffix = Path(out).suffix.lower().lstrip(".")
    if suffix not in WRITERS.members():
        raise InputError(
            f"Comparisons cannot be written as {Path(out).name}",
            why=f"the suffix .{suffix} is unknown" if suffix else "the file has no suffix",
            next_step=f"Use one of {', '.join('.' + key for key in WRITERS.members())}",
        )
    return suffix


def build(
    records: Sequence[ModelRecord],
    *,
    title: str = "Comparison",
    data: str | None = None,
    curves: Sequence[TrainingCurve] = (),
    synthetic: set[str] | frozenset[str] = frozenset(),
    limits: Limits = NO_LIMITS,
) -> Report:
    """Collect everything a comparison file says; see `write`."""
    if not records:
        raise InputError("There is nothing to compare", next_step="Name at least one model")
    claiming = speed_claims(METHODS.members().values())
    comparison = _with_own_slots(
        compare(records, dataset=data, speed_claims=claiming, limits=limits)
    )
    slots = {row.model: row.slot for row in comparison.rows}
    caveats = [_HERE, *_seed_lines(comparison), _NOT_FOR]
    if len({row.samples for row in comparison.rows if row.samples}) > 1:
        caveats.insert(0, _DIFFERENT_IMAGES)
    if comparison.dataset in synthetic:
        caveats.insert(0, _SYNTHETIC)
    return Report(
        title=title,
        comparison=comparison,
        created=datetime.now(UTC),
        curves=tuple(replace(curve, slot=slots.get(curve.model, curve.slot)) for curve in curves),
        claims=tuple(check_claims(records, comparison.baseline, METHODS.members())),
        facts=tuple(_facts(comparison, records)),
        caveats=(
            *_not_for_publication(comparison),
            *comparison.notes,
            *caveats,
            *(f"Open: {line}" for line in question_lines(comparison.questions)),
        ),
    )


def _not_for_publication(comparison: Comparison) -> list[str]:
    return [f"Not for publication: {blocker}" for blocker in comparison.blockers]


def _seed_lines(comparison: Comparison) -> list[str]:
    """Say what is known over seeds, and that the rest is one training run each."""
    grouped = {name for group in comparison.seed_groups for name in group.models}
    variants = {row.model for row in comparison.rows if not row.is_baseline}
    lines = [seed_words(group) for group in comparison.seed_groups]
    return lines if variants and variants <= grouped else [*lines, _ONE_RUN]


def _with_own_slots(comparison: Comparison) -> Comparison:
    """Give rows that share a slot, such as two teachers, one of their own in this file."""
    rows: list[ComparisonRow] = []
    wanted = [row.slot for row in comparison.rows]
    for row in comparison.rows:
        taken = {earlier.slot for earlier in rows}
        slot = row.slot
        if slot in taken:
            slot = next(free for free in count(1) if free not in taken and free not in wanted)
        rows.append(row.model_copy(update={"slot": slot}))
    return comparison.model_copy(update={"rows": tuple(rows)})


def _curve(workspace: Workspace, record: ModelRecord) -> TrainingCurve | None:
    if record.run is None:
        return None
    try:
        events, _ = workspace.events(record.run, 0)
    except InputError:  # the run was deleted, the model kept
        return None
    epochs = _own_epochs(events, record.name)
    if not epochs:
        return None
    return TrainingCurve(
        model=record.name,
        slot=record.slot,
        # A recipe with several training steps starts its epochs again: count them through.
        epochs=tuple(range(1, len(epochs) + 1)),
        train_error=tuple(event.train_error for event in epochs),
        validation_error=tuple(event.validation_error for event in epochs),
    )


def _own_epochs(events: Sequence[Event], model: str) -> list[EpochDone]:
    """Return the epochs that led to `model`: one run may train several models in turn."""
    epochs: list[EpochDone] = []
    for event in events:
        if isinstance(event, EpochDone):
            epochs.append(event)
        elif isinstance(event, VariantSaved):
            if event.model == model:
                return epochs
            epochs = []
    return epochs


def _facts(comparison: Comparison, records: Sequence[ModelRecord]) -> list[tuple[str, str]]:
    rows, machine = comparison.rows, comparison.machine
    facts = []
    if comparison.dataset:
        samples = max(row.samples for row in rows)
        facts.append(
            ("Data", f"{comparison.dataset}, {comparison.split} split, {samples:,} images")
        )
    if machine:
        units = machine.get("vector_units") or []
        facts.append(("Machine", _machine_words(machine, units)))
    if comparison.engine:
        threads = sorted({row.threads for row in rows if row.threads is not None})
        words = " and ".join(str(count) for count in threads)
        plural = "thread" if threads == [1] else "threads"
        facts.append(("Engine", f"{comparison.engine}, {words} {plural}, batch 1"))
        queries = sorted({row.bench.samples for row in rows if row.bench and row.bench.samples})
        if queries:
            words = "interleaved blocks, sessions rebuilt in each"
            facts.append(("Protocol", f"{words}; {_range(queries)} queries per model"))
    measured = [bench.measured for record in records for bench in record.benches[:1]]
    if measured:
        facts.append(("Measured", f"{max(measured):%Y-%m-%d %H:%M}"))
    return facts


def _machine_words(machine: dict[str, Any], units: Sequence[str]) -> str:
    parts = [str(machine.get("cpu", "unknown CPU")), f"{machine.get('physical_cores', '?')} cores"]
    if units:
        parts.append(str(units[-1]))
    versions = machine.get("versions") or {}
    parts += [f"{name} {versions[name]}" for name in ("onnxruntime", "torch") if name in versions]
    parts.append(str(machine.get("os", "")))
    return ", ".join(part for part in parts if part)


def _range(values: Sequence[int]) -> str:
    if values[0] == values[-1]:
        return f"{values[0]:,}"
    return f"{values[0]:,} to {values[-1]:,}"
