"""Parameter tables, shape traces and layer arithmetic of METHODS.md 1.1 and 2."""

import numpy as np
import pytest
import torch
from torch import nn

from emostudio.core.errors import InputError
from emostudio.core.units import MIB
from emostudio.models.base import ceil_pool_size
from emostudio.models.catalogue import ARCHITECTURES


def built(key, **settings):
    member = ARCHITECTURES.get(key)
    with torch.device("meta"):
        return member.build(member.settings_type(**settings))


def parameter_count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("key", "class_count", "expected"),
    [
        ("vgg_s_paper", 8, 97_571_944),
        ("cnn_s", 8, 98_844_296),
        ("cnn_s", 1000, 102_908_520),
        ("levi_hassner", 8, 124_511_656),
        ("levi_hassner", 7, 124_507_607),
        ("squeezenet1_0", 1000, 1_248_424),
        ("squeezenet1_0", 8, 739_528),
        ("squeezenet1_1", 1000, 1_235_496),
        ("squeezenet1_1", 8, 726_600),
        ("tiny_darknet", 1000, 1_042_104),
        ("tiny_darknet", 8, 914_136),
        ("nin", 10, 966_986),
        ("nin", 8, 966_600),
        ("pvanet", 8, 2_907_800),
    ],
)
def test_parameter_count_is_the_published_one(key, class_count, expected):
    assert parameter_count(built(key, class_count=class_count)) == expected


@pytest.mark.parametrize(
    ("key", "mib"),
    [("vgg_s_paper", "372.21"), ("squeezenet1_1", "2.77"), ("squeezenet1_0", "2.82")],
)
def test_size_in_mib_is_the_one_of_the_paper(key, mib):
    assert f"{parameter_count(built(key)) * 4 / MIB:.2f}" == mib


def test_parameters_of_the_paper_network_row_by_row():
    module = built("vgg_s_paper")
    counts = {name: parameter_count(child) for name, child in module.named_children()}
    assert {name: count for name, count in counts.items() if count} == {
        "conv1": 14_208, "bn1": 192, "conv2": 614_656, "bn2": 512, "conv3": 1_180_160,
        "bn3": 1_024, "conv4": 2_359_808, "bn4": 1_024, "conv5": 2_359_808, "bn5": 1_024,
        "fc6": 74_616_784, "fc7": 16_390_352, "fc8": 32_392,
    }  # fmt: skip
    assert module.bn1.eps == 1e-3


def trace(module, *shape):
    shapes = {}

    def remember(name):
        def hook(_module, _inputs, output):
            shapes[name] = tuple(output.shape[1:])

        return hook

    for name, child in module.named_children():
        child.register_forward_hook(remember(name))
    module.eval()(torch.zeros(1, *shape, device="meta"))
    return shapes


def test_shapes_of_the_paper_network():
    shapes = trace(built("vgg_s_paper"), 3, 224, 224)
    expected = {
        "conv1": (96, 110, 110), "pool1": (96, 37, 37), "conv2": (256, 35, 35),
        "pool2": (256, 18, 18), "conv3": (512, 18, 18), "conv4": (512, 18, 18),
        "conv5": (512, 18, 18), "pool5": (512, 6, 6), "flatten": (18_432,), "fc6": (4048,),
        "fc7": (4048,), "fc8": (8,),
    }  # fmt: skip
    assert {name: shapes[name] for name in expected} == expected


def test_shapes_of_cnn_s():
    shapes = trace(built("cnn_s"), 3, 224, 224)
    assert [shapes[name][1] for name in ("conv1", "pool1", "conv2", "pool2", "pool5")] == [
        109, 37, 33, 17, 6,
    ]  # fmt: skip


def test_shapes_of_levi_hassner():
    shapes = trace(built("levi_hassner", class_count=7), 3, 224, 224)
    assert [shapes[name][1] for name in ("conv1", "pool1", "conv2", "pool2", "pool5")] == [
        109, 37, 37, 19, 7,
    ]  # fmt: skip
    assert shapes["flatten"] == (25_088,)


def test_shapes_of_squeezenet1_1():
    shapes = trace(built("squeezenet1_1"), 3, 224, 224)
    expected = {
        "conv1": (64, 111, 111), "pool1": (64, 55, 55), "fire2": (128, 55, 55),
        "pool3": (128, 27, 27), "fire5": (256, 27, 27), "pool5": (256, 13, 13),
        "fire6": (384, 13, 13), "fire9": (512, 13, 13), "conv10": (8, 13, 13), "flatten": (8,),
    }  # fmt: skip
    assert {name: shapes[name] for name in expected} == expected


