"""Who is drawn: everything that stays with a person from picture to picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float]

_SKINS = np.array(
    [
        (246, 212, 190), (236, 194, 166), (224, 178, 146), (204, 154, 118), (172, 122, 88),
        (132, 90, 64), (98, 66, 48),
    ],
    np.float32,
)  # fmt: skip
_HAIRS = np.array(
    [
        (24, 20, 20), (44, 30, 24), (74, 48, 32), (112, 74, 44), (150, 110, 66), (196, 160, 102),
        (128, 58, 32),
    ],
    np.float32,
)  # fmt: skip
_IRISES = np.array(
    [(58, 36, 22), (84, 54, 30), (96, 80, 46), (72, 104, 76), (78, 112, 146), (96, 112, 122)],
    np.float32,
)  # fmt: skip
_IDENTITY_STREAM = 0x1D


@dataclass(frozen=True, eq=False)
class Identity:
    """One person; lengths in inter-ocular distances, factors around 1.

    Attributes
    ----------
    age
        0 (young adult) to 1 (old): deepens folds, greys hair, thins lines.
    shape
        Geometry by name: factors and offsets of skull and features.
    hair_style
        ``short``, ``parted``, ``fringe``, ``bob``, ``long`` or ``bald``.
    texture_seed
        Seed of skin mottling, hair strands and beard grain.
    """

    number: int
    is_male: bool
    age: float
    skin: Colour
    hair: Colour
    iris: Colour
    lip: Colour
    clothes: Colour
    hair_style: str
    beard: float
    moustache: float
    blush: float
    glasses: bool
    texture_seed: int
    shape: dict[str, float] = field(default_factory=dict)

    @property
    def is_light_skinned(self) -> bool:
        """Whether the file name says Caucasian (else Moroccan), as in the database."""
        return sum(self.skin) > 480


def _pick(random: np.random.Generator, anchors: NDArray[np.float32]) -> NDArray[np.float32]:
    position = (len(anchors) - 1) * random.random() ** 1.35
    index = min(int(position), len(anchors) - 2)
    share = np.float32(position - index)
    return np.asarray(anchors[index] * (1 - share) + anchors[index + 1] * share, np.float32)


def _colour(values: NDArray[np.float32]) -> Colour:
    red, green, blue = np.clip(values, 0, 255).tolist()
    return (red, green, blue)


_SPREADS = {
    "face_width": 0.0175, "jaw": 0.0225, "chin": 0.025, "cheek": 0.02, "eye_distance": 0.01,
    "eye_width": 0.03, "eye_height": 0.05, "eye_tilt": 0.012, "brow_height": 0.018,
    "brow_thickness": 0.09, "brow_arch": 0.25, "nose_width": 0.05, "nose_length": 0.015,
    "nose_projection": 0.06, "mouth_height": 0.015, "mouth_width": 0.03, "lip_fullness": 0.1,
    "ear": 0.12, "hairline": 0.05, "lid_fold": 0.3,
}  # fmt: skip


_MALE_STYLES = {"short": 0.42, "parted": 0.3, "fringe": 0.13, "bald": 0.15}
_YOUNG_STYLES = {"short": 0.5, "parted": 0.32, "fringe": 0.15, "bald": 0.03}
_FEMALE_STYLES = {"bob": 0.24, "long": 0.34, "fringe": 0.16, "parted": 0.16, "short": 0.1}


def _hair_style(random: np.random.Generator, is_male: bool, age: float) -> str:
    styles = _FEMALE_STYLES
    if is_male:
        styles = _YOUNG_STYLES if age < 0.35 else _MALE_STYLES
    return str(random.choice(np.array(list(styles)), p=list(styles.values())))


@lru_cache(maxsize=256)
def draw_identity(number: int, seed: int, glasses_share: float) -> Identity:
    """Draw one person; the same number, seed and share give the same person.

    Parameters
    ----------
    number
        Which person of the seed's population.
    seed
        Seed of the population.
    glasses_share
        Share of people who wear glasses, in [0, 1].
    """
    random = np.random.default_rng([_IDENTITY_STREAM, seed, number])
    is_male = bool(random.random() < 0.5)
    age = float(random.random() ** 1.3)
    skin = _pick(random, _SKINS) + random.normal(0, 3, 3).astype(np.float32)
    lightness = float(skin.mean()) / 200.0
    hair = _HAIRS[int(random.integers(len(_HAIRS)))] + random.normal(0, 5, 3).astype(np.float32)
    if lightness < 0.75:
        hair = hair * 0.3 + _HAIRS[0] * 0.7
    grey = np.float32(np.clip((age - 0.5) * 2.2 * random.uniform(0.3, 1.0), 0, 0.9))
    hair = hair * (1 - grey) + np.array((178, 176, 174), np.float32) * grey
    iris = _IRISES[int(random.integers(2 if lightness < 0.75 else len(_IRISES)))]
    lipstick = np.float32(0.0 if is_male else random.choice([0.0, 0.35, 0.8]))
    lip = skin * np.array((0.86, 0.62, 0.60), np.float32)
    lip = lip * (1 - lipstick) + np.array((172, 42, 52), np.float32) * lipstick
    offsets = np.clip(random.normal(size=len(_SPREADS)), -2.0, 2.0) * list(_SPREADS.values())
    shape = dict(zip(_SPREADS, offsets.tolist(), strict=True))
    style = _hair_style(random, is_male, age)
    beard = float(random.choice([0.0, 0.0, 0.35, 0.6, 1.0])) if is_male else 0.0
    moustache = beard if random.random() < 0.8 else 0.0
    if beard == 0.0 and is_male and random.random() < 0.1:
        moustache = 0.8
    return Identity(
        number=number,
        is_male=is_male,
        age=age,
        skin=_colour(skin),
        hair=_colour(hair),
        iris=_colour(iris + random.normal(0, 8, 3).astype(np.float32)),
        lip=_colour(lip),
        clothes=_colour(random.uniform(25, 210, 3).astype(np.float32)),
        hair_style=style,
        beard=beard,
        moustache=moustache,
        blush=float(random.uniform(0.2, 1.0)) * (0.6 if is_male else 1.0),
        glasses=bool(random.random() < glasses_share),
        texture_seed=int(random.integers(2**31)),
        shape=shape,
    )
