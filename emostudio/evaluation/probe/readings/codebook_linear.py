"""A linear layer with 16 shared values against the float one: whether 4-bit codes pay here."""

from __future__ import annotations

from emostudio.evaluation.probe.coded_layers import CodedLinear


class CodebookLinear(CodedLinear):
    """Codes of 4 bits."""

    key = "codebook_linear"
    bits = 4


READING = CodebookLinear()
