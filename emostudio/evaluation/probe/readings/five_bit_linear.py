"""A linear layer with 32 shared values against the float one: whether 5-bit codes pay here."""

from __future__ import annotations

from emostudio.evaluation.probe.base import Reading, Workload
from emostudio.evaluation.probe.coded_layers import coded_linear
from emostudio.evaluation.probe.workloads import linear_words
from emostudio.inference.packed.compiling import why_no_kernels

_BITS = 5


class FiveBitLinear(Reading):
    """Codes of shared values instead of numbers of 32 bits: less to read."""

    key = "five_bit_linear"
    title = f"{_BITS}-bit linear layer"
    family = "codebook"
    summary = f"Rate of a linear layer whose weights share {2**_BITS} values, kept as codes"
    reference = "Han et al. 2016, arXiv:1510.00149, section 3"
    what = f"{linear_words()}, {2**_BITS} shared values"
    layers = f"linear, {_BITS} bits"
    engine = "packed"
    unit = "GOP/s"
    against = "float"
    is_slow = True

    def why_unavailable(self) -> str:
        """Return why there are no kernels for this processor, or nothing."""
        return why_no_kernels()

    def workload(self, threads: int) -> Workload:
        """Return the layer of codes and the float one."""
        return coded_linear(_BITS, threads)


READING = FiveBitLinear()
