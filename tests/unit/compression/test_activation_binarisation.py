"""Blocks with binary activations: their order, slopes, structure and stages."""

import numpy as np
import onnxruntime
import pytest
import torch
from compression_fakes import StripeFaces, context_for, finish, logits_of, toy_model
from torch import nn
from torch.nn import functional as F

from emostudio.compression import packing, rules
from emostudio.compression.base import BINARY_INPUTS
from emostudio.compression.binary_blocks import BinaryBlock, BinarySign, BlockDesign, block_from
from emostudio.compression.binary_start import begin_balanced
from emostudio.compression.catalogue import METHODS
from emostudio.compression.coding import bits
from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import InputError
from emostudio.inference.base import kernels_of
from emostudio.inference.graph import onnx_graph
from emostudio.models.catalogue import build, new_info
from emostudio.models.loaded import LoadedModel

KEYS = ("xnor", "binary_net", "binary_activations")


def binarised(key, folder, **settings):
    model = toy_model()
    method = METHODS.get(key)
    names = method.settings_type.model_fields
    wanted = {"epochs": 1, "activation_epochs": 1, "batch_size": 8, **settings}
    chosen = method.settings_type(**{k: v for k, v in wanted.items() if k in names})
    result, events = finish(method.apply(model, chosen, context_for(folder, model, StripeFaces())))
    return result, events


def inputs_of_layers(model):
    """Return what every binary layer is given."""
    seen = {}
    hooks = [
        block.layer.register_forward_pre_hook(
            lambda _, given, name=name: seen.setdefault(name, given[0])
        )
        for name, block in model.network().named_modules()
        if isinstance(block, BinaryBlock)
    ]
    logits_of(model)
    for hook in hooks:
        hook.remove()
    return seen


@pytest.mark.parametrize("mode", ["recipe", "paper"])
@pytest.mark.parametrize("key", KEYS)
def test_every_binary_layer_gets_signs(key, mode, tmp_path):
    result, _ = binarised(key, tmp_path, mode=mode)
    seen = inputs_of_layers(result)
    assert set(seen) == {"conv2", "conv3", "squeeze", "fc1"}
    for given in seen.values():
        assert set(given.unique().tolist()) == {-1.0, 1.0}
    assert kernels_of(result.network()) == "simulated"


@pytest.mark.parametrize("mode", ["recipe", "paper"])
def test_a_file_gives_back_the_same_network(mode, tmp_path):
    result, _ = binarised("xnor", tmp_path / "run", mode=mode, input_scaling=True)
    packing.save_variant(result, tmp_path / "xnor.safetensors")
    loaded = packing.load_variant(tmp_path / "xnor.safetensors")
    assert torch.equal(logits_of(loaded), logits_of(result))


def test_g3_products_of_the_stored_signs_times_the_scale_are_the_block(tmp_path):
    result, _ = binarised("xnor", tmp_path)
    given = inputs_of_layers(result)["conv2"]
    layer = result.network().conv2.layer
    coded = result.coded["conv2.layer.weight"]
    upper = bits.filter_bits(coded).reshape(layer.weight.shape)
    signs = torch.from_numpy(np.where(upper, 1.0, -1.0).astype(np.float32))
    products = F.conv2d(given, signs, padding=1).numpy()
    scaled = products * coded.arrays["levels"][:, None, None]
    expected = layer(given).detach().numpy()
    assert np.allclose(scaled, expected, atol=1e-5)


def test_binary_net_holds_plain_signs(tmp_path):
    result, _ = binarised("binary_net", tmp_path)
    assert set(result.network().conv2.layer.weight.unique().tolist()) == {-1.0, 1.0}
    assert "levels" not in result.coded["conv2.layer.weight"].arrays


def test_binary_activations_keep_real_weights(tmp_path):
    result, _ = binarised("binary_activations", tmp_path)
    assert len(result.network().conv2.layer.weight.unique()) > 100
    assert not result.coded


class Faces(nn.Sequential):
    """Two blocks behind a ReLU, inputs far from zero."""

    def __init__(self):
        torch.manual_seed(0)
        design = BlockDesign()
        super().__init__(
            nn.Conv2d(3, 8, 3),
            nn.ReLU(),
            BinaryBlock(nn.Conv2d(8, 16, 3, padding=1), design),
            nn.Flatten(),
            BinaryBlock(nn.Linear(16 * 36, 12), design),
        )


