"""A folder of TensorBoard event files: one run per model, and one with the charts as pictures."""

from __future__ import annotations

import importlib
import io
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from emostudio.core.atomic import write_with
from emostudio.core.errors import InputError
from emostudio.reports.base import PaperReport, Report, Writer
from emostudio.reports.drawing.figure import chart_figure
from emostudio.reports.folders import REPORT_RUN, folder_names, report_folder
from emostudio.reports.style import chart_style
from emostudio.reports.tracking import TrackedRun, runs_of, runs_of_tables

_FILE = "events.out.tfevents.{seconds}.emostudio"
_VERSION = "brain.Event:2"
_DOTS_PER_INCH = 150
_RGBA = 4


class _Library:
    """What is used of tensorboardX, which is an extra.

    Raises
    ------
    InputError
        If it is not installed, saying how it is.
    """

    def __init__(self) -> None:
        try:
            self.summary: Any = importlib.import_module("tensorboardX.summary")
            self.events: Any = importlib.import_module("tensorboardX.proto.event_pb2")
            self.protos: Any = importlib.import_module("tensorboardX.proto.summary_pb2")
            self.records: Any = importlib.import_module("tensorboardX.record_writer")
        except ImportError as error:
            raise InputError(
                "TensorBoard files cannot be written",
                why="the package tensorboardX is not installed",
                next_step="Install it with: pip install emostudio[tensorboard]",
            ) from error


def _write(report: Report, path: Path) -> None:
    library = _Library()
    with report_folder(path) as new:
        _write_runs(library, runs_of(report), new, report.created)
        _write_events(library, new / REPORT_RUN, report.created, _charts(library, report))


def _write_tables(report: PaperReport, path: Path) -> None:
    library = _Library()
    with report_folder(path) as new:
        _write_runs(library, runs_of_tables(report), new, report.created)


def _write_runs(
    library: _Library, runs: Sequence[TrackedRun], path: Path, created: datetime
) -> None:
    for run, name in zip(runs, folder_names(run.name for run in runs), strict=True):
        _write_events(library, path / name, created, _summaries(library, run))


def _summaries(library: _Library, run: TrackedRun) -> Iterator[tuple[int, Any]]:
    words = {**run.parameters, **run.tags}
    table = "\n".join(f"| {name} | {value} |" for name, value in words.items())
    yield 0, library.summary.text("about", f"| fact | value |\n| --- | --- |\n{table}")
    for scalar in run.scalars:
        yield scalar.step, library.summary.scalar(scalar.key, scalar.value)


def _charts(library: _Library, report: Report) -> Iterator[tuple[int, Any]]:
    yield 0, library.summary.text("caveats", "\n\n".join(report.caveats) or "none")
    for chart in report.charts:
        stream = io.BytesIO()
        with chart_style():
            figure = chart_figure(chart, report.caption_of(chart))
            figure.savefig(stream, format="png", dpi=_DOTS_PER_INCH)
        width, height = (round(_DOTS_PER_INCH * side) for side in figure.get_size_inches())
        image = library.protos.Summary.Image(
            height=height,
            width=width,
            colorspace=_RGBA,
            encoded_image_string=stream.getvalue(),
        )
        value = library.protos.Summary.Value(tag=f"charts/{chart.key}", image=image)
        yield 0, library.protos.Summary(value=[value])


def _write_events(
    library: _Library, folder: Path, created: datetime, summaries: Iterator[tuple[int, Any]]
) -> None:
    seconds = created.timestamp()

    def write(file: Path) -> None:
        with closing(library.records.RecordWriter(str(file))) as records:
            first = library.events.Event(wall_time=seconds, file_version=_VERSION)
            records.write(first.SerializeToString())
            for step, summary in summaries:
                event = library.events.Event(wall_time=seconds, step=step, summary=summary)
                records.write(event.SerializeToString())

    write_with(folder / _FILE.format(seconds=int(seconds)), write)


WRITER = Writer(
    "tensorboard", "TensorBoard", "A folder of event files: numbers, curves and charts", _write,
    _write_tables, family="tracking",
)  # fmt: skip
