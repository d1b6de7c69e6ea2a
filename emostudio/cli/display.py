"""Models, measurements and runs as tables for people; with JSON the console is silent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emostudio.cli.output import Output
from emostudio.cli.tables import count, milliseconds, percent, size, table
from emostudio.core.units import format_bytes, format_duration, format_mib

Document = dict[str, Any]


def show_models(rows: Sequence[Document], output: Output) -> None:
    """List models."""
    if not rows:
        output.console.print("No models yet. Import one, or run emostudio quickstart.")
        return
    table(
        output,
        ("Model", "Role", "Architecture", "Size", "Parameters", "Accuracy", "p50 ms"),
        [
            (
                row["name"],
                row["role"],
                row.get("architecture", ""),
                format_bytes(row["disk_bytes"]),
                count(row.get("parameters")),
                percent(row.get("accuracy")),
                milliseconds(row.get("latency_ms")),
            )
            for row in rows
        ],
    )


def show_model(report: Document, output: Output) -> None:
    """Show a model's layers."""
    output.console.print(
        f"{report['model']}: {report['architecture']}, {count(report['parameters'])} parameters, "
        f"{count(report['macs'])} MACs, {format_bytes(report['disk_bytes'])}",
        markup=False,
    )
    rows = [
        (
            layer["name"],
            layer["kind"],
            count(layer["parameters"]),
            count(layer["macs"]),
            format_bytes(layer["disk_bytes"]),
            " ".join(layer["methods"]),
        )
        for layer in report["layers"]
    ]
    if rows:
        table(output, ("Layer", "Kind", "Parameters", "MACs", "Bytes", "Methods"), rows)
    for figure in report["sizes"]:
        note = " (a claim: the file does not hold it)" if figure["is_claim"] else ""
        output.console.print(f"{figure['what']}: {format_mib(figure['size_bytes'])}{note}")


def show_difference(answer: Document, output: Output) -> None:
    """Show two models side by side."""
    a, b = answer["a"], answer["b"]
    rows = []
    for layer in answer["layers"]:
        before, after = layer["a"] or {}, layer["b"] or {}
        rows.append(
            (
                layer["name"],
                before.get("kind", ""),
                after.get("kind", ""),
                count(before.get("parameters")),
                count(after.get("parameters")),
                count(before.get("macs")),
                count(after.get("macs")),
                size(before.get("disk_bytes")),
                size(after.get("disk_bytes")),
            )
        )
    titles = ("Layer", a["model"], b["model"], *("Parameters", "", "MACs", "", "Bytes", ""))
    table(output, titles, rows)
    for key, ratio in answer["ratios"].items():
        if ratio:
            output.console.print(f"{key.replace('_', ' ')}: {ratio:.2f} times less")


def show_import(report: Document, output: Output) -> None:
    """Show what an import found."""
    output.console.print(f"{report['model']}: {report['file']}", markup=False)
    output.console.print(f"Labels: {', '.join(report['report']['labels'])}")
    if report["checked_accuracy"] is not None:
        output.console.print(
            f"{report['checked_accuracy']:.1%} of {report['checked_images']} labelled images right"
        )


def show_trained(answer: Document, output: Output) -> None:
    """Show a trained model."""
    accuracy = percent(answer["accuracy"])
    output.console.print(
        f"{answer['model']}: {format_bytes(answer['disk_bytes'])}, test accuracy {accuracy}, "
        f"{answer['epochs']} epochs, run {answer['run']}",
        markup=False,
    )
    output.console.print(answer["file"], markup=False)


def show_plan(plan: Document, output: Output) -> None:
    """Show a prediction."""
    rows = [
        (
            stage["title"],
            count(stage["parameters"]),
            count(stage["macs"]),
            format_bytes(stage["disk_bytes"]) + ("" if stage["disk_bytes_exact"] else " at most"),
            str(stage["training_epochs"]),
        )
        for stage in plan["stages"]
    ]
    table(output, ("Stage", "Parameters", "MACs", "Bytes", "Epochs"), rows)
    for refusal in plan["refusals"]:
        output.console.print(f"refused: {refusal['method']}: {refusal['reason']}", markup=False)
    if plan["training_seconds"]:
        duration = format_duration(plan["training_seconds"])
        output.console.print(f"Training takes about {duration} on this machine")
    if plan["speedup_ceiling"] and not plan["refusals"]:
        output.console.print(f"Arithmetic allows at most {plan['speedup_ceiling']:.2f} x")


