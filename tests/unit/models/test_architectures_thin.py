"""Tiny Darknet, Network in Network and PVANet: METHODS.md 2.3 to 2.5, tests A1 and A2."""

import numpy as np
import onnxruntime
import pytest
import torch
from torch import fx, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from emostudio.core.errors import InputError
from emostudio.evaluation.complexity import count, total_macs
from emostudio.inference.graph import onnx_graph
from emostudio.models.catalogue import ARCHITECTURES
from emostudio.models.crelu import CRelu, PairedConv2d

KEYS = ("tiny_darknet", "nin", "pvanet")


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def built(key, device="meta", **settings):
    member = ARCHITECTURES.get(key)
    with torch.device(device):
        return member.build(member.settings_type(**settings))


def parameter_count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(("classes", "expected"), [(1000, 7_595_176), (8, 6_578_376)])
def test_a1_imagenet_form_of_nin_has_the_published_parameters(classes, expected):
    module = built("nin", form="imagenet", class_count=classes, input_size=224)
    assert parameter_count(module) == expected


def test_a1_trunk_of_pvanet_is_counted_without_its_head():
    module = built("pvanet")
    assert parameter_count(module) - parameter_count(module.fc) == 2_904_720
    assert parameter_count(module.fc) == 384 * 8 + 8


def trace(module, side):
    shapes = {}

    def remember(name):
        def hook(_module, _inputs, output):
            shapes[name] = tuple(output.shape[1:])

        return hook

    for name, child in module.named_children():
        child.register_forward_hook(remember(name))
    module.eval()(torch.zeros(1, 3, side, side, device="meta"))
    return shapes


def test_a2_maps_of_pvanet_at_224():
    shapes = trace(built("pvanet"), 224)
    expected = {
        "conv1": (32, 112, 112), "pool1": (32, 56, 56), "conv2_3": (64, 56, 56),
        "conv3_1": (128, 28, 28), "conv3_4": (128, 28, 28), "conv4_1": (256, 14, 14),
        "conv4_4": (256, 14, 14), "conv5_1": (384, 7, 7), "conv5_4": (384, 7, 7),
        "average": (384, 1, 1), "fc": (8,),
    }  # fmt: skip
    assert {name: shapes[name] for name in expected} == expected


def test_a2_maps_of_tiny_darknet_at_224():
    shapes = trace(built("tiny_darknet"), 224)
    expected = {
        "conv1": (16, 224, 224), "pool1": (16, 112, 112), "conv4": (128, 56, 56),
        "conv6": (128, 56, 56), "conv10": (256, 28, 28), "pool4": (256, 14, 14),
        "conv15": (128, 14, 14), "conv16": (8, 14, 14), "flatten": (8,),
    }  # fmt: skip
    assert {name: shapes[name] for name in expected} == expected


def test_a2_maps_of_nin_at_32_and_224():
    small = trace(built("nin", input_size=32), 32)
    assert [small[name][1] for name in ("conv1", "pool1", "pool2", "cccp3b")] == [32, 16, 8, 8]
    large = trace(built("nin", form="imagenet", input_size=224), 224)
    names = ("conv1", "pool1", "conv2", "pool2", "pool3", "cccp4b")
    assert [large[name][1] for name in names] == [54, 27, 27, 13, 6, 6]


@pytest.mark.parametrize("key", KEYS)
def test_a2_multiply_adds_follow_from_shapes(key):
    module, side = built(key, input_size=48), 48
    total = 0

    def hook(layer, inputs, output):
        nonlocal total
        if isinstance(layer, nn.Conv2d):
            positions = output.shape[2] * output.shape[3]
            total += positions * output.shape[1] * inputs[0].shape[1] * layer.kernel_size[0] ** 2
        elif isinstance(layer, nn.Linear):
            total += inputs[0].shape[1] * output.shape[1]

    handles = [layer.register_forward_hook(hook) for layer in module.modules()]
    module.eval()(torch.zeros(1, 3, side, side, device="meta"))
    for handle in handles:
        handle.remove()
    assert total_macs(count(module, (3, side, side))) == total


def random_crelu():
    block = CRelu(3, 5, 3, stride=2, bias=True).eval()
    with torch.no_grad():
        for tensor in (block.scale.weight, block.scale.bias, block.bn.running_mean):
            tensor.normal_()
        block.bn.running_var.uniform_(0.5, 2.0)
    return block


