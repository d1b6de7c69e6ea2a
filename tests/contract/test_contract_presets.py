"""Every preset is a recipe that can be done."""

import pytest
import torch

from emostudio.compression import pipeline
from emostudio.compression.catalogue import METHODS
from emostudio.core.emotions import EMOTIONS
from emostudio.core.settings import parse_settings
from emostudio.models.catalogue import build, new_info
from emostudio.models.loaded import LoadedModel
from emostudio.workspace.presets import PRESETS


@pytest.fixture(scope="module")
def vgg():
    info = new_info("vgg", "vgg_s_lite", {"input_size": 64}, EMOTIONS)
    with torch.device("meta"):
        module = build(info)
    return LoadedModel(info, module=module.eval())


@pytest.mark.parametrize("key", PRESETS)
def test_the_methods_and_settings_of_a_preset_exist(key):
    for step in PRESETS[key].steps:
        method = METHODS.get(step.method)
        parse_settings(method.settings_type, step.settings, step.method)


@pytest.mark.parametrize("key", PRESETS)
def test_a_preset_is_legal_on_the_network_of_the_survey_and_makes_it_smaller(key, vgg):
    report = pipeline.plan(vgg, PRESETS[key])
    assert report.refusals == ()
    assert report.stages[-1].disk_bytes < report.stages[0].disk_bytes
    assert len(report.stages) == 1 + len(PRESETS[key].steps)


def test_the_six_combinations_of_the_reference_are_there():
    families = {
        key: [METHODS.get(step.method).family for step in recipe.steps]
        for key, recipe in PRESETS.items()
    }
    assert families["p1"][0] == "Channel pruning"
    assert families["p2"] == ["Hashing", "Quantisation"]
    assert families["p3"] == ["Tensor train", "Decomposition", "Quantisation"]
    assert families["p4"][0] == "Distillation"
    assert families["p5"] == ["Binarisation"]
    assert families["p6"][-1] == "Early exits"
