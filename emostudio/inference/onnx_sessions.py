"""Graphs opened in ONNX Runtime."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emostudio.core.errors import EmoStudioError, first_line
from emostudio.inference.sessions import SegmentRun, run_in_slices

_ERRORS_ONLY = 3


def open_graph(content: bytes, threads: int, profile: str = "") -> Any:
    """Return an ``onnxruntime.InferenceSession`` on the CPU.

    Parameters
    ----------
    content
        A complete ONNX model.
    threads
        Threads within one operator; operators run one after another.
    profile
        Where to write the times of all kernels, the beginning of a path; empty for not at all.

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
    if profile:
        options.enable_profiling = True
        options.profile_file_prefix = profile
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
            why=first_line(error),
            next_step="Check the file with another program, or export it again",
        ) from error


def graph_run(content: bytes, threads: int, outputs: int | None = None) -> SegmentRun:
    """Open a graph; one with a fixed batch size is fed in slices of that size.

    Parameters
    ----------
    content
        A complete ONNX model with one input (N, ...).
    threads
        Threads within one operator.
    outputs
        How many of its outputs are wanted, all if None.

    Raises
    ------
    EmoStudioError
        If ONNX Runtime refuses the graph.
    """
    session = open_graph(content, threads)
    graph_input = session.get_inputs()[0]
    names = [output.name for output in session.get_outputs()][:outputs]
    size = graph_input.shape[0] if graph_input.shape else None
    fixed = size if isinstance(size, int) and size > 0 else None

    def run(features: NDArray[np.float32]) -> tuple[NDArray[Any], ...]:
        return tuple(session.run(names, {graph_input.name: features}))

    return functools.partial(run_in_slices, run, fixed)
