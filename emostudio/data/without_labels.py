"""The same pictures without their labels, so that nothing downstream can look at them."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np

from emostudio.core.atomic import write_json, write_with
from emostudio.core.emotions import UNLABELLED
from emostudio.data.base import Split
from emostudio.data.dataset import MANIFEST, Dataset, is_dataset_folder

_SUFFIX = "-no-labels"


def without_labels(dataset: Dataset, datasets_folder: Path) -> Dataset:
    """Return a copy of a dataset whose pictures carry no labels; splits and people stay.

    The copy is made once and found again; a dataset without labels is returned as it is.

    Parameters
    ----------
    dataset
        Left as it is.
    datasets_folder
        Where the copy goes.

    Raises
    ------
    EmoStudioError
        If the disk refuses.
    """
    if not (dataset.emotions != UNLABELLED).any():
        return dataset
    folder = datasets_folder / f"{dataset.folder.name}{_SUFFIX}"
    if is_dataset_folder(folder):
        return Dataset(folder)
    shutil.rmtree(folder, ignore_errors=True)  # half a copy has no manifest yet
    left_out = shutil.ignore_patterns(MANIFEST, "record.json", "emotions.npy", "cache")
    shutil.copytree(dataset.folder, folder, ignore=left_out)
    bare = np.full_like(dataset.emotions, UNLABELLED)

    def save(path: Path) -> None:
        with path.open("wb") as stream:
            np.save(stream, bare, allow_pickle=False)

    write_with(folder / "emotions.npy", save)
    write_json(folder / MANIFEST, _manifest(dataset, folder))
    return Dataset(folder)


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
    digest = hashlib.sha256(f"{dataset.fingerprint}{_SUFFIX}".encode()).hexdigest()
    return {
        **manifest,
        "name": folder.name,
        "labels": [],
        "fingerprint": digest,
        "report": report.model_dump(mode="json"),
    }
