"""The compare page: real measurements in a real workspace, no invented number."""

from pathlib import Path

import gui_fakes as fakes
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton

from emostudio.core.comparing import LayerProfile, ModelProfile, ProfileReport
from emostudio.core.events import Failed
from emostudio.core.jobs import BenchJob, ChangesJob, CompareJob, EvaluateJob, JobStatus, ProfileJob
from emostudio.gui.dialogs import Question
from emostudio.gui.pages.compare import ComparePage
from emostudio.gui.pages.compare_export import Wanted
from emostudio.gui.pages.compare_table import columns
from emostudio.workspace.charts.catalogue import chart_kinds
from emostudio.workspace.figures import FIGURES, best_of, texts
from emostudio.workspace.findings import findings

MEASURED = {
    "teacher": (0.95, 40.0, None, None),
    "int8": (0.945, 20.0, 2.0, (1.9, 2.1)),
    "shared": (0.80, 40.5, 0.99, (0.97, 1.01)),
}


@pytest.fixture
def workspace(qapp, tmp_path):
    with fakes.open_workspace(tmp_path / "workspace") as workspace:
        yield workspace


def show(qtbot, workspace):
    page = ComparePage(fakes.FakeStudio(workspace))
    qtbot.addWidget(page)
    page.resize(1200, 692)
    page.show()
    return page


@pytest.fixture
def measured(qtbot, workspace):
    fakes.add_measurements(workspace, MEASURED)
    return show(qtbot, workspace)


def cell(page, name, key):
    model = page.table.table
    row = next(place for place, row in enumerate(model.rows) if row.id == name)
    column = next(place for place, column in enumerate(model.columns) if column.key == key)
    return model.cell(row, column)


def test_without_measurements_every_number_is_a_dash(qtbot, workspace):
    page = show(qtbot, workspace)
    for key in ("p50", "p95", "p99", "speed", "resident", "accuracy", "f1"):
        assert cell(page, "int8", key).text == "–"
    assert cell(page, "int8", "disk").text == "1.0"
    assert page.header.facts.full_text() == "Nothing measured yet"
    assert page.unmeasured.isVisibleTo(page)


def test_measured_numbers_stand_in_the_table_with_their_intervals(measured):
    assert cell(measured, "int8", "p50").text == "20.0"
    speed = cell(measured, "int8", "speed")
    assert speed.text == "2.00×"
    assert speed.interval == (1.9, 2.0, 2.1)
    assert cell(measured, "int8", "accuracy").text == "94.5"
    assert cell(measured, "int8", "verdict").verdict == "proved"
    assert cell(measured, "teacher", "verdict").verdict == "baseline"
    assert measured.header.facts.full_text() == "faces, test split, 320 images. 1 thread"


def test_the_teacher_comes_first_and_its_speed_is_one(measured):
    assert measured.table.table.rows[0].id == "teacher"
    assert cell(measured, "teacher", "speed").text == "1×"


def test_a_proved_loss_of_accuracy_is_marked(measured):
    assert cell(measured, "shared", "accuracy").has_lost
    assert not cell(measured, "int8", "accuracy").has_lost


def test_every_figure_of_the_reports_is_a_column(measured):
    shown = {column.key: column for column in columns(measured.comparison)}
    assert list(shown) == ["variant", "engine", *(figure.key for figure in FIGURES), "verdict"]
    assert shown["accuracy"].unit == "%, 95 %"
    for key in ("p50", "p95", "disk", "accuracy", "f1"):
        figure = next(figure for figure in FIGURES if figure.key == key)
        values = [figure.value(row) for row in measured.comparison.rows]
        names = [row.model for row in measured.comparison.rows]
        assert [cell(measured, name, key).text for name in names] == texts(values, figure.decimals)
        assert [cell(measured, name, key).is_bold for name in names] == best_of(figure, values)


def test_a_simulated_variant_shows_no_latency(qtbot, workspace):
    fakes.add_measurements(workspace, MEASURED, kernels={"shared": "simulated"})
    page = show(qtbot, workspace)
    assert cell(page, "shared", "p50").text == "–"
    assert cell(page, "shared", "speed").text == "no real kernel"
    assert cell(page, "shared", "verdict").verdict == "simulated"
    assert "shared" not in page.chart.accessibleDescription()


