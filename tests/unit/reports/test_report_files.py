import csv
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from emostudio.core.errors import InputError
from emostudio.reports.catalogue import WRITERS
from emostudio.reports.comparison import Extras, build, check_suffix
from emostudio.workspace.charts.base import Chart, Gallery, Matrix, Picture
from emostudio.workspace.charts.material import TrainingCurve

CURVES = (TrainingCurve("fast", 1, (1, 2, 3), (0.5, 0.3, 0.2), (0.6, 0.4, None)),)


def test_all_promised_formats_are_there():
    assert set(WRITERS.members()) == {
        "html", "pdf", "svg", "png", "csv", "tex", "json", "tikz", "tensorboard",
        "mlruns",
    }  # fmt: skip


@pytest.mark.parametrize("suffix", sorted(WRITERS.members()))
def test_every_format_is_written_whole(suffix, records, tmp_path, write):
    out = write(records, tmp_path / "out" / f"comparison.{suffix}", extras=Extras(curves=CURVES))
    assert [path.name for path in out.parent.iterdir()] == [f"comparison.{suffix}"]
    starts = {"pdf": b"%PDF", "png": b"\x89PNG", "html": b"<!doctype", "json": b"{"}
    content = contents(out)
    assert len(content) > 500
    assert content.startswith(starts.get(suffix, b""))


@pytest.mark.parametrize("suffix", sorted(WRITERS.members()))
def test_every_format_can_do_with_nothing_measured(suffix, records, tmp_path, write):
    bare = [records[0].model_copy(update={"evaluations": (), "benches": ()})]
    assert len(contents(write(bare, tmp_path / f"bare.{suffix}"))) > 100


def contents(out):
    """Of a file, or of all files in a folder."""
    files = sorted(out.rglob("*")) if out.is_dir() else [out]
    return b"".join(file.read_bytes() for file in files if file.is_file())


@pytest.mark.parametrize("name", ["comparison.docx", "comparison", "x.pdf.zip"])
def test_unknown_suffixes_are_refused_with_the_known_ones(name, tmp_path):
    with pytest.raises(InputError, match=r"\.html"):
        check_suffix(tmp_path / name)


def test_suffixes_may_be_upper_case(records, tmp_path, write):
    assert write(records, tmp_path / "TABLE.CSV").read_bytes().startswith(b"variant,")


def test_nothing_to_compare_is_refused(tmp_path, write):
    with pytest.raises(InputError, match="nothing to compare"):
        write([], tmp_path / "empty.html")
    assert not list(tmp_path.iterdir())


def test_csv_holds_full_numbers_and_blanks_for_what_is_missing(records, tmp_path, write):
    out = write(records, tmp_path / "table.csv")
    with out.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["variant"] for row in rows] == ["teacher", "fast", "packed & small", "bits"]
    assert float(rows[1]["inference_p50_ms"]) == 2.5
    assert float(rows[1]["speed_ratio"]) == 4.0
    assert float(rows[2]["disk_mb"]) == 0.2
    assert (rows[3]["inference_p50_ms"], rows[3]["speed_low"]) == ("", "")
    assert (rows[0]["macro_f1_low"], rows[0]["macro_f1_high"]) == ("0.84", "0.95")
    assert (rows[0]["accuracy_low_percent"], rows[0]["accuracy_high_percent"]) == ("85", "94")
    assert [row["verdict"] for row in rows] == ["Baseline", "Proved", "Size only", "Simulated"]


def test_csv_says_in_every_line_what_bars_it_from_publication(records, tmp_path, write):
    bars = ("Only 9 blocks; 30 are needed", "fast was timed for 3.0 s only")
    bench = records[0].benches[0].model_copy(update={"blockers": bars})
    barred = [records[0].model_copy(update={"benches": (bench,)}), *records[1:]]
    report, chart = build(barred), tmp_path / "bars.csv"
    bar_chart = next(chart for chart in report.charts if chart.key == "bars")
    WRITERS.get("csv").write_chart(report, bar_chart, chart)
    for out in (write(barred, tmp_path / "all.csv"), chart):
        with out.open(newline="", encoding="utf-8") as stream:
            told = {row["not_for_publication"] for row in csv.DictReader(stream)}
        # a chart's tables lie below each other, each with its heads
        assert told - {"not_for_publication"} == {"; ".join(bars)}
    shown = {made.key: made.blockers for made in report.charts}
    assert shown["bars"] == bars
    assert shown["classes"] == ()  # it has no times
    clean = write(records, tmp_path / "clean.csv").read_text("utf-8")
    assert ",not_for_publication" in clean
    assert "blocks" not in clean


def test_json_holds_the_measurements_and_the_caveats(records, tmp_path, write):
    document = json.loads(
        write(records, tmp_path / "c.json", extras=Extras(curves=CURVES)).read_text("utf-8")
    )
    assert document["baseline"] == "teacher"
    assert document["rows"][1]["latency_ms"]["p50"] == 2.5
    assert document["curves"][0]["model"] == "fast"
    assert any("Article 5(1)(f)" in caveat for caveat in document["caveats"])


def test_tex_escapes_names_and_uses_booktabs(records, tmp_path, write):
    text = write(records, tmp_path / "t.tex").read_text("utf-8")
    assert r"packed \& small" in text
    assert r"\textbf{90.0} {\footnotesize [85.0, 94.0]}" in text
    assert r"\textbf{0.900} {\footnotesize [0.840, 0.950]}" in text
    tables = re.findall(r"\\begin{tabular}{(\w+)}(.*?)\\end{tabular}", text, re.DOTALL)
    assert len(tables) == 2  # results, and sizes: one table would be too wide to read
    for columns, table in tables:
        body = table[table.index(r"\midrule") : table.index(r"\bottomrule")]
        for line in body.splitlines()[1:]:
            assert line.replace(r"\&", "").count("&") == len(columns) - 1
    assert not set(text) & set("×–−")


