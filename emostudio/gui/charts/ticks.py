"""Places of axis labels; no Qt here."""

from __future__ import annotations

import math

_LINEAR_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_LOG_SETS = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 4.0, 6.0))


def linear_ticks(low: float, high: float, count: int = 5, *, is_whole: bool = False) -> list[float]:
    """Return round values inside [low, high], at most about `count` of them.

    With `is_whole` only whole numbers, for what is counted.
    """
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low] if math.isfinite(low) else []
    raw = (high - low) / max(count - 1, 1)
    if is_whole:
        raw = max(raw, 1.0)
    power = 10.0 ** math.floor(math.log10(raw))
    steps = [power * factor for factor in _LINEAR_STEPS]
    if is_whole:
        steps = [step for step in steps if step.is_integer()]
    step = next(step for step in steps if step >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def log_ticks(low: float, high: float, count: int = 6) -> list[float]:
    """Return round values inside [low, high] of a logarithmic axis, at most `count` of them.

    Both ends must be positive.
    """
    if low <= 0 or high <= low:
        return [low] if low > 0 else []
    best: list[float] = []
    for factors in _LOG_SETS:
        found = _in_decades(factors, low, high)
        if best and len(found) > count:
            break
        best = found
    if len(best) > count:
        step = math.ceil(len(best) / count)
        best = best[::step]
    return best if len(best) > 1 else linear_ticks(low, high, 3)


def _in_decades(factors: tuple[float, ...], low: float, high: float) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    values = [factor * 10.0**decade for decade in decades for factor in factors]
    return [value for value in values if low * 0.999 <= value <= high * 1.001]


def format_tick(value: float) -> str:
    """Return a tick's label without trailing zeros, as 1.5, −300 or 2,000."""
    text = f"{value:.1g}"
    if not value or abs(value) >= 0.01:
        text = f"{value:,.2f}".rstrip("0").rstrip(".")
    return text.replace("-", "−")
