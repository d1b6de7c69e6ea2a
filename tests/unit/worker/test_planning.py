import pytest
import torch

from emostudio.compression.packing import save_variant
from emostudio.core.emotions import EMOTIONS
from emostudio.core.events import Finished
from emostudio.core.jobs import PlanJob
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.models.catalogue import build, new_info
from emostudio.models.loaded import LoadedModel
from emostudio.worker.execute import execute
from emostudio.workspace.store import Workspace

FACES = "synthetic:identities=5,size=24,cameras=frontal"


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    settings = {"input_size": 24, "channels": 1, "bn": True}
    info = new_info("small", "squeezenet1_1", settings, EMOTIONS)
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("models") / "small.safetensors"
    save_variant(LoadedModel(info, module=build(info).eval()), file)
    return str(file)


def planned(teacher, folder, data):
    step = RecipeStep(method="magnitude_pruning", settings={"epochs": 2, "batch_size": 8})
    job = PlanJob(teacher=teacher, recipe=Recipe(steps=(step,)), data=data)
    with Workspace.open(folder) as workspace:
        last = list(execute(job, workspace))[-1]
        assert not workspace.datasets()
    assert isinstance(last, Finished)
    return last.result["training_seconds"]


def test_a_plan_for_a_dataset_says_how_long_training_takes(teacher, tmp_path):
    assert planned(teacher, tmp_path, FACES) > 0.0


@pytest.mark.parametrize("data", [None, "nowhere"])
def test_without_known_data_the_time_stays_open(teacher, tmp_path, data):
    assert planned(teacher, tmp_path, data) is None
