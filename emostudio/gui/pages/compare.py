"""Compare: what every variant gained and cost, as measured on this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QStackedWidget, QVBoxLayout

from emostudio.gui.pages.base import Page
from emostudio.gui.pages.compare_changes import ChangesQuestion
from emostudio.gui.pages.compare_chart import ChartCard
from emostudio.gui.pages.compare_details import DetailsCard
from emostudio.gui.pages.compare_export import Exporter, Wanted
from emostudio.gui.pages.compare_facts import facts_line, why_not_for_publication
from emostudio.gui.pages.compare_measuring import Measuring, model_count
from emostudio.gui.pages.compare_table import columns, measured_keys, rows
from emostudio.gui.theme import theme
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import button
from emostudio.gui.widgets.card import Card, EmptyState, plain
from emostudio.gui.widgets.checked_menu import CheckedMenu
from emostudio.gui.widgets.data_table import DataTable
from emostudio.gui.widgets.labels import set_shown
from emostudio.qt.studio import Studio
from emostudio.workspace.charts.material import Material, gather
from emostudio.workspace.claims import check_claims, speed_claims
from emostudio.workspace.comparison import Comparison, ComparisonRow, compare
from emostudio.workspace.findings import answer
from emostudio.workspace.records import ModelRecord

_MOST_AT_FIRST = 9
_LOWER_PART = 318
"""Height of chart, gaps and card borders below and around the table, in pixels."""
_FEWEST_ROWS = 4
_SIDE = 452
_SIDE_WIDE = 560


class ComparePage(Page):
    """The page; `open` takes names of models to show."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio, QCoreApplication.translate("ComparePage", "Compare"))
        self.comparison = Comparison(rows=())
        self._models: dict[str, ModelRecord] = {}
        self._material: Callable[[], Material] = lambda: Material(self.comparison)
        self._is_wide = False
        self._note_action: Callable[[], object] = self._show_jobs
        self._chosen_columns: tuple[str, ...] | None = None
        self.choose_columns = CheckedMenu(self.tr("Columns"))
        self.choose_models = CheckedMenu(self.tr("Variants"), "add")
        self.measure = button(self.tr("Measure"), "default", "clock", self._open_measure)
        self.export = button(self.tr("Export"), "primary", "export", self._open_export)
        self.barred = button(
            self.tr("Not for publication"), "warn", "warning", self._show_why_barred
        )
        self.exporter = Exporter(studio, self)
        self.measuring = Measuring(studio, self)
        self.table = DataTable(columns(self.comparison), self.tr("Comparison"))
        self.charts = ChartCard()
        self.chart = self.charts.chart
        self.unmeasured = self.charts.unmeasured
        self._changes = ChangesQuestion(studio, self.charts.show_answer)
        self.details = DetailsCard()
        self.empty = EmptyState(
            "compare",
            self.tr("Nothing to compare yet. Import or train a teacher and compress it; every "
                    "variant then appears here beside it."),
            self.tr("New compression"),
            self.tr("Open models"),
        )  # fmt: skip
        self._stack = QStackedWidget()
        self._build()
        self._connect()

    def open(self, argument: object) -> None:
        """Show these models."""
        self.refresh()
        names = [argument] if isinstance(argument, str) else argument
        if isinstance(names, Sequence):
            wanted = [str(name) for name in names if str(name) in self._models]
            teachers = [m.name for m in self._models.values() if m.role == "teacher"]
            chosen = dict.fromkeys([*teachers[:1], *wanted])
            if len(chosen) > 1:
                self._offer_models(tuple(chosen))
                self._compare()
            if wanted:
                self.table.select_id(wanted[0])

    def refresh(self) -> None:
        """Read models and measurements again."""
        found = self.studio.workspace.models()
        old = self._models
        self._models = {model.name: model for model in found}
        chosen = [name for name in self.choose_models.checked() if name in self._models]
        fresh = [model.name for model in found if model.name not in old]
        room = max(0, _MOST_AT_FIRST - len(chosen))
        self._offer_models((*chosen, *fresh[:room]))
        self._stack.setCurrentIndex(1 if found else 0)
        for action in (self.choose_columns, self.choose_models, self.measure, self.export):
            set_shown(action, bool(found))
        self._compare()

    def copy_table(self) -> None:
        """Put the table on the clipboard as text."""
        QGuiApplication.clipboard().setText(self.table.table.as_text())
        self.note.show_note("ok", self.tr("Table copied."))

    def copy_numbers(self) -> None:
        """Put the numbers of the chosen chart on the clipboard as text."""
        QGuiApplication.clipboard().setText(self.charts.numbers_text())
        self.note.show_note("ok", self.tr("Numbers copied."))

    def export_to(self, path: Path, chart: str = "") -> None:
        """Write a comparison file, or one chart; the suffix says which."""
        self.exporter.export(path, self._wanted(chart))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Widen the interval columns in wide windows."""
        super().resizeEvent(event)
        is_wide = self.window().width() >= SPACE.wide_from
        self._fit_side()
        if is_wide != self._is_wide:
            self._is_wide = is_wide
            self.details.set_wide(is_wide=is_wide)
            self._show_table()
        self._fit_table()

    def _fit_side(self) -> None:
        is_wide = self.window().width() >= SPACE.wide_from
        self.details.setFixedWidth(theme().side_width(_SIDE_WIDE if is_wide else _SIDE))

    def _build(self) -> None:
        actions = (self.barred, self.choose_columns, self.choose_models, self.measure, self.export)
        for widget in actions:
            self.header.add_action(widget)
        theme().changed.connect(self._fit_side)
        card = Card()
        outer = card.layout()
        if outer is not None:
            outer.setContentsMargins(SPACE.s, SPACE.xs, SPACE.s, SPACE.xs)
        card.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        card.body.addWidget(self.table)
        below = QHBoxLayout()
        below.setSpacing(SPACE.m)
        below.addWidget(self.charts, 1)
        below.addWidget(self.details)
        view = plain()
        column = QVBoxLayout(view)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE.m)
        column.addWidget(card)
        column.addLayout(below, 1)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(view)
        self.body.addWidget(self._stack, 1)

    def _connect(self) -> None:
        self.choose_models.chosen.connect(lambda _names: self._compare())
        self.choose_columns.chosen.connect(self._on_columns)
        self.table.row_selected.connect(self._on_selected)
        self.table.row_activated.connect(lambda name: self.go.emit("models", name))
        self.chart.point_picked.connect(self._on_picked)
        self.charts.limits_changed.connect(lambda _limits: self._compare())
        self.charts.settle_asked.connect(self.measuring.settle)
        self.charts.question_asked.connect(lambda _kind: self._changes.ask(self._material))
        self.charts.export_asked.connect(self._open_chart_export)
        self.details.live_asked.connect(self._on_live)
        self.details.profile_asked.connect(self.measuring.profile)
        self.measuring.queued.connect(self._say_queued)
        self.unmeasured.acted.connect(self._open_measure)
        self.empty.acted.connect(lambda: self.go.emit("compress", None))
        self.empty.link_clicked.connect(lambda: self.go.emit("models", None))
        self.note.acted.connect(self._act_on_note)
        self.note.changed.connect(self._fit_table)
        self.exporter.started.connect(self._on_started)
        self.exporter.written.connect(self._on_written)
        self.exporter.failed.connect(self.note.show_error)
        self.studio.models_changed.connect(self.mark_stale)
        self.studio.datasets_changed.connect(self.mark_stale)
        self.studio.catalogue_ready.connect(self.mark_stale)

    def _offer_models(self, checked: Sequence[str]) -> None:
        options = [(name, name) for name in self._models]
        self.choose_models.set_options(options, checked, 1)
        self._count_models()

    def _count_models(self) -> None:
        self.choose_models.set_text(model_count(len(self.choose_models.checked())))

    def _compare(self) -> None:
        chosen = self.choose_models.checked()
        self._count_models()
        models = [self._models[name] for name in chosen if name in self._models]
        catalogue = self.studio.catalogue
        methods = {entry.key: entry for entry in catalogue.methods} if catalogue else {}
        self.comparison = compare(
            models,
            speed_claims=speed_claims(methods.values()),
            limits=self.charts.current_limits(),
        )
        self._show_table()
        self._material = self._gatherer(models)
        self._changes.forget()
        self.details.show_profiles(lambda: self._material().profiles)
        self.charts.show_comparison(self.comparison, self._material)
        self.details.show_answer(answer(self.comparison))
        claims = check_claims(models, self.comparison.baseline, methods, self.comparison.engine)
        self.details.show_claims(claims)
        self._on_selected(self.table.selected_id())
        self.header.set_facts(facts_line(self.comparison))
        set_shown(self.barred, bool(self.comparison.blockers))
        self.barred.setToolTip(why_not_for_publication(self.comparison))
        self.export.setEnabled(bool(models))
        self.measure.setEnabled(bool(models))

    def _gatherer(self, models: Sequence[ModelRecord]) -> Callable[[], Material]:
        """Return what reads the runs behind the comparison, once and only if a chart asks."""
        found = self.comparison
        return cache(lambda: gather(self.studio.workspace, models, found))

    def _show_table(self) -> None:
        known = columns(self.comparison, is_wide=self._is_wide)
        shown = self._chosen_columns
        if shown is None:
            shown = measured_keys(self.comparison, is_wide=self._is_wide)
        options = [
            (c.key, ", ".join(filter(None, (c.title, c.unit)))) for c in known if c.key != "variant"
        ]
        self.choose_columns.set_options(options, shown)
        self.table.set_columns([c for c in known if c.key in shown or c.key == "variant"])
        self.table.set_rows(rows(self.comparison))
        self._fit_table()

    def _fit_table(self) -> None:
        # The table gives way to the chart in low windows and scrolls.
        head = self.table.horizontalHeader().sizeHint().height() + 4
        row = self.table.verticalHeader().defaultSectionSize()
        note = 0 if self.note.isHidden() else self.note.sizeHint().height() + SPACE.m
        room = self.height() - SPACE.header - _LOWER_PART - note - head
        fits = max(_FEWEST_ROWS, room // row)
        self.table.setFixedHeight(head + max(1, min(len(self.comparison.rows), fits)) * row)

    def _wanted(self, chart: str = "") -> Wanted:
        found = self.comparison
        return Wanted(
            models=self.model_names(),
            data=found.dataset,
            title=self.tr("Comparison with {0}").format(found.baseline),
            chart=chart,
            limits=found.limits,
        )

    def _row(self, name: str) -> ComparisonRow | None:
        return next((row for row in self.comparison.rows if row.model == name), None)

    def _on_columns(self, shown: Sequence[str]) -> None:
        self._chosen_columns = tuple(shown)
        self._show_table()

    def _on_selected(self, name: str) -> None:
        self.charts.select(name)
        self.details.show_model(self._row(name), self._row(self.comparison.baseline))

    def _on_picked(self, name: str) -> None:
        self.table.select_id(name)
        self._on_selected(name)

    def _on_live(self, name: str) -> None:
        self.go.emit("live", tuple(dict.fromkeys((self.comparison.baseline, name))))

    def _say_queued(self, words: str, then: str) -> None:
        self.note.show_note("info", words, then, self.tr("Show jobs"))
        self._note_action = self._show_jobs

    def model_names(self) -> tuple[str, ...]:
        """Return the names of the models shown, the baseline first."""
        return tuple(row.model for row in self.comparison.rows)

    def _open_measure(self) -> None:
        self.measuring.menu(self.model_names()).popup(
            self.measure.mapToGlobal(self.measure.rect().bottomLeft())
        )

    def _open_export(self) -> None:
        menu = self.exporter.menu(self._wanted(), self.copy_table)
        menu.popup(self.export.mapToGlobal(self.export.rect().bottomLeft()))

    def _open_chart_export(self, chart: str) -> None:
        menu = self.exporter.menu(self._wanted(chart), self.copy_numbers)
        menu.popup(self.charts.export.mapToGlobal(self.charts.export.rect().bottomLeft()))

    def _on_started(self, path: str) -> None:
        self.note.show_note("info", self.tr("Writing {0}…").format(Path(path).name))

    def _on_written(self, path: str) -> None:
        folder = QUrl.fromLocalFile(str(Path(path).parent))
        self._note_action = partial(QDesktopServices.openUrl, folder)
        words = self.tr("Saved {0}.").format(Path(path).name)
        self.note.show_note("ok", words, path, self.tr("Show in folder"))

    def _act_on_note(self) -> None:
        self._note_action()

    def _show_jobs(self) -> None:
        self.go.emit("jobs", None)

    def _show_why_barred(self) -> None:
        words = self.tr("These figures are not for publication.")
        why = why_not_for_publication(self.comparison)
        self.note.show_note("warn", words, why, self.tr("Measure again"))
        self._note_action = self._open_measure
