"""Open a Caffe network once. Run in a sandboxed process, never in the studio.

``python -m emostudio.models.importers.caffe_probe PROTOTXT CAFFEMODEL`` loads the files, runs the
network on grey pictures and writes what it found to the file named by ``EMOSTUDIO_RESULT``.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from emostudio.core.atomic import write_text
from emostudio.core.errors import InputError, first_line
from emostudio.models.importers.caffe import input_shape

_PICTURES = 2
_CLASS_LIMIT = 1000


def probe(prototxt: bytes, weights: bytes) -> dict[str, Any]:
    """Return input shape, number of classes, and whether the outputs are probabilities.

    Raises
    ------
    InputError
        If the files are damaged, do not fit each other, or are not an image classifier.
    """
    try:
        shape = input_shape(prototxt.decode())
    except UnicodeDecodeError as error:
        raise InputError("The prototxt is not text", next_step="Choose another file") from error
    generator = np.random.default_rng(0)
    pictures = generator.normal(0.0, 50.0, (_PICTURES, *shape)).astype(np.float32)
    try:
        network = cv2.dnn.readNetFromCaffe(
            np.frombuffer(prototxt, np.uint8), np.frombuffer(weights, np.uint8)
        )
        network.setInput(pictures)
        outputs = network.forward().reshape(_PICTURES, -1)
        last = network.getLayer(len(network.getLayerNames())).type
    except (cv2.error, ValueError) as error:
        raise InputError(
            "OpenCV cannot run the Caffe network",
            why=first_line(error),
            next_step="Check that prototxt and caffemodel belong together",
        ) from error
    if not np.isfinite(outputs).all() or not 2 <= outputs.shape[1] <= _CLASS_LIMIT:
        raise InputError(
            "The Caffe network is not an image classifier",
            why=f"it answers with {outputs.shape[1]} numbers, or not with numbers",
        )
    return {
        "shape": list(shape),
        "class_count": outputs.shape[1],
        "ends_in_softmax": last == "Softmax",
    }


def main(arguments: list[str]) -> int:
    """Probe ``PROTOTXT CAFFEMODEL``; a refusal goes to stderr as one line, exit code 2."""
    prototxt, weights = map(Path, arguments)
    try:
        found = probe(prototxt.read_bytes(), weights.read_bytes())
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    write_text(Path(os.environ["EMOSTUDIO_RESULT"]), json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
