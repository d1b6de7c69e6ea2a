"""Which engine runs a model fastest here: measured once, and remembered."""

from __future__ import annotations

import hashlib
import platform
import statistics
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from emostudio.core.atomic import write_text
from emostudio.core.errors import EmoStudioError
from emostudio.core.paths import state_folder
from emostudio.inference.base import Session, fingerprint_of, kernels_of, tolerance_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emostudio.inference.base import Engine
    from emostudio.models.loaded import LoadedModel

_WARM_UP = 3
_TURNS = 15
_PLAIN_TOLERANCE = 1e-4
_ROUNDED = 0.005  # of the largest output, what looking up sums of rounded inputs may change
_LIBRARIES = ("onnxruntime", "openvino", "numba", "emostudio")


class EngineChoice(BaseModel):
    """What was measured, batch 1.

    Attributes
    ----------
    engine
        The fastest.
    median_ms
        Median of a query on each engine that gave the right answers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: str
    median_ms: dict[str, float]


def remembered(model: LoadedModel, threads: int = 1) -> EngineChoice | None:
    """Return what was measured for these weights on this machine, None if nothing was."""
    try:
        text = _file(model, threads).read_text("utf-8")
        return EngineChoice.model_validate_json(text)
    except (OSError, ValidationError, ValueError):
        return None


def measure(model: LoadedModel, engines: Sequence[Engine], threads: int = 1) -> EngineChoice:
    """Time a model on several engines in turns, and remember the fastest.

    An engine that refuses the model, or answers otherwise than the first one, is left out.

    Parameters
    ----------
    model
        White box.
    engines
        The first one gives the answers that are right.
    threads
        CPU threads of each.

    Raises
    ------
    EmoStudioError
        If the first engine refuses the model.
    """
    example = np.random.default_rng(0).standard_normal((1, *model.input_shape)).astype(np.float32)
    sessions = {engines[0].key: engines[0].open(model, threads)}
    expected = sessions[engines[0].key].run(example)
    for engine in engines[1:]:
        try:
            session = engine.open(model, threads)
        except EmoStudioError:
            continue
        if _agrees(model, session.run(example), expected):
            sessions[engine.key] = session
    medians = _medians_ms(sessions, example)
    for session in sessions.values():
        session.close()
    choice = EngineChoice(engine=min(medians, key=lambda key: medians[key]), median_ms=medians)
    try:
        write_text(_file(model, threads), choice.model_dump_json())
    except (OSError, EmoStudioError):
        return choice  # a full disk only means that it is measured again
    return choice


def candidates(model: LoadedModel, engines: Sequence[Engine]) -> list[Engine]:
    """Return the engines with real kernels for a network, in the order given."""
    if model.module is None:
        return []
    return [engine for engine in engines if kernels_of(model.module, engine.key) == "real"]


def _medians_ms(sessions: dict[str, Session], example: np.ndarray) -> dict[str, float]:
    times: dict[str, list[float]] = {key: [] for key in sessions}
    for turn in range(_WARM_UP + _TURNS):
        for key, session in sessions.items():
            start = time.perf_counter()
            session.run(example)
            if turn >= _WARM_UP:
                times[key].append(1e3 * (time.perf_counter() - start))
    return {key: statistics.median(values) for key, values in times.items()}


def _agrees(model: LoadedModel, found: np.ndarray, expected: np.ndarray) -> bool:
    relative, absolute = tolerance_of(model.module, _PLAIN_TOLERANCE)
    most = absolute + max(relative, _ROUNDED) * float(np.abs(expected).max(initial=0.0))
    return found.shape == expected.shape and float(np.abs(found - expected).max()) <= most


def _file(model: LoadedModel, threads: int) -> Path:
    """Return where a choice is kept: by weights, geometry, machine, libraries and threads."""
    if model.module is None:
        raise ValueError("A black box has no choice of engines")
    versions = [metadata.version(name) for name in _LIBRARIES]
    facts = (model.input_shape, platform.node(), platform.processor(), versions, threads)
    digest = hashlib.blake2b(fingerprint_of(model.module), digest_size=16)
    digest.update(repr(facts).encode())
    return state_folder() / "engine_choices" / f"{digest.hexdigest()}.json"
