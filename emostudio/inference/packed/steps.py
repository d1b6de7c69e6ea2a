"""The plain steps between layers with kernels of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emostudio.inference.onnx_sessions import open_graph
from emostudio.inference.packed.compiling import use_threads
from emostudio.inference.packed.kernels import signs as kernels
from emostudio.inference.packed.step import Scratch, Values

_SPATIAL = 4


@dataclass(frozen=True)
class GraphStep:
    """A stretch that ONNX Runtime computes.

    Attributes
    ----------
    inputs, outputs
        Names of values, which are those of the graph's inputs and outputs too.
    graph
        An ONNX model in bytes; four-dimensional values are (N, H, W, C), but for the input of
        the whole program.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    graph: NDArray[np.uint8]

    def run(self, values: Values, scratch: Scratch) -> None:
        """Add the graph's outputs."""
        session = scratch.kept(self, "session", scratch.threads, lambda: self._opened(scratch))
        given = {name: np.ascontiguousarray(values[name]) for name in self.inputs}
        values.update(zip(self.outputs, session.run(list(self.outputs), given), strict=True))

    def _opened(self, scratch: Scratch) -> Any:
        return open_graph(self.graph.tobytes(), scratch.threads)


@dataclass(frozen=True)
class MaxPool:
    """Maximum over windows, of (N, H, W, C); each pair is (vertical, horizontal)."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    places: tuple[int, int]

    def run(self, values: Values, scratch: Scratch) -> None:
        """Add the pooled values."""
        given = values[self.inputs[0]]
        use_threads(scratch.threads)
        shape = (len(given), *self.places, given.shape[3])
        out = scratch.array(self, "out", shape, np.float32)
        kernels.max_pool(given, *self.kernel, *self.stride, *self.padding, out)
        values[self.outputs[0]] = out


@dataclass(frozen=True)
class ScaleChannels:
    """Times `scale`, plus `shift`, a PReLU of `slope`, plus `post`; each float32 (C,)."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    scale: NDArray[np.float32]
    shift: NDArray[np.float32]
    slope: NDArray[np.float32]
    post: NDArray[np.float32]

    def run(self, values: Values, scratch: Scratch) -> None:
        """Add the scaled values, in the same shape."""
        given = values[self.inputs[0]]
        use_threads(scratch.threads)
        out = scratch.array(self, "out", given.shape, np.float32)
        channels = len(self.scale)
        rows, written = given.reshape(-1, channels), out.reshape(-1, channels)
        kernels.scale_rows(rows, self.scale, self.shift, self.slope, self.post, written)
        values[self.outputs[0]] = out


@dataclass(frozen=True)
class Flatten:
    """(N, H, W, C) to (N, C H W), the order of linear layers."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def run(self, values: Values, scratch: Scratch) -> None:
        """Add the flat values."""
        given = values[self.inputs[0]]
        if given.ndim == _SPATIAL:
            given = given.transpose(0, 3, 1, 2)
        values[self.outputs[0]] = np.ascontiguousarray(given).reshape(len(given), -1)


@dataclass(frozen=True)
class Join:
    """Channels of several values side by side."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def run(self, values: Values, scratch: Scratch) -> None:
        """Add the joined values."""
        values[self.outputs[0]] = np.concatenate([values[name] for name in self.inputs], axis=-1)


@dataclass(frozen=True)
class Add:
    """The sum of two values of the same shape."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def run(self, values: Values, scratch: Scratch) -> None:
        """Add the sum."""
        first, second = (values[name] for name in self.inputs)
        values[self.outputs[0]] = first + second


@dataclass(frozen=True)
class ChannelsLast:
    """(N, C, H, W) to (N, H, W, C); (N, K) stays as it is."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def run(self, values: Values, scratch: Scratch) -> None:
        """Add the turned value."""
        given = values[self.inputs[0]]
        turned = given.transpose(0, 2, 3, 1) if given.ndim == _SPATIAL else given
        values[self.outputs[0]] = np.ascontiguousarray(turned)
