"""Table 3: students of two teachers, from labels alone, from softmax outputs, and from both."""

from __future__ import annotations

from dataclasses import dataclass

from emostudio.core.units import signed, signed_interval
from emostudio.paper import caveats, measuring
from emostudio.paper.base import Experiment, Findings
from emostudio.paper.distillation import (
    COMBINED,
    FOREIGN,
    LABELS,
    LOSSES,
    OWN,
    SOFTMAX,
    TEACHERS_PART,
    distillation_parts,
    distillation_seeds,
    students,
)
from emostudio.paper.facts import dataset_name, facts
from emostudio.paper.parts import PartResult
from emostudio.paper.ranking import Gap, gap, judge
from emostudio.paper.results import (
    Caveat,
    ColumnInfo,
    Finding,
    Measured,
    ResultCell,
    ResultRow,
    ResultTable,
)
from emostudio.statistics.verdicts import Verdict
from emostudio.workspace.seeds import ENOUGH_SEEDS

COLUMNS = (
    ColumnInfo(key="agreement", title="Agrees with its teacher", unit="%", better="high"),
    ColumnInfo(key="accuracy", title="Test accuracy", unit="%", better="high"),
)


@dataclass(frozen=True)
class Published:
    """One column of the survey's table: agreement on PubFig83, accuracy on RaFD, in percent."""

    teacher: str
    loss: str
    agreement: float | None
    accuracy: float | None


CELLS = (
    Published(FOREIGN, LABELS, 66.5, 12.3),
    Published(FOREIGN, SOFTMAX, 73.0, 23.8),
    Published(FOREIGN, COMBINED, None, None),
    Published(OWN, LABELS, 75.5, 40.9),
    Published(OWN, SOFTMAX, 77.0, 46.9),
    Published(OWN, COMBINED, None, None),
)
"""Survey, Table 3: student SqueezeNet 1.1, 13,813 faces of PubFig83, tested on all RaFD views."""

TEACHER_ACCURACY = {FOREIGN: 41.45, OWN: 81.0}
"""Survey, section 4: VGG-S on EmotiW and on RaFD, both tested on RaFD."""

_TEACHERS = {FOREIGN: "Teacher of other faces", OWN: "Teacher of these faces"}
_THEIRS = {FOREIGN: "VGG on EmotiW", OWN: "VGG on RaFD"}

_AGREEMENT = Caveat(
    title="Agreement.",
    words='The faces have no labels for the student, so the paper\'s "training accuracy" is how '
    "often student and teacher agree on the pictures learnt from. The honest column asks about "
    "pictures held back.",
)
_ONE = Caveat(
    title="One run in the paper.",
    words="It gives no intervals. Ours are over seeds, each interval for itself. A ranking is "
    f"decided from {ENOUGH_SEEDS} seeds on, where it holds among all rankings shown (Holm).",
)
_ORDER = Caveat(
    title="Seven emotions.",
    words="The paper's EmotiW teacher knows no contempt, so at most 87.5 % of RaFD can be right. "
    "A model is not asked about emotions that it does not know.",
)
_SAW = Caveat(
    title="Second teacher.",
    words="The paper's RaFD teacher knew the people it was tested on. Ours did not: test people "
    "or pictures are kept apart.",
)


def _row(cell: Published, findings: Findings) -> ResultRow:
    cells = students(cell.teacher, cell.loss, findings.settings, findings.results)
    known = [result for result in cells if result is not None]
    is_extra = cell.accuracy is None
    return ResultRow(
        key=f"{cell.teacher}-{cell.loss}",
        title=f"{_TEACHERS[cell.teacher]}, {LOSSES[cell.loss].title}",
        reference="Fig. 7, not measured in the paper" if is_extra
        else f"Table 3, {_THEIRS[cell.teacher]}, {LOSSES[cell.loss].title}",
        cells={
            "agreement": ResultCell(
                paper=cell.agreement,
                ours=measuring.agreement(known),
                as_paper=measuring.training_accuracy(known),
            ),
            "accuracy": ResultCell(paper=cell.accuracy, ours=measuring.accuracy(known)),
        },
        dataset=dataset_name(findings) if known else "",
        seeds=tuple(result.seed for result in known),
        models=tuple(result.model for result in known),
        seconds=sum(result.seconds for result in known),
        caveats=_row_caveats(cell, known),
        is_extra=is_extra,
    )  # fmt: skip


