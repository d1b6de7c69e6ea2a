"""A network as a list of steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emostudio.inference.packed.compiling import why_no_kernels
from emostudio.inference.packed.step import Scratch, Step, Values


@dataclass(frozen=True)
class Program:
    """Steps in the order in which they run.

    Attributes
    ----------
    steps
        Each reads values that earlier ones wrote.
    source
        Name of the input (N, C, H, W).
    results
        Names of what is returned.
    """

    steps: tuple[Step, ...]
    source: str
    results: tuple[str, ...]


class ProgramRun:
    """A program made ready to run; not for several threads at once.

    Parameters
    ----------
    program
        What to run.
    threads
        Threads of every step.
    """

    def __init__(self, program: Program, threads: int) -> None:
        self._program = program
        self._scratch = Scratch(threads, vectors=not why_no_kernels())
        self._last_use = _last_uses(program.steps)

    def run(self, batch: NDArray[np.float32]) -> tuple[NDArray[Any], ...]:
        """Return the results, those of four dimensions as (N, C, H, W), for (N, C, H, W)."""
        values: Values = {self._program.source: batch}
        for number, step in enumerate(self._program.steps):
            step.run(values, self._scratch)
            for name in self._last_use.get(number, ()):
                if name not in self._program.results:
                    values.pop(name, None)
        return tuple(_outside(values[name]) for name in self._program.results)


def _outside(value: NDArray[Any]) -> NDArray[Any]:
    # a copy, as the steps write over their own arrays in the next run
    turned = value.transpose(0, 3, 1, 2) if value.ndim == 4 else value
    return np.array(turned, order="C")


def _last_uses(steps: Sequence[Any]) -> dict[int, list[str]]:
    """Return which values nobody needs after each step."""
    last = {name: number for number, step in enumerate(steps) for name in step.inputs}
    uses: dict[int, list[str]] = {}
    for name, number in last.items():
        uses.setdefault(number, []).append(name)
    return uses
