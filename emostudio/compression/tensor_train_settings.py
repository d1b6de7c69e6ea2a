"""Settings that tensor trains of matrices and of kernels share, and reading them."""

from __future__ import annotations

from typing import Any, Literal

from emostudio.compression.fine_tuning import FineTuneSettings
from emostudio.compression.tensor_train import (
    TrainShape,
    balanced_modes,
    given_modes,
    prime_factors,
    train_shape,
)
from emostudio.core.errors import InputError
from emostudio.core.settings import setting

_MOST_MODES, _MOST_RANK = 16, 65_536


class TensorTrainSettings(FineTuneSettings):
    """Rank, modes and start of the trains."""

    rank: int = setting(
        16,
        title="Rank",
        help="Largest rank between cores; ranks beyond the largest useful one are cut down to it.",
        low=1,
        high=4096,
    )
    modes: int = setting(
        4,
        title="Modes",
        help="How many factors each dimension is split into; fewer where it has fewer primes.",
        low=2,
        high=8,
    )
    out_modes: str = setting(
        "",
        title="Output modes",
        help="Factors of the output dimension, such as 4x4x11x23; empty balances them.",
        advanced=True,
    )
    in_modes: str = setting(
        "",
        title="Input modes",
        help="Factors of the input dimension, such as 16x16x9x8; empty balances them.",
        advanced=True,
    )
    start: Literal["scratch", "svd"] = setting(
        "scratch",
        title="Start",
        help="Random cores of the right variance, or the trained layer cut to the rank, which "
        "needs ranks in the hundreds to resemble it.",
    )
    epochs: int = setting(
        40, title="Training epochs", help="Passes over the training images.", low=0, high=1000
    )
    learning_rate: float = setting(
        1e-3, title="Learning rate", help="Peak of AdamW's schedule.", low=1e-7, high=1.0
    )


TRAINING: dict[str, Any] = {"optimiser": "adamw", "clip_norm": 1.0}


def shape_of(
    out_size: int, in_size: int, settings: TensorTrainSettings, first_rank: int = 1
) -> TrainShape:
    """Return the train's sizes for a layer.

    Raises
    ------
    InputError
        If given modes do not multiply to the layer's sizes.
    """
    most = min(len(prime_factors(out_size)), len(prime_factors(in_size)), settings.modes)
    out_modes = _modes(settings.out_modes, out_size, most)
    in_modes = _modes(settings.in_modes, in_size, most)
    if len(out_modes) != len(in_modes):
        raise InputError(
            f"{len(out_modes)} output modes do not go with {len(in_modes)} input modes",
            next_step="Give as many of each",
        )
    return train_shape(out_modes, in_modes, settings.rank, first_rank)


def _modes(text: str, size: int, most: int) -> tuple[int, ...]:
    return given_modes(text, size) if text else balanced_modes(size, most)


def shape_arguments(shape: TrainShape) -> dict[str, Any]:
    """Return what a record keeps of a train's sizes."""
    return {
        "out_modes": list(shape.out_modes),
        "in_modes": list(shape.in_modes),
        "ranks": list(shape.ranks),
    }


def recorded_shape(arguments: dict[str, Any]) -> TrainShape:
    """Read a train's sizes from a record that came out of a file.

    Raises
    ------
    InputError
        If they are missing or impossible.
    """
    lists = [arguments.get(key) for key in ("out_modes", "in_modes", "ranks")]
    valid = all(isinstance(one, list) and 0 < len(one) <= _MOST_MODES + 1 for one in lists)
    flat = [number for one in lists if isinstance(one, list) for number in one]
    valid = valid and all(
        isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= _MOST_RANK
        for number in flat
    )
    out_modes, in_modes, ranks = (tuple(one) if isinstance(one, list) else () for one in lists)
    valid = valid and len(out_modes) == len(in_modes) == len(ranks) - 1 and ranks[-1] == 1
    if not valid:
        raise InputError("A tensor train cannot be rebuilt", why="its sizes are impossible")
    return TrainShape(out_modes, in_modes, ranks)
