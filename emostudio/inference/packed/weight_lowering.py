"""From layers with binary or shared weights in torch to the steps that run them."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from emostudio.inference.layer_spec import binary_scales, channels_of, shared_levels
from emostudio.inference.packed import codebook, lookup
from emostudio.inference.packed.binary_weights import PLACE_OF_BYTE, BinaryWeightLayer
from emostudio.inference.packed.codebook import CodebookLinear
from emostudio.inference.packed.lookup import LookupLinear
from emostudio.inference.packed.sign_lowering import packed_signs, window_of


def binary_weight_layer(
    layer: nn.Conv2d | nn.Linear,
    size: tuple[int, int],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
) -> BinaryWeightLayer | None:
    """Return the step of a layer, or None if its weights are not binary.

    Parameters
    ----------
    layer
        With zeros around, if anything.
    size
        Height and width of its input; (1, 1) for a linear layer.
    inputs, outputs
        Names of the value read and of the one written.
    """
    alpha = binary_scales(layer.weight)
    if alpha is None:
        return None
    window = window_of(layer, size)
    bias = torch.zeros(len(alpha)) if layer.bias is None else layer.bias.detach()
    return BinaryWeightLayer(
        inputs=inputs,
        outputs=outputs,
        weights=packed_signs(layer, window, PLACE_OF_BYTE, join=False),
        channels=channels_of(layer),
        window=window,
        scale=alpha.float().numpy(),
        shift=bias.float().numpy(),
        flat=isinstance(layer, nn.Linear),
    )


def codebook_layer(
    layer: nn.Linear, inputs: tuple[str, ...], outputs: tuple[str, ...]
) -> CodebookLinear | LookupLinear | None:
    """Return the step of a linear layer of at most 256 values, or None if it has more."""
    levels = shared_levels(layer.weight)
    if levels is None:
        return None
    codes = np.searchsorted(levels.numpy(), layer.weight.detach().numpy()).astype(np.uint8)
    bias = torch.zeros(len(codes)) if layer.bias is None else layer.bias.detach()
    size = next(
        most
        for most in (codebook.LEVELS, codebook.MOST_LEVELS, lookup.LEVELS)
        if most >= len(levels)
    )
    padded = np.zeros(size, np.float32)
    padded[: len(levels)] = levels.numpy()
    if size > codebook.MOST_LEVELS:
        words = lookup.packed_bytes(codes)
        return LookupLinear(inputs, outputs, words, padded, bias.float().numpy())
    packed = codebook.packed_codes(codes, size)
    return CodebookLinear(inputs, outputs, packed, padded, bias.float().numpy())
