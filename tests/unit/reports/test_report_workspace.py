import json

import pytest

from emostudio.core.answers import BenchReport
from emostudio.core.errors import InputError
from emostudio.core.events import EpochDone, event_line
from emostudio.core.jobs import DescribeJob
from emostudio.reports.comparison import write_comparison
from emostudio.workspace.store import Workspace


@pytest.fixture
def workspace(records, tmp_path):
    with Workspace.open(tmp_path / "workspace") as workspace:
        run = workspace.create_run(DescribeJob())
        lines = [
            event_line(
                EpochDone(
                    epoch=1 + number % 2,
                    epochs=2,
                    train_loss=1.0,
                    train_error=0.5,
                    validation_error=0.6,
                    learning_rate=0.1,
                    seconds=1.0,
                )
            )
            for number in range(3)
        ]
        (run.folder / "events.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        for record in records[:2]:
            file = workspace.models_folder / f"{record.name}.safetensors"
            file.write_bytes(b"x" * 1000)
            run_id = run.id if record.name == "fast" else None
            workspace.add_model(file, record.info, role=record.role, run=run_id)
            evaluation = record.evaluations[0]
            workspace.add_evaluation(
                record.name, "faces", "test", evaluation.result, evaluation.paired
            )
        benches = [record.benches[0] for record in records[:2]]
        workspace.add_bench(
            BenchReport(
                machine=benches[0].machine,
                results=tuple(bench.result for bench in benches),
                ratios=benches[1].ratios,
            )
        )
        yield workspace


def test_a_comparison_shows_what_the_workspace_knows(workspace, tmp_path):
    out = write_comparison(workspace, ["fast", "teacher"], tmp_path / "c.json", title="Mine")
    document = json.loads(out.read_text("utf-8"))
    assert document["title"] == "Mine"
    assert [row["model"] for row in document["rows"]] == ["teacher", "fast"]
    assert document["rows"][1]["verdict"] == "Proved"
    assert document["rows"][1]["speed"]["ratio"] == 4.0
    assert document["facts"]["Data"] == "faces, test split, 100 images"


def test_epochs_of_several_training_steps_are_counted_through(workspace, tmp_path):
    out = write_comparison(workspace, ["fast", "teacher"], tmp_path / "c.json")
    (curve,) = json.loads(out.read_text("utf-8"))["curves"]
    assert (curve["model"], curve["epochs"]) == ("fast", [1, 2, 3])


def test_unknown_models_and_suffixes_leave_no_file(workspace, tmp_path):
    with pytest.raises(InputError, match="no model called"):
        write_comparison(workspace, ["nobody"], tmp_path / "c.html")
    with pytest.raises(InputError, match="cannot be written"):
        write_comparison(workspace, ["teacher"], tmp_path / "c.docx")
    assert {path.name for path in tmp_path.iterdir()} == {"workspace"}
