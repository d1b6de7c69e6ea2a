"""What model and data arguments mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from emostudio.compression.packing import load_variant
from emostudio.core.errors import InputError
from emostudio.core.paths import resource_path
from emostudio.data.dataset import Dataset
from emostudio.data.opening import open_dataset
from emostudio.evaluation.complexity import count, total_macs
from emostudio.models.ensemble import ensemble
from emostudio.models.loaded import LoadedModel
from emostudio.worker.context import HandlerContext
from emostudio.workspace.folders import DATASET_FILE, MODEL_SUFFIXES
from emostudio.workspace.records import ModelRecord
from emostudio.workspace.store import Workspace

BUNDLED_FOLDER = "starter"
_JOINED = "+"


@dataclass(frozen=True)
class Found:
    """The file behind a model argument.

    Attributes
    ----------
    name
        What to call the model.
    file
        Its file.
    record
        Its record if it is in the workspace.
    members
        The models of an ensemble; `file` is then that of the first.
    """

    name: str
    file: Path
    record: ModelRecord | None = None
    members: tuple[Found, ...] = ()

    @property
    def disk_bytes(self) -> int:
        """Size of the model's file, or of all files of an ensemble."""
        if self.members:
            return sum(member.disk_bytes for member in self.members)
        return self.file.stat().st_size

    def load(self) -> LoadedModel:
        """Read the model; it goes by `name` from here on."""
        if self.members:
            return ensemble([member.load() for member in self.members], self.name)
        model = load_variant(self.file)
        return replace(model, info=model.info.model_copy(update={"name": self.name}))


def find_model(argument: str, workspace: Workspace) -> Found:
    """Find a model by its name in the workspace, run id, bundled name or file.

    Several of these joined by ``+`` stand for an ensemble, unless a model or file has that name.

    Raises
    ------
    InputError
        If nothing fits, naming what there is.
    """
    records = {model.name: model for model in workspace.models()}
    if argument in records:
        return _of_record(records[argument])
    of_run = [model for model in records.values() if model.run == argument]
    if of_run:
        return _of_record(max(of_run, key=lambda model: model.created))
    bundled = bundled_models()
    if argument in bundled:
        return Found(argument, bundled[argument])
    path = Path(argument).expanduser()
    if path.is_file():
        own = [m for m in records.values() if m.file.resolve() == path.resolve()]
        return _of_record(own[0]) if own else Found(path.stem, path)
    parts = argument.split(_JOINED)
    if len(parts) > 1 and all(part.strip() for part in parts):
        members = find_models([part.strip() for part in parts], workspace)
        name = _JOINED.join(member.name for member in members)
        return Found(name, members[0].file, members=tuple(members))
    known = ", ".join([*records, *bundled]) or "none"
    raise InputError(
        f"There is no model called {argument}",
        why="it is neither a file, a run, a model of the workspace nor a bundled one",
        next_step=f"Known models: {known}",
    )


def find_models(arguments: Sequence[str], workspace: Workspace) -> list[Found]:
    """Find several models, each once, under names that differ.

    Raises
    ------
    InputError
        If one is not found or none is given.
    """
    if not arguments:
        raise InputError("No model was named", next_step="Name at least one")
    found: dict[str, Found] = {}
    for argument in dict.fromkeys(arguments):
        one = find_model(argument, workspace)
        number = 2
        name = one.name
        while name in found and found[name].file != one.file:
            name, number = f"{one.name}-{number}", number + 1
        found[name] = replace(one, name=name)
    return list(found.values())


def bundled_models() -> dict[str, Path]:
    """Return the models shipped with the program by name."""
    folder = resource_path(BUNDLED_FOLDER)
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return {file.stem: file for file in files if file.suffix in MODEL_SUFFIXES}


def open_data(argument: str, context: HandlerContext) -> Dataset:
    """Open the dataset behind a data argument; what had to be imported joins the workspace."""
    workspace = context.workspace
    dataset = open_dataset(argument, workspace.datasets_folder, context.control.report)
    register_dataset(dataset, workspace)
    return dataset


def register_dataset(dataset: Dataset, workspace: Workspace) -> None:
    """Give a dataset that lies in the workspace's folder its record, if it has none.

    One that took the place of another of the same name has none in its folder yet.
    """
    is_inside = dataset.folder.resolve().parent == workspace.datasets_folder.resolve()
    known = {record.name for record in workspace.datasets()}
    is_known = dataset.folder.name in known and (dataset.folder / DATASET_FILE).is_file()
    if is_inside and not is_known and not workspace.read_only:
        report = dataset.report.model_dump(mode="json")
        workspace.add_dataset(dataset.folder.name, source=dataset.source, report=report)


def macs_of(model: LoadedModel) -> int | None:
    """Return the multiply-adds of one input, None for a black box."""
    if model.module is None:
        return None
    return total_macs(count(model.module, model.input_shape))


def _of_record(record: ModelRecord) -> Found:
    if not record.file.exists():
        raise InputError(
            f"The file of model {record.name} is gone",
            why=f"{record.file} does not exist",
            next_step="Delete the model, or put its file back",
        )
    return Found(record.name, record.file, record)
