"""The C++ example, compiled and held against EmoStudio where ONNX Runtime's headers are."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest

from emostudio.core.emotions import EMOTIONS
from emostudio.data.synthetic.renderer import render_face
from emostudio.data.transforms import to_input_pixels
from emostudio.exports.catalogue import EXPORTERS
from emostudio.exports.exporting import export_model
from emostudio.inference.catalogue import open_classifier

SOURCE = Path(__file__).resolve().parents[3] / "examples" / "cpp"
HEADER = "onnxruntime_cxx_api.h"
PLACES = (
    os.environ.get("ONNXRUNTIME_INCLUDE_DIR", ""),
    "/usr/include/onnxruntime",
    "/usr/include/onnxruntime/core/session",
    "/usr/local/include/onnxruntime",
    "/usr/local/include",
)
INCLUDE = next((place for place in PLACES if place and (Path(place) / HEADER).is_file()), None)
LIBRARIES = sorted(Path(onnxruntime.__file__).with_name("capi").glob("libonnxruntime.so.*"))


def why_not():
    if not shutil.which("cmake") or not (shutil.which("c++") or shutil.which("g++")):
        return "neither cmake nor a C++ compiler is installed"
    if INCLUDE is None:
        return f"{HEADER} is not installed: see examples/cpp/CMakeLists.txt"
    if not LIBRARIES:
        return "the onnxruntime package has no shared library for this system"
    return ""


pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "can run")


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """Compile against the library of the Python package, under the name that it goes by."""
    folder = tmp_path_factory.mktemp("cpp")
    library = folder / "lib" / "libonnxruntime.so"
    library.parent.mkdir()
    for name in (library.name, f"{library.name}.1"):
        (library.parent / name).symlink_to(LIBRARIES[-1])
    build = folder / "build"
    settings = [f"-DONNXRUNTIME_INCLUDE_DIR={INCLUDE}", f"-DONNXRUNTIME_LIBRARY={library}"]
    for words in (["-S", str(SOURCE), "-B", str(build), *settings], ["--build", str(build)]):
        subprocess.run(["cmake", *words], check=True, capture_output=True)
    return build / "classify"


def run(program, *words):
    command = [str(program), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def shares_of(text):
    """Probabilities in the order of the labels, one row per picture."""
    found = dict(re.findall(r"^  (\w+) +([\d.]+) %$", text, re.MULTILINE))
    return np.array([float(found[label]) / 100 for label in EMOTIONS])


@pytest.fixture(scope="module")
def images():
    face = render_face(3, EMOTIONS[2], size=90)
    return {
        "face.ppm": face,
        "grey.pgm": face[:, :, 1],
        "small.ppm": np.ascontiguousarray(face[20:37, 20:44]),
        "large.ppm": np.repeat(np.repeat(face, 5, axis=0), 4, axis=1),
    }


@pytest.mark.parametrize("key", ["onnx", "ort"])
def test_it_answers_as_emostudio_does(key, program, model, images, tmp_path):
    export_model(model, EXPORTERS.get(key), tmp_path / f"net.{key}")
    classifier = open_classifier(model, "torch")
    for name, image in images.items():
        stored = image if image.ndim == 2 else image[:, :, ::-1]
        (tmp_path / name).write_bytes(cv2.imencode(name[-4:], stored)[1].tobytes())
        done = run(program, tmp_path / f"net.{key}", tmp_path / name)
        assert done.returncode == 0, done.stderr
        expected = classifier.classify([image])[0]
        # two decimals of a percent, and resized pixels that may round the other way
        assert np.abs(shares_of(done.stdout) - expected).max() < 1e-2, name
        assert f"{name}: {EMOTIONS[int(expected.argmax())]}" in done.stdout


def test_raw_values_give_the_same_answer_to_the_last_printed_place(
    program, model, images, tmp_path
):
    export_model(model, EXPORTERS.get("onnx"), tmp_path / "net.onnx")
    pixels = to_input_pixels(images["face.ppm"], model.info.preprocessing)
    raw = np.ascontiguousarray(pixels.transpose(2, 0, 1)).astype("<f4")
    (tmp_path / "face.raw").write_bytes(raw.tobytes())
    done = run(program, tmp_path / "net.onnx", tmp_path / "face.raw")
    expected = open_classifier(model, "torch").probabilities(pixels[np.newaxis])[0]
    assert np.abs(shares_of(done.stdout) - expected).max() < 6e-5


def test_what_it_cannot_use_is_named(program, model, tmp_path):
    export_model(model, EXPORTERS.get("onnx"), tmp_path / "net.onnx")
    (tmp_path / "short.ppm").write_bytes(b"P6 9 9 255\nshort")
    (tmp_path / "odd").write_bytes(b"odd")
    for words in (
        [tmp_path / "net.onnx", tmp_path / "short.ppm"],
        [tmp_path / "net.onnx", tmp_path / "odd"],
        [tmp_path / "net.onnx", tmp_path / "none.ppm"],
        [tmp_path / "odd", tmp_path / "short.ppm"],
    ):
        done = run(program, *words)
        assert done.returncode == 2
        assert done.stderr
