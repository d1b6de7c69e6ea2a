import dataclasses

import pytest
import torch
from compression_fakes import context_for, finish, logits_of
from torch import nn

from emostudio.compression import packing
from emostudio.compression.catalogue import METHODS
from emostudio.core.settings import parse_settings
from emostudio.models.loaded import CodedTensor

QUICK = {"epochs": 0, "sweeps": 5}
KEYS = ("cp", "svd", "tucker2")


def settings(key, **values):
    known = METHODS.get(key).settings_type.model_fields
    wanted = {name: value for name, value in {**QUICK, **values}.items() if name in known}
    return parse_settings(METHODS.get(key).settings_type, wanted, "test")


def decompose(key, teacher, folder, faces=None, **values):
    context = context_for(folder, teacher, faces)
    return finish(METHODS.get(key).apply(teacher, settings(key, **values), context))


@pytest.mark.parametrize("key", KEYS)
def test_a_normalisation_behind_the_last_factor_changes_nothing_without_training(
    key, teacher, tmp_path
):
    plain, _ = decompose(key, teacher, tmp_path / "a")
    normed, _ = decompose(key, teacher, tmp_path / "b", batch_norm=True)
    last = normed.network().get_submodule(normed.info.structure[0].layer)[-1]
    assert isinstance(last, nn.BatchNorm1d | nn.BatchNorm2d)
    assert torch.allclose(logits_of(normed), logits_of(plain), atol=1e-5)


@pytest.mark.parametrize("key", KEYS)
def test_a_normalisation_is_planned_stored_and_read_back(key, teacher, faces, tmp_path):
    wanted = {"batch_norm": True, "epochs": 1, "epochs_per_layer": 0, "batch_size": 16}
    planned = METHODS.get(key).plan(teacher, settings(key, **wanted)).model
    result, _ = decompose(key, teacher, tmp_path / "run", faces, **wanted)
    assert planned.info.structure == result.info.structure
    assert all(record.arguments["batch_norm"] for record in result.info.structure)
    same_text = dataclasses.replace(planned, info=result.info)
    file = tmp_path / "variant.safetensors"
    assert packing.save_variant(result, file) == packing.predict_bytes(same_text)
    assert torch.equal(logits_of(packing.load_variant(file)), logits_of(result))


@pytest.mark.parametrize("key", KEYS)
def test_the_same_layers_are_trained_as_planned(key, teacher, faces, tmp_path):
    wanted = {"epochs": 2, "epochs_per_layer": 1, "batch_size": 16, "layers": "conv2 conv3"}
    if key == "svd":
        wanted |= {"layers": "fc1 fc2 squeeze", "rank": 2}
    planned = METHODS.get(key).plan(teacher, settings(key, **wanted))
    _, events = decompose(key, teacher, tmp_path, faces, **wanted)
    assert len([event for event in events if event.type == "epoch"]) == planned.epochs


@pytest.mark.parametrize("key", KEYS)
def test_a_layer_is_no_longer_packed_once_replaced(key, teacher):
    layer = "fc1" if key == "svd" else "conv3"
    # without traits, so that no rule refuses the layer
    coded = dict.fromkeys((f"{layer}.weight", "other.weight"), CodedTensor("raw", {}, {}))
    planned = METHODS.get(key).plan(dataclasses.replace(teacher, coded=coded), settings(key))
    assert set(planned.model.coded) == {"other.weight"}