def test_concatenated_rectifier_equals_an_explicit_one():
    block, image = random_crelu(), torch.randn(2, 3, 9, 9)
    values = F.conv2d(image, block.conv.weight, block.conv.bias, stride=2, padding=1)
    mean = block.bn.running_mean.numpy().reshape(1, -1, 1, 1)
    variance = block.bn.running_var.numpy().reshape(1, -1, 1, 1)
    half = (values.detach().numpy() - mean) / np.sqrt(variance + block.bn.eps)
    both = np.concatenate((half, -half), axis=1)
    factor = block.scale.weight.detach().numpy().reshape(1, -1, 1, 1)
    shift = block.scale.bias.detach().numpy().reshape(1, -1, 1, 1)
    found = block(image).detach().numpy()
    np.testing.assert_allclose(found, np.maximum(factor * both + shift, 0), atol=1e-5)


def test_normalisation_of_a_concatenated_rectifier_folds_before_the_negation():
    block, image = random_crelu(), torch.randn(2, 3, 9, 9)
    folded = fuse_conv_bn_eval(block.conv, block.bn)
    half = folded(image)
    expected = F.relu(block.scale(torch.cat((half, -half), 1)))
    torch.testing.assert_close(block(image), expected, atol=1e-5, rtol=1e-5)


def test_convolutions_of_pairs_say_so():
    module = built("pvanet")
    paired = [name for name, layer in module.named_modules() if isinstance(layer, PairedConv2d)]
    blocks = [f"conv2_{number}" for number in (1, 2, 3)]
    blocks += [f"conv3_{number}" for number in (1, 2, 3, 4)]
    assert paired == ["conv1.conv", *(f"{block}.crelu.conv" for block in blocks)]
    assert all(module.get_submodule(name).paired_channels for name in paired)


def test_tiny_darknet_ends_linear_and_pads_only_its_wide_kernels():
    module = built("tiny_darknet")
    convolutions = [layer for layer in module.modules() if isinstance(layer, nn.Conv2d)]
    assert len(convolutions) == 16
    assert all(layer.padding[0] == layer.kernel_size[0] // 2 for layer in convolutions)
    assert [layer.bias is None for layer in convolutions] == [True] * 15 + [False]
    slopes = [layer.negative_slope for layer in module.modules() if isinstance(layer, nn.LeakyReLU)]
    assert slopes == [0.1] * 15


@pytest.mark.parametrize("key", KEYS)
def test_network_can_be_traced_layer_by_layer(key):
    module = built(key, "cpu", input_size=48).eval()
    traced = fx.symbolic_trace(module)
    faces = torch.randn(1, 3, 48, 48)
    assert torch.equal(traced(faces), module(faces))


@pytest.mark.parametrize("key", KEYS)
def test_network_runs_in_onnx_runtime_with_the_same_answer(key):
    module = built(key, "cpu", input_size=48, channels=1).eval()
    faces = torch.randn(3, 1, 48, 48)
    session = onnxruntime.InferenceSession(onnx_graph(module, (1, 48, 48)))
    found = session.run(None, {"input": faces.numpy()})[0]
    np.testing.assert_allclose(found, module(faces).detach().numpy(), atol=1e-4)


@pytest.mark.parametrize("key", KEYS)
def test_network_starts_near_chance_and_learns_a_batch(key):
    module = built(key, "cpu", input_size=32, class_count=4, channels=1, dropout=0.0).train()
    labels = torch.arange(8) % 4
    faces = torch.randn(8, 1, 32, 32) * 0.3
    for face, label in zip(faces, labels, strict=True):
        face[0, 8 * int(label) : 8 * int(label) + 8] += 1.0
    optimiser = torch.optim.AdamW(module.parameters(), 1e-3)
    losses = []
    for _ in range(20):
        loss = F.cross_entropy(module(faces), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(np.log(4), abs=0.5)
    assert losses[-1] < 0.85 * losses[0]


def test_nin_refuses_an_input_its_poolings_eat_up():
    with pytest.raises(InputError, match="nothing is left of the image at pool3"):
        built("nin", form="imagenet", input_size=24)
