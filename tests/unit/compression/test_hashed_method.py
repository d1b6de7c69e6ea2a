import copy

import pytest
import torch
from compression_fakes import context_for, finish, logits_of
from torch import nn
from torch.nn import functional as F

from emostudio.compression import packing, pipeline
from emostudio.compression.catalogue import METHODS
from emostudio.compression.hashing import BucketLookup, HashedConv2d, HashedLinear
from emostudio.compression.planning import predicted
from emostudio.compression.xxh32 import virtual_entries
from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import InputError
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.evaluation.complexity import count, total_parameters
from emostudio.models.catalogue import build, new_info
from emostudio.models.loaded import LoadedModel

HASHED = METHODS.get("hashed")
QUICK = {"epochs": 1, "batch_size": 8}


def without_weights(key):
    info = new_info(key, key, {}, EMOTIONS)
    with torch.device("meta"):
        return LoadedModel(info, module=build(info).eval())


def hashed_linear(rows=30, columns=20, buckets=75, biases=4, **settings):
    layer = HashedLinear((rows, columns), buckets, biases, seed=7, **settings)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=torch.manual_seed(1)))
    return layer.eval()


def dense_by_hand(layer):
    entries = torch.from_numpy(virtual_entries(layer.shape, layer.weight.numel(), layer.seed))
    signs = torch.where(entries < 0, -1.0, 1.0)
    return (signs * layer.weight.detach()[entries.abs().long() - 1]).view(layer.shape)


def test_e1_the_vgg_of_the_paper_shrinks_to_its_size():
    teacher = without_weights("vgg_s_paper")
    model = predicted(teacher, Recipe(steps=(RecipeStep(method="hashed"),)))
    layers = count(model.module, model.input_shape)
    dense = sum(cost.parameters for cost in layers if cost.name in {"fc6", "fc7", "fc8"})
    assert dense == 11_379_941
    assert total_parameters(layers) == 17_912_357
    assert f"{packing.parameter_bytes(model) / 2**20:.3f}" == "68.330"
    assert f"{100 * (1 - 17_912_357 / 97_571_944):.3f}" == "81.642"


def test_e1_the_gradient_of_a_bucket_is_that_of_its_members_summed():
    torch.manual_seed(0)
    buckets = torch.randn(40, dtype=torch.float64, requires_grad=True)
    entries = torch.from_numpy(virtual_entries((12, 16), 40, 3))
    dense_gradient = torch.randn(192, dtype=torch.float64)
    BucketLookup.apply(buckets, entries, *[False]).backward(dense_gradient)
    expected = torch.zeros(40, dtype=torch.float64)
    for entry, gradient in zip(entries.tolist(), dense_gradient, strict=True):
        expected[abs(entry) - 1] += gradient if entry > 0 else -gradient
    assert torch.equal(buckets.grad, expected)


def test_a_rescaled_gradient_is_divided_by_the_root_of_the_members():
    entries = torch.tensor([1, -1, 1, 2], dtype=torch.int32)
    buckets = torch.zeros(3, requires_grad=True)
    BucketLookup.apply(buckets, entries, *[True]).backward(torch.tensor([1.0, 2.0, 4.0, 8.0]))
    assert torch.allclose(buckets.grad, torch.tensor([3.0 / 3**0.5, 8.0, 0.0]))


@pytest.mark.parametrize("mode", ["materialise", "rebuild", "tiles"])
def test_e1_all_modes_answer_as_the_dense_layer(mode):
    layer = hashed_linear(rows=600, buckets=1500, biases=75, mode=mode)
    images = torch.randn(3, 20)
    bias = layer.virtual_bias().detach()
    expected = F.linear(images, dense_by_hand(layer), bias)
    with torch.no_grad():
        assert torch.allclose(layer(images), expected, atol=1e-5)
        assert torch.allclose(layer.exported()(images), expected, atol=1e-5)
    assert layer.kind == f"hashed ({mode})"


def test_materialised_weights_follow_the_buckets():
    layer = hashed_linear()
    images = torch.randn(2, 20)
    with torch.no_grad():
        before = layer(images)
        layer.weight.mul_(2.0)
        assert not torch.allclose(layer(images), before)
        assert torch.allclose(layer.dense(), dense_by_hand(layer))
    assert copy.deepcopy(layer)._dense is None


