import pytest
import torch

from emostudio.core.errors import InputError
from emostudio.training.devices import pick_device
from emostudio.worker.context import HandlerContext
from emostudio.workspace.store import Workspace


def device_for(choice, tmp_path):
    with Workspace.open(tmp_path / "ws") as workspace:
        settings = workspace.settings().model_copy(update={"device": choice})
        workspace.save_settings(settings)
        return HandlerContext(workspace, tmp_path / "job").job_context().device


@pytest.mark.parametrize("choice", ["cpu", "cuda", "mps"])
def test_the_device_in_the_settings_reaches_the_training(tmp_path, choice):
    assert device_for(choice, tmp_path) == choice


def test_automatic_is_a_device_of_this_machine(tmp_path):
    assert pick_device(device_for("auto", tmp_path)).type in {"cpu", "cuda", "mps"}


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="has that device")
def test_a_device_the_machine_lacks_is_refused_and_not_exchanged(tmp_path):
    with pytest.raises(InputError, match="no device mps"):
        pick_device(device_for("mps", tmp_path))
