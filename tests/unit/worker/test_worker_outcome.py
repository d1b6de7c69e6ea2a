import pytest
import torch

from emostudio.core.emotions import EMOTIONS
from emostudio.core.events import Finished
from emostudio.core.jobs import CompressJob, TrainJob
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.models.catalogue import build, new_info
from emostudio.models.loaded import LoadedModel
from emostudio.worker.context import HandlerContext
from emostudio.worker.execute import execute
from emostudio.worker.outcome import EPOCHS_KEY, SECONDS_KEY, save_model
from emostudio.workspace.comparison import STEP_MS_KEY, TRAINING_PEAK_KEY
from emostudio.workspace.store import Workspace

JOB = TrainJob(architecture="vgg_s_lite", data="synthetic")
SMALL = {"input_size": 48, "width": 0.25, "dense_width": 16}


@pytest.fixture
def workspace(tmp_path):
    with Workspace.open(tmp_path / "ws") as opened:
        yield opened


@pytest.fixture
def model():
    torch.manual_seed(0)
    info = new_info("net", "vgg_s_lite", SMALL, EMOTIONS)
    return LoadedModel(info, module=build(info).eval())


def save(model, workspace, run):
    events = save_model(model, "net", HandlerContext(workspace, run.folder, run), role="teacher")
    return [event.model for event in events]


def test_a_run_resumed_after_saving_has_one_model_not_two(workspace, model):
    run = workspace.create_run(JOB)
    assert save(model, workspace, run) == ["net"]
    assert save(model, workspace, run) == ["net"]
    assert [(m.name, m.run) for m in workspace.models()] == [("net", run.id)]


def test_another_run_never_overwrites_a_model_of_that_name(workspace, model):
    first, second = workspace.create_run(JOB), workspace.create_run(JOB)
    save(model, workspace, first)
    assert save(model, workspace, second) == ["net-2"]
    assert save(model, workspace, second) == ["net-2"]
    assert {m.name: m.run for m in workspace.models()} == {"net": first.id, "net-2": second.id}


def test_a_variant_that_was_not_trained_has_no_costs_of_training(workspace, model, tmp_path):
    costs = {STEP_MS_KEY: 9.0, TRAINING_PEAK_KEY: 1000, EPOCHS_KEY: 3, SECONDS_KEY: 8.0}
    taught = model.info.model_copy(update={"measurements": {**costs, "int8_agreement": 0.9}})
    described = LoadedModel(taught, module=model.module)
    list(save_model(described, "net", HandlerContext(workspace, tmp_path), role="teacher"))
    data = "synthetic:identities=3,size=32,cameras=frontal,gazes=frontal"
    recipe = Recipe(steps=(RecipeStep(method="int8_ptq"),))
    job = CompressJob(teacher="net", data=data, recipe=recipe, name="small")
    assert isinstance(list(execute(job, workspace))[-1], Finished)
    measured = workspace.model("small").info.measurements
    assert not costs.keys() & measured.keys()
    assert "int8_agreement" in measured
    assert workspace.model("net").info.measurements == taught.measurements
