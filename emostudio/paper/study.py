"""A study: one preset on one dataset, kept in the workspace part by part.

``paper/<study>/study.json`` says what the study is of, ``parts/<key>.json`` holds each finished
part. Every file is whole or not there, so that a study can be stopped anywhere and gone on with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from emostudio.core.atomic import write_text
from emostudio.core.paths import safe_name
from emostudio.paper.parts import Part, PartResult
from emostudio.paper.presets import Preset, preset

FOLDER = "paper"
_STUDY, _PARTS = "study.json", "parts"


class StudySettings(BaseModel):
    """What a study is of.

    Attributes
    ----------
    preset
        Key of the preset.
    data
        Data argument; None takes the preset's drawn faces.
    teacher
        Model that stands for the paper's EmotiW teacher in Table 3; None trains one on other
        drawn faces.
    pool
        Faces without labels that students learn from; None takes the training pictures of `data`,
        their labels unseen.
    seed
        Of the first training.
    seeds
        How many at least; None takes as many as the preset, or as the study has been given before.
        More of them make the same study more certain, so they are no part of its name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: str = "quick"
    data: str | None = None
    teacher: str | None = None
    pool: str | None = None
    seed: int = 0
    seeds: int | None = None

    @property
    def sizes(self) -> Preset:
        """The preset itself."""
        return preset(self.preset)

    @property
    def data_argument(self) -> str:
        """The labelled faces."""
        return self.data or self.sizes.data

    @property
    def pool_argument(self) -> str:
        """The faces without labels."""
        return self.pool or self.data_argument

    def seeds_from(self, usual: int) -> tuple[int, ...]:
        """Return the seeds where the preset has `usual` many; never fewer than those."""
        return tuple(self.seed + number for number in range(max(self.seeds or 0, usual)))

    @property
    def name(self) -> str:
        """Name of the study's folder, the same for the same settings."""
        named = Path(self.data).name.partition(".")[0] if self.data else "synthetic"
        digest = sha256(self.model_dump_json(exclude={"seeds"}).encode()).hexdigest()[:6]
        return f"{self.preset}-{safe_name(named)[:30]}-{digest}"


class DataFacts(BaseModel):
    """What readers of a result must know about its pictures."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    reader: str
    train_images: int
    held_out_images: int
    test_images: int
    labels: tuple[str, ...]
    subjects: int | None = None
    split_policy: str = ""
    fingerprint: str | None = None
    """That of the dataset; None in studies from before it was kept."""

    @property
    def is_synthetic(self) -> bool:
        """Whether the faces are drawn."""
        return self.reader == "synthetic"


class StudyRecord(BaseModel):
    """The study's own file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    settings: StudySettings
    created: datetime
    data: DataFacts | None = None
    pool: DataFacts | None = None

    def fingerprint_of(self, argument: str | None) -> str | None:
        """Return the fingerprint of the pictures behind a data argument, None if it is unknown."""
        known = {self.settings.pool_argument: self.pool, self.settings.data_argument: self.data}
        facts = known.get(argument) if argument is not None else None
        return facts.fingerprint if facts is not None else None


class Study:
    """The files of one study.

    Parameters
    ----------
    workspace_folder
        The workspace it is kept in.
    settings
        What it is of; a study that was given more seeds before keeps them.
    """

    def __init__(self, workspace_folder: Path, settings: StudySettings) -> None:
        self.folder = workspace_folder / FOLDER / settings.name
        known = self.record()
        before = known.settings.seeds if known is not None else None
        counts = [count for count in (settings.seeds, before) if count is not None]
        self.settings = settings.model_copy(update={"seeds": max(counts, default=None)})

    def record(self) -> StudyRecord | None:
        """Return what is known of the study; None before its first part."""
        return _read_record(self.folder / _STUDY)

    def write_record(self, record: StudyRecord) -> None:
        """Keep what is known of the study."""
        write_text(self.folder / _STUDY, record.model_dump_json(indent=2))

    def work_folder(self, key: str) -> Path:
        """Return where an unfinished part keeps its checkpoints."""
        return self.folder / "work" / key

    def keep(self, result: PartResult) -> None:
        """Store a finished part.

        Raises
        ------
        EmoStudioError
            If the disk refuses; what was there before is intact.
        """
        write_text(self._file(result.key), result.model_dump_json(indent=2))

    def results(self, parts: Iterable[Part]) -> dict[str, PartResult]:
        """Return the finished ones among `parts` by key.

        Those of another preset, of pictures that have changed since, or made from models that
        were made anew since, do not count.

        Parameters
        ----------
        parts
            Each behind the parts it needs.
        """
        record = self.record()
        found: dict[str, PartResult] = {}
        for part in parts:
            result = self._read(part.key)
            if result is None or result.fingerprint != part.fingerprint:
                continue
            pictures = record.fingerprint_of(part.data) if record is not None else None
            is_same_data = pictures is None or result.data_fingerprint == pictures
            if is_same_data and result.inputs == inputs_of(part, found):
                found[part.key] = result
        return found

    def _file(self, key: str) -> Path:
        return self.folder / _PARTS / f"{key}.json"

    def _read(self, key: str) -> PartResult | None:
        try:
            return PartResult.model_validate_json(self._file(key).read_bytes())
        except (OSError, ValidationError):  # a damaged part is simply done again
            return None


def inputs_of(part: Part, results: Mapping[str, PartResult]) -> tuple[str, ...]:
    """Return what identifies the models that a part is given, of the parts that made one."""
    made = (results[key] for key in part.needs if key in results)
    return tuple(result.identity for result in made)


def studies(workspace_folder: Path) -> list[Study]:
    """Return the studies of a workspace, the one worked on last first."""
    files = (workspace_folder / FOLDER).glob(f"*/{_STUDY}")
    records = {file: record for file in files if (record := _read_record(file)) is not None}
    return [
        Study(workspace_folder, records[file].settings)
        for file in sorted(records, key=_last_worked_on, reverse=True)
    ]


def _last_worked_on(file: Path) -> float:
    parts = file.parent / _PARTS
    return max(path.stat().st_mtime for path in (file, parts) if path.exists())


def _read_record(file: Path) -> StudyRecord | None:
    try:
        return StudyRecord.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None
