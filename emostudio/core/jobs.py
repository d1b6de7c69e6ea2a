"""What can be asked of the engine. A job is data; running it yields events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter

from emostudio.core.measured import NO_LIMITS, Limits
from emostudio.core.model_info import Transform
from emostudio.core.recipe import Recipe


class JobStatus(StrEnum):
    """Life of a run."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"
    """The worker or the machine died; the run can be resumed from its checkpoint."""


_SplitWord = Annotated[str, AfterValidator(str.lower)]
"""What is measured on ``TEST`` is found again as ``test``."""


class _Job(BaseModel):
    """What every job declares besides its fields.

    Attributes
    ----------
    is_run
        Whether it gets a run folder; all others are questions, answered and forgotten.
    gives_way
        Whether its process gives way to the window; a job that measures keeps its priority.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    is_run: ClassVar[bool] = False
    gives_way: ClassVar[bool] = False

    kind: str

    @property
    def run_title(self) -> str:
        """What a run is called in lists: its name, or what it does."""
        return self.titled({})

    def titled(self, titles: Mapping[str, str]) -> str:
        """Return `run_title` in the catalogue's words: `titles` of methods and networks by key."""
        return getattr(self, "name", None) or self._deed(titles)

    def _deed(self, _titles: Mapping[str, str], /) -> str:
        return self.kind.replace("_", " ").capitalize()


class DescribeJob(_Job):
    """List the catalogues; answers `answers.CatalogueAnswer`."""

    kind: Literal["describe"] = "describe"


class DoctorJob(_Job):
    """Describe the machine and what works on it; answers `answers.DoctorReport`."""

    kind: Literal["doctor"] = "doctor"


class InspectModelJob(_Job):
    """Layers, sizes and costs of a model; answers `answers.ModelReport`.

    `model` may be an architecture, which is then described without weights; `recipe` describes
    what its steps would make of the model, without doing them.
    """

    kind: Literal["inspect_model"] = "inspect_model"
    model: str
    architecture_settings: dict[str, Any] = Field(default_factory=dict)
    recipe: Recipe = Recipe()


class InspectDataJob(_Job):
    """Look at a data source without importing it; answers `answers.DataReport`."""

    kind: Literal["inspect_data"] = "inspect_data"
    path: str
    reader: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    thumbnails: int = 12
    only_leaks: bool = False


class PlanJob(_Job):
    """Predict what a recipe gives before any work; answers `answers.PlanReport`."""

    kind: Literal["plan"] = "plan"
    teacher: str
    recipe: Recipe
    data: str | None = None
    measure_s: float = Field(0.0, ge=0, le=3600)
    """Seconds at most for timing layers against their factors where this was not done before."""


class BreakEvenJob(_Job):
    """Time layers against their factors of several ranks; answers `low_rank.BreakEvenReport`.

    What was measured before on this machine is not measured again, unless `again` says so.
    """

    kind: Literal["break_even"] = "break_even"
    model: str
    """A model, or an architecture, whose shapes are enough."""
    architecture_settings: dict[str, Any] = Field(default_factory=dict)
    method: str
    settings: dict[str, Any] = Field(default_factory=dict)
    threads: int = Field(1, ge=1, le=256)
    seconds: float = Field(60.0, gt=0, le=3600)
    again: bool = False


class ImportModelJob(_Job):
    """Bring a foreign model into the workspace; answers `answers.ImportReport`."""

    kind: Literal["import_model"] = "import_model"
    file: str
    name: str | None = None
    architecture: str | None = None
    architecture_settings: dict[str, Any] = Field(default_factory=dict)
    labels: tuple[str, ...] | None = None
    preprocessing: dict[str, Any] | None = None
    data: str | None = None
    onnx: Literal["auto", "white_box", "black_box"] = "auto"
    """Whether an ONNX graph is taken apart into layers; `auto` where that is possible."""


class ImportDataJob(_Job):
    """Decode a data source into the workspace's cache; answers `answers.DataReport`."""

    is_run = True
    gives_way = True
    kind: Literal["import_data"] = "import_data"
    path: str
    name: str | None = None
    reader: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict)

    def _deed(self, _titles: Mapping[str, str], /) -> str:
        return f"Import {Path(self.path).name}"


class SynthesiseJob(_Job):
    """Draw synthetic faces into a folder with RaFD file names."""

    kind: Literal["synthesise"] = "synthesise"
    out: str
    settings: dict[str, Any] = Field(default_factory=dict)


