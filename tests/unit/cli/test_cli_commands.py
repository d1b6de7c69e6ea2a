import json
import os
import subprocess
import sys

import pytest

from emostudio.cli import main
from emostudio.cli.differences import difference
from emostudio.core.jobs import JobStatus, TrainJob
from emostudio.worker import resolve
from emostudio.workspace.store import Workspace

COMMANDS = [
    "quickstart",
    "doctor",
    "methods",
    "architectures",
    "engines",
    "readers",
    "formats",
    "data inspect",
    "data synth",
    "data leaks",
    "data import",
    "import",
    "models",
    "models inspect",
    "models diff",
    "train",
    "compress",
    "ablate",
    "evaluate",
    "bench",
    "breakeven",
    "probe",
    "compare",
    "export",
    "live",
    "paper claims",
    "paper table2",
    "paper table3",
    "paper figures",
    "paper all",
    "jobs",
    "resume",
    "cancel",
]


def run(capfd, *words):
    code = main(list(words))
    captured = capfd.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_a_workspace_and_json(capfd, command):
    code, out, _ = run(capfd, *command.split(), "--help")
    assert code == 0
    assert "--workspace" in out
    assert "--json" in out


def test_paper_claims_are_shown_and_written_without_any_run(capfd, tmp_path):
    out = tmp_path / "claims.csv"
    code, shown, _ = run(
        capfd, "paper", "claims", "--workspace", str(tmp_path / "ws"), "--out", str(out)
    )
    assert code == 0
    assert "BWN and XNOR-Net" in shown
    assert out.read_text().count("Table 1, row") == 30  # memory, file and time of ten claims


def test_paper_refuses_an_unknown_preset_and_file_format(capfd, tmp_path):
    words = ["paper", "table2", "--workspace", str(tmp_path)]
    code, _, error = run(capfd, *words, "--preset", "huge")
    assert (code, "quick, full" in error) == (2, True)
    code, _, error = run(capfd, *words, "--out", "x.docx")
    assert (code, ".html" in error) == (2, True)


def test_breakeven_tells_the_ceiling_and_what_is_not_measured(capfd, tmp_path):
    words = ["breakeven", "squeezenet1_1", "--step", "svd:layers=fire9.squeeze", "--seconds", "0.1"]
    settings = ["--set", "input_size=32", "--workspace", str(tmp_path)]
    code, out, _ = run(capfd, *words, *settings)
    assert code == 0
    assert "svd: at most 1." in out
    code, out, _ = run(capfd, *words, *settings, "--json")
    assert json.loads(out)["outlook"]["method"] == "svd"


def test_help_loads_no_engine():
    script = (
        "import sys; from emostudio.cli import main; assert main(['--help']) == 0;"
        "assert not {'torch', 'cv2', 'PySide6', 'matplotlib', 'onnxruntime'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["evaluate"],
        ["jobs", "--nonsense"],
        ["models", "inspect", "nothing"],
        ["resume", "nothing"],
        ["compress", "--teacher", "t", "--data", "d"],
        ["compress", "--teacher", "t", "--data", "d", "--recipe", "none.json"],
        ["export", "m", "out", "--to", "pickle"],
        ["import", "nothing.onnx", "--preprocessing", "{"],
    ],
)
def test_wrong_usage_and_bad_input_exit_with_two_and_one_line(capfd, tmp_path, words):
    code, out, err = run(capfd, "--workspace", str(tmp_path), *words)
    assert code == 2
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert "Traceback" not in err


def test_errors_are_one_json_document_too(capfd, tmp_path):
    code, out, err = run(
        capfd, "models", "inspect", "nothing", "--json", "--workspace", str(tmp_path)
    )
    assert code == 2
    assert "nothing" in json.loads(out)["error"]["what"]
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize("name", ["methods", "architectures", "engines", "readers", "formats"])
def test_catalogues_are_lists_with_the_promised_keys(capfd, name):
    code, out, _ = run(capfd, name, "--json")
    entries = json.loads(out)
    assert code == 0
    assert entries
    for entry in entries:
        assert {"key", "title", "family", "reference", "settings"} <= set(entry)
        assert "properties" in entry["settings"]


def test_catalogues_are_readable_without_json(capfd):
    code, out, _ = run(capfd, "engines")
    assert code == 0
    assert "onnxruntime" in out


def test_jobs_lists_runs_and_marks_lost_ones(capfd, tmp_path):
    with Workspace.open(tmp_path) as workspace:
        run_id = workspace.create_run(TrainJob(architecture="a", data="d"), "My run").id
        workspace.update_run(run_id, status=JobStatus.RUNNING, pid=None)
    code, out, _ = run(capfd, "jobs", "--json", "--workspace", str(tmp_path))
    assert code == 0
    assert [(row["id"], row["status"]) for row in json.loads(out)] == [(run_id, "lost")]
    assert "My run" in run(capfd, "jobs", "--workspace", str(tmp_path))[1]


def test_a_workspace_may_be_named_before_the_command(capfd, tmp_path):
    with Workspace.open(tmp_path) as workspace:
        workspace.create_run(TrainJob(architecture="a", data="d"), "My run")
    assert "My run" in run(capfd, "--workspace", str(tmp_path), "jobs")[1]


def test_cancel_of_a_waiting_run_is_done_at_once(capfd, tmp_path):
    with Workspace.open(tmp_path) as workspace:
        run_id = workspace.create_run(TrainJob(architecture="a", data="d")).id
    code, out, _ = run(capfd, "cancel", run_id, "--json", "--workspace", str(tmp_path))
    assert code == 0
    assert json.loads(out) == {"run": run_id, "status": "cancelled", "asked": False}