def test_columns_sort_as_numbers_with_missing_values_last(qtbot, workspace):
    fakes.add_model(workspace, "unmeasured", 500_000)
    fakes.add_measurements(workspace, MEASURED)
    page = show(qtbot, workspace)
    place = next(n for n, c in enumerate(page.table.table.columns) if c.key == "p50")
    for order, expected in (
        (Qt.SortOrder.AscendingOrder, ["20.0", "40.0", "40.5", "–"]),
        (Qt.SortOrder.DescendingOrder, ["40.5", "40.0", "20.0", "–"]),
    ):
        page.table.sortByColumn(place, order)
        model = page.table.model()
        shown = [model.index(row, place).data() for row in range(model.rowCount())]
        assert shown == expected


def test_models_and_columns_can_be_left_out(measured):
    measured.choose_models.toggle("shared")
    assert [row.id for row in measured.table.table.rows] == ["teacher", "int8"]
    measured.choose_columns.toggle("p99")
    assert "p99" not in [column.key for column in measured.table.table.columns]


def test_the_chart_names_frontier_and_dominated_points(measured):
    words = measured.chart.accessibleDescription()
    assert "int8 20.0 ms 94.5 % frontier" in words
    assert "shared 40.5 ms 80.0 % dominated" in words
    # int8 is proved faster, but not proved as accurate: nobody knows which is on the frontier
    assert "teacher 40.0 ms 95.0 % undecided" in words


def test_undecided_points_can_be_settled_by_just_enough_timing(qtbot, workspace):
    unclear = {**MEASURED, "int8": (0.945, 39.0, 1.03, (0.99, 1.07))}
    fakes.add_measurements(workspace, unclear)
    page = show(qtbot, workspace)
    assert page.charts.view.settle.isVisibleTo(page)
    page.charts.view.settle.click()
    job = page.studio.submitted[-1]
    assert isinstance(job, BenchJob)
    assert {"teacher", "int8"} <= set(job.models)
    assert job.blocks > 30


def test_limits_are_drawn_and_told(measured):
    measured.charts.view.most_ms.setValue(30.0)
    measured.charts.view.least_percent.setValue(90.0)
    words = measured.chart.accessibleDescription()
    assert "limit 30 ms" in words
    assert "limit 90 %" in words
    assert measured.comparison.limits.least_accuracy == pytest.approx(0.9)


def test_the_answer_names_the_fastest_variant_without_a_proved_loss(measured):
    words = fakes.texts(measured.details)
    assert "Fastest without a proved loss: int8" in words
    assert "2.00× faster than teacher (95 % 1.90–2.10), 4.00× smaller on disk" in words
    assert "Accuracy − 0.5 points (95 % − 1.5 to + 0.5), no loss proved" in words


def test_window_and_report_say_the_same(measured):
    shown = fakes.texts(measured.details)
    said = findings(measured.comparison)
    assert said[0] == "Fastest without a proved loss: int8"
    assert all(line in shown for line in said[:3])


def test_nothing_is_called_faster_when_nothing_was_proved(qtbot, workspace):
    slow = {**MEASURED, "int8": (0.94, 41.0, 0.98, (0.97, 0.99))}
    fakes.add_measurements(workspace, slow)
    page = show(qtbot, workspace)
    assert "Nothing was proved faster than teacher here" in fakes.texts(page.details)


def test_published_claims_stand_beside_ours(measured):
    rows = {row.id: row for row in measured.details.ledger.table.table.rows}
    smaller = rows["int8 4× smaller"].cells
    assert (smaller["here"].text, smaller["verdict"].verdict) == ("4.00×", "proved")
    faster = rows["shared 2× faster"].cells
    assert (faster["here"].text, faster["verdict"].verdict) == ("0.99×", "refuted")
    assert faster["theory"].text == "–"  # nothing was noted about these layers


def test_the_reason_of_the_chosen_claim_stands_below_the_ledger(measured):
    measured.details.ledger.table.select_id("shared 2× faster")
    assert "was not noted when this variant was made" in measured.details.ledger.reason.text()
    measured.details.ledger.table.select_id("int8 4× smaller")
    assert measured.details.ledger.reason.text() == "int8 4× smaller: reached: 4.0× of 4×"


