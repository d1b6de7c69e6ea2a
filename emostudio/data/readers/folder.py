"""Class folders: one folder per emotion, with or without train, validation and test above them.

FER2013's folder form is one of them: its folders have names, so its own order of codes (neutral 4,
sad 5, surprise 6, unlike the CSV) never matters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from emostudio.core.answers import Problem
from emostudio.core.emotions import Emotion
from emostudio.core.errors import InputError
from emostudio.core.settings import setting
from emostudio.data.base import ReaderSettings, Record, Split
from emostudio.data.decode import printable
from emostudio.data.labels import CODE_SCHEMES, emotion_of, emotion_of_code, normalised_name
from emostudio.data.walking import item_name, subfolders, walk_pictures

_SPLITS = {
    "train": Split.TRAIN,
    "training": Split.TRAIN,
    "fer2013train": Split.TRAIN,
    "val": Split.VALIDATION,
    "valid": Split.VALIDATION,
    "validation": Split.VALIDATION,
    "dev": Split.VALIDATION,
    "test": Split.TEST,
    "testing": Split.TEST,
}


class FolderSettings(ReaderSettings):
    """Settings of the class-folder reader."""

    codes: Literal["none", "fer2013", "ferplus", "rafdb", "affectnet", "ckplus", "canonical"] = (
        setting(
            "none",
            title="Meaning of numbered folders",
            help="Data set whose codes the folder names 0, 1, 2 ... follow; never guessed",
        )
    )


@dataclass(frozen=True)
class _ClassFolder:
    path: Path
    split: Split | None

    @property
    def label(self) -> str:
        return printable(self.path.name)


class FolderReader:
    """Reads class folders."""

    key = "folder"
    title = "Class folders"
    family = "folders"
    summary = "One folder per emotion, optionally below train, val and test"
    reference = "Layout of torchvision's ImageFolder and of FER2013's folder form"
    settings_type = FolderSettings

    def recognises(self, path: Path) -> float:
        """Return 0.8 for folders named after emotions, 0.5 for numbered ones."""
        if not path.is_dir():
            return 0.0
        names = [folder.path.name for folder in _class_folders(path)]
        if sum(emotion_of(name) is not None for name in names) >= 2:
            return 0.8
        return 0.5 if sum(name.isdigit() for name in names) >= 2 else 0.0

    def expected(self, path: Path, settings: FolderSettings) -> int | None:
        """Return None: counting would cost as much as listing."""
        del path, settings
        return None

    def read(self, path: Path, settings: FolderSettings) -> Iterator[Record | Problem]:
        """Yield the pictures of every class folder; the folder's name is the label."""
        folders = _class_folders(path)
        if not folders:
            raise InputError(
                f"{printable(path)} holds no class folders",
                next_step="Use the reader unlabelled for pictures without labels",
            )
        numbered = [f.label for f in folders if f.label.isdigit()]
        if numbered and settings.codes == "none":
            raise InputError(
                f"The folders are numbered ({', '.join(numbered[:8])})",
                why="the same number means different emotions in different data sets",
                next_step=f"Set codes to one of {', '.join(CODE_SCHEMES)}",
            )
        yield from _odd_names(folders)
        for folder in folders:
            yield from _read_class(folder, path, settings)


def _read_class(
    folder: _ClassFolder, root: Path, settings: FolderSettings
) -> Iterator[Record | Problem]:
    emotion = emotion_of(folder.label)
    if folder.label.isdigit():
        emotion = emotion_of_code(folder.label, settings.codes)
    count = 0
    for found in walk_pictures(folder.path, root):
        if isinstance(found, Problem):
            yield found
            continue
        count += 1
        yield Record(
            item=item_name(found, root),
            source=found,
            label=folder.label,
            emotion=emotion,
            split=folder.split,
            root=root,
        )
    if not count:
        name = item_name(folder.path, root)
        yield Problem(item=name, what="the class folder is empty", severity="warning")


def _class_folders(path: Path) -> list[_ClassFolder]:
    """Find class folders, below split folders where there are some, at most two levels deeper."""
    for _ in range(3):
        folders = subfolders(path)
        split_folders = [f for f in folders if normalised_name(f.name) in _SPLITS]
        if split_folders:
            return [
                _ClassFolder(folder, _SPLITS[normalised_name(split_folder.name)])
                for split_folder in split_folders
                for folder in subfolders(split_folder)
            ]
        if len(folders) != 1 or emotion_of(folders[0].name) is not None:
            return [_ClassFolder(folder, None) for folder in folders]
        path = folders[0]
    return []


def _odd_names(folders: list[_ClassFolder]) -> Iterator[Problem]:
    seen: dict[tuple[Split | None, Emotion], str] = {}
    for folder in folders:
        emotion = emotion_of(folder.label)
        if emotion is None:
            continue
        other = seen.setdefault((folder.split, emotion), folder.label)
        if other != folder.label:
            what = f"the folders {other} and {folder.label} both mean {emotion}"
            yield Problem(item=folder.label, what=what, severity="warning")


READER = FolderReader()
