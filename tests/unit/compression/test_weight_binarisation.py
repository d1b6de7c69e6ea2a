"""Binary weights: G2, G3, M1, the storage of METHODS 8.2, and the codec."""

import numpy as np
import pytest
import torch
from compression_fakes import StripeFaces, context_for, finish, logits_of, toy_model
from torch import nn
from torch.nn import functional as F

from emostudio.compression import binarising, packing, rules
from emostudio.compression.base import BINARY
from emostudio.compression.binarising import Binariser, LatentWeights
from emostudio.compression.catalogue import METHODS
from emostudio.compression.coding import bits
from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import InputError
from emostudio.models.catalogue import build, new_info
from emostudio.models.loaded import CodedTensor, LoadedModel

MIB = 2**20


def planned(architecture, **settings):
    info = new_info("net", architecture, {}, EMOTIONS[:8])
    with torch.device("meta"):
        model = LoadedModel(info, module=build(info))
    method = METHODS.get("bwn")
    return method.plan(model, method.settings_type(**settings))


@pytest.mark.parametrize(
    ("layers", "mebibytes"),
    [
        ("conv2 conv3 conv4", 356.86),
        ("conv2 conv3 conv4 conv5", 348.15),
        ("auto", 11.92),
    ],
)
def test_vgg_s_takes_the_honest_size(layers, mebibytes):
    model = planned("vgg_s_paper", layers=layers).model
    assert packing.parameter_bytes(model) / MIB == pytest.approx(mebibytes, abs=0.005)


@pytest.mark.parametrize(
    ("architecture", "mebibytes"),
    [("squeezenet1_1", 0.135), ("tiny_darknet", 0.143), ("pvanet", 0.485)],
)
def test_small_networks_take_the_size_of_the_formula(architecture, mebibytes):
    """METHODS 8.2: bits of rows padded to 64, a float per filter, first and last layer float32."""
    planned_size = packing.parameter_bytes(planned(architecture).model) / MIB
    assert planned_size == pytest.approx(mebibytes, abs=0.0005)


@pytest.mark.parametrize("gradient", ["paper", "reference"])
@pytest.mark.parametrize("mapping", ["zero_one", "median"])
def test_a_released_gradient_of_another_mapping_than_the_sign_is_refused(mapping, gradient):
    plan = planned("vgg_s_lite", mapping=mapping, gradient=gradient)
    assert plan.layers == ()
    reasons = {item.layer: item.reason for item in plan.skipped}
    assert f"the {gradient} gradient is that of the sign" in reasons["conv2"]
    assert planned("vgg_s_lite", mapping=mapping).layers
    assert planned("vgg_s_lite", gradient=gradient).layers


def test_the_survey_counts_every_parameter_as_one_bit():
    model = planned("vgg_s_paper").model
    assert METHODS.get("bwn").paper_bytes(model) == 97_571_944 // 8
    assert METHODS.get("bwn").paper_bytes(model) / MIB == pytest.approx(11.63, abs=0.005)


def test_first_and_last_layer_stay_float():
    skipped = {item.layer: item.reason for item in planned("vgg_s_paper").skipped}
    assert skipped == dict.fromkeys(("conv1", "fc8"), "first/last layer stays fp32")


def test_depthwise_kernels_are_refused():
    method = METHODS.get("bwn")
    layer = nn.Conv2d(32, 32, (1, 3), groups=32)
    reason = method.refuses("conv", layer, method.settings_type())
    assert reason == "grouped/depthwise kernel too small (fan-in < 9)"


def test_g2_the_scale_is_optimal():
    weight = torch.randn(6, 4, 3, 3, dtype=torch.float64)
    scale = binarising.optimal_scale(weight).requires_grad_()
    signs = torch.where(weight >= 0, 1.0, -1.0)
    ((weight - scale * signs) ** 2).sum().backward()
    assert float(scale.grad.abs().max()) < 1e-12


def test_g2_the_scales_part_of_the_gradient_is_that_of_finite_differences():
    weight = torch.randn(3, 2, 3, 3, dtype=torch.float64) + 3.0  # no step, no sign within reach
    pull = torch.randn_like(weight)
    latent = weight.clone().requires_grad_()
    (Binariser().binarised(latent, training=True) * pull).sum().backward()
    small = torch.zeros_like(weight)
    small[1, 1, 2, 0] = 1e-6

    def loss(values):
        return float((Binariser().binarised(values, training=True) * pull).sum())

    slope = (loss(weight + small) - loss(weight - small)) / 2e-6
    assert float(latent.grad[1, 1, 2, 0]) == pytest.approx(slope, rel=1e-6)


def test_g2_the_exact_gradient_has_the_closed_form():
    latent = torch.randn(4, 3, 3, 3, dtype=torch.float64, requires_grad=True)
    pull = torch.randn_like(latent)
    (Binariser().binarised(latent, training=True) * pull).sum().backward()
    w, g = latent.detach().numpy(), pull.numpy()
    signs, n = np.where(w >= 0, 1.0, -1.0), w[0].size
    shared = signs * (g * signs).sum((1, 2, 3), keepdims=True) / n
    scale = np.abs(w).mean((1, 2, 3), keepdims=True)
    assert np.allclose(latent.grad.numpy(), shared + scale * g * (np.abs(w) < 1), atol=1e-13)