def test_selecting_a_row_shows_it_class_by_class(qtbot, measured):
    measured.table.select_id("int8")
    measured.details.views.chosen.emit("classes")
    assert "Anger" in measured.details.bars.accessibleDescription()
    assert "called" in measured.details.confusion.accessibleDescription()


def test_wide_windows_show_claims_classes_and_confusion_together(qtbot, measured):
    measured.table.select_id("int8")
    measured.resize(1700, 1000)
    details = measured.details
    qtbot.waitUntil(lambda: details.confusion.isVisibleTo(details))
    assert details.ledger.table.isVisibleTo(details)
    assert details.bars.isVisibleTo(details)
    measured.resize(1200, 692)
    qtbot.waitUntil(lambda: not details.confusion.isVisibleTo(details))


def test_picking_a_point_selects_its_row(measured):
    measured.chart.point_picked.emit("int8")
    assert measured.table.selected_id() == "int8"


def test_measure_queues_accuracy_and_interleaved_speed_of_the_chosen_models(qtbot, workspace):
    page = show(qtbot, workspace)
    menu = page.measuring.menu(page.model_names())
    menu.actions()[0].trigger()
    evaluate, bench = page.studio.submitted
    assert isinstance(evaluate, EvaluateJob)
    assert evaluate.data == "synthetic"
    assert isinstance(bench, BenchJob)
    assert bench.models == evaluate.models == ("teacher", "int8", "shared")
    with qtbot.waitSignal(page.go) as gone:
        page.note.acted.emit()
    assert gone.args[0] == "jobs"


def test_speed_alone_can_be_measured(qtbot, workspace):
    page = show(qtbot, workspace)
    page.measuring.menu(page.model_names()).actions()[-1].trigger()
    assert [job.kind for job in page.studio.submitted] == ["bench"]


def test_new_measurements_appear_by_themselves(qtbot, workspace):
    page = show(qtbot, workspace)
    fakes.add_measurements(workspace, MEASURED)
    page.studio.models_changed.emit()
    assert cell(page, "int8", "p50").text == "20.0"


def test_export_is_written_by_the_worker_and_its_folder_offered(measured, tmp_path):
    measured.export_to(tmp_path / "table.pdf")
    job, on_answer, _ = measured.studio.asked[-1]
    assert isinstance(job, CompareJob)
    assert job.models == ("teacher", "int8", "shared")
    assert Path(job.out) == tmp_path / "table.pdf"
    on_answer({"out": job.out})
    assert "Saved table.pdf" in measured.note.text()
    assert "Show in folder" in fakes.texts(measured.note)


def test_a_failed_export_says_why(measured, tmp_path):
    measured.export_to(tmp_path / "table.pdf")
    measured.studio.asked[-1][2](Failed(what="Could not write table.pdf", why="disk full"))
    assert "disk full" in measured.note.text().lower()


@pytest.mark.parametrize(("answer", "asked"), [("Keep it", 0), ("Replace", 1)])
def test_an_existing_file_is_replaced_only_if_the_user_says_so(
    qtbot, measured, tmp_path, answer, asked
):
    file = tmp_path / "table.csv"
    file.write_text("precious")
    measured.export_to(file)
    question = measured.findChild(Question)
    assert question is not None
    assert not measured.studio.asked
    buttons = {b.text(): b for b in question.findChildren(QPushButton)}
    qtbot.mouseClick(buttons[answer], Qt.MouseButton.LeftButton)
    assert len(measured.studio.asked) == asked


def test_the_table_copies_as_text_with_units(measured):
    measured.copy_table()
    text = QGuiApplication.clipboard().text()
    assert "p50 (ms)" in text
    assert "2.00×" in text


def test_try_live_takes_the_baseline_along(qtbot, measured):
    with qtbot.waitSignal(measured.go) as gone:
        measured.details.live.click()
    assert gone.args == ["live", ("teacher", "int8")]


def test_opening_with_a_model_selects_it(measured):
    measured.open("shared")
    assert measured.table.selected_id() == "shared"


def test_an_empty_workspace_offers_the_next_step(qtbot, qapp, tmp_path):
    from emostudio.workspace.store import Workspace

    with Workspace.open(tmp_path) as workspace:
        page = show(qtbot, workspace)
        assert page.empty.isVisibleTo(page)
        with qtbot.waitSignal(page.go) as gone:
            page.empty.acted.emit()
        assert gone.args[0] == "compress"


