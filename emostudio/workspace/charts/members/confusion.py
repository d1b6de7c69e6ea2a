"""What every variant takes each emotion for."""

from __future__ import annotations

from emostudio.core.answers import EvaluationResult
from emostudio.workspace.charts.base import ChartKind, Matrix, Panel, no_blockers
from emostudio.workspace.charts.material import Material


def _draw(material: Material) -> tuple[Panel, ...]:
    return tuple(_matrix(row.evaluation) for row in material.comparison.rows if row.evaluation)


def _matrix(result: EvaluationResult) -> Matrix:
    shares = []
    for counts in result.confusion:
        total = sum(counts)
        shares.append(tuple(100 * count / total if total else 0.0 for count in counts))
    low, high = result.accuracy_interval
    words = (
        f"{100 * result.accuracy:.1f} % ({100 * low:.1f}–{100 * high:.1f}) of {result.samples:,}"
    )
    names = tuple(str(name).capitalize() for name in result.labels)
    return Matrix(result.model, names, names, tuple(shares), words)


CHART = ChartKind(
    key="confusion",
    title="Confusion",
    summary="What every variant takes each emotion for",
    note="% of each true class; rows are the truth, columns the answer",
    missing="Measure accuracy first.",
    draw=_draw,
    order=4,
    blockers=no_blockers,
)
