import pytest

from emostudio.core.answers import Latency
from emostudio.workspace.comparison import ComparisonRow
from emostudio.workspace.figures import FIGURES, Figure, best_of, texts


def figure(key):
    return next(figure for figure in FIGURES if figure.key == key)


def row(**fields):
    known = {"model": "a", "role": "teacher", "slot": 0, "recipe": "", "architecture": "cnn_s"}
    return ComparisonRow(**{**known, "is_baseline": True, "disk_bytes": 2_500_000, **fields})


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ((172.0, 1024.4), ["172", "1,024"]),
        ((10.04, 172.0), ["10.0", "172.0"]),
        ((0.172, 4.3, None), ["0.17", "4.30", "–"]),
        ((0.0034, 1.0), ["0.0034", "1.0000"]),
        ((0.0, None), ["0", "–"]),
    ],
)
def test_a_column_has_as_many_decimals_as_its_smallest_number_needs(values, shown):
    assert texts(values) == shown


def test_the_best_is_the_one_that_is_printed_as_the_best():
    disk, resident = figure("disk"), figure("resident")
    assert best_of(disk, (3.0, 2.0, None)) == [False, True, False]
    assert best_of(resident, (82.4, 81.6, 90.0)) == [True, True, False]  # both read 82
    assert best_of(resident, (82.4, 81.6)) == [False, False]
    assert best_of(figure("accuracy"), (70.0, 80.0)) == [False, True]


def test_what_only_counts_is_never_the_best():
    for key in ("parameters", "macs", "training", "speed", "calibration"):
        assert best_of(figure(key), (1.0, 2.0)) == [False, False]


def test_the_baseline_has_a_speed_only_where_it_was_timed():
    speed = figure("speed")
    assert speed.value(row()) is None
    assert speed.value(row(latency_ms=Latency(p50=2.0))) == 1.0


def test_keys_and_names_are_unique_and_sizes_are_in_their_units():
    for part in ("key", "name"):
        assert len({getattr(found, part) for found in FIGURES}) == len(FIGURES)
    assert figure("disk").value(row()) == 2.5
    assert Figure("a", "a", "Long title", "", lambda _row: None, short="Short").head == "Short"