@pytest.mark.parametrize("gradient", ["paper", "reference"])
def test_m1_the_released_gradient_has_the_closed_form(gradient):
    latent = torch.randn(4, 5, 3, 3, dtype=torch.float64, requires_grad=True)
    pull = torch.randn_like(latent)
    binary = Binariser(gradient=gradient).binarised(latent, training=True)
    (binary * pull).sum().backward()
    w, n = latent.detach().numpy(), 45
    scale = np.abs(w).mean((1, 2, 3), keepdims=True)
    expected = pull.numpy() * (scale * (np.abs(w) < 1) + 1 / n) * (1 - 1 / 5)
    expected *= n if gradient == "reference" else 1
    assert np.allclose(latent.grad.numpy(), expected, atol=1e-13)


def test_m1_the_exact_gradient_is_the_default():
    assert METHODS.get("bwn").settings_type().gradient == "exact"


def test_stochastic_signs_have_the_hard_sigmoids_probability():
    latent = torch.tensor([[-1.5, -0.5, 0.0, 0.5, 1.5]]).repeat(20_000, 1)
    torch.manual_seed(0)
    binariser = Binariser(scaled=False, stochastic=True)
    share = (binariser.binarised(latent, training=True) > 0).float().mean(0)
    assert torch.allclose(share, torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0]), atol=0.015)
    quiet = binariser.binarised(latent[:1], training=False)
    assert quiet.tolist() == [[-1.0, -1.0, 1.0, 1.0, 1.0]]


@pytest.mark.parametrize("mapping", ["sign", "zero_one", "median"])
def test_every_mapping_stores_two_values_per_filter_bit_for_bit(mapping):
    binariser = Binariser(mapping=mapping)
    layer = nn.Conv2d(7, 5, 3)
    latent = layer.weight.detach().clone()
    coded = LatentWeights({"conv": layer}, binariser).finish()["conv.weight"]
    values = layer.weight.detach().numpy()
    assert np.array_equal(bits.decode_bits(coded), values)
    assert all(len(np.unique(row)) == 2 for row in values.reshape(5, -1))
    trained = binariser.binarised(latent, training=False).numpy()
    assert np.allclose(values, trained, atol=1e-7)
    plan = bits.plan_bits((5, 7, 3, 3), binariser.level_count)
    assert plan.header == coded.header
    assert {k: a.nbytes for k, a in plan.arrays.items()} == {
        k: a.nbytes for k, a in coded.arrays.items()
    }


def test_only_the_latent_weights_are_clipped():
    layer = nn.Conv2d(2, 3, 3)
    latent = LatentWeights({"conv": layer}, Binariser(), centred=True)
    with torch.no_grad():
        layer.parametrizations.weight.original.mul_(100.0)
        layer.bias.fill_(7.0)
    latent.after_step(1, 1, None)
    assert float(layer.parametrizations.weight.original.detach().abs().max()) <= 1.0
    assert float(layer.bias.detach().min()) == 7.0


def test_g3_the_evaluated_network_is_the_one_in_the_file(tmp_path):
    model = toy_model()
    method = METHODS.get("bwn")
    settings = method.settings_type(epochs=1, batch_size=8)
    context = context_for(tmp_path / "run", model, StripeFaces())
    result, events = finish(method.apply(model, settings, context))
    packing.save_variant(result, tmp_path / "bits.safetensors")
    loaded = packing.load_variant(tmp_path / "bits.safetensors")
    assert torch.equal(logits_of(loaded), logits_of(result))
    assert not torch.equal(logits_of(loaded), logits_of(model))
    assert rules.traits(loaded)["conv2"] == {BINARY}
    assert any(getattr(event, "type", "") == "layer_health" for event in events)


def test_g3_integers_times_the_scale_are_the_stored_layer():
    layer = nn.Linear(129, 6, bias=False)
    coded = LatentWeights({"fc": layer}, Binariser()).finish()["fc.weight"]
    faces = torch.where(torch.randn(4, 129) >= 0, 1.0, -1.0)
    products = faces.numpy() @ np.where(bits.filter_bits(coded), 1, -1).T
    expected = F.linear(faces, layer.weight.detach()).numpy()
    assert np.allclose(products * coded.arrays["levels"], expected, atol=1e-5)


@pytest.mark.parametrize(
    "damage",
    [
        {"header": {"shape": [5, 64], "level_count": 1}},
        {"header": {"shape": [4, 65], "level_count": 1}},
        {"header": {"shape": [260], "level_count": 0}},
        {"header": {"shape": [4, 64], "level_count": 3}},
        {"header": {"shape": [4, 63], "level_count": 1}},
        {"arrays": {"bits": np.full(32, 255, np.uint8)}},
    ],
)
def test_damaged_bits_are_refused(damage):
    whole = bits.encode_bits(np.ones((4, 64), bool), np.ones((4, 1), np.float32), (4, 64))
    arrays = damage.get("arrays", whole.arrays)
    with pytest.raises(InputError, match="damaged"):
        bits.decode_bits(CodedTensor("bits", arrays, damage.get("header", whole.header)))


def test_binary_connect_keeps_one_constant_per_layer_unless_plain_signs_are_wanted(tmp_path):
    method, model = METHODS.get("binary_connect"), toy_model()
    for scale in ("glorot", "one"):
        settings = method.settings_type(epochs=0, scale=scale)
        context = context_for(tmp_path / scale, model)
        result = finish(method.apply(model, settings, context))[0]
        weight = result.module.fc1.weight.detach()
        expected = (1.5 / sum(weight.shape)) ** 0.5 if scale == "glorot" else 1.0
        assert torch.allclose(weight.abs(), torch.full_like(weight, expected))
        file = tmp_path / f"{scale}.safetensors"
        written = packing.save_variant(result, file)
        assert written == packing.predict_bytes(result)
        assert torch.equal(packing.load_variant(file).module.fc1.weight, result.module.fc1.weight)
