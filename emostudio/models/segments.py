"""Networks that run in segments and may answer before the last one."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Segment:
    """A stretch of a network, and how it may answer already.

    Attributes
    ----------
    body
        Maps the features of the segment before (the input, for the first) to its own.
    head
        Maps these features to logits (N, K); None where they are the logits: the last segment.
    accepts
        Maps logits (N, K) to bool (N,): whose answer stands; None in the last segment.
    """

    body: nn.Module
    head: nn.Module | None = None
    accepts: nn.Module | None = None


class SegmentPass(nn.Module):
    """One run of a segment as a plain network, for export.

    Parameters
    ----------
    segment
        Its layers are shared, not copied.
    """

    def __init__(self, segment: Segment) -> None:
        super().__init__()
        self.body = segment.body
        self.head = segment.head
        self.accepts = segment.accepts

    def forward(self, features: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        """Return (features, logits, accepted), or the logits alone in the last segment."""
        passed: torch.Tensor = self.body(features)
        if self.head is None or self.accepts is None:
            return passed
        logits = self.head(passed)
        return passed, logits, self.accepts(logits)


def segments_of(module: nn.Module) -> tuple[Segment, ...]:
    """Return the segments a network declares by ``segments()``; most run as one."""
    declared = getattr(module, "segments", None)
    if declared is None:
        return (Segment(module),)
    found: tuple[Segment, ...] = declared()
    return found


def leaves_early(module: nn.Module | None) -> bool:
    """Whether a network does less work for some pictures than for others."""
    return module is not None and len(segments_of(module)) > 1
