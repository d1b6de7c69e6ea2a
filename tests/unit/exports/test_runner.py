"""The runner that stands beside exported files: a program of its own."""

import ast
import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

from emostudio.core.emotions import EMOTIONS
from emostudio.data.synthetic.renderer import render_face
from emostudio.data.transforms import to_input_pixels
from emostudio.exports import runner
from emostudio.exports.catalogue import EXPORTERS
from emostudio.exports.exporting import export_model
from emostudio.exports.running import RUNNER_FILE, runner_source
from emostudio.inference.catalogue import open_classifier

NEEDED = {"numpy", "onnxruntime"}
OPTIONAL = {"PIL", "cv2"}


@pytest.fixture(scope="module")
def face():
    return render_face(3, EMOTIONS[2], size=90)


@pytest.fixture(scope="module")
def pictures(face, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    files = {"face.png": face, "small.png": face[20:40, 20:44], "face.ppm": face}
    for name, pixels in files.items():
        _, encoded = cv2.imencode(name[name.index(".") :], pixels[:, :, ::-1])
        (folder / name).write_bytes(encoded.tobytes())
    _, grey = cv2.imencode(".pgm", face[:, :, 1])
    (folder / "grey.pgm").write_bytes(grey.tobytes())
    return folder


def run(script, *words):
    command = [sys.executable, "-I", str(script), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def imports_of(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def test_the_runner_needs_nothing_but_numpy_and_onnxruntime():
    foreign = {name for name in imports_of(runner_source()) if name not in sys.stdlib_module_names}
    assert foreign == NEEDED | OPTIONAL
    at_once = ast.parse(runner_source()).body
    top = {name for node in at_once for name in imports_of(ast.unparse(node)) if is_import(node)}
    assert top & OPTIONAL == set()


def is_import(node):
    return isinstance(node, ast.Import | ast.ImportFrom)


@pytest.mark.parametrize("key", ["onnx", "ort"])
def test_alone_it_answers_as_emostudio_does(key, model, face, pictures, tmp_path):
    out = tmp_path / f"net.{key}"
    report = export_model(model, EXPORTERS.get(key), out, runner=True)
    script = tmp_path / RUNNER_FILE
    assert str(script) in report.files
    names = [pictures / name for name in ("face.png", "face.ppm", "grey.pgm", "small.png")]
    done = run(script, out, *names, "--json")
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    images = [face, face, face[:, :, 1], np.ascontiguousarray(face[20:40, 20:44])]
    expected = open_classifier(model, "torch").classify(images)
    found = np.array([list(answer["probabilities"].values()) for answer in answers])
    assert np.abs(found - expected).max() < 2e-3  # resized pixels may round the other way
    assert [answer["label"] for answer in answers] == [EMOTIONS[k] for k in expected.argmax(axis=1)]
    assert answers[0]["probabilities"] == answers[1]["probabilities"]


def test_segments_stop_where_the_model_does(early, pictures, face, tmp_path):
    out = tmp_path / "early"
    export_model(early, EXPORTERS.get("segments"), out)
    words = run(out / RUNNER_FILE, out, pictures / "face.png")
    assert words.returncode == 0, words.stderr
    label = EMOTIONS[int(open_classifier(early, "torch").classify([face]).argmax())]
    assert f"face.png: {label}" in words.stdout
    assert "segment" in words.stdout


def test_a_confidence_decides_anew_which_segment_answers(early, pictures, tmp_path):
    out = tmp_path / "early"
    export_model(early, EXPORTERS.get("segments"), out)
    last = runner.Model(out).segment_count

    def segment(confidence):
        done = run(
            out / RUNNER_FILE, out, pictures / "face.png", "--json", "--confidence", confidence
        )
        return json.loads(done.stdout)[0]["segment"]

    assert segment(0.0) == 1
    assert segment(1.1) == last


def test_describe_prints_what_the_file_says(model, tmp_path):
    export_model(model, EXPORTERS.get("ort"), tmp_path / "net.ort", runner=True)
    done = run(tmp_path / RUNNER_FILE, tmp_path / "net.ort", "--describe")
    metadata = json.loads(done.stdout)
    assert metadata["labels"].split(",") == list(EMOTIONS)
    assert metadata["input_height"] == "24"


def test_what_it_cannot_use_is_named_without_a_traceback(model, pictures, tmp_path):
    export_model(model, EXPORTERS.get("onnx"), tmp_path / "net.onnx", runner=True)
    script = tmp_path / RUNNER_FILE
    (tmp_path / "broken.onnx").write_bytes(b"nothing")
    (tmp_path / "broken.ppm").write_bytes(b"P6 9 9 255\nshort")
    (tmp_path / "empty").mkdir()
    for words, name in (
        (["none.onnx", pictures / "face.png"], "none.onnx"),
        ([tmp_path / "broken.onnx", pictures / "face.png"], "broken.onnx"),
        ([tmp_path / "empty", pictures / "face.png"], "manifest.json"),
        ([tmp_path / "net.onnx", tmp_path / "broken.ppm"], "broken.ppm"),
        ([tmp_path / "net.onnx", tmp_path / "none.png"], "none.png"),
        ([tmp_path / "net.onnx", script], RUNNER_FILE),
    ):
        done = run(script, *words)
        assert done.returncode == 2
        assert name in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "size", [(48, 48), (300, 200), (64, 40), (20, 90), (17, 17), (500, 31), (96, 96)]
)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("resize", [0, 56])
def test_its_pixels_are_those_of_emostudio(size, channels, resize, preprocessing):
    geometry = preprocessing.model_copy(
        update={"height": 48, "width": 48, "channels": channels, "resize": resize}
    )
    facts = runner.Facts(tuple(EMOTIONS), 48, 48, channels, resize, "logits")
    image = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    expected = to_input_pixels(image, geometry).astype(int)
    found = runner.to_pixels(image, facts).astype(int)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1
    assert (found != expected).mean() < 0.02
