"""Every inference engine keeps the promises the rest of the studio relies on."""

import numpy as np
import pytest
import torch
from torch import nn

from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import InputError
from emostudio.core.model_info import BLACK_BOX, ModelInfo, Preprocessing
from emostudio.inference.catalogue import ENGINES, open_session, runnable_engines
from emostudio.inference.few_bits import has_few_bits
from emostudio.inference.graph import onnx_graph
from emostudio.models.loaded import LoadedModel

ENGINE_KEYS = list(ENGINES.members())
_ROUNDED = 0.005  # of the largest output: what integers in place of inputs may change


@pytest.fixture(scope="module")
def network() -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.LocalResponseNorm(5, alpha=5e-3, k=2.0),
        nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.Conv2d(8, 8, 3, groups=2, bias=False),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(8, 8),
    )
    with torch.no_grad():  # running statistics that folding has to get right
        for _ in range(3):
            net(torch.randn(16, 1, 24, 24) * 2 + 1)
    return net.eval()


@pytest.fixture(scope="module")
def few_valued() -> nn.Module:
    """Weights of two values each, which engines may keep in a few bits."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 36, 64),
        nn.ReLU(),
        nn.Linear(64, 8),
    )
    for layer in (net[3], net[7]):
        layer.weight.data = torch.where(layer.weight < 0, -0.05, 0.05)
    return net.eval()


@pytest.fixture(scope="module")
def white_box(network) -> LoadedModel:
    return _model(network)


@pytest.fixture(scope="module", params=["plain", "few_valued"])
def any_box(request, network, few_valued) -> LoadedModel:
    return _model(network if request.param == "plain" else few_valued)


@pytest.fixture(scope="module")
def black_box(white_box, network) -> LoadedModel:
    info = white_box.info.model_copy(update={"name": "black", "architecture": BLACK_BOX})
    return LoadedModel(info, onnx_bytes=onnx_graph(network, white_box.input_shape))


@pytest.fixture(scope="module")
def batch() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(5, 1, 24, 24)).astype(np.float32)


@pytest.mark.parametrize("key", ENGINE_KEYS)
def test_engine_describes_itself(key):
    engine = ENGINES.get(key)
    assert engine.key == key
    assert engine.title
    assert engine.summary
    assert engine.reference
    assert engine.settings_type().model_dump() == {}


@pytest.mark.parametrize("key", ENGINE_KEYS)
def test_engine_agrees_with_the_network(key, any_box, batch):
    session = _open(key, any_box)
    with torch.inference_mode():
        expected = any_box.network()(torch.from_numpy(batch)).numpy()
    found = session.run(batch)
    assert found.dtype == np.float32
    assert found.shape == (5, 8)
    assert np.abs(found - expected).max() <= _tolerance(any_box, expected)


@pytest.mark.parametrize("key", ENGINE_KEYS)
def test_a_picture_alone_gets_the_answer_it_gets_in_a_batch(key, any_box, batch):
    session = _open(key, any_box)
    together = session.run(batch)
    alone = np.concatenate([session.run(batch[i : i + 1]) for i in range(len(batch))])
    assert np.abs(together - alone).max() <= 1e-4


@pytest.mark.parametrize("key", ENGINE_KEYS)
def test_later_training_does_not_reach_an_open_session(key, any_box, batch):
    model = any_box.copy()
    session = _open(key, model)
    before = session.run(batch)
    with torch.no_grad():
        model.network()[0].weight.mul_(2)
    assert np.array_equal(session.run(batch), before)
    assert not np.allclose(_open(key, model).run(batch), before)


@pytest.mark.parametrize("key", ENGINE_KEYS)
def test_opening_leaves_the_model_alone(key, white_box):
    model = white_box.copy()
    model.network().train()
    _open(key, model)
    assert model.network().training
    assert all(parameter.requires_grad for parameter in model.network().parameters())


@pytest.mark.parametrize("key", ENGINE_KEYS)
def test_black_boxes_run_or_are_refused_with_a_reason(key, black_box, batch):
    engine = ENGINES.get(key)
    reason = engine.supports(black_box)
    if reason:
        with pytest.raises(InputError, match="black box"):
            open_session(black_box, key)
    else:
        assert engine.open(black_box, 1).run(batch).shape == (5, 8)


@pytest.mark.parametrize("key", ENGINE_KEYS)
def test_a_closed_session_refuses_to_run(key, any_box, batch):
    session = _open(key, any_box)
    session.close()
    with pytest.raises(ValueError, match="closed"):
        session.run(batch)


@pytest.mark.parametrize("key", ENGINE_KEYS)
def test_session_says_whose_kernels_it_runs(key, white_box):
    assert _open(key, white_box).engine == key
    assert _open(key, white_box).kernels == "real"
    imitated = white_box.copy()
    imitated.network()[5].simulated_kernels = True
    assert _open(key, imitated).kernels == "simulated"


def test_engines_that_can_run_a_black_box_are_known(black_box, white_box):
    assert "onnxruntime" in runnable_engines(black_box)
    assert "torch" not in runnable_engines(black_box)
    assert set(runnable_engines(white_box)) >= {"torch", "onnxruntime"}


def test_unknown_engines_are_refused_with_the_known_ones(white_box):
    with pytest.raises(InputError, match="onnxruntime"):
        open_session(white_box, "warp")


def _model(network) -> LoadedModel:
    info = ModelInfo(
        name="white",
        architecture="test",
        labels=EMOTIONS,
        preprocessing=Preprocessing(height=24, width=24, channels=1),
    )
    return LoadedModel(info, network)


def _tolerance(model, expected) -> float:
    few = any(has_few_bits(layer) for layer in model.network().modules())
    return _ROUNDED * float(np.abs(expected).max()) if few else 1e-4


def _open(key, model):
    engine = ENGINES.get(key)
    why_not = engine.why_unavailable() or engine.supports(model)
    if why_not:
        pytest.skip(why_not)
    return engine.open(model, 1)
