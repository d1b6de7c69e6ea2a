from datetime import timedelta

import numpy as np
import pytest
from matplotlib.figure import Figure

from emostudio.core.answers import ClaimInfo
from emostudio.gui.tokens import LIGHT
from emostudio.reports import comparison, palette
from emostudio.reports.drawing.plot import draw_plot
from emostudio.reports.table import COLUMNS, accuracy_strips, cells, shown_columns, speed_strips
from emostudio.statistics.verdicts import Verdict
from emostudio.workspace.charts.catalogue import CHARTS
from emostudio.workspace.charts.material import Material
from emostudio.workspace.comparison import compare


@pytest.fixture
def rows(records):
    return compare(records).rows


def _column(key):
    return next(column for column in COLUMNS if column.key == key)


def test_columns_have_the_same_decimals_all_the_way_down(rows):
    texts = [cell.text for cell in cells(_column("inference_p50_ms"), rows)]
    assert texts == ["10.0", "2.5", "10.0", "–"]
    assert [cell.text for cell in cells(_column("disk_mb"), rows)] == [
        "8.00",
        "1.00",
        "0.20",
        "1.00",
    ]


def test_the_best_of_a_column_is_marked(rows):
    assert [cell.is_best for cell in cells(_column("inference_p50_ms"), rows)] == [
        False,
        True,
        False,
        False,
    ]
    assert [cell.is_best for cell in cells(_column("accuracy_percent"), rows)] == [
        True,
        False,
        True,
        False,
    ]


def test_only_a_proved_loss_of_accuracy_is_marked(rows):
    marked = [cell.is_loss for cell in cells(_column("accuracy_percent"), rows)]
    assert marked == [False, True, False, True]


def test_the_columns_of_files_keep_their_names():
    assert [column.key for column in COLUMNS] == [
        "training_step_ms",
        "inference_p50_ms",
        "inference_p95_ms",
        "inference_p99_ms",
        "speed_ratio",
        "disk_mb",
        "resident_mb",
        "peak_mb",
        "training_memory_mb",
        "parameters_million",
        "macs_million",
        "accuracy_percent",
        "macro_f1",
        "calibration_error_percent",
    ]


def test_columns_nobody_measured_are_left_out(rows):
    keys = [column.key for column in shown_columns(rows)]
    assert "training_step_ms" not in keys
    assert "inference_p99_ms" in keys


def test_strips_share_one_scale_per_column(rows):
    speed = speed_strips(rows)
    assert speed[0] is None
    assert speed[1].reference == speed[2].reference
    assert 0 <= speed[2].low < speed[2].centre < speed[1].centre < speed[1].high <= 1
    accuracy = accuracy_strips(rows)
    assert accuracy[0].centre == accuracy[0].reference
    assert accuracy[3].high < accuracy[3].reference


def test_the_footer_dates_the_times_that_are_shown(records):
    bench = records[0].benches[0]
    later = bench.model_copy(
        update={
            "measured": bench.measured + timedelta(days=3),
            "bench": "later",
            "result": bench.result.model_copy(update={"engine": "torch"}),
        }
    )
    newer = records[0].model_copy(update={"benches": (later, bench)})
    facts = dict(comparison.build([newer, *records[1:]]).facts)
    assert facts["Measured"] == "2026-11-23 12:00 UTC"


def test_claims_are_held_against_the_parent(records, monkeypatch):
    class Method:
        key, title = "deep_compression", "Deep Compression"
        claim = ClaimInfo(smaller=49, faster=0.9, baseline="VGG-16", source="Han 2015")

    members = {"deep_compression": Method()}
    monkeypatch.setattr(comparison.METHODS, "members", lambda: members)
    claims = comparison.build(records).claims
    assert [(c.model, c.against, c.quantity, c.verdict) for c in claims] == [
        ("packed & small", "teacher", "smaller", Verdict.REFUTED),
        ("packed & small", "teacher", "faster", Verdict.PROVED),
    ]
    assert claims[0].here == pytest.approx(40)


def test_a_gain_of_several_methods_is_laid_to_none(records, monkeypatch):
    recipe = records[2].info.recipe
    twice = recipe.model_copy(update={"steps": recipe.steps * 2})
    info = records[2].info.model_copy(update={"recipe": twice})
    records[2] = records[2].model_copy(update={"info": info})
    assert comparison.build(records).claims == ()


def draw_pareto(axes, found):
    (panel,) = CHARTS.get("pareto").draw(Material(found))
    draw_plot(axes, panel)


def test_pareto_draws_what_was_measured_and_leaves_out_the_rest(records):
    axes = Figure().add_axes((0.1, 0.1, 0.8, 0.8))
    draw_pareto(axes, compare(records))
    names = {text.get_text() for text in axes.texts}
    assert {"teacher", "fast", "packed & small"} <= names
    assert "bits" not in names
    low, high = axes.get_xlim()
    assert low < 2.5 < 10 < high


def test_names_of_crowded_points_do_not_cover_each_other(records):
    twins = [
        records[0].model_copy(
            update={"name": f"twin {i}", "role": "variant" if i else "teacher", "slot": i}
        )
        for i in range(6)
    ]
    axes = Figure(figsize=(10, 5)).add_axes((0.1, 0.1, 0.8, 0.8))
    draw_pareto(axes, compare(twins))
    heights = sorted(text.get_position()[1] for text in axes.texts)
    assert np.diff(heights).min() > 0.05


def test_exports_use_the_colours_of_the_light_theme():
    pairs = {
        palette.CARD: LIGHT.card,
        palette.LINE: LIGHT.line,
        palette.TEXT: LIGHT.text,
        palette.TEXT2: LIGHT.text2,
        palette.TEXT3: LIGHT.text3,
        palette.ACCENT: LIGHT.accent,
        palette.BADGES[Verdict.PROVED].ink: LIGHT.ok,
        palette.BADGES[Verdict.NOT_DECIDED].fill: LIGHT.warn_soft,
    }
    assert all(ours == theirs for ours, theirs in pairs.items())


def test_every_verdict_has_a_badge():
    assert set(palette.BADGES) == set(Verdict)


def test_the_ninth_variant_is_thin_grey():
    assert palette.series(8).line == palette.TEXT3
    assert palette.series(0).width > palette.series(1).width


def test_two_teachers_do_not_share_colour_and_mark(records):
    second = records[0].model_copy(update={"name": "second teacher"})
    rows = comparison.build([*records, second]).comparison.rows
    slots = {row.model: row.slot for row in rows}
    assert len(set(slots.values())) == len(rows)
    assert (slots["teacher"], slots["fast"]) == (0, 1)


def test_accuracies_over_different_images_are_explained(records):
    assert not any("different" in line for line in comparison.build(records).caveats[:1])
    evaluation = records[1].evaluations[0]
    fewer = evaluation.result.model_copy(update={"samples": 90})
    update = {"evaluations": (evaluation.model_copy(update={"result": fewer}),)}
    records[1] = records[1].model_copy(update=update)
    assert "different numbers of images" in comparison.build(records).caveats[0]