@pytest.mark.parametrize(
    ("panel", "layout"),
    [
        (Gallery("Changes", ()), "lrrrr"),
        (Gallery("Changes", (Picture("a.png", "", "joy", "fear", "joy", "gained"),)), "lllll"),
        (Matrix("Confusion", ("joy",), ("joy", "fear"), ((90.0, 10.0),)), "lrr"),
    ],
)
def test_tex_writes_a_charts_numbers_however_many_there_are(panel, layout, records, tmp_path):
    chart = Chart("changes", "Changes", "", (panel,))
    WRITERS.get("tex").write_chart(build(records), chart, tmp_path / "t.tex")
    text = (tmp_path / "t.tex").read_text("utf-8")
    assert rf"\begin{{tabular}}{{{layout}}}" in text
    assert all(len(line.split("&")) == len(layout) for line in text.splitlines() if " & " in line)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="LaTeX is not installed")
def test_tex_compiles(records, tmp_path, write):
    table = write(records, tmp_path / "t.tex").name
    head = r"\documentclass{article}\usepackage{booktabs,graphicx}"
    page = head + r"\begin{document}\input{%s}\end{document}"
    (tmp_path / "page.tex").write_text(page % table)
    subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )


HOSTILE = "A title\n\nwith\x0ba gap, \x00\x1b\x7f \ud800 \ufffe, ƀ ǝ ą Ð « 1\u00a0%\u202f» $_{}"


@pytest.mark.parametrize("suffix", sorted(set(WRITERS.members()) - {"tensorboard", "mlruns"}))
def test_a_title_of_any_signs_is_one_line_in_every_format(suffix, records, tmp_path, write):
    assert (
        build(records, title=HOSTILE).title
        == "A title with a gap, , ƀ ǝ ą Ð « 1\u00a0%\u202f» $_{}"
    )
    out = write(records, tmp_path / f"c.{suffix}", title=HOSTILE)
    content = out.read_bytes()
    if suffix in {"svg", "html", "tex", "tikz"}:
        assert not set(content) & {0x00, 0x0B, 0x1B, 0x7F}
    if suffix == "svg":
        ET.parse(out)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="LaTeX is not installed")
@pytest.mark.parametrize("font", ["", r"\usepackage[T1]{fontenc}"])
def test_every_letter_of_a_title_compiles(font, records, tmp_path, write):
    letters = "".join(map(chr, [*range(0x20, 0x400), 0x2028, 0x202F, 0x2212, 0x1F600]))
    table = write(records, tmp_path / "t.tex", title=HOSTILE + letters).name
    head = rf"\documentclass{{article}}{font}\usepackage{{booktabs,graphicx,amssymb}}"
    page = head + r"\begin{document}\input{%s}\end{document}"
    (tmp_path / "page.tex").write_text(page % table)
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=tmp_path, check=False, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-500:]


def test_a_verdict_against_another_than_the_baseline_says_so_in_every_format(
    records, tmp_path, write
):
    child = records[1].model_copy(update={"name": "child", "parent": "packed & small", "slot": 4})
    words = "Verdicts against the model it was made from, not teacher: child (against packed"
    for suffix in ("html", "tex", "json"):
        text = write([*records, child], tmp_path / f"c.{suffix}").read_text("utf-8")
        assert words in text
        assert words not in write(records, tmp_path / f"d.{suffix}").read_text("utf-8")
    page = (tmp_path / "c.html").read_text("utf-8")
    assert page.count(">against packed &amp; small<") == 1
    assert "<small>against teacher, or as said</small>" in page
    assert "<small>against teacher</small>" in (tmp_path / "d.html").read_text("utf-8")


def test_svg_is_well_formed(records, tmp_path, write):
    root = ET.parse(write(records, tmp_path / "c.svg")).getroot()
    assert root.tag.endswith("svg")


class _Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.outside = []

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in {"src", "href"} and value and not value.startswith(("#", "data:")):
                self.outside.append((tag, value))
        if tag in {"script", "link", "iframe"}:
            self.outside.append((tag, ""))


def test_html_loads_nothing_from_outside(records, tmp_path, write):
    text = write(records, tmp_path / "c.html", extras=Extras(curves=CURVES)).read_text("utf-8")
    links = _Links()
    links.feed(text)
    assert links.outside == []
    assert "url(http" not in text


def test_html_escapes_names(records, tmp_path, write):
    evil = records[1].model_copy(update={"name": "<script>alert(1)</script>"})
    out = write([records[0], evil], tmp_path / "c.html", title="<b>bold</b>")
    text = out.read_text("utf-8")
    assert "<script" not in text
    assert "<b>bold" not in text


def test_html_says_what_was_proved_and_how(records, tmp_path, write):
    text = write(
        records, tmp_path / "c.html", extras=Extras(synthetic=frozenset({"faces"}))
    ).read_text("utf-8")
    assert "Fastest, at a loss of accuracy: fast" in text
    assert "4.00× faster than teacher (95 % 3.94–4.06)" in text
    assert "packed &amp; small is the smallest: 40.00× smaller on disk than teacher" in text
    for words in ("Test CPU", "1 thread", "690 queries", "faces, test split", "photographs"):
        assert words in text


def test_photographs_get_no_warning_about_drawn_faces(records, tmp_path, write):
    assert "drawn faces" not in write(records, tmp_path / "c.html").read_text("utf-8")
