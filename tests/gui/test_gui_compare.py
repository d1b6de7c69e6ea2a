"""The compare page: real measurements in a real workspace, no invented number."""

import gui_fakes as fakes
import pytest
from compare_fakes import MEASURED, cell, measured_page, show, workspace_in
from PySide6.QtCore import Qt

from emostudio.core.jobs import BenchJob, EvaluateJob
from emostudio.gui.pages.compare_table import columns
from emostudio.workspace.figures import FIGURES, best_of, texts
from emostudio.workspace.findings import findings

workspace = pytest.fixture(workspace_in)
measured = pytest.fixture(measured_page)


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
    assert "Accuracy −\u00a00.5 points (95 % −\u00a01.5 to +\u00a00.5), no loss proved" in words


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


def test_the_chosen_variant_stays_chosen_when_something_was_measured(measured):
    measured.table.select_id("shared")
    measured.studio.models_changed.emit()
    assert measured.table.selected_id() == "shared"
    measured.choose_columns.toggle("p99")
    assert measured.table.selected_id() == "shared"