CHARTS = [kind.key for kind in chart_kinds()]


def choose_chart(page, key):
    kind = next(kind for kind in chart_kinds() if kind.key == key)
    page.charts.chooser.setCurrentText(kind.title)
    return kind


@pytest.mark.parametrize("key", CHARTS)
def test_every_chart_of_the_catalogue_is_offered_and_drawn_or_says_what_is_missing(
    qtbot, measured, key
):
    measured.resize(1200, 692)
    kind = choose_chart(measured, key)
    page = measured.charts
    if kind.question:
        refuse(measured)
    if page.unmeasured.isVisibleTo(measured):
        assert kind.missing in fakes.texts(page)
        assert not page.export.isVisibleTo(measured)
        assert page.unmeasured.button.isVisibleTo(measured) == kind.is_measured
    elif key == "pareto":
        assert page.chart.isVisibleTo(measured)
    else:
        assert page.panels.isVisibleTo(measured)
        assert "int8" in page.panels.accessibleDescription()
        assert len(set(page.panels.grab().toImage().bits())) > 10


@pytest.mark.parametrize("key", ["pareto", "bars", "classes"])
def test_a_chart_turns_into_its_numbers_and_back(measured, key):
    choose_chart(measured, key)
    measured.charts.as_numbers.click()
    table = measured.charts.numbers
    assert table.isVisibleTo(measured)
    words = {cell.text for row in table.table.rows for cell in row.cells.values()}
    assert "int8" in words
    measured.charts.as_numbers.click()
    assert not table.isVisibleTo(measured)


def test_the_sizes_are_told_apart_by_what_they_mean(qtbot, measured):
    choose_chart(measured, "sizes")
    measured.resize(1200, 692)
    panels = measured.charts.panels
    meanings = {panel.title.split(",")[0]: panel.note for panel in panels.panels()}
    assert {"Disk", "Resident", "Parameters", "MACs"} <= set(meanings)
    assert len(set(meanings.values())) == len(meanings)
    shown = {panels.meaning_at(x, y) for x in range(0, 700, 20) for y in range(0, 400, 20)}
    assert set(meanings.values()) <= shown
    heads = {c.key: c.tooltip for c in columns(measured.comparison)}
    assert heads["disk"] == meanings["Disk"]
    assert "fresh process" in heads["resident"]


def test_one_chart_is_exported_with_the_limits_on_it(measured, tmp_path):
    choose_chart(measured, "calibration")
    measured.charts.view.most_ms.setValue(30.0)
    measured.export_to(tmp_path / "c.tikz", measured.charts.current())
    job, _, _ = measured.studio.asked[-1]
    assert (job.chart, job.limits.most_ms) == ("calibration", 30.0)


def test_formats_come_from_the_engine_and_only_some_hold_one_chart(measured):
    wanted = Wanted(("teacher",), "faces", "Mine")
    assert titles(measured.exporter.menu(wanted, list)) == ["HTML…", "PNG…", "Copy table as text"]
    chart = Wanted(("teacher",), "faces", "Mine", "bars")
    assert titles(measured.exporter.menu(chart, list)) == ["PNG…", "Copy numbers as text"]
    measured.studio.catalogue = None
    assert titles(measured.exporter.menu(chart, list))[0] == "The engine is starting"


def titles(menu):
    return [action.text() for action in menu.actions() if not action.isSeparator()]


def test_numbers_of_a_chart_copy_as_text(measured):
    choose_chart(measured, "bars")
    measured.copy_numbers()
    text = QGuiApplication.clipboard().text()
    assert "int8" in text
    assert "Accuracy, %" in text


def test_training_curves_are_read_from_the_runs_only_when_they_are_shown(
    qtbot, workspace, monkeypatch
):
    asked = []
    monkeypatch.setattr(workspace, "events", lambda *a, **k: asked.append(a) or ([], 0))
    run = workspace.create_run(EvaluateJob(models=("int8",), data="faces"))
    file = workspace.models_folder / "int8.safetensors"
    record = workspace.model("int8")
    workspace.add_model(file, record.info, role="variant", run=run.id)
    page = show(qtbot, workspace)
    assert asked == []
    choose_chart(page, "curves")
    assert asked


def refuse(page):
    job, _, on_error = page.studio.asked[-1]
    assert isinstance(job, ChangesJob)
    on_error(Failed(what="It is not known which pictures", next_step="Measure the accuracy"))


