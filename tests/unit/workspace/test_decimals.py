"""Decimals of a column are decided by its smallest number."""

import pytest

from emostudio.workspace.decimals import shared_decimals


@pytest.mark.parametrize(
    ("known", "decimals"),
    [
        ([0.172, 0.085], 3),
        ([0.17, 0.11], 2),
        ([41.8, 5.9], 1),
        ([548.0, 921.0], 0),
        ([0.0, 5.0], 1),
        ([1e-9], 4),
        ([], 0),
    ],
)
def test_the_smallest_number_keeps_two_digits(known, decimals):
    assert shared_decimals(known) == decimals
