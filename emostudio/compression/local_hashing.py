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

    def hashed(self, block: int, seed: int, *, signed: bool) -> NDArray[np.int32]:
        """Return ``sign * (bucket + 1)``, counted from the block's first, (rows, columns)."""
        rows = np.diff(self.first_rows)[block]
        found = virtual_entries(
            (int(rows), self.columns), int(np.diff(self.first_buckets)[block]), seed,
            signed=signed, first_row=int(self.first_rows[block]),
        )  # fmt: skip
        return found.reshape(-1, self.columns)


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

    @property
    def kind(self) -> str:
        """Say what the layer is in tables."""
        return f"hashed (local, {self.mode})"

    def entries(self) -> torch.Tensor:
        """Return bucket and sign of every virtual weight, int32 (rows * columns,); not kept."""
        return self.row_entries(0, self.shape[0])

    def row_entries(self, start: int, end: int) -> torch.Tensor:
        """Return the entries of some rows, hashed anew, int32 ((end - start) * columns,)."""
        parts, edges = [], self.blocks.first_rows
        for block in range(len(self.blocks)):
            first = int(edges[block])
            if first < end and edges[block + 1] > start:
                found = self.blocks.hashed(block, self.seed, signed=self.signed)
                found = found[max(0, start - first) : end - first]
                before = np.int32(self.blocks.first_buckets[block])
                parts.append(found + np.sign(found) * before)
        return torch.from_numpy(np.concatenate(parts).reshape(-1)).to(self.weight.device)

    def codes(self) -> torch.Tensor:
        """Return the codes that `hash_kernels.look_up_blocks` reads, int16 (rows * columns,).

        They are kept until the layer is switched between training and inference.
        """
        if self._entries is None:
            made = np.empty(self.shape, np.uint16)
            edges = self.blocks.first_rows
            for block in range(len(self.blocks)):
                found = self.blocks.hashed(block, self.seed, signed=self.signed)
                sign = (found < 0) * np.uint16(_NEGATIVE)
                made[edges[block] : edges[block + 1]] = (np.abs(found) - 1).astype(np.uint16) | sign
            self._entries = torch.from_numpy(made.reshape(-1).view(np.int16))
        return self._entries

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
        codes: torch.Tensor,
        blocks: Blocks,
        rescaled: bool,
    ) -> torch.Tensor:
        """Return (N, rows) for features (N, columns), buckets (K,) and codes (rows * columns,)."""
        ctx.save_for_backward(features, buckets, codes)
        ctx.blocks, ctx.rescaled = blocks, rescaled
        answer = features.new_empty(len(features), blocks.rows)
        for chunk in _chunks(features, codes, blocks):
            torch.mm(features, chunk.looked_up(buckets).T, out=answer[:, chunk.rows])
        return answer

    @staticmethod
    def backward(
        ctx: Any, gradient: torch.Tensor
    ) -> tuple[torch.Tensor | None, torch.Tensor, None, None, None]:
        """Return the gradients of the features and of the buckets."""
        features, buckets, codes = ctx.saved_tensors
        toward_features = torch.zeros_like(features) if ctx.needs_input_grad[0] else None
        summed = torch.zeros_like(buckets)
        for chunk in _chunks(features, codes, ctx.blocks):
            columns = gradient[:, chunk.rows]
            if toward_features is not None:
                toward_features.addmm_(columns, chunk.looked_up(buckets))
            torch.mm(columns.T, features, out=chunk.matrix)
            chunk.gather(summed)
        if ctx.rescaled:
            summed = summed / _members(features, codes, ctx.blocks, summed).clamp(min=1).sqrt()
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
        hash_kernels.look_up_blocks(
            buckets.detach().numpy(), self.codes, self.first_buckets, self.places, self._flat()
        )
        return self.matrix

    def gather(self, summed: torch.Tensor) -> None:
        """Add what the room holds to the buckets, (K,)."""
        hash_kernels.gather_blocks(
            self._flat(), self.codes, self.first_buckets, self.places, summed.numpy()
        )

    def _flat(self) -> NDArray[Any]:
        flat: NDArray[Any] = self.matrix.view(-1).numpy()
        return flat


def _chunks(features: torch.Tensor, codes: torch.Tensor, blocks: Blocks) -> Iterator[_Chunk]:
    """Yield the matrix in chunks of whole blocks; the room is the same for all."""
    use_threads(torch.get_num_threads())
    edges, columns = blocks.first_rows, blocks.columns
    together = max(1, _CHUNK_WEIGHTS * len(blocks) // (blocks.rows * columns))
    starts = range(0, len(blocks), together)
    ends = [min(len(blocks), start + together) for start in starts]
    most = max(edges[end] - edges[start] for start, end in zip(starts, ends, strict=True))
    room = features.new_empty(int(most), columns)
    given = codes.numpy().view(np.uint16)
    for start, end in zip(starts, ends, strict=True):
        first, last = int(edges[start]), int(edges[end])
        yield _Chunk(
            rows=slice(first, last),
            matrix=room[: last - first],
            codes=given,
            first_buckets=blocks.first_buckets[start:end],
            places=edges[start : end + 1] * columns,
        )


def _members(
    features: torch.Tensor, codes: torch.Tensor, blocks: Blocks, like: torch.Tensor
) -> torch.Tensor:
    """Return how many weights share each bucket, (K,)."""
    found = torch.zeros_like(like)
    for chunk in _chunks(features, codes & (_NEGATIVE - 1), blocks):
        chunk.matrix.fill_(1.0)
        chunk.gather(found)
    return found
