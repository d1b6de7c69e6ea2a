"""How models read: the tree, the layer table, what changed against the parent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from emostudio.core.answers import LayerReport, ModelReport
from emostudio.core.units import format_bytes, format_count
from emostudio.gui.widgets.lineage import LineageItem
from emostudio.qt.table_models import Cell, Column, Row
from emostudio.workspace.records import ModelRecord


def _tr(text: str) -> str:
    return QCoreApplication.translate("Models", text)


LAYER_COLUMNS = (
    Column("name", "Layer"),
    Column("kind", "Kind", width=96),
    Column("shape", "Output", width=96),
    Column("parameters", "Parameters", "thousand", is_number=True, width=92),
    Column("macs", "MACs", "million", is_number=True, width=78),
    Column("disk", "On disk", "kB", is_number=True, width=82),
)


def lineage_items(models: Sequence[ModelRecord], titles: Mapping[str, str]) -> list[LineageItem]:
    """Return teachers with their descendants below them."""
    names = {model.name for model in models}
    children: dict[str, list[ModelRecord]] = {}
    for model in models:
        parent = model.parent if model.parent in names and model.parent != model.name else ""
        children.setdefault(parent or "", []).append(model)
    items: list[LineageItem] = []
    seen: set[str] = set()

    def add(model: ModelRecord, depth: int) -> None:
        if model.name in seen:
            return
        seen.add(model.name)
        items.append(
            LineageItem(
                name=model.name,
                detail=detail_line(model, titles),
                right=format_bytes(model.disk_bytes),
                depth=depth,
                verdict=newest_verdict(model),
            )
        )
        for child in children.get(model.name, ()):
            add(child, depth + 1)

    for root in children.get("", ()):
        add(root, 0)
    return items


def detail_line(model: ModelRecord, titles: Mapping[str, str]) -> str:
    """Return what a model is in a few words; `titles` names architectures by key."""
    if model.info.recipe.steps:
        return model.info.recipe.title
    word = _tr("Teacher") if model.role == "teacher" else _tr("Variant")
    if model.info.is_black_box:
        return _tr("{0}, imported, only outputs known").format(word)
    trained = model.info.lineage.dataset
    base = f"{word}, {titles.get(model.info.architecture, model.info.architecture)}"
    return _tr("{0}, trained on {1}").format(base, trained) if trained else base


def newest_verdict(model: ModelRecord) -> str:
    """Return the verdict of the newest ratio of a model, empty if it was never measured."""
    for bench in model.benches:
        for ratio in bench.ratios:
            if ratio.a == model.name:
                return ratio.verdict
    return ""


def layer_rows(layers: Sequence[LayerReport]) -> list[Row]:
    """Return the layer table with heat per column and a total."""
    most = {
        key: max((getattr(layer, key) for layer in layers), default=0) or 1
        for key in ("parameters", "macs", "disk_bytes")
    }
    rows = [
        Row(
            layer.name,
            {
                "name": Cell(layer.name, is_bold=True),
                "kind": Cell(layer.kind, tone="text2"),
                "shape": Cell(_shape(layer.output_shape), tone="text2"),
                "parameters": _heat(layer.parameters, 1e3, most["parameters"], "{0:,.1f}"),
                "macs": _heat(layer.macs, 1e6, most["macs"], "{0:,.2f}"),
                "disk": _heat(layer.disk_bytes, 1e3, most["disk_bytes"], "{0:,.1f}"),
            },
        )
        for layer in layers
    ]
    sums = [sum(getattr(layer, key) for layer in layers) for key in most]
    total = {
        "name": Cell(_tr("Total"), is_bold=True),
        "parameters": Cell(f"{sums[0] / 1e3:,.1f}", sort=sums[0], is_bold=True),
        "macs": Cell(f"{sums[1] / 1e6:,.2f}", sort=sums[1], is_bold=True),
        "disk": Cell(f"{sums[2] / 1e3:,.1f}", sort=sums[2], is_bold=True),
    }
    return [*rows, Row("total", total, is_total=True)] if rows else []


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(str(size) for size in shape)


def _heat(value: int, unit: float, most: int, digits: str) -> Cell:
    if not value:
        return Cell(sort=0, tone="text3")
    return Cell(digits.format(value / unit), sort=value, heat=value / most)


@dataclass(frozen=True)
class Change:
    """One figure of a variant beside its parent's; `share` is child over parent."""

    name: str
    parent: str
    child: str
    words: str
    tone: str
    share: float


