"""Hashed layers whose rows share one signed permutation: they fold the input and get faster.

The bucket of V[i, j] is ``i * K + pi(j)`` with a sign s(j), the same for every row i. So
``V x = W y`` with ``y[k] = sum over pi(j) = k of s(j) x(j)``: the input is folded to K numbers
first, and the rest is an ordinary layer K / columns as large, in training and in inference. Weights
are shared within a row only, and columns that share do so in every row.

References
----------
.. [1] Chen et al., "Compressing neural networks with the hashing trick", ICML 2015,
   arXiv:1504.04788 (the general hash).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from emostudio.compression.hashing import HashedLinear
from emostudio.compression.xxh32 import virtual_entries

_KEYS = 2**31 - 2


class Fold(nn.Module):
    """Adds up the signed columns that share a bucket.

    Parameters
    ----------
    columns
        Width of the input.
    buckets
        Width of the output, K.
    seed
        Of the hash that orders the columns and gives them signs.
    signed
        Whether there are signs.

    Attributes
    ----------
    order
        int64 (c K,): the columns of K buckets, then those of the next; `columns` stands for none.
    signs
        float32 (c K,).
    """

    def __init__(self, columns: int, buckets: int, seed: int, *, signed: bool) -> None:
        super().__init__()
        self.buckets = buckets
        keys = virtual_entries((1, columns), _KEYS, seed, signed=signed)
        layers = math.ceil(columns / buckets)
        order = np.full(layers * buckets, columns, np.int64)
        order[:columns] = np.argsort(np.abs(keys), kind="stable")
        signs = np.append(np.sign(keys), 0).astype(np.float32)[order]
        self.register_buffer(
            "order", torch.from_numpy(order.clip(max=columns - 1)), persistent=False
        )
        self.register_buffer("signs", torch.from_numpy(signs), persistent=False)

    order: torch.Tensor
    signs: torch.Tensor

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map (N, columns) to (N, K)."""
        chosen = features.index_select(-1, self.order) * self.signs
        return chosen.reshape(*chosen.shape[:-1], -1, self.buckets).sum(dim=-2)

    def places(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return bucket and sign of every column, each (columns,)."""
        used = torch.nonzero(self.signs).flatten()
        columns = self.order[used]
        buckets = torch.empty_like(columns)
        signs = torch.empty_like(columns)
        buckets[columns] = used % self.buckets
        signs[columns] = self.signs[used].long()
        return buckets, signs


class RowHashedLinear(HashedLinear):
    """A fully connected layer with a virtual matrix (out_features, in_features).

    Parameters
    ----------
    shape, bucket_count, bias_buckets, **settings
        As `HashedMatrix`; every row has the same number of buckets.
    """

    def __init__(
        self, shape: tuple[int, int], bucket_count: int, bias_buckets: int, **settings: Any
    ) -> None:
        super().__init__(shape, bucket_count, bias_buckets, **settings)
        per_row = bucket_count // shape[0]
        self.fold = Fold(shape[1], per_row, self.seed, signed=self.signed)

    @property
    def kind(self) -> str:
        """Say what the layer is in tables."""
        return "hashed (rows)"

    def row_entries(self, start: int, end: int) -> torch.Tensor:
        """Return bucket and sign of the weights of some rows, int32 ((end - start) * columns,)."""
        buckets, signs = self.fold.places()
        rows = torch.arange(start, end, device=buckets.device)[:, None]
        found = (rows * self.fold.buckets + buckets + 1) * signs
        return found.to(torch.int32).reshape(-1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map (N, in_features) to (N, out_features)."""
        if self.weight.is_meta:
            return features.new_empty((*features.shape[:-1], self.shape[0]))
        small = self.weight.view(self.shape[0], self.fold.buckets)
        return F.linear(self.fold(features), small, self.virtual_bias())

    def mac_count(self, output_shape: tuple[int, ...]) -> int:
        """Return the multiply-adds of the folded matrix, and one for each column folded."""
        return math.prod(output_shape) * self.fold.buckets + self.shape[1]

    def exported(self) -> nn.Module:
        """Return the fold and the small layer behind it."""
        rows, per_row = self.shape[0], self.fold.buckets
        small = nn.Linear(per_row, rows, bias=self.bias is not None)
        bias = self.virtual_bias()
        with torch.no_grad():
            small.weight.copy_(self.weight.view(rows, per_row))
            if bias is not None:
                small.bias.copy_(bias)
        return nn.Sequential(self.fold, small)


def row_buckets(rows: int, columns: int, share: float) -> int:
    """Return how many buckets a matrix has where every row keeps this share of its columns."""
    return rows * math.ceil(columns * share)
