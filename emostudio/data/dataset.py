"""A dataset in the workspace: decoded pixels and canonical labels, memory-mapped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from emostudio.core.answers import DataReport
from emostudio.core.atomic import write_with
from emostudio.core.emotions import Emotion
from emostudio.core.errors import InputError
from emostudio.core.job_context import JobContext
from emostudio.core.model_info import Preprocessing
from emostudio.data.base import Split
from emostudio.data.transforms import to_input_pixels

VERSION = 1
MANIFEST = "dataset.json"
PIXELS = "pixels.bin"
ARRAYS = ("index", "emotions", "splits", "subjects")
_CHUNK = 4096


class Dataset:
    """Pictures with canonical emotions, splits and subjects.

    Parameters
    ----------
    folder
        A dataset folder as `importing.import_dataset` leaves it.

    Attributes
    ----------
    name
        The dataset's name in the workspace.
    emotions
        Canonical indices int8 (N,), -1 where unlabelled.
    splits
        `Split` values int8 (N,).
    subjects
        Persons int32 (N,), -1 where unknown.
    items
        Name of each picture in its source.
    labels
        Emotions that occur, in canonical order.
    report
        What the import found.

    Raises
    ------
    InputError
        If the folder is no dataset, damaged, or of a newer version.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        manifest = _read_manifest(self.folder)
        try:
            self.name = str(manifest["name"])
            self.source = str(manifest["source"])
            self.reader = str(manifest["reader"])
            self.fingerprint = str(manifest["fingerprint"])
            self.report = DataReport.model_validate(manifest["report"])
            self.labels = tuple(Emotion(label) for label in manifest["labels"])
            self.items: tuple[str, ...] = tuple(manifest["items"])
            arrays = {
                name: np.load(self.folder / f"{name}.npy", allow_pickle=False) for name in ARRAYS
            }
            self._bytes: NDArray[np.uint8] = np.memmap(
                self.folder / PIXELS, dtype=np.uint8, mode="r"
            )
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise _damaged(self.folder) from error
        self._index: NDArray[np.int64] = arrays["index"]
        self.emotions: NDArray[np.int8] = arrays["emotions"]
        self.splits: NDArray[np.int8] = arrays["splits"]
        self.subjects: NDArray[np.int32] = arrays["subjects"]
        self._check_sizes()

    def _check_sizes(self) -> None:
        lengths = {len(self.items), len(self._index), len(self.emotions), len(self.splits)}
        ends = self._index[:, 0] + self._index[:, 1:].prod(axis=1)
        if lengths != {len(self.subjects)} or int(ends.max(initial=0)) != len(self._bytes):
            raise _damaged(self.folder)

    def __len__(self) -> int:
        return len(self.items)

    def image(self, index: int) -> NDArray[np.uint8]:
        """Return one decoded picture, shape (H, W, 1) grey or (H, W, 3) RGB, read-only."""
        offset, height, width, channels = (int(value) for value in self._index[index])
        flat = self._bytes[offset : offset + height * width * channels]
        return np.asarray(flat).reshape(height, width, channels)

    def indices(self, split: Split | str) -> NDArray[np.int64]:
        """Return the places of a split's pictures, ascending; a split's word does as well."""
        if isinstance(split, str):
            try:
                split = Split[split.upper()]
            except KeyError:
                raise InputError(
                    f"There is no split called {split}",
                    next_step="Use train, validation or test",
                ) from None
        return np.flatnonzero(self.splits == split)

    def pixels(
        self, preprocessing: Preprocessing, context: JobContext | None = None
    ) -> NDArray[np.uint8]:
        """Return all pictures resized to a model's input, memory-mapped.

        The file is built once per geometry and kept with the dataset.

        Parameters
        ----------
        preprocessing
            All but its scaling matters here.
        context
            Told of progress while the file is built.

        Returns
        -------
        Read-only uint8 array (N, H, W, C).
        """
        channels, height, width = preprocessing.input_shape
        path = self.folder / "cache" / f"{preprocessing.pixel_key}.npy"
        shape = (len(self), height, width, channels)
        array = _load_pixels(path, shape)
        if array is None:  # not built yet, or damaged: it can always be built again
            write_with(path, lambda temporary: self._build(temporary, preprocessing, context))
            array = _load_pixels(path, shape)
        if array is None:
            raise _damaged(path)
        return array

    def _build(self, path: Path, preprocessing: Preprocessing, context: JobContext | None) -> None:
        channels, height, width = preprocessing.input_shape
        shape = (len(self), height, width, channels)
        array: Any = open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
        for start in range(0, len(self), _CHUNK):
            if context is not None:
                context.report(start / len(self), "Resizing the pictures")
            for index in range(start, min(start + _CHUNK, len(self))):
                array[index] = to_input_pixels(self.image(index), preprocessing)
        array.flush()


def _load_pixels(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
    try:
        array: NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return array if array.shape == shape and array.dtype == np.uint8 else None


def is_dataset_folder(folder: Path) -> bool:
    """Whether a folder holds an imported dataset."""
    try:
        return (folder / MANIFEST).is_file()
    except (OSError, ValueError):  # no path at all, such as one that is too long
        return False


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{folder} holds no dataset", why=f"it has no {MANIFEST}") from error
    except (OSError, ValueError) as error:
        raise _damaged(folder) from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("version"), int):
        raise _damaged(folder)
    if manifest["version"] > VERSION:
        raise InputError(
            f"The dataset {folder.name} was made by a newer EmoStudio", next_step="Update EmoStudio"
        )
    return manifest


def _damaged(path: Path) -> InputError:
    return InputError(
        f"The dataset file {path} is damaged", next_step="Delete the dataset and import it again"
    )
