"""Every chart of a comparison on one card: chosen from the catalogue, painted, or as numbers."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QScrollArea, QStackedWidget

from emostudio.core.measured import Limits
from emostudio.gui.charts.panel_chart import PanelChart
from emostudio.gui.pages.compare_numbers import NumbersTable
from emostudio.gui.pages.compare_pareto import ParetoView
from emostudio.gui.theme import theme
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import button, icon_button
from emostudio.gui.widgets.card import Card, EmptyState, scrolled
from emostudio.gui.widgets.labels import ElidedLabel, set_shown
from emostudio.workspace.charts.base import Chart, ChartKind
from emostudio.workspace.charts.catalogue import chart_kinds
from emostudio.workspace.charts.material import Material
from emostudio.workspace.comparison import Comparison

PARETO = "pareto"
"""The one chart with a view of its own: points are picked, limits moved, undecided ones settled."""
_CHOOSER_WIDTH = 214


class ChartCard(Card):
    """The chart card of the Compare page.

    Signals
    -------
    limits_changed
        A `core.measured.Limits`.
    settle_asked
        Names of models and the number of blocks that would settle the undecided ones.
    export_asked
        Key of the chart to write to a file.
    question_asked
        Kind of the job whose answer the chosen chart waits for.
    """

    limits_changed = Signal(object)
    settle_asked = Signal(object, int)
    export_asked = Signal(str)
    question_asked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.view = ParetoView()
        self.chart = self.view.chart
        self.panels = PanelChart()
        self.numbers = NumbersTable()
        self.unmeasured = EmptyState(
            "chart", "", QCoreApplication.translate("ChartCard", "Measure the models")
        )
        self.chooser = QComboBox()
        self.note = ElidedLabel("", "caption", "text3")
        self.as_numbers = button(self.tr("Numbers"), "small")
        self.export = icon_button("export", self.tr("Export this chart"), self._ask_to_export)
        self._kinds: dict[str, ChartKind] = {kind.key: kind for kind in chart_kinds()}
        self._comparison = Comparison(rows=())
        self._material: Callable[[], Material] = lambda: Material(self._comparison)
        self._chart: Chart | None = None
        self._answered: set[str] = set()
        self._build()
        self.view.limits_changed.connect(self.limits_changed)
        self.view.settle_asked.connect(self.settle_asked)

    def current_limits(self) -> Limits:
        """Return the limits in the boxes; zero leaves a quantity free."""
        return self.view.current_limits()

    def current(self) -> str:
        """Return the key of the chosen chart."""
        return str(self.chooser.currentData())

    def choose(self, key: str) -> None:
        """Show another chart."""
        self.chooser.setCurrentIndex(self.chooser.findData(key))

    def select(self, name: str) -> None:
        """Bring out one variant."""
        self.chart.select(name)
        self.panels.select(name)

    def show_comparison(self, comparison: Comparison, material: Callable[[], Material]) -> None:
        """Draw the chosen chart; `material` reads what runs left and is asked when needed."""
        self._answered.clear()
        self._comparison, self._material = comparison, material
        self.view.show_comparison(comparison)
        self._show()

    def show_answer(self, material: Callable[[], Material]) -> None:
        """Draw the chosen chart again, with what a question brought."""
        self._material = material
        self._show()

    def numbers_text(self) -> str:
        """Return the numbers of the chosen chart as text."""
        self.numbers.show_chart(self._chart)
        return self.numbers.table.as_text()

    def _build(self) -> None:
        for kind in self._kinds.values():
            self.chooser.addItem(kind.title, kind.key)
        self.chooser.setAccessibleName(self.tr("Chart"))
        theme().set_font(self.chooser, "card")
        self.chooser.setFixedWidth(round(_CHOOSER_WIDTH * theme().scale))
        self.as_numbers.setCheckable(True)
        head = QHBoxLayout()
        head.setSpacing(SPACE.s)
        head.addWidget(self.chooser)
        head.addWidget(self.note, 1)
        for widget in (*self.view.head_buttons, self.as_numbers, self.export):
            head.addWidget(widget)
        self._stack = QStackedWidget()
        self._scroll: QScrollArea = scrolled(self.panels)
        for page in (self.view, self._scroll, self.numbers, self.unmeasured):
            self._stack.addWidget(page)
        self.body.addLayout(head)
        self.body.addWidget(self._stack, 1)
        self.chooser.currentIndexChanged.connect(lambda _place: self._show())
        self.as_numbers.toggled.connect(lambda _on: self._show())

    def _show(self) -> None:
        kind = self._kinds[self.current()]
        is_pareto = kind.key == PARETO
        material = Material(self._comparison) if is_pareto else self._material()
        self._chart = kind.chart(material)
        if self._chart is None and kind.question and kind.question not in self._answered:
            self._answered.add(kind.question)
            self._say(self.tr("Looking for it…"), has_button=False)
            self.question_asked.emit(kind.question)
            return
        has_chart = self._chart is not None
        question = self.view.question if is_pareto and has_chart else ""
        self.note.setText(". ".join(filter(None, (kind.note, question))))
        self.chooser.setToolTip(kind.summary)
        for action in self.view.head_buttons:
            set_shown(action, is_pareto and has_chart and self.view.offers(action))
        set_shown(self.as_numbers, has_chart)
        set_shown(self.export, has_chart)
        if not has_chart:
            self._say(kind.missing, has_button=kind.is_measured)
        elif self.as_numbers.isChecked():
            self.numbers.show_chart(self._chart)
            self._stack.setCurrentWidget(self.numbers)
        elif is_pareto:
            self._stack.setCurrentWidget(self.view)
        else:
            self.panels.show_chart(self._chart)
            self._scroll.verticalScrollBar().setValue(0)
            self._stack.setCurrentWidget(self._scroll)

    def _say(self, sentence: str, *, has_button: bool) -> None:
        self.unmeasured.sentence.setText(sentence)
        set_shown(self.unmeasured.button, has_button)
        self._stack.setCurrentWidget(self.unmeasured)

    def _ask_to_export(self) -> None:
        self.export_asked.emit(self.current())
