import numpy as np
import pytest
import torch
from compression_fakes import context_for, finish
from torch import nn
from torch.nn import functional as F

from emostudio.compression import packing
from emostudio.compression.catalogue import METHODS
from emostudio.compression.methods.tt_conv import split_kernel
from emostudio.compression.planning import predicted
from emostudio.compression.tensor_train import (
    balanced_modes,
    contract,
    decompose,
    dense_matrix,
    given_modes,
    train_shape,
)
from emostudio.compression.tensor_train_layers import TrainConv2d, TrainLinear
from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import InputError
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.models.catalogue import build, new_info
from emostudio.models.loaded import LoadedModel

OUT, IN = (2, 3, 4), (5, 3, 2)


def random_matrix(seed=0):
    return np.random.default_rng(seed).normal(size=(24, 30))


def as_tensors(cores):
    return [torch.from_numpy(np.ascontiguousarray(core)) for core in cores]


@pytest.mark.parametrize(("rank", "expected"), [(1, 144), (2, 528), (4, 2016)])
def test_f3_counts_of_the_published_layers(rank, expected):
    assert train_shape((4,) * 6, (2, 7, 8, 8, 7, 4), rank).parameter_count == expected


@pytest.mark.parametrize(("rank", "expected"), [(8, 12_416), (16, 45_696), (32, 174_848)])
def test_f3_counts_of_fc6(rank, expected):
    assert train_shape((4, 4, 11, 23), (16, 16, 9, 8), rank).parameter_count == expected


def test_f3_full_ranks_are_exact():
    matrix = random_matrix()
    cores, discarded = decompose(matrix, OUT, IN, 10_000)
    tensors = as_tensors(cores)
    assert np.abs(dense_matrix(tensors).numpy() - matrix).max() < 1e-12
    assert discarded == 0
    vectors = torch.randn(7, 1, 30, dtype=torch.float64)
    expected = vectors[:, 0] @ torch.from_numpy(matrix).T
    assert torch.allclose(contract(vectors, tensors), expected, atol=1e-12)


@pytest.mark.parametrize("rank", [1, 3, 6])
def test_f3_the_error_stays_below_what_was_discarded(rank):
    matrix = random_matrix(rank)
    cores, discarded = decompose(matrix, OUT, IN, rank)
    error = np.sum((dense_matrix(as_tensors(cores)).numpy() - matrix) ** 2)
    assert error <= discarded * (1 + 1e-9)
    assert [core.shape for core in cores] == list(train_shape(OUT, IN, rank).cores)


def test_f3_the_cores_are_those_of_tensorly():
    tensorly = pytest.importorskip("tensorly")
    from tensorly.decomposition import tensor_train_matrix

    tensorly.set_backend("numpy")
    matrix = random_matrix(9)
    theirs = tensor_train_matrix(matrix.reshape(*OUT, *IN), [1, 4, 4, 1])
    ours, _ = decompose(matrix, OUT, IN, 4)
    their_dense = dense_matrix(as_tensors([np.asarray(core) for core in theirs])).numpy()
    assert np.allclose(their_dense, dense_matrix(as_tensors(ours)).numpy(), atol=1e-9)


def test_ranks_beyond_use_are_cut():
    assert train_shape(OUT, IN, 1000).ranks == (1, 10, 8, 1)


def test_modes_are_as_equal_as_the_primes_allow():
    assert balanced_modes(4048, 4) == (4, 4, 11, 23)
    assert balanced_modes(512, 3) == (8, 8, 8)
    with pytest.raises(InputError, match="its factors are 2, 3, 7"):
        balanced_modes(42, 4)


def test_given_modes_that_do_not_fit_name_those_that_do():
    assert given_modes("4x4x11x23", 4048) == (4, 4, 11, 23)
    message = r"dimension 4048 has factors 2, 11, 23: choose 4 modes \(4,4,11,23\)"
    with pytest.raises(InputError, match=message):
        given_modes("16x16x16", 4048)


