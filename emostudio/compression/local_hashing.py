"""Hashed layers whose rows share within small blocks, so that a training step stays in the cache.

Every virtual weight has a bucket and a sign of its own, as in the general hash, but among the
buckets of its block of rows only. What a hash over the whole table costs is that each of millions
of weights is read from, and added to, a random place of the memory; here all places of a block lie
in the processor's nearest caches. A step goes through the matrix some rows at a time, of which none
are kept: it needs neither a dense matrix nor a dense gradient.

References
----------
.. [1] Chen et al., "Compressing neural networks with the hashing trick", ICML 2015,
   arXiv:1504.04788 (the hash over all buckets).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.autograd.function import once_differentiable

from emostudio.compression import hash_kernels
from emostudio.compression.hashing import HashedLinear, is_compiled_for
from emostudio.compression.xxh32 import virtual_entries
from emostudio.inference.packed.compiling import use_threads

_BLOCK_BUCKETS = 4096  # 16 kB of float32; files depend on it: it decides who shares
_CHUNK_WEIGHTS = 1 << 21  # built at a time: enough for one fast product
_NEGATIVE = 1 << 15  # the bit of a code


@dataclass(frozen=True)
class Blocks:
    """Which rows share which buckets: each block has about 4096 buckets or more.

    Attributes
    ----------
    rows, columns
        Of the virtual matrix.
    bucket_count
        Of the whole matrix, K.
    """

    rows: int
    columns: int
    bucket_count: int

    @cached_property
    def first_rows(self) -> NDArray[np.int64]:
        """Where blocks begin, and the end, (blocks + 1,)."""
        count = min(self.rows, max(1, self.bucket_count // _BLOCK_BUCKETS))
        return np.array([self.rows * block // count for block in range(count + 1)], np.int64)

    @cached_property
    def first_buckets(self) -> NDArray[np.int64]:
        """Where the buckets of blocks begin, and the end, (blocks + 1,)."""
        found = [self.bucket_count * row // self.rows for row in self.first_rows.tolist()]
        return np.array(found, np.int64)

    @property
    def has_codes(self) -> bool:
        """Whether a bucket counted from the first of its block fits 15 bits."""
        return int(np.diff(self.first_buckets).max()) <= _NEGATIVE

    def __len__(self) -> int:
        """Return the number of blocks."""
        return len(self.first_rows) - 1

    def hashed(
        self, block: int, seed: int, *, signed: bool, start: int = 0, end: int | None = None
    ) -> NDArray[np.int32]:
        """Return ``sign * (bucket + 1)``, counted from the block's first, (rows, columns).

        Only for the rows of the matrix from `start` to `end`.
        """
        first, last = self.first_rows[block : block + 2].tolist()
        first, last = max(first, start), last if end is None else min(last, end)
        buckets = int(self.first_buckets[block + 1] - self.first_buckets[block])
        shape = last - first, self.columns
        found = virtual_entries(shape, buckets, seed, signed=signed, first_row=first)
        return found.reshape(shape)


class LocalHashedLinear(HashedLinear):
    """A fully connected layer with a virtual matrix (out_features, in_features).

    Parameters
    ----------
    shape, bucket_count, bias_buckets, **settings
        As `HashedMatrix`. Where all buckets fit into one block, this is the general hash.

    Attributes
    ----------
    blocks
        Which rows share which buckets.
    """

    def __init__(
        self, shape: tuple[int, int], bucket_count: int, bias_buckets: int, **settings: Any
    ) -> None:
        super().__init__(shape, bucket_count, bias_buckets, **settings)
        self.blocks = Blocks(*shape, bucket_count)
        self._codes: NDArray[np.uint16] | None = None

    @property
    def kind(self) -> str:
        """Say what the layer is in tables."""
        return f"hashed (local, {self.mode})"

    def row_entries(self, start: int, end: int) -> torch.Tensor:
        """Return the entries of some rows, hashed anew, int32 ((end - start) * columns,)."""
        parts, edges = [], self.blocks.first_rows
        for block in range(len(self.blocks)):
            if edges[block] < end and edges[block + 1] > start:
                found = self.blocks.hashed(
                    block, self.seed, signed=self.signed, start=start, end=end
                )
                before = np.int32(self.blocks.first_buckets[block])
                parts.append(found + np.sign(found) * before)
        return torch.from_numpy(np.concatenate(parts).reshape(-1)).to(self.weight.device)

    def codes(self) -> NDArray[np.uint16]:
        """Return the codes that `hash_kernels.look_up_blocks` reads, (rows * columns,).

        They are kept until the layer is switched between training and inference.
        """
        if self._codes is None:
            made = np.empty(self.shape, np.uint16)
            edges = self.blocks.first_rows
            for block in range(len(self.blocks)):
                found = self.blocks.hashed(block, self.seed, signed=self.signed)
                sign = (found < 0) * np.uint16(_NEGATIVE)
                made[edges[block] : edges[block + 1]] = (np.abs(found) - 1).astype(np.uint16) | sign
            self._codes = made.reshape(-1)
        return self._codes

    def _forget(self) -> None:
        """Give up what is kept for speed."""
        super()._forget()
        self._codes = None

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map (N, in_features) to (N, out_features)."""
        if not self.training or not self._is_compiled_for(features):
            return super().forward(features)
        answer: torch.Tensor = BlockProduct.apply(  # type: ignore[no-untyped-call]  # torch does not type it
            features.reshape(-1, self.shape[1]), self.weight, self.codes(), self.blocks,
            self.rescaled,
        )  # fmt: skip
        answer = answer.view(*features.shape[:-1], self.shape[0])
        bias = self.virtual_bias()
        return answer if bias is None else answer + bias

    def _is_compiled_for(self, features: torch.Tensor) -> bool:
        rows, columns = self.shape
        types = {features.dtype, self.weight.dtype}
        return (
            len(types) == 1
            and is_compiled_for(self.weight, rows * columns)
            and self.blocks.has_codes
        )


