"""A linear layer with 32 shared values against the float one: whether 5-bit codes pay here."""

from __future__ import annotations

from emostudio.evaluation.probe.coded_layers import CodedLinear


class FiveBitLinear(CodedLinear):
    """Codes of 5 bits."""

    key = "five_bit_linear"
    bits = 5


READING = FiveBitLinear()
