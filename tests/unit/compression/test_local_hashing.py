"""Blocks of rows with buckets of their own: a general hash whose step fits the cache."""

import numpy as np
import pytest
import torch
from compression_fakes import context_for, finish, logits_of
from hypothesis import given, settings
from hypothesis import strategies as st

from emostudio.compression import hashing, local_hashing, packing
from emostudio.compression.catalogue import METHODS
from emostudio.compression.hashing import HashedLinear
from emostudio.compression.local_hashing import Blocks, LocalHashedLinear
from emostudio.compression.xxh32 import virtual_entries
from emostudio.core.errors import InputError

HASHED = METHODS.get("hashed")
ROWS, COLUMNS, BUCKETS = 48, 2048, 12288  # three blocks of 16 rows


def _layer(rows=ROWS, columns=COLUMNS, buckets=BUCKETS, *, bias=6, **further):
    layer = LocalHashedLinear((rows, columns), buckets, bias, seed=5, **further)
    generator = torch.Generator().manual_seed(0)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, generator=generator)
    return layer


@given(rows=st.integers(1, 5000), count=st.integers(1, 10**7))
@settings(deadline=None)
def test_blocks_cover_all_rows_and_none_is_without_buckets(rows, count):
    blocks = Blocks(rows, 7, count)
    assert blocks.first_rows[0] == blocks.first_buckets[0] == 0
    assert (blocks.first_rows[-1], blocks.first_buckets[-1]) == (rows, count)
    shares = np.diff(blocks.first_buckets)
    assert np.all(np.diff(blocks.first_rows) > 0)
    assert np.all(shares >= 1)
    assert len(blocks) == 1 or np.all(shares >= 2048)


def test_every_block_hashes_among_its_own_buckets():
    entries = _layer().entries().numpy().reshape(ROWS, COLUMNS)
    for block in range(3):
        rows = slice(16 * block, 16 * block + 16)
        expected = virtual_entries((16, COLUMNS), 4096, 5, first_row=16 * block).reshape(16, -1)
        assert np.array_equal(np.abs(entries[rows]) - 4096 * block, np.abs(expected))
        assert np.array_equal(np.sign(entries[rows]), np.sign(expected))


def test_buckets_are_loaded_as_by_the_general_hash():
    entries = _layer().entries().numpy()
    members = np.bincount(np.abs(entries) - 1, minlength=BUCKETS)
    assert len(members) == BUCKETS
    assert members.mean() == 8.0
    assert abs(members.var() / 8.0 - 1.0) < 0.06  # Poisson; 4.5 standard errors of a variance
    assert abs(np.mean(entries < 0) - 0.5) < 3 * 0.5 / np.sqrt(len(entries))


def test_a_small_layer_is_the_general_one():
    layer = _layer(30, 20, 75)
    general = HashedLinear((30, 20), 75, 6, seed=5)
    assert torch.equal(layer.entries(), general.entries())


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("rescaled", [False, True])
@pytest.mark.parametrize("signed", [False, True])
def test_the_chunked_step_equals_one_through_the_virtual_matrix(
    monkeypatch, rescaled, signed, threads
):
    torch.set_num_threads(threads)
    monkeypatch.setattr(local_hashing, "_CHUNK_WEIGHTS", 33 * COLUMNS)  # two blocks, then one
    layer = _layer(rescaled=rescaled, signed=signed).double().train()
    features = torch.randn(2, 3, COLUMNS, dtype=torch.float64, requires_grad=True)
    target = torch.randn(2, 3, ROWS, dtype=torch.float64)
    answer = layer(features)
    (answer * target).sum().backward()
    found = layer.weight.grad, layer.bias.grad, features.grad
    layer.weight.grad = layer.bias.grad = features.grad = None
    expected = features @ layer.matrix().T + layer.virtual_bias()
    (expected * target).sum().backward()
    assert torch.allclose(answer, expected)
    for got, wanted in zip(found, (layer.weight.grad, layer.bias.grad, features.grad), strict=True):
        assert torch.allclose(got, wanted)


