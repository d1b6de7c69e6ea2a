from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from emostudio.core.answers import (
    BenchResult,
    EvaluationResult,
    Latency,
    LayerReport,
    PairedResult,
    Ratio,
)
from emostudio.core.emotions import LABEL_ORDERS, Emotion
from emostudio.core.model_info import ModelInfo, Preprocessing
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.gui.pages.models_dialogs import ImportDialog, TrainDialog
from emostudio.gui.pages.models_rows import changes, layer_rows, lineage_items, verdict_of
from emostudio.gui.pages.models_side import ChangesCard
from emostudio.gui.theme import theme
from emostudio.qt.studio import Studio
from emostudio.workspace.records import BenchRecord, EvaluationRecord, ModelRecord

Texts = Callable[[object], str]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def accuracy(share: float) -> EvaluationRecord:
    result = EvaluationResult(
        model="m", samples=100, accuracy=share, accuracy_interval=(share, share), macro_f1=share,
        balanced_accuracy=share, confusion=((1,),), labels=("anger",),
    )  # fmt: skip
    return EvaluationRecord(dataset="d", split="test", measured=NOW, result=result)


def bench(name: str, p50: float, ratios: tuple[Ratio, ...] = (), batch: str = "b1") -> BenchRecord:
    result = BenchResult(
        model=name, engine="torch", threads=1, kernels="real", latency_ms=Latency(p50=p50),
        disk_bytes=1, resident_bytes=None, parameters=1, macs=1,
    )  # fmt: skip
    return BenchRecord(measured=NOW, bench=batch, machine={}, result=result, ratios=ratios)


def record(name: str, parent: str | None = None, **fields: object) -> ModelRecord:
    steps = (RecipeStep(method="cp"),) if parent else ()
    info = ModelInfo(
        name=name, architecture="tiny", labels=(Emotion.ANGER,), preprocessing=Preprocessing(),
        recipe=Recipe(steps=steps),
    )  # fmt: skip
    known: dict[str, object] = {
        "name": name, "role": "variant" if parent else "teacher", "file": Path(name),
        "info": info, "disk_bytes": 4_000_000, "parameters": 1_000_000, "macs": 2_000_000,
        "parent": parent, "created": NOW, "slot": 0,
    }  # fmt: skip
    return ModelRecord(**(known | fields))  # type: ignore[arg-type]


def test_descendants_stand_below_their_parents() -> None:
    models = [record("t"), record("b", "a"), record("a", "t"), record("u")]
    items = lineage_items(models, {})
    assert [(item.name, item.depth) for item in items] == [("t", 0), ("a", 1), ("b", 2), ("u", 0)]


def test_models_that_name_each_other_as_parents_do_not_hang() -> None:
    items = lineage_items([record("a", "b"), record("b", "a"), record("t")], {})
    assert [item.name for item in items] == ["t"]


def test_heat_is_scaled_per_column_and_missing_costs_are_dashes() -> None:
    layers = [
        LayerReport(name="conv", kind="Conv", parameters=500, macs=2_000_000, disk_bytes=100),
        LayerReport(name="fc", kind="Linear", parameters=1_000, macs=0, disk_bytes=50),
    ]
    rows = layer_rows(layers)
    assert rows[0].cells["parameters"].heat == 0.5
    assert rows[1].cells["parameters"].heat == 1.0
    assert rows[1].cells["macs"].text == "–"
    assert rows[-1].is_total
    assert rows[-1].cells["disk"].text == "0.1"


def test_changes_name_size_time_and_accuracy_against_the_parent() -> None:
    ratio = Ratio(a="v", b="t", ratio=1.6, interval=(1.5, 1.7), verdict="v is faster")
    parent = record("t", benches=(bench("t", 8.0, (ratio,)),), evaluations=(accuracy(0.9),))
    child = record(
        "v", "t", disk_bytes=1_000_000, benches=(bench("v", 5.0, (ratio,)),),
        evaluations=(accuracy(0.88),),
    )  # fmt: skip
    found = {change.name: change for change in changes(child, parent)}
    assert found["On disk"].words == "÷ 4.0"
    assert found["Parameters"].words == "no change"
    assert found["Inference, p50"].words == "1.60× the speed"
    assert found["Inference, p50"].tip == "1.60× (95 % 1.50–1.70), torch, 1 thread"
    assert found["Accuracy"].words == "−\N{NO-BREAK SPACE}2.0 points"
    assert "were not evaluated together" in found["Accuracy"].tip
    assert verdict_of(child, parent) == "Proved"


