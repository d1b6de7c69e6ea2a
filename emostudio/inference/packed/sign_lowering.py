"""From a layer on signs in torch to the step that runs it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from emostudio.inference.layer_spec import SignLayerSpec, binary_scales, channels_of
from emostudio.inference.packed import xnor
from emostudio.inference.packed.sign_layer import Finish, Limits, SignLayer
from emostudio.inference.packed.window import Window

Pair = tuple[int, int]
_NEVER = 2**30


def sign_layer(
    spec: SignLayerSpec, size: Pair, inputs: tuple[str, ...], outputs: tuple[str, ...]
) -> SignLayer:
    """Return the step of a layer whose weights are binary.

    Parameters
    ----------
    spec
        The layer in numbers.
    size
        Height and width of its input; (1, 1) for a linear layer.
    inputs, outputs
        Names of the value read and of the one written.
    """
    layer = spec.layer
    window = window_of(layer, size, spec.surround)
    upper = _upper(layer, window)
    around = _around(spec)
    kinds, kind = _border_kinds(window, zeros=not len(around))
    base = np.stack([_base(upper, taps) for taps in kinds])
    return SignLayer(
        inputs=inputs,
        outputs=outputs,
        weights=packed_signs(layer, window),
        channels=channels_of(layer),
        input_scale=_floats(spec.input_scale),
        input_shift=_floats(spec.input_shift),
        window=window,
        around=around,
        base=base,
        kind=kind,
        finish=_finish(spec),
        flat=isinstance(layer, nn.Linear),
    )


def window_of(layer: nn.Conv2d | nn.Linear, size: Pair, surround: Pair = (0, 0)) -> Window:
    """Return a layer's geometry for an input of this size, zeros around it included."""
    if isinstance(layer, nn.Linear):
        return Window()
    inner = _pair(layer.padding)
    padding = (inner[0] + surround[0], inner[1] + surround[1])
    return Window(
        size, _pair(layer.kernel_size), _pair(layer.stride), padding, _pair(layer.dilation)
    )


