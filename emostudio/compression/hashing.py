"""Layers whose weights are looked up in few buckets, by a hash of their place.

A virtual weight V[i, j] is ``sign(i, j) * buckets[bucket(i, j)]``; the file holds the buckets and a
seed. Three ways to run, which differ in memory and time and in nothing else:

- ``materialise``: V is built once and kept; dense speed, dense memory.
- ``rebuild``: V is built at every call, as in the survey; slow, dense memory while it runs.
- ``tiles``: V is built and used in tiles of rows; slow, small memory.

References
----------
.. [1] Chen et al., "Compressing neural networks with the hashing trick", ICML 2015,
   arXiv:1504.04788.
"""

from __future__ import annotations

import copy
import math
from typing import Any, Literal, TypeAlias, get_args

import torch
from torch import nn
from torch.nn import functional as F

from emostudio.compression import hash_kernels
from emostudio.compression.surgery import WeightHolder
from emostudio.compression.xxh32 import virtual_entries

Mode: TypeAlias = Literal["materialise", "rebuild", "tiles"]
MODES: tuple[str, ...] = get_args(Mode)

_BIAS_SEED = 0x85EBCA6B
_CHUNK = 1 << 22
_TILE_ROWS = 256
_WORTH_COMPILING = 1 << 16


class HashedMatrix(WeightHolder):
    """Base: a virtual matrix (rows, columns) and perhaps a virtual bias (rows,).

    Parameters
    ----------
    shape
        (rows, columns) of the virtual matrix.
    bucket_count
        Number of stored weights, K.
    bias_buckets
        Number of stored biases; `rows` keeps an ordinary bias, 0 has none.
    seed
        Of the hash, unsigned 32-bit.
    signed
        Whether the hash also decides a sign.
    mode
        How it runs.
    rescaled
        Whether a bucket's gradient is divided by the root of the number of its members.

    Attributes
    ----------
    weight
        Buckets, (K,).
    bias
        Stored biases, (bias_buckets,), or None.
    """

    bias: nn.Parameter | None

    def __init__(
        self,
        shape: tuple[int, int],
        bucket_count: int,
        bias_buckets: int,
        *,
        seed: int,
        signed: bool = True,
        mode: Mode = "materialise",
        rescaled: bool = False,
    ) -> None:
        super().__init__()
        self.shape, self.seed, self.signed = shape, seed, signed
        self.mode: Mode = mode
        self.rescaled = rescaled
        self.weight = nn.Parameter(torch.empty(bucket_count))
        bias = nn.Parameter(torch.empty(bias_buckets)) if bias_buckets else None
        self.register_parameter("bias", bias)
        self._entries: torch.Tensor | None = None
        self._dense: tuple[torch.Tensor, int, torch.Tensor] | None = None

    @property
    def kind(self) -> str:
        """Say what the layer is in tables."""
        return f"hashed ({self.mode})"

    def entries(self) -> torch.Tensor:
        """Return bucket and sign of every virtual weight, int32 (rows * columns,).

        In training they are kept: hashing anew would take longer than the step.
        """
        if self._entries is not None and self._entries.device == self.weight.device:
            return self._entries
        found = self.row_entries(0, self.shape[0])
        if self.training:
            self._entries = found
        return found

    def row_entries(self, start: int, end: int) -> torch.Tensor:
        """Return the entries of some rows, hashed anew, int32 ((end - start) * columns,)."""
        found = virtual_entries(
            (end - start, self.shape[1]), self.weight.numel(), self.seed,
            signed=self.signed, first_row=start,
        )  # fmt: skip
        return torch.from_numpy(found).to(self.weight.device)

    def matrix(self) -> torch.Tensor:
        """Return the virtual matrix, (rows, columns), through which gradients flow."""
        if self.weight.is_meta:
            return self.weight.new_empty(self.shape)
        values: torch.Tensor = BucketLookup.apply(  # type: ignore[no-untyped-call]  # torch does not type it
            self.weight, self.entries(), self.rescaled
        )
        return values.view(self.shape)

    def virtual_bias(self) -> torch.Tensor | None:
        """Return the bias, (rows,); hashed biases have a hash of their own."""
        rows, bias = self.shape[0], self.bias
        if bias is None or bias.numel() == rows or bias.is_meta:
            return None if bias is None else bias.new_empty(rows) if bias.is_meta else bias
        seed = self.seed ^ _BIAS_SEED
        found = virtual_entries((rows, 1), bias.numel(), seed, signed=self.signed)
        entries = torch.from_numpy(found).to(bias.device)
        values: torch.Tensor = BucketLookup.apply(bias, entries, self.rescaled)  # type: ignore[no-untyped-call]
        return values

    def dense(self) -> torch.Tensor:
        """Return the matrix for inference: kept between calls where the layer materialises it."""
        if self.training or self.mode != "materialise":
            return self.matrix()
        weight, kept = self.weight, self._dense
        version = weight._version  # noqa: SLF001 - torch has no public counter
        # the very tensor, not its id: under a parametrisation each access makes a new one
        if kept is not None and kept[0] is weight and kept[1] == version:
            return kept[2]
        with torch.no_grad():
            self._dense = (weight, version, self.matrix())
        return self._dense[2]

    def tile(self, start: int, end: int) -> torch.Tensor:
        """Return rows `start` to `end` of the matrix, hashed anew; without gradient."""
        found = self.row_entries(start, end)
        return look_up(self.weight.detach(), found).view(end - start, self.shape[1])

    def project(self, matrix: torch.Tensor) -> None:
        """Fill the buckets with the least-squares projection of a dense matrix (rows, columns)."""
        _project(self.weight, matrix.reshape(-1), self.entries())

    def project_bias(self, bias: torch.Tensor) -> None:
        """Fill the stored biases from a dense bias (rows,)."""
        if self.bias is None:
            return
        if self.bias.numel() == bias.numel():
            with torch.no_grad():
                self.bias.copy_(bias)
            return
        seed = self.seed ^ _BIAS_SEED
        found = virtual_entries((bias.numel(), 1), self.bias.numel(), seed, signed=self.signed)
        _project(self.bias, bias, torch.from_numpy(found))

    def train(self, mode: bool = True) -> HashedMatrix:
        """Switch between training and inference; what the other one kept is given up."""
        if mode != self.training:  # a trainer says so before every step
            self._forget()
        super().train(mode)
        return self

    def _forget(self) -> None:
        """Give up what is kept for speed."""
        self._entries = self._dense = None

    def __deepcopy__(self, memo: dict[int, Any]) -> HashedMatrix:
        """Copy without what is kept for speed."""
        made = type(self).__new__(type(self))
        memo[id(self)] = made
        kept = dict(self.__dict__)
        self._forget()
        made.__dict__ = {key: copy.deepcopy(value, memo) for key, value in self.__dict__.items()}
        self.__dict__.update(kept)
        return made


