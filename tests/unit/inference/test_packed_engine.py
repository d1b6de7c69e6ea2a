"""What the packed engine takes, and when it is chosen."""

import numpy as np
import pytest
import torch
from torch import nn

from emostudio.compression.binary_blocks import BinaryBlock, BlockDesign
from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import InputError
from emostudio.core.model_info import ModelInfo, Preprocessing
from emostudio.inference.base import Deployable
from emostudio.inference.catalogue import ENGINES, default_engine, open_session
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
