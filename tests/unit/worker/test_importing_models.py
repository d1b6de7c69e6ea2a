import pickle

import cv2
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from emostudio.core.emotions import EMOTIONS, Emotion
from emostudio.core.events import Failed, Finished
from emostudio.core.jobs import EvaluateJob, ImportModelJob
from emostudio.models.catalogue import build, new_info
from emostudio.worker.execute import execute
from emostudio.worker.resolve import find_model
from emostudio.workspace.store import Workspace

FER = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
LEVELS = dict(zip(FER, (10, 50, 90, 130, 170, 210, 245), strict=True))
SIZE = 24


@pytest.fixture
def workspace(tmp_path):
    with Workspace.open(tmp_path / "ws") as opened:
        yield opened


@pytest.fixture
def grey_faces(tmp_path):
    """Pictures whose grey level says their emotion."""
    return draw(tmp_path / "faces", LEVELS)


def draw(folder, levels):
    random = np.random.default_rng(0)
    for name, level in levels.items():
        (folder / name).mkdir(parents=True)
        for number in range(12):
            noise = random.integers(-5, 6, (SIZE, SIZE))
            picture = np.clip(level + noise, 0, 255).astype(np.uint8)
            (folder / name / f"{number}.png").write_bytes(cv2.imencode(".png", picture)[1])
    return folder


@pytest.fixture
def grey_reader(tmp_path):
    """An ONNX network that names the level nearest to the mean of inputs in [-1, 1]."""
    centres = np.array([LEVELS[name] / 127.5 - 1 for name in FER], dtype=np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["x"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["mean"]),
            helper.make_node("Gemm", ["mean", "w", "b"], ["score"]),
            helper.make_node("Softmax", ["score"], ["y"], axis=1),
        ],
        "grey",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, SIZE, SIZE])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 7])],
        [
            numpy_helper.from_array(20 * 2 * centres[None], "w"),
            numpy_helper.from_array(-20 * centres**2, "b"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path / "grey.onnx"
    onnx.save(model, path)
    return path


def last(job, workspace):
    return list(execute(job, workspace))[-1]


def test_what_a_black_box_means_is_found_on_labelled_images(workspace, grey_faces, grey_reader):
    job = ImportModelJob(file=str(grey_reader), data=str(grey_faces), onnx="black_box")
    answer = last(job, workspace)
    assert isinstance(answer, Finished), answer
    record = workspace.model("grey")
    assert record.role == "teacher"
    assert record.info.labels == tuple(Emotion(name) for name in FER)
    assert record.info.outputs == "probabilities"
    assert record.info.preprocessing.offset == -1.0
    assert answer.result["checked_accuracy"] == 1.0
    assert "FER2013" in " ".join(answer.result["notes"])


def test_an_imported_black_box_can_be_evaluated(workspace, grey_faces, grey_reader):
    job = ImportModelJob(file=str(grey_reader), data=str(grey_faces), name="box", onnx="black_box")
    last(job, workspace)
    answer = last(EvaluateJob(models=("box",), data=str(grey_faces)), workspace)
    assert answer.result["results"][0]["accuracy"] == 1.0
    assert len(workspace.model("box").evaluations) == 1


def test_a_plain_network_becomes_layers_with_the_parity_in_the_notes(
    workspace, grey_faces, grey_reader
):
    answer = last(ImportModelJob(file=str(grey_reader), data=str(grey_faces)), workspace)
    assert isinstance(answer, Finished), answer
    info = workspace.model("grey").info
    assert (info.architecture, info.outputs) == ("onnx_graph", "logits")
    assert answer.result["checked_accuracy"] == 1.0
    notes = " ".join(answer.result["notes"])
    assert "on 64 random inputs" in notes
    assert "labelled pictures logits differ" in notes
    loaded = find_model("grey", workspace).load()
    assert loaded.module(torch.zeros(3, 1, SIZE, SIZE)).shape == (3, 7)


def with_an_unknown_operator(path):
    model = onnx.load(path)
    model.graph.node[0].output[0] = "raw"
    model.graph.node.insert(1, helper.make_node("Erf", ["raw"], ["pooled"], name="bend"))
    onnx.save(model, path)


def test_a_network_with_unknown_operators_stays_a_black_box_and_says_why(workspace, grey_reader):
    with_an_unknown_operator(grey_reader)
    answer = last(ImportModelJob(file=str(grey_reader), labels=FER, preprocessing={}), workspace)
    assert isinstance(answer, Finished), answer
    assert workspace.model("grey").info.is_black_box
    assert "Erf bend cannot be converted" in " ".join(answer.result["notes"])


def test_layers_that_are_demanded_but_impossible_are_refused(workspace, grey_reader):
    with_an_unknown_operator(grey_reader)
    job = ImportModelJob(file=str(grey_reader), labels=FER, preprocessing={}, onnx="white_box")
    answer = last(job, workspace)
    assert isinstance(answer, Failed)
    assert answer.exit_code == 2
    assert "black box" in answer.next_step
    assert workspace.models() == []


def test_without_labelled_images_the_meaning_is_asked_for(workspace, grey_reader):
    answer = last(ImportModelJob(file=str(grey_reader)), workspace)
    assert isinstance(answer, Failed)
    assert answer.exit_code == 2
    assert "labels" in answer.what
    assert workspace.models() == []


def test_given_labels_and_preprocessing_are_taken_as_they_are(workspace, grey_reader):
    job = ImportModelJob(
        file=str(grey_reader),
        labels=("Angry", *FER[1:]),
        preprocessing={"scale": 1 / 127.5, "offset": -1.0},
    )
    answer = last(job, workspace)
    assert isinstance(answer, Finished), answer
    info = workspace.model("grey").info
    assert info.labels[0] is Emotion.ANGER
    assert info.preprocessing.input_shape == (1, SIZE, SIZE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"labels": FER[:3], "preprocessing": {}},
        {"labels": ("boredom", *FER[1:]), "preprocessing": {}},
        {"labels": FER, "preprocessing": {"scale": "much"}},
    ],
)
def test_answers_that_cannot_be_right_are_refused(workspace, grey_reader, wrong):
    answer = last(ImportModelJob(file=str(grey_reader), **wrong), workspace)
    assert isinstance(answer, Failed)
    assert answer.exit_code == 2
    assert workspace.models() == []


