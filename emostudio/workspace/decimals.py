"""How many decimals a column of numbers is shown with."""

from __future__ import annotations

import math
from collections.abc import Sequence


def shared_decimals(known: Sequence[float]) -> int:
    """Return as many as the smallest number above zero needs for two digits.

    Milliseconds and megabytes above one get one decimal, from a hundred up none.
    """
    smallest = min((number for number in known if number > 0), default=100.0)
    if smallest >= 100:
        return 0
    return 1 if smallest >= 1 else min(4, 1 - math.floor(math.log10(smallest)))
