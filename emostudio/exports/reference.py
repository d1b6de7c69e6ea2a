"""What the model itself says to the pictures that its export is asked about."""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from emostudio.core.model_info import Preprocessing
from emostudio.data.transforms import normalise
from emostudio.exports.base import Answers
from emostudio.inference.base import Session
from emostudio.inference.catalogue import open_session
from emostudio.models.loaded import LoadedModel
from emostudio.models.segments import SegmentPass, leaves_early, segments_of


class Reference:
    """A model that answers to pixels as its export should.

    Parameters
    ----------
    session
        The model on an engine; the reference owns it.
    preprocessing
        The model's own.
    module
        The network where it may answer early: only then its exits are followed.
    """

    def __init__(
        self, session: Session, preprocessing: Preprocessing, module: nn.Module | None
    ) -> None:
        self._session, self._preprocessing = session, preprocessing
        early = copy.deepcopy(module).cpu().eval() if module is not None else None
        self._passes = [SegmentPass(part).eval() for part in segments_of(early)] if early else []

    def answer(self, pixels: NDArray[np.uint8]) -> Answers:
        """Return what the model says to pixels (N, H, W, C), RGB or grey, of its own size."""
        bgr = self._preprocessing.channel_order == "bgr"
        ordered = pixels[..., ::-1] if bgr else pixels
        batch = normalise(ordered, self._preprocessing)
        return Answers(self._session.run(batch), self._exits(batch))

    def close(self) -> None:
        """Free the session."""
        self._session.close()

    def _exits(self, batch: NDArray[np.float32]) -> NDArray[np.int64]:
        exits = np.full(len(batch), max(0, len(self._passes) - 1), dtype=np.int64)
        left, features = np.arange(len(batch)), torch.from_numpy(batch)
        with torch.inference_mode():
            for number, segment in enumerate(self._passes[:-1]):
                features, _, accepted = segment(features)
                exits[left[accepted.numpy()]] = number
                features, left = features[~accepted], left[~accepted.numpy()]
                if not len(left):
                    break
        return exits


def open_reference(model: LoadedModel) -> Reference:
    """Return what answers as `model` does, in torch where its layers are known.

    Raises
    ------
    EmoStudioError
        If no engine runs the model.
    """
    session = open_session(model, "torch" if model.module is not None else None)
    early = model.module if leaves_early(model.module) else None
    return Reference(session, model.info.preprocessing, early)
