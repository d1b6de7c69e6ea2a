import numpy as np
import pytest
import torch
from compression_fakes import context_for, finish

from emostudio.compression.catalogue import METHODS
from emostudio.compression.coding import codecs
from emostudio.compression.methods.weight_sharing import SharedLookup, SharedWeight
from emostudio.core.settings import parse_settings

METHOD = METHODS.get("weight_sharing")
PRUNE = METHODS.get("magnitude_pruning")


def settings(**values):
    return parse_settings(METHOD.settings_type, values, "test")


def share(teacher, tmp_path, faces=None, **values):
    context = context_for(tmp_path, teacher, faces)
    return finish(METHOD.apply(teacher, settings(**values), context))[0]


@pytest.fixture
def pruned(teacher, tmp_path):
    wanted = PRUNE.settings_type(epochs=0)
    return finish(PRUNE.apply(teacher, wanted, context_for(tmp_path, teacher)))[0]


def test_each_layer_has_at_most_its_number_of_values(teacher, tmp_path):
    shared = share(teacher, tmp_path, epochs=0, bits_conv=3, bits_linear=2)
    assert np.unique(shared.module.conv2.weight.detach().numpy()).size <= 8
    assert np.unique(shared.module.fc1.weight.detach().numpy()).size <= 4
    assert torch.equal(shared.module.conv1.bias, teacher.module.conv1.bias)


def test_more_values_come_nearer_to_the_weights(teacher, tmp_path):
    def error(bits):
        shared = share(teacher, tmp_path, epochs=0, bits_conv=bits)
        change = shared.module.conv2.weight - teacher.module.conv2.weight
        return float(change.detach().norm())

    assert error(5) < error(3) < error(1)


def test_d1_pruned_weights_stay_zero_and_have_a_code_of_their_own(pruned, faces, tmp_path):
    shared = share(pruned, tmp_path, faces, epochs=2, batch_size=8, learning_rate=0.01)
    for name in ("conv2", "fc1"):
        coded = shared.coded[f"{name}.weight"]
        mask = codecs.survivor_mask(pruned.coded[f"{name}.weight"])
        assert coded.arrays["codebook"][0] == 0.0
        assert np.array_equal(codecs.codebook_codes(coded) != 0, mask)
        weight = shared.module.get_submodule(name).weight.detach().numpy().reshape(-1)
        assert not weight[~mask].any()


def test_only_the_shared_values_learn(teacher, faces, tmp_path):
    before = share(teacher, tmp_path / "a", epochs=0, bits_conv=3)
    after = share(teacher, tmp_path / "b", faces, epochs=2, bits_conv=3, learning_rate=0.01)
    codes = [codecs.codebook_codes(model.coded["conv2.weight"]) for model in (before, after)]
    assert np.array_equal(codes[0], codes[1])
    books = [model.coded["conv2.weight"].arrays["codebook"] for model in (before, after)]
    assert not np.array_equal(books[0], books[1])
    assert torch.equal(after.module.fc1.bias, teacher.module.fc1.bias)
    assert torch.equal(after.module.bn2.weight, teacher.module.bn2.weight)


def test_the_network_is_plain_again_afterwards(teacher, faces, tmp_path):
    shared = share(teacher, tmp_path, faces, epochs=1)
    assert list(shared.module.state_dict()) == list(teacher.module.state_dict())
    assert all(parameter.requires_grad for parameter in shared.module.parameters())


def test_d1_the_gradient_of_a_value_is_the_sum_over_its_members():
    generator = torch.Generator().manual_seed(0)
    codes = torch.randint(0, 6, (50,), generator=generator).to(torch.uint8)
    codebook = torch.randn(8, generator=generator, requires_grad=True)
    factor = torch.randn(50, generator=generator)
    (SharedLookup.apply(codebook, codes, *[False]) * factor).sum().backward()
    summed = [float(factor[codes == value].sum()) for value in range(8)]
    assert codebook.grad.tolist() == pytest.approx(summed, abs=1e-5)


def test_the_mean_gradient_divides_by_the_members():
    codes = torch.tensor([0, 0, 0, 2], dtype=torch.uint8)
    codebook = torch.zeros(4, requires_grad=True)
    SharedLookup.apply(codebook, codes, *[True]).sum().backward()
    assert codebook.grad.tolist() == [1.0, 0.0, 1.0, 0.0]


def test_a_reserved_zero_has_no_gradient():
    shared = SharedWeight(
        torch.tensor([0.0, 1.0]),
        torch.tensor([0, 1, 0, 1], dtype=torch.uint8),
        torch.Size((2, 2)),
        pruned=True,
        mean=False,
    )
    codebook = shared.right_inverse(torch.zeros(2, 2)).requires_grad_()
    shared(codebook).sum().backward()
    assert codebook.grad.tolist() == [0.0, 2.0]


def test_a_codebook_larger_than_the_layer_is_refused(teacher):
    planned = METHOD.plan(teacher, settings())
    reasons = {item.layer: item.reason for item in planned.skipped}
    assert set(reasons) == {"conv1", "squeeze"}
    assert "codebook" in reasons["squeeze"]


def test_d1_published_rates_without_pruning():
    conv4, fc7 = 512 * 512 * 9, 4048 * 4048
    assert 4 * conv4 / codecs.codebook_bytes(conv4, conv4, 8) == pytest.approx(3.998, abs=5e-4)
    assert 4 * fc7 / codecs.codebook_bytes(fc7, fc7, 5) == pytest.approx(6.400, abs=5e-4)
