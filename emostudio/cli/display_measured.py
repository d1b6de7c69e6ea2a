"""Accuracy and speed as tables for people; with JSON the console is silent."""

from __future__ import annotations

from typing import Any

from emostudio.cli.output import Output
from emostudio.cli.tables import milliseconds, percent, size, table
from emostudio.core.answers import Ratio
from emostudio.core.measured import OpenQuestion
from emostudio.core.units import format_bytes
from emostudio.statistics.blocks import claims_difference
from emostudio.workspace.standing import question_lines, settling_blocks

Document = dict[str, Any]


def show_evaluation(report: Document, output: Output) -> None:
    """Show accuracies and pairs."""
    rows = [
        (
            result["model"],
            f"{result['samples']:,}",
            percent(result["accuracy"]),
            " to ".join(percent(bound) for bound in result["accuracy_interval"]),
            _with_bounds(result["macro_f1"], result["macro_f1_interval"]),
            percent(result["balanced_accuracy"]),
        )
        for result in report["results"]
    ]
    table(output, ("Model", "Images", "Accuracy", "95 %", "Macro-F1", "Balanced"), rows)
    for pair in report["paired"]:
        output.console.print(_pair_words(pair), markup=False)
    _show_calibration(report, output)


def _with_bounds(value: float, bounds: list[float] | None) -> str:
    return f"{value:.3f}" + (f" ({bounds[0]:.3f} to {bounds[1]:.3f})" if bounds else "")


def _pair_words(pair: Document) -> str:
    low, high = pair["interval"]
    words = (
        f"{pair['b']} against {pair['a']}: {100 * pair['difference']:+.1f} points "
        f"({100 * low:+.1f} to {100 * high:+.1f}), p = {pair['p_value']:.3g}"
    )
    if pair["p_holm"] is not None and pair["p_holm"] != pair["p_value"]:
        words += f", {pair['p_holm']:.3g} after Holm"
    if pair["bootstrap"] is not None:
        low, high = pair["bootstrap"]["interval"]
        drawn = f"{pair['bootstrap']['units']:,} {pair['bootstrap']['unit']}"
        words += f"; bootstrap of {drawn} {100 * low:+.1f} to {100 * high:+.1f}"
    return words


def _show_calibration(report: Document, output: Output) -> None:
    """Show calibration errors beside what chance alone would give."""
    rows = []
    for result in report["results"]:
        found = result["calibration"]
        if found is None:
            continue
        is_off = found["error"] > found["floor_high"]
        lean = "too sure" if found["confidence"] > result["accuracy"] else "too unsure"
        rows.append(
            (
                result["model"],
                f"{found['error']:.3f}",
                f"{found['floor']:.3f} (to {found['floor_high']:.3f})",
                lean if is_off else "no error proved",
                "" if found["temperature"] is None else f"{found['temperature']:.2f}",
                "" if found["error_scaled"] is None else f"{found['error_scaled']:.3f}",
            )
        )
    if rows:
        titles = ("Model", "Calibration error", "Chance", "Confidence", "Temperature", "Scaled")
        table(output, titles, rows)


def show_changes(report: Document, output: Output) -> None:
    """Show what each model lost and gained, and the pictures."""
    for found in report["changes"]:
        words = (
            f"{found['model']} judges {found['changed']:,} of {found['pictures']:,} pictures "
            f"otherwise than {found['against']}: {found['lost']:,} lost, {found['gained']:,} gained"
        )
        output.console.print(words, markup=False)
        rows = [
            (
                picture["item"],
                picture["truth"],
                f"{picture['before']} {percent(picture['confidence_before'])}",
                f"{picture['now']} {percent(picture['confidence_now'])}",
            )
            for picture in found["shown"]
        ]
        if rows:
            table(output, ("Picture", "Truth", found["against"], found["model"]), rows)


