"""Up to which rank the layers of a step are faster on this machine, in the step's form."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from emostudio.core.low_rank import LayerBreakEven, LowRankOutlook
from emostudio.gui.charts.break_even import BreakEvenChart
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import button
from emostudio.gui.widgets.card import rule
from emostudio.gui.widgets.labels import label, set_shown

_COMBO_WIDTH = 220


class BreakEvenPanel(QWidget):
    """A chart per layer, and a button where layers have not been measured.

    Signals
    -------
    measure_asked
        The layers are to be measured now.
    """

    measure_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "plain")
        self._layers: tuple[LayerBreakEven, ...] = ()
        self.choice = QComboBox()
        self.choice.setAccessibleName(self.tr("Layer"))
        self.choice.setFixedWidth(_COMBO_WIDTH)
        self.choice.currentIndexChanged.connect(lambda _index: self._show_layer())
        self.chart = BreakEvenChart()
        self._axis = label(self.tr("ms over rank, 1 thread"), "caption", "text3")
        self._words = label("", "small", "text2", wrap=True)
        self._unknown = label("", "small", "text2", wrap=True)
        self.measure = button(self.tr("Measure now"), "small", "", self.measure_asked.emit)
        self._build()
        self.show_outlook(None)

    def show_outlook(self, outlook: LowRankOutlook | None, *, is_measuring: bool = False) -> None:
        """Show what is known about a step; None hides the panel."""
        set_shown(self, outlook is not None)
        if outlook is None:
            return
        chosen = self.choice.currentText()
        self._layers = outlook.layers
        names = [layer.layer for layer in self._layers]
        self.choice.blockSignals(True)  # noqa: FBT003 - Qt's own signature
        self.choice.clear()
        self.choice.addItems(names)
        self.choice.setCurrentIndex(names.index(chosen) if chosen in names else self._first())
        self.choice.blockSignals(False)  # noqa: FBT003
        for widget in (self.choice, self.chart, self._axis, self._words):
            set_shown(widget, bool(names))
        self._show_layer()
        unknown = outlook.not_measured
        words = self.tr("Not measured on this machine: {0}").format(", ".join(unknown))
        self._unknown.setText(words if unknown else "")
        set_shown(self._unknown, bool(unknown))
        set_shown(self.measure, bool(unknown))
        self.measure.setEnabled(not is_measuring)

    def words(self) -> str:
        """Return what is said about the chosen layer."""
        return self._words.text()

    def _first(self) -> int:
        """Return the place of the first layer that would get slower, else of the first."""
        return next((place for place, one in enumerate(self._layers) if one.is_slower), 0)

    def _show_layer(self) -> None:
        place = self.choice.currentIndex()
        layer = self._layers[place] if 0 <= place < len(self._layers) else None
        self.chart.show_layer(layer)
        self._words.setText("" if layer is None else self._sentence(layer))

    def _sentence(self, layer: LayerBreakEven) -> str:
        if layer.planned_rank is None:
            return self.tr("The rank is found in the weights; it is checked when it is known.")
        if layer.planned_share is None:
            return self.tr("Rank {0} was not measured.").format(layer.planned_rank)
        if layer.is_slower:
            template = self.tr("Rank {0} takes {1} times as long as the layer: slower here.")
        else:
            template = self.tr("Rank {0} takes {1} of the layer's time.")
        return template.format(layer.planned_rank, f"{layer.planned_share:.2f}")

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE.s)
        head = QHBoxLayout()
        head.setSpacing(SPACE.s)
        head.addWidget(label(self.tr("Break-even here"), "small_medium"))
        head.addWidget(self._axis)
        head.addStretch(1)
        head.addWidget(self.choice)
        column.addLayout(head)
        column.addWidget(self.chart)
        column.addWidget(self._words)
        row = QHBoxLayout()
        row.setSpacing(SPACE.s)
        row.addWidget(self._unknown, 1)
        row.addWidget(self.measure)
        column.addLayout(row)
        column.addWidget(rule())
