import math

import pytest
import torch
from torch import nn

from emostudio.compression.dropout_correction import corrected_dropout
from emostudio.models.catalogue import ARCHITECTURES


def network(key, **values):
    architecture = ARCHITECTURES.get(key)
    with torch.device("meta"):
        return architecture.build(architecture.settings_type(**values))


def test_dropout_falls_by_the_root_of_the_connections_in_front_of_it_and_comes_back():
    vgg = network("vgg_s_lite", dropout=0.5)
    with corrected_dropout(vgg, {"fc6": 0.09, "fc7": 0.25}) as rates:
        assert rates == pytest.approx({"drop6": 0.5 * 0.3, "drop7": 0.5 * 0.5})
        assert vgg.drop6.p == rates["drop6"]
    assert vgg.drop6.p == vgg.drop7.p == 0.5


def test_both_branches_in_front_of_a_dropout_count():
    squeezenet = network("squeezenet1_1", dropout=0.5)
    narrow, wide = 64 * 256, 64 * 256 * 9
    with corrected_dropout(squeezenet, {"fire9.expand3x3": 0.4}) as rates:
        left = (narrow + 0.4 * wide) / (narrow + wide)
        assert rates == pytest.approx({"drop9": 0.5 * math.sqrt(left)})


def test_rates_come_back_after_an_error():
    vgg = network("vgg_s_lite", dropout=0.4)
    with pytest.raises(KeyError), corrected_dropout(vgg, {"fc6": 0.01}):
        raise KeyError
    assert vgg.drop6.p == 0.4


def test_a_network_that_cannot_be_traced_keeps_its_rates():
    class Choosing(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense, self.drop = nn.Linear(3, 3), nn.Dropout(0.5)

        def forward(self, features):
            return self.drop(self.dense(features)) if features.sum() > 0 else features

    choosing = Choosing()
    with corrected_dropout(choosing, {"dense": 0.1}) as rates:
        assert rates == {"drop": 0.5}