def _around(spec: SignLayerSpec) -> NDArray[np.uint8]:
    """Return the packed signs that stand for zeros put around before the normalisation."""
    if spec.surround == (0, 0):
        return np.empty(0, np.uint8)
    groups = spec.layer.groups if isinstance(spec.layer, nn.Conv2d) else 1
    share = channels_of(spec.layer)[0] // groups
    bits = np.zeros((groups, -(-share // xnor.GROUP) * xnor.GROUP), np.uint8)
    bits[:, :share] = (spec.input_shift >= 0).numpy().reshape(groups, share)
    nibbles = xnor.nibbles_of(bits).reshape(-1)
    around: NDArray[np.uint8] = np.left_shift(nibbles, 4, dtype=np.uint8)
    return around


def _upper(layer: nn.Conv2d | nn.Linear, window: Window) -> NDArray[np.bool_]:
    """Return where weights are positive, (O, kH, kW, I)."""
    weight = layer.weight.detach().reshape(*layer.weight.shape[:2], *window.kernel)
    return (weight >= 0).numpy().transpose(0, 2, 3, 1)


def packed_signs(
    layer: nn.Conv2d | nn.Linear,
    window: Window,
    place_of_byte: NDArray[np.int64] = xnor.PLACE_OF_BYTE,
    *,
    join: bool = True,
) -> NDArray[np.uint8]:
    """Return the signs of a layer's weights, (groups, blocks, runs, bytes, 32).

    With `join`, a row of the kernel is one run where it can be, else every place of it is.
    """
    upper = _upper(layer, window)
    groups = layer.groups if isinstance(layer, nn.Conv2d) else 1
    outputs, rows, columns, depth = upper.shape
    padded = np.zeros((outputs, rows, columns, -(-depth // xnor.GROUP) * xnor.GROUP), np.bool_)
    padded[..., :depth] = upper
    # only neighbours that lie side by side in memory make one run
    joined = join and groups == 1 and window.dilation[1] == 1
    shape = (outputs, rows, -1) if joined else (outputs, rows * columns, padded.shape[3])
    runs = padded.reshape(shape)
    share = outputs // groups
    parts = (runs[g * share : (g + 1) * share] for g in range(groups))
    return np.stack([xnor.packed_weights(part, place_of_byte) for part in parts])


def _border_kinds(window: Window, *, zeros: bool) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Return which places of the kernel lie inside, (kinds, kH, kW), and each place's kind."""
    inside = []
    for axis in (0, 1):
        starts = np.arange(window.places[axis]) * window.stride[axis] - window.padding[axis]
        taps = starts[:, None] + np.arange(window.kernel[axis]) * window.dilation[axis]
        inside.append((taps >= 0) & (taps < window.size[axis]) | (not zeros))
    both = inside[0][:, None, :, None] & inside[1][None, :, None, :]
    flat = both.reshape(-1, window.kernel[0] * window.kernel[1])
    kinds, kind = np.unique(flat, axis=0, return_inverse=True)
    return kinds.reshape(-1, *window.kernel), kind.reshape(-1).astype(np.int32)


def _base(upper: NDArray[np.bool_], inside: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return the sums (O,) of a place where nothing differs, the padding taken out.

    A zero is packed as -1: its product is the weight's sign turned over, which is added again.
    """
    fan_in = upper[0].size
    outside = upper[:, ~inside].reshape(len(upper), -1).astype(np.int32)
    base: NDArray[np.int32] = fan_in + (2 * outside - 1).sum(axis=1, dtype=np.int32)
    return base


def _finish(spec: SignLayerSpec) -> Finish:
    alpha = binary_scales(spec.layer.weight)
    if alpha is None:
        raise TypeError("The weights are not binary")
    bias = 0.0 if spec.layer.bias is None else spec.layer.bias.detach().double()
    scale, shift = spec.scale.double(), spec.shift.double()
    return Finish(
        scale=_floats(alpha.double() * scale),
        shift=_floats(bias * scale + shift),
        slope=_floats(spec.slope),
        post=_floats(spec.post),
        input_scaling=spec.input_scaling,
        shortcut=spec.shortcut or (),
    )


def with_limits(
    layer: SignLayer,
    behind: Callable[[torch.Tensor], torch.Tensor],
    pool: tuple[int, int, int],
    places: Pair,
    output: str,
) -> SignLayer:
    """Return the layer ending in packed signs, what follows it folded into integers.

    Parameters
    ----------
    layer
        Without K and shortcut.
    behind
        Maps what one place of the layer returns, (1, C_out, 1, 1), to the number whose sign is
        taken; it must rise or fall with each channel's number, as normalisation and ReLU do.
    pool
        Kernel, stride and padding of a max-pooling in between; (1, 1, 0) for none.
    places
        Height and width behind the pooling.
    output
        Name of the value written.
    """
    finish, outputs = layer.finish, layer.channels[1]
    fan_in = int(layer.base.max())
    dense = torch.tensor(finish.scale), torch.tensor(finish.shift)

    def positive(sums: NDArray[np.int64]) -> NDArray[np.bool_]:
        values = torch.from_numpy(sums).float() * dense[0] + dense[1]
        values = torch.where(values >= 0, values, values * torch.tensor(finish.slope))
        values = (values + torch.tensor(finish.post)).view(1, -1, 1, 1)
        with torch.inference_mode():
            signs: NDArray[np.bool_] = (behind(values).reshape(-1) >= 0).numpy()
        return signs

    low, high = np.full(outputs, -fan_in - 1), np.full(outputs, fan_in + 1)
    at_low, at_high = positive(low), positive(high)
    constant = at_low == at_high
    while int((high - low).max()) > 1:
        middle = (low + high) // 2
        as_high = positive(middle) == at_high
        high, low = np.where(as_high, middle, high), np.where(as_high, low, middle)
    limit = np.where(constant, _NEVER, high).astype(np.int32)
    flip = np.where(constant, at_high, ~at_high).astype(np.uint8)
    limits = Limits(limit, flip, pool, places)
    return dataclasses.replace(layer, outputs=(output,), limits=limits)


def _pair(value: object) -> Pair:
    first, second = value if isinstance(value, tuple) else (value, value)
    return int(first), int(second)


def _floats(values: torch.Tensor) -> NDArray[np.float32]:
    numbers: NDArray[np.float32] = values.detach().float().numpy()
    return np.ascontiguousarray(numbers)