def test_accuracies_on_different_pictures_are_not_compared() -> None:
    here = accuracy(0.9).model_copy(update={"fingerprint": "here"})
    elsewhere = accuracy(0.5).model_copy(update={"fingerprint": "elsewhere"})
    parent, child = record("t", evaluations=(here,)), record("v", "t", evaluations=(elsewhere,))
    assert "Accuracy" not in {change.name for change in changes(child, parent)}
    again = record("v", "t", evaluations=(elsewhere, here))
    assert [c.words for c in changes(again, parent) if c.name == "Accuracy"] == ["0.0 points"]


def test_the_tip_of_a_change_has_the_interval_over_the_same_pictures(
    qtbot: QtBot, qapp: QApplication
) -> None:
    theme().install(qapp)
    paired = PairedResult(
        a="m", b="v", difference=-0.073, interval=(-0.111, 0.035), p_value=0.1, agreement=0.9
    )
    judged = accuracy(0.6).model_copy(update={"paired": (paired,)})
    card = ChangesCard()
    qtbot.addWidget(card)
    parent = record("t", evaluations=(accuracy(0.673),))
    card.show_model(record("v", "t", evaluations=(judged,)), parent, "")
    tips = [part.toolTip() for part in card.findChildren(QWidget)]
    words = "− 7.3 points (95 % − 11.1 to + 3.5), 100 pictures judged by both"
    assert words in [tip.replace("\N{NO-BREAK SPACE}", " ") for tip in tips], tips


def test_times_of_different_benches_are_not_compared() -> None:
    parent = record("t", benches=(bench("t", 8.0, batch="monday"),))
    child = record("v", "t", benches=(bench("v", 5.0, batch="tuesday"),))
    assert "Inference, p50" not in {change.name for change in changes(child, parent)}


def test_without_a_measured_time_the_card_says_so(
    qtbot: QtBot, qapp: QApplication, texts: Texts
) -> None:
    theme().install(qapp)
    card = ChangesCard()
    qtbot.addWidget(card)
    card.show_model(record("v", "t"), record("t"), "")
    assert "Time is not measured" in texts(card)
    card.show_model(record("v", "t"), record("t"), "Simulated")
    assert "no time can be measured" in texts(card)
    card.show_model(record("t"), None, "")
    assert "no parent" in texts(card)


@pytest.fixture
def ready(qtbot: QtBot, studio: Studio) -> Studio:
    with qtbot.waitSignal(studio.catalogue_ready, timeout=20_000):
        studio.start()
    return studio


def test_training_needs_a_dataset_and_says_so(qtbot: QtBot, ready: Studio) -> None:
    dialog = TrainDialog(None, ready)  # type: ignore[arg-type]
    qtbot.addWidget(dialog)
    assert not dialog.ok.isEnabled()
    assert dialog.why_not.text() == "Import a dataset first"


def test_a_refused_import_stays_open_with_the_reason(qtbot: QtBot, ready: Studio) -> None:
    dialog = ImportDialog(None, ready, "/net.onnx")  # type: ignore[arg-type]
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.order.setCurrentIndex(1)
    assert dialog.job().labels is not None
    assert dialog.job().labels[0] == "anger"
    dialog.finish()
    qtbot.waitUntil(dialog.ok.isEnabled, timeout=20_000)
    assert dialog.isVisible()
    assert "no answer to import_model" in dialog.note.text()


def test_published_orders_are_offered_and_written_out(qtbot: QtBot, ready: Studio) -> None:
    dialog = ImportDialog(None, ready, "/net.onnx")  # type: ignore[arg-type]
    qtbot.addWidget(dialog)
    dialog.order.setCurrentText("RAF-DB")
    assert dialog.job().labels == LABEL_ORDERS["RAF-DB"]
    assert {"FER+", "CK+", "Alphabetical, 8"} <= {
        dialog.order.itemText(place) for place in range(dialog.order.count())
    }


def test_typed_labels_replace_the_chosen_order(qtbot: QtBot, ready: Studio) -> None:
    dialog = ImportDialog(None, ready, "/net.onnx")  # type: ignore[arg-type]
    qtbot.addWidget(dialog)
    dialog.order.setCurrentIndex(1)
    dialog.labels.clear()
    qtbot.keyClicks(dialog.labels, "fear, anger")
    assert dialog.job().labels == ("fear", "anger")
    assert dialog.order.currentData() is None


def test_an_onnx_graph_can_be_kept_as_a_black_box(qtbot: QtBot, ready: Studio) -> None:
    dialog = ImportDialog(None, ready, "/net.onnx")  # type: ignore[arg-type]
    qtbot.addWidget(dialog)
    assert dialog.job().onnx == "auto"
    dialog.onnx.setCurrentIndex(2)
    assert dialog.job().onnx == "black_box"