class HashedLinear(HashedMatrix):
    """A fully connected layer with a virtual matrix (out_features, in_features)."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map (N, in_features) to (N, out_features)."""
        bias = self.virtual_bias()
        if self.mode == "tiles" and not self.training and not self.weight.is_meta:
            rows = self.shape[0]
            starts = range(0, rows, _TILE_ROWS)
            tiles = [features @ self.tile(at, min(rows, at + _TILE_ROWS)).T for at in starts]
            answer = torch.cat(tiles, dim=-1)
            return answer if bias is None else answer + bias
        return F.linear(features, self.dense(), bias)

    def mac_count(self, output_shape: tuple[int, ...]) -> int:
        """Return the multiply-adds of the virtual matrix."""
        return math.prod(output_shape) * self.shape[1]

    def exported(self) -> nn.Module:
        """Return the ordinary layer that answers the same."""
        plain = nn.Linear(self.shape[1], self.shape[0], bias=self.bias is not None)
        return _filled(plain, self.matrix(), self.virtual_bias())


class HashedConv2d(HashedMatrix):
    """A convolution whose kernel, flattened to (C_out, C_in * kH * kW), is virtual.

    Parameters
    ----------
    layer
        The convolution it stands for; only its geometry is used.
    bucket_count, bias_buckets, **settings
        As `HashedMatrix`.
    """

    def __init__(
        self, layer: nn.Conv2d, bucket_count: int, bias_buckets: int, **settings: Any
    ) -> None:
        shape = (layer.out_channels, layer.weight[0].numel())
        super().__init__(shape, bucket_count, bias_buckets, **settings)
        self.kernel_shape = tuple(layer.weight.shape)
        self.stride, self.padding = _pair(layer.stride), _pair(layer.padding)
        self.dilation, self.groups = _pair(layer.dilation), layer.groups

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map (N, C_in, H, W) to (N, C_out, H', W')."""
        kernel = self.dense().view(self.kernel_shape)
        return F.conv2d(
            features, kernel, self.virtual_bias(), self.stride, self.padding, self.dilation,
            self.groups,
        )  # fmt: skip

    def mac_count(self, output_shape: tuple[int, ...]) -> int:
        """Return the multiply-adds of the virtual kernel."""
        return math.prod(output_shape) * self.shape[1]

    def exported(self) -> nn.Module:
        """Return the ordinary convolution that answers the same."""
        out_channels, channels, height, width = self.kernel_shape
        plain = nn.Conv2d(
            channels * self.groups, out_channels, (height, width), self.stride, self.padding,
            self.dilation, self.groups, bias=self.bias is not None,
        )  # fmt: skip
        return _filled(plain, self.matrix().view(self.kernel_shape), self.virtual_bias())


class BucketLookup(torch.autograd.Function):
    """Virtual weights from buckets; the gradient of a bucket is the signed sum over its members."""

    @staticmethod
    def forward(
        ctx: Any, buckets: torch.Tensor, entries: torch.Tensor, rescaled: bool
    ) -> torch.Tensor:
        """Return the virtual weights (n,) for buckets (K,) and entries int32 (n,)."""
        ctx.save_for_backward(entries)
        ctx.size, ctx.rescaled = buckets.numel(), rescaled
        return look_up(buckets, entries)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        """Return the gradient of the buckets, (K,), chunk by chunk: no second index is made."""
        (entries,) = ctx.saved_tensors
        summed = gather(gradient.reshape(-1), entries, ctx.size)
        if ctx.rescaled:
            members = gather(torch.ones_like(gradient), entries.abs(), ctx.size)
            summed = summed / members.clamp(min=1).sqrt()
        return summed, None, None


def look_up(buckets: torch.Tensor, entries: torch.Tensor) -> torch.Tensor:
    """Return ``sign * buckets[bucket]`` for entries int32 (n,)."""
    values = torch.empty(entries.numel(), dtype=buckets.dtype, device=buckets.device)
    if is_compiled_for(buckets, entries.numel()):
        hash_kernels.look_up(buckets.detach().numpy(), entries.numpy(), values.numpy())
        return values
    for start in range(0, entries.numel(), _CHUNK):
        part = entries[start : start + _CHUNK]
        chosen = buckets.index_select(0, part.abs() - 1)
        values[start : start + _CHUNK] = torch.where(part < 0, -chosen, chosen)
    return values


def gather(values: torch.Tensor, entries: torch.Tensor, size: int) -> torch.Tensor:
    """Return the signed sum of the members of each of `size` buckets; values (n,)."""
    summed = torch.zeros(size, dtype=values.dtype, device=values.device)
    if is_compiled_for(values, entries.numel()):
        members = values.detach().contiguous()
        hash_kernels.gather(members.numpy(), entries.numpy(), summed.numpy())
        return summed
    for start in range(0, entries.numel(), _CHUNK):
        part, members = entries[start : start + _CHUNK], values[start : start + _CHUNK]
        summed.index_add_(0, part.abs() - 1, torch.where(part < 0, -members, members))
    return summed


def is_compiled_for(values: torch.Tensor, count: int) -> bool:
    """Whether the compiled kernels take these; few entries are not worth loading them."""
    on_cpu = values.device.type == "cpu" and values.dtype in (torch.float32, torch.float64)
    return on_cpu and count >= _WORTH_COMPILING


@torch.no_grad()
def _project(buckets: nn.Parameter, values: torch.Tensor, entries: torch.Tensor) -> None:
    flat = values.detach().reshape(-1).double()
    sums = gather(flat, entries, buckets.numel())
    members = gather(torch.ones_like(flat), entries.abs(), buckets.numel())
    buckets.copy_(sums / members.clamp(min=1))


def _pair(sides: Any) -> tuple[int, int]:
    """Return what torch types as a tuple of any length, or a word, as two numbers."""
    return (int(sides[0]), int(sides[1]))


def _filled(plain: nn.Module, weight: torch.Tensor, bias: torch.Tensor | None) -> nn.Module:
    with torch.no_grad():
        plain.get_parameter("weight").copy_(weight)
        if bias is not None:
            plain.get_parameter("bias").copy_(bias)
    return plain
