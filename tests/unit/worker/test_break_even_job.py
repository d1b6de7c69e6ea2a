import pytest
import torch

from emostudio.compression.packing import save_variant
from emostudio.core.emotions import EMOTIONS
from emostudio.core.events import Failed, Finished
from emostudio.core.jobs import BreakEvenJob, PlanJob
from emostudio.core.low_rank import BreakEvenReport
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.models.catalogue import build, new_info
from emostudio.models.loaded import LoadedModel
from emostudio.worker.execute import execute
from emostudio.workspace.store import Workspace

LAYER = {"layers": "fire3.expand3x3", "rank": 5}


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    info = new_info("small", "squeezenet1_1", {"input_size": 24, "channels": 1}, EMOTIONS)
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("models") / "small.safetensors"
    save_variant(LoadedModel(info, module=build(info).eval()), file)
    return str(file)


def last_of(job, folder):
    with Workspace.open(folder) as workspace:
        return list(execute(job, workspace))[-1]


def test_a_plan_measures_only_when_it_is_asked_to(teacher, tmp_path):
    recipe = Recipe(steps=(RecipeStep(method="cp", settings={**LAYER, "epochs": 0}),))
    last = last_of(PlanJob(teacher=teacher, recipe=recipe), tmp_path)
    assert last.result["low_rank"][0]["not_measured"] == ["fire3.expand3x3"]
    last = last_of(PlanJob(teacher=teacher, recipe=recipe, measure_s=30), tmp_path)
    outlook = last.result["low_rank"][0]
    assert outlook["not_measured"] == []
    assert outlook["layers"][0]["planned_rank"] == 5
    job = BreakEvenJob(model=teacher, method="cp", settings=LAYER)
    last = last_of(job, tmp_path)
    assert isinstance(last, Finished)
    report = BreakEvenReport.model_validate(last.result)
    assert report.outlook.layers[0].times[0].ms > 0
    assert report.outlook.layers[0].model_dump(mode="json") == outlook["layers"][0]


def test_methods_without_ranks_are_refused(teacher, tmp_path):
    last = last_of(BreakEvenJob(model=teacher, method="hashed"), tmp_path)
    assert isinstance(last, Failed)
    assert "cp, svd, tucker2" in last.next_step


def test_an_architecture_is_enough(tmp_path):
    job = BreakEvenJob(
        model="squeezenet1_1",
        architecture_settings={"input_size": 48},
        method="svd",
        settings={"layers": "fire9.squeeze"},
        seconds=0.001,
    )
    last = last_of(job, tmp_path)
    assert last.result["model"] == "squeezenet1_1"
    assert last.result["outlook"]["not_measured"] == ["fire9.squeeze"]
    assert last.result["outlook"]["macs_ceiling"] > 1


def test_a_model_s_architecture_cannot_be_set(teacher, tmp_path):
    job = BreakEvenJob(model=teacher, architecture_settings={"input_size": 48}, method="cp")
    assert "fixed" in last_of(job, tmp_path).what
