import io
import json
import os
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from safetensors.torch import load_file, save_file

from emostudio.core.errors import InputError
from emostudio.models.importers.formats import ModelFormat, detect_format
from emostudio.models.importers.onnx_model import read_onnx
from emostudio.models.importers.state_dict import convert_state_dict

WEIGHTS = {"layer.weight": torch.arange(6.0).reshape(2, 3)}


class Canary:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


def deflated(path):
    """A state dict whose records are compressed, as in an archive bomb."""
    plain = io.BytesIO()
    torch.save({"w": torch.zeros(200_000)}, plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for entry in source.infolist():
            out.writestr(entry.filename, source.read(entry))


def archive(path, *names):
    with zipfile.ZipFile(path, "w") as out:
        for name in names:
            out.writestr(name, b"x")


def test_formats_are_told_by_content_not_by_name(tmp_path):
    safetensors = tmp_path / "weights.pt"
    save_file(WEIGHTS, safetensors)
    pickled = tmp_path / "weights.safetensors"
    torch.save(WEIGHTS, pickled)
    legacy = tmp_path / "legacy.bin"
    torch.save(WEIGHTS, legacy, _use_new_zipfile_serialization=False)
    assert detect_format(safetensors) is ModelFormat.SAFETENSORS
    assert detect_format(pickled) is ModelFormat.STATE_DICT
    assert detect_format(legacy) is ModelFormat.STATE_DICT


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_bytes(b"random words"), "format is not known"),
        (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + b"0" * 90), "run code"),
        (lambda path: archive(path, "m/code/__torch__.py", "m/data.pkl"), "contain code"),
        (lambda path: archive(path, "m/archive_format", "m/data/weights"), "torch.export"),
        (lambda path: archive(path, "readme.txt"), "not a model"),
        (deflated, "compressed"),
        (lambda path: path.mkdir(), "not a file"),
        (os.mkfifo, "not a file"),
        (lambda path: None, "Could not open"),
    ],
)
def test_unusable_files_are_refused_with_a_reason(tmp_path, make, reason):
    path = tmp_path / "model.pt"
    make(path)
    with pytest.raises(InputError, match=reason):
        detect_format(path)


@pytest.mark.parametrize("legacy", [False, True])
def test_state_dict_becomes_the_same_tensors(tmp_path, legacy):
    source = tmp_path / "weights.pt"
    wrapped = {
        "epoch": 3,
        "state_dict": {f"module.{name}": value for name, value in WEIGHTS.items()},
    }
    torch.save(wrapped, source, _use_new_zipfile_serialization=not legacy)
    convert_state_dict(source, tmp_path / "out.safetensors")
    loaded = load_file(tmp_path / "out.safetensors")
    assert list(loaded) == ["layer.weight"]
    assert torch.equal(loaded["layer.weight"], WEIGHTS["layer.weight"])


@pytest.mark.parametrize("shape", ["zip", "legacy", "raw"])
def test_pickle_with_code_is_refused_and_runs_nothing(tmp_path, shape):
    canary = tmp_path / "canary"
    source = tmp_path / "evil.pt"
    payload = {"w": Canary(canary)}
    if shape == "raw":
        source.write_bytes(pickle.dumps(payload))
    else:
        torch.save(payload, source, _use_new_zipfile_serialization=shape == "zip")
    with pytest.raises(InputError):
        convert_state_dict(source, tmp_path / "out.safetensors")
    assert not canary.exists()
    assert not (tmp_path / "out.safetensors").exists()


def test_whole_module_pickle_is_refused_with_the_remedy(tmp_path):
    source = tmp_path / "module.pt"
    torch.save(torch.nn.Linear(2, 2), source)
    with pytest.raises(InputError, match=r"state_dict\(\)"):
        convert_state_dict(source, tmp_path / "out.safetensors")


def test_truncated_state_dict_is_called_damaged(tmp_path):
    source = tmp_path / "weights.pt"
    torch.save(WEIGHTS, source)
    source.write_bytes(source.read_bytes()[:200])
    with pytest.raises(InputError, match="damaged"):
        convert_state_dict(source, tmp_path / "out.safetensors")


def test_deep_nesting_is_refused_without_printing_it(tmp_path):
    nested = ()
    for _ in range(500):
        nested = (nested,)
    source = tmp_path / "deep.pt"
    torch.save(nested, source)
    with pytest.raises(InputError, match="not a state dict"):
        convert_state_dict(source, tmp_path / "out.safetensors")