def test_no_dense_matrix_is_kept_by_the_step():
    layer = _layer().train()
    answer = layer(torch.randn(2, COLUMNS, requires_grad=True))
    kept, todo, seen = [], [answer.grad_fn], set()
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        kept += [*getattr(node, "saved_tensors", ())]
        todo += [following for following, _ in node.next_functions]
    floats = [tensor for tensor in kept if tensor.is_floating_point()]
    assert max(tensor.numel() for tensor in floats) < ROWS * COLUMNS


def test_blocks_with_too_many_buckets_for_a_code_go_through_the_matrix():
    layer = _layer(2, 1 << 16, 1 << 17).train()
    assert not layer.blocks.has_codes
    features = torch.randn(2, 1 << 16)
    expected = features @ layer.matrix().T + layer.virtual_bias()
    assert torch.allclose(layer(features), expected, rtol=1e-4, atol=1e-2)


def _count_hashing(monkeypatch):
    hashed = []
    monkeypatch.setattr(
        local_hashing,
        "virtual_entries",
        lambda *given, **further: hashed.append(0) or virtual_entries(*given, **further),
    )
    return hashed


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])  # by blocks, by the matrix
def test_places_are_hashed_once_in_a_training(monkeypatch, dtype):
    layer, hashed = _layer(bias=0).to(dtype), _count_hashing(monkeypatch)
    for _ in range(3):
        layer.train()
        layer(torch.randn(2, COLUMNS, dtype=dtype)).sum().backward()
    assert len(hashed) == len(layer.blocks) == 3
    layer.eval().train()
    layer(torch.randn(2, COLUMNS, dtype=dtype))
    assert len(hashed) == 6


def test_tiles_hash_their_own_rows_only(monkeypatch):
    layer = _layer(600, 700, 52500, mode="tiles")
    whole = layer.row_entries(0, 600).view(600, 700)
    rows = []

    def counted(shape, *given, **further):
        rows.append(shape[0])
        return virtual_entries(shape, *given, **further)

    monkeypatch.setattr(local_hashing, "virtual_entries", counted)
    assert torch.equal(layer.row_entries(51, 102).view(51, 700), whole[51:102])
    assert sum(rows) == 51


def test_features_without_gradient_are_left_without():
    layer, features = _layer().train(), torch.randn(2, COLUMNS)
    layer(features).sum().backward()
    assert features.grad is None
    assert layer.weight.grad.abs().sum() > 0


def test_without_kernels_torch_computes_the_same(monkeypatch):
    layer, features = _layer().train(), torch.randn(4, COLUMNS)
    compiled = layer(features)
    monkeypatch.setattr(hashing, "_WORTH_COMPILING", 1 << 40)
    assert torch.allclose(layer(features), compiled, atol=1e-3)


@pytest.mark.parametrize("mode", hashing.MODES)
def test_all_modes_answer_as_the_virtual_matrix(mode):
    layer = _layer(600, 700, 52500, mode=mode).eval()  # tiles of 256 rows cut through blocks
    features = torch.randn(2, 700)
    expected = features @ layer.matrix().T + layer.virtual_bias()
    with torch.no_grad():
        assert torch.allclose(layer(features), expected, atol=1e-3)
        assert torch.allclose(layer.exported()(features), expected, atol=1e-3)
    assert layer.kind == f"hashed (local, {mode})"


def test_the_pattern_is_kept_in_the_file(teacher, faces, tmp_path):
    settings = HASHED.settings_type(pattern="local", epochs=1, batch_size=8)
    result, _ = finish(HASHED.apply(teacher, settings, context_for(tmp_path, teacher, faces)))
    packing.save_variant(result, tmp_path / "local.safetensors")
    loaded = packing.load_variant(tmp_path / "local.safetensors")
    assert isinstance(loaded.module.fc1, LocalHashedLinear)
    assert torch.equal(logits_of(loaded), logits_of(result))


@pytest.mark.parametrize("pattern", ["columns", ["local"], None, 3])
def test_unknown_patterns_are_refused(teacher, pattern):
    arguments = {
        "buckets": 5, "bias_buckets": 2, "seed": 1, "mode": "rebuild", "pattern": pattern,
    }  # fmt: skip
    with pytest.raises(InputError, match="cannot be rebuilt"):
        HASHED.rebuild(teacher.module.fc1, arguments)
