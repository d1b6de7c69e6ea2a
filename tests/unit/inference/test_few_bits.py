"""Layers with binary weights keep four bits per weight in ONNX, and say the same."""

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from emostudio.inference.catalogue import ENGINES
from emostudio.inference.few_bits import FewBitLinear, has_few_bits
from emostudio.inference.graph import onnx_graph

INPUTS = (6, 9, 7)  # 378 numbers: no whole blocks


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    layer = nn.Linear(378, 96)
    size = layer.weight.detach().abs().mean(dim=1, keepdim=True)
    layer.weight.data = torch.where(layer.weight < 0, -size, size)
    return nn.Sequential(nn.Flatten(), layer).eval()


@pytest.fixture
def batch() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((4, *INPUTS)).astype(np.float32)


def test_weights_of_two_values_take_four_bits(network):
    small, usual = (onnx_graph(network, INPUTS, few_bits=bits) for bits in (True, False))
    operators = {node.op_type for node in onnx.load_from_string(small).graph.node}
    assert "MatMulNBits" in operators
    assert len(small) < len(usual) / 4
    standard = {node.domain for node in onnx.load_from_string(usual).graph.node}
    assert standard == {""}


@pytest.mark.parametrize("key", ["onnxruntime", "openvino"])
def test_nothing_is_rounded(key, network, batch):
    content = onnx_graph(network, INPUTS, few_bits=True)
    with torch.no_grad():
        expected = network(torch.from_numpy(batch)).numpy()
    found = ENGINES.get(key).open_deployed([content], 1).run(batch)
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def test_other_weights_are_left_alone(network):
    assert has_few_bits(network[1])
    network[1].weight.data[3, 5] *= 1.5
    assert not has_few_bits(network[1])
    with pytest.raises(ValueError, match="binary"):
        FewBitLinear(network[1])
