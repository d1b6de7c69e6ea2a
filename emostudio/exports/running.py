"""Running exported graphs with the same runner that is shipped beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emostudio.core.errors import EmoStudioError
from emostudio.exports import runner
from emostudio.exports.base import Answering, Answers

RUNNER_FILE = "emostudio_runner.py"


def open_with_runner(path: Path) -> Answering:
    """Open a file or folder that the Python runner takes.

    Raises
    ------
    EmoStudioError
        If ONNX Runtime refuses it.
    """
    try:
        model = runner.Model(path)
    except runner.ModelError as error:
        raise EmoStudioError("The exported model cannot be run", why=str(error)) from error

    def answer(pixels: NDArray[np.uint8]) -> Answers:
        outputs, exits = model.run(pixels)
        return Answers(outputs, exits)

    return answer


def runner_source() -> bytes:
    """Return the Python runner, a program of its own."""
    return Path(runner.__file__).read_bytes()
