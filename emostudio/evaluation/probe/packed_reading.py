"""What readings of the packed engine's kernels have in common."""

from __future__ import annotations

from emostudio.evaluation.probe.base import Reading
from emostudio.inference.packed.compiling import why_no_kernels


class PackedReading(Reading):
    """A kernel of the packed engine, beside the float layer that it stands for."""

    engine = "packed"
    unit = "GOP/s"
    against = "float"
    is_slow = True

    def why_unavailable(self) -> str:
        """Return why there are no kernels for this processor, or nothing."""
        return why_no_kernels()
