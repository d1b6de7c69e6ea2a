"""The same pictures without their labels, so that nothing downstream can look at them."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np

from emostudio.core.atomic import replace_folder, write_json, write_with
from emostudio.core.emotions import UNLABELLED
from emostudio.core.errors import EmoStudioError, InputError
from emostudio.data.base import Split
from emostudio.data.dataset import MANIFEST, Dataset, is_dataset_folder
from emostudio.data.importing import unfinished_folder

_SUFFIX = "-no-labels"


def without_labels(dataset: Dataset, datasets_folder: Path) -> Dataset:
    """Return a copy of a dataset whose pictures carry no labels; splits and people stay.

    The copy is made once and found again for as long as it is one of these pictures; a dataset
    without labels is returned as it is.

    Parameters
    ----------
    dataset
        Left as it is.
    datasets_folder
        Where the copy goes.

    Raises
    ------
    EmoStudioError
        If the disk refuses; an older copy is intact.
    """
    if not (dataset.emotions != UNLABELLED).any():
        return dataset
    folder = datasets_folder / f"{dataset.folder.name}{_SUFFIX}"
    if _is_copy_of(dataset, folder):
        return Dataset(folder)
    temporary = unfinished_folder(folder)
    shutil.rmtree(temporary, ignore_errors=True)  # of a dead process that had the same number
    try:
        _build(dataset, temporary, folder)
        replace_folder(temporary, folder)
    except OSError as error:
        raise EmoStudioError(
            f"Could not copy {dataset.name} without its labels",
            why=_reason(error),
            next_step="Free some space and run it again; nothing was changed",
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Dataset(folder)


def _is_copy_of(dataset: Dataset, folder: Path) -> bool:
    """Whether a folder holds the copy of these very pictures, whole."""
    try:
        return is_dataset_folder(folder) and Dataset(folder).fingerprint == _fingerprint(dataset)
    except InputError:  # damaged: it can always be made again
        return False


def _build(dataset: Dataset, temporary: Path, folder: Path) -> None:
    left_out = shutil.ignore_patterns(MANIFEST, "record.json", "emotions.npy", "cache")
    shutil.copytree(dataset.folder, temporary, ignore=left_out)
    bare = np.full_like(dataset.emotions, UNLABELLED)

    def save(path: Path) -> None:
        with path.open("wb") as stream:
            np.save(stream, bare, allow_pickle=False)

    write_with(temporary / "emotions.npy", save)
    write_json(temporary / MANIFEST, _manifest(dataset, folder))


def _fingerprint(dataset: Dataset) -> str:
    return hashlib.sha256(f"{dataset.fingerprint}{_SUFFIX}".encode()).hexdigest()


def _reason(error: OSError) -> str:
    """Return why a copy failed; `shutil.copytree` gathers the reasons of all files."""
    if isinstance(error, shutil.Error) and error.args and error.args[0]:
        return str(error.args[0][0][-1])
    return error.strerror or str(error)


def _manifest(dataset: Dataset, folder: Path) -> dict[str, object]:
    manifest = json.loads((dataset.folder / MANIFEST).read_text("utf-8"))
    counts = {split.word: {"unlabelled": len(dataset.indices(split))} for split in Split}
    update = {
        "name": folder.name,
        "labels": (),
        "counts": counts,
        "folder": str(folder),
        "thumbnails": (),
    }
    report = dataset.report.model_copy(update=update)
    return {
        **manifest,
        "name": folder.name,
        "labels": [],
        "fingerprint": _fingerprint(dataset),
        "report": report.model_dump(mode="json"),
    }