def constant_channels(network, faces):
    """Return the share of varying input channels whose sign never changes, by block."""
    shares = {}

    def look(block, inputs, place):
        given = inputs[0].transpose(0, 1).flatten(1)
        signs = block.sign(block.prepare(inputs[0])).transpose(0, 1).flatten(1)
        varies = given.std(1) > 0
        shares[place] = float((signs[varies].std(1) == 0).double().mean())

    hooks = [
        network[place].register_forward_pre_hook(lambda b, i, place=place: look(b, i, place))
        for place in (2, 4)
    ]
    network(faces)
    for hook in hooks:
        hook.remove()
    return shares


@pytest.mark.parametrize("count", [20, 33, 100])
def test_blocks_begin_balanced_from_the_first_to_the_last(count):
    network, faces = Faces().eval(), 3 + torch.randn(100, 3, 8, 8)
    assert constant_channels(network, faces)[2] == 1.0, "behind a ReLU every sign is +1"
    begin_balanced(network, faces[:count], lambda *_: None)
    assert constant_channels(network, faces) == {2: 0.0, 4: 0.0}
    assert not any(part.training for part in network.modules())
    assert network[2].normalise.momentum == network[4].prepare[0].momentum == 0.1


def test_the_statistics_are_those_of_the_faces():
    network, faces = Faces().eval(), torch.randn(64, 3, 8, 8)
    begin_balanced(network, faces, lambda *_: None)
    block = network[2]
    given = block.layer(block.sign(block.prepare(network[1](network[0](faces)))))
    assert torch.allclose(block.normalise.running_mean, given.mean((0, 2, 3)), atol=0.15)
    normalised = block.normalise(given).transpose(0, 1).flatten(1)
    assert torch.allclose(normalised.std(1), torch.ones(16), atol=0.1)


def test_the_papers_mode_begins_as_published(tmp_path):
    result, _ = binarised("xnor", tmp_path, mode="paper", epochs=0)
    assert float(result.network().conv2.prepare[1].running_mean.abs().max()) == 0.0


def test_the_recipe_has_two_stages_and_the_papers_mode_one():
    method = METHODS.get("xnor")
    recipe = method.plan(toy_model(), method.settings_type()).trainings
    paper = method.plan(toy_model(), method.settings_type(mode="paper")).trainings
    assert [stage.settings.weight_decay for stage in recipe] == [1e-5, 0.0]
    assert all(stage.asks_teacher for stage in recipe)
    assert [stage.settings.optimiser for stage in paper] == ["sgd"]
    assert [(s.settings.learning_rate, s.settings.batch_size) for s in paper] == [(1e-3, 20)]
    assert {(s.settings.learning_rate, s.settings.batch_size) for s in recipe} == {(3e-3, 64)}
    assert not paper[0].asks_teacher


def test_a_chosen_rate_and_batch_size_hold_in_either_mode():
    method = METHODS.get("xnor")
    for mode in ("recipe", "paper"):
        settings = method.settings_type(mode=mode, learning_rate=0.02, batch_size=7)
        trainings = method.plan(toy_model(), settings).trainings
        assert len(trainings) == {"recipe": 2, "paper": 1}[mode]
        for stage in trainings:
            assert (stage.settings.learning_rate, stage.settings.batch_size) == (0.02, 7)


@pytest.mark.parametrize(
    ("slope", "expected"),
    [("triangle", [0.0, 0.0, 1.0, 2.0, 1.0, 0.0, 0.0]), ("clipped", [0, 1, 1, 1, 1, 1, 0])],
)
def test_the_sign_is_trained_through_its_slope(slope, expected):
    values = torch.tensor([-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5], requires_grad=True)
    signs = BinarySign(slope)(values)
    signs.sum().backward()
    assert signs.tolist() == [-1, -1, -1, 1, 1, 1, 1]
    assert values.grad.tolist() == expected


def test_input_scaling_is_the_box_mean_of_magnitudes():
    layer = nn.Conv2d(4, 6, 3, stride=2, padding=1)
    block = BinaryBlock(layer, BlockDesign(mode="paper", input_scaling=True)).eval()
    faces = torch.randn(2, 4, 7, 7)
    block.prepare = nn.Identity()
    block.layer.padding = block.scale.padding = (1, 1)
    box = torch.full((1, 1, 3, 3), 1 / 9)
    scale = F.conv2d(faces.abs().mean(1, keepdim=True), box, stride=2, padding=1)
    signs = torch.where(faces >= 0, 1.0, -1.0)
    plain = F.conv2d(signs, layer.weight, None, 2, 1)
    assert torch.allclose(block(faces), plain * scale + layer.bias.view(-1, 1, 1), atol=1e-5)


