import pytest
import torch

from emostudio.core.errors import InputError
from emostudio.core.settings import parse_settings
from emostudio.models.catalogue import ARCHITECTURES
from emostudio.models.importers.matching import match_architecture


def built(key, **settings):
    member = ARCHITECTURES.get(key)
    torch.manual_seed(0)
    return member.build(parse_settings(member.settings_type, settings, key))


@pytest.fixture(scope="module")
def tensors():
    return built("squeezenet1_1", class_count=7, channels=1, bn=True).state_dict()


def test_architecture_classes_and_channels_are_read_off_the_weights(tensors):
    key, settings, module = match_architecture(tensors, None, {})
    assert key == "squeezenet1_1"
    assert settings["class_count"] == 7
    assert settings["channels"] == 1
    assert settings["bn"] is True
    assert all(torch.equal(value, tensors[name]) for name, value in module.state_dict().items())


def test_seven_classes_do_not_slip_into_eight(tensors):
    with pytest.raises(InputError, match="shape"):
        match_architecture(tensors, "squeezenet1_1", {"class_count": 8})


def test_missing_and_extra_tensors_are_listed(tensors):
    changed = dict(tensors)
    removed = next(name for name in changed if name.endswith("weight"))
    changed["stranger"] = changed.pop(removed)
    with pytest.raises(InputError, match=f"{removed} is missing"):
        match_architecture(changed, "squeezenet1_1", {})


def test_nan_weights_are_refused(tensors):
    changed = dict(tensors)
    name = next(name for name in changed if name.endswith("weight"))
    changed[name] = torch.full_like(changed[name], float("nan"))
    with pytest.raises(InputError, match="NaN"):
        match_architecture(changed, None, {})


def test_weights_of_no_known_network_are_refused():
    with pytest.raises(InputError, match="fit no known architecture"):
        match_architecture({"a.weight": torch.zeros(3, 3)}, None, {})


def test_weights_sorted_by_name_are_recognised_too(tensors):
    key, settings, _ = match_architecture(dict(sorted(tensors.items())), None, {})
    assert (key, settings["class_count"]) == ("squeezenet1_1", 7)
