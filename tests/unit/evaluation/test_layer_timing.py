import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from emostudio.core.errors import UnsupportedLayerError
from emostudio.evaluation.layer_timing import chain_graph, geometry, time_interleaved


def answer_of(graph, pictures):
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return session.run(None, {"input": pictures})[0]


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        ([nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 4, (3, 1), groups=4, bias=False)], (3, 15, 13)),
        ([nn.Conv2d(2, 4, (1, 3), (1, 2), (0, 2), dilation=2)], (2, 9, 11)),
        ([nn.Linear(7, 3, bias=False), nn.Linear(3, 5)], (7,)),
    ],
)
def test_the_graph_is_what_the_layers_are(layers, shape):
    chain = nn.Sequential(*layers)
    for parameter in chain.parameters():
        nn.init.constant_(parameter, 0.01)
    pictures = np.random.default_rng(0).standard_normal((1, *shape)).astype(np.float32)
    expected = chain(torch.from_numpy(pictures)).detach().numpy()
    assert np.allclose(answer_of(chain_graph(layers, shape), pictures), expected, atol=1e-6)


def test_layers_without_values_are_enough():
    layer = nn.Conv2d(3, 4, 3, device="meta")
    assert chain_graph([layer], (3, 8, 8)) == chain_graph([nn.Conv2d(3, 4, 3)], (3, 8, 8))


@pytest.mark.parametrize("layer", [nn.ReLU(), nn.Conv2d(3, 4, 3, padding="same")])
def test_other_layers_are_refused(layer):
    with pytest.raises(UnsupportedLayerError):
        chain_graph([layer], (3, 8, 8))


def test_all_graphs_get_the_same_blocks_and_few_behind_the_deadline():
    graphs = {str(width): chain_graph([nn.Conv2d(3, width, 3)], (3, 8, 8)) for width in (4, 8)}
    timing = time_interleaved(graphs, (3, 8, 8), 1, deadline_s=0.0)
    try:
        while True:
            assert next(timing).type == "progress"
    except StopIteration as stop:
        found = stop.value
    assert list(found) == ["4", "8"]
    assert [len(times) for times in found.values()] == [3, 3]
    assert all(ms > 0 for times in found.values() for ms in times)


def test_the_words_tell_geometry_and_input():
    words = geometry(nn.Conv2d(3, 4, 3), (3, 8, 8))
    assert "kernel_size=(3, 3)" in words
    assert words.endswith("3 x 8 x 8")
    assert words != geometry(nn.Conv2d(3, 4, 3), (3, 9, 9))