@pytest.mark.parametrize(
    ("c_out", "stride", "padding", "has_shortcut"),
    [(4, 1, 1, True), (8, 2, 1, True), (4, 1, 0, False), (12, 1, 1, False)],
)
def test_shortcuts_stand_where_shapes_allow(c_out, stride, padding, has_shortcut):
    layer = nn.Conv2d(4, c_out, 3, stride=stride, padding=padding)
    block = BinaryBlock(layer, BlockDesign()).eval()
    assert (block.shortcut is not None) == has_shortcut
    faces = torch.randn(2, 4, 9, 9)
    assert block(faces).shape == layer(faces).shape


def test_the_papers_border_goes_through_normalisation():
    block = BinaryBlock(nn.Conv2d(4, 5, 3, padding=1), BlockDesign(mode="paper")).eval()
    with torch.no_grad():
        block.prepare[1].bias.fill_(-0.5)
    given = block.sign(block.prepare(torch.full((1, 4, 3, 3), 2.0)))
    assert given[0, 0, 0, 0] == -1.0
    assert given[0, 0, 1, 1] == 1.0


@pytest.mark.parametrize(
    "change",
    [{"mode": "other"}, {"slope": 3}, {"dropout": 1.5}, {"input_scaling": "yes"}, {"more": 1}],
)
def test_forged_records_are_refused(change):
    arguments = {**BlockDesign().arguments(), **change}
    with pytest.raises(InputError, match="rebuilt"):
        block_from(nn.Conv2d(4, 4, 3), arguments)


def test_networks_of_fire_modules_become_binary():
    info = new_info("net", "squeezenet1_1", {"input_size": 64}, EMOTIONS[:8])
    with torch.device("meta"):
        model = LoadedModel(info, module=build(info))
    method = METHODS.get("xnor")
    planned = method.plan(model, method.settings_type())
    assert len(planned.layers) == 24
    absorbed = [record for record in planned.model.info.structure if not record.arguments]
    assert len(absorbed) >= 24
    assert planned.model.network()(torch.empty(2, 3, 64, 64, device="meta")).shape == (2, 8)


@pytest.mark.parametrize(("mode", "input_scaling"), [("recipe", True), ("paper", False)])
def test_the_exported_graph_gives_the_networks_logits(mode, input_scaling, tmp_path):
    result, _ = binarised("xnor", tmp_path, mode=mode, input_scaling=input_scaling)
    preprocessing = result.info.preprocessing
    shape = (preprocessing.channels, preprocessing.height, preprocessing.width)
    content = onnx_graph(result.network(), shape)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    faces = np.random.default_rng(0).standard_normal((3, *shape)).astype(np.float32)
    expected = result.network().eval()(torch.from_numpy(faces)).detach().numpy()
    given = session.run(None, {session.get_inputs()[0].name: faces})[0]
    # logits, not only classes: one flipped sign would show
    assert np.allclose(given, expected, atol=1e-4)


def test_zero_counts_as_plus_one():
    values = torch.tensor([[-0.0, 0.0, -1e-30, 1e-30]])
    assert BinarySign("clipped")(values).tolist() == [[1.0, 1.0, -1.0, 1.0]]


def test_binary_activations_leave_real_weights_that_may_be_pruned_and_shared():
    model, method = toy_model(), METHODS.get("binary_activations")
    binary = method.plan(model, method.settings_type()).model
    assert rules.traits(binary)["conv2.layer"] == {BINARY_INPUTS}
    refused = {
        key: rules.refusal(METHODS.get(key), frozenset({BINARY_INPUTS}))
        for key in ("magnitude_pruning", "weight_sharing", "channel_pruning", "cp", "bwn")
    }
    assert refused["magnitude_pruning"] == refused["weight_sharing"] == ""
    assert "put channel pruning first" in refused["channel_pruning"]
    assert "inputs are signs" in refused["cp"]
    assert "use xnor instead" in refused["bwn"]
    assert not any("two values" in reason for reason in refused.values())


@pytest.mark.parametrize(
    ("key", "changes"), [("magnitude_pruning", {}), ("weight_sharing", {"bits_conv": 2})]
)
def test_layers_of_blocks_are_pruned_and_shared_in_a_file(key, changes, tmp_path):
    binary, _ = binarised("binary_activations", tmp_path / "binary", epochs=0)
    method = METHODS.get(key)
    settings = method.settings_type(layers="conv2", epochs=0, **changes)
    result, _ = finish(method.apply(binary, settings, context_for(tmp_path / "then", binary)))
    packing.save_variant(result, tmp_path / "both.safetensors")
    loaded = packing.load_variant(tmp_path / "both.safetensors")
    assert "conv2.layer.weight" in loaded.coded
    assert torch.equal(logits_of(loaded), logits_of(result))
    assert not torch.equal(logits_of(loaded), logits_of(binary))
