"""What holds for every chart, however it is drawn; a new file is covered by being there."""

import csv
import json
import math
import shutil
import subprocess
from dataclasses import asdict, replace
from datetime import UTC, datetime

import chart_material
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from emostudio.core.errors import InputError
from emostudio.reports.base import Report
from emostudio.reports.catalogue import WRITERS, describe_formats
from emostudio.reports.comparison import writer_of
from emostudio.reports.drawing.figure import PRINT_WIDTH_IN, chart_figure
from emostudio.reports.pgf.document import document
from emostudio.reports.style import chart_style
from emostudio.workspace.charts.base import Bars, Matrix, Plot, Radar
from emostudio.workspace.charts.catalogue import CHARTS, chart_kinds, drawn
from emostudio.workspace.charts.tables import numbers

KEYS = sorted(CHARTS.members())
WITH_INTERVALS = {"bars", "calibration", "classes", "layers", "pareto"}
SINGLE = sorted(key for key, writer in WRITERS.members().items() if writer.write_chart)


@pytest.fixture(scope="module")
def material():
    return chart_material.full()


@pytest.fixture(scope="module")
def report(material):
    return Report(
        title="Charts", comparison=material.comparison, created=datetime(2026, 11, 25, tzinfo=UTC),
        curves=material.curves, ablations=material.ablations,
        changes=material.changes,
        profiles=material.profiles,
        facts=(("Machine", "Test CPU"), ("Engine", "onnxruntime, 1 thread")),
    )  # fmt: skip


def chart(key, material):
    return CHARTS.get(key).chart(material)


def test_charts_have_an_order_of_their_own():
    orders = [kind.order for kind in chart_kinds()]
    assert len(set(orders)) == len(orders)


@pytest.mark.parametrize("key", KEYS)
def test_every_chart_draws_what_was_measured_and_has_its_numbers(key, material):
    made = chart(key, material)
    assert made is not None
    tables = numbers(made)
    assert tables
    for table in tables:
        assert table.title
        assert table.rows
        assert all(len(row) == len(table.heads) for row in table.rows)
        words = key == "changes"
        assert any(isinstance(v, float | int) or words for row in table.rows for v in row)


@pytest.mark.parametrize("key", KEYS)
def test_every_chart_says_what_it_lacks(key):
    kind = CHARTS.get(key)
    assert kind.missing.endswith(".")
    assert kind.summary
    kind.chart(chart_material.bare())  # None or a chart, never an error


@pytest.mark.parametrize("key", KEYS)
def test_every_interval_holds_its_value(key, material):
    pairs = []
    for panel in chart(key, material).panels:
        if isinstance(panel, Bars):
            pairs += [(bar.value, bar.interval) for row in panel.values for bar in row]
        elif isinstance(panel, Plot):
            pairs += [(mark.y, mark.y_interval) for mark in panel.marks]
            pairs += [
                pair for line in panel.lines for pair in zip(line.ys, line.intervals, strict=False)
            ]
    known = [pair for pair in pairs if all(pair)]
    assert known or key not in WITH_INTERVALS
    assert all(low <= value <= high for value, (low, high) in known)


@pytest.mark.parametrize("key", KEYS)
def test_every_chart_is_plain_data(key, material):
    text = json.dumps(asdict(chart(key, material)))
    assert "NaN" not in text


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("width", [PRINT_WIDTH_IN, 11.69])
def test_no_text_of_a_drawn_chart_is_cut_off(key, width, material):
    with chart_style():
        figure = chart_figure(chart(key, material), "Machine: Test CPU.", width)
        FigureCanvasAgg(figure).draw()
        box = figure.bbox
        for text in shown_texts(figure):
            extent = text.get_window_extent()
            is_inside = extent.x0 >= box.x0 - 1 and extent.x1 <= box.x1 + 1
            is_inside = is_inside and extent.y0 >= box.y0 - 1 and extent.y1 <= box.y1 + 1
            assert is_inside, text.get_text()


def shown_texts(figure):
    texts = [*figure.texts, *(text for key in figure.legends for text in key.get_texts())]
    for axes in figure.axes:
        texts += [*axes.texts, axes.title, axes.xaxis.label, axes.yaxis.label]
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = axis.get_major_ticks()
            texts += [tick.label1 for tick in ticks if low <= tick.get_loc() <= high]
    return [text for text in texts if text.get_visible() and text.get_text().strip()]


@pytest.mark.parametrize("key", KEYS)
def test_series_differ_in_more_than_their_colour(key, material):
    from emostudio.reports import palette

    for panel in chart(key, material).panels:
        slots = []
        if isinstance(panel, Bars) and len(panel.series) > 1:
            slots = [slot for _, slot in panel.series]
            looks = {palette.series(slot).marker for slot in slots[1:]}
            assert len(looks) == len(slots) - 1
        elif isinstance(panel, Radar):
            slots = [slot for _, slot, _ in panel.rings]
        elif isinstance(panel, Plot):
            slots = [line.slot for line in panel.lines if line.role == "full"]
        looks = {(s.marker, s.dash, s.width) for s in map(palette.series, slots)}
        assert len(looks) == len(slots)


