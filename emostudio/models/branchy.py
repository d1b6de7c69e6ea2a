"""BranchyNet: a trunk with early exits, of which a picture takes the first that is sure enough.

References
----------
.. [1] Teerapittayanon, McDanel and Kung, "BranchyNet: fast inference via early exiting from deep
   neural networks", ICPR 2016, arXiv:1709.01686.
"""

from __future__ import annotations

import math
import zlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from emostudio.core.errors import InputError
from emostudio.models.segments import Segment

NEVER = -1.0
"""Threshold of an exit that nothing takes; it is not even asked."""
ALWAYS = 2.0
"""Threshold of an exit that everything takes: no normalised entropy reaches it."""
MOST_EXITS = 8
BRANCH_CHANNELS = 64

_KEPT_APART = frozenset({"thresholds", "tolerance", "calibrated_for"})


def uncertainty(logits: torch.Tensor) -> torch.Tensor:
    """Return the entropy of softmax(logits) over ln K: (N, K) to (N,), from 0 to 1."""
    log_probabilities = F.log_softmax(logits, dim=1)
    entropy = -(log_probabilities.exp() * log_probabilities).sum(dim=1)
    return entropy / math.log(logits.shape[1])


class EntropyRule(nn.Module):
    """Accepts answers whose normalised entropy is below a limit.

    Parameters
    ----------
    limit
        From 0 to 1; `NEVER` and `ALWAYS` lie outside.
    """

    def __init__(self, limit: float) -> None:
        super().__init__()
        self.limit = limit

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        """Map logits (N, K) to bool (N,)."""
        return uncertainty(logits) < self.limit


