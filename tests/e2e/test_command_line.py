"""The command line's promises: one JSON document with the keys scripts rely on, exit codes."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from emostudio.cli import main
from emostudio.workspace.records import UserSettings
from emostudio.workspace.store import Workspace

DATA = "synthetic:identities=6,size=24,cameras=090,gazes=frontal"
TRAIN = (
    "train", "--arch", "vgg_s_lite", "--data", DATA, "--name", "teacher", "--set", "epochs=2",
    "input_size=24", "channels=1", "width=0.125", "dense_width=16", "batch_size=16",
)  # fmt: skip
SMALL_STEP = "deep_compression:epochs=1,centroid_epochs=1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("command-line") / "ws"
    with Workspace.open(folder) as workspace:
        workspace.save_settings(UserSettings(threads=1, device="cpu"))
    return folder


@pytest.fixture
def command(folder, capfd):
    """Run a command with --json and return its document."""

    def run(*words, code=0):
        assert main([*words, "--json", "--workspace", str(folder)]) == code
        return json.loads(capfd.readouterr().out)

    return run


@pytest.fixture
def models(folder, command):
    """The names of a teacher and a variant, made once."""
    with Workspace.open(folder) as workspace:
        names = {model.name for model in workspace.models()}
    if "teacher" not in names:
        trained = command(*TRAIN)
        assert trained["model"] == "teacher"
    if "small" not in names:
        command(
            "compress", "--teacher", "teacher", "--data", DATA, "--step", SMALL_STEP,
            "--name", "small",
        )  # fmt: skip
    return "teacher", "small"


def test_compress_answers_with_run_file_plan_and_ledger(folder, command, models):
    answer = command("compress", "--teacher", "teacher", "--data", DATA, "--step", SMALL_STEP)
    assert {"run", "model", "file", "plan", "stages"} <= set(answer)
    assert [stage["step"] for stage in answer["stages"]] == [
        "teacher",
        "magnitude_pruning",
        "weight_sharing",
        "huffman",
    ]
    for stage in answer["stages"]:
        assert {"step", "accuracy", "disk_bytes", "latency_ms"} <= set(stage)
    with Workspace.open(folder) as workspace:
        record = workspace.model(answer["model"])
        assert record.disk_bytes == answer["stages"][-1]["disk_bytes"]
        assert record.disk_bytes < workspace.model("teacher").disk_bytes / 3
        assert record.parent == "teacher"


def test_a_recipe_file_is_planned_without_doing_anything(command, models, tmp_path):
    recipe = tmp_path / "r.json"
    recipe.write_text(json.dumps({"steps": [{"method": "huffman"}, {"method": "cp"}]}))
    answer = command(
        "compress", "--teacher", "teacher", "--data", DATA, "--recipe", str(recipe), "--plan"
    )
    assert answer["refusals"]


def test_inspect_keeps_its_keys(command, models):
    answer = command("models", "inspect", "small")
    assert {
        "model", "architecture", "parameters", "macs", "disk_bytes", "input_shape", "labels",
        "layers", "recipe",
    } <= set(answer)  # fmt: skip
    for layer in answer["layers"]:
        assert {"name", "kind", "parameters", "macs", "disk_bytes"} <= set(layer)


def test_diff_sets_layers_side_by_side(command, models):
    answer = command("models", "diff", *models)
    assert answer["ratios"]["disk_bytes"] > 3
    assert all(layer["a"] and layer["b"] for layer in answer["layers"])


def test_evaluate_keeps_its_keys_and_pairs_with_the_first(command, models):
    answer = command("evaluate", *models, "--data", DATA)
    for result in answer["results"]:
        assert {
            "model", "samples", "accuracy", "accuracy_interval", "macro_f1", "balanced_accuracy",
            "confusion", "labels",
        } <= set(result)  # fmt: skip
    assert [(pair["a"], pair["b"]) for pair in answer["paired"]] == [models]


def test_bench_keeps_its_keys_and_a_brief_one_may_not_be_published(command, models, tmp_path):
    answer = command("bench", *models, "--engine", "onnxruntime", "--blocks", "3", "--pairs", "3")
    assert {"machine", "results", "ratios"} <= set(answer)
    for result in answer["results"]:
        assert {
            "model", "engine", "threads", "kernels", "latency_ms", "disk_bytes", "resident_bytes",
            "parameters", "macs",
        } <= set(result)  # fmt: skip
        assert set(result["latency_ms"]) == {"p50", "p95", "p99"}
        assert result["resident_bytes"] > 10_000_000
    assert {"a", "b", "ratio", "interval", "verdict"} <= set(answer["ratios"][0])
    hasty = tmp_path / "hasty.csv"
    command("compare", *models, "--out", str(hasty), "--publish", code=2)
    assert not hasty.exists()


def test_compare_writes_what_its_suffix_says(command, models, tmp_path):
    command("evaluate", *models, "--data", DATA)
    for suffix in ("html", "csv"):
        answer = command("compare", *models, "--out", str(tmp_path / f"out.{suffix}"))
        assert (tmp_path / f"out.{suffix}").read_text().count("small")
        assert [row["model"] for row in answer["rows"]] == list(models)
    command("compare", *models, "--out", str(tmp_path / "out.exe"), code=2)


def test_export_checks_parity_and_comes_back_by_import(command, models, tmp_path):
    out = tmp_path / "out.onnx"
    answer = command("export", "small", "--to", "onnx", str(out))
    assert answer["parity"]["largest_difference"] < 1e-4
    back = command("import", str(out), "--name", "back")
    assert back["report"]["labels"] == command("models", "inspect", "small")["labels"]


def test_live_prints_counters_of_all_variants(command, models):
    answer = command("live", "--source", "synthetic", "--variants", *models, "--seconds", "1.5")
    assert {"source", "frames", "dropped", "stages_ms", "variants"} <= set(answer)
    assert answer["frames"] > 0
    for variant in answer["variants"]:
        assert {"model", "engine", "inferences", "fps", "latency_ms", "accuracy"} <= set(variant)
    assert len({variant["inferences"] for variant in answer["variants"]}) == 1


def test_data_commands_answer_about_drawn_faces(command, tmp_path):
    out = tmp_path / "faces"
    drawn = command("data", "synth", str(out), "--set", "identities=3", "size=24", "cameras=090")
    assert drawn["pictures"] == sum(1 for _ in out.rglob("*.jpg"))
    report = command("data", "inspect", str(out))
    assert report["samples"] == drawn["pictures"]
    assert report["reader"] == "rafd"
    assert "leak_counts" in command("data", "leaks", str(out))
    command("data", "inspect", str(tmp_path / "nowhere"), code=2)


def test_doctor_says_what_works(command):
    answer = command("doctor")
    works = {check["name"]: check["works"] for check in answer["checks"]}
    assert works["PyTorch"]
    assert works["ONNX Runtime"]


def test_the_same_seed_gives_the_same_model(folder, command, models):
    command(*TRAIN[:6], "again", *TRAIN[7:])
    with Workspace.open(folder) as workspace:
        first, second = workspace.model("teacher"), workspace.model("again")
    assert first.evaluations[-1].result.confusion == second.evaluations[0].result.confusion


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_ctrl_c_cancels_with_a_checkpoint_and_resume_goes_on(folder, command):
    words = [*TRAIN[:6], "stopped", *TRAIN[7:], "epochs=40", "checkpoint_s=0"]
    words += ["early_stop_patience=0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "emostudio.cli", *words, "--json", "--workspace", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        run_id = _wait_for_checkpoint(folder, process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130
    assert json.loads(out)["error"]["what"] == "Cancelled"
    assert b"Traceback" not in err
    assert command("jobs")[0]["status"] == "cancelled"
    answer = command("resume", run_id)
    assert answer["epochs"] == 40
    assert command("jobs")[0]["status"] == "done"


def _wait_for_checkpoint(folder, process):
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        with Workspace.open(folder) as workspace:
            for run in workspace.runs():
                if run.kind == "train" and run.status == "running":
                    found = list((run.folder / "checkpoints").glob("*"))
                    if found:
                        return run.id
        time.sleep(0.1)
    raise AssertionError("the training never saved a checkpoint")
