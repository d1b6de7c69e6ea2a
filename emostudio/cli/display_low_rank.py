"""Times of layers against their factors, and what decomposing them can give at best."""

from __future__ import annotations

from emostudio.cli.display import Document
from emostudio.cli.output import Output
from emostudio.cli.tables import table


def show_break_even(report: Document, output: Output) -> None:
    """Show times over ranks, break-even ranks and ceilings."""
    outlook = report["outlook"]
    for names, layer in _groups(outlook["layers"]):
        output.console.print(
            f"{names}: {layer['dense_ms']:.3f} ms as it is; {_break_even(layer)}", markup=False
        )
        rows = [
            (str(time["rank"]) + _remark(time, layer), f"{time['ms']:.3f}", f"{time['share']:.2f}")
            for time in layer["times"]
        ]
        table(output, ("Rank", "ms", "of the layer"), rows)
    for name, reason in report["skipped"]:
        if not reason.startswith("slower here"):
            output.console.print(f"{name} is left alone: {reason}", markup=False)
    show_outlook(outlook, output)
    output.console.print(f"Measured on {report['machine']}", markup=False)


def show_outlook(outlook: Document, output: Output) -> None:
    """Show what decomposing the layers of one step can give at best."""
    for names, layer in _groups(outlook["layers"]):
        if layer["is_slower"]:
            output.console.print(
                f"{names}: slower here, rank {layer['planned_rank']} takes "
                f"{layer['planned_share']:.2f} times as long as the layer",
                markup=False,
            )
    ceilings = {"macs_ceiling": "by their multiply-adds", "time_ceiling": "by their measured time"}
    told = [f"{outlook[key]:.2f} x {words}" for key, words in ceilings.items() if outlook[key]]
    if told:
        output.console.print(
            f"{outlook['method']}: at most {', '.join(told)}, if these layers took no time at all",
            markup=False,
        )
    if outlook["expected_speedup"]:
        output.console.print(
            f"{outlook['method']}: their measured times promise {outlook['expected_speedup']:.2f} x"
        )
    if outlook["not_measured"]:
        names = ", ".join(outlook["not_measured"])
        output.console.print(f"{outlook['method']}: not measured here: {names}", markup=False)


def _groups(layers: list[Document]) -> list[tuple[str, Document]]:
    """Return layers of the same geometry, whose times are the same, as one."""
    groups: dict[str, list[Document]] = {}
    for layer in layers:
        groups.setdefault(str((layer["times"], layer["planned_rank"])), []).append(layer)
    return [(", ".join(one["layer"] for one in group), group[0]) for group in groups.values()]


def _break_even(layer: Document) -> str:
    rank = layer["break_even_rank"]
    if rank is None:
        return "factors of every measured rank are faster"
    return f"factors are faster up to rank {rank}" if rank else "factors of every rank are slower"


def _remark(time: Document, layer: Document) -> str:
    planned = ", planned" if time["rank"] == layer["planned_rank"] else ""
    beside = f", no multiple of {layer['grid']}" if time["rank"] % layer["grid"] else ""
    return planned + beside