class TrainJob(_Job):
    """Supervised training of an architecture; makes a variant without a parent."""

    is_run = True
    gives_way = True
    kind: Literal["train"] = "train"
    architecture: str
    architecture_settings: dict[str, Any] = Field(default_factory=dict)
    data: str
    training: dict[str, Any] = Field(default_factory=dict)
    transform: Transform = "none"
    """What is done to the pixels before the network sees them."""
    name: str | None = None
    seed: int = 0

    def _deed(self, titles: Mapping[str, str], /) -> str:
        return f"Train {titles.get(self.architecture, self.architecture)}"


class CompressJob(_Job):
    """Run a recipe on a teacher; makes a variant."""

    is_run = True
    gives_way = True
    kind: Literal["compress"] = "compress"
    teacher: str
    data: str
    recipe: Recipe
    name: str | None = None
    seed: int = 0

    def _deed(self, titles: Mapping[str, str], /) -> str:
        return f"{self.recipe.words(titles)}, from {Path(self.teacher).stem}"


class AblateJob(_Job):
    """Run every subset of a recipe's steps; answers `answers.AblationReport`."""

    is_run = True
    gives_way = True
    kind: Literal["ablate"] = "ablate"
    teacher: str
    data: str
    recipe: Recipe
    seed: int = 0

    def _deed(self, titles: Mapping[str, str], /) -> str:
        return f"{self.recipe.words(titles)}, taken apart"


class EvaluateJob(_Job):
    """Accuracy of models on one split; answers `answers.EvaluationReport`."""

    is_run = True
    kind: Literal["evaluate"] = "evaluate"
    models: tuple[str, ...]
    data: str
    split: _SplitWord = "test"
    engine: str | None = None

    def _deed(self, _titles: Mapping[str, str], /) -> str:
        return _of_models("Evaluation", self.models)


class ChangesJob(_Job):
    """Pictures that models judge otherwise than the first; answers `comparing.ChangesReport`.

    Takes what an evaluation of all of them together noted.
    """

    kind: Literal["changes"] = "changes"
    models: tuple[str, ...] = Field(min_length=2)
    data: str
    split: _SplitWord = "test"
    most: int = Field(24, ge=1, le=1000)
    """Faces per model."""


class BenchJob(_Job):
    """Interleaved latency, memory in fresh processes, sizes; answers `answers.BenchReport`."""

    is_run = True
    kind: Literal["bench"] = "bench"
    models: tuple[str, ...]
    engines: tuple[str, ...] = ()
    threads: int = Field(1, ge=1, le=256)
    blocks: int = Field(30, ge=3, le=1000)
    pairs: int = Field(23, ge=3, le=1000)
    """Turns per block; 30 blocks of 23 give the 662 queries that a p99 needs."""

    def _deed(self, _titles: Mapping[str, str], /) -> str:
        return _of_models("Benchmark", self.models)


class ProbeJob(_Job):
    """Measure which kernels are fast on this machine; answers `machine_card.MachineCardReport`.

    The card is stored for the machine and replaces an earlier one.
    """

    is_run = True
    kind: Literal["probe"] = "probe"
    threads: int = Field(1, ge=1, le=256)
    seconds: float = Field(30.0, ge=1, le=50)
    """Aimed at; kernels that have to be compiled first take longer, up to 60 in all."""

    def _deed(self, _titles: Mapping[str, str], /) -> str:
        return "Machine probe"


class MachineCardJob(_Job):
    """Tell what was measured about a machine, and rank the methods by it; measures nothing.

    Answers `machine_card.MachineCardReport`.
    """

    kind: Literal["machine_card"] = "machine_card"
    card: str = ""
    """Another machine's card as JSON; empty for this machine's own."""
    out: str = ""
    """File to write: json or csv."""


class ProfileJob(_Job):
    """Time every layer of models inside their networks; answers `comparing.ProfileReport`."""

    is_run = True
    kind: Literal["profile"] = "profile"
    models: tuple[str, ...] = Field(min_length=1)
    """The parent first: its layers are the rows."""
    engine: str | None = None
    threads: int = Field(1, ge=1, le=256)
    blocks: int = Field(9, ge=3, le=1000)
    """Runs from before six were asked for hold fewer."""

    def _deed(self, _titles: Mapping[str, str], /) -> str:
        return f"Layers of {Path(self.models[-1]).stem}"


