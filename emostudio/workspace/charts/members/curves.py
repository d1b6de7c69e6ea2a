"""Errors of all trainings, overlaid."""

from __future__ import annotations

from emostudio.workspace.charts.base import ChartKind, Line, Panel, Plot, Scale, no_blockers
from emostudio.workspace.charts.material import Material, TrainingCurve


def _draw(material: Material) -> tuple[Panel, ...]:
    if not material.curves:
        return ()
    lines = [line for curve in material.curves for line in _lines(curve)]
    return (Plot(Scale("Epoch", low=1.0, is_whole=True), Scale("Error, %", low=0.0), tuple(lines)),)


def _lines(curve: TrainingCurve) -> list[Line]:
    train = tuple(100 * error for error in curve.train_error)
    epochs = tuple(float(epoch) for epoch in curve.epochs)
    known = [
        (epoch, 100 * error)
        for epoch, error in zip(epochs, curve.validation_error, strict=True)
        if error is not None
    ]
    lines = [Line(f"{curve.model}, training", curve.slot, epochs, train, "thin")]
    if known:
        xs, ys = zip(*known, strict=True)
        lines.append(Line(curve.model, curve.slot, xs, ys))
    return lines


CHART = ChartKind(
    key="curves",
    title="Error while training",
    summary="Training and validation errors of all trainings, overlaid",
    note="%, validation full, training thin; one run per variant",
    missing="None of these models has a run with training epochs.",
    draw=_draw,
    is_measured=False,
    order=6,
    blockers=no_blockers,
)