def test_shapes_of_squeezenet1_0():
    shapes = trace(built("squeezenet1_0"), 3, 224, 224)
    expected = {
        "conv1": (96, 109, 109), "pool1": (96, 54, 54), "fire4": (256, 54, 54),
        "pool4": (256, 27, 27), "fire8": (512, 27, 27), "pool8": (512, 13, 13),
        "fire9": (512, 13, 13), "conv10": (8, 13, 13),
    }  # fmt: skip
    assert {name: shapes[name] for name in expected} == expected


def macs(module, *shape):
    total = 0

    def hook(layer, _inputs, output):
        nonlocal total
        if isinstance(layer, nn.Conv2d):
            total += layer.weight.numel() * output.shape[2] * output.shape[3]
        elif isinstance(layer, nn.Linear):
            total += layer.weight.numel()

    for layer in module.modules():
        layer.register_forward_hook(hook)
    module.eval()(torch.zeros(1, *shape, device="meta"))
    return round(total / 1e6, 1)


@pytest.mark.parametrize(
    ("key", "class_count", "million"),
    [
        ("vgg_s_paper", 8, 2925.5),
        ("cnn_s", 1000, 2637.7),
        ("squeezenet1_0", 8, 733.1),
        ("squeezenet1_1", 8, 263.3),
        ("tiny_darknet", 1000, 491.5),
        ("pvanet", 8, 511.1),
    ],
)
def test_multiply_adds_at_224_are_the_published_ones(key, class_count, million):
    assert macs(built(key, class_count=class_count), 3, 224, 224) == million


def test_batch_normalisation_adds_only_its_own_parameters():
    plain, with_bn = built("squeezenet1_1"), built("squeezenet1_1", bn=True)
    added = sum(
        parameter_count(layer) for layer in with_bn.modules() if isinstance(layer, nn.BatchNorm2d)
    )
    assert added > 0
    assert parameter_count(with_bn) == parameter_count(plain) + added


def test_logits_are_rectified_only_on_request():
    assert not hasattr(built("squeezenet1_1"), "relu10")
    assert isinstance(built("squeezenet1_1", legacy_relu10=True).relu10, nn.ReLU)


def test_stem_stride_keeps_detail():
    coarse = trace(built("squeezenet1_1", input_size=48), 3, 48, 48)
    fine = trace(built("squeezenet1_1", input_size=48, stem_stride=1), 3, 48, 48)
    assert coarse["conv10"][1:] == (2, 2)
    assert fine["conv10"][1:] == (5, 5)


def test_local_response_normalisation_matches_its_formula():
    layer = built("cnn_s").lrn1
    values = np.random.default_rng(1).normal(size=(1, 9, 2, 3)) * 30
    expected = np.empty_like(values)
    for channel in range(9):
        window = values[:, max(0, channel - 2) : channel + 3]
        energy = (window**2).sum(axis=1)
        expected[:, channel] = values[:, channel] / (2.0 + 5e-4 / 5 * energy) ** 0.75
    found = layer(torch.from_numpy(values)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert built("levi_hassner").lrn1.k == 1.0


@pytest.mark.parametrize("side", range(3, 15))
@pytest.mark.parametrize(("kernel", "stride"), [(3, 3), (2, 2), (3, 2)])
def test_ceil_pooling_counts_partial_windows(side, kernel, stride):
    image = np.random.default_rng(side).normal(size=(side, side)).astype(np.float32)
    starts = [
        start for start in range(0, side, stride) if start == 0 or start - stride + kernel < side
    ]
    expected = [
        [image[row : row + kernel, column : column + kernel].max() for column in starts]
        for row in starts
    ]
    layer = nn.MaxPool2d(kernel, stride, ceil_mode=True)
    found = layer(torch.from_numpy(image)[None, None])[0, 0].numpy()
    np.testing.assert_array_equal(found, np.array(expected, dtype=np.float32))
    assert ceil_pool_size(side, kernel, stride) == len(starts)


@pytest.mark.parametrize("key", ["vgg_s_paper", "vgg_s_lite", "squeezenet1_1", "squeezenet1_0"])
def test_all_poolings_round_up(key):
    pools = [layer for layer in built(key).modules() if isinstance(layer, nn.MaxPool2d)]
    assert len(pools) == 3
    assert all(pool.ceil_mode for pool in pools)


@pytest.mark.parametrize(("key", "size"), [("cnn_s", 24), ("cnn_s", 30)])
def test_input_that_leaves_no_pixels_is_refused_naming_size_and_layer(key, size):
    with pytest.raises(InputError, match=rf"{size} px input: nothing is left of the image at"):
        built(key, input_size=size)
