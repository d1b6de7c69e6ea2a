"""The export dialog: formats of the engine, reasons, and what the check of the file found."""

import pytest
from gui_fakes import FakeStudio, entry, open_workspace
from PySide6.QtWidgets import QPushButton

from emostudio.core.events import Failed
from emostudio.core.exported import DEPLOYMENT, EXCHANGE, ExportReport, ParityReport
from emostudio.gui.dialogs import Question
from emostudio.gui.pages.models_export import ExportDialog
from emostudio.gui.theme import theme

FORMATS = (
    entry("onnx", "ONNX", DEPLOYMENT, suffix=".onnx", summary="One file"),
    entry("own", "Own file", EXCHANGE, suffix=".own", summary="For the studio"),
    entry("parts", "ONNX segments", DEPLOYMENT, summary="A folder"),
)
NO_EXITS = "it has no early exit"


def report_of(job, **fields):
    parity = ParityReport(
        inputs=256,
        faces=128,
        largest_difference=2.5e-6,
        mean_difference=1e-7,
        largest_output=4.0,
        tolerance=1e-4,
        same_answers=1.0,
    )
    known = {
        "model": job.model,
        "format": job.to,
        "format_title": "ONNX",
        "file": job.out,
        "files": (job.out, f"{job.out}.parity.json"),
        "disk_bytes": 2_500_000,
        "parity": parity,
        "labels": ("anger", "fear"),
        "input_shape": (3, 48, 48),
        "outputs": "logits",
    }
    return ExportReport(**(known | fields)).model_dump(mode="json")


@pytest.fixture
def studio(qapp, tmp_path):
    theme().install(qapp)
    with open_workspace(tmp_path / "workspace") as workspace:
        made = FakeStudio(workspace)
        made.catalogue = made.catalogue.model_copy(update={"exporters": FORMATS})
        yield made


@pytest.fixture
def dialog(qtbot, studio, tmp_path):
    made = ExportDialog(None, studio, "int8", {"parts": NO_EXITS})
    qtbot.addWidget(made)
    made.path.setText(str(tmp_path / "int8.onnx"))
    return made


def choose(dialog, title):
    dialog.format.setCurrentIndex(dialog.format.findText(title))


def test_the_formats_are_those_of_the_engine_with_the_reason_against_each(dialog, texts):
    titles = [dialog.format.itemText(row) for row in range(dialog.format.count())]
    assert titles == ["ONNX", "Own file", "ONNX segments"]
    assert "One file" in texts(dialog)
    assert "Not as ONNX segments: it has no early exit." in texts(dialog)
    assert dialog.format.currentText() == "ONNX"
    assert not dialog.format.model().item(2).isEnabled()


def test_what_runs_elsewhere_is_proposed_first(qtbot, studio):
    made = ExportDialog(None, studio, "int8", {"onnx": "it has early exits"})
    qtbot.addWidget(made)
    assert made.format.currentText() == "ONNX segments"
    assert made.path.text().endswith("int8-parts")


def test_the_name_follows_the_format(dialog, tmp_path):
    choose(dialog, "Own file")
    assert dialog.path.text() == str(tmp_path / "int8.own")
    assert dialog.runner.isHidden()
    choose(dialog, "ONNX")
    assert dialog.path.text() == str(tmp_path / "int8.onnx")
    assert not dialog.runner.isHidden()


def test_the_result_says_how_closely_the_file_agrees(dialog, studio, texts, tmp_path):
    dialog.runner.setChecked(True)
    dialog.finish()
    job, on_answer, _ = studio.asked[-1]
    assert (job.model, job.to, job.replace, job.runner) == ("int8", "onnx", False, True)
    assert job.out == str(tmp_path / "int8.onnx")
    assert not dialog.ok.isEnabled()
    on_answer(report_of(job))
    assert "int8.onnx was written." in dialog.note.text()
    assert "largest difference 2.5e-06" in dialog.note.text()
    assert "same answer for 100.0 % of 256 pictures" in dialog.note.text()
    assert "int8.onnx.parity.json" in dialog.note.text()
    assert "Close" in texts(dialog)


def test_what_must_be_known_before_use_is_said(dialog, studio):
    dialog.finish()
    job, on_answer, _ = studio.asked[-1]
    on_answer(report_of(job, notes=("Its arithmetic is imitated in float32",)))
    assert "Its arithmetic is imitated in float32." in dialog.note.text()


def test_a_refusal_stays_open_with_the_reason(dialog, studio):
    dialog.show()
    dialog.finish()
    _, _, on_error = studio.asked[-1]
    on_error(Failed(what="The export was not written", why="its outputs differ", next_step="x"))
    assert dialog.isVisible()
    assert "Its outputs differ." in dialog.note.text()
    assert dialog.ok.isEnabled()


@pytest.mark.parametrize("answer", ["Keep it", "Replace"])
def test_what_is_there_is_replaced_only_if_the_user_says_so(
    dialog, studio, qtbot, tmp_path, answer
):
    (tmp_path / "int8.onnx").write_text("mine")
    dialog.finish()
    assert not studio.asked
    question = dialog.findChild(Question)
    buttons = {made.text(): made for made in question.findChildren(QPushButton)}
    buttons[answer].click()
    assert [job.replace for job, *_ in studio.asked] == ([True] if answer == "Replace" else [])


def test_without_a_place_nothing_starts(dialog, qtbot):
    dialog.path.selectAll()
    qtbot.keyClicks(dialog.path, " ")
    assert not dialog.ok.isEnabled()
    assert dialog.why_not.text() == "Say where to write it"


def test_before_the_engine_is_there_the_dialog_says_so(qtbot, studio):
    studio.catalogue = None
    made = ExportDialog(None, studio, "int8", {})
    qtbot.addWidget(made)
    assert made.why_not.text() == "The engine is still starting"
    assert not made.ok.isEnabled()
