from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from emostudio.compression.packing import save_variant
from emostudio.core.emotions import EMOTIONS
from emostudio.core.events import Failed, Finished
from emostudio.core.jobs import BenchJob, CompressJob, EvaluateJob, InspectModelJob, TrainJob
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.exports.catalogue import EXPORTERS
from emostudio.exports.exporting import export_model
from emostudio.models.catalogue import build, new_info
from emostudio.models.loaded import LoadedModel
from emostudio.worker.execute import execute
from emostudio.workspace.store import Workspace

SIZE = 24
SMALL = {"input_size": SIZE, "channels": 3, "width": 0.125, "dense_width": 16}


@pytest.fixture
def workspace(tmp_path):
    with Workspace.open(tmp_path / "ws") as opened:
        yield opened


@pytest.fixture
def faces(tmp_path):
    random = np.random.default_rng(0)
    for number, emotion in enumerate(EMOTIONS):
        folder = tmp_path / "faces" / emotion.value
        folder.mkdir(parents=True)
        for index in range(10):
            picture = random.integers(0, 60, (SIZE, SIZE, 3)) + 20 * number
            (folder / f"{index}.png").write_bytes(cv2.imencode(".png", picture.astype(np.uint8))[1])
    return tmp_path / "faces"


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two teachers as files: a white box, and another one as ONNX."""
    folder, models = tmp_path_factory.mktemp("pair"), []
    for seed in range(2):
        torch.manual_seed(seed)
        info = new_info(f"net{seed}", "vgg_s_lite", SMALL, EMOTIONS)
        models.append(LoadedModel(info, module=build(info).eval()))
    save_variant(models[0], folder / "one.safetensors")
    export_model(models[1], EXPORTERS.get("onnx"), folder / "two.onnx")
    return f"{folder / 'one.safetensors'}+{folder / 'two.onnx'}"


def last(job, workspace):
    return list(execute(job, workspace))[-1]


def test_an_ensemble_is_evaluated_and_distilled_under_the_names_of_its_models(
    workspace, faces, pair
):
    answer = last(EvaluateJob(models=(pair,), data=str(faces)), workspace)
    assert isinstance(answer, Finished), answer
    assert answer.result["results"][0]["model"] == "one+two"
    settings = {
        "architecture": "vgg_s_lite", "architecture_settings": "width=0.125 dense_width=16",
        "epochs": 1,
    }  # fmt: skip
    step = RecipeStep(method="distill_softmax", settings=settings)
    job = CompressJob(teacher=pair, data=str(faces), recipe=Recipe(steps=(step,)), name="student")
    answer = last(job, workspace)
    assert isinstance(answer, Finished), answer
    record = workspace.model("student")
    assert record.info.lineage.teacher == "one+two"
    assert record.info.architecture == "vgg_s_lite"


def test_sizes_of_an_ensemble_are_those_of_all_its_files(workspace, pair):
    answer = last(InspectModelJob(model=pair), workspace)
    files = sum(Path(path).stat().st_size for path in pair.split("+"))
    assert answer.result["disk_bytes"] == files


def test_the_models_of_an_ensemble_are_benched_one_by_one(workspace, pair):
    answer = last(BenchJob(models=(pair,), blocks=3, pairs=3), workspace)
    assert isinstance(answer, Failed)
    assert "measure each of them" in answer.why


def test_a_part_that_is_not_there_is_named(workspace, pair):
    answer = last(InspectModelJob(model=pair + "+nobody"), workspace)
    assert isinstance(answer, Failed)
    assert "nobody" in answer.what


def test_a_network_trained_on_mapped_patterns_says_so_in_its_file(workspace, faces):
    job = TrainJob(
        architecture="vgg_s_lite",
        architecture_settings=SMALL,
        data=str(faces),
        training={"epochs": 1},
        transform="mapped_lbp",
        name="patterns",
    )
    assert isinstance(last(job, workspace), Finished)
    assert workspace.model("patterns").info.preprocessing.transform == "mapped_lbp"


def test_patterns_of_a_grey_network_are_refused(workspace, faces):
    settings = {**SMALL, "channels": 1}
    job = TrainJob(
        architecture="vgg_s_lite", architecture_settings=settings, data=str(faces),
        transform="mapped_lbp",
    )  # fmt: skip
    answer = last(job, workspace)
    assert isinstance(answer, Failed)
    assert "three channels" in answer.why