def test_e1_the_projection_is_the_closest_there_is():
    layer, dense = hashed_linear(), torch.randn(30, 20)
    layer.project(dense)

    def distance():
        return float((layer.matrix().detach() - dense).norm())

    best = distance()
    for _ in range(20):
        with torch.no_grad():
            kept = layer.weight.clone()
            layer.weight.add_(0.05 * torch.randn(layer.weight.shape))
        assert distance() >= best
        with torch.no_grad():
            layer.weight.copy_(kept)


def test_the_experimental_convolution_answers_as_the_dense_one():
    plain = nn.Conv2d(6, 8, 3, stride=2, padding=1, dilation=1, groups=2)
    layer = HashedConv2d(plain, 27, 2, seed=9).eval()
    layer.project(plain.weight.detach().reshape(8, -1))
    layer.project_bias(plain.bias.detach())
    kernel = dense_by_hand(layer).view(8, 3, 3, 3)
    images = torch.randn(2, 6, 9, 9)
    bias = layer.virtual_bias()
    expected = F.conv2d(images, kernel, bias, stride=2, padding=1, groups=2)
    assert torch.allclose(layer(images), expected, atol=1e-6)
    assert torch.allclose(layer.exported()(images), expected, atol=1e-6)


def test_e1_the_same_seed_gives_the_same_weights_after_loading(teacher, faces, tmp_path):
    settings = HASHED.settings_type(**QUICK)
    result, _ = finish(HASHED.apply(teacher, settings, context_for(tmp_path, teacher, faces)))
    packing.save_variant(result, tmp_path / "hashed.safetensors")
    loaded = packing.load_variant(tmp_path / "hashed.safetensors")
    assert torch.equal(loaded.module.fc1.matrix(), result.module.fc1.matrix())
    assert torch.equal(logits_of(loaded), logits_of(result))
    assert not any("entries" in name for name in loaded.module.state_dict())


def test_training_moves_the_buckets(teacher, faces, tmp_path):
    still = HASHED.settings_type(epochs=0)
    before, _ = finish(HASHED.apply(teacher, still, context_for(tmp_path / "a", teacher, faces)))
    moved = HASHED.settings_type(**QUICK)
    after, _ = finish(HASHED.apply(teacher, moved, context_for(tmp_path / "b", teacher, faces)))
    assert not torch.equal(before.module.fc1.weight, after.module.fc1.weight)


def test_buckets_can_be_shared_and_coded(teacher, tmp_path):
    few = {"epochs": 0, "bits_linear": 2}
    steps = (
        RecipeStep(method="hashed", settings={"epochs": 0, "layers": "fc1", "compression": 0.5}),
        RecipeStep(method="weight_sharing", settings={**few, "layers": "fc1"}),
    )
    model = predicted(teacher, Recipe(steps=steps))
    assert model.coded["fc1.weight"].codec == "codebook"
    assert model.coded["fc1.weight"].header["shape"] == [model.module.fc1.weight.numel()]


def test_networks_without_dense_layers_are_refused():
    report = pipeline.plan(
        without_weights("squeezenet1_1"), Recipe(steps=(RecipeStep(method="hashed"),))
    )
    assert "no fully connected layer in this network" in report.refusals[0].reason


@pytest.mark.parametrize(
    "changes",
    [{"buckets": 0}, {"buckets": 2**40}, {"seed": -1}, {"mode": "fast"}, {"bias_buckets": 10**9}],
)
def test_forged_records_are_refused(teacher, changes):
    arguments = {"buckets": 5, "bias_buckets": 2, "seed": 1, "mode": "rebuild", **changes}
    with pytest.raises(InputError, match="cannot be rebuilt"):
        HASHED.rebuild(teacher.module.fc1, arguments)


def test_modes_are_kept_in_the_file(teacher, tmp_path):
    settings = HASHED.settings_type(epochs=0, mode="tiles")
    result, _ = finish(HASHED.apply(teacher, settings, context_for(tmp_path, teacher)))
    packing.save_variant(result, tmp_path / "tiles.safetensors")
    loaded = packing.load_variant(tmp_path / "tiles.safetensors")
    assert loaded.module.fc1.mode == "tiles"
    assert loaded.info.structure[0].arguments["mode"] == "tiles"
