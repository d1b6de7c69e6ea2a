import subprocess
import sys

import numpy as np
import pytest

from emostudio.core.answers import PairedResult, Ratio
from emostudio.statistics.pareto import Proved, frontier_order, pareto_front, standings
from emostudio.statistics.verdicts import (
    Verdict,
    claim_verdict,
    inverse,
    is_proved_loss,
    variant_verdict,
)


def _speed(ratio: float, low: float, high: float) -> Ratio:
    return Ratio(a="variant", b="parent", ratio=ratio, interval=(low, high), verdict="")


FASTER, SAME = _speed(2.0, 1.9, 2.1), _speed(1.0, 0.99, 1.01)
SLOWER, UNCLEAR = _speed(0.7, 0.65, 0.75), _speed(1.1, 0.9, 1.3)


@pytest.mark.parametrize(
    ("speed", "size_ratio", "claims_speed", "expected"),
    [
        (FASTER, 1.0, False, Verdict.PROVED),
        (FASTER, 4.0, True, Verdict.PROVED),
        (SAME, 40.0, False, Verdict.SIZE_ONLY),
        (SLOWER, 40.0, False, Verdict.SIZE_ONLY),
        (SLOWER, 4.0, True, Verdict.REFUTED),
        (SAME, 1.0, False, Verdict.REFUTED),
        (UNCLEAR, 4.0, True, Verdict.NOT_DECIDED),
        (None, 4.0, False, Verdict.NOT_DECIDED),
    ],
)
def test_verdict_of_a_variant(speed, size_ratio, claims_speed, expected):
    verdict = variant_verdict(
        speed=speed, size_ratio=size_ratio, kernels="real", claims_speed=claims_speed
    )
    assert verdict is expected


def test_simulated_kernels_never_prove_anything():
    verdict = variant_verdict(speed=FASTER, size_ratio=30.0, kernels="simulated")
    assert verdict is Verdict.SIMULATED


@pytest.mark.parametrize(
    ("published", "here", "expected"),
    [
        (4.5, (0.91, 0.9, 0.92), Verdict.REFUTED),
        (1.4, (2.86, 2.79, 2.93), Verdict.PROVED),
        (3.0, (3.0, 2.5, 3.5), Verdict.NOT_DECIDED),
        (58.0, (float("nan"), 0.0, 0.0), Verdict.NOT_DECIDED),
    ],
)
def test_verdict_of_a_claim(published, here, expected):
    assert claim_verdict(published, *here) is expected


def test_a_ratio_can_be_seen_from_the_other_side():
    turned = inverse(_speed(2.0, 1.6, 2.5), "words")
    assert (turned.a, turned.b, turned.ratio) == ("parent", "variant", 0.5)
    assert turned.interval == pytest.approx((0.4, 0.625))


def test_the_front_holds_what_nothing_beats():
    costs, values = [5.9, 6.4, 9.8, 14.6, 41.8], [94.2, 91.6, 81.3, 96.9, 97.1]
    assert pareto_front(costs, values) == [True, False, False, True, True]
    assert frontier_order(costs, values) == [0, 3, 4]


def test_equal_points_share_the_front():
    assert pareto_front([1.0, 1.0, 2.0], [0.5, 0.5, 0.5]) == [True, True, False]


def test_verdicts_and_fronts_load_without_scipy_and_torch():
    code = (
        "import sys, emostudio.statistics.verdicts, emostudio.statistics.pareto, "
        "emostudio.statistics.intervals, emostudio.statistics.paired; "
        "print(sorted({'scipy', 'torch', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("high", "p_value", "p_holm", "expected"),
    [
        (-0.01, 0.01, None, True),
        (-0.01, 0.01, 0.03, True),
        (-0.01, 0.01, 0.08, False),
        (0.01, 0.01, 0.01, False),
    ],
)
def test_a_loss_is_proved_by_interval_and_corrected_test(high, p_value, p_holm, expected):
    pair = PairedResult(
        a="t", b="v", difference=-0.05, interval=(-0.1, high), p_value=p_value, agreement=0.9,
        p_holm=p_holm,
    )  # fmt: skip
    assert is_proved_loss(pair) is expected
    assert not is_proved_loss(None)


def _proved(better, no_worse):
    return Proved(np.array(better, dtype=bool), np.array(no_worse, dtype=bool))


@pytest.mark.parametrize(
    ("cost", "value", "expected"),
    [
        # the first is faster and as accurate: the second is dominated
        (([[0, 1], [0, 0]], [[0, 1], [0, 0]]), ([[0, 0], [0, 0]], [[0, 1], [1, 0]]),
         ["frontier", "dominated"]),
        # one faster, one more accurate: both on the frontier
        (([[0, 1], [0, 0]], [[0, 1], [0, 0]]), ([[0, 0], [1, 0]], [[0, 0], [1, 0]]),
         ["frontier", "frontier"]),
        # so small a loss does not count as one, but it is proved: nobody beats the more accurate
        (([[0, 1], [0, 0]], [[0, 1], [0, 0]]), ([[0, 0], [1, 0]], [[0, 1], [1, 0]]),
         ["frontier", "frontier"]),
        # the same the other way round: the second is proved a little faster
        (([[0, 0], [1, 0]], [[0, 1], [1, 0]]), ([[0, 1], [0, 0]], [[0, 1], [0, 0]]),
         ["frontier", "frontier"]),
        # the first is faster, but accuracy is open
        (([[0, 1], [0, 0]], [[0, 1], [0, 0]]), ([[0, 0], [0, 0]], [[0, 0], [0, 0]]),
         ["frontier", "undecided"]),
        # as good as each other in both
        (([[0, 0], [0, 0]], [[0, 1], [1, 0]]), ([[0, 0], [0, 0]], [[0, 1], [1, 0]]),
         ["undecided", "undecided"]),
    ],
)  # fmt: skip
def test_standings_follow_from_what_is_proved_about_pairs(cost, value, expected):
    assert standings(_proved(*cost), _proved(*value)) == expected
