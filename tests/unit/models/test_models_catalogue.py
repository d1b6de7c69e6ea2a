import numpy as np
import pytest
import torch

from emostudio.core.emotions import EMOTIONS, Emotion
from emostudio.core.errors import InputError
from emostudio.core.model_info import BLACK_BOX, Preprocessing
from emostudio.models.catalogue import build, new_info
from emostudio.models.loaded import CodedTensor, LoadedModel


def test_new_info_follows_the_labels_and_the_architecture():
    info = new_info("net", "vgg_s_lite", {"channels": 1}, EMOTIONS[:7])
    assert info.architecture_settings["class_count"] == 7
    assert info.preprocessing.input_shape == (1, 64, 64)
    assert len(info.preprocessing.mean) == 1


def test_new_info_keeps_the_scaling_of_a_given_preprocessing():
    wanted = Preprocessing(channels=3, mean=(0.1, 0.2, 0.3), std=(1, 1, 1), height=10, width=10)
    info = new_info("net", "squeezenet1_1", {"input_size": 48}, EMOTIONS, wanted)
    assert info.preprocessing.mean == (0.1, 0.2, 0.3)
    assert info.preprocessing.input_shape == (3, 48, 48)


def test_description_that_contradicts_itself_is_refused():
    info = new_info("net", "squeezenet1_1", {"input_size": 48}, EMOTIONS)
    with pytest.raises(InputError, match="contradicts"):
        build(info.model_copy(update={"labels": (Emotion.ANGER, Emotion.FEAR)}))


def test_unknown_architecture_and_bad_settings_are_refused():
    with pytest.raises(InputError, match="resnet"):
        new_info("net", "resnet", {}, EMOTIONS)
    with pytest.raises(InputError, match="input_size"):
        new_info("net", "squeezenet1_1", {"input_size": 4}, EMOTIONS)


@pytest.fixture
def info():
    return new_info("net", "squeezenet1_1", {"input_size": 48}, EMOTIONS)


def test_copy_of_a_loaded_model_shares_nothing(info):
    coded = {"conv1.weight": CodedTensor("raw", {"bits": np.zeros(3, np.uint8)}, {"bits": 1})}
    model = LoadedModel(info, build(info), coded=coded)
    copied = model.copy()
    with torch.no_grad():
        copied.network().conv1.weight.zero_()
    copied.coded["conv1.weight"].arrays["bits"][:] = 1
    assert model.network().conv1.weight.abs().sum() > 0
    assert not model.coded["conv1.weight"].arrays["bits"].any()
    assert model.parameter_count == 726_600
    assert model.input_shape == (3, 48, 48)


def test_black_box_has_no_network(info):
    model = LoadedModel(info.model_copy(update={"architecture": BLACK_BOX}), onnx_bytes=b"x")
    assert model.parameter_count is None
    with pytest.raises(ValueError, match="black box"):
        model.network()
    assert model.copy().module is None
