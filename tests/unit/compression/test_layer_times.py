import pytest

from emostudio.compression.layer_times import LayerTimes, break_even, keep, recall
from emostudio.core.low_rank import RankTime


def times_of(shares, grid=1):
    found = tuple(RankTime(rank=rank, ms=2 * share, share=share) for rank, share in shares.items())
    return LayerTimes(
        machine="m", threads=1, geometry="layer", dense_ms=2.0, times=found, grid=grid
    )


@pytest.mark.parametrize(
    ("shares", "rank"),
    [
        ({16: 0.5, 32: 0.75, 48: 1.25}, 40),
        ({16: 1.1, 32: 1.2}, 0),
        ({16: 0.2, 32: 0.9}, None),
        ({16: 0.5, 32: 1.0, 48: 2.0}, 32),
    ],
)
def test_the_break_even_lies_on_the_line_between_two_ranks(shares, rank):
    assert times_of(shares).break_even_rank == rank
    assert break_even(times_of(shares).times) == rank


def test_between_measured_ranks_the_share_is_interpolated():
    times = times_of({16: 0.5, 48: 1.5})
    assert times.share(32) == pytest.approx(1.0)
    assert times.share(60) == 1.5
    assert times.is_slower(40)
    assert not times.is_slower(32)


def test_differences_too_small_to_claim_are_not_slower():
    assert not times_of({16: 1.01}).is_slower(16)
    assert times_of({16: 1.03}).is_slower(16)


def test_below_the_lowest_rank_only_fast_factors_are_judged():
    assert times_of({16: 0.5}).share(8) == 0.5
    assert times_of({16: 1.5}).share(8) is None
    assert not times_of({16: 1.5}).is_slower(8)


def test_ranks_beside_the_grid_stand_for_themselves_only():
    times = times_of({16: 0.5, 20: 3.0, 32: 0.9}, grid=16)
    assert times.share(20) == 3.0
    assert times.share(21) is None
    assert times.break_even_rank is None
    assert [time.rank for time in times.curve] == [16, 32]


def test_joined_times_keep_their_shares_of_the_known_layer():
    joined = times_of({16: 0.5, 48: 1.5}).joined([RankTime(rank=32, ms=99.0, share=0.8)])
    assert [time.rank for time in joined.times] == [16, 32, 48]
    assert joined.times[1].ms == pytest.approx(1.6)


def test_kept_times_are_found_again_and_damaged_ones_are_not(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOSTUDIO_STATE", str(tmp_path))
    times = times_of({16: 0.5})
    keep(times, "chain")
    assert recall("layer", "chain", 1) == times
    assert recall("layer", "chain", 2) is None
    assert recall("layer", "other", 1) is None
    for file in (tmp_path / "layer_times").glob("*.json"):
        file.write_text("{")
    assert recall("layer", "chain", 1) is None
