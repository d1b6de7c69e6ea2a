"""What the steps of a program share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

Values = dict[str, NDArray[Any]]
"""What steps hand on, by name: float32 (N, H, W, C) or (N, K), or packed signs as uint8."""


Made = TypeVar("Made")


class Scratch:
    """Arrays used again in every run: memory asked for anew would have to be cleared first.

    Parameters
    ----------
    threads
        Threads that a step may use.
    vectors
        False where this processor lacks the kernels' instructions.
    """

    def __init__(self, threads: int, *, vectors: bool = True) -> None:
        self.threads = threads
        self.vectors = vectors
        self._made: dict[tuple[int, str], tuple[object, Any]] = {}
        self._arrays: dict[tuple[Any, ...], NDArray[Any]] = {}

    def array(self, owner: object, name: str, shape: tuple[int, ...], kind: DTypeLike) -> Any:
        """Return an array of this shape; what it holds is what its owner left in it."""
        key = (id(owner), name, shape)
        found = self._arrays.get(key)
        if found is None:
            # Batches come in few sizes; those of old ones would only take up memory.
            for other in [k for k in self._arrays if k[:2] == key[:2]]:
                del self._arrays[other]
            found = self._arrays[key] = np.zeros(shape, kind)
        return found

    def kept(self, owner: object, name: str, key: object, make: Callable[[], Made]) -> Made:
        """Return what `make` made for `key`; the last key's is kept."""
        place = (id(owner), name)
        known = self._made.get(place)
        if known is None or known[0] != key:
            known = self._made[place] = (key, make())
        made: Made = known[1]
        return made


class Step(Protocol):
    """One stretch of a program: reads values by name and adds one or more.

    Steps are frozen dataclasses of arrays, numbers, texts, and other such dataclasses, so that
    they can be stored without knowing what they do.
    """

    @property
    def inputs(self) -> tuple[str, ...]:
        """Return the names of the values that are read."""
        ...

    @property
    def outputs(self) -> tuple[str, ...]:
        """Return the names of the values that are written."""
        ...

    def run(self, values: Values, scratch: Scratch) -> None:
        """Add the outputs to `values`."""
        ...