def changes(model: ModelRecord, parent: ModelRecord) -> list[Change]:
    """Return what a variant gained and cost against its parent, as far as it is measured."""
    found = [_smaller(_tr("On disk"), parent.disk_bytes, model.disk_bytes, format_bytes)]
    for name, old, new in (
        (_tr("Parameters"), parent.parameters, model.parameters),
        (_tr("MACs"), parent.macs, model.macs),
    ):
        if old and new:
            found.append(_smaller(name, old, new, format_count))
    times = _common_times(model, parent)
    if times is not None:
        old_ms, new_ms, words = times
        share = new_ms / old_ms if old_ms else 1.0
        found.append(
            Change(
                _tr("Inference, p50"), f"{old_ms:.2f}", f"{new_ms:.2f} ms", words, "text2", share
            )
        )
    if model.evaluations and parent.evaluations:
        old_share = parent.evaluations[0].result.accuracy
        new_share = model.evaluations[0].result.accuracy
        points = 100 * (new_share - old_share)
        sign = "+" if points > 0 else "−" if points < 0 else ""
        found.append(
            Change(
                _tr("Accuracy"),
                f"{100 * old_share:.1f}",
                f"{100 * new_share:.1f} %",
                f"{sign} {abs(points):.1f} points".strip(),
                "text2",
                new_share,
            )
        )
    return found


def _smaller(name: str, old: float, new: float, words: object) -> Change:
    factor = old / new if new else 1.0
    text = f"÷ {factor:.1f}" if factor >= 1.005 else _tr("no change")
    if factor < 0.995:
        text = f"× {1 / factor:.2f}"
    tone = "ok" if factor >= 1.005 else "text2"
    return Change(name, words(old), words(new), text, tone, min(1.0, new / old if old else 1.0))  # type: ignore[operator]  # a formatter


def _common_times(model: ModelRecord, parent: ModelRecord) -> tuple[float, float, str] | None:
    """Return the newest times of both that were interleaved with each other on one engine."""
    others = {
        (bench.bench, bench.result.engine): bench.result.latency_ms for bench in parent.benches
    }
    for bench in model.benches:
        old = others.get((bench.bench, bench.result.engine))
        if old is not None and bench.result.latency_ms is not None:
            ratios = [r for r in bench.ratios if r.a == model.name and r.b == parent.name]
            words = f"{ratios[0].ratio:.2f}×, {ratios[0].verdict}" if ratios else ""
            return old.p50, bench.result.latency_ms.p50, words
    return None


def detail_rows(report: ModelReport) -> list[tuple[str, str]]:
    """Return facts of a model as name and value."""
    info = report.info
    channels = "RGB" if info.preprocessing.channels == 3 else _tr("grey")
    size = (
        f"{info.preprocessing.channels} × {info.preprocessing.height} × {info.preprocessing.width}"
    )
    lineage = info.lineage
    return [
        (_tr("Architecture"), report.architecture.replace("_", " ")),
        (_tr("Input"), f"{size}, {channels}"),
        (_tr("Labels"), f"{len(report.labels)}: {', '.join(report.labels)}"),
        (_tr("Parameters"), format_count(report.parameters) if report.parameters else "–"),
        (_tr("MACs"), format_count(report.macs) if report.macs else "–"),
        (_tr("On disk"), format_bytes(report.disk_bytes)),
        (_tr("Dataset"), lineage.dataset or "–"),
        (_tr("Run"), lineage.run or "–"),
        (_tr("Seed"), "–" if lineage.seed is None else str(lineage.seed)),
    ]
