"""The paper's tables as files: every format whole, every number with what belongs to it."""

import csv
import json
from datetime import UTC, datetime

import pytest

from emostudio.core.errors import InputError
from emostudio.paper.results import (
    Caveat,
    ColumnInfo,
    ErrorCurve,
    Finding,
    Measured,
    ResultCell,
    ResultRow,
    ResultTable,
)
from emostudio.reports.base import PaperReport
from emostudio.reports.catalogue import WRITERS
from emostudio.reports.paper import write_tables
from emostudio.reports.tracking import runs_of_tables

NOW = datetime(2026, 1, 1, tzinfo=UTC)

OURS = Measured(
    value=91.25, low=88.0, high=94.0, basis="95 %, Wilson, 400 pictures", engine="onnxruntime",
    machine="Test CPU, 2 cores",
)  # fmt: skip
COUNTED = OURS.model_copy(update={"value": 1.5, "low": 1.5, "high": 1.5, "basis": "exact"})


def table(key="table2"):
    return ResultTable(
        key=key,
        title="Table 2. Time & size",
        columns=(
            ColumnInfo(key="accuracy", title="Accuracy", unit="%"),
            ColumnInfo(key="size", title="Size", unit="MiB", decimals=2),
        ),
        rows=(
            ResultRow(
                key="bwn",
                title="BWN",
                reference="Table 2, row 5",
                cells={
                    "accuracy": ResultCell(paper=98.57, ours=OURS),
                    "size": ResultCell(paper=11.6, ours=None, as_paper=COUNTED),
                },
                verdict="Not decided",
                seeds=(0, 1),
                caveats=("measured with binary weights",),
            ),
        ),
        curves=(
            ErrorCurve(
                key="figure1",
                title="VGG-S",
                reference="Figure 1",
                train_error=(0.5, 0.3),
                test_error=(0.4, None),
                paper_error=0.03,
                paper_words="paper, last: 2.87 %",
            ),
        ),
        findings=(Finding(title="softmax above labels", words="+ 3 points", verdict="Proved"),),
        caveats=(Caveat(title="Other pictures.", words="Drawn <faces> & more."),),
        facts={"Data": "drawn faces", "Machine": "Test CPU"},
        parts_done=1,
        parts_total=2,
    )


@pytest.mark.parametrize("suffix", sorted(WRITERS.members()))
@pytest.mark.parametrize("count", [1, 2])
def test_every_format_is_written_whole(suffix, count, tmp_path):
    tables = [table(f"table{number}") for number in range(count)]
    out = write_tables(tables, tmp_path / f"paper.{suffix}")
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    assert size_of(out) > 400


@pytest.mark.parametrize("suffix", sorted(WRITERS.members()))
def test_every_format_can_do_without_any_result(suffix, tmp_path):
    bare = table().model_copy(update={"curves": (), "findings": (), "caveats": (), "facts": {}})
    assert size_of(write_tables([bare], tmp_path / f"bare.{suffix}")) > 200


def size_of(out):
    """Of a file, or of all files in a folder."""
    files = out.rglob("*") if out.is_dir() else [out]
    return sum(file.stat().st_size for file in files if file.is_file())


def test_csv_gives_every_number_its_interval_engine_and_machine(tmp_path):
    out = write_tables([table()], tmp_path / "paper.csv")
    with out.open(newline="", encoding="utf-8") as stream:
        accuracy, size, _finding = csv.DictReader(stream)
    assert (accuracy["paper"], accuracy["ours"], accuracy["low"]) == ("98.57", "91.25", "88")
    assert (accuracy["engine"], accuracy["machine"]) == ("onnxruntime", "Test CPU, 2 cores")
    assert (accuracy["interval"], accuracy["seeds"]) == ("95 %, Wilson, 400 pictures", "0 1")
    assert (size["ours"], size["as_paper"]) == ("", "1.5")


def test_csv_has_the_findings_as_lines_of_their_own(tmp_path):
    gap = OURS.model_copy(update={"value": 3.0, "low": 1.0, "high": 5.0})
    found = Finding(title="softmax above labels", words="+ 3", verdict="Proved", difference=gap)
    made = table().model_copy(update={"findings": (found,)})
    with write_tables([made], tmp_path / "p.csv").open(newline="", encoding="utf-8") as stream:
        *_, last = csv.DictReader(stream)
    assert (last["row"], last["verdict"], last["caveats"]) == (found.title, "Proved", "+ 3")
    assert (last["ours"], last["low"], last["high"], last["unit"]) == ("3", "1", "5", "points")
    assert (last["engine"], last["table"]) == ("onnxruntime", "table2")


def test_a_number_without_an_interval_has_none_in_any_format(tmp_path):
    least = OURS.model_copy(
        update={"low": 91.25, "high": 91.25, "basis": "no interval: the least of 9 epochs"}
    )
    cells = table().rows[0].cells | {"accuracy": ResultCell(paper=98.57, ours=least)}
    made = table().model_copy(
        update={"rows": (table().rows[0].model_copy(update={"cells": cells}),)}
    )
    with write_tables([made], tmp_path / "p.csv").open(newline="", encoding="utf-8") as stream:
        accuracy = next(csv.DictReader(stream))
    assert (accuracy["ours"], accuracy["low"], accuracy["high"]) == ("91.25", "", "")
    assert accuracy["interval"].startswith("no interval")
    assert "91.2–91.2" not in write_tables([made], tmp_path / "p.html").read_text("utf-8")
    assert "98.57 & 91.2 &" in write_tables([made], tmp_path / "p.tex").read_text("utf-8")
    (run, _) = runs_of_tables(PaperReport("", (made,), NOW))
    assert [scalar.key for scalar in run.scalars if "accuracy" in scalar.key] == [
        "accuracy/paper", "accuracy/ours",
    ]  # fmt: skip


def test_every_tracked_run_carries_the_table_s_caveats_and_findings():
    runs = runs_of_tables(PaperReport("", (table(),), NOW))
    assert len(runs) == 2
    for run in runs:
        assert "Other pictures. Drawn <faces> & more." in run.tags["caveats"]
        assert run.tags["findings"] == "Proved: softmax above labels. + 3 points"
    assert runs[0].tags["caveats"].startswith("measured with binary weights; ")


def test_html_shows_interval_and_caveats_and_escapes_them(tmp_path):
    text = write_tables([table()], tmp_path / "paper.html").read_text(encoding="utf-8")
    assert "88.0–94.0" in text
    assert "Drawn &lt;faces&gt; &amp; more." in text
    assert "onnxruntime; Test CPU, 2 cores" in text
    assert "<svg" in text


def test_latex_has_as_many_columns_as_heads_and_cells(tmp_path):
    text = write_tables([table()], tmp_path / "paper.tex").read_text(encoding="utf-8")
    (layout,) = [line for line in text.splitlines() if line.startswith(r"\begin{tabular}")]
    (body,) = [line for line in text.splitlines() if line.startswith("BWN")]
    assert len(layout.removeprefix(r"\begin{tabular}{").rstrip("}")) == body.count("&") + 1
    assert r"98.57 & 91.2 [88.0, 94.0]" in body


def test_json_reads_back_as_the_table(tmp_path):
    out = write_tables([table()], tmp_path / "paper.json")
    document = json.loads(out.read_text(encoding="utf-8"))
    assert ResultTable.model_validate(document["tables"][0]) == table()


def test_an_unknown_suffix_is_refused(tmp_path):
    with pytest.raises(InputError):
        write_tables([table()], tmp_path / "paper.docx")
