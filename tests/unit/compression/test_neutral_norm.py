from collections import OrderedDict

import pytest
import torch
from compression_fakes import StripeFaces, context_for, logits_of, toy_model
from torch import nn

from emostudio.compression.neutral_norm import add_norm, settle
from emostudio.training.batches import Batches
from emostudio.training.settings import TrainingSettings


def thin(*layers):
    named = OrderedDict((f"part{number}", layer) for number, layer in enumerate(layers))
    return nn.Sequential(named).eval()


def settled(folder):
    """Return the toy, the same with a settled normalisation behind conv3, and that one."""
    model, changed = toy_model(), toy_model()
    changed.module.conv3 = thin(changed.module.conv3)
    norm = add_norm(changed.module.conv3)
    context = context_for(folder, changed)
    settings = TrainingSettings(epochs=1, augmentation=False)
    batches = Batches(StripeFaces(), changed.info, settings, context.job, needs_labels=False)
    settle(changed.network(), norm, batches.unvaried_batches(), changed.info, context.job)
    return model, changed, norm


@pytest.mark.parametrize(
    ("layer", "shape"), [(nn.Conv2d(3, 5, 3), (4, 3, 9, 9)), (nn.Linear(6, 5), (4, 6))]
)
def test_a_new_one_changes_nothing(layer, shape):
    layers = thin(layer)
    inputs = torch.randn(*shape, generator=torch.Generator().manual_seed(0))
    before = layers(inputs)
    norm = add_norm(layers)
    assert layers.norm is norm
    assert not norm.training
    assert torch.allclose(layers(inputs), before, atol=1e-6)


def test_a_settled_one_changes_nothing_in_evaluation(tmp_path):
    model, changed, _ = settled(tmp_path)
    assert torch.allclose(logits_of(changed), logits_of(model), atol=1e-5)


def test_a_settled_one_changes_little_in_training(tmp_path):
    _, changed, norm = settled(tmp_path)
    layers = changed.module.conv3
    seen = []
    with torch.no_grad():
        layers.part0.register_forward_hook(lambda _, __, out: seen.append(out))
        batches = Batches(
            StripeFaces(), changed.info, TrainingSettings(epochs=1, augmentation=False),
            context_for(tmp_path, changed).job, needs_labels=False,
        )  # fmt: skip
        changed.network()(batches.unvaried_batches()[0].inputs(changed.info.preprocessing))
        norm.train()
        assert torch.allclose(norm(seen[0]), seen[0], atol=0.02 * float(seen[0].std()))


def test_the_statistics_are_the_means_over_the_batches(tmp_path):
    _, _, norm = settled(tmp_path)
    assert norm.momentum == 0.1
    assert not norm.training
    assert torch.allclose(norm.weight, (norm.running_var + norm.eps).sqrt())
    assert torch.equal(norm.bias, norm.running_mean)
    assert float(norm.running_mean.abs().max()) > 0


def test_a_layer_without_channels_is_a_mistake():
    with pytest.raises(TypeError, match="ReLU"):
        add_norm(thin(nn.ReLU()))
