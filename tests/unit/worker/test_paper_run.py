"""All of the paper's experiments run to their end through the real engine, on a tiny preset."""

import dataclasses

import pytest

from emostudio.core.events import Finished
from emostudio.core.jobs import PaperJob
from emostudio.paper import presets
from emostudio.paper.results import ResultTable
from emostudio.worker.execute import execute
from emostudio.workspace.records import UserSettings
from emostudio.workspace.store import Workspace

FACES = "synthetic:identities=14,size=24,cameras=090,gazes=frontal"


def tiny(network, **settings):
    training = {"epochs": 1, "batch_size": 4, "max_images": 64}
    return dataclasses.replace(network, settings=settings, training=training)


@pytest.fixture
def tiny_preset(monkeypatch):
    quick = presets.PRESETS["quick"]
    size = {"input_size": 24, "channels": 1}
    few = {"epochs": 1, "batch_size": 4, "max_images": 64}
    made = dataclasses.replace(
        quick,
        data=FACES,
        other_data=f"{FACES},seed=5",
        vgg=tiny(quick.vgg, **size, width=0.125, dense_width=16),
        squeezenet=tiny(quick.squeezenet, **size, bn=True),
        methods={
            **{key: {**values, **few} for key, values in quick.methods.items()},
            "xnor": {**few, "activation_epochs": 1},
            "xnor_released": {**few, "mode": "paper", "layers": "conv2 conv3 conv4"},
            "cp": {**few, "epochs_per_layer": 0, "sweeps": 2, "polish": 0, "restarts": 0,
                   "max_degeneracy": 1e6},
        },
        student={**quick.student, **few, "input_size": 24},
        distillation_seeds=1,
        blocks=3,
        pairs=3,
    )  # fmt: skip
    monkeypatch.setattr(presets, "PRESETS", {"quick": made})


@pytest.fixture
def tables(tiny_preset, tmp_path):
    with Workspace.open(tmp_path) as workspace:
        workspace.save_settings(UserSettings(threads=1, device="cpu"))
        last = list(execute(PaperJob(), workspace))[-1]
    assert isinstance(last, Finished), last
    return {table["key"]: ResultTable.model_validate(table) for table in last.result["tables"]}


@pytest.mark.slow
def test_every_part_is_done_and_every_number_has_what_belongs_to_it(tables):
    for table in tables.values():
        assert table.is_complete, table.title
    numbers = [
        measured
        for table in tables.values()
        for row in table.rows
        for cell in row.cells.values()
        for measured in (cell.ours, cell.as_paper)
        if measured is not None
    ]
    assert len(numbers) > 80
    for measured in numbers:
        assert measured.low <= measured.value <= measured.high
        assert measured.basis
        assert measured.engine
        assert measured.machine
    table2 = {row.key: row for row in tables["table2"].rows}
    assert table2["vgg_s"].cells["training_ms"].ours.value > 0
    assert table2["bwn"].cells["size_mib"].ours.value < table2["vgg_s"].cells["size_mib"].ours.value
    assert table2["binary_activations"].cells["inference_ms"].ours is None
    assert table2["binary_activations"].verdict == "Simulated"
    assert len(tables["figures"].curves) == 6
    xnor = next(curve for curve in tables["figures"].curves if curve.title == "XNOR-Net")
    assert len(xnor.train_error) == 2  # two stages of an epoch each
    agreement = tables["table3"].rows[0].cells["agreement"]
    assert "pictures" in agreement.ours.basis
    assert agreement.as_paper is not None
    for key in ("table2", "table3", "figures"):
        assert tables[key].facts["Versions"].startswith("EmoStudio ")
        assert "torch " in tables[key].facts["Versions"]
