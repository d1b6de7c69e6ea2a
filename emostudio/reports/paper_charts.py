"""The error curves of the paper's figures as charts."""

from __future__ import annotations

from emostudio.paper.results import ErrorCurve, ResultTable
from emostudio.workspace.charts.base import Chart, Line, Plot, Scale

_SLOT = 1


def curve_charts(table: ResultTable) -> tuple[Chart, ...]:
    """Return one chart per error curve of a table: ours full and thin, the paper's end dashed."""
    return tuple(_chart(curve) for curve in table.curves)


def _chart(curve: ErrorCurve) -> Chart:
    epochs = tuple(float(epoch) for epoch in range(1, len(curve.train_error) + 1))
    train = tuple(100 * error for error in curve.train_error)
    known = [(e, 100 * v) for e, v in zip(epochs, curve.test_error, strict=True) if v is not None]
    lines = [Line("training", _SLOT, epochs, train, "thin")]
    if curve.paper_error is not None:
        ends = (epochs[0], epochs[-1])
        lines.insert(
            0, Line(curve.paper_words, 0, ends, (100 * curve.paper_error,) * 2, "reference")
        )
    if known:
        xs, ys = zip(*known, strict=True)
        lines.append(Line("test", _SLOT, xs, ys))
    plot = Plot(Scale("Epoch", low=1.0), Scale("Error, %", low=0.0), tuple(lines))
    note = "error in %, test full, training thin"
    return Chart(curve.key, f"{curve.reference}. {curve.title}", note, (plot,))