def test_images_that_say_nothing_settle_nothing(workspace, tmp_path, grey_reader):
    same = draw(tmp_path / "same", dict.fromkeys(FER, 128))
    answer = last(ImportModelJob(file=str(grey_reader), data=str(same)), workspace)
    assert isinstance(answer, Failed)
    assert "could not be found out" in answer.what


def test_a_state_dict_is_converted_in_the_sandbox(workspace, tmp_path):
    settings = {"input_size": SIZE, "channels": 1, "width": 0.125, "dense_width": 16}
    module = build(new_info("x", "vgg_s_lite", settings, EMOTIONS)).eval()
    file = tmp_path / "net.pt"
    torch.save({"state_dict": module.state_dict(), "epoch": 3}, file)
    job = ImportModelJob(
        file=str(file),
        architecture="vgg_s_lite",
        architecture_settings=settings,
        labels=tuple(EMOTIONS),
        preprocessing={},
    )
    answer = last(job, workspace)
    assert isinstance(answer, Finished), answer
    loaded = find_model("net", workspace).load()
    inputs = torch.rand(2, 1, SIZE, SIZE)
    assert torch.equal(loaded.module(inputs), module(inputs))


class Bomb:
    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return (open, (self.canary, "w"))


def test_a_pickle_that_would_run_code_is_refused_and_leaves_nothing(workspace, tmp_path):
    canary = tmp_path / "canary"
    file = tmp_path / "evil.pt"
    file.write_bytes(pickle.dumps({"weight": Bomb(str(canary))}, protocol=2))
    answer = last(ImportModelJob(file=str(file), labels=FER, preprocessing={}), workspace)
    assert isinstance(answer, Failed)
    assert answer.exit_code == 2
    assert "evil.pt" in answer.what
    assert not canary.exists()
    assert list(workspace.models_folder.iterdir()) == []


def test_half_a_model_file_is_refused(workspace, tmp_path, grey_faces, grey_reader):
    file = tmp_path / "half.onnx"
    file.write_bytes(grey_reader.read_bytes()[:100])
    answer = last(ImportModelJob(file=str(file), labels=FER, preprocessing={}), workspace)
    assert isinstance(answer, Failed)
    assert "half.onnx" in answer.what
    assert workspace.models() == []
