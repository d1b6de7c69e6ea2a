import json

import pytest
import torch

from emostudio.core.errors import EmoStudioError
from emostudio.training import checkpoints
from emostudio.training.checkpoints import CheckpointStore


def tensors(value):
    return {
        "module/weight": torch.full((3, 4), float(value)),
        "random/torch": torch.arange(5, dtype=torch.uint8),
        "optimiser/0/step": torch.tensor(float(value)),
    }


def saved(folder, count=1):
    store = CheckpointStore(folder)
    for number in range(1, count + 1):
        store.save(tensors(number), {"step": number}, step=number, epoch=0)
    return store


def names(folder, pattern="checkpoint-*.safetensors"):
    return sorted(path.name for path in folder.glob(pattern))


def test_what_was_saved_comes_back(tmp_path):
    saved(tmp_path)
    found, damaged = CheckpointStore(tmp_path).load_newest()
    assert not damaged
    assert found.facts == {"step": 1}
    for name, tensor in tensors(1).items():
        assert torch.equal(found.tensors[name], tensor)
        assert found.tensors[name].dtype == tensor.dtype


def test_empty_folder_holds_nothing(tmp_path):
    assert CheckpointStore(tmp_path / "absent").load_newest() == (None, [])


def test_last_two_are_kept(tmp_path):
    saved(tmp_path, 5)
    assert len(names(tmp_path)) == len(names(tmp_path, "checkpoint-*.json")) == 2
    assert CheckpointStore(tmp_path).load_newest()[0].facts == {"step": 5}


def test_best_weights_are_kept_as_long_as_a_checkpoint_refers_to_them(tmp_path):
    store = CheckpointStore(tmp_path)
    store.save(tensors(0), {}, step=0, epoch=0)
    for number in (1, 2):
        store.save_best({"weight": torch.tensor([float(number)])}, step=number, epoch=number)
        store.save(tensors(number), {}, step=number, epoch=number)
    assert len(names(tmp_path, "best-*.safetensors")) == 2
    for number in (3, 4):
        store.save(tensors(number), {}, step=number, epoch=number)
    assert len(names(tmp_path, "best-*.safetensors")) == 1
    found, _ = CheckpointStore(tmp_path).load_newest()
    assert found.best["weight"].item() == 2


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("place", [0, 7, 20, -40, -1])
def test_flipped_bit_is_noticed_and_the_previous_checkpoint_used(tmp_path, place):
    saved(tmp_path, 2)
    newest = tmp_path / names(tmp_path)[-1]
    flip(newest, place)
    found, damaged = CheckpointStore(tmp_path).load_newest()
    assert found.facts == {"step": 1}
    assert damaged == [newest.name]


@pytest.mark.parametrize("length", [0, 5, 100])
def test_truncated_checkpoint_is_passed_over(tmp_path, length):
    saved(tmp_path, 2)
    newest = tmp_path / names(tmp_path)[-1]
    newest.write_bytes(newest.read_bytes()[:length])
    assert CheckpointStore(tmp_path).load_newest()[0].facts == {"step": 1}


@pytest.mark.parametrize("content", ["", "not json", "[]", '{"sha256": 3}', '{"sha256": "0"}'])
def test_damaged_sidecar_is_passed_over(tmp_path, content):
    saved(tmp_path, 2)
    (tmp_path / names(tmp_path, "checkpoint-*.json")[-1]).write_text(content)
    assert CheckpointStore(tmp_path).load_newest()[0].facts == {"step": 1}


def test_file_without_sidecar_was_never_finished_and_is_ignored(tmp_path):
    saved(tmp_path, 2)
    (tmp_path / names(tmp_path, "checkpoint-*.json")[-1]).unlink()
    found, damaged = CheckpointStore(tmp_path).load_newest()
    assert found.facts == {"step": 1}
    assert not damaged


def test_numbers_go_on_after_a_restart(tmp_path):
    saved(tmp_path, 3)
    CheckpointStore(tmp_path).save(tensors(9), {"step": 9}, step=9, epoch=0)
    assert CheckpointStore(tmp_path).load_newest()[0].facts == {"step": 9}


def test_all_damaged_is_told_and_nothing_is_returned(tmp_path):
    saved(tmp_path, 2)
    for name in names(tmp_path):
        flip(tmp_path / name, -1)
    found, damaged = CheckpointStore(tmp_path).load_newest()
    assert found is None
    assert len(damaged) == 2


def test_damaged_best_weights_are_told_and_left_out(tmp_path):
    store = CheckpointStore(tmp_path)
    store.save_best({"weight": torch.tensor([1.0])}, step=1, epoch=1)
    store.save(tensors(1), {"step": 1}, step=1, epoch=1)
    flip(tmp_path / names(tmp_path, "best-*.safetensors")[0], -1)
    found, damaged = CheckpointStore(tmp_path).load_newest()
    assert found.facts == {"step": 1}
    assert found.best is None
    assert damaged[0].startswith("best-")


def test_full_disk_leaves_the_old_checkpoint_whole(tmp_path, monkeypatch):
    store = saved(tmp_path, 1)

    def refuse(plain, path, metadata):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save_file", refuse)
        with pytest.raises(EmoStudioError, match="No space left"):
            store.save(tensors(2), {"step": 2}, step=2, epoch=0)
    assert CheckpointStore(tmp_path).load_newest()[0].facts == {"step": 1}
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    store.save(tensors(3), {"step": 3}, step=3, epoch=0)
    assert CheckpointStore(tmp_path).load_newest()[0].facts == {"step": 3}


def test_sidecar_names_step_epoch_and_hash(tmp_path):
    saved(tmp_path)
    sidecar = json.loads((tmp_path / names(tmp_path, "checkpoint-*.json")[0]).read_text())
    assert sidecar["step"] == 1
    assert len(sidecar["sha256"]) == 64
