"""Where the inputs of a convolution lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pair = tuple[int, int]


@dataclass(frozen=True)
class Window:
    """Geometry of a convolution, each (vertical, horizontal); a linear layer has 1 x 1 places.

    Attributes
    ----------
    size
        Height and width of the input.
    kernel, stride, dilation
        As in a convolution.
    padding
        Places around the input, of zeros or of the signs that `SignLayer.around` names.
    """

    size: Pair = (1, 1)
    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)

    @property
    def padded(self) -> Pair:
        """Return height and width with the padding."""
        return self.size[0] + 2 * self.padding[0], self.size[1] + 2 * self.padding[1]

    @property
    def places(self) -> Pair:
        """Return height and width of the output."""
        reach = [d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel, strict=True)]
        sides = zip(self.padded, reach, self.stride, strict=True)
        rows, columns = ((side - span) // stride + 1 for side, span, stride in sides)
        return rows, columns

    def reach(
        self, count: int, depth: int, *, joined: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where each place begins in flat memory, (P,), and each run from there, (R,).

        Parameters
        ----------
        count
            Images.
        depth
            Bytes of one place of the input.
        joined
            Whether a row of the kernel is one run, else every place of the kernel is.
        """
        rows, columns = self.padded
        down, right = self.stride
        y, x = np.indices(self.places).reshape(2, -1)
        first = (y * down * columns + x * right) * depth
        images = np.arange(count)[:, None] * (rows * columns * depth)
        taps = np.arange(self.kernel[0]) * self.dilation[0] * columns * depth
        if not joined:
            across = np.arange(self.kernel[1]) * self.dilation[1] * depth
            taps = (taps[:, None] + across).reshape(-1)
        return (images + first).reshape(-1).astype(np.int64), taps.astype(np.int64)

    def correlated(self, padded: NDArray[Any], taps: NDArray[Any]) -> NDArray[Any]:
        """Return sums (N, H_out, W_out, O) of inputs (N, Hp, Wp, C) with (O, kH, kW, C)."""
        rows, columns = self.places
        total: NDArray[Any] = np.zeros((len(padded), rows, columns, len(taps)))
        for i in range(self.kernel[0]):
            for j in range(self.kernel[1]):
                top, left = i * self.dilation[0], j * self.dilation[1]
                part = padded[:, top :: self.stride[0], left :: self.stride[1]]
                total += part[:, :rows, :columns] @ taps[:, i, j].T
        return total
