"""Runs one part through the handler of its job and gathers what it leaves."""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Callable, Generator, Mapping
from datetime import UTC, datetime
from typing import Any

from emostudio import __version__
from emostudio.core.answers import BenchReport, EvaluationReport, EvaluationResult
from emostudio.core.events import EpochDone, Event, Progress
from emostudio.core.jobs import CompressJob, Job, TrainJob
from emostudio.evaluation import machine
from emostudio.paper.parts import Part, PartResult
from emostudio.paper.study import Study, inputs_of
from emostudio.worker.context import HandlerContext, Handling, best_device
from emostudio.worker.outcome import TEST
from emostudio.worker.paper.control import PartControl
from emostudio.worker.paper.data import StudyData, data_facts
from emostudio.worker.paper.pace import PaperPace
from emostudio.worker.paper.recorder import Recorder

RunJob = Callable[[Job, HandlerContext], Handling]
"""Runs a job through its handler."""


class PartRunner:
    """Runs parts of one study.

    Parameters
    ----------
    study
        Where they are kept.
    context
        The job's.
    pace
        Told of the progress.
    data
        Opens the pictures.
    run_job
        Runs the part's job.
    """

    def __init__(
        self,
        study: Study,
        context: HandlerContext,
        pace: PaperPace,
        data: StudyData,
        run_job: RunJob,
    ) -> None:
        self._study, self._context, self._pace, self._data = study, context, pace, data
        self._run_job = run_job

    def run(self, part: Part, made: Mapping[str, PartResult]) -> Generator[Event, None, PartResult]:
        """Do one part, from its checkpoint if it was begun before, and keep its result.

        Parameters
        ----------
        made
            Finished parts that made a model, by key.
        """
        folder = self._study.work_folder(part.key)
        folder.mkdir(parents=True, exist_ok=True)
        names = {key: result.model for key, result in made.items()}
        job = part.resolved(names, self._data.name)
        pictures = self._data.fingerprint(part.data)
        inputs = inputs_of(part, made)
        recorder = Recorder(folder, of=" ".join((part.fingerprint, pictures or "", *inputs)))
        context = HandlerContext(
            workspace=self._context.workspace,
            folder=folder,
            run=self._context.run,
            control=PartControl(self._context.control, self._pace.fraction, part.title),
        )
        answer = yield from self._followed(part, job, context, recorder)
        update = {"inputs": inputs, "data_fingerprint": pictures}
        result = self._result(part, job, answer, recorder).model_copy(update=update)
        self._study.keep(result)
        # its checkpoints are of no more use, and those of a VGG-S take a gigabyte
        shutil.rmtree(folder, ignore_errors=True)
        return result

    def _followed(
        self, part: Part, job: Job, context: HandlerContext, recorder: Recorder
    ) -> Generator[Event, None, Any]:
        work = self._run_job(job, context)
        try:
            while True:
                try:
                    event = next(work)
                except StopIteration as stop:
                    return stop.value
                recorder.hear(event)
                yield self._in_time(event, part)
                if isinstance(event, EpochDone):
                    yield self._progress(event.epoch / max(event.epochs, 1), part.title)
        finally:
            work.close()

    def _in_time(self, event: Event, part: Part) -> Event:
        if isinstance(event, EpochDone):  # the run's time left is that of all parts
            left_s = self._pace.left_s(event.epoch / max(event.epochs, 1))
            return event.model_copy(update={"seconds_left": left_s})
        if not isinstance(event, Progress):
            return event
        message = f"{part.title}: {event.message}" if event.message else part.title
        return self._progress(event.fraction or 0.0, message)

    def _progress(self, within: float, message: str) -> Progress:
        return Progress(
            fraction=self._pace.fraction(within),
            message=message,
            seconds_left=self._pace.left_s(within),
        )

    def _result(self, part: Part, job: Job, answer: Any, recorder: Recorder) -> PartResult:
        fields: dict[str, Any] = {
            "key": part.key,
            "fingerprint": part.fingerprint,
            "finished": datetime.now(UTC),
            "seconds": round(recorder.seconds, 1),
            "machine": _this_machine(),
            "device": "cpu",
            "seed": getattr(job, "seed", 0),
            "warnings": recorder.warnings,
        }
        if isinstance(answer, EvaluationReport):
            fields["evaluations"] = answer.results
        elif isinstance(answer, BenchReport):
            fields |= _bench_fields(answer)
        else:
            name = answer["model"] if isinstance(answer, dict) else answer.model
            fields |= self._model_fields(job, str(name), recorder)
        return PartResult(**fields)

    def _model_fields(self, job: Job, name: str, recorder: Recorder) -> dict[str, Any]:
        record = self._context.workspace.model(name)
        fields: dict[str, Any] = {
            "model": name,
            "parameters": record.parameters,
            "disk_bytes": record.disk_bytes,
        }
        if not isinstance(job, TrainJob | CompressJob):
            return fields
        device = best_device(self._context.workspace.settings().device)
        data = data_facts(self._data.open(job.data))
        agreement = recorder.agreement
        fields |= {
            "device": device,
            "machine": _with_accelerator(_this_machine(), device),
            "evaluation": self._evaluation(name, job.data),
            "train_error": recorder.train_error,
            "test_error": recorder.test_error,
            "train_images": min(_most_images(job) or data.train_images, data.train_images),
            "held_out_images": data.held_out_images,
            "batch_size": recorder.batch_size,
            "step": recorder.step,
        }
        if agreement is not None:
            fields |= {"agreement": agreement[0], "held_out_images": agreement[1]}
        return fields

    def _evaluation(self, name: str, data: str) -> EvaluationResult | None:
        dataset = self._data.open(data).name
        return next(
            (
                record.result
                for record in self._context.workspace.model(name).evaluations
                if record.dataset == dataset and record.split == TEST
            ),
            None,
        )


def _this_machine() -> dict[str, Any]:
    return _with_studio(machine.describe())


def _with_studio(described: dict[str, Any]) -> dict[str, Any]:
    """Add our own version to a machine's, first of all."""
    versions = described.get("versions") or {}
    return {**described, "versions": {"EmoStudio": __version__, **versions}}


def _bench_fields(report: BenchReport) -> dict[str, Any]:
    return {
        "bench": report.results,
        "ratios": report.ratios,
        "machine": _with_studio(report.machine),
        "warnings": report.warnings,
        "block_medians_ms": {
            name: tuple(statistics.median(block) for block in blocks)
            for name, blocks in report.samples_ms.items()
        },
    }


def _most_images(job: TrainJob | CompressJob) -> int:
    settings = job.training if isinstance(job, TrainJob) else job.recipe.steps[-1].settings
    return int(settings.get("max_images", 0))


def _with_accelerator(described: dict[str, Any], device: str) -> dict[str, Any]:
    if device != "cuda":
        return described
    import torch  # loaded already by whoever trained

    return {**described, "accelerator": torch.cuda.get_device_name()}