def changed(model):
    picture = {
        "item": "a.png", "truth": "anger", "before": "anger", "now": "fear",
        "confidence_before": 0.9, "confidence_now": 0.7, "png_base64": "",
    }  # fmt: skip
    return {
        "model": model, "against": "teacher", "pictures": 320, "changed": 1, "lost": 1,
        "gained": 0, "shown": [picture],
    }  # fmt: skip


def test_changed_pictures_are_asked_for_once_and_shown_with_their_counts(measured):
    choose_chart(measured, "changes")
    assert "Looking for it…" in fakes.texts(measured.charts)
    job, on_answer, _ = measured.studio.asked[-1]
    assert (job.models, job.data) == (("teacher", "int8", "shared"), "faces")
    on_answer({"data": "faces", "split": "test", "changes": [changed("int8")]})
    words = measured.charts.panels.accessibleDescription()
    assert "1 lost, 0 gained" in words
    assert "a.png Anger Anger 90 % Fear 70 % lost" in words
    choose_chart(measured, "bars")
    choose_chart(measured, "changes")
    assert [j.kind for j, *_ in measured.studio.asked] == ["changes"]


def test_an_answer_about_other_models_is_dropped(measured):
    choose_chart(measured, "changes")
    _, on_answer, _ = measured.studio.asked[-1]
    measured.choose_models.toggle("shared")
    on_answer({"data": "faces", "split": "test", "changes": [changed("shared")]})
    assert "shared" not in measured.charts.panels.accessibleDescription()


def add_profile(page):
    def profiled(model, ms, error=None):
        layer = LayerProfile(
            layer="conv1", kind="conv", kernels=("Conv + Relu",), ms=ms, interval=(ms, 1.1 * ms),
            macs=2_000_000, parameters=10, disk_bytes=4_000, weight_error=error,
        )  # fmt: skip
        return ModelProfile(
            model=model, engine="onnxruntime", threads=1, kernels="real", layers=(layer,),
            other_ms=0.0, total_ms=ms,
        )  # fmt: skip

    report = ProfileReport(
        machine={"cpu": "Test CPU"}, blocks=9,
        profiles=(profiled("teacher", 0.5), profiled("int8", 0.2, 0.04)),
    )  # fmt: skip
    run = page.studio.workspace.create_run(ProfileJob(models=("teacher", "int8")))
    page.studio.workspace.update_run(
        run.id, status=JobStatus.DONE, result=report.model_dump(mode="json")
    )
    page.studio.models_changed.emit()


def show_view(page, view):
    page.details.views.set_current(view)
    page.details.views.chosen.emit(view)


def test_layers_stand_beside_those_of_the_baseline_with_kernel_and_error(measured):
    add_profile(measured)
    measured.table.select_id("int8")
    show_view(measured, "layers")
    (row,) = measured.details.layers.table.table.rows
    texts = [row.cells[key].text for key in ("layer", "before", "ms", "macs", "error", "kernel")]
    assert texts == ["conv1", "0.500", "0.200", "2.00", "4.0", "Conv + Relu"]
    assert "0.2000 (0.2000–0.2200) ms" in row.cells["ms"].tooltip
    assert "onnxruntime, 1 thread, Test CPU" in fakes.texts(measured.details)


def test_layers_that_were_not_timed_can_be(measured):
    measured.table.select_id("shared")
    show_view(measured, "layers")
    layers = measured.details.layers
    assert "The layers of shared were not timed yet." in fakes.texts(measured.details)
    assert not layers.table.isVisibleTo(measured)
    layers.again.click()
    job = measured.studio.submitted[-1]
    assert isinstance(job, ProfileJob)
    assert job.models == ("teacher", "shared")
    assert "Timing the layers of shared" in measured.note.text()


def test_profiled_layers_are_a_chart(measured):
    add_profile(measured)
    choose_chart(measured, "layers")
    words = measured.charts.panels.accessibleDescription()
    assert "conv1 int8 0.2" in words


def test_the_chosen_variant_stays_chosen_when_something_was_measured(measured):
    measured.table.select_id("shared")
    measured.studio.models_changed.emit()
    assert measured.table.selected_id() == "shared"
    measured.choose_columns.toggle("p99")
    assert measured.table.selected_id() == "shared"
