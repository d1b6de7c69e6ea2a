"""Exporting a model: made, run, held against the model, and only then put in its place."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from emostudio.core.atomic import write_bytes, write_folder
from emostudio.core.errors import EmoStudioError, InputError
from emostudio.core.exported import ExportReport, ParityReport, parity_words
from emostudio.core.units import format_bytes
from emostudio.exports.base import PARITY_FILE, Exporter, Made
from emostudio.exports.parity import Precision, Report, compare, precision_of
from emostudio.exports.place import require_free_place
from emostudio.exports.reference import open_reference
from emostudio.exports.running import RUNNER_FILE, runner_source
from emostudio.inference.base import Kernels, kernels_of
from emostudio.models.loaded import LoadedModel

_BESIDE = frozenset({RUNNER_FILE, PARITY_FILE})
_ENGINE = "onnxruntime"
_MORE = 1.5


def export_model(
    model: LoadedModel,
    exporter: Exporter,
    out: Path,
    *,
    replace: bool = False,
    runner: bool = False,
    report: Report = lambda _share, _message: None,
) -> ExportReport:
    """Write `model` in a format; nothing is written unless it agrees with the model.

    Parameters
    ----------
    model
        White box, or black box where the format takes one.
    exporter
        The format, from `catalogue.EXPORTERS`.
    out
        File or folder to write; the parity report goes beside a file, and into a folder.
    replace
        Whether what is there already may be replaced.
    runner
        Whether the Python runner is written beside a file; folders always hold it.
    report
        Told the share done and what is done; may raise `JobCancelled`.

    Raises
    ------
    InputError
        If the format cannot hold the model, or the place is taken.
    EmoStudioError
        If the export does not answer as the model does, or the disk refuses.
    """
    reason = exporter.refuses(model)
    if reason:
        raise InputError(f"{model.info.name} cannot be exported as {exporter.title}", why=reason)
    has_runner = runner and exporter.takes_runner
    require_free_place(out, exporter, replace=replace, runner=has_runner)
    report(0.0, f"Exporting {model.info.name} as {exporter.title}")
    made = exporter.make(model)
    parity = _checked(model, exporter, made, report)
    answer = _report(model, exporter, out, made, parity, has_runner)
    _write(exporter, out, made, answer)
    return answer


def _checked(model: LoadedModel, exporter: Exporter, made: Made, report: Report) -> ParityReport:
    """Run what was made from a temporary place, and hold it against the model."""
    reference = open_reference(model)
    precision: Precision = "exact" if exporter.is_exact else precision_of(model)
    with tempfile.TemporaryDirectory(prefix="emostudio-") as folder:
        for name, content in made.files.items():
            write_bytes(Path(folder) / name, content)
        place = Path(folder) / next(iter(made.files)) if exporter.suffix else Path(folder)
        answering = exporter.open(place)
        try:
            parity = compare(reference.answer, answering, model, precision, report)
        finally:
            reference.close()
    if not parity.agrees:
        raise EmoStudioError(
            f"The export of {model.info.name} as {exporter.title} was not written",
            why=f"it does not answer as the model does: {parity_words(parity)}",
            next_step="Choose another format, or report this with the model's recipe",
        )
    return parity


def _report(
    model: LoadedModel,
    exporter: Exporter,
    out: Path,
    made: Made,
    parity: ParityReport,
    has_runner: bool,
) -> ExportReport:
    deployed = sum(len(part) for name, part in made.files.items() if name not in _BESIDE)
    kernels: Kernels = "real"
    if model.module is not None and not exporter.is_exact:
        kernels = kernels_of(model.module, _ENGINE)
    return ExportReport(
        model=model.info.name,
        format=exporter.key,
        format_title=exporter.title,
        file=str(out),
        files=_names(exporter, out, made, has_runner),
        disk_bytes=deployed,
        parity=parity,
        labels=tuple(model.info.labels),
        input_shape=model.input_shape,
        outputs=model.info.outputs,
        kernels=kernels,
        opset=made.opset,
        notes=_notes(model, exporter, deployed, kernels, parity),
    )


def _names(exporter: Exporter, out: Path, made: Made, has_runner: bool) -> tuple[str, ...]:
    if not exporter.suffix:
        return tuple(str(out / name) for name in (*made.files, PARITY_FILE))
    beside = [out, _parity_file(out)]
    return tuple(map(str, [*beside, out.parent / RUNNER_FILE] if has_runner else beside))


def _notes(
    model: LoadedModel,
    exporter: Exporter,
    deployed: int,
    kernels: Kernels,
    parity: ParityReport,
) -> tuple[str, ...]:
    notes: list[str] = []
    if kernels == "simulated":
        notes.append(
            "The arithmetic of its methods is imitated in float32: time and size of this file say "
            "nothing about them"
        )
    own = model.file.stat().st_size if model.file is not None and model.file.exists() else 0
    if not exporter.is_exact and own and deployed > _MORE * own:
        notes.append(
            f"What the variant packs is written out in full: {format_bytes(deployed)}, while the "
            f"variant's own file has {format_bytes(own)}"
        )
    if parity.other_exits:
        notes.append(
            f"{parity.other_exits} of {parity.inputs} pictures left at another exit: their "
            "uncertainty lies on a threshold"
        )
    return tuple(notes)


def _write(exporter: Exporter, out: Path, made: Made, answer: ExportReport) -> None:
    document = json.dumps(answer.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"
    if not exporter.suffix:
        write_folder(out, {**made.files, PARITY_FILE: document.encode()})
        return
    write_bytes(out, next(iter(made.files.values())))
    write_bytes(_parity_file(out), document.encode())
    if str(out.parent / RUNNER_FILE) in answer.files:
        write_bytes(out.parent / RUNNER_FILE, runner_source())


def _parity_file(out: Path) -> Path:
    return out.with_name(f"{out.name}.{PARITY_FILE}")
