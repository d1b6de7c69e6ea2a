"""PyTorch eager on the CPU: runs every white-box model as it is, without export."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emostudio.core.errors import InputError
from emostudio.inference.base import EngineSettings, Kernels, kernels_of

if TYPE_CHECKING:
    from torch import nn

    from emostudio.models.loaded import LoadedModel


class TorchSession:
    """A private copy of the network in evaluation mode."""

    engine = "torch"

    def __init__(self, module: nn.Module, threads: int) -> None:
        self.kernels: Kernels = kernels_of(module)
        self._threads = threads
        # The copy keeps later training from changing the session, and gives each session its own
        # place in memory, which interleaved timing relies on.
        self._module: nn.Module | None = copy.deepcopy(module).cpu().eval()

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the outputs (N, K) for normalised inputs (N, C, H, W)."""
        import torch

        if self._module is None:
            raise ValueError("The session is closed")
        if torch.get_num_threads() != self._threads:  # one setting for the whole process
            torch.set_num_threads(self._threads)
        with torch.inference_mode():
            outputs: NDArray[np.float32] = self._module(torch.from_numpy(batch)).numpy()
        return outputs

    def close(self) -> None:
        """Free the network."""
        self._module = None


class TorchEngine:
    """PyTorch eager."""

    key = "torch"
    title = "PyTorch"
    family = "float"
    summary = "Runs the network as it was trained; slower than ONNX Runtime, needs no export"
    reference = "Paszke et al. 2019, arXiv:1912.01703"
    settings_type = EngineSettings
    is_automatic = False

    def why_unavailable(self) -> str:
        """Return nothing: torch is always installed."""
        return ""

    def supports(self, model: LoadedModel) -> str:
        """Return why the engine cannot run `model`, or nothing."""
        if model.members:
            return "an ensemble is several models; measure each of them"
        if model.module is None:
            return "only the outputs of a black box are known, torch needs its layers"
        return ""

    def open(self, model: LoadedModel, threads: int) -> TorchSession:
        """Return a session with its own copy of the weights."""
        reason = self.supports(model)
        if reason or model.module is None:
            raise InputError(f"{model.info.name} cannot run on torch", why=reason)
        return TorchSession(model.module, threads)


ENGINE = TorchEngine()
