"""Pictures whose judgement changed, and the layers behind a variant."""

import gui_fakes as fakes
import pytest
from compare_fakes import choose_chart, measured_page, workspace_in

from emostudio.core.comparing import LayerProfile, ModelProfile, ProfileReport
from emostudio.core.jobs import JobStatus, ProfileJob

workspace = pytest.fixture(workspace_in)
measured = pytest.fixture(measured_page)


def changed(model):
    picture = {
        "item": "a.png", "truth": "anger", "before": "anger", "now": "fear",
        "confidence_before": 0.9, "confidence_now": 0.7, "png_base64": "",
    }  # fmt: skip
    return {
        "model": model, "against": "teacher", "pictures": 320, "changed": 1, "lost": 1,
        "gained": 0, "shown": [picture],
    }  # fmt: skip


def test_changed_pictures_are_asked_for_once_and_shown_with_their_counts(measured):
    choose_chart(measured, "changes")
    assert "Looking for it…" in fakes.texts(measured.charts)
    job, on_answer, _ = measured.studio.asked[-1]
    assert (job.models, job.data) == (("teacher", "int8", "shared"), "faces")
    on_answer({"data": "faces", "split": "test", "changes": [changed("int8")]})
    words = measured.charts.panels.accessibleDescription()
    assert "1 lost, 0 gained" in words
    assert "a.png Anger Anger 90 % Fear 70 % lost" in words
    choose_chart(measured, "bars")
    choose_chart(measured, "changes")
    assert [j.kind for j, *_ in measured.studio.asked] == ["changes"]


def test_an_answer_about_other_models_is_dropped(measured):
    choose_chart(measured, "changes")
    _, on_answer, _ = measured.studio.asked[-1]
    measured.choose_models.toggle("shared")
    on_answer({"data": "faces", "split": "test", "changes": [changed("shared")]})
    assert "shared" not in measured.charts.panels.accessibleDescription()


def add_profile(page):
    def profiled(model, ms, error=None):
        layer = LayerProfile(
            layer="conv1", kind="conv", kernels=("Conv + Relu",), ms=ms, interval=(ms, 1.1 * ms),
            macs=2_000_000, parameters=10, disk_bytes=4_000, weight_error=error,
        )  # fmt: skip
        return ModelProfile(
            model=model, engine="onnxruntime", threads=1, kernels="real", layers=(layer,),
            other_ms=0.0, total_ms=ms,
        )  # fmt: skip

    report = ProfileReport(
        machine={"cpu": "Test CPU"}, blocks=9,
        profiles=(profiled("teacher", 0.5), profiled("int8", 0.2, 0.04)),
        warnings=("The machine runs on battery",),
    )  # fmt: skip
    run = page.studio.workspace.create_run(ProfileJob(models=("teacher", "int8")))
    page.studio.workspace.update_run(
        run.id, status=JobStatus.DONE, result=report.model_dump(mode="json")
    )
    page.studio.models_changed.emit()


def show_view(page, view):
    page.details.views.set_current(view)
    page.details.views.chosen.emit(view)


def test_layers_stand_beside_those_of_the_baseline_with_kernel_and_error(measured):
    add_profile(measured)
    measured.table.select_id("int8")
    show_view(measured, "layers")
    (row,) = measured.details.layers.table.table.rows
    texts = [row.cells[key].text for key in ("layer", "before", "ms", "macs", "error", "kernel")]
    assert texts == ["conv1", "0.500", "0.200", "2.00", "4.0", "Conv + Relu"]
    assert "0.2000 (0.2000–0.2200) ms" in row.cells["ms"].tooltip
    told = fakes.texts(measured.details)
    assert "onnxruntime, 1 thread, Test CPU" in told
    assert "The machine runs on battery." in told


def test_layers_that_were_not_timed_can_be(measured):
    measured.table.select_id("shared")
    show_view(measured, "layers")
    layers = measured.details.layers
    assert "The layers of shared were not timed yet." in fakes.texts(measured.details)
    assert not layers.table.isVisibleTo(measured)
    layers.again.click()
    job = measured.studio.submitted[-1]
    assert isinstance(job, ProfileJob)
    assert job.models == ("teacher", "shared")
    assert "Timing the layers of shared" in measured.note.text()


def test_profiled_layers_are_a_chart(measured):
    add_profile(measured)
    choose_chart(measured, "layers")
    words = measured.charts.panels.accessibleDescription()
    assert "conv1 int8 0.2" in words
