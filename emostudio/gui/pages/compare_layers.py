"""The layers of one variant beside its baseline's: time, kernel, multiply-adds, bytes, error."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from emostudio.core.comparing import LayerProfile, ProfileReport
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import button
from emostudio.gui.widgets.data_table import DataTable
from emostudio.gui.widgets.labels import label, set_shown
from emostudio.qt.table_models import EMPTY_CELL, Cell, Column, Row


def _tr(text: str) -> str:
    return QCoreApplication.translate("LayersView", text)


class LayersView(QWidget):
    """A table of layers, or what to do to get one.

    Signals
    -------
    profile_asked
        Names of the baseline and the variant whose layers are to be timed.
    """

    profile_asked = Signal(tuple)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "plain")
        self._names: tuple[str, ...] = ()
        self.table = DataTable(_columns(), _tr("Layers"), is_sorted=False)
        self.words = label("", "caption", "text3", wrap=True)
        self.again = button(_tr("Profile layers"), "small", "clock", self._ask)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE.xs)
        column.addWidget(self.table, 1)
        foot = QHBoxLayout()
        foot.addWidget(self.words, 1)
        foot.addWidget(self.again)
        column.addLayout(foot)

    def show_layers(self, reports: Sequence[ProfileReport], baseline: str, variant: str) -> None:
        """Show the newest profile that holds both models; the baseline alone is its own."""
        self._names = tuple(dict.fromkeys((baseline, variant)))
        found = next((r for r in reports if _covers(r, self._names)), None)
        set_shown(self.table, found is not None)
        self.again.setEnabled(bool(variant))
        if found is None:
            self.table.set_rows([])
            self.words.setText(_tr("The layers of {0} were not timed yet.").format(variant))
            return
        self.table.set_rows(_rows(found, baseline, variant))
        self.words.setText(_origin(found, variant))

    def _ask(self) -> None:
        self.profile_asked.emit(self._names)


def _covers(report: ProfileReport, names: Sequence[str]) -> bool:
    return set(names) <= {profile.model for profile in report.profiles}


def _columns() -> tuple[Column, ...]:
    return (
        Column("layer", _tr("Layer"), width=68),
        _number("before", _tr("Base"), "ms", _tr("Time of the baseline's layer")),
        _number("ms", _tr("Here"), "ms", _tr("Watched inside the network; 95 % interval")),
        _number("macs", "MACs", _tr("million"), _tr("Multiply-adds of one picture")),
        _number("bytes", _tr("Stored"), "kB", _tr("The layer's share of the file")),
        _number("error", _tr("Error"), "%", _tr("Of the weights, relative Frobenius norm")),
        Column("kernel", _tr("Kernel"), tooltip=_tr("What computed the layer")),
    )


def _number(key: str, title: str, unit: str, tooltip: str) -> Column:
    return Column(key, title, unit, is_number=True, width=56, tooltip=tooltip)


def _rows(report: ProfileReport, baseline: str, variant: str) -> list[Row]:
    layers = {profile.model: profile.layers for profile in report.profiles}
    before = {layer.layer: layer for layer in layers[baseline]}
    return [
        Row(layer.layer, _cells(layer, before.get(layer.layer)))
        for layer in layers[variant]
        if layer.macs or layer.ms is not None
    ]


def _cells(layer: LayerProfile, before: LayerProfile | None) -> dict[str, Cell]:
    kernels = ", ".join(layer.kernels)
    parts = f" ({layer.parts})" if layer.parts > 1 else ""
    tip = f"{layer.layer}: {layer.kind}"
    return {
        "layer": Cell(f"{layer.layer}{parts}", tooltip=tip),
        "before": _time(before, tone="text2"),
        "ms": _time(layer),
        "macs": _value(layer.macs / 1e6, 2) if layer.macs else EMPTY_CELL,
        "bytes": _value(layer.disk_bytes / 1e3, 1) if layer.disk_bytes else EMPTY_CELL,
        "error": EMPTY_CELL if layer.weight_error is None else _value(100 * layer.weight_error, 1),
        "kernel": Cell(kernels, tooltip=kernels, tone="text2") if kernels else EMPTY_CELL,
    }


def _time(layer: LayerProfile | None, tone: str = "text") -> Cell:
    if layer is None or layer.ms is None:
        return EMPTY_CELL
    low, high = layer.interval or (layer.ms, layer.ms)
    return Cell(
        f"{layer.ms:.3f}", layer.ms, tone=tone, tooltip=f"{layer.ms:.4f} ({low:.4f}–{high:.4f}) ms"
    )


def _value(number: float, decimals: int) -> Cell:
    return Cell(f"{number:,.{decimals}f}", number)


def _origin(report: ProfileReport, variant: str) -> str:
    profile = next(one for one in report.profiles if one.model == variant)
    one = profile.threads == 1
    threads = _tr("1 thread") if one else _tr("{0} threads").format(profile.threads)
    words = _tr("{0}, {1}, {2}. The sum of layers is no latency.")
    told = words.format(profile.engine, threads, report.machine.get("cpu", ""))
    return " ".join((told, *(f"{warning}." for warning in report.warnings)))
