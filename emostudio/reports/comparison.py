"""From stored measurements to a comparison file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from emostudio.compression.catalogue import METHODS
from emostudio.core.answers import AblationReport
from emostudio.core.comparing import ModelChanges, ProfileReport
from emostudio.core.errors import InputError
from emostudio.core.measured import NO_LIMITS, Limits
from emostudio.reports.base import Report, Writer
from emostudio.reports.catalogue import WRITERS
from emostudio.reports.facts import facts_of
from emostudio.reports.plain_text import one_line
from emostudio.workspace.charts.base import Chart
from emostudio.workspace.charts.catalogue import CHARTS
from emostudio.workspace.charts.material import TrainingCurve, ablations, profiles, training_curve
from emostudio.workspace.claims import check_claims, speed_claims
from emostudio.workspace.comparison import Comparison, ComparisonRow, compare
from emostudio.workspace.findings import NOT_FOR_PUBLICATION
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


@dataclass(frozen=True)
class Extras:
    """What a comparison may show beside its models' measurements.

    Attributes
    ----------
    curves
        Trainings, in any order.
    ablations
        Recipes that were taken apart, newest first.
    changes
        Pictures that variants judge otherwise than the baseline.
    profiles
        Layers of compared models, newest first.
    synthetic
        Names of datasets that hold drawn faces.
    """

    curves: tuple[TrainingCurve, ...] = ()
    ablations: tuple[AblationReport, ...] = ()
    changes: tuple[ModelChanges, ...] = ()
    profiles: tuple[ProfileReport, ...] = ()
    synthetic: frozenset[str] = frozenset()


NO_EXTRAS = Extras()


@dataclass(frozen=True)
class Asked:
    """What a file is to hold.

    Attributes
    ----------
    limits
        What the models must keep to.
    chart
        Key of the only chart to write; empty writes everything.
    """

    limits: Limits = NO_LIMITS
    chart: str = ""


EVERYTHING = Asked()


def write_comparison(
    workspace: Workspace,
    models: Sequence[str],
    out: Path,
    *,
    data: str | None = None,
    title: str = "Comparison",
    asked: Asked = EVERYTHING,
    changes: Sequence[ModelChanges] = (),
) -> Path:
    """Write what the workspace knows about `models` to a file whose suffix decides the format.

    Parameters
    ----------
    workspace
        Where the measurements are.
    models
        Names; the first teacher among them is the baseline.
    out
        File to write; its suffix is the key of a writer.
    data
        Dataset whose accuracies are shown; None takes the one most models share.
    title
        Heading.
    asked
        Limits, and whether only one chart is wanted.
    changes
        Pictures that variants judge otherwise than the baseline.

    Raises
    ------
    InputError
        If the suffix is unknown, a model is not in the workspace, or the chart cannot be written.
    """
    writer = writer_of(out, asked.chart)
    records = [workspace.model(name) for name in models]
    curves = (training_curve(workspace, record) for record in records)
    extras = Extras(
        curves=tuple(curve for curve in curves if curve is not None),
        ablations=ablations(workspace, models),
        changes=tuple(changes),
        profiles=profiles(workspace, records),
        synthetic=frozenset(r.name for r in workspace.datasets() if r.reader == "synthetic"),
    )
    report = build(records, title=title, data=data, extras=extras, limits=asked.limits)
    if asked.chart:
        assert writer.write_chart is not None  # noqa: S101 - `writer_of` has looked
        writer.write_chart(report, _chart(report, asked.chart), Path(out))
    else:
        writer.write(report, Path(out))
    return Path(out)


def _chart(report: Report, key: str) -> Chart:
    found = next((chart for chart in report.charts if chart.key == key), None)
    if found is None:
        kind = CHARTS.get(key)
        raise InputError(f"There is nothing to draw in {kind.title}", next_step=kind.missing)
    return found


def writer_of(out: Path, chart: str = "") -> Writer:
    """Return what writes a file, or one chart of a report, to `out`.

    Raises
    ------
    InputError
        If the suffix or the chart is unknown, or the format holds whole reports only.
    """
    writer = WRITERS.get(check_suffix(out))
    if chart:
        CHARTS.get(chart)
        if writer.write_chart is None:
            able = ", ".join(f".{w.key}" for w in WRITERS.members().values() if w.write_chart)
            raise InputError(
                f"A single chart cannot be written as .{writer.key}",
                why=f"{writer.title} holds whole reports",
                next_step=f"Use one of {able}",
            )
    return writer


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
    extras: Extras = NO_EXTRAS,
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
    curves = (replace(curve, slot=slots.get(curve.model, 0)) for curve in extras.curves)
    caveats = [_HERE, *_seed_lines(comparison), *_judged_lines(comparison), _NOT_FOR]
    if len({row.samples for row in comparison.rows if row.samples}) > 1:
        caveats.insert(0, _DIFFERENT_IMAGES)
    if comparison.dataset in extras.synthetic:
        caveats.insert(0, _SYNTHETIC)
    return Report(
        title=one_line(title).strip(),
        comparison=comparison,
        created=datetime.now(UTC),
        curves=tuple(curves),
        ablations=extras.ablations,
        changes=extras.changes,
        profiles=extras.profiles,
        claims=tuple(
            check_claims(records, comparison.baseline, METHODS.members(), comparison.engine)
        ),
        facts=tuple(facts_of(comparison, records)),
        caveats=(
            *_not_for_publication(comparison),
            *comparison.notes,
            *caveats,
            *(f"Open: {line}" for line in question_lines(comparison.questions)),
        ),
    )


def _not_for_publication(comparison: Comparison) -> list[str]:
    return [f"{NOT_FOR_PUBLICATION}: {blocker}" for blocker in comparison.blockers]


def _judged_lines(comparison: Comparison) -> list[str]:
    """Say which verdicts are not against the baseline, as the table's other columns are."""
    others = [row for row in comparison.rows if row.model in comparison.judged_apart]
    if not others:
        return []
    named = ", ".join(f"{row.model} (against {row.judged_against})" for row in others)
    return [f"Verdicts against the model it was made from, not {comparison.baseline}: {named}"]


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
