import numpy as np
import pytest
import torch
from torch import nn

from emostudio.compression.quantisation import rebuilt
from emostudio.inference import graph_store
from emostudio.inference.graph import onnx_graph

SHAPE = (1, 8, 8)
WEIGHTS = b"digest of the weights"


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)).eval()


@pytest.fixture(autouse=True)
def own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("EMOSTUDIO_STATE", str(tmp_path))


def test_a_kept_graph_comes_back_byte_for_byte(network):
    content = onnx_graph(network, SHAPE)
    file = graph_store.graph_file(network, WEIGHTS, SHAPE)
    graph_store.keep(file, content)
    assert graph_store.recall(file, network, SHAPE) == content


def test_a_graph_that_no_longer_says_what_the_network_says_is_not_used(network):
    file = graph_store.graph_file(network, WEIGHTS, SHAPE)
    graph_store.keep(file, onnx_graph(network, SHAPE))
    with torch.no_grad():
        network[3].bias += 1
    assert graph_store.recall(file, network, SHAPE) is None


@pytest.mark.parametrize("content", [b"", b"\x08\x07damaged"])
def test_a_damaged_graph_is_not_used(network, content):
    file = graph_store.graph_file(network, WEIGHTS, SHAPE)
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    assert graph_store.recall(file, network, SHAPE) is None


def test_other_layers_or_weights_have_another_file(network):
    other = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(36, 3))
    files = {
        graph_store.graph_file(network, WEIGHTS, SHAPE),
        graph_store.graph_file(other, WEIGHTS, SHAPE),
        graph_store.graph_file(network, b"others", SHAPE),
        graph_store.graph_file(network, WEIGHTS, (1, 9, 9)),
    }
    assert len(files) == 4


def test_an_update_of_the_export_or_of_a_layer_s_code_has_another_file(monkeypatch):
    convolution = rebuilt(
        nn.Conv2d(1, 1, 1), {"bit_width": 8, "bias": True, "rounds_output": False}
    )
    network = nn.Sequential(convolution, nn.Flatten())
    files = {graph_store.graph_file(network, WEIGHTS, SHAPE)}
    read = graph_store.source_of
    assert all(read(name) for name in ("emostudio.inference.graph", type(convolution).__module__))
    for changed in ("emostudio.inference.graph", type(convolution).__module__):
        graph_store._code_digest.cache_clear()
        monkeypatch.setattr(
            graph_store,
            "source_of",
            lambda name, changed=changed: read(name) + b"#" * (name == changed),
        )
        files.add(graph_store.graph_file(network, WEIGHTS, SHAPE))
    graph_store._code_digest.cache_clear()
    assert len(files) == 3


def test_the_oldest_graphs_are_dropped(network, monkeypatch):
    monkeypatch.setattr(graph_store, "_MOST_BYTES", 2 * len(b"graph"))
    files = [graph_store.graph_file(network, bytes([number]), SHAPE) for number in range(3)]
    for file in files:
        graph_store.keep(file, b"graph")
    kept = {path.name for path in files[0].parent.iterdir()}
    assert files[-1].name in kept
    assert len(kept) == 2


def test_recall_leaves_the_network_in_its_mode(network):
    file = graph_store.graph_file(network, WEIGHTS, SHAPE)
    graph_store.keep(file, onnx_graph(network, SHAPE))
    network.train()
    assert graph_store.recall(file, network, SHAPE) is not None
    assert network.training
    assert np.isfinite(network(torch.zeros(1, *SHAPE)).detach().numpy()).all()
