import contextlib

import pytest
import torch
from torch import nn

from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import InputError
from emostudio.models.catalogue import ARCHITECTURES, build, new_info
from emostudio.models.container import read_container, write_container

SMALL = {
    "vgg_s_paper": {},
    "cnn_s": {},
    "levi_hassner": {},
    "vgg_s_lite": {"width": 0.125, "dense_width": 16},
    "branchy": {"trunk_settings": "width=0.125 dense_width=16 dropout=0"},
}
"""Settings that make a member cheap; others are cheap by default."""

HUGE = {"vgg_s_paper", "cnn_s", "levi_hassner"}
"""Members with dense layers of thousands of features whatever their settings."""

KEYS = sorted(ARCHITECTURES.members())
CHEAP_KEYS = [key for key in KEYS if key not in HUGE]


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def info_of(key, **settings):
    return new_info("net", key, {"input_size": 48, **SMALL.get(key, {}), **settings}, EMOTIONS)


@pytest.mark.parametrize("key", KEYS)
def test_member_declares_itself(key):
    member = ARCHITECTURES.get(key)
    assert member.key == key
    assert all((member.title, member.family, member.summary, member.reference))
    fields = member.settings_type.model_fields
    assert {"class_count", "input_size", "channels"} <= set(fields)
    for name, field in fields.items():
        assert field.title, name
        assert field.description, name


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("key", KEYS)
def test_small_faces_give_finite_logits(key, channels):
    info = info_of(key, channels=channels)
    module = build(info).eval()
    with torch.inference_mode():
        logits = module(torch.randn(2, *info.preprocessing.input_shape))
    assert logits.shape == (2, 8)
    assert torch.isfinite(logits).all()
    assert not torch.allclose(logits.exp().sum(1), torch.ones(2)), "logits, not probabilities"


@pytest.mark.parametrize("key", CHEAP_KEYS)
def test_every_parameter_learns(key):
    drops = "dropout" in ARCHITECTURES.get(key).settings_type.model_fields
    info = info_of(key, **({"dropout": 0.0} if drops else {}))
    module = build(info).train()
    logits = module(torch.randn(4, *info.preprocessing.input_shape))
    others = getattr(module, "take_training_logits", tuple)()
    losses = [nn.functional.cross_entropy(head, torch.arange(4)) for head in (*others, logits)]
    torch.stack(losses).sum().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


@pytest.mark.parametrize("key", CHEAP_KEYS)
def test_network_survives_the_container(key, tmp_path):
    info = info_of(key)
    module = build(info).eval()
    arrays = {name: value.numpy() for name, value in module.state_dict().items()}
    write_container(tmp_path / "net.safetensors", info, arrays)
    found_info, arrays = read_container(tmp_path / "net.safetensors")
    again = build(found_info).eval()
    again.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    batch = torch.randn(2, *info.preprocessing.input_shape)
    with torch.inference_mode():
        assert torch.equal(again(batch), module(batch))


@pytest.mark.parametrize("size", [24, 28, 32])
@pytest.mark.parametrize("key", KEYS)
def test_what_is_built_for_tiny_input_runs_on_it(key, size):
    member = ARCHITECTURES.get(key)
    settings = member.settings_type(input_size=size, class_count=8, **SMALL.get(key, {}))
    with contextlib.suppress(InputError), torch.device("meta"):
        module = member.build(settings).eval()
        assert module(torch.zeros(1, 3, size, size)).shape == (1, 8)


@pytest.mark.parametrize("key", CHEAP_KEYS)
def test_same_seed_gives_the_same_weights(key):
    def weights():
        torch.manual_seed(5)
        return build(info_of(key)).state_dict()

    first, second = weights(), weights()
    assert all((first[name] == second[name]).all() for name in first)
