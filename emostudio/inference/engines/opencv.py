"""OpenCV's own network runner: the way to run Caffe models without Caffe."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from emostudio.core.errors import EmoStudioError, InputError, first_line
from emostudio.core.model_info import CAFFE
from emostudio.inference.base import EngineSettings, Kernels
from emostudio.models.importers.caffe import MEAN, PROTOTXT, WEIGHTS

if TYPE_CHECKING:
    from emostudio.models.loaded import LoadedModel


class CaffeSession:
    """A Caffe network in OpenCV.

    Parameters
    ----------
    prototxt, weights
        The bytes of its two files.
    mean
        Shape (C, H, W), subtracted from every input; None subtracts nothing.
    threads
        OpenCV's threads, one setting for the whole process.

    Raises
    ------
    EmoStudioError
        If OpenCV refuses the network.
    """

    engine = "opencv"
    kernels: Kernels = "real"

    def __init__(
        self, prototxt: bytes, weights: bytes, mean: NDArray[np.float32] | None, threads: int
    ) -> None:
        self._threads = threads
        self._mean = mean
        try:
            self._network: Any = cv2.dnn.readNetFromCaffe(
                np.frombuffer(prototxt, np.uint8), np.frombuffer(weights, np.uint8)
            )
        except (cv2.error, ValueError) as error:
            raise _refused(error) from error

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the outputs (N, K) for scaled inputs (N, C, H, W)."""
        if self._network is None:
            raise ValueError("The session is closed")
        if cv2.getNumThreads() != self._threads:
            cv2.setNumThreads(self._threads)
        inputs = batch if self._mean is None else batch - self._mean
        try:
            self._network.setInput(np.ascontiguousarray(inputs))
            outputs = self._network.forward()
        except cv2.error as error:
            raise _refused(error) from error
        # the network's own memory is written over by the next pass
        return np.array(outputs, dtype=np.float32).reshape(len(batch), -1)

    def close(self) -> None:
        """Free the network."""
        self._network = None


class OpenCvEngine:
    """OpenCV's dnn module on the CPU."""

    key = "opencv"
    title = "OpenCV"
    family = "float"
    summary = "Runs Caffe models, which no other engine here can read"
    reference = "https://docs.opencv.org/4.x/d2/d58/tutorial_table_of_content_dnn.html"
    settings_type = EngineSettings
    is_automatic = False

    def why_unavailable(self) -> str:
        """Return why this OpenCV reads no Caffe models, or nothing."""
        has_reader = hasattr(cv2.dnn, "readNetFromCaffe")
        return "" if has_reader else "OpenCV 5 reads no Caffe models; install version 4"

    def supports(self, model: LoadedModel) -> str:
        """Return why the engine cannot run `model`, or nothing."""
        if model.info.architecture != CAFFE or not model.parts:
            return "it runs no other networks and no black box but those of Caffe"
        return ""

    def open(self, model: LoadedModel, threads: int) -> CaffeSession:
        """Return a session with its own copy of the network."""
        reason = self.supports(model)
        if reason:
            raise InputError(f"{model.info.name} cannot run on opencv", why=reason)
        return self.open_deployed(self.deployed(model), threads)

    def deployed(self, model: LoadedModel) -> tuple[bytes, ...]:
        """Return prototxt and caffemodel, and the mean image as ``.npy`` where there is one."""
        parts = model.parts
        try:
            files = (parts[PROTOTXT], parts[WEIGHTS])
            if MEAN not in parts:
                return files
            mean = np.frombuffer(parts[MEAN], "<f4").reshape(model.input_shape)
        except (KeyError, ValueError) as error:
            raise _refused(error) from error
        stream = io.BytesIO()
        np.save(stream, mean, allow_pickle=False)
        return (*files, stream.getvalue())

    def open_deployed(self, contents: Sequence[bytes], threads: int) -> CaffeSession:
        """Return a session on what `deployed` returned."""
        prototxt, weights, *rest = contents
        mean = np.load(io.BytesIO(rest[0]), allow_pickle=False) if rest else None
        return CaffeSession(prototxt, weights, mean, threads)


def _refused(error: Exception) -> EmoStudioError:
    return EmoStudioError(
        "OpenCV cannot run the Caffe network",
        why=first_line(error),
        next_step="Import it again from its prototxt and caffemodel",
    )


ENGINE = OpenCvEngine()
