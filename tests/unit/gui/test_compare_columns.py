"""Which columns the comparison shows at first."""

from emostudio.gui.pages.compare_table import columns, measured_keys
from emostudio.gui.theme import theme
from emostudio.gui.widgets.data_table import fits
from emostudio.workspace.comparison import Comparison, ComparisonRow

FULL = ComparisonRow(
    model="a",
    role="teacher",
    slot=0,
    recipe="",
    architecture="vgg_s",
    is_baseline=True,
    disk_bytes=1,
    training_step_ms=3.0,
    training_peak_bytes=2**20,
    peak_bytes=2**20,
)
WIDE_TABLE = 1600 - 208 - 2 * 36
"""Pixels between rail, page and card in the smallest wide window."""


def test_a_wide_window_shows_more_but_never_more_than_fits_beside_the_names(qapp):
    theme().install(qapp)
    found = Comparison(rows=(FULL,))
    usual, wide = measured_keys(found), measured_keys(found, is_wide=True)
    assert "training" not in usual
    assert "training" in wide
    known = columns(found, is_wide=True)
    assert [column.key for column in known if column.key in wide] == list(wide)
    assert fits([column for column in known if column.key in wide], WIDE_TABLE)


def test_what_was_not_measured_has_no_column(qapp):
    bare = FULL.model_copy(update={"training_step_ms": None, "training_peak_bytes": None})
    shown = measured_keys(Comparison(rows=(bare,)), is_wide=True)
    assert not {"training", "training_memory", "calibration"} & set(shown)
