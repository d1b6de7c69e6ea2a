"""Does an export say what the model says? Asked about drawn faces and noise."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from emostudio.core.emotions import EMOTIONS
from emostudio.core.exported import ParityReport
from emostudio.core.model_info import Preprocessing
from emostudio.data.synthetic.renderer import render_face
from emostudio.data.transforms import to_input_pixels
from emostudio.exports.base import Answering, Answers

INPUTS = 256
FACES = 128
"""So many of the inputs are drawn faces, every second one mirrored; the others are noise."""

TOLERANCE = 1e-4
"""Largest absolute difference of any output that float arithmetic may cause."""

_ROUNDING = 4e-6
"""The same as a share of the largest output: some 30 steps of float32, for outputs beyond 25."""

_BATCH = 16
_FACE_SIDE = 64

Report = Callable[[float, str], None]


def compare(
    expected: Answering,
    found: Answering,
    preprocessing: Preprocessing,
    tolerance: tuple[float, float],
    report: Report,
) -> ParityReport:
    """Ask both sides about the same `INPUTS` pictures.

    Parameters
    ----------
    expected
        The model.
    found
        Its export.
    preprocessing
        Size and channels of the model's input.
    tolerance
        How far outputs may differ: relative to the model's largest, and absolute; zeros ask for
        the same bits.
    report
        Told the share done.
    """
    pictures = parity_pictures(preprocessing)
    pairs: list[tuple[Answers, Answers]] = []
    for start in range(0, len(pictures), _BATCH):
        report(start / len(pictures), "Checking that it answers alike")
        batch = pictures[start : start + _BATCH]
        pairs.append((expected(batch), found(batch)))
    ours, theirs = (_joined([pair[side] for pair in pairs]) for side in (0, 1))
    same_exit = ours.exits == theirs.exits
    difference = np.abs(ours.outputs - theirs.outputs)[same_exit]
    largest_output = float(np.abs(ours.outputs).max())
    same = ours.outputs.argmax(axis=1) == theirs.outputs.argmax(axis=1)
    return ParityReport(
        inputs=len(pictures),
        faces=FACES,
        largest_difference=float(difference.max(initial=0.0)),
        largest_output=largest_output,
        tolerance=_allowed(tolerance, largest_output),
        same_answers=float(same.mean()),
        segments=int(max(ours.exits.max(), theirs.exits.max())) + 1,
        other_exits=int((~same_exit).sum()),
    )


def _allowed(tolerance: tuple[float, float], largest_output: float) -> float:
    relative, absolute = tolerance
    floor = _ROUNDING * largest_output if absolute else 0.0
    return max(absolute + relative * largest_output, floor)


def parity_pictures(preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Return `INPUTS` pictures (N, H, W, C) of a model's size, always the same ones."""
    plain = preprocessing.model_copy(update={"channel_order": "rgb", "transform": "none"})
    drawn = [to_input_pixels(face, plain) for face in _faces()]
    shape = (INPUTS - FACES, plain.height, plain.width, plain.channels)
    noise = np.random.default_rng(0).integers(0, 256, size=shape, dtype=np.uint8)
    return np.concatenate([np.stack(drawn), noise])


@lru_cache(maxsize=1)
def _faces() -> tuple[NDArray[np.uint8], ...]:
    faces = [
        render_face(number, EMOTIONS[number % len(EMOTIONS)], size=_FACE_SIDE)
        for number in range(FACES // 2)
    ]
    return tuple(view for face in faces for view in (face, np.ascontiguousarray(face[:, ::-1])))


def _joined(answers: list[Answers]) -> Answers:
    return Answers(
        np.concatenate([one.outputs for one in answers]),
        np.concatenate([one.exits for one in answers]),
    )
