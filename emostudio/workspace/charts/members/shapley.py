"""What each step of a recipe gave: shares that sum exactly to the whole recipe's effect."""

from __future__ import annotations

from collections.abc import Callable

from emostudio.core.answers import AblationReport, AblationShare
from emostudio.workspace.charts.base import Bar, Bars, ChartKind, Panel, Scale, no_blockers
from emostudio.workspace.charts.material import Material

_VARIANT_SLOT = 1
_ONE_RUN = "one run of every subset: no interval is known"


def _draw(material: Material) -> tuple[Panel, ...]:
    return tuple(panel for report in material.ablations for panel in _panels(report))


def _panels(report: AblationReport) -> list[Bars]:
    return [
        panel
        for panel in (
            _panel(report, "Disk", "times smaller", lambda share: share.size_factor, 2,
                   "By how much the step divided the file's size; the factors multiply"),
            _panel(report, "Accuracy", "points",
                   lambda share: None if share.accuracy is None else 100 * share.accuracy, 2,
                   f"The shares sum to the recipe's effect; {_ONE_RUN}"),
            _panel(report, "Inference p50", "ms", lambda share: share.latency_ms, 3,
                   f"Below zero the step made it faster; {_ONE_RUN}"),
        )
        if panel is not None
    ]  # fmt: skip


def _panel(
    report: AblationReport,
    title: str,
    unit: str,
    value: Callable[[AblationShare], float | None],
    decimals: int,
    note: str,
) -> Bars | None:
    bars = [Bar(value(share), None, _VARIANT_SLOT) for share in report.shares]
    if all(bar.value is None for bar in bars):
        return None
    steps = tuple(f"{share.step + 1} {share.method.replace('_', ' ')}" for share in report.shares)
    words = f"{title}, {unit}: {report.teacher}"
    return Bars(
        words, Scale(unit), steps, (("", _VARIANT_SLOT),), tuple((bar,) for bar in bars),
        decimals, note,
    )  # fmt: skip


CHART = ChartKind(
    key="shapley",
    title="Shares of the steps",
    summary="What each step of a recipe gave, as its Shapley value over all subsets",
    note="Shapley values over all subsets of the recipe's steps",
    missing=(
        "Take a recipe apart first: Take apart on the Compress page, or `emostudio ablate` "
        "in a terminal."
    ),
    draw=_draw,
    is_measured=False,
    order=7,
    blockers=no_blockers,
)
