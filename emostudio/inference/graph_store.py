"""Exported graphs kept between processes: a live view starts without exporting again."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import nn

from emostudio import __version__
from emostudio.core.atomic import write_bytes
from emostudio.core.errors import EmoStudioError
from emostudio.core.paths import state_folder
from emostudio.inference.base import tolerance_of, torch_answer

_LARGEST_BYTES = 64 * 2**20
_MOST_BYTES = 512 * 2**20
_TOLERANCE = 1e-4
_MAKERS = frozenset({"emostudio.inference.graph", "emostudio.inference.few_bits"})

Answer = Callable[[bytes, np.ndarray], np.ndarray | None]


def graph_file(
    module: nn.Module,
    fingerprint: bytes,
    input_shape: tuple[int, ...],
    suffix: str = ".onnx",
    makers: frozenset[str] = _MAKERS,
) -> Path:
    """Return where the graph of a network would be kept.

    The name changes with the code of the export and of the layers, which say how they become ONNX.

    Parameters
    ----------
    module
        The network; its printed form names every layer and its geometry.
    fingerprint
        Digest of its weights.
    input_shape
        (C, H, W) of one input.
    suffix
        What kind of file it is.
    makers
        Names of the Python modules that make such files.
    """
    digest = hashlib.blake2b(fingerprint, digest_size=20)
    digest.update(f"{module!r}{input_shape}{torch.__version__}{__version__}".encode())
    digest.update(_code_digest(_modules_of(module) | makers))
    return state_folder() / "graphs" / f"{digest.hexdigest()}{suffix}"


def recall(
    file: Path,
    module: nn.Module,
    input_shape: tuple[int, int, int],
    answer_of: Answer | None = None,
) -> bytes | None:
    """Return a kept graph if it still says what the network says, else None.

    The code of a layer may have changed since: the graph is asked about one random input.

    Parameters
    ----------
    file
        From `graph_file`.
    module
        The network.
    input_shape
        (C, H, W) of one input.
    answer_of
        Returns the outputs of a file's content for inputs, None if it is damaged; without it,
        ONNX Runtime is asked.
    """
    try:
        content = file.read_bytes()
        file.touch()  # the least recently used are dropped first
    except OSError:
        return None
    example = np.random.default_rng(0).standard_normal((1, *input_shape)).astype(np.float32)
    expected = torch_answer(module, example)
    answer = (answer_of or _graph_answer)(content, example)
    if answer is None or answer.shape != expected.shape:
        return None
    relative, absolute = tolerance_of(module, _TOLERANCE)
    most = absolute + max(relative, _TOLERANCE) * float(np.abs(expected).max(initial=0.0))
    return content if np.allclose(answer, expected, rtol=0.0, atol=most) else None


def keep(file: Path, content: bytes) -> None:
    """Keep a graph for later processes; a full disk only means that it is exported again."""
    if len(content) > _LARGEST_BYTES:
        return
    try:
        write_bytes(file, content)
        _drop_oldest(file.parent)
    except (OSError, EmoStudioError):
        return


def _modules_of(module: nn.Module) -> frozenset[str]:
    """Return the names of the Python modules that the layers come from."""
    own = {type(layer).__module__ for layer in module.modules()}
    return frozenset(own)


@cache
def _code_digest(names: frozenset[str]) -> bytes:
    """Return a digest of the source of Python modules; those of torch have its version."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(names):
        digest.update(name.encode())
        if not name.startswith("torch."):
            digest.update(source_of(name))
    return digest.digest()


def source_of(name: str) -> bytes:
    """Return the source of a Python module; empty where it has no file."""
    loaded = sys.modules.get(name)
    if loaded is None:  # the export itself need not be loaded to find its graphs
        found = importlib.util.find_spec(name)
        file = None if found is None else found.origin
    else:
        file = getattr(loaded, "__file__", None)
    try:
        return Path(file).read_bytes() if file else b""
    except OSError:
        return b""


def _drop_oldest(folder: Path) -> None:
    newest_first = sorted(folder.glob("*.*"), key=lambda path: -path.stat().st_mtime_ns)
    total = 0
    for path in newest_first:
        total += path.stat().st_size
        if total > _MOST_BYTES:
            path.unlink(missing_ok=True)


def _graph_answer(content: bytes, example: np.ndarray) -> np.ndarray | None:
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        answer: np.ndarray = session.run(None, {name: example})[0]
    except Exception:  # noqa: BLE001 - onnxruntime raises many types on a damaged file
        return None
    return answer
