"""The packed engine: kernels on one bit per weight, and ONNX Runtime for the layers between."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emostudio.core.errors import InputError
from emostudio.inference.base import EngineSettings, Kernels, kernels_of
from emostudio.inference.onnx_sessions import run_segments

if TYPE_CHECKING:
    from emostudio.inference.packed.program import Program
    from emostudio.models.loaded import LoadedModel


class PackedSession:
    """Programs and the memory they work in.

    Parameters
    ----------
    programs
        The network, or its segments in their order.
    threads
        Threads of every step.
    kernels
        ``simulated`` where layers are left that no step has kernels for.
    """

    engine = "packed"

    def __init__(
        self, programs: Sequence[Program], threads: int, kernels: Kernels = "real"
    ) -> None:
        from emostudio.inference.packed.program import ProgramRun

        self.kernels = kernels
        self._runs = [ProgramRun(program, threads).run for program in programs]

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the outputs (N, K) for normalised inputs (N, C, H, W)."""
        if not self._runs:
            raise ValueError("The session is closed")
        return run_segments(self._runs, batch)

    def close(self) -> None:
        """Free the programs."""
        self._runs = []


class PackedEngine:
    """Numba kernels for AVX2, compiled on the user's machine."""

    key = "packed"
    title = "Packed"
    family = "packed"
    summary = "Counts signs and looks up codes instead of multiplying; keeps weights packed"
    reference = "Rastegari et al. 2016, arXiv:1603.05279"
    settings_type = EngineSettings

    def why_unavailable(self) -> str:
        """Return why numba cannot be loaded, or nothing."""
        return "" if importlib.util.find_spec("numba") else "numba is not installed"

    def supports(self, model: LoadedModel) -> str:
        """Return why the engine cannot run `model`, or nothing."""
        if model.members:
            return "an ensemble is several models; measure each of them"
        if model.module is None:
            return "only the outputs of a black box are known, packing needs its layers"
        from emostudio.inference.packed.rewriting import has_kernels

        return "" if has_kernels(model.module) else "no layer holds binary weights or codes"

    def open(self, model: LoadedModel, threads: int) -> PackedSession:
        """Return a session on the network as a program.

        Raises
        ------
        InputError
            If the engine does not support the model.
        EmoStudioError
            If the network cannot be followed.
        """
        reason = self.supports(model)
        if reason or model.module is None:
            raise InputError(f"{model.info.name} cannot run on packed", why=reason)
        from emostudio.inference.packed.lowering import programs_of

        programs = programs_of(model.module, model.input_shape)
        session = PackedSession(programs, threads, kernels_of(model.module, self.key))
        channels, height, width = model.input_shape
        # Kernels are compiled, or read from where they were kept, by their first use.
        session.run(np.zeros((1, channels, height, width), np.float32))
        return session


ENGINE = PackedEngine()
