"""Answers as tables for people; with JSON nothing is shown here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table

from emostudio.cli.output import Output
from emostudio.core.answers import CatalogueEntry
from emostudio.core.units import format_bytes, format_count, format_duration

Document = dict[str, Any]


def show_catalogue(entries: Sequence[CatalogueEntry], output: Output) -> None:
    """List catalogue members with their settings."""
    if output.is_json:
        return
    for entry in entries:
        output.console.print(f"{entry.key}  {entry.title}", style="bold", markup=False)
        lines = [entry.summary, entry.reference]
        if not entry.available:
            lines.append(f"Cannot be used here: {entry.why_not}")
        for name, field in entry.settings.get("properties", {}).items():
            lines.append(f"  {name} = {field.get('default')}  {_bounds(field)}")
        for line in filter(None, lines):
            output.console.print(f"    {line}", markup=False)


def show_doctor(report: Document, output: Output) -> None:
    """Show what works."""
    if output.is_json:
        return
    machine = report["machine"]
    output.console.print(
        f"{machine['cpu']}, {machine['logical_cores']} cores, "
        f"{format_bytes(machine['memory_bytes'])} memory, {machine['os']}",
        markup=False,
    )
    rows = [
        ("yes" if check["works"] else "NO", check["name"], check["details"], check["next_step"])
        for check in report["checks"]
    ]
    _table(output, ("Works", "What", "Details", "What to do"), rows)


def show_data(report: Document, output: Output) -> None:
    """Show a data report."""
    if output.is_json:
        return
    output.console.print(
        f"{report['name']}: {report['samples']:,} pictures, layout {report['reader']}, "
        f"split {report['split_policy']}",
        markup=False,
    )
    emotions = sorted({name for counts in report["counts"].values() for name in counts})
    rows = [
        (split, *(f"{counts.get(name, 0):,}" for name in emotions))
        for split, counts in report["counts"].items()
    ]
    _table(output, ("Split", *emotions), rows)
    for warning in report["warnings"]:
        output.console.print(f"warning: {warning}", markup=False)
    for problem in report["problems"][:20]:
        output.console.print(f"{problem['item']}: {problem['what']}", markup=False)
    if report["problem_count"]:
        output.console.print(f"{report['problem_count']:,} problems in all")
    _leak_line(report, output)


def show_leaks(report: Document, output: Output) -> None:
    """Show leaks across splits."""
    if output.is_json:
        return
    rows = [
        (leak["kind"], leak["first"], leak["second"], " / ".join(leak["splits"]))
        for leak in report["leaks"][:50]
    ]
    if rows:
        _table(output, ("Leak", "First", "Second", "Splits"), rows)
    _leak_line(report, output)


def show_models(rows: Sequence[Document], output: Output) -> None:
    """List models."""
    if output.is_json:
        return
    if not rows:
        output.console.print("No models yet. Import one, or run emostudio quickstart.")
        return
    _table(
        output,
        ("Model", "Role", "Architecture", "Size", "Parameters", "Accuracy", "p50 ms"),
        [
            (
                row["name"],
                row["role"],
                row.get("architecture", ""),
                format_bytes(row["disk_bytes"]),
                _count(row.get("parameters")),
                _percent(row.get("accuracy")),
                _ms(row.get("latency_ms")),
            )
            for row in rows
        ],
    )


def show_model(report: Document, output: Output) -> None:
    """Show a model's layers."""
    if output.is_json:
        return
    output.console.print(
        f"{report['model']}: {report['architecture']}, {_count(report['parameters'])} parameters, "
        f"{_count(report['macs'])} MACs, {format_bytes(report['disk_bytes'])}",
        markup=False,
    )
    rows = [
        (
            layer["name"],
            layer["kind"],
            _count(layer["parameters"]),
            _count(layer["macs"]),
            format_bytes(layer["disk_bytes"]),
            " ".join(layer["methods"]),
        )
        for layer in report["layers"]
    ]
    if rows:
        _table(output, ("Layer", "Kind", "Parameters", "MACs", "Bytes", "Methods"), rows)


def show_difference(answer: Document, output: Output) -> None:
    """Show two models side by side."""
    if output.is_json:
        return
    a, b = answer["a"], answer["b"]
    rows = []
    for layer in answer["layers"]:
        before, after = layer["a"] or {}, layer["b"] or {}
        rows.append(
            (
                layer["name"],
                before.get("kind", ""),
                after.get("kind", ""),
                _count(before.get("parameters")),
                _count(after.get("parameters")),
                _count(before.get("macs")),
                _count(after.get("macs")),
                _size(before.get("disk_bytes")),
                _size(after.get("disk_bytes")),
            )
        )
    titles = ("Layer", a["model"], b["model"], *("Parameters", "", "MACs", "", "Bytes", ""))
    _table(output, titles, rows)
    for key, ratio in answer["ratios"].items():
        if ratio:
            output.console.print(f"{key.replace('_', ' ')}: {ratio:.2f} times less")


def show_import(report: Document, output: Output) -> None:
    """Show what an import found."""
    if output.is_json:
        return
    output.console.print(f"{report['model']}: {report['file']}", markup=False)
    output.console.print(f"Labels: {', '.join(report['report']['labels'])}")
    if report["checked_accuracy"] is not None:
        output.console.print(
            f"{report['checked_accuracy']:.1%} of {report['checked_images']} labelled images right"
        )


