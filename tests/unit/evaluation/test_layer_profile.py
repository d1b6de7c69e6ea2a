import numpy as np
import onnx
import pytest
import torch
from torch import nn

from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import InputError
from emostudio.evaluation import layer_profile
from emostudio.evaluation.layer_profile import profile
from emostudio.evaluation.weight_error import weight_errors
from emostudio.inference.engines.onnxruntime import ENGINE
from emostudio.inference.graph_layers import GraphLayers
from emostudio.models.catalogue import build, new_info
from emostudio.models.loaded import LoadedModel

SMALL = {"input_size": 32, "width": 0.25, "dense_width": 16}


def network(name="net"):
    torch.manual_seed(0)
    info = new_info(name, "vgg_s_lite", SMALL, EMOTIONS)
    return LoadedModel(info, module=build(info).eval())


def parent_shape(module):
    return (module.conv1.in_channels, 32, 32)


def finished(steps):
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


@pytest.fixture(scope="module")
def times():
    model = network()
    batch = np.random.default_rng(0).random((1, *model.input_shape), dtype=np.float32)
    found = finished(
        profile({"net": (model, "onnxruntime")}, {"net": batch}, 1, 6, lambda layer: layer)
    )
    return {time.layer: time for time in found["net"]}


def test_every_layer_with_weights_has_a_time_and_its_kernel(times):
    weighted = [
        name
        for name, layer in network().module.named_modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    ]
    assert set(weighted) <= set(times)
    assert all(any("Conv" in kernel or "Gemm" in kernel for kernel in times[name].kernels)
               for name in weighted)  # fmt: skip
    assert any("Relu" in kernel for kernel in times["conv1"].kernels)
    for time in times.values():
        assert 0 < time.interval[0] <= time.ms <= time.interval[1]


def test_layers_come_in_the_order_in_which_they_run(times):
    order = [name for name in times if name.startswith(("conv", "fc"))]
    expected = [name for name, _ in network().module.named_children() if name in order]
    assert order == expected


def test_an_interval_is_never_finer_than_the_clock_it_was_read_from(times):
    for time in times.values():
        assert time.interval[1] - time.interval[0] >= 0.001 * (1 - 1e-9)


def test_a_time_cut_down_to_whole_microseconds_lies_in_its_interval(monkeypatch):
    """Every run takes 3.7 us in truth; the profiler writes 3."""

    def watch(*_):
        watched = layer_profile.Watched()
        for run in range(4):
            watched.add("conv1", "Conv", run, 0.0035, 0.0005)
        return watched

    monkeypatch.setattr(layer_profile, "_watch", watch)
    (found,) = finished(profile({"net": (None, "onnxruntime")}, {"net": None}, 1, 6, str))["net"]
    assert found.interval == pytest.approx((0.003, 0.004))
    assert found.interval[0] <= 0.0037 <= found.interval[1]


def test_more_arithmetic_takes_more_time(times):
    assert times["conv1"].ms > times["fc8"].ms


def test_an_engine_whose_kernels_cannot_be_watched_is_refused():
    model = network()
    batch = np.zeros((1, *model.input_shape), dtype=np.float32)
    with pytest.raises(InputError, match="cannot be watched"):
        finished(profile({"net": (model, "torch")}, {"net": batch}, 1, 6, str))


def test_nodes_that_only_change_the_layout_belong_to_no_layer():
    (graph,) = ENGINE.graphs(network())
    layers = GraphLayers(graph)
    assert layers.of("ReorderOutput_token_3", "ReorderOutput").layer == ""
    assert layers.of("something new", "Unknown").layer == ""


@pytest.mark.parametrize("around", ["{}", "fused {}", "{}_token_12", "{}/MatMulAddFusion"])
def test_nodes_are_known_by_the_first_name_they_had(around):
    (graph,) = ENGINE.graphs(network())
    names = {node.name: list(node.input) for node in onnx.load_from_string(graph).graph.node}
    node = next(name for name, inputs in names.items() if "fc7.weight" in inputs)
    assert GraphLayers(graph).of(around.format(node), "QGemm").layer == "fc7"


def test_an_unchanged_layer_has_no_weight_error_and_a_halved_one_half():
    parent, child = network().module, network().module
    with torch.no_grad():
        child.conv2.weight *= 0.5
    errors = weight_errors(parent, child, parent_shape(parent), ["conv1", "conv2", "fc6"])
    assert errors["conv1"] == errors["fc6"] == 0
    assert errors["conv2"] == pytest.approx(0.5)


def test_factors_are_judged_by_their_answers_as_their_product_would_be():
    torch.manual_seed(0)
    parent = nn.Sequential(nn.Linear(40, 30))
    left, _, right = torch.linalg.svd(parent[0].weight)
    sizes = torch.linalg.svdvals(parent[0].weight)
    first, second = nn.Linear(40, 5, bias=False), nn.Linear(5, 30)
    with torch.no_grad():
        first.weight.copy_(right[:5])
        second.weight.copy_(left[:, :5] * sizes[:5])
        second.bias.copy_(parent[0].bias)
    child = nn.Sequential(nn.Sequential(first, second))
    expected = float(
        (torch.linalg.vector_norm(sizes[5:]) / torch.linalg.vector_norm(sizes)).detach()
    )
    (error,) = weight_errors(Wide(parent), Wide(child), (1, 1, 40), ["body.0"]).values()
    assert error == pytest.approx(expected, rel=0.1)


class Wide(nn.Module):
    """Gives a linear layer the pixels of a picture of one line."""

    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, pictures):
        return self.body(pictures.flatten(1))


def test_layers_of_other_widths_have_no_weight_error():
    parent, child = network().module, network().module
    child.conv2 = nn.Conv2d(child.conv2.in_channels, 3, 3)
    assert "conv2" not in weight_errors(parent, child, parent_shape(parent), ["conv1", "conv2"])
