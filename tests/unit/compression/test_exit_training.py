"""Training of early exits: the branches, the whole network, the loss over all heads."""

import copy

import pytest
import torch
from compression_fakes import (
    CLASSES,
    StripeFaces,
    context_for,
    finish,
    logits_of,
    toy_model,
)
from early_exit_fakes import (
    METHOD,
    branchy_toy,
    faces,
    settings,
    toy_on_one_thread,
)
from torch import nn

from emostudio.compression import packing
from emostudio.compression.catalogue import METHODS
from emostudio.core.errors import InputError
from emostudio.models.branch_points import head_weights
from emostudio.models.catalogue import ARCHITECTURES
from emostudio.training.heads import over_heads
from emostudio.training.objectives import Supervised

toy = pytest.fixture(autouse=True)(toy_on_one_thread)

branchy = pytest.fixture(branchy_toy)


def test_branches_learn_while_the_trunk_stays_bit_by_bit(tmp_path):
    model = toy_model()
    chosen = settings(branch_epochs=2, learning_rate=1e-2)
    context = context_for(tmp_path, model, StripeFaces())
    result, _ = finish(METHOD.apply(model, chosen, context))
    before, after = model.module.state_dict(), result.module.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    untrained, _ = finish(METHOD.apply(model, settings(), context_for(tmp_path / "u", model)))
    weight = "exits.pool1.fc.weight"
    assert not torch.equal(after[weight], untrained.module.state_dict()[weight])


def test_joint_training_moves_the_trunk_but_not_what_is_packed(tmp_path):
    model = toy_model()
    prune = METHODS.get("magnitude_pruning")
    context = context_for(tmp_path / "p", model)
    pruned, _ = finish(prune.apply(model, prune.settings_type(epochs=0, layers="conv2"), context))
    context = context_for(tmp_path / "e", pruned, StripeFaces())
    result, _ = finish(METHOD.apply(pruned, settings(epochs=1), context))
    assert torch.equal(result.module.conv2.weight, pruned.module.conv2.weight)
    assert not torch.equal(result.module.conv1.weight, pruned.module.conv1.weight)
    path = tmp_path / "variant.safetensors"
    packing.save_variant(result, path)
    assert torch.equal(logits_of(packing.load_variant(path)), logits_of(result))


class _Batch:
    def __init__(self, count):
        self.targets = torch.arange(count) % CLASSES
        self.weights = torch.ones(count)


def test_the_loss_is_the_weighted_sum_over_all_heads(branchy):
    network = branchy.module.train()
    network.head_weights = (1.0, 0.6, 0.3)
    objective = over_heads(Supervised(0.0), network)
    batch, images = _Batch(6), faces(6)
    loss, _ = objective.outcome(network(images), batch)
    heads = network.all_logits(images)
    expected = sum(
        weight * nn.functional.cross_entropy(logits, batch.targets)
        for weight, logits in zip((1.0, 0.6, 0.3), heads, strict=True)
    )
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert over_heads(objective, nn.Flatten()) is objective


def test_a_network_can_be_copied_between_a_training_pass_and_its_loss(branchy):
    network = branchy.module.train()
    logits = network(faces(2))
    assert copy.deepcopy(network).take_training_logits() == ()
    assert len(network.take_training_logits()) == 2
    assert logits.requires_grad


def test_weights_of_heads_follow_the_preset():
    assert head_weights("equal", 2) == (1.0, 1.0, 1.0)
    assert head_weights("early-heavy", 2) == (1.0, 0.6, 0.3)
    assert head_weights("early-heavy", 1) == (1.0, 0.3)


def test_a_network_can_be_trained_with_exits_from_the_start():
    member = ARCHITECTURES.get("branchy")
    values = {"trunk": "squeezenet1_1", "trunk_settings": "bn=true", "class_count": 4}
    network = member.build(member.settings_type(**values, input_size=40))
    assert list(network.exits) == ["fire4", "fire6"]
    assert isinstance(network.bn1, nn.BatchNorm2d)
    assert network.eval()(torch.zeros(2, 3, 40, 40)).shape == (2, 4)
    with pytest.raises(InputError, match="own trunk"):
        member.build(member.settings_type(trunk="branchy"))
    with pytest.raises(InputError, match="no architecture called"):
        member.build(member.settings_type(trunk="resnet"))
