"""Words keep to the page, whatever names and titles there are."""

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from emostudio.reports import palette
from emostudio.reports.comparison import build
from emostudio.reports.fitting import shortened, width_in, wrapped
from emostudio.reports.sheet import overview_page
from emostudio.reports.style import chart_style

NAME = "a-very-long-name-of-a-model-that-fills-all-the-letters-{:02d}"


@pytest.fixture(autouse=True)
def style():
    with chart_style():
        yield


@pytest.mark.parametrize("text", ["words of a sentence, 95 % of it " * 9, "x" * 300, "a b", ""])
def test_wrapped_lines_fit_and_lose_nothing(text):
    lines = wrapped(text, 2.0, 8)
    assert all(width_in(line, 8) <= 2.0 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_numbers_and_dates_are_not_torn_apart():
    lines = wrapped("2026-11-30 95\u00a0% 1.5e-06 and so on", 0.1, 8)
    assert wrapped("at 2026-11-30", 0.75, 8) == ["at", "2026-11-30"]
    assert wrapped("at 95\u00a0%", width_in("at 95", 8) + 0.01, 8) == ["at", "95\u00a0%"]
    assert all(lines)


def test_a_name_is_cut_in_its_middle_and_only_where_it_must_be():
    short = shortened("teacher-with-a-long-name-int8", 1.0, 8)
    assert short.startswith("teacher")
    assert short.endswith("int8")
    assert "…" in short
    assert width_in(short, 8) <= 1.0
    assert shortened("teacher", 1.0, 8) == "teacher"


@pytest.fixture
def crowded(make_record):
    records = [make_record("teacher", 0, disk_bytes=8_000_000)]
    for slot in range(1, 13):
        variant = make_record(NAME.format(slot), slot, p50=9.0, speed=1.01, loss=0.02)
        wide = variant.benches[0].ratios[0].model_copy(update={"interval": (0.9, 1.2)})
        bench = variant.benches[0].model_copy(update={"ratios": (wide,)})
        records.append(variant.model_copy(update={"benches": (bench,)}))
    return records


def texts_of(figure):
    """Every text with its box in inches, as the picture formats draw it."""
    figure.set_dpi(300)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    for text in figure.findobj(Text):
        if text.get_text().strip() and text.get_visible():
            box = text.get_window_extent(canvas.get_renderer())
            yield text.get_text(), box.transformed(figure.dpi_scale_trans.inverted())


def test_nothing_leaves_the_first_page(crowded):
    figure = overview_page(build(crowded, title="A title of many words " * 9 + "X" * 120))
    texts = dict(texts_of(figure))
    assert any(text.startswith("Not decided: a-very-long") for text in texts)
    for text, box in texts.items():
        assert box.x0 >= 0.3, text
        assert box.x1 <= figure.get_figwidth() - 0.3, text
        assert 0 <= box.y0 <= box.y1 <= figure.get_figheight(), text


def test_names_do_not_run_over_the_numbers_and_are_whole(crowded):
    figure = overview_page(build(crowded))
    found = list(texts_of(figure))
    in_table = {text.replace("\n", ""): box for text, box in found if box.x0 < 1.0}
    numbers = [box for text, box in found if text == "9.0"]
    for slot in range(1, 13):
        box = in_table[NAME.format(slot)]
        beside = [one for one in numbers if box.y0 < (one.y0 + one.y1) / 2 < box.y1]
        assert beside
        assert all(box.x1 < one.x0 for one in beside)


def test_more_variants_than_colours_have_shapes_and_dashes_of_their_own():
    looks = [(palette.series(slot).marker, palette.series(slot).dash) for slot in range(8, 57)]
    assert len(set(looks)) == len(looks)
    assert palette.series(8).marker == palette.SERIES[1].marker
