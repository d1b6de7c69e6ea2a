import pytest
import torch
from compression_fakes import toy_model
from torch import nn

from emostudio.compression.graph import LayerGraph
from emostudio.core.errors import InputError
from emostudio.models.fire import Fire


def test_what_follows_a_convolution_is_found_in_a_chain():
    graph = LayerGraph(toy_model().module)
    assert graph.after("conv2") == ("bn2",)
    assert graph.chain("conv2") == (
        "bn2", "relu2", "pool2", "conv3", "relu3", "squeeze", "flatten", "fc1", "relu4", "fc2",
    )  # fmt: skip
    assert graph.before("bn2") == ("conv2",)


def test_chains_end_where_blocks_branch_or_meet():
    graph = LayerGraph(nn.Sequential(Fire(4, 2, 3, bn=True), nn.Conv2d(6, 2, 1)))
    assert graph.chain("0.squeeze") == ("0.squeeze_bn", "0.squeeze_relu")
    assert graph.after("0.squeeze_relu") == ("0.expand1x1", "0.expand3x3")
    assert graph.chain("0.expand3x3") == ("0.expand3x3_bn", "0.expand3x3_relu")
    assert graph.after("0.expand3x3_relu") == ("<cat>",)
    assert graph.before("1") == ("<cat>",)


def test_layers_without_values_will_do():
    with torch.device("meta"):
        network = Fire(4, 2, 3, bn=False)
    assert LayerGraph(network).order()[1] == "squeeze"


def test_control_flow_is_refused_with_a_reason():
    class Fickle(nn.Module):
        def forward(self, features):
            return features if features.sum() > 0 else -features

    with pytest.raises(InputError, match="cannot be followed"):
        LayerGraph(Fickle())


def test_an_unknown_layer_is_named():
    with pytest.raises(InputError, match="conv9"):
        LayerGraph(toy_model().module).after("conv9")
