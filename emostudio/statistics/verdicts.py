"""Verdicts: the one word that says what was proved here."""

from __future__ import annotations

import math
from enum import StrEnum

from emostudio.core.answers import PairedResult, Ratio
from emostudio.statistics.blocks import MARGIN, claims_difference

SIGNIFICANT = 0.05


class Verdict(StrEnum):
    """What a measurement allows to say about a variant or a claim."""

    PROVED = "Proved"
    SIZE_ONLY = "Size only"
    SIMULATED = "Simulated"
    REFUTED = "Refuted"
    NOT_DECIDED = "Not decided"
    BASELINE = "Baseline"


def variant_verdict(
    *, speed: Ratio | None, size_ratio: float, kernels: str, claims_speed: bool = False
) -> Verdict:
    """Judge a variant against the model it was made from.

    Parameters
    ----------
    speed
        Ratio with the variant as `a` and its parent as `b`, from one interleaved benchmark;
        None where it was not measured.
    size_ratio
        Bytes of the parent's file over bytes of the variant's file.
    kernels
        ``real`` or ``simulated``.
    claims_speed
        Whether the literature claims a speed-up for one of the variant's methods; without it a
        smaller file alone is a gain.
    """
    if kernels == "simulated":
        return Verdict.SIMULATED
    if speed is None:
        return Verdict.NOT_DECIDED
    if is_proved_faster(speed):
        return Verdict.PROVED
    if not _is_decided(speed):
        return Verdict.NOT_DECIDED
    if claims_speed or size_ratio <= 1 + MARGIN:
        return Verdict.REFUTED
    return Verdict.SIZE_ONLY


def is_proved_slower(speed: Ratio | None) -> bool:
    """Return whether the interval proves `speed.a` slower than `speed.b`."""
    return speed is not None and claims_difference(speed) and speed.ratio < 1


def is_proved_faster(speed: Ratio | None) -> bool:
    """Return whether the interval proves `speed.a` faster than `speed.b`."""
    return speed is not None and claims_difference(speed) and speed.ratio > 1


def is_proved_loss(paired: PairedResult | None) -> bool:
    """Return whether `paired.b` is proved less accurate than `paired.a`.

    The interval must lie below zero, and the exact test must hold among all comparisons shown.
    """
    if paired is None or paired.interval[1] >= 0:
        return False
    return (paired.p_value if paired.p_holm is None else paired.p_holm) < SIGNIFICANT


def claim_verdict(published: float, measured: float, low: float, high: float) -> Verdict:
    """Judge one published gain by the gain measured here.

    Parameters
    ----------
    published
        Gain in the literature, such as 4.5 for "4.5 times faster".
    measured, low, high
        Gain here with its interval; for sizes all three are the same.
    """
    if not (math.isfinite(measured) and measured > 0):
        return Verdict.NOT_DECIDED
    if high < published * (1 - MARGIN):
        return Verdict.REFUTED
    if low >= published * (1 - MARGIN):
        return Verdict.PROVED
    return Verdict.NOT_DECIDED


def inverse(ratio: Ratio, words: str) -> Ratio:
    """Return the same measurement seen from the other model, with its own `words`."""
    low, high = ratio.interval
    check = ratio.bootstrap_interval
    return Ratio(
        a=ratio.b,
        b=ratio.a,
        ratio=1 / ratio.ratio,
        interval=(1 / high, 1 / low),
        verdict=words,
        bootstrap_interval=None if check is None else (1 / check[1], 1 / check[0]),
    )


def _is_decided(speed: Ratio) -> bool:
    low, high = speed.interval
    inside = low >= 1 / (1 + MARGIN) and high <= 1 + MARGIN
    return inside or claims_difference(speed)
