"""Labels by name: every spelling becomes a canonical emotion, or is refused openly."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from emostudio.core.emotions import EMOTIONS, UNLABELLED, Emotion
from emostudio.core.errors import InputError

MERGE_INTO: Mapping[Emotion, Emotion] = {Emotion.CONTEMPT: Emotion.DISGUST}
"""Where an emotion goes under ``merge``: the seven-class sets have no contempt."""


_ALIASES: Mapping[Emotion, tuple[str, ...]] = {
    Emotion.ANGER: ("anger", "angry", "an", "ang"),
    Emotion.DISGUST: ("disgust", "disgusted", "di", "dis"),
    Emotion.FEAR: ("fear", "fearful", "afraid", "scared", "fe", "fea", "af"),
    Emotion.HAPPINESS: ("happiness", "happy", "joy", "joyful", "smile", "smiling", "ha", "hap"),
    Emotion.SADNESS: ("sadness", "sad", "sorrow", "sa"),
    Emotion.SURPRISE: ("surprise", "surprised", "su", "sur"),
    Emotion.CONTEMPT: ("contempt", "contemptuous", "con"),
    Emotion.NEUTRAL: ("neutral", "neutrality", "normal", "calm", "ne", "neu"),
}

_BY_NAME: Mapping[str, Emotion] = {
    alias: emotion for emotion, aliases in _ALIASES.items() for alias in aliases
}

_A, _D, _F, _H, _SA, _SU, _C, _N = EMOTIONS

CODE_SCHEMES: Mapping[str, tuple[Emotion | None, ...]] = {
    "fer2013": (_A, _D, _F, _H, _SA, _SU, _N),
    "ferplus": (_N, _H, _SU, _SA, _A, _D, _F, _C),
    "rafdb": (None, _SU, _F, _D, _H, _SA, _A, _N),
    "affectnet": (_N, _H, _SA, _SU, _F, _D, _A, _C),
    "ckplus": (_N, _A, _C, _D, _F, _H, _SA, _SU),
    "canonical": EMOTIONS,
}
"""Meaning of integer codes per declared scheme, indexed by code; None is no emotion."""


def normalised_name(label: str) -> str:
    """Return `label` without accents, case, numbering prefix and punctuation."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode("ascii")
    plain = re.sub(r"^\s*\d+\s*[._\- ]\s*", "", plain)
    return re.sub(r"[^a-z0-9]+", "", plain.lower())


def emotion_of(label: str) -> Emotion | None:
    """Return the emotion that `label` names, None if it names none.

    Integers name none: their meaning differs between data sets, see `emotion_of_code`.
    """
    return _BY_NAME.get(normalised_name(label))


def emotion_of_code(code: int | str, scheme: str) -> Emotion | None:
    """Return the emotion of an integer code under a declared scheme.

    Raises
    ------
    InputError
        If the scheme is unknown, or the code is no integer or outside the scheme.
    """
    if scheme not in CODE_SCHEMES:
        raise InputError(
            f"There is no code scheme called {scheme}",
            next_step=f"Known: {', '.join(CODE_SCHEMES)}",
        )
    meanings = CODE_SCHEMES[scheme]
    text = str(code).strip()
    if not (text.isascii() and text.isdigit()) or int(text) >= len(meanings):
        raise InputError(
            f"Label {text[:40]!r} is no code of {scheme}",
            why=f"codes go from 0 to {len(meanings) - 1}",
        )
    return meanings[int(text)]


def canonical_labels(labels: Sequence[str]) -> tuple[Emotion, ...]:
    """Return a model's label names as emotions, in the same order.

    Raises
    ------
    InputError
        If a name is unknown or two names mean the same emotion.
    """
    found: list[Emotion] = []
    for label in labels:
        emotion = emotion_of(label)
        if emotion is None:
            raise InputError(
                f"Unknown label {label!r}", next_step=f"Use names such as {', '.join(EMOTIONS)}"
            )
        if emotion in found:
            raise InputError(f"Two labels mean {emotion}", why=f"one of them is {label!r}")
        found.append(emotion)
    return tuple(found)


def targets(emotions: NDArray[np.integer], labels: Sequence[Emotion]) -> NDArray[np.int64]:
    """Map canonical emotion indices to places in a model's label order.

    Parameters
    ----------
    emotions
        Canonical indices (N,); `UNLABELLED` where there is no label.
    labels
        The model's labels in order.

    Returns
    -------
    Places (N,); -1 where the model lacks the class or there is no label.
    """
    order = list(labels)
    table = np.full(len(EMOTIONS) + 1, -1, dtype=np.int64)  # the last entry serves index -1
    for index, emotion in enumerate(EMOTIONS):
        if emotion in order:
            table[index] = order.index(emotion)
    return table[np.asarray(emotions, dtype=np.int64)]


def present_labels(emotions: NDArray[np.integer]) -> tuple[Emotion, ...]:
    """Return the emotions that occur in an array of canonical indices, in canonical order."""
    found = set(np.unique(emotions).tolist()) - {UNLABELLED}
    return tuple(EMOTIONS[index] for index in sorted(found))
