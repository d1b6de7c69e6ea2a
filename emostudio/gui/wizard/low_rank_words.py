"""What a prediction says about decomposed layers, in sentences."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from emostudio.core.answers import PlanReport
from emostudio.core.low_rank import LowRankOutlook


def outlook_lines(plan: PlanReport) -> list[str]:
    """Return a sentence per step that decomposes layers: ceiling, promise, what is refused."""
    return [line for outlook in plan.low_rank if (line := _line(outlook))]


def _line(outlook: LowRankOutlook) -> str:
    parts = []
    ceiling = outlook.time_ceiling or outlook.macs_ceiling
    if ceiling:
        measured = _tr("measured") if outlook.time_ceiling else _tr("by MACs")
        template = _tr("Step {0}: at most {1}× if its layers took no time ({2})")
        parts.append(template.format(outlook.step + 1, f"{ceiling:.2f}", measured))
    if outlook.expected_speedup:
        promise = _tr("their measured times promise {0}×")
        parts.append(promise.format(f"{outlook.expected_speedup:.2f}"))
    slower = [layer.layer for layer in outlook.layers if layer.is_slower]
    if slower:
        parts.append(_tr("slower here: {0}").format(", ".join(slower)))
    if outlook.not_measured:
        parts.append(_tr("not measured here: {0}").format(", ".join(outlook.not_measured)))
    return "; ".join(parts)


def _tr(text: str) -> str:
    return QCoreApplication.translate("LowRankWords", text)
