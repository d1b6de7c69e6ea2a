"""Blocks with binary activations that take the place of a convolution or linear layer.

References
----------
.. [1] Rastegari et al., "XNOR-Net", ECCV 2016, arXiv:1603.05279, sections 3.2 and 3.3.
.. [2] Liu et al., "Bi-Real Net", ECCV 2018, arXiv:1808.00278 (shortcuts, triangular slope).
.. [3] Liu et al., "ReActNet", ECCV 2020, arXiv:2003.03488 (learned shifts).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional as F

from emostudio.compression.binarising import signs_of
from emostudio.compression.graph import LayerGraph
from emostudio.core.errors import InputError
from emostudio.inference.layer_spec import SignLayerSpec, affine_of, channels_of, why_not_packed

Slope = Literal["triangle", "clipped"]
Mode = Literal["recipe", "paper"]

_PAPER_EPS = 1e-3


@dataclass(frozen=True)
class BlockDesign:
    """How a block with binary activations is made.

    Attributes
    ----------
    mode
        ``recipe``: shift, sign, layer, normalisation, shortcut, PReLU; ``paper``: zeros around,
        normalisation, sign, layer.
    slope
        What the sign's derivative is taken for: 2 - 2|x| or 1, within [-1, 1].
    input_scaling
        Whether results are multiplied by the mean magnitude of the inputs under the kernel (K).
    dropout
        Share of outputs dropped in training behind a linear layer.
    """

    mode: Mode = "recipe"
    slope: Slope = "triangle"
    input_scaling: bool = False
    dropout: float = 0.1

    def arguments(self) -> dict[str, Any]:
        """Return what a structure record keeps."""
        return asdict(self)

    @staticmethod
    def from_arguments(arguments: dict[str, Any]) -> BlockDesign:
        """Return the design in a structure record.

        Raises
        ------
        InputError
            If a value is none that `arguments` could have written.
        """
        mode, slope = arguments.get("mode"), arguments.get("slope")
        scaling, dropout = arguments.get("input_scaling"), arguments.get("dropout")
        fits = (
            mode in ("recipe", "paper")
            and slope in ("triangle", "clipped")
            and isinstance(scaling, bool)
            and isinstance(dropout, float)
            and 0.0 <= dropout < 1.0
        )
        if not fits or len(arguments) != len(BlockDesign().arguments()):
            raise InputError(
                "A binary block cannot be rebuilt",
                why=f"its arguments are {arguments!r}",
                next_step="Get a fresh copy of the file",
            )
        return BlockDesign(**arguments)


class _SignActivation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: torch.Tensor, triangle: bool) -> torch.Tensor:
        """Return -1 and +1."""
        ctx.save_for_backward(values)
        ctx.triangle = triangle
        return signs_of(values)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Return g (2 - 2|x|) or g, where |x| <= 1."""
        (values,) = ctx.saved_tensors
        size = values.abs()
        passed = gradient * (size <= 1)
        return (passed * (2 - 2 * size) if ctx.triangle else passed), None


class BinarySign(nn.Module):
    """sgn(x), +1 at 0, with a slope to train through."""

    def __init__(self, slope: Slope) -> None:
        super().__init__()
        self.slope = slope

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return -1 and +1 in the same shape."""
        if not torch.is_grad_enabled():
            return signs_of(values)
        signs: torch.Tensor = _SignActivation.apply(values, self.slope == "triangle")  # type: ignore[no-untyped-call]  # torch does not type it
        return signs


class ChannelShift(nn.Module):
    """Adds a learned number to each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(channels))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return (N, C, ...) shifted."""
        return values + self.shift.view(-1, *(1,) * (values.ndim - 2))


class Shortcut(nn.Module):
    """Carries the real-valued input past the signs: averaged to the stride, channels repeated."""

    def __init__(self, repeats: int, stride: tuple[int, int]) -> None:
        super().__init__()
        self.repeats, self.stride = repeats, stride

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return (N, repeats C, H / stride, W / stride), rounded up."""
        if self.stride != (1, 1):
            values = F.avg_pool2d(values, self.stride, ceil_mode=True)
        return torch.cat([values] * self.repeats, dim=1) if self.repeats > 1 else values