def test_conversion_process_answers_with_one_line(tmp_path):
    source = tmp_path / "evil.pt"
    torch.save({"w": Canary(tmp_path / "canary")}, source)
    answer = subprocess.run(
        [
            sys.executable,
            "-m",
            "emostudio.models.importers.state_dict",
            str(source),
            str(tmp_path / "o"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 2
    assert len(answer.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "canary").exists()


def classifier(nodes=None, *, shape=("N", 1, 8, 8), initializers=None, **options):
    """A small ONNX classifier: mean over the picture, seven weights, softmax."""
    weights = helper.make_tensor("w", TensorProto.FLOAT, [1, 7], np.arange(7.0))
    nodes = nodes or [
        helper.make_node("GlobalAveragePool", ["x"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("MatMul", ["f", "w"], ["z"]),
        helper.make_node("Softmax", ["z"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 7])],
        [weights, *(initializers or [])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], **options)


def write(model, path):
    path.write_bytes(model.SerializeToString())
    return path


def test_onnx_classifier_says_its_geometry(tmp_path):
    facts = read_onnx(write(classifier(), tmp_path / "m.onnx"))
    assert (facts.channels, facts.height, facts.width) == (1, 8, 8)
    assert facts.class_count == 7
    assert facts.ends_in_softmax


def test_channels_last_network_gets_a_transpose_and_gives_the_same_answer(tmp_path):
    import onnxruntime

    nodes = [
        helper.make_node("ReduceMean", ["x"], ["p"], axes=[1, 2], keepdims=0),
        helper.make_node("MatMul", ["p", "w"], ["z"]),
        helper.make_node("Softmax", ["z"], ["y"]),
    ]
    original = classifier(nodes, shape=("N", 8, 8, 1))
    facts = read_onnx(write(original, tmp_path / "m.onnx"))
    assert (facts.channels, facts.height) == (1, 8)
    picture = np.random.default_rng(0).random((2, 8, 8, 1), dtype=np.float32)
    before = onnxruntime.InferenceSession(original.SerializeToString()).run(None, {"x": picture})[0]
    after = onnxruntime.InferenceSession(facts.content).run(
        None, {"x": picture.transpose(0, 3, 1, 2)}
    )[0]
    assert np.array_equal(before, after)


def external(location):
    tensor = TensorProto(name="e", data_type=TensorProto.FLOAT, dims=[4])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def control_flow():
    body = helper.make_graph(
        [helper.make_node("Identity", ["c"], ["co"])],
        "b",
        [helper.make_tensor_value_info("c", TensorProto.BOOL, [])],
        [helper.make_tensor_value_info("co", TensorProto.BOOL, [])],
    )
    return [helper.make_node("Loop", ["m", "c"], ["y"], body=body)]


BAD_ONNX = {
    "outside the file": (lambda: classifier(initializers=[external("../secret")]), "other files"),
    "absolute outside data": (
        lambda: classifier(initializers=[external("/dev/zero")]),
        "other files",
    ),
    "memory marker": (
        lambda: classifier(initializers=[external("*/_ORT_MEM_ADDR_/*")]),
        "other files",
    ),
    "loop": (lambda: classifier(control_flow()), "Loop"),
    "own operator": (
        lambda: classifier([helper.make_node("Evil", ["x"], ["y"], domain="evil")]),
        r"evil\.Evil",
    ),
    "compiled blob": (
        lambda: classifier([helper.make_node("EPContext", ["x"], ["y"], domain="com.microsoft")]),
        "EPContext",
    ),
    "huge tensor": (
        lambda: classifier(initializers=[TensorProto(name="h", data_type=1, dims=[2**32, 2**32])]),
        "impossible shape",
    ),
    "negative tensor": (
        lambda: classifier(initializers=[TensorProto(name="h", data_type=1, dims=[-4])]),
        "impossible shape",
    ),
    "huge input": (lambda: classifier(shape=("N", 1, 99999, 8)), "impossible shape"),
    "text input": (lambda: classifier(shape=("N", 8)), "not an image classifier"),
    "opset": (
        lambda: helper.make_model(
            classifier().graph, opset_imports=[helper.make_opsetid("", 9999)]
        ),
        "does not exist",
    ),
    "many nodes": (
        lambda: classifier([helper.make_node("Relu", ["x"], ["y"]) for _ in range(50_001)]),
        "more than 50000 nodes",
    ),
}


@pytest.mark.parametrize("case", list(BAD_ONNX))
def test_dangerous_onnx_is_refused_naming_the_reason(tmp_path, case):
    make, reason = BAD_ONNX[case]
    with pytest.raises(InputError, match=reason):
        read_onnx(write(make(), tmp_path / "m.onnx"))


@pytest.mark.parametrize("content", [b"\x08\x07random", b"\x08" + b"\xff" * 60])
def test_damaged_onnx_is_refused(tmp_path, content):
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_onnx(path)


def test_truncated_onnx_is_refused(tmp_path):
    path = write(classifier(), tmp_path / "m.onnx")
    path.write_bytes(path.read_bytes()[:-25])
    with pytest.raises(InputError):
        read_onnx(path)


def test_description_inside_onnx_survives(tmp_path):
    from emostudio.core.emotions import EMOTIONS
    from emostudio.core.model_info import BLACK_BOX, ModelInfo, Preprocessing
    from emostudio.models.importers.onnx_model import with_info

    info = ModelInfo(
        name="t",
        architecture=BLACK_BOX,
        labels=EMOTIONS[:7],
        outputs="probabilities",
        preprocessing=Preprocessing(height=8, width=8, channels=1),
    )
    path = tmp_path / "m.onnx"
    path.write_bytes(with_info(classifier().SerializeToString(), info))
    assert read_onnx(path).info == info
    onnx.checker.check_model(onnx.load(path))
    assert json.loads(info.model_dump_json())["name"] == "t"
