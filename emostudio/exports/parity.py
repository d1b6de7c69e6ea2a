"""Does an export say what the model says? Asked about drawn faces and noise."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emostudio.core.emotions import EMOTIONS
from emostudio.core.exported import ParityReport
from emostudio.core.model_info import Preprocessing
from emostudio.data.synthetic.renderer import render_face
from emostudio.data.transforms import to_input_pixels
from emostudio.exports.base import Answering, Answers
from emostudio.inference.base import tolerance_of
from emostudio.models.loaded import LoadedModel
from emostudio.models.segments import segments_of

INPUTS = 256
FACES = 128
"""So many of the inputs are drawn faces, every second one mirrored; the others are noise."""

TOLERANCE = 1e-4
"""Largest absolute difference of any output that float arithmetic may cause."""

_ROUNDING = 4e-6
"""The same as a share of the largest output: some 30 steps of float32, for outputs beyond 25."""

_GRID = 0.025
"""The mean difference of an output, as a share of the largest, that rounding may cause.

Twice what INT8 networks of eight emotions showed: 0.009 over all outputs of SqueezeNet, 0.012 in
its worst one; 0.0003 in a VGG.
"""

Precision = Literal["exact", "float", "rounded"]
"""The same bits, the same but for float arithmetic, or the same but for steps of a grid."""

_BATCH = 16
_FACE_SIDE = 64

Report = Callable[[float, str], None]


def compare(
    expected: Answering,
    found: Answering,
    model: LoadedModel,
    precision: Precision,
    report: Report,
) -> ParityReport:
    """Ask both sides about the same `INPUTS` pictures.

    Parameters
    ----------
    expected
        What the model says.
    found
        What its export says.
    model
        The model.
    precision
        How closely they have to agree.
    report
        Told the share done.
    """
    pictures = parity_pictures(model.info.preprocessing)
    segments = 1 if model.module is None else len(segments_of(model.module))
    pairs: list[tuple[Answers, Answers]] = []
    for start in range(0, len(pictures), _BATCH):
        report(start / len(pictures), "Checking that it answers alike")
        batch = pictures[start : start + _BATCH]
        pairs.append((expected(batch), found(batch)))
    ours, theirs = (_joined([pair[side] for pair in pairs]) for side in (0, 1))
    same_exit = ours.exits == theirs.exits
    difference = np.abs(ours.outputs - theirs.outputs)[same_exit]
    columns = difference.mean(axis=0) if difference.size else np.zeros(1)
    largest_output = float(np.abs(ours.outputs).max())
    allowed = _allowed(precision, largest_output)
    same = ours.outputs.argmax(axis=1) == theirs.outputs.argmax(axis=1)
    clear = same[(_margins(ours.outputs) > allowed) & same_exit]
    return ParityReport(
        inputs=len(pictures),
        faces=FACES,
        largest_difference=float(difference.max(initial=0.0)),
        mean_difference=float(difference.mean()) if difference.size else 0.0,
        column_difference=float(columns.max()),
        largest_output=largest_output,
        rounds=precision == "rounded",
        tolerance=allowed,
        same_answers=float(same.mean()),
        clear_inputs=len(clear),
        clear_answers=float(clear.mean()) if len(clear) else 1.0,
        exits=tuple(int(count) for count in np.bincount(ours.exits, minlength=segments)),
        other_exits=int((~same_exit).sum()),
    )


def precision_of(model: LoadedModel) -> Precision:
    """Return how closely an export can agree with a model."""
    relative, _ = tolerance_of(model.module, TOLERANCE)
    return "rounded" if relative else "float"


def _allowed(precision: Precision, largest_output: float) -> float:
    if precision == "exact":
        return 0.0
    share = _GRID if precision == "rounded" else _ROUNDING
    return max(TOLERANCE, share * largest_output)


def _margins(outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how far the first answer lies before the second, (N,)."""
    if outputs.shape[1] < 2:
        return np.zeros(len(outputs), np.float32)
    ordered = np.sort(outputs, axis=1)
    margins: NDArray[np.float32] = ordered[:, -1] - ordered[:, -2]
    return margins


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