class InputScale(nn.Module):
    """K of XNOR-Net: the mean magnitude of the inputs under the kernel."""

    def __init__(self, layer: nn.Conv2d | nn.Linear) -> None:
        super().__init__()
        self.kernel: Any = None
        if isinstance(layer, nn.Conv2d):
            self.kernel, self.stride = layer.kernel_size, layer.stride
            self.padding: Any = layer.padding

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return (N, 1, H_out, W_out), or (N, 1) for a linear layer."""
        size = values.abs().mean(dim=1, keepdim=True)
        if self.kernel is None:
            return size
        window = torch.ones((1, 1, *self.kernel), dtype=size.dtype, device=size.device)
        sums = F.conv2d(size, window, None, self.stride, self.padding)
        return sums / float(self.kernel[0] * self.kernel[1])


class BinaryBlock(nn.Module):
    """A layer whose inputs are signs; torch imitates them in float32.

    Parameters
    ----------
    layer
        Taken over with its values; `layer.weight` may be binary too.
    design
        What goes around it.
    """

    simulated_kernels = True

    def __init__(self, layer: nn.Conv2d | nn.Linear, design: BlockDesign) -> None:
        super().__init__()
        c_in, c_out = channels_of(layer)
        is_conv = isinstance(layer, nn.Conv2d)
        self.prepare = _prepared(layer, design, c_in)
        self.sign = BinarySign(design.slope)
        self.layer = copy.deepcopy(layer)
        if isinstance(self.layer, nn.Conv2d) and design.mode == "paper":
            self.layer.padding = (0, 0)  # the zeros come before the normalisation
        self.scale = InputScale(self.layer) if design.input_scaling else None
        self.normalise: nn.Module | None = None
        self.shortcut: nn.Module | None = None
        self.activate: nn.Module | None = None
        if design.mode == "recipe":
            self.normalise = nn.BatchNorm2d(c_out) if is_conv else nn.BatchNorm1d(c_out)
            self.shortcut = _shortcut(layer, c_in, c_out)
            self.activate = nn.Sequential(ChannelShift(c_out), nn.PReLU(c_out), ChannelShift(c_out))
            if not is_conv:
                self.activate.append(nn.Dropout(design.dropout))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return what the layer would, from the signs of its input."""
        prepared = self.prepare(inputs)
        outputs: torch.Tensor = self.layer(self.sign(prepared))
        if self.scale is not None:
            outputs = self._scaled(outputs, self.scale(prepared))
        if self.normalise is not None:
            outputs = self.normalise(outputs)
        if self.shortcut is not None:
            outputs = outputs + self.shortcut(inputs)
        return outputs if self.activate is None else self.activate(outputs)

    @property
    def real_kernels_on(self) -> tuple[str, ...]:
        """Return the engines that count signs; none while the weights are real numbers."""
        return () if why_not_packed(self.packed_spec()) else ("packed",)

    def packed_spec(self) -> SignLayerSpec | None:
        """Return the block in numbers; None where its parts are not those of a design."""
        with torch.no_grad():
            return _spec(self)

    def _scaled(self, outputs: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        if self.layer.bias is None:
            return outputs * scale
        bias = self.layer.bias.view(-1, *(1,) * (self.layer.weight.ndim - 2))
        return (outputs - bias) * scale + bias


def _spec(block: BinaryBlock) -> SignLayerSpec | None:
    layer = block.layer
    c_in, c_out = channels_of(layer)
    surround, in_scale, in_shift = _folded(block.prepare.children(), c_in)
    _, scale, shift = _folded([block.normalise] if block.normalise else [], c_out)
    slope, post = torch.ones(c_out), torch.zeros(c_out)
    if isinstance(block.activate, nn.Sequential):
        before, curve, after = (block.activate.get_submodule(name) for name in "012")
        if not (
            isinstance(before, ChannelShift)
            and isinstance(curve, nn.PReLU)
            and isinstance(after, ChannelShift)
        ):
            return None
        shift, slope, post = shift + before.shift, curve.weight, after.shift
    shortcut = block.shortcut if isinstance(block.shortcut, Shortcut) else None
    return SignLayerSpec(
        layer, in_scale, in_shift, surround, block.scale is not None, scale, shift,
        None if shortcut is None else (shortcut.repeats, *shortcut.stride), slope, post,
    )  # fmt: skip


def _folded(
    layers: Iterable[nn.Module], channels: int
) -> tuple[tuple[int, int], torch.Tensor, torch.Tensor]:
    """Return zeros around, scale and shift (C,) of normalisations and shifts one after another."""
    surround, scale, shift = (0, 0), torch.ones(channels), torch.zeros(channels)
    for layer in layers:
        if isinstance(layer, nn.ZeroPad2d):
            right, _, down, _ = layer.padding
            surround = (int(down), int(right))
        elif isinstance(layer, ChannelShift):
            shift = shift + layer.shift
        else:
            factor, offset = affine_of(layer)
            scale, shift = scale * factor, shift * factor + offset
    return surround, scale, shift


def _prepared(layer: nn.Conv2d | nn.Linear, design: BlockDesign, c_in: int) -> nn.Module:
    """Return what comes before the sign."""
    if isinstance(layer, nn.Linear):
        normalise = nn.BatchNorm1d(c_in)
        shift = [ChannelShift(c_in)] if design.mode == "recipe" else []
        return nn.Sequential(normalise, *shift)
    if design.mode == "recipe":
        return nn.Sequential(ChannelShift(c_in))
    down, right = (int(side) for side in layer.padding)
    around = nn.ZeroPad2d((right, right, down, down))
    return nn.Sequential(around, nn.BatchNorm2d(c_in, eps=_PAPER_EPS))


def _shortcut(layer: nn.Conv2d | nn.Linear, c_in: int, c_out: int) -> nn.Module | None:
    """Return a shortcut where the shapes allow one: T = S or T = 2S, sides kept but for strides."""
    if isinstance(layer, nn.Linear):
        return Shortcut(1, (1, 1)) if c_in == c_out else None
    padding = [int(side) for side in layer.padding]
    reach = [
        dilation * (side - 1)
        for dilation, side in zip(layer.dilation, layer.kernel_size, strict=True)
    ]
    keeps_sides = [2 * side for side in padding] == reach
    if not keeps_sides or c_out not in (c_in, 2 * c_in):
        return None
    return Shortcut(c_out // c_in, (layer.stride[0], layer.stride[1]))


def absorbed_layers(module: nn.Module, graph: LayerGraph, path: str, mode: Mode) -> tuple[str, ...]:
    """Return the layers behind `path` that its block takes the place of.

    The recipe's block has its own normalisation, activation and dropout; the paper's moves the
    normalisation and leaves the rest.
    """
    kinds: tuple[type[nn.Module], ...] = (nn.BatchNorm1d, nn.BatchNorm2d)
    if mode == "recipe":
        kinds += (nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.Dropout)
    found: list[str] = []
    for name in graph.chain(path):
        layer = module.get_submodule(name)
        if isinstance(layer, nn.Identity):
            continue
        if not isinstance(layer, kinds):
            break
        found.append(name)
    return tuple(found)


def why_no_block(layer: nn.Module, design: BlockDesign) -> str:
    """Return why the inputs of a layer cannot be signs, or nothing."""
    if not isinstance(layer, nn.Conv2d):
        return "" if isinstance(layer, nn.Linear) else "layer has no dense weight (hashed/TT)"
    if layer.groups > 1 and layer.weight[0].numel() < 9:
        return "grouped/depthwise kernel too small (fan-in < 9)"
    if isinstance(layer.padding, str) or layer.padding_mode != "zeros":
        return "only zero padding of a fixed width can stand around signs"
    if design.input_scaling and (layer.dilation != (1, 1) or layer.groups > 1):
        return "input scaling knows neither dilated nor grouped kernels"
    return ""


def block_from(layer: nn.Module, arguments: dict[str, Any]) -> nn.Module:
    """Return what a structure record of a binary block stands for.

    Raises
    ------
    InputError
        If the record is damaged or does not fit the layer.
    """
    if not arguments:
        return nn.Identity()
    design = BlockDesign.from_arguments(arguments)
    reason = why_no_block(layer, design)
    if reason or not isinstance(layer, nn.Conv2d | nn.Linear):
        raise InputError("A binary block cannot be rebuilt", why=reason)
    return BinaryBlock(layer, design)
