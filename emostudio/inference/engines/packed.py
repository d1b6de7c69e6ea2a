"""The packed engine: kernels on one bit per weight, and ONNX Runtime for the layers between."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emostudio.core.errors import InputError
from emostudio.inference.base import EngineSettings, Kernels, fingerprint_of, kernels_of
from emostudio.inference.sessions import SegmentedSession

if TYPE_CHECKING:
    from torch import nn

    from emostudio.inference.packed.program import Program
    from emostudio.models.loaded import LoadedModel


class PackedEngine:
    """Numba kernels for AVX2, compiled on the user's machine."""

    key = "packed"
    title = "Packed"
    family = "packed"
    summary = "Counts signs and looks up codes instead of multiplying; keeps weights packed"
    reference = "Rastegari et al. 2016, arXiv:1603.05279"
    settings_type = EngineSettings
    is_automatic = True

    def __init__(self) -> None:
        # Programs take seconds to make, and sessions are rebuilt in every timing block.
        self._made: weakref.WeakKeyDictionary[nn.Module, tuple[bytes, tuple[Program, ...]]] = (
            weakref.WeakKeyDictionary()
        )

    def why_unavailable(self) -> str:
        """Return why numba cannot be loaded, or nothing."""
        return "" if importlib.util.find_spec("numba") else "numba is not installed"

    def supports(self, model: LoadedModel) -> str:
        """Return why the engine cannot run `model`, or nothing."""
        if model.members:
            return "an ensemble is several models; measure each of them"
        if model.module is None:
            return "only the outputs of a black box are known, packing needs its layers"
        from emostudio.inference.layer_spec import has_kernels

        return "" if has_kernels(model.module) else "no layer holds binary weights or codes"

    def open(self, model: LoadedModel, threads: int) -> SegmentedSession:
        """Return a session on the network as programs, its kernels compiled.

        Raises
        ------
        InputError
            If the engine does not support the model.
        EmoStudioError
            If the network cannot be followed.
        """
        programs = self._programs(model)
        session = open_programs(programs, threads, kernels_of(model.network(), self.key))
        # Kernels are compiled, or read from where they were kept, by their first use.
        session.run(np.zeros((1, *model.input_shape), np.float32))
        return session

    def deployed(self, model: LoadedModel) -> tuple[bytes, ...]:
        """Return the programs as one file."""
        from emostudio.inference.packed.stored import to_bytes

        return (to_bytes(self._programs(model)),)

    def open_deployed(self, contents: Sequence[bytes], threads: int) -> SegmentedSession:
        """Return a session on what `deployed` returned."""
        from emostudio.inference.packed.stored import from_bytes

        return open_programs(from_bytes(contents[0]), threads)

    def _programs(self, model: LoadedModel) -> tuple[Program, ...]:
        reason = self.supports(model)
        if reason or model.module is None:
            raise InputError(f"{model.info.name} cannot run on packed", why=reason)
        fingerprint = fingerprint_of(model.module)
        known = self._made.get(model.module)
        if known is None or known[0] != fingerprint:
            programs = _kept_or_made(model.module, fingerprint, model.input_shape)
            known = self._made[model.module] = (fingerprint, programs)
        return known[1]


def open_programs(
    programs: Sequence[Program], threads: int, kernels: Kernels = "real"
) -> SegmentedSession:
    """Return a session on the network as a program, or on its segments in their order."""
    from emostudio.inference.packed.program import ProgramRun

    runs = [ProgramRun(program, threads).run for program in programs]
    return SegmentedSession("packed", runs, kernels)


def _kept_or_made(
    module: nn.Module, fingerprint: bytes, input_shape: tuple[int, int, int]
) -> tuple[Program, ...]:
    from emostudio.inference.graph_store import graph_file, keep, recall
    from emostudio.inference.packed.stored import from_bytes, to_bytes

    file = graph_file(module, fingerprint, input_shape, ".packed", _makers())
    content = recall(file, module, input_shape, _answer)
    if content is not None:
        return from_bytes(content)
    from emostudio.inference.packed.lowering import programs_of

    programs = programs_of(module, input_shape)
    keep(file, to_bytes(programs))
    return programs


def _answer(content: bytes, example: NDArray[np.float32]) -> NDArray[np.float32] | None:
    try:
        return ENGINE.open_deployed([content], 1).run(example)
    except Exception:  # noqa: BLE001 - whatever a damaged file does, it is made again
        return None


def _makers() -> frozenset[str]:
    """Return the names of the Python modules that make programs."""
    package = importlib.import_module("emostudio.inference.packed")
    names = (module.name for module in pkgutil.iter_modules(package.__path__))
    others = ("emostudio.inference.graph", "emostudio.inference.layer_spec")
    return frozenset({*others, *(f"{package.__name__}.{n}" for n in names)})


ENGINE = PackedEngine()
