"""Rankings over seeds that are shown together."""

from emostudio.paper.ranking import gap, judge
from emostudio.paper.results import Measured


def shares(*values):
    return [
        Measured(value=value, low=value, high=value, basis="", engine="", machine="")
        for value in values
    ]


def test_a_gap_without_a_spread_takes_no_step_of_holm():
    alike = gap(shares(10, 20, 30, 40, 50), shares(5, 15, 25, 35, 45))
    close = gap(shares(12, 24, 33, 45, 52), shares(10, 20, 30, 40, 50))
    (verdict, _), (_, words) = judge([alike, close])
    assert verdict == "Not decided"
    alone = judge([close])[0][1]
    assert f"p = {2 * close.p_value:.3f} after Holm over 2" in words
    assert "Holm" not in alone