def _row_caveats(cell: Published, known: list[PartResult]) -> tuple[str, ...]:
    if cell.loss == COMBINED:
        return ("The paper draws this loss in Fig. 7 and reports no figures for it",)
    return ("One seed so far: the interval covers pictures only",) if len(known) == 1 else ()


@dataclass(frozen=True)
class _Question:
    """Which loss is above which, and by what."""

    teacher: str
    first: str
    second: str
    metric: str


_QUESTIONS = tuple(
    _Question(teacher, *pair, metric)
    for pair in ((SOFTMAX, LABELS), (COMBINED, SOFTMAX))
    for teacher in (FOREIGN, OWN)
    for metric in ("accuracy", "agreement")
)


def _gap(question: _Question, findings: Findings) -> Gap | None:
    read = measuring.accuracy if question.metric == "accuracy" else measuring.agreement

    def numbers(loss: str) -> list[Measured | None]:
        found = students(question.teacher, loss, findings.settings, findings.results)
        return [read([result]) if result is not None else None for result in found]

    return gap(numbers(question.first), numbers(question.second))


def _finding(question: _Question, found: Gap, verdict: Verdict, why: str) -> Finding:
    measured = found.measured
    is_accuracy = question.metric == "accuracy"
    what = "on the test pictures" if is_accuracy else "in agreement, held-out faces"
    words = (
        f"{_TEACHERS[question.teacher]}, {what}: {signed(measured.value)} points "
        f"(95 % {signed_interval(measured.low, measured.high)}, "
        f"{measured.basis.removeprefix('95 %, ')}; {why})"
    )
    title = f"{LOSSES[question.first].title} above {LOSSES[question.second].title}"
    return Finding(title=title, words=words, verdict=verdict, difference=measured)


def _findings(findings: Findings) -> tuple[Finding, ...]:
    asked = ((question, _gap(question, findings)) for question in _QUESTIONS)
    shown = [(question, found) for question, found in asked if found is not None]
    judged = judge([found for _, found in shown])
    return tuple(
        _finding(question, found, *verdict)
        for (question, found), verdict in zip(shown, judged, strict=True)
    )


def _teacher_facts(findings: Findings) -> dict[str, str]:
    judged = findings.results.get(TEACHERS_PART)
    if judged is None:
        return {}
    found = {}
    for teacher, evaluation in zip((FOREIGN, OWN), judged.evaluations, strict=False):
        ours = measuring.evaluated(evaluation, judged)
        found[_TEACHERS[teacher]] = (
            f"{evaluation.model}, {ours.value:.1f} % ({ours.low:.1f}–{ours.high:.1f}) of the test "
            f"pictures; the paper's {TEACHER_ACCURACY[teacher]:g} %"
        )
    return found


def _caveats(findings: Findings) -> tuple[Caveat, ...]:
    pool = Caveat(
        title="Unlabelled faces.",
        words="The paper's students learn from PubFig83, other pictures than the test. "
        + (
            "Ours learn from the pool that was given."
            if findings.settings.pool
            else "Ours learn from the training pictures of the same set, their labels taken away: "
            "an easier task, and a black box may have learnt from these very pictures."
        ),
    )
    data = caveats.data_caveats(findings)
    return (*data, *caveats.preset_caveat(findings), _AGREEMENT, pool, _ONE, _SAW, _ORDER)


def _table(findings: Findings) -> ResultTable:
    return ResultTable(
        key="table3",
        title="Table 3. Distilling without labels",
        subtitle="Distilling without labels",
        columns=COLUMNS,
        rows=tuple(_row(cell, findings) for cell in CELLS),
        findings=_findings(findings),
        caveats=_caveats(findings),
        facts={
            **facts(findings, distillation_seeds(findings.settings)),
            **_teacher_facts(findings),
        },
    )


EXPERIMENT = Experiment(
    key="table3",
    order=3,
    title="Table 3",
    summary="Students from labels, softmax outputs, and both",
    parts=distillation_parts,
    table=_table,
)