def show_trained(answer: Document, output: Output) -> None:
    """Show a trained model."""
    if output.is_json:
        return
    accuracy = _percent(answer["accuracy"])
    output.console.print(
        f"{answer['model']}: {format_bytes(answer['disk_bytes'])}, test accuracy {accuracy}, "
        f"{answer['epochs']} epochs, run {answer['run']}",
        markup=False,
    )
    output.console.print(answer["file"], markup=False)


def show_plan(plan: Document, output: Output) -> None:
    """Show a prediction."""
    if output.is_json:
        return
    rows = [
        (
            stage["title"],
            _count(stage["parameters"]),
            _count(stage["macs"]),
            format_bytes(stage["disk_bytes"]) + ("" if stage["disk_bytes_exact"] else " at most"),
            str(stage["training_epochs"]),
        )
        for stage in plan["stages"]
    ]
    _table(output, ("Stage", "Parameters", "MACs", "Bytes", "Epochs"), rows)
    for refusal in plan["refusals"]:
        output.console.print(f"refused: {refusal['method']}: {refusal['reason']}", markup=False)
    if plan["training_seconds"]:
        duration = format_duration(plan["training_seconds"])
        output.console.print(f"Training takes about {duration} on this machine")
    if plan["speedup_ceiling"]:
        output.console.print(f"Arithmetic allows at most {plan['speedup_ceiling']:.2f} x")


def show_compressed(answer: Document, output: Output) -> None:
    """Show a variant and the ledger of its steps."""
    if output.is_json:
        return
    rows = [
        (
            stage["step"],
            _percent(stage["accuracy"]),
            format_bytes(stage["disk_bytes"]),
            f"{stage['latency_ms']:.2f}" if stage["latency_ms"] else "",
        )
        for stage in answer["stages"]
    ]
    _table(output, ("Step", "Accuracy", "Bytes", "ms"), rows)
    output.console.print(f"run {answer['run']}", markup=False)
    output.console.print(f"{answer['model']}: {answer['file']}", markup=False)


def show_evaluation(report: Document, output: Output) -> None:
    """Show accuracies and pairs."""
    if output.is_json:
        return
    rows = [
        (
            result["model"],
            f"{result['samples']:,}",
            _percent(result["accuracy"]),
            " to ".join(_percent(bound) for bound in result["accuracy_interval"]),
            f"{result['macro_f1']:.3f}",
            _percent(result["balanced_accuracy"]),
        )
        for result in report["results"]
    ]
    _table(output, ("Model", "Images", "Accuracy", "95 %", "Macro-F1", "Balanced"), rows)
    for pair in report["paired"]:
        low, high = pair["interval"]
        output.console.print(
            f"{pair['b']} against {pair['a']}: {100 * pair['difference']:+.1f} points "
            f"({100 * low:+.1f} to {100 * high:+.1f}), p = {pair['p_value']:.3g}",
            markup=False,
        )


def show_bench(report: Document, output: Output) -> None:
    """Show latencies, memory and sizes."""
    if output.is_json:
        return
    rows = [
        (
            result["model"],
            result["engine"],
            result["kernels"],
            *(_ms(result["latency_ms"], key) for key in ("p50", "p95", "p99")),
            format_bytes(result["disk_bytes"]),
            _size(result["resident_bytes"]),
        )
        for result in report["results"]
    ]
    _table(output, ("Model", "Engine", "Kernels", "p50 ms", "p95", "p99", "Disk", "Memory"), rows)
    for ratio in report["ratios"]:
        output.console.print(ratio["verdict"], markup=False)


def show_live(report: Document, output: Output) -> None:
    """Show the counters of a live view."""
    if output.is_json:
        return
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
            *(_ms(one["latency_ms"], key) for key in ("p50", "p95")),
            _percent(one["accuracy"]),
            _percent(one["agreement"]),
        )
        for one in report["variants"]
    ]
    titles = ("Model", "Engine", "Inferences", "FPS", "p50 ms", "p95", "Accuracy", "Agreement")
    _table(output, titles, rows)


def show_quickstart(answer: Document, output: Output) -> None:
    """Show the quickstart's table and where the report is."""
    if output.is_json:
        return
    rows = [
        (
            one["model"],
            one["recipe"],
            _percent(one["accuracy"]),
            format_bytes(one["disk_bytes"]),
            f"{one['latency_ms']:.2f}" if one["latency_ms"] is not None else "",
            one["verdict"],
        )
        for one in answer["variants"]
    ]
    _table(output, ("Model", "Recipe", "Accuracy", "Size", "p50 ms", "Verdict"), rows)
    output.console.print(f"Report: {answer['report']}", markup=False)


def show_jobs(rows: Sequence[Document], output: Output) -> None:
    """List runs."""
    if output.is_json:
        return
    if not rows:
        output.console.print("No runs yet.")
        return
    _table(
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


def _table(output: Output, titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*row)
    output.console.print(table, markup=False)


def _leak_line(report: Document, output: Output) -> None:
    counts = report["leak_counts"]
    words = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    output.console.print(f"Leaks across splits: {words or 'none found'}")


def _bounds(field: Document) -> str:
    low, high = field.get("minimum"), field.get("maximum")
    bounds = f"[{low} to {high}]" if low is not None and high is not None else ""
    unit = field.get("unit") or ""
    return " ".join(part for part in (bounds, unit, field.get("description", "")) if part)


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _count(value: int | None) -> str:
    return "–" if value is None else format_count(value)


def _size(value: int | None) -> str:
    return "" if value is None else format_bytes(value)


def _ms(latency: Document | None, key: str = "p50") -> str:
    value = (latency or {}).get(key)
    return "" if value is None else f"{value:.2f}"
