"""What a recipe will give, before any work: sizes, multiply-adds, time, and a speed ceiling."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from emostudio.core.answers import PlanReport, PlanStage
from emostudio.gui.charts.ceiling import SpeedCeiling
from emostudio.gui.charts.staircase import Stair, Staircase
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.card import Card, plain, rule, scrolled
from emostudio.gui.widgets.labels import label, set_shown
from emostudio.gui.widgets.note import Note
from emostudio.gui.wizard.low_rank_words import outlook_lines

_MOST_REMARKS = 3
_LONGEST_KEPT_WHOLE = 36
"""Remarks on a layer up to this many letters are not broken into lines; longer ones must be."""
_LEAST_GAIN = 1.02
"""Ceilings below this are no gain worth a chart."""


class _Figure(QWidget):
    """Caption over a big number and its unit."""

    def __init__(self, caption: str) -> None:
        super().__init__()
        self.setProperty("kind", "plain")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self._caption = caption
        column.addWidget(label(caption, "caption_medium", "text2"))
        row = QHBoxLayout()
        row.setSpacing(SPACE.xs)
        self._number = label("–", "big")
        self._unit = label("", "caption", "text2")
        row.addWidget(self._number)
        row.addWidget(self._unit)
        row.addStretch(1)
        column.addLayout(row)

    def show_number(self, number: str, unit: str) -> None:
        self._number.setText(number)
        self._unit.setText(unit)
        self.setAccessibleName(f"{self._caption} {number} {unit}")


class PredictionCard(Card):
    """The prediction beside the wizard's steps."""

    def __init__(self) -> None:
        super().__init__(self.tr("Prediction"))
        self._figures = {
            "disk": _Figure(self.tr("On disk")),
            "parameters": _Figure(self.tr("Parameters")),
            "macs": _Figure(self.tr("MACs")),
            "time": _Figure(self.tr("Training")),
        }
        self.empty = label(
            self.tr("Choose a teacher and add steps to see what they will give."),
            "small", "text2", wrap=True,
        )  # fmt: skip
        self.stairs = Staircase()
        self.ceiling = SpeedCeiling()
        self.note = Note()
        self._goal: QLabel = label("", "caption", "text2")
        self._no_gain = label(
            self.tr("The MACs stay the same: fewer operations will not make it faster. Kernels "
                    "and memory still may; that is measured afterwards."),
            "small", "text2", wrap=True,
        )  # fmt: skip
        self._content = plain()
        self._build()
        self.show_plan(None)

    def show_plan(
        self, plan: PlanReport | None, *, is_predicting: bool = False, goal_mb: float | None = None
    ) -> None:
        """Show a prediction; None before there is one."""
        state = self.tr("Predicting…") if is_predicting else self.tr("Updated now") if plan else ""
        self.set_state(state)
        self._content.setEnabled(not is_predicting)
        if plan is None and is_predicting:
            set_shown(self.empty, shown=False)
            return
        stages = plan.stages if plan is not None else ()
        set_shown(self.empty, not stages)
        set_shown(self._content, bool(stages))
        if plan is not None and stages:
            self._show_stages(plan, goal_mb)

    def _show_stages(self, plan: PlanReport, goal_mb: float | None) -> None:
        last = plan.stages[-1]
        exact = "" if last.disk_bytes_exact else "≈ "
        self._figures["disk"].show_number(f"{exact}{_megabytes(last)}", "MB")
        self._figures["parameters"].show_number(*_count(last.parameters))
        self._figures["macs"].show_number(*_count(last.macs))
        self._figures["time"].show_number(*_training(plan))
        self.stairs.show_stairs(
            [
                Stair(self._name(index, stage), stage.disk_bytes / 1e6, not stage.disk_bytes_exact)
                for index, stage in enumerate(plan.stages)
            ],
            goal_mb,
        )
        goal = self.tr("goal: at most {0} MB").format(f"{goal_mb:g}") if goal_mb else ""
        self._goal.setText(goal)
        self._show_ceiling(plan)
        remarks = [f"{line}." for line in outlook_lines(plan)]
        remarks += [line for stage in plan.stages for line in _remarks(stage.notes)]
        skipped = len({refusal.layer for refusal in plan.skipped_layers if refusal.layer})
        if skipped:
            remarks.append(self.tr("{0} layers are left alone").format(skipped))
        remarks = list(dict.fromkeys(remarks))
        shown = remarks[:_MOST_REMARKS]
        if len(remarks) > len(shown):
            shown.append(self.tr("{0} more in the tooltip").format(len(remarks) - len(shown)))
        self.note.show_note("info", "", "\n".join(shown))
        lines = [f"{skip.layer}: {skip.reason}" for skip in plan.skipped_layers]
        self.note.setToolTip("\n".join(dict.fromkeys([*remarks, *lines])))

    def _show_ceiling(self, plan: PlanReport) -> None:
        known = plan.stages[0].macs
        ceilings = [known / max(stage.macs or 1, 1) for stage in plan.stages] if known else []
        names = [self._name(index, stage).split()[0] for index, stage in enumerate(plan.stages)]
        has_gain = max(ceilings, default=0.0) >= _LEAST_GAIN
        set_shown(self.ceiling, has_gain)
        set_shown(self._no_gain, bool(ceilings) and not has_gain)
        self.ceiling.show_steps(list(zip(names, ceilings, strict=False)))

    def _name(self, index: int, stage: PlanStage) -> str:
        return stage.title if index else self.tr("Teacher")

    def _build(self) -> None:
        column = QVBoxLayout(self._content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE.s)
        grid = QGridLayout()
        grid.setHorizontalSpacing(SPACE.m)
        grid.setVerticalSpacing(SPACE.xs)
        for place, figure in enumerate(self._figures.values()):
            grid.addWidget(figure, place // 2, place % 2)
        column.addLayout(grid)
        column.addWidget(rule())
        column.addLayout(self._part_head(self.tr("Size after each step, MB"), self._goal))
        column.addWidget(self.stairs)
        column.addWidget(rule())
        ceiling = label(self.tr("a ceiling, not a promise"), "caption", "text2")
        ceiling.setToolTip(
            self.tr("Teacher MACs over predicted MACs: arithmetic alone can give no more. "
                    "The speed itself is measured when the variant is there.")
        )  # fmt: skip
        column.addLayout(self._part_head(self.tr("Speed against teacher"), ceiling))
        self.ceiling.setMaximumHeight(260)
        column.addWidget(self.ceiling, 1)
        column.addWidget(self._no_gain)
        column.addWidget(self.note)
        column.addStretch(0)
        self.body.addWidget(self.empty)
        self.body.addWidget(scrolled(self._content), 1)
        self.body.addStretch(0)

    @staticmethod
    def _part_head(title: str, right: QLabel) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addWidget(label(title, "small_medium"))
        row.addStretch(1)
        row.addWidget(right)
        return row


def _megabytes(stage: PlanStage) -> str:
    megabytes = stage.disk_bytes / 1e6
    return f"{megabytes:,.1f}" if megabytes >= 1 else f"{megabytes:.3f}"


def _count(count: int | None) -> tuple[str, str]:
    if count is None:
        return "–", ""
    if count >= 1e8:
        return f"{count / 1e6:,.0f}", "M"
    if count >= 1e6:
        return f"{count / 1e6:.1f}", "M"
    return f"{count / 1e3:,.1f}", "k"


def _training(plan: PlanReport) -> tuple[str, str]:
    epochs = sum(stage.training_epochs for stage in plan.stages)
    if plan.training_seconds is None:
        return (f"{epochs}", "epochs") if epochs else ("0", "epochs")
    seconds = plan.training_seconds
    if seconds < 90:
        return f"≈ {seconds:.0f}", "s"
    is_short = seconds < 36_000
    return f"≈ {seconds / (60 if is_short else 3_600):.0f}", "min" if is_short else "h"


def _remarks(notes: Sequence[str]) -> list[str]:
    """Return notes as sentences; those on single layers ("conv2: rank 8") share one line."""
    layers, others = [], []
    for note in notes:
        name, separator, text = note.strip().rstrip(".").partition(": ")
        if separator and " " not in name:
            whole = f"{name} {text}"
            is_short = len(whole) <= _LONGEST_KEPT_WHOLE
            layers.append(whole.replace(" ", "\N{NO-BREAK SPACE}") if is_short else whole)
        elif name:
            whole = f"{name}{separator}{text}"
            others.append(f"{whole[:1].upper()}{whole[1:]}.")
    return [*others, ", ".join(layers)] if layers else others
