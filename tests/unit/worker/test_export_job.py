"""Export as a job: where a model may go, and that a packed one comes back as it was."""

import dataclasses

import pytest
import torch

from emostudio.compression.coding.codecs import encode_masked
from emostudio.compression.packing import save_variant
from emostudio.core.emotions import EMOTIONS
from emostudio.core.events import Failed, Finished
from emostudio.core.jobs import ExportJob, ImportModelJob, InspectModelJob
from emostudio.core.model_info import Lineage
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.models.catalogue import build, new_info
from emostudio.models.loaded import LoadedModel
from emostudio.worker.execute import execute
from emostudio.workspace.store import Workspace


def pruned():
    """A variant one of whose layers is stored in packed form."""
    torch.manual_seed(0)
    settings = {"input_size": 48, "width": 0.125, "dense_width": 16}
    info = new_info("pruned", "vgg_s_lite", settings, EMOTIONS)
    recipe = Recipe(steps=(RecipeStep(method="magnitude_pruning"),))
    info = info.model_copy(update={"recipe": recipe, "lineage": Lineage(teacher="t", seed=4)})
    module = build(info).eval()
    name, layer = [(n, m) for n, m in module.named_modules() if isinstance(m, torch.nn.Conv2d)][-1]
    mask = layer.weight.detach().abs() > layer.weight.detach().abs().median()
    layer.weight.data *= mask
    weight = layer.weight.detach().numpy()
    coded = encode_masked(weight.reshape(-1), mask.numpy().reshape(-1), weight.shape)
    return LoadedModel(info, module=module, coded={f"{name}.weight": coded})


@pytest.fixture
def workspace(tmp_path):
    with Workspace.open(tmp_path / "ws") as opened:
        model = pruned()
        file = opened.models_folder / "pruned.safetensors"
        save_variant(model, file)
        opened.add_model(file, model.info, role="variant")
        yield opened


def last(job, workspace):
    return list(execute(job, workspace))[-1]


def test_a_packed_variant_arrives_in_another_workspace_byte_by_byte(workspace, tmp_path):
    out = tmp_path / "pruned.safetensors"
    done = last(ExportJob(model="pruned", out=str(out)), workspace)
    assert isinstance(done, Finished), done
    with Workspace.open(tmp_path / "other") as other:
        imported = last(ImportModelJob(file=str(out), name="pruned"), other)
        assert isinstance(imported, Finished), imported
        (record,) = other.models()
        assert record.file.read_bytes() == workspace.model("pruned").file.read_bytes()
        assert record.role == "variant"
        assert record.info == workspace.model("pruned").info


def test_weights_that_are_written_out_in_full_are_said_to_be(workspace, tmp_path, monkeypatch):
    monkeypatch.setattr("emostudio.exports.exporting._MORE", 1.0)
    done = last(ExportJob(model="pruned", out=str(tmp_path / "pruned.onnx")), workspace)
    assert any("written out in full" in note for note in done.result["notes"])


def test_what_imitates_its_arithmetic_says_so(workspace, tmp_path, monkeypatch):
    monkeypatch.setattr("emostudio.exports.exporting.kernels_of", lambda *_: "simulated")
    done = last(ExportJob(model="pruned", out=str(tmp_path / "pruned.ort")), workspace)
    assert done.result["kernels"] == "simulated"
    assert any("imitated in float32" in note for note in done.result["notes"])


def test_the_folder_of_the_workspaces_models_is_left_alone(workspace):
    out = workspace.models_folder / "new.onnx"
    failed = last(ExportJob(model="pruned", out=str(out)), workspace)
    assert isinstance(failed, Failed)
    assert "the workspace keeps its own models" in failed.why
    own = last(ExportJob(model="pruned", out=str(workspace.model("pruned").file)), workspace)
    assert "the model itself" in own.what
    assert not out.exists()


def test_inspecting_a_model_says_as_what_it_cannot_be_exported(workspace):
    done = last(InspectModelJob(model="pruned"), workspace)
    assert set(done.result["export_refusals"]) == {"segments"}


def test_an_ensemble_is_refused_in_every_format(workspace, tmp_path):
    model = dataclasses.replace(pruned(), info=pruned().info.model_copy(update={"name": "two"}))
    file = workspace.models_folder / "two.safetensors"
    save_variant(model, file)
    workspace.add_model(file, model.info, role="variant")
    for name in ("both.onnx", "both.safetensors"):
        failed = last(ExportJob(model="pruned+two", out=str(tmp_path / name)), workspace)
        assert isinstance(failed, Failed)
        assert "an ensemble is several models" in failed.why
