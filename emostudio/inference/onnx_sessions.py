"""Graphs opened in ONNX Runtime, alone or as the segments of a network with early exits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emostudio.core.errors import EmoStudioError
from emostudio.inference.base import Kernels

SegmentRun = Callable[[NDArray[np.float32]], tuple[NDArray[Any], ...]]

_ERRORS_ONLY = 3


def open_graph(content: bytes, threads: int) -> Any:
    """Return an ``onnxruntime.InferenceSession`` on the CPU.

    Parameters
    ----------
    content
        A complete ONNX model.
    threads
        Threads within one operator; operators run one after another.

    Raises
    ------
    EmoStudioError
        If ONNX Runtime refuses the graph.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    # Idle threads that spin steal the core from whatever is timed beside this session.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(
            content, sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise EmoStudioError(
            "ONNX Runtime refuses the network",
            why=str(error).splitlines()[0][:200],
            next_step="Check the file with another program, or export it again",
        ) from error


def run_in_slices(
    run: SegmentRun, size: int | None, batch: NDArray[np.float32]
) -> tuple[NDArray[Any], ...]:
    """Run a graph on any number of pictures, if need be in slices of its fixed batch size.

    Parameters
    ----------
    run
        Takes `size` pictures, or any number where it is None.
    size
        The graph's batch size.
    batch
        Inputs (N, ...).
    """
    if size in (None, len(batch)):
        return run(batch)
    parts = []
    for start in range(0, len(batch), size or 1):
        part = batch[start : start + (size or 1)]
        padding = np.repeat(part[-1:], (size or 1) - len(part), axis=0)
        found = run(np.concatenate([part, padding]))
        parts.append([output[: len(part)] for output in found])
    return tuple(np.concatenate(outputs) for outputs in zip(*parts, strict=True))


def run_segments(segments: Sequence[SegmentRun], batch: NDArray[np.float32]) -> NDArray[np.float32]:
    """Run segments one after another, each on the pictures that nothing answered before.

    Parameters
    ----------
    segments
        Each maps features to features, logits and bool (N,), whose answer stands; the last one
        to logits alone.
    batch
        Normalised inputs (N, C, H, W).

    Returns
    -------
    Logits (N, K).
    """
    answers: NDArray[np.float32] | None = None
    features, left = batch, np.arange(len(batch))
    for segment in segments[:-1]:
        features, logits, accepted = segment(features)
        if answers is None:
            answers = np.empty_like(logits)
        answers[left[accepted]] = logits[accepted]
        if accepted.all():
            return answers
        features, left = features[~accepted], left[~accepted]
    last: NDArray[np.float32] = segments[-1](features)[0]
    if answers is None:
        return last
    answers[left] = last
    return answers


class SegmentedSession:
    """Segments run one after another, each on the pictures that nothing answered before.

    Parameters
    ----------
    contents
        One ONNX model per segment: all but the last return features, logits and bool (N,), whose
        answer stands; the last one returns logits.
    threads
        Threads within one operator.
    kernels
        Whether the graphs imitate arithmetic they have no kernels for.

    Raises
    ------
    EmoStudioError
        If ONNX Runtime refuses a graph.
    """

    engine = "onnxruntime"

    def __init__(self, contents: Sequence[bytes], threads: int, kernels: Kernels = "real") -> None:
        self.kernels = kernels
        self._sessions = [open_graph(content, threads) for content in contents]
        self._inputs = [session.get_inputs()[0].name for session in self._sessions]

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the outputs (N, K) for normalised inputs (N, C, H, W)."""
        if not self._sessions:
            raise ValueError("The session is closed")
        return run_segments([self._runner(number) for number in range(len(self._sessions))], batch)

    def _runner(self, number: int) -> SegmentRun:
        session, name = self._sessions[number], self._inputs[number]
        return lambda features: tuple(session.run(None, {name: features}))

    def close(self) -> None:
        """Free the graphs."""
        self._sessions = []
