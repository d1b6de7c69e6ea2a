"""Which engine runs a model fastest here: measured once, and remembered."""

from __future__ import annotations

import hashlib
import platform
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from emostudio.core.atomic import write_text
from emostudio.core.environment import version_of
from emostudio.core.errors import EmoStudioError, kind_and_line
from emostudio.core.paths import state_folder
from emostudio.inference.base import (
    Session,
    fingerprint_of,
    kernels_of,
    tolerance_of,
    torch_answer,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emostudio.inference.base import Engine
    from emostudio.models.loaded import LoadedModel

_WARM_UP = 3
_TURNS = 15
_PLAIN_TOLERANCE = 1e-4
_ROUNDED = 0.01  # of the largest output, what integers in place of inputs may change
_MARGIN = 1.05  # a smaller lead may be noise, and would change from one model to the next
_LIBRARIES = ("onnxruntime", "openvino", "numba", "emostudio")


class EngineChoice(BaseModel):
    """What was measured, batch 1.

    Attributes
    ----------
    engine
        The fastest; the first asked unless another leads by 5 %. Empty if none could run it.
    median_ms
        Median of a query on each engine that gave the right answers.
    left_out
        Why an engine was not timed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: str
    median_ms: dict[str, float] = {}
    left_out: dict[str, str] = {}

    @property
    def why(self) -> str:
        """The reason for the choice in words."""
        ranked = sorted(self.median_ms.items(), key=lambda one: one[1])
        times = ", ".join(f"{key} {value:.3g} ms" for key, value in ranked)
        words = f"chosen by measurement: {times}" if ranked else "no engine could be timed"
        if len(ranked) == 1:
            words = "the only engine left" if self.left_out else "the only one with its kernels"
        return "; ".join([words, *self._without])

    @property
    def _without(self) -> list[str]:
        return [f"without {key}: {reason}" for key, reason in self.left_out.items()]


def remembered(model: LoadedModel, threads: int = 1) -> EngineChoice | None:
    """Return what was measured for these weights on this machine, None if nothing was."""
    try:
        text = _file(model, threads).read_text("utf-8")
        return EngineChoice.model_validate_json(text)
    except (OSError, ValidationError, ValueError):
        return None


def measure(model: LoadedModel, engines: Sequence[Engine], threads: int = 1) -> EngineChoice:
    """Time a model on several engines in turns, and remember the fastest.

    An engine that fails on the model, or answers otherwise than its layers, is left out.

    Parameters
    ----------
    model
        White box, or black box with a graph.
    engines
        The first one is kept where no other leads clearly, and is right about a black box.
    threads
        CPU threads of each.
    """
    example = np.random.default_rng(0).standard_normal((1, *model.input_shape)).astype(np.float32)
    expected = None if model.module is None else torch_answer(model.module, example)
    sessions: dict[str, Session] = {}
    left_out: dict[str, str] = {}
    for engine in engines:
        session, found = _tried(engine, model, threads, example)
        if isinstance(found, str):
            left_out[engine.key] = found
        elif expected is None or _agrees(model, found, expected):
            expected = found if expected is None else expected
        else:
            left_out[engine.key] = "its answers differ from those of the layers"
        if session is not None and engine.key not in left_out:
            sessions[engine.key] = session
        elif session is not None:
            session.close()
    medians = _medians_ms(sessions, example)
    for session in sessions.values():
        session.close()
    choice = EngineChoice(
        engine=_fastest(medians, engines[0].key), median_ms=medians, left_out=left_out
    )
    try:
        write_text(_file(model, threads), choice.model_dump_json())
    except (OSError, EmoStudioError):
        return choice  # a full disk only means that it is measured again
    return choice


def _tried(
    engine: Engine, model: LoadedModel, threads: int, example: np.ndarray
) -> tuple[Session | None, np.ndarray | str]:
    """Return a session and its answer, or in place of the answer why there is none."""
    session: Session | None = None
    try:
        session = engine.open(model, threads)
        return session, session.run(example)
    except EmoStudioError as error:
        return session, error.why or error.what
    except Exception as error:  # noqa: BLE001 - a library's own: others may still run the model
        return session, kind_and_line(error)


def candidates(model: LoadedModel, engines: Sequence[Engine]) -> list[Engine]:
    """Return the engines that run a model with real kernels, in the order given."""
    if model.module is None and model.onnx_bytes is None:
        return []
    return [
        engine
        for engine in engines
        if engine.is_automatic
        and not engine.why_unavailable()
        and not engine.supports(model)
        and (model.module is None or kernels_of(model.module, engine.key) == "real")
    ]


def _fastest(medians: dict[str, float], first: str) -> str:
    if not medians:
        return ""
    best = min(medians, key=lambda key: medians[key])
    return first if medians.get(first, float("inf")) < _MARGIN * medians[best] else best


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
    versions = [version_of(name) for name in _LIBRARIES]
    facts = (model.input_shape, platform.node(), platform.processor(), versions, threads)
    weights = model.onnx_bytes or b"" if model.module is None else fingerprint_of(model.module)
    digest = hashlib.blake2b(weights, digest_size=16)
    digest.update(repr(facts).encode())
    return state_folder() / "engine_choices" / f"{digest.hexdigest()}.json"
