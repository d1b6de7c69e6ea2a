"""The paper's tables for people."""

from __future__ import annotations

from typing import Any

from emostudio.cli.output import Output
from emostudio.cli.tables import table
from emostudio.core.units import format_duration
from emostudio.paper.results import ResultTable
from emostudio.paper.words import cell_words, heads


def show_tables(answer: dict[str, Any], output: Output) -> None:
    """Show each table with its findings, caveats and facts."""
    for document in answer["tables"]:
        _show(ResultTable.model_validate(document), output)
    if answer.get("out"):
        output.console.print(answer["out"], markup=False)


def _show(shown: ResultTable, output: Output) -> None:
    console = output.console
    console.print(f"\n{shown.title}", markup=False, style="bold")
    titles = ["", *heads(shown), "Verdict"]
    rows = [[row.title, *cell_words(shown, row), row.verdict] for row in shown.rows]
    table(output, titles, rows)
    for finding in shown.findings:
        console.print(f"{finding.verdict}: {finding.title}. {finding.words}", markup=False)
    for caveat in shown.caveats:
        console.print(f"{caveat.title} {caveat.words}", markup=False, style="dim")
    facts = ". ".join(f"{name}: {words}" for name, words in shown.facts.items())
    if shown.parts_total:
        took = format_duration(shown.seconds)
        facts += f". {shown.parts_done} of {shown.parts_total} parts done, which took {took}"
    console.print(facts, markup=False, style="dim")