@pytest.mark.parametrize("suffix", SINGLE)
@pytest.mark.parametrize("key", KEYS)
def test_every_chart_goes_into_every_format_for_charts(key, suffix, report, tmp_path):
    out = tmp_path / f"chart.{suffix}"
    WRITERS.get(suffix).write_chart(report, chart(key, report_material(report)), out)
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    assert out.stat().st_size > 200
    if suffix in {"csv", "tex", "tikz", "json"}:
        assert "Test CPU" in out.read_text("utf-8")


def report_material(report):
    from emostudio.workspace.charts.material import Material

    return Material(
        report.comparison, report.curves, report.ablations, report.changes, report.profiles
    )


def test_every_format_for_charts_is_promised():
    assert {"png", "svg", "pdf", "tikz", "csv", "json", "tex"} <= set(SINGLE)


def test_formats_of_whole_reports_refuse_a_single_chart(tmp_path):
    with pytest.raises(InputError, match=r"\.png"):
        writer_of(tmp_path / "c.html", "bars")
    with pytest.raises(InputError, match="no chart called"):
        writer_of(tmp_path / "c.png", "pie")


def test_the_engine_lists_every_format_for_the_window():
    listed = {entry.key: entry for entry in describe_formats()}
    assert set(listed) == set(WRITERS.members())
    assert {key for key, entry in listed.items() if entry.writes_charts} == set(SINGLE)
    assert next(iter(listed.values())).family == "document"


def test_csv_of_a_chart_gives_each_number_its_engine_and_machine(report, tmp_path):
    material = report_material(report)
    WRITERS.get("csv").write_chart(report, chart("pareto", material), tmp_path / "c.csv")
    with (tmp_path / "c.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    marks = [row for row in rows if row["variant"] in chart_material.NAMES]
    assert len(marks) == 4
    assert {row["machine"] for row in marks} == {"Test CPU"}
    assert {row["engine"] for row in marks} == {"onnxruntime"}


def test_code_for_latex_balances_its_braces_and_environments(material):
    text = document(drawn(material), "Made of 100 % _things_ & more")
    plain = text.replace("\\\\", "").replace(r"\{", "").replace(r"\}", "")
    assert plain.count("{") == plain.count("}")
    assert text.count(r"\begin{") == text.count(r"\end{")
    assert all(ord(sign) < 128 for sign in text)


def has_pgfplots():
    if shutil.which("pdflatex") is None or shutil.which("kpsewhich") is None:
        return False
    found = subprocess.run(["kpsewhich", "pgfplots.sty"], capture_output=True, check=False)
    return found.returncode == 0


@pytest.mark.skipif(not has_pgfplots(), reason="LaTeX with pgfplots is not installed")
def test_latex_compiles_every_chart(material, tmp_path):
    (tmp_path / "charts.tikz").write_text(document(drawn(material), "Test CPU"), encoding="utf-8")
    page = (
        r"\documentclass{article}\usepackage{pgfplots}\pgfplotsset{compat=1.16}"
        r"\begin{document}\input{charts.tikz}\end{document}"
    )
    (tmp_path / "page.tex").write_text(page, encoding="utf-8")
    subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=tmp_path, check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    assert (tmp_path / "page.pdf").stat().st_size > 1000


def test_times_below_a_millisecond_keep_two_digits(material):
    rows = tuple(
        row.model_copy(update={"latency_ms": row.latency_ms.model_copy(update={"p50": 0.085})})
        for row in material.comparison.rows
    )
    faster = replace(material, comparison=material.comparison.model_copy(update={"rows": rows}))
    decimals = [chart("bars", made).panels[1].decimals for made in (material, faster)]
    assert decimals == [1, 3]


def test_shares_of_a_radar_reach_one_for_the_best(material):
    (panel,) = chart("radar", material).panels
    for place in range(len(panel.axes)):
        shares = [ring[2][place] for ring in panel.rings if ring[2][place] is not None]
        assert math.isclose(max(shares), 1.0)
        assert min(shares) > 0


def test_rows_of_a_confusion_matrix_sum_to_hundred(material):
    for panel in chart("confusion", material).panels:
        assert isinstance(panel, Matrix)
        assert all(math.isclose(sum(row), 100.0) for row in panel.values)


def test_layers_that_were_timed_on_a_disturbed_machine_say_so(material):
    times, *counted = CHARTS.get("layers").draw(material)
    assert times.note.endswith("The machine runs on battery")
    assert not any("battery" in panel.note for panel in counted)


@pytest.mark.parametrize("key", ["accuracy", "macro_f1"])
def test_a_radar_keeps_the_axis_on_which_somebody_has_nothing(material, key):
    rows = material.comparison.rows
    place = ("accuracy", "macro_f1").index(key)
    none_right = [row.model_copy(update={key: 0.0 if row.is_baseline else 0.5}) for row in rows]
    (radar,) = CHARTS.get("radar").draw(with_rows(material, none_right))
    shares = [ring[2][radar.axes.index(("Accuracy", "Macro-F1")[place])] for ring in radar.rings]
    assert shares == [0.0, 1.0, 1.0, 1.0]
    (radar,) = CHARTS.get("radar").draw(
        with_rows(material, [row.model_copy(update={key: 0.0}) for row in rows])
    )
    assert {ring[2][place] for ring in radar.rings} == {0.0}


def with_rows(material, rows):
    return replace(
        material, comparison=material.comparison.model_copy(update={"rows": tuple(rows)})
    )
