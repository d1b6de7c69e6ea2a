"""Settings of channel pruning."""

from __future__ import annotations

from typing import Literal

from emostudio.compression.fine_tuning import FineTuneSettings
from emostudio.core.settings import setting


class ChannelPruningSettings(FineTuneSettings):
    """How many channels go, how they are chosen, and how the network is trained in between."""

    layers: str = setting(
        "all",
        title="Layers",
        help="Layers whose output channels may go: names or wildcards, separated by blanks or +.",
    )
    pruning_ratio: float = setting(
        0.5,
        title="Channels removed",
        help="Share of the channels that goes, where no target for the multiply-adds is given.",
        low=0.0,
        high=0.95,
    )
    mac_target: float = setting(
        0.0,
        title="Multiply-adds kept",
        help="Remove channels until this share of the multiply-adds is left; 0 goes by the share "
        "of channels.",
        low=0.0,
        high=1.0,
    )
    allocation: Literal["uniform", "global"] = setting(
        "uniform",
        title="Allocation",
        help="Uniform takes the same share from every layer, so sizes are known beforehand; global "
        "takes the least important channels wherever they are.",
    )
    criterion: Literal["taylor", "magnitude"] = setting(
        "taylor",
        title="Importance",
        help="Taylor estimates how much the loss would change; magnitude needs no images.",
    )
    step_share: float = setting(
        0.05,
        title="Removed at a time",
        help="Share of the channels that goes before channels are judged anew.",
        low=0.01,
        high=1.0,
    )
    steps_between: int = setting(
        40,
        title="Steps in between",
        help="Training steps after each removal.",
        unit="steps",
        low=0,
        high=100_000,
    )
    score_batches: int = setting(
        20,
        title="Batches to judge by",
        help="Batches of training images over which the importance is averaged.",
        low=1,
        high=10_000,
        advanced=True,
    )
    mac_penalty: float = setting(
        0.0,
        title="Price of multiply-adds",
        help="Subtracted from a channel's importance per million multiply-adds of its maps; with "
        "global allocation it drives pruning to where the work is, 0.001 is usual.",
        low=0.0,
        high=1000.0,
        advanced=True,
    )
    least: int = setting(
        8,
        title="Least channels",
        help="Channels that stay in every layer.",
        low=1,
        high=1024,
        advanced=True,
    )
    round_to: int = setting(
        8,
        title="Multiple of",
        help="Wide layers keep a multiple of this many channels, which engines like; narrow ones "
        "any number.",
        low=1,
        high=256,
        advanced=True,
    )