class BlockProduct(torch.autograd.Function):
    """Features times the virtual matrix, of which only some rows exist at any time."""

    @staticmethod
    def forward(
        ctx: Any,
        features: torch.Tensor,
        buckets: torch.Tensor,
        codes: NDArray[np.uint16],
        blocks: Blocks,
        rescaled: bool,
    ) -> torch.Tensor:
        """Return (N, rows) for features (N, columns), buckets (K,) and codes (rows * columns,)."""
        ctx.save_for_backward(features, buckets)
        ctx.codes, ctx.blocks, ctx.rescaled = codes, blocks, rescaled
        answer = features.new_empty(len(features), blocks.rows)
        for chunk in _chunks(features, codes, blocks):
            torch.mm(features, chunk.looked_up(buckets).T, out=answer[:, chunk.rows])
        return answer

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, gradient: torch.Tensor
    ) -> tuple[torch.Tensor | None, torch.Tensor, None, None, None]:
        """Return the gradients of the features and of the buckets."""
        features, buckets = ctx.saved_tensors
        toward_features = torch.zeros_like(features) if ctx.needs_input_grad[0] else None
        summed = torch.zeros_like(buckets)
        for chunk in _chunks(features, ctx.codes, ctx.blocks):
            columns = gradient[:, chunk.rows]
            if toward_features is not None:
                toward_features.addmm_(columns, chunk.looked_up(buckets))
            torch.mm(columns.T, features, out=chunk.matrix)
            chunk.gather(summed)
        if ctx.rescaled:
            summed = summed / _members(summed, ctx.codes, ctx.blocks).clamp(min=1).sqrt()
        return toward_features, summed, None, None, None


@dataclass(frozen=True)
class _Chunk:
    """Some rows of the matrix, and room for their weights."""

    rows: slice
    matrix: torch.Tensor
    codes: NDArray[np.uint16]
    first_buckets: NDArray[np.int64]
    places: NDArray[np.int64]

    def looked_up(self, buckets: torch.Tensor) -> torch.Tensor:
        """Return the rows, (rows, columns), filled."""
        self._pass(hash_kernels.LOOK_UP_BLOCKS, buckets.detach())
        return self.matrix

    def gather(self, summed: torch.Tensor) -> None:
        """Add what the room holds to the buckets, (K,)."""
        self._pass(hash_kernels.GATHER_BLOCKS, summed)

    def _pass(self, kernels: hash_kernels.Pair, buckets: torch.Tensor) -> None:
        threads = min(torch.get_num_threads(), len(self.first_buckets))
        use_threads(threads)
        # waking the other threads for nothing costs more than the pass where the machine is busy
        run = kernels.threaded if threads > 1 else kernels.alone
        weights = self.matrix.view(-1).numpy()
        run(buckets.numpy(), self.codes, self.first_buckets, self.places, weights)


def _chunks(like: torch.Tensor, codes: NDArray[np.uint16], blocks: Blocks) -> Iterator[_Chunk]:
    """Yield the matrix in chunks of whole blocks; the room is the same for all."""
    edges, columns = blocks.first_rows, blocks.columns
    together = max(1, _CHUNK_WEIGHTS * len(blocks) // (blocks.rows * columns))
    starts = range(0, len(blocks), together)
    ends = [min(len(blocks), start + together) for start in starts]
    most = max(edges[end] - edges[start] for start, end in zip(starts, ends, strict=True))
    room = like.new_empty(int(most), columns)
    for start, end in zip(starts, ends, strict=True):
        first, last = int(edges[start]), int(edges[end])
        yield _Chunk(
            rows=slice(first, last),
            matrix=room[: last - first],
            codes=codes,
            first_buckets=blocks.first_buckets[start:end],
            places=edges[start : end + 1] * columns,
        )


def _members(like: torch.Tensor, codes: NDArray[np.uint16], blocks: Blocks) -> torch.Tensor:
    """Return how many weights share each bucket, (K,)."""
    found = torch.zeros_like(like)
    for chunk in _chunks(like, codes & np.uint16(_NEGATIVE - 1), blocks):
        chunk.matrix.fill_(1.0)
        chunk.gather(found)
    return found
