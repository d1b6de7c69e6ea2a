"""A method that is put beside the others as one file is a method everywhere."""

import importlib
import inspect
import json
import sys
import textwrap
from pathlib import Path

import pytest
import test_contract_methods as contract
import torch
from compression_fakes import (
    finish,
    logits_of,
    toy_model,
    use_toy_architecture,
)
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLabel

from emostudio.cli import main
from emostudio.compression import packing, pipeline
from emostudio.compression.catalogue import METHODS
from emostudio.core.job_context import JobContext
from emostudio.core.recipe import Recipe, RecipeStep

toy = contract.toy

NEW_METHOD = '''
    """A method in one file: weights rounded to 16-bit floats."""

    import numpy as np
    import torch

    from emostudio.compression import rules
    from emostudio.compression.base import Method, Planned
    from emostudio.compression.coding.codecs import placeholder
    from emostudio.compression.fine_tuning import LayerSettings
    from emostudio.compression.surgery import set_tensor_values, skeleton, tensor_values, with_coded
    from emostudio.core.events import Progress
    from emostudio.models.loaded import CodedTensor


    class HalfSettings(LayerSettings):
        """Only the layers."""


    class Half(Method[HalfSettings]):
        key = "half"
        title = "Half precision"
        family = "Quantisation"
        summary = "Store weights as 16-bit floats."
        reference = "IEEE 754"
        settings_type = HalfSettings
        leaves = frozenset({"half"})
        codecs = ("raw16",)

        def plan(self, model, settings):
            chosen = rules.select(self, model, settings)
            coded = {
                f"{name}.weight": CodedTensor(
                    "raw16",
                    {"values": placeholder(np.float16, layer.weight.numel())},
                    {"shape": list(layer.weight.shape), "traits": ["half"]},
                )
                for name, layer in chosen.layers.items()
            }
            planned = with_coded(skeleton(model), coded)
            return Planned(planned, layers=tuple(chosen.layers), skipped=chosen.skipped)

        def apply(self, model, settings, context):
            result = model.copy()
            coded = {}
            yield Progress(message="Rounding")
            for name, layer in rules.select(self, result, settings).layers.items():
                values = tensor_values(layer).astype(np.float16)
                set_tensor_values(layer, values.astype(np.float32))
                coded[f"{name}.weight"] = CodedTensor(
                    "raw16",
                    {"values": values},
                    {"shape": list(layer.weight.shape), "traits": ["half"]},
                )
            return with_coded(result, coded)

        def unpack(self, coded):
            return coded.arrays["values"].astype(np.float32).reshape(coded.header["shape"])


    METHOD = Half()
'''


@pytest.fixture
def dropped_in(tmp_path, monkeypatch):
    """Put one new file beside the methods, and nothing else."""
    from emostudio.compression import methods

    folder = tmp_path / "dropped"
    folder.mkdir()
    (folder / "half.py").write_text(textwrap.dedent(NEW_METHOD), encoding="utf-8")
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(folder)])
    METHODS.refresh()
    yield
    monkeypatch.undo()
    sys.modules.pop("emostudio.compression.methods.half", None)
    METHODS.refresh()


def test_a_new_file_is_a_new_method_in_recipes_files_and_plans(dropped_in, tmp_path, monkeypatch):
    use_toy_architecture(monkeypatch)
    assert "half" in [entry.key for entry in METHODS.describe()]
    steps = (RecipeStep(method="cp", settings={"rank": 4, "epochs": 0}), RecipeStep(method="half"))
    model, recipe = toy_model(), Recipe(steps=steps)
    report = pipeline.plan(model, recipe)
    job = JobContext(folder=tmp_path / "run")
    result, _ = finish(pipeline.run(model, recipe, None, job, name="halved"))
    assert result.file.stat().st_size == report.stages[-1].disk_bytes
    loaded = packing.load_variant(result.file)
    assert torch.equal(logits_of(loaded), logits_of(result.model))
    assert loaded.coded["conv2.rows.weight"].codec == "raw16"


def test_a_new_file_passes_the_contract(dropped_in, tmp_path):
    promises = [
        (name, check)
        for name, check in vars(contract).items()
        if name.startswith("test_") and "method" in inspect.signature(check).parameters
    ]
    assert len(promises) > 10
    for name, check in promises:
        arguments = {"method": METHODS.get("half"), "tmp_path": tmp_path / name}
        (tmp_path / name).mkdir()
        wanted = inspect.signature(check).parameters
        check(**{key: value for key, value in arguments.items() if key in wanted})


def test_a_new_file_is_a_new_method_on_the_command_line(dropped_in, tmp_path, capfd):
    assert main(["methods", "--json"]) == 0
    listed = {entry["key"]: entry for entry in json.loads(capfd.readouterr().out)}
    assert listed["half"]["title"] == "Half precision"
    words = ["models", "inspect", "squeezenet1_1", "--step", "half", "--json"]
    assert main([*words, "--workspace", str(tmp_path)]) == 0
    report = json.loads(capfd.readouterr().out)
    assert report["disk_bytes"] < 0.52 * 4 * report["parameters"]
    assert "half" in next(layer for layer in report["layers"] if layer["kind"] == "conv")["methods"]


def test_a_new_file_is_a_new_method_in_the_wizard(dropped_in, qtbot, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "gui"))
    gui_fakes = importlib.import_module("gui_fakes")
    from emostudio.core.jobs import DescribeJob
    from emostudio.gui.pages.compress import CompressPage
    from emostudio.worker.handlers.describe import handle

    with gui_fakes.open_workspace(tmp_path) as workspace:
        studio = gui_fakes.FakeStudio(workspace)
        studio.catalogue, _ = finish(handle(DescribeJob(), None))
        page = CompressPage(studio)
        qtbot.addWidget(page)
        actions = page.recipe.method_menu().findChildren(QAction)
        next(action for action in actions if action.text() == "Half precision").trigger()
        assert [step.method for step in page.state.flow.draft.recipe.steps] == ["half"]
        assert "Layers" in [field.text() for field in page.recipe.form.findChildren(QLabel)]