class CompareJob(_Job):
    """Write a comparison file from stored measurements; the suffix of `out` names the format."""

    kind: Literal["compare"] = "compare"
    models: tuple[str, ...]
    out: str
    data: str | None = None
    title: str = "Comparison"
    publish: bool = False
    """Refuse to write anything where a measurement is not fit to be published."""
    limits: Limits = NO_LIMITS
    """What the models must keep to; lines in the chart, and a word per model."""
    chart: str = ""
    """Key of the only chart to write; empty writes everything."""


class ExportJob(_Job):
    """Write a model in a format for other programs, checked; answers `exported.ExportReport`."""

    kind: Literal["export"] = "export"
    model: str
    out: str
    to: str | None = None
    """Key of the format; None goes by the suffix of `out`."""
    replace: bool = False
    """Whether what `out` names already may be replaced."""
    runner: bool = False
    """Whether the Python runner is written beside the file."""


class LiveJob(_Job):
    """Run several variants on the same frames; answers `answers.LiveReport`."""

    kind: Literal["live"] = "live"
    source: str = "synthetic"
    detector: str = "haar"
    """``key[:name=value,...]``."""
    detector_file: str | None = None
    variants: tuple[str, ...]
    engine: str | None = None
    seconds: float | None = None
    send_frames: bool = True


class QuickstartJob(_Job):
    """The main job on the embedded default or the user's input; answers `QuickstartReport`."""

    is_run = True
    kind: Literal["quickstart"] = "quickstart"
    data: str | None = None
    teacher: str | None = None
    minutes: float = Field(8.0, gt=0, le=1000)
    out: str | None = None
    seed: int = 0


class PaperJob(_Job):
    """Run one of the paper's experiments; answers `paper.results.ResultTable`.

    What a study with the same settings has finished before is not done again.
    """

    is_run = True
    kind: Literal["paper"] = "paper"
    experiment: str = "all"
    """Key of one experiment, or ``all``."""
    preset: Literal["quick", "full"] = "quick"
    data: str | None = None
    """Labelled faces; None draws some."""
    teacher: str | None = None
    """Black box for Table 3; None trains a teacher on other drawn faces."""
    pool: str | None = None
    """Faces without labels for Table 3; None takes the training pictures of `data`."""
    seed: int = 0
    seeds: int | None = Field(default=None, ge=1, le=100)
    """Trainings of each kind, never fewer than the preset's or than the study had before."""
    out: str | None = None
    """File to write in the end; its suffix names the format."""

    def _deed(self, _titles: Mapping[str, str], /) -> str:
        what = "tables and figures" if self.experiment == "all" else self.experiment
        return f"Paper, {what}, {self.preset}"


class PaperReportJob(_Job):
    """Write what a study has found so far; answers with the file's path."""

    kind: Literal["paper_report"] = "paper_report"
    study: PaperJob
    out: str


Job = Annotated[
    DescribeJob
    | DoctorJob
    | InspectModelJob
    | InspectDataJob
    | PlanJob
    | BreakEvenJob
    | ImportModelJob
    | ImportDataJob
    | SynthesiseJob
    | TrainJob
    | CompressJob
    | AblateJob
    | EvaluateJob
    | ChangesJob
    | ProfileJob
    | BenchJob
    | ProbeJob
    | MachineCardJob
    | CompareJob
    | ExportJob
    | LiveJob
    | QuickstartJob
    | PaperJob
    | PaperReportJob,
    Field(discriminator="kind"),
]

JOB_ADAPTER: TypeAdapter[Job] = TypeAdapter(Job)


def seeded(job: TrainJob | CompressJob, seeds: int) -> tuple[TrainJob | CompressJob, ...]:
    """Return `job` from several seeds, counting up from its own.

    A name that was given is kept for one seed; several are told apart by ``-s`` and the seed.
    """
    if seeds == 1:
        return (job,)
    made = []
    for seed in range(job.seed, job.seed + seeds):
        name = f"{job.name}-s{seed}" if job.name else None
        made.append(job.model_copy(update={"seed": seed, "name": name}))
    return tuple(made)


def _of_models(word: str, models: Sequence[str]) -> str:
    if len(models) == 1:
        return f"{word} of {Path(models[0]).stem}"
    return f"{word}, {len(models)} models"
