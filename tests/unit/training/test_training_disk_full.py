import os
import subprocess

import pytest
import torch

from emostudio.compression import packing
from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import EmoStudioError
from emostudio.core.model_info import ModelInfo, Preprocessing
from emostudio.models.catalogue import build
from emostudio.models.loaded import LoadedModel
from emostudio.training.checkpoints import CheckpointStore
from emostudio.worker.failures import explain

_DISK = "4m"


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", str(folder)]
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def files(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_says_full(error):
    told = explain(error)
    assert told.what == "The disk is full"
    assert "space" in told.next_step


def test_a_full_disk_leaves_the_earlier_checkpoint(small_disk):
    checkpoints = CheckpointStore(small_disk / "checkpoints")
    checkpoints.save({"w": torch.ones(300_000)}, {}, step=1, epoch=1)
    before = files(small_disk)
    with pytest.raises(EmoStudioError) as caught:
        checkpoints.save({"w": torch.ones(900_000)}, {}, step=2, epoch=1)
    assert_says_full(caught.value)
    assert files(small_disk) == before
    assert torch.equal(checkpoints.load_newest()[0].tensors["w"], torch.ones(300_000))


def test_a_full_disk_leaves_the_earlier_variant(small_disk):
    settings = {"class_count": 8, "input_size": 32}
    info = ModelInfo(
        name="v",
        architecture="squeezenet1_1",
        architecture_settings=settings,
        labels=EMOTIONS,
        preprocessing=Preprocessing(height=32, width=32),
    )
    model = LoadedModel(info, module=build(info).eval())
    file = small_disk / "v.safetensors"
    packing.save_variant(model, file)
    before = files(small_disk)
    with pytest.raises(EmoStudioError) as caught:
        packing.save_variant(model, file)
    assert_says_full(caught.value)
    assert files(small_disk) == before
