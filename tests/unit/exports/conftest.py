import numpy as np
import pytest
import torch
from torch import nn

from emostudio.core.emotions import EMOTIONS
from emostudio.core.model_info import ModelInfo, Preprocessing
from emostudio.models.catalogue import build, new_info
from emostudio.models.loaded import LoadedModel

BRANCHY = {"trunk_settings": "width=0.125 dense_width=16 dropout=0", "input_size": 48}


@pytest.fixture(scope="session")
def preprocessing():
    return Preprocessing(
        height=24, width=24, channels=3, mean=(0.4, 0.5, 0.6), std=(0.2, 0.25, 0.3)
    )


@pytest.fixture(scope="session")
def model(preprocessing):
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16, 8),
    )
    info = ModelInfo(name="net", architecture="t", labels=EMOTIONS, preprocessing=preprocessing)
    return LoadedModel(info, net.eval())


@pytest.fixture(scope="session")
def early():
    """A network whose pictures leave at different exits."""
    torch.manual_seed(0)
    info = new_info("early", "branchy", BRANCHY, EMOTIONS)
    network = build(info).eval()
    pictures = torch.rand(64, *info.preprocessing.input_shape)
    from emostudio.models.branchy import uncertainty

    with torch.no_grad():
        *exits, _ = network.all_logits(pictures)
    limits = [float(uncertainty(logits).median()) for logits in exits]
    network.set_thresholds(limits, 0.0)
    return LoadedModel(info, network)


@pytest.fixture(scope="session")
def pixels():
    return np.random.default_rng(0).integers(0, 256, size=(4, 24, 24, 3), dtype=np.uint8)
