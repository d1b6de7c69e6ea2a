"""A whole set of drawn faces: who is in which split, and every picture in a fixed order."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from emostudio.core.atomic import write_bytes, write_text
from emostudio.core.emotions import Emotion
from emostudio.core.errors import InputError
from emostudio.core.job_context import JobContext
from emostudio.data.base import Split
from emostudio.data.synthetic.identity import draw_identity
from emostudio.data.synthetic.names import RafdName
from emostudio.data.synthetic.renderer import Camera, FaceRequest, Gaze, render_cameras
from emostudio.data.synthetic.settings import SyntheticSettings

ByteArray = NDArray[np.uint8]
PictureFormat = Literal["jpg", "png"]

_SPLIT_STREAM = 0x59
_JPEG_QUALITY = 95
DESCRIPTION = "synthetic.json"
"""File beside an exported set: its settings, the splits and who wears glasses."""


@dataclass(frozen=True)
class SyntheticFace:
    """One drawn picture and everything known about it.

    Attributes
    ----------
    image
        uint8 (size, size, 3) RGB.
    subject
        Number of the person, from 1.
    file_name
        Path with the database's file name; further takes lie in ``take_2``, ``take_3``, ...
    """

    image: ByteArray
    emotion: Emotion
    subject: int
    camera: Camera
    gaze: Gaze
    split: Split
    file_name: str
    wears_glasses: bool


def assign_people(settings: SyntheticSettings) -> dict[int, Split]:
    """Return the split of each person, numbered from 1; nobody is in two splits.

    At least one person is in each split.
    """
    count = settings.identities
    random = np.random.default_rng([_SPLIT_STREAM, settings.seed, count])
    order = (random.permutation(count) + 1).tolist()
    test = min(max(1, round(settings.test_share * count)), count - 2)
    rest = count - test
    validation = min(max(1, round(settings.validation_share * rest)), rest - 1)
    places = [Split.TEST] * test + [Split.VALIDATION] * validation
    places += [Split.TRAIN] * (count - len(places))
    return dict(sorted(zip(order, places, strict=True)))


def drawn_counts(settings: SyntheticSettings) -> dict[str, dict[str, int]]:
    """Return how many pictures of each emotion each split will have, without drawing any."""
    people = Counter(assign_people(settings).values())
    each = settings.image_count // (settings.identities * len(settings.emotions))
    return {
        split.word: {str(emotion): people[split] * each for emotion in settings.emotions}
        for split in Split
    }


def draw_faces(settings: SyntheticSettings) -> Iterator[SyntheticFace]:
    """Draw a whole set, one person after the other; the same settings give the same bytes."""
    for subject, split in assign_people(settings).items():
        for take in range(settings.images_per_combination):
            for emotion in settings.emotions:
                for gaze in settings.gazes:
                    yield from _draw_moment(settings, subject, split, take, emotion, gaze)


def _draw_moment(
    settings: SyntheticSettings,
    subject: int,
    split: Split,
    take: int,
    emotion: Emotion,
    gaze: Gaze,
) -> Iterator[SyntheticFace]:
    request = FaceRequest(
        identity=subject,
        emotion=emotion,
        gaze=gaze,
        take=take,
        seed=settings.seed,
        size=settings.size,
        field_of_view=settings.field_of_view,
        intensity=(settings.intensity_low, settings.intensity_high),
        glasses_share=settings.glasses_share,
    )
    person = draw_identity(subject, settings.seed, settings.glasses_share)
    group = "Caucasian" if person.is_light_skinned else "Moroccan"
    sex = "male" if person.is_male else "female"
    pictures = render_cameras(request, settings.cameras)
    for camera, image in zip(settings.cameras, pictures, strict=True):
        name = RafdName(camera, subject, group, sex, emotion, gaze).text()
        folder = f"take_{take + 1}/" if take else ""
        yield SyntheticFace(
            image, emotion, subject, camera, gaze, split, folder + name, person.glasses
        )


def encode_picture(image: ByteArray, picture_format: PictureFormat = "jpg") -> bytes:
    """Return an RGB picture as the bytes of a JPEG or PNG file."""
    options = (cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY) if picture_format == "jpg" else ()
    swapped = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    encoded: NDArray[np.uint8] = cv2.imencode(f".{picture_format}", swapped, options)[1]
    return encoded.tobytes()


def write_faces(
    settings: SyntheticSettings,
    folder: Path,
    context: JobContext | None = None,
    picture_format: PictureFormat = "jpg",
) -> int:
    """Draw a set into a folder under the database's file names.

    Parameters
    ----------
    settings
        What to draw.
    folder
        New or empty folder. `DESCRIPTION` is written last: a folder without it is incomplete.
    context
        Told of progress after each picture; its `report` may raise `JobCancelled`.
    picture_format
        ``jpg`` or ``png``.

    Returns
    -------
    Number of pictures written.

    Raises
    ------
    InputError
        If the folder holds anything already.
    """
    if (folder.is_dir() and any(folder.iterdir())) or folder.is_file():
        raise InputError(f"{folder} is not empty", next_step="Choose a new or an empty folder")
    total = settings.image_count
    glasses: set[int] = set()
    count = 0
    for face in draw_faces(settings):
        path = (folder / face.file_name).with_suffix(f".{picture_format}")
        write_bytes(path, encode_picture(face.image, picture_format))
        count += 1
        if face.wears_glasses:
            glasses.add(face.subject)
        if context is not None:
            context.report(count / total, f"{count:,} of {total:,} faces")
    write_text(folder / DESCRIPTION, _description(settings, glasses))
    return count


def _description(settings: SyntheticSettings, glasses: set[int]) -> str:
    people = assign_people(settings)
    splits = {
        split.word: [subject for subject, place in people.items() if place is split]
        for split in Split
    }
    document = {
        "what": "Drawn faces, no photographs: figures made with them do not carry over to people",
        "settings": settings.model_dump(mode="json"),
        "splits": splits,
        "subjects_with_glasses": sorted(glasses),
    }
    return json.dumps(document, indent=2) + "\n"
