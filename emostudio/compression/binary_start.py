"""Where binary blocks begin: shifts and statistics measured on training images.

A sign behind a ReLU is always +1 until something is subtracted, and a block's own normalisation
knows nothing of the network yet. Both are measured from the first block to the last, each block
being given what the blocks before it really put out.

References
----------
.. [1] Liu et al., "ReActNet", ECCV 2020, arXiv:2003.03488 (learned shifts).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from emostudio.compression.binary_blocks import BinaryBlock, ChannelShift

_BATCH = 32
_MOMENTUM = 0.1


@torch.no_grad()
def begin_balanced(
    network: nn.Module, inputs: torch.Tensor, report: Callable[[float, str], None]
) -> None:
    """Give every binary block shifts and statistics that fit what it is given, in place.

    The shift becomes the negative mean of each channel. The median would be no use: behind a ReLU
    it is often 0, and sgn(0 - 0) is +1.

    Parameters
    ----------
    network
        In evaluation mode afterwards, as its blocks.
    inputs
        Training faces, shape (N, C, H, W).
    report
        Told the progress; may raise to stop.
    """
    blocks = [part for part in network.modules() if isinstance(part, BinaryBlock)]
    norms = [
        part
        for block in blocks
        for part in block.modules()
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d)
    ]
    network.eval()
    for norm in norms:
        norm.reset_running_stats()
        # None averages over all batches; training mode measures instead of using
        norm.momentum = None
        norm.train()
    hooks = [hook for block in blocks for hook in _balancing(block)]
    try:
        # even parts: normalisation cannot measure on a single face
        parts = inputs.tensor_split(max(1, len(inputs) // _BATCH))
        for number, part in enumerate(parts):
            report(number / len(parts), "Balancing signs")
            network(part)
    finally:
        for hook in hooks:
            hook.remove()
        for norm in norms:
            norm.momentum = _MOMENTUM
        network.eval()


def _balancing(block: BinaryBlock) -> list[Any]:
    """Return hooks that let the shift in front of the sign follow the mean of its inputs."""
    shifts = [part for part in block.prepare.modules() if isinstance(part, ChannelShift)]
    return [shift.register_forward_pre_hook(_Mean(shift)) for shift in shifts]


class _Mean:
    """Sets a shift to the negative mean of all batches so far."""

    def __init__(self, shift: ChannelShift) -> None:
        self._shift = shift.shift
        self._batches = 0

    def __call__(self, _: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        """Take in one batch, (N, C, ...)."""
        mean = inputs[0].transpose(0, 1).flatten(1).mean(1)
        self._batches += 1
        self._shift.add_((-mean - self._shift) / self._batches)
