"""Runs experiments of the paper, skipping what a study has finished before."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from emostudio.core.errors import EmoStudioError, InputError
from emostudio.core.events import Event, Note, Progress
from emostudio.core.jobs import Job, PaperJob
from emostudio.paper.catalogue import EXPERIMENTS, chosen_keys, tables_of
from emostudio.paper.parts import Part, PartResult
from emostudio.paper.study import Study, StudyRecord, StudySettings, inputs_of
from emostudio.worker.context import HandlerContext, Handling
from emostudio.worker.handlers import handler
from emostudio.worker.paper.data import StudyData, data_facts
from emostudio.worker.paper.pace import PaperPace
from emostudio.worker.paper.running import PartRunner
from emostudio.workspace.base import now
from emostudio.workspace.processes import is_worked_on

_EXIT_CODES_OF_A_PART = frozenset({1, 2})
"""Errors that concern one part; a cancel ends the whole job."""
_NEVER = datetime.max.replace(tzinfo=UTC)


def study_settings(job: PaperJob) -> StudySettings:
    """Return what the job's study is of."""
    return StudySettings.model_validate(job.model_dump(include=set(StudySettings.model_fields)))


def handle(job: PaperJob, context: HandlerContext) -> Handling:
    """Answer with the study's name and the tables asked for."""
    chosen = chosen_keys(job.experiment)
    study = Study(context.workspace.folder, study_settings(job))
    _require_alone(job, context)
    parts = _parts(chosen, study.settings)
    if parts:
        yield from _work(study, parts, context)
    tables = tuple(tables_of(study, chosen).values())
    answer: dict[str, Any] = {
        "study": study.settings.name,
        "preset": job.preset,
        "tables": [table.model_dump(mode="json") for table in tables],
    }
    if job.out:
        from emostudio.reports.paper import write_tables  # matplotlib, only for files

        yield Progress(message="Writing the report")
        answer["out"] = str(write_tables(tables, Path(job.out).expanduser()))
    return answer


def _run_job(job: Job, context: HandlerContext) -> Handling:
    return handler(job.kind)(job, context)


def _parts(chosen: tuple[str, ...], settings: StudySettings) -> list[Part]:
    parts = [part for key in chosen for part in EXPERIMENTS.get(key).parts(settings)]
    return list({part.key: part for part in parts}.values())


def _work(study: Study, parts: list[Part], context: HandlerContext) -> Generator[Event, None, None]:
    data = StudyData(context, study.settings.sizes.most_held_out)
    yield Progress(message="Opening the pictures")
    _note_study(study, data)
    done = _still_valid(parts, study.results(parts), context)
    if done:
        yield Note(what=f"{len(done)} of {len(parts)} parts were finished before and are kept")
    pace = PaperPace({part.key: part.weight for part in parts if part.key not in done})
    runner = PartRunner(study, context, pace, data, _run_job)
    for part in parts:
        made = {key: result for key, result in done.items() if result.model}
        missing = [key for key in part.needs if key not in made]
        if part.key in done:
            continue
        if missing and len(missing) == len(part.needs):
            yield Note(
                level="warning", what=f"{part.title} is left out", why="its model is missing"
            )
            continue
        pace.begin(part.key)
        yield Note(what=f"{part.title} ({len(done) + 1} of {len(parts)})")
        try:
            done[part.key] = yield from runner.run(part, made)
        except EmoStudioError as error:
            if error.exit_code not in _EXIT_CODES_OF_A_PART:
                raise
            yield Note(level="warning", what=f"{part.title} failed", why=str(error))
        pace.end()


def _still_valid(
    parts: list[Part], results: dict[str, PartResult], context: HandlerContext
) -> dict[str, PartResult]:
    """Return the results whose models are still there and were made from the present ones."""
    made = {model.name: model.created for model in context.workspace.models()}
    valid: dict[str, PartResult] = {}
    for part in parts:
        result = results.get(part.key)
        if result is None or result.inputs != inputs_of(part, valid):
            continue
        # a model that is younger than its part is another one, of the same name
        if not result.model or made.get(result.model, _NEVER) <= result.finished:
            valid[part.key] = result
    return valid


def _note_study(study: Study, data: StudyData) -> None:
    record = study.record() or StudyRecord(settings=study.settings, created=now())
    own = data_facts(data.open(study.settings.data_argument))
    pool = data_facts(data.open(study.settings.pool_argument))
    facts = {"settings": study.settings, "data": own, "pool": pool}
    study.write_record(record.model_copy(update=facts))


def _require_alone(job: PaperJob, context: HandlerContext) -> None:
    own = context.run.id if context.run is not None else ""
    for run in context.workspace.runs():
        if run.id == own or not isinstance(run.job, PaperJob) or not is_worked_on(run):
            continue
        if study_settings(run.job).name == study_settings(job).name:
            raise InputError(
                "This study is already being worked on",
                why=f"{run.title} runs in process {run.pid}",
                next_step="Wait for it, or cancel it: what it has finished is kept",
            )