def test_drawn_cores_give_the_matrix_its_variance():
    shape = train_shape((4, 4, 4), (4, 4, 4), 4)
    generator = torch.Generator().manual_seed(0)
    variances = []
    for _ in range(40):
        layer = TrainLinear(shape, bias=False)
        layer.draw(64, generator)
        variances.append(float(layer.matrix().detach().var()))
    assert np.mean(variances) == pytest.approx(2 / 64, rel=0.2)


def test_more_pictures_than_a_chunk_answer_alike():
    layer = TrainLinear(train_shape(OUT, IN, 3), bias=True)
    layer.draw(30, torch.Generator().manual_seed(1))
    images = torch.randn(150, 30)
    with torch.no_grad():
        expected = F.linear(images, layer.matrix(), layer.bias)
        assert torch.allclose(layer(images), expected, atol=1e-5)


def conv(**geometry):
    torch.manual_seed(3)
    return nn.Conv2d(8, 12, 3, **geometry)


@pytest.mark.parametrize(
    "geometry", [{}, {"padding": 1, "stride": 2}, {"padding": (0, 2), "dilation": (2, 1)}]
)
def test_f3_both_ways_of_a_kernel_train_are_the_same_and_exact_at_full_rank(geometry):
    layer = conv(**geometry)
    shape = train_shape((3, 2, 2), (2, 2, 2), 10_000, first_rank=9)
    spatial, cores = split_kernel(layer.weight.detach().double().numpy(), shape)
    images = torch.randn(2, 8, 9, 10)
    answers = []
    for mode in ("factored", "materialise"):
        train = TrainConv2d(layer, shape, mode)
        train.fill(cores)
        with torch.no_grad():
            train.spatial.weight.copy_(torch.from_numpy(spatial))
            train.bias.copy_(layer.bias)
            answers.append(train(images))
    with torch.no_grad():
        assert torch.allclose(answers[0], answers[1], atol=1e-5)
        assert torch.allclose(answers[0], layer(images), atol=1e-4)


def test_a_kernel_train_of_few_filters_is_small():
    layer = nn.Conv2d(64, 128, 3)
    step = METHODS.get("tt_conv")
    settings = step.settings_type(rank=8, filters=4)
    assert step.refuses("conv", layer, settings) == ""
    train = step.rebuild(
        layer,
        {"out_modes": [4, 4, 8], "in_modes": [4, 4, 4], "ranks": [4, 8, 8, 1], "mode": "factored"},
    )
    count = sum(parameter.numel() for parameter in train.parameters())
    assert count == 9 * 4 + 4 * 16 * 8 + 8 * 16 * 8 + 8 * 32 * 1 + 128


def test_the_vgg_of_the_paper_loses_nearly_all_of_its_dense_layers():
    info = new_info("vgg", "vgg_s_paper", {}, EMOTIONS)
    with torch.device("meta"):
        teacher = LoadedModel(info, module=build(info).eval())
    settings = {"layers": "fc6", "in_modes": "16x16x9x8", "batch_norm": "false"}
    recipe = Recipe(steps=(RecipeStep(method="tt_linear", settings=settings),))
    model = predicted(teacher, recipe)
    assert sum(p.numel() for p in model.module.fc6.parameters()) == 45_696 + 4048


def test_the_last_layer_stays(teacher, tmp_path):
    method = METHODS.get("tt_linear")
    settings = method.settings_type(epochs=0, rank=2)
    assert method.plan(teacher, settings).layers == ("fc1",)
    result, _ = finish(method.apply(teacher, settings, context_for(tmp_path, teacher)))
    assert isinstance(result.module.fc2, nn.Linear)
    packing.save_variant(result, tmp_path / "tt.safetensors")
    assert packing.load_variant(tmp_path / "tt.safetensors").module.fc1.chain.bias is not None


@pytest.mark.parametrize(
    "changes",
    [{"ranks": [1, 2]}, {"ranks": [1, 10**9, 1]}, {"out_modes": "40"}, {"in_modes": [4, True, 8]}],
)
def test_forged_records_are_refused(teacher, changes):
    arguments = {"out_modes": [2, 4, 5], "in_modes": [2, 4, 4], "ranks": [1, 2, 2, 1], **changes}
    with pytest.raises(InputError, match="cannot be rebuilt"):
        METHODS.get("tt_linear").rebuild(teacher.module.fc1, arguments)