def exit_branch(channels: int, class_count: int) -> nn.Sequential:
    """Return a small classifier of feature maps: 3x3 of stride 2, average, one linear layer."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    convolution = nn.Conv2d(channels, BRANCH_CHANNELS, 3, stride=2, padding=1, bias=False)
    nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
    layers["conv"] = convolution
    layers["bn"] = nn.BatchNorm2d(BRANCH_CHANNELS)
    layers["relu"] = nn.ReLU()
    layers["average"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["fc"] = nn.Linear(BRANCH_CHANNELS, class_count)
    return nn.Sequential(layers)


class BranchyNet(nn.Module):
    """A trunk whose layers keep their names, with exits behind some of them.

    In training it answers with the trunk's logits and keeps those of the exits for
    `take_training_logits`. In evaluation each picture stops at the first exit whose normalised
    entropy is below its threshold; what comes after is not computed for it.

    Parameters
    ----------
    trunk
        Its layers are taken over, not copied.
    exits
        Name of a layer of the trunk to the branch behind it.
    head_weights
        Weight of each exit's loss in the order of the trunk, then the trunk's own.

    Attributes
    ----------
    thresholds
        Limit of each exit, float32 (n,); `NEVER` until calibrated.
    tolerance
        Accuracy that calibration may give up, float32 ().
    calibrated_for
        Digest of the weights that the thresholds were chosen for, int64 (); 0 for none.
    freezes_trunk
        Whether the trunk stays in evaluation mode while the exits train.

    Raises
    ------
    InputError
        If there is no exit, or one behind a layer that the trunk lacks.
    """

    thresholds: torch.Tensor
    tolerance: torch.Tensor
    calibrated_for: torch.Tensor

    def __init__(
        self, trunk: nn.Sequential, exits: Mapping[str, nn.Module], head_weights: Sequence[float]
    ) -> None:
        super().__init__()
        names = tuple(name for name, _ in trunk.named_children())
        unknown = [name for name in exits if name not in names[:-1]]
        if not exits or unknown or "exits" in names or len(head_weights) != len(exits) + 1:
            raise InputError(
                "The exits do not fit the network",
                why=f"no layer is called {unknown[0]}" if unknown else "their number is wrong",
                next_step=f"Layers: {', '.join(names[:-1])}",
            )
        for name, child in trunk.named_children():
            self.add_module(name, child)
        self.trunk_names = names
        self.exits = nn.ModuleDict({name: exits[name] for name in names if name in exits})
        self.head_weights = tuple(head_weights)
        self.freezes_trunk = False
        self._training_logits: tuple[torch.Tensor, ...] = ()
        self.register_buffer("thresholds", torch.full((len(exits),), NEVER))
        self.register_buffer("tolerance", torch.tensor(0.0))
        self.register_buffer("calibrated_for", torch.tensor(0, dtype=torch.int64))

    def train(self, mode: bool = True) -> BranchyNet:
        """Set training mode, for the exits alone where the trunk is frozen."""
        super().train(mode)
        self._training_logits = ()
        if mode and self.freezes_trunk:
            for name in self.trunk_names:
                self.get_submodule(name).eval()
        return self

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Map (N, C, H, W) to logits (N, K)."""
        if not self.training:
            return self._exiting(images)
        *branches, logits = self.all_logits(images)
        self._training_logits = tuple(branches)
        return logits

    def __getstate__(self) -> dict[str, Any]:
        """Return what copies take over: not the answers of a pass, which belong to a graph."""
        return {**self.__dict__, "_training_logits": ()}

    def take_training_logits(self) -> tuple[torch.Tensor, ...]:
        """Return what the exits said in the last training pass, once."""
        taken, self._training_logits = self._training_logits, ()
        return taken

    def all_logits(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the logits of every exit and the trunk's last, each (N, K)."""
        return _every_exit(self, images)

    def traced_as(self) -> nn.Module:
        """Return a network of the same layers without decisions: every exit answers."""
        return _EveryExit(self)

    def segments(self) -> tuple[Segment, ...]:
        """Return the stretches between the exits that can be taken; layers are shared."""
        found: list[Segment] = []
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        limits = self._limits()
        for name in self.trunk_names:
            layers[name] = self.get_submodule(name)
            if name in limits:
                body = nn.Sequential(layers)
                found.append(Segment(body, self.exits[name], EntropyRule(limits[name])))
                layers = OrderedDict()
        return (*found, Segment(nn.Sequential(layers)))

    def digest(self) -> int:
        """Return a checksum of all weights, thresholds apart; never 0."""
        checksum = 0
        for name, tensor in self.state_dict().items():
            if name not in _KEPT_APART:
                values = tensor.detach().cpu().contiguous().reshape(-1).numpy()
                checksum = zlib.crc32(values.data, checksum)
        return checksum or 1

    @property
    def is_stale(self) -> bool:
        """Whether weights changed since the thresholds were chosen; False if none were."""
        calibrated = int(self.calibrated_for)
        return calibrated != 0 and calibrated != self.digest()

    def set_thresholds(self, limits: Sequence[float], tolerance: float) -> None:
        """Keep the thresholds chosen for the weights as they are."""
        self.thresholds = torch.tensor(list(limits), dtype=torch.float32)
        self.tolerance = torch.tensor(tolerance, dtype=torch.float32)
        self.calibrated_for = torch.tensor(self.digest(), dtype=torch.int64)

    def _limits(self) -> dict[str, float]:
        """Return the thresholds of the exits that can be taken; without values there is none."""
        if self.thresholds.is_meta:
            return {}
        limits = zip(self.exits, self.thresholds.tolist(), strict=True)
        return {name: limit for name, limit in limits if limit > 0.0}

    def _exiting(self, features: torch.Tensor) -> torch.Tensor:
        limits = self._limits()
        logits: torch.Tensor | None = None
        left = torch.arange(len(features), device=features.device)
        for name in self.trunk_names:
            features = self.get_submodule(name)(features)
            if name not in limits:
                continue
            answers = self.exits[name](features)
            done = uncertainty(answers) < limits[name]
            if logits is None:
                logits = torch.empty_like(answers)
            logits[left[done]] = answers[done]
            features, left = features[~done], left[~done]
            if not len(left):
                return logits
        if logits is None:
            return features
        logits[left] = features
        return logits


class _EveryExit(nn.Module):
    """The layers of a `BranchyNet` under the same names, all of them run."""

    def __init__(self, network: BranchyNet) -> None:
        super().__init__()
        for name, child in network.named_children():
            self.add_module(name, child)
        self.trunk_names, self.exits = network.trunk_names, network.exits

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the logits of every exit and the trunk's last, each (N, K)."""
        return _every_exit(self, images)


def _every_exit(
    network: BranchyNet | _EveryExit, features: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    found: list[torch.Tensor] = []
    for name in network.trunk_names:
        features = network.get_submodule(name)(features)
        if name in network.exits:
            found.append(network.exits[name](features))
    return (*found, features)
