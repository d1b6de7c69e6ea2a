"""Numbers as the studio prints them."""

import pytest

from emostudio.core.units import signed, signed_interval, unbroken

SPACE = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("value", "words"),
    [(-18.0, "− 18.0"), (0.74, "+ 0.7"), (-0.04, "0.0"), (0.0, "0.0"), (-1234.5, "− 1,234.5")],
)
def test_a_difference_has_a_real_minus_and_does_not_break(value, words):
    assert signed(value) == words.replace(" ", SPACE)


def test_both_ends_of_an_interval_are_signed_alike():
    assert signed_interval(-26.6, 9.4) == f"−{SPACE}26.6 to +{SPACE}9.4"
    assert signed_interval(-0.126, 0.3, 2) == f"−{SPACE}0.13 to +{SPACE}0.30"


def test_a_number_stays_with_its_unit():
    told = unbroken("97 % of 400 pictures, 95 %, 2.0 ms, 3 points")
    assert told == f"97{SPACE}% of 400 pictures, 95{SPACE}%, 2.0{SPACE}ms, 3{SPACE}points"
