"""What the packed engine takes, and when it is chosen."""

import numpy as np
import pytest
import torch
from torch import nn

from emostudio.compression.binary_blocks import BinaryBlock, BlockDesign
from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import EmoStudioError, InputError
from emostudio.core.model_info import ModelInfo, Preprocessing
from emostudio.inference import choosing
from emostudio.inference.base import Deployable
from emostudio.inference.catalogue import ENGINES, default_engine, fastest_engine, open_session
from emostudio.models.loaded import LoadedModel


@pytest.fixture
def model() -> LoadedModel:
    torch.manual_seed(0)
    layer = nn.Conv2d(8, 12, 3, padding=1)
    layer.weight.data = torch.where(layer.weight >= 0, 0.5, -0.5)
    network = nn.Sequential(
        nn.Conv2d(1, 8, 3), BinaryBlock(layer, BlockDesign()), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(12, 8),
    )  # fmt: skip
    info = ModelInfo(
        name="signs",
        architecture="test",
        labels=EMOTIONS,
        preprocessing=Preprocessing(height=16, width=16, channels=1),
    )
    return LoadedModel(info, network.eval())


@pytest.fixture
def batch():
    return np.random.default_rng(0).standard_normal((3, 1, 16, 16)).astype(np.float32)


def test_binary_blocks_run_on_real_kernels_by_default(model, batch):
    assert default_engine(model) == "packed"
    session = open_session(model)
    assert (session.engine, session.kernels) == ("packed", "real")
    expected = open_session(model, "torch")
    assert expected.kernels == "simulated"
    assert np.allclose(session.run(batch), expected.run(batch), atol=1e-5)


def test_real_weights_stay_simulated(model):
    model.network()[1].layer.weight.data[0, 0, 0, 0] = 0.75
    assert "binary weights" in ENGINES.get("packed").supports(model)
    assert default_engine(model) == "onnxruntime"
    with pytest.raises(InputError, match="binary weights"):
        open_session(model, "packed")


def test_a_changed_network_is_packed_anew(model, batch):
    before = open_session(model, "packed").run(batch)
    with torch.no_grad():
        model.network()[0].weight.mul_(-1.0)
    again = open_session(model, "packed").run(batch)
    assert not np.allclose(before, again)
    assert np.allclose(again, open_session(model, "torch").run(batch), atol=1e-5)


def test_programs_are_kept_for_later_processes(model, batch, monkeypatch):
    before = open_session(model, "packed").run(batch)

    def made(*_):
        raise AssertionError("it was kept")

    monkeypatch.setattr("emostudio.inference.packed.lowering.programs_of", made)
    assert np.array_equal(open_session(model.copy(), "packed").run(batch), before)


@pytest.mark.parametrize("key", ["packed", "onnxruntime"])
def test_deployed_files_answer_as_the_session_does(model, batch, key):
    engine = ENGINES.get(key)
    assert isinstance(engine, Deployable)
    deployed = engine.open_deployed(engine.deployed(model), 1)
    assert np.allclose(deployed.run(batch), engine.open(model, 1).run(batch), atol=1e-5)


@pytest.fixture
def binary_weights() -> LoadedModel:
    torch.manual_seed(0)
    layer = nn.Linear(4096, 512)
    layer.weight.data = torch.where(layer.weight >= 0, 0.02, -0.02)
    network = nn.Sequential(nn.Flatten(), layer, nn.ReLU(), nn.Linear(512, 8))
    info = ModelInfo(
        name="bits",
        architecture="test",
        labels=EMOTIONS,
        preprocessing=Preprocessing(height=64, width=64, channels=1),
    )
    return LoadedModel(info, network.eval())


def test_the_engine_that_measured_fastest_is_remembered(binary_weights, monkeypatch, tmp_path):
    monkeypatch.setenv("EMOSTUDIO_STATE", str(tmp_path))
    assert default_engine(binary_weights) == "onnxruntime"  # nothing is measured yet
    fastest = fastest_engine(binary_weights)
    medians = choosing.remembered(binary_weights).median_ms
    assert set(medians) == {"onnxruntime", "openvino", "packed"}
    assert fastest.engine == default_engine(binary_weights)
    assert medians[fastest.engine] <= 1.05 * min(medians.values())
    assert all(f"{key} " in fastest.why for key in medians)
    (kept,) = (tmp_path / "engine_choices").iterdir()
    kept.write_text("{", "utf-8")
    assert default_engine(binary_weights) == "onnxruntime"  # a damaged note is none


def test_wrong_answers_are_never_fastest(binary_weights, monkeypatch, tmp_path):
    monkeypatch.setenv("EMOSTUDIO_STATE", str(tmp_path))
    monkeypatch.setattr(
        "emostudio.inference.packed.program.ProgramRun.run",
        lambda _, batch: (np.zeros((len(batch), 8), np.float32),),
    )
    choice = fastest_engine(binary_weights)
    assert set(choice.median_ms) == {"onnxruntime", "openvino"}
    assert "answers differ" in choice.left_out["packed"]
    assert choosing.remembered(binary_weights) == choice


def test_an_engine_that_fails_is_not_chosen(model, monkeypatch):
    def failing(*_):
        raise EmoStudioError("The network cannot be followed", why="it is a maze")

    monkeypatch.setattr("emostudio.inference.engines.packed.PackedEngine._programs", failing)
    choice = fastest_engine(model)
    assert choice.engine == default_engine(model) == "onnxruntime"
    assert "it is a maze" in choice.why
    assert open_session(model).kernels == "simulated"


def test_an_engine_whose_library_breaks_down_is_left_out_and_closed(binary_weights, monkeypatch):
    closed = []

    class Broken:
        engine, kernels = "openvino", "real"

        def run(self, batch):
            raise RuntimeError("no such primitive")

        def close(self):
            closed.append(self.engine)

    monkeypatch.setattr(
        "emostudio.inference.engines.openvino.OpenVinoEngine.open", lambda *_: Broken()
    )
    choice = fastest_engine(binary_weights)
    assert set(choice.median_ms) == {"onnxruntime", "packed"}
    assert "RuntimeError: no such primitive" in choice.why
    assert closed == ["openvino"]


def test_a_choice_needs_no_record_of_what_is_installed(binary_weights, monkeypatch):
    monkeypatch.setattr(choosing, "_LIBRARIES", ("onnxruntime", "not-a-distribution"))
    assert default_engine(binary_weights) == "onnxruntime"


def test_a_small_lead_changes_nothing(binary_weights, monkeypatch):
    times = {"onnxruntime": 1.04, "openvino": 1.0, "packed": 1.02}
    monkeypatch.setattr(choosing, "_medians_ms", lambda sessions, _: times)
    assert fastest_engine(binary_weights).engine == "onnxruntime"


def test_what_only_one_engine_has_kernels_for_runs_there(model):
    choice = fastest_engine(model)
    assert choice.engine == "packed"
    assert list(choice.median_ms) == ["packed"]
    assert choice.why == "the only one with its kernels"