def show_compressed(answer: Document, output: Output) -> None:
    """Show a variant and the ledger of its steps."""
    rows = [
        (
            stage["step"],
            percent(stage["accuracy"]),
            format_bytes(stage["disk_bytes"]),
            size(stage["resident_bytes"]),
            f"{stage['latency_ms']:.2f}" if stage["latency_ms"] else "",
        )
        for stage in answer["stages"]
    ]
    table(output, ("Step", "Accuracy", "Bytes", "Memory", "ms"), rows)
    output.console.print(f"run {answer['run']}", markup=False)
    output.console.print(f"{answer['model']}: {answer['file']}", markup=False)


def show_ablation(answer: Document, output: Output) -> None:
    """Show every subset of a recipe's steps, then the share of each step."""
    methods = answer["methods"]
    rows = []
    for subset in answer["subsets"]:
        ledger = subset["ledger"]
        done = [methods[step] for step in subset["steps"] if step not in subset["left_out"]]
        left = [methods[step] for step in subset["left_out"]]
        note = f" (without {', '.join(left)}: not possible alone)" if left else ""
        latency = ledger["latency_ms"]
        rows.append(
            (
                (" + ".join(done) or "nothing") + note,
                percent(ledger["accuracy"]),
                format_bytes(ledger["disk_bytes"]),
                "" if latency is None else f"{latency:.2f}",
            )
        )
    table(output, ("Steps", "Accuracy", "Bytes", "ms"), rows)
    shares = [
        (
            share["method"],
            "" if share["accuracy"] is None else f"{100 * share['accuracy']:+.2f} points",
            f"{share['size_factor']:.2f} times smaller",
            "" if share["latency_ms"] is None else f"{share['latency_ms']:+.3f} ms",
        )
        for share in answer["shares"]
    ]
    table(output, ("Share of", "Accuracy", "Size", "Time"), shares)


def show_live(report: Document, output: Output) -> None:
    """Show the counters of a live view."""
    stages = ", ".join(f"{name} {ms:.1f} ms" for name, ms in report["stages_ms"].items())
    output.console.print(
        f"{report['source']}: {report['frames']} frames, {report['dropped']} dropped, "
        f"{report['faces']} faces; {stages}",
        markup=False,
    )
    rows = [
        (
            one["model"],
            one["engine"],
            str(one["inferences"]),
            f"{one['fps']:.1f}",
            *(milliseconds(one["latency_ms"], key) for key in ("p50", "p95")),
            percent(one["accuracy"]),
            percent(one["agreement"]),
        )
        for one in report["variants"]
    ]
    titles = ("Model", "Engine", "Inferences", "FPS", "p50 ms", "p95", "Accuracy", "Agreement")
    table(output, titles, rows)


def show_quickstart(answer: Document, output: Output) -> None:
    """Show the quickstart's table and where the report is."""
    rows = [
        (
            one["model"],
            one["recipe"],
            percent(one["accuracy"]),
            format_bytes(one["disk_bytes"]),
            f"{one['latency_ms']:.2f}" if one["latency_ms"] is not None else "",
            one["verdict"],
        )
        for one in answer["variants"]
    ]
    table(output, ("Model", "Recipe", "Accuracy", "Size", "p50 ms", "Verdict"), rows)
    output.console.print(f"Report: {answer['report']}", markup=False)


def show_jobs(rows: Sequence[Document], output: Output) -> None:
    """List runs."""
    if not rows:
        output.console.print("No runs yet.")
        return
    table(
        output,
        ("Run", "Title", "Status", "Done", "Message"),
        [
            (
                row["id"],
                row["title"],
                row["status"],
                f"{row['fraction']:.0%}" if row["fraction"] is not None else "",
                row["error"] or row["message"],
            )
            for row in rows
        ],
    )