def show_bench(report: Document, output: Output) -> None:
    """Show latencies, memory and sizes."""
    rows = [
        (
            result["model"],
            result["engine"],
            result["kernels"],
            *(milliseconds(result["latency_ms"], key) for key in ("p50", "p95", "p99")),
            format_bytes(result["disk_bytes"]),
            size(result["resident_bytes"]),
        )
        for result in report["results"]
    ]
    table(output, ("Model", "Engine", "Kernels", "p50 ms", "p95", "p99", "Disk", "Memory"), rows)
    for ratio in report["ratios"]:
        output.console.print(_ratio_words(ratio), markup=False)
    for result in report["results"]:
        if result["engine_why"]:
            words = f"{result['model']} on {result['engine']}: {result['engine_why']}"
            output.console.print(words, markup=False)
    _show_steadiness(report, output)
    for blocker in report["blockers"]:
        output.console.print(f"Not for publication: {blocker}", markup=False)


def _ratio_words(ratio: Document) -> str:
    words = str(ratio["verdict"])
    if not words.startswith(ratio["a"]):
        words = f"{ratio['a']} against {ratio['b']}: {words}"
    if ratio["bootstrap_interval"] is None:
        return words
    low, high = ratio["bootstrap_interval"]
    found = Ratio.model_validate(ratio)
    if claims_difference(found) and found.ratio < 1:  # the words say how much slower
        low, high = 1 / high, 1 / low
    return f"{words}; drawing blocks gives {low:.2f} to {high:.2f}"


def _show_steadiness(report: Document, output: Output) -> None:
    """Show drift and outliers: they are counted, never removed."""
    rows = []
    for result in report["results"]:
        steady = result["steadiness"]
        if steady is None:
            continue
        low, high = steady["drift_interval"]
        rows.append(
            (
                result["model"],
                result["engine"],
                f"{result['samples']:,}",
                f"{steady['mild_outliers']} + {steady['far_outliers']}",
                f"{steady['scatter_percent']:.1f} %",
                f"{steady['drift_percent']:+.1f} % ({low:+.1f} to {high:+.1f})",
            )
        )
    if rows:
        titles = ("Model", "Engine", "Queries", "Outliers", "Scatter", "Drift")
        table(output, titles, rows)


def show_compared(answer: Document, output: Output) -> None:
    """Show where every model stands, what is open, and where the file is."""
    rows = [
        (
            row["model"],
            percent(row["accuracy"]),
            milliseconds(row["latency_ms"]),
            row["standing"],
            row["meets_limits"],
            ": ".join(filter(None, (row["verdict"], row["verdict_reason"]))),
        )
        for row in answer["rows"]
    ]
    table(output, ("Model", "Accuracy", "p50 ms", "Pareto", "Within limits", "Verdict"), rows)
    _show_claims(answer, output)
    questions = [OpenQuestion(**question) for question in answer["questions"]]
    for line in question_lines(questions):
        output.console.print(f"Open: {line}", markup=False)
    names, blocks = settling_blocks(questions)
    if names:
        command = f"emostudio bench {' '.join(names)} --blocks {blocks}"
        output.console.print(f"Just enough to settle the speeds: {command}", markup=False)
    for blocker in answer["blockers"]:
        output.console.print(f"Not for publication: {blocker}", markup=False)
    output.console.print(answer["out"], markup=False)


def _show_claims(answer: Document, output: Output) -> None:
    """Show the claim ledger: published, in theory for this network, here, and why."""
    rows = [
        (
            claim["method"],
            claim["model"],
            f"{claim['published']:g}x {claim['quantity']}",
            "" if claim["theory"] is None else f"{claim['theory']:.1f}x",
            "" if claim["here"] is None else f"{claim['here']:.2f}x",
            claim["verdict"],
            claim["reason"],
        )
        for claim in answer["claims"]
    ]
    if rows:
        titles = ("Claim of", "Model", "Published", "Theory", "Here", "Verdict", "Because")
        table(output, titles, rows)
