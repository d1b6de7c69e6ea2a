"""What an inference engine is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from emostudio.core.pickable import Pickable
from emostudio.core.settings import Settings

if TYPE_CHECKING:  # a process that only runs ONNX bytes must not load torch for a type's sake
    from torch import nn

    from emostudio.models.loaded import LoadedModel

Kernels = Literal["real", "simulated"]
"""Whether a model's arithmetic is done by kernels made for it, or imitated with float ones."""

_STEPS = 0.02


class EngineSettings(Settings):
    """Engines take no settings besides the number of threads."""


class Session(Protocol):
    """A model made ready to run on one engine.

    Attributes
    ----------
    engine
        Catalogue key of the engine.
    kernels
        ``simulated`` where the engine imitates a method's arithmetic: then timings mean nothing.
    """

    engine: str
    kernels: Kernels

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the outputs (N, K) for normalised inputs (N, C, H, W); any N >= 1."""
        ...

    def close(self) -> None:
        """Free the model's memory; the session cannot be used afterwards."""
        ...


class Engine(Pickable, Protocol):
    """A way to run models. One file in ``inference/engines`` holds one, as ``ENGINE``.

    Attributes
    ----------
    is_automatic
        Whether it may be chosen for a model because it measured fastest.
    """

    is_automatic: bool

    def why_unavailable(self) -> str:
        """Return why the engine cannot run on this machine, or nothing."""
        ...

    def supports(self, model: LoadedModel) -> str:
        """Return why the engine cannot run `model`, or nothing."""
        ...

    def open(self, model: LoadedModel, threads: int) -> Session:
        """Make `model` ready; every call builds a new session with its own copy of the weights.

        Raises
        ------
        InputError
            If the engine does not support the model.
        """
        ...


@runtime_checkable
class Deployable(Protocol):
    """An engine that runs models from files of its own, without what made them.

    A process that measures memory loads these, as a deployment would.
    """

    def deployed(self, model: LoadedModel) -> tuple[bytes, ...]:
        """Return the contents of the files.

        Raises
        ------
        EmoStudioError
            If they cannot be made of `model`.
        """
        ...

    def open_deployed(self, contents: Sequence[bytes], threads: int) -> Session:
        """Return a session on what `deployed` returned."""
        ...


def kernels_of(module: nn.Module, engine: str = "") -> Kernels:
    """Return ``simulated`` if a layer declares ``simulated_kernels = True``, else ``real``.

    A layer that some engines have kernels for names them in ``real_kernels_on``.
    """
    simulated = any(
        getattr(layer, "simulated_kernels", False)
        and engine not in getattr(layer, "real_kernels_on", ())
        for layer in module.modules()
    )
    return "simulated" if simulated else "real"


def tolerance_of(module: nn.Module | None, plain: float) -> tuple[float, float]:
    """Return how far two engines may differ: relative to the largest output, and absolute.

    Where layers round to a grid, a value half way between two steps may fall to either side, and
    the layers behind carry the step on.
    """
    layers = () if module is None else module.modules()
    rounds = any(getattr(layer, "real_kernels_on", ()) for layer in layers)
    return (_STEPS, plain) if rounds else (0.0, plain)


def torch_answer(module: nn.Module, example: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a network's outputs in evaluation mode; its mode is put back."""
    import torch

    was_training = module.training
    module.eval()
    try:
        with torch.inference_mode():
            device = next(module.parameters(), torch.empty(0)).device
            answer: NDArray[np.float32] = module(torch.from_numpy(example).to(device)).cpu().numpy()
    finally:
        module.train(was_training)
    return answer


def fingerprint_of(module: nn.Module) -> bytes:
    """Digest of all weights, so that a network trained further is exported again."""
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in module.state_dict().items():
        digest.update(f"{name}{tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().reshape(-1).contiguous().numpy().data)
    return digest.digest()
