"""What a run did layer by layer and step by step: the training doctor's table and the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QCoreApplication

from emostudio.core.events import LayerState, StageDone
from emostudio.core.units import format_bytes, format_count, signed
from emostudio.gui.pages.jobs_charts import DrawnRun, SmallChart
from emostudio.gui.widgets.card import Card
from emostudio.gui.widgets.data_table import DataTable
from emostudio.gui.widgets.labels import label, set_shown
from emostudio.qt.run_history import RunHistory
from emostudio.qt.table_models import EMPTY_CELL, Cell, Column, Row

_CHART_HEIGHT = 140
_STUCK, _RESTLESS = 1e-7, 0.05


def _tr(text: str) -> str:
    return QCoreApplication.translate("Jobs", text)


LAYER_COLUMNS = (
    Column("name", "Layer"),
    Column("flips", "Sign flips", "% per step", is_number=True, width=110),
    Column("ratio", "Gradient / weight", is_number=True, width=130),
    Column("state", "State", width=190),
)

STEP_COLUMNS = (
    Column("step", "Step"),
    Column("accuracy", "Accuracy", "%", is_number=True, width=84),
    Column("disk", "On disk", is_number=True, width=84),
    Column("memory", "Memory", "resident", is_number=True, width=90),
    Column("latency", "Latency", "ms", is_number=True, width=84),
    Column("parameters", "Parameters", is_number=True, width=96),
    Column("macs", "MACs", is_number=True, width=84),
)


SHARE_COLUMNS = (
    Column("step", "Step"),
    Column("accuracy", "Accuracy", "points", is_number=True, width=96),
    Column("size", "Size", "times smaller", is_number=True, width=110),
    Column("latency", "Latency", "ms", is_number=True, width=96),
)


class LayersCard(Card):
    """The training doctor's newest report on the selected run."""

    def __init__(self) -> None:
        super().__init__(self.tr("Layers"), self.tr("as they learn"))
        self.flips = SmallChart(self.tr("Sign flips, median of the binary layers"), "% per step")
        self.flips.setFixedHeight(_CHART_HEIGHT)
        self.table = DataTable(LAYER_COLUMNS, self.tr("Layers of the run"), is_sorted=False)
        words = self.tr("Nothing to show yet: the doctor reports every fifty training steps.")
        self._empty = label(words, "small", "text2", wrap=True)
        self.body.addWidget(self._empty)
        self.body.addWidget(self.flips)
        self.body.addWidget(self.table, 1)

    def show_run(self, run: DrawnRun, history: RunHistory) -> None:
        """Show what is known of a run's layers."""
        health, flips = history.health, history.flips
        set_shown(self._empty, health is None)
        set_shown(self.table, health is not None)
        set_shown(self.flips, len(flips) > 0)
        if health is not None:
            self.table.set_rows([_layer_row(state) for state in health.layers])
        if len(flips):
            last = flips.last("flip_rate")
            text = "" if last is None else f"{last:.3g}"
            self.flips.show_values(flips["x"], flips["flip_rate"], run.slot, text)


class LedgerCard(Card):
    """Accuracy, sizes and time after every step of a recipe."""

    def __init__(self) -> None:
        super().__init__(self.tr("Steps"), self.tr("measured after each"))
        self.table = DataTable(STEP_COLUMNS, self.tr("Steps of the run"), is_sorted=False)
        self._empty = label(self.tr("No step has ended yet."), "small", "text2", wrap=True)
        self.shares = DataTable(SHARE_COLUMNS, self.tr("Share of each step"), is_sorted=False)
        words = self.tr("What each step gave, over all subsets of the recipe; shares add up.")
        self._words = label(words, "small", "text2", wrap=True)
        self.body.addWidget(self._empty)
        self.body.addWidget(self.table, 1)
        self.body.addWidget(self._words)
        self.body.addWidget(self.shares, 1)

    def show_run(self, history: RunHistory, titles: Sequence[tuple[str, str]]) -> None:
        """Show the ledger of a run; `titles` are (method key, title)."""
        shares = history.result.get("shares", ())
        set_shown(self._empty, not history.stages and not shares)
        set_shown(self.table, bool(history.stages))
        set_shown(self._words, bool(shares))
        set_shown(self.shares, bool(shares))
        words = dict(titles)
        self.shares.set_rows([_share_row(share, words) for share in shares])
        self.table.set_rows([_step_row(stage, words) for stage in history.stages])


def _layer_row(state: LayerState) -> Row:
    rate, ratio = state.flip_rate, state.gradient_ratio
    return Row(
        state.name,
        {
            "name": Cell(state.name, is_bold=True),
            "flips": EMPTY_CELL if rate is None else Cell(f"{100 * rate:.3g}", sort=rate),
            "ratio": EMPTY_CELL if ratio is None else Cell(f"{ratio:.1e}", sort=ratio),
            "state": _state_cell(state),
        },
    )


def _state_cell(state: LayerState) -> Cell:
    if state.is_dead:
        return Cell(_tr("Dead: no gradient"), tone="bad", is_bold=True)
    if state.flip_rate is not None and state.flip_rate < _STUCK:
        return Cell(_tr("Signs do not flip"), tone="warn", is_bold=True)
    if state.flip_rate is not None and state.flip_rate > _RESTLESS:
        return Cell(_tr("Signs are restless"), tone="warn", is_bold=True)
    return Cell(_tr("Learns"), tone="text2")


def _step_row(stage: StageDone, titles: dict[str, str]) -> Row:
    cells = {"step": Cell(f"{stage.index + 1}. {titles.get(stage.method, stage.method)}")}
    shown = (
        ("accuracy", stage.accuracy, lambda value: f"{100 * value:.1f}"),
        ("disk", stage.disk_bytes, format_bytes),
        ("memory", stage.resident_bytes, format_bytes),
        ("latency", stage.latency_ms, lambda value: f"{value:.2f}"),
        ("parameters", stage.parameters, format_count),
        ("macs", stage.macs, format_count),
    )
    for key, value, written in shown:
        cells[key] = EMPTY_CELL if value is None else Cell(written(value), sort=value)
    return Row(str(stage.index), cells)


def _share_row(share: dict[str, Any], titles: dict[str, str]) -> Row:
    accuracy, latency = share["accuracy"], share["latency_ms"]
    return Row(
        str(share["step"]),
        {
            "step": Cell(f"{share['step'] + 1}. {titles.get(share['method'], share['method'])}"),
            "accuracy": EMPTY_CELL if accuracy is None else Cell(signed(100 * accuracy, 2)),
            "size": Cell(f"{share['size_factor']:.2f}"),
            "latency": EMPTY_CELL if latency is None else Cell(signed(latency, 3)),
        },
    )