def test_a_done_run_is_not_resumed(capfd, tmp_path):
    with Workspace.open(tmp_path) as workspace:
        run_id = workspace.create_run(TrainJob(architecture="a", data="d")).id
        workspace.update_run(run_id, status=JobStatus.DONE)
    code, _, err = run(capfd, "resume", run_id, "--workspace", str(tmp_path))
    assert code == 2
    assert "already done" in err


def test_without_a_display_the_window_points_to_the_quickstart(capfd, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    code, _, err = run(capfd)
    assert code == 1
    assert "display" in err
    assert "emostudio quickstart" in err


def test_a_new_workspace_holds_no_models(capfd, tmp_path):
    code, out, _ = run(capfd, "models", "--json", "--workspace", str(tmp_path))
    assert code == 0
    assert json.loads(out) == []


def test_models_shipped_with_the_program_are_listed_and_found(capfd, monkeypatch, tmp_path):
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    for name in ("small.safetensors", "card.md"):
        (shipped / name).write_bytes(b"1234")
    monkeypatch.setattr(resolve, "resource_path", lambda *_parts: shipped)
    file = shipped / "small.safetensors"
    assert resolve.bundled_models() == {"small": file}
    code, out, _ = run(capfd, "models", "--json", "--workspace", str(tmp_path / "own"))
    assert code == 0
    assert [(row["name"], row["role"], row["disk_bytes"]) for row in json.loads(out)] == [
        ("small", "bundled", 4)
    ]
    with Workspace.open(tmp_path / "own") as workspace:
        assert resolve.find_model("small", workspace).file == file


def test_the_installed_command_prints_nothing_but_json_on_stdout(tmp_path):
    command = [sys.executable, "-m", "emostudio.cli", "readers", "--json"]
    environment = {**os.environ, "EMOSTUDIO_WORKSPACE": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, check=True, env=environment)
    assert isinstance(json.loads(done.stdout), list)


def report(name, layers):
    figures = ("parameters", "macs", "disk_bytes")
    full = [{"name": n, "kind": "conv", **dict.fromkeys(figures, v)} for n, v in layers.items()]
    total = sum(layers.values())
    return {
        "model": name,
        "architecture": "a",
        "recipe": {},
        "layers": full,
        **dict.fromkeys(figures, total),
    }


def test_layers_that_were_split_are_set_against_the_one_they_replace():
    answer = difference(
        report("a", {"conv1": 4, "conv2": 16}),
        report("b", {"conv1": 4, "conv2.0": 1, "conv2.1": 2, "new": 1}),
    )
    by_name = {layer["name"]: layer for layer in answer["layers"]}
    assert not by_name["conv1"]["changed"]
    assert by_name["conv2"]["b"]["parameters"] == 3
    assert by_name["new"]["a"] is None
    assert answer["ratios"]["macs"] == 2.5


def sizes_of(capfd, tmp_path, *words):
    code, out, err = run(capfd, "models", "inspect", *words, "--workspace", str(tmp_path), "--json")
    assert code == 0, err
    report = json.loads(out)
    return report, {size["what"]: size["size_bytes"] / 2**20 for size in report["sizes"]}


@pytest.mark.parametrize(
    ("words", "parameters", "mib"),
    [
        (("vgg_s_paper",), 97_571_944, "372.21"),
        (("squeezenet1_1",), 726_600, "2.77"),
        (("squeezenet1_1", "--step", "cp"), 556_872, "2.12"),
    ],
)
def test_inspect_gives_the_sizes_of_the_paper_to_the_digit(capfd, tmp_path, words, parameters, mib):
    report, sizes = sizes_of(capfd, tmp_path, *words)
    assert report["parameters"] == parameters
    assert f"{sizes['parameters as stored']:.2f}" == mib
    assert report["disk_bytes"] / 2**20 == sizes["file"] > sizes["parameters as stored"]


def test_inspect_of_an_impossible_step_says_why(capfd, tmp_path):
    words = ("models", "inspect", "vgg_s_lite", "--step", "huffman", "--workspace", str(tmp_path))
    code, _, err = run(capfd, *words)
    assert code == 2
    assert "float32 values hardly repeat" in err


def test_presets_are_named_when_one_is_unknown(capfd, tmp_path):
    words = ("compress", "--teacher", "t", "--data", "d", "--preset", "p9")
    code, _, err = run(capfd, *words, "--workspace", str(tmp_path))
    assert code == 2
    assert "p4: P4: distil" in err


def test_an_unmeasured_machine_is_told_how_to_be_measured(capfd, tmp_path):
    code, out, _ = run(capfd, "probe", "--known", "--workspace", str(tmp_path / "ws"))
    assert code == 0
    assert "emostudio probe" in out
    code, out, _ = run(capfd, "probe", "--known", "--json", "--workspace", str(tmp_path / "ws"))
    assert json.loads(out)["card"] is None


def test_a_file_that_is_no_card_is_bad_input(capfd, tmp_path):
    file = tmp_path / "card.json"
    file.write_text("nonsense", encoding="utf-8")
    words = ("probe", "--card", str(file), "--workspace", str(tmp_path / "ws"))
    code, _, err = run(capfd, *words)
    assert code == 2
    assert "card.json is no machine card" in err


@pytest.mark.parametrize(("command", "has_seeds"), [("claims", False), ("table2", True)])
def test_an_experiment_offers_seeds_only_where_it_trains(capfd, command, has_seeds):
    code, out, _ = run(capfd, "paper", command, "--help")
    assert code == 0
    assert ("--seeds " in out) == has_seeds
    assert "--pool DATA" in out
