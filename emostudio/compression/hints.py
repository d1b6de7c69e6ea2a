"""Hints from inside a teacher: features of a middle layer that a student learns to give as well."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from emostudio.compression.surgery import layer_at
from emostudio.core.errors import InputError, first_line
from emostudio.core.job_context import JobContext
from emostudio.core.model_info import Preprocessing
from emostudio.training.batches import Batch
from emostudio.training.objectives import Outcome

_LEAST_DEVIATION = 1e-6
_NO_LABEL = -1
_FOLLOWERS = (nn.BatchNorm2d, nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.Hardswish, nn.Identity)


class _LayerReachedError(Exception):
    """Ends a forward pass at the layer that was asked for."""

    def __init__(self, features: object) -> None:
        super().__init__()
        self.features = features


def features_at(network: nn.Module, path: str, inputs: torch.Tensor) -> torch.Tensor:
    """Run a network up to one layer; the layers after it are never run.

    Parameters
    ----------
    network
        Any network.
    path
        Path of the layer.
    inputs
        Shape (N, C, H, W).

    Returns
    -------
    What leaves the layer, shape (N, C', H', W').

    Raises
    ------
    InputError
        If there is no such layer, the network does not use it, or it gives no feature maps.
    """

    def stop(_layer: nn.Module, _inputs: object, output: object) -> None:
        raise _LayerReachedError(output)

    layer = layer_at(network, path)
    if not path:
        raise InputError("A hint needs the path of a layer inside the network")
    handle = layer.register_forward_hook(stop)
    try:
        network(inputs)
    except _LayerReachedError as reached:
        features = reached.features
    else:
        raise InputError(f"The network does not use its layer {path}")
    finally:
        handle.remove()
    if not isinstance(features, torch.Tensor) or features.ndim != 4:
        raise InputError(
            f"{path} gives no feature maps",
            why="a hint is a stack of maps, as convolutions make them",
            next_step="Choose a layer before the dense ones",
        )
    return features


def feature_shape(
    network: nn.Module, path: str, input_shape: tuple[int, int, int]
) -> tuple[int, int, int]:
    """Return the shape (C, H, W) of what leaves a layer.

    Parameters
    ----------
    network
        On the meta device, so that nothing is computed; left in evaluation mode.
    path, input_shape
        The layer, and (C, H, W) of one input.

    Raises
    ------
    InputError
        As `features_at`, or if the network cannot be followed without values.
    """
    inputs = torch.zeros(1, *input_shape, device="meta")
    try:
        with torch.no_grad():
            features = features_at(network.eval(), path, inputs)
    except (RuntimeError, NotImplementedError) as error:
        raise InputError(
            f"What leaves {path} cannot be foreseen",
            why=first_line(error),
            next_step="Choose another teacher or another kind of distillation",
        ) from error
    channels, height, width = features.shape[1:]
    return channels, height, width


def middle_layer(network: nn.Module) -> str:
    """Return the layer in the middle of a network's children that hold weights.

    A convolution counts together with the normalisation and activation right behind it.

    Raises
    ------
    InputError
        If there is no convolution in the first half.
    """
    children = dict(network.named_children())
    weighted = [name for name, child in children.items() if any(True for _ in child.parameters())]
    stems = [name for name in weighted if not isinstance(children[name], nn.BatchNorm2d)]
    half = stems[: (len(stems) + 1) // 2]
    convolving = [name for name in half if _has_convolution(children[name])]
    if not convolving:
        raise InputError(
            "The network has no convolution in its first half",
            next_step="Name the layers that give and take the hint",
        )
    names = list(children)
    place = names.index(convolving[-1])
    if isinstance(children[convolving[-1]], nn.Conv2d) and isinstance(network, nn.Sequential):
        while place + 1 < len(names) and isinstance(children[names[place + 1]], _FOLLOWERS):
            place += 1
    return names[place]


def _has_convolution(module: nn.Module) -> bool:
    return any(isinstance(layer, nn.Conv2d) for layer in module.modules())


class HintedStudent(nn.Module):
    """A student up to its guided layer, followed by a regressor that is thrown away afterwards.

    Parameters
    ----------
    student
        Trained in place; what comes after the guided layer takes no part.
    guided_layer
        Path of the layer.
    guided_channels, hint_channels
        Channels of that layer, and of the teacher's hint.
    """

    def __init__(
        self, student: nn.Module, guided_layer: str, guided_channels: int, hint_channels: int
    ) -> None:
        super().__init__()
        self.student = student
        self.regressor = nn.Conv2d(guided_channels, hint_channels, 1)
        self._guided_layer = guided_layer

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the regressed hint, (N, C H W), for inputs (N, C, H, W)."""
        features = features_at(self.student, self._guided_layer, inputs)
        regressed: torch.Tensor = self.regressor(features)
        return regressed.flatten(1)


class HintLoss:
    """Half the squared distance between a teacher's standardised hint and the regressed one.

    L = 1/2 ||u_hint(x) - r(v_guided(x))||^2 for each picture, averaged over the batch.

    Parameters
    ----------
    network
        The teacher; a copy is kept in evaluation mode.
    hint_layer
        Path of its layer.
    preprocessing
        The teacher's.
    side
        (H, W) of the student's guided layer, to which the hint is pooled.
    device
        Where the teacher runs.

    References
    ----------
    .. [1] Romero et al., "FitNets: hints for thin deep nets", arXiv:1412.6550, 2015, equation 3.
    """

    key = "fitnets_hint"
    needs_labels = False
    starts_at_chance = False

    def __init__(
        self,
        network: nn.Module,
        hint_layer: str,
        preprocessing: Preprocessing,
        side: tuple[int, int],
        device: str = "cpu",
    ) -> None:
        self._network = copy.deepcopy(network).to(device).eval()
        self._layer, self._preprocessing, self._side = hint_layer, preprocessing, side
        self._device = device
        self._mean: torch.Tensor | float = 0.0
        self._deviation: torch.Tensor | float = 1.0

    def standardise(self, batches: Sequence[Batch], job: JobContext) -> None:
        """Fix mean and deviation of each channel of the hint over some pictures.

        Without it a few loud channels would be all that the student learns.
        """
        count, total, squares = 0, torch.zeros(1), torch.zeros(1)
        for number, batch in enumerate(batches):
            job.report(number / len(batches), "Looking at the teacher's hints")
            maps = self._maps(batch).double()
            count += maps.numel() // maps.shape[1]
            total = total.to(maps) + maps.sum(dim=(0, 2, 3))
            squares = squares.to(maps) + (maps**2).sum(dim=(0, 2, 3))
        if not count:
            return
        mean = total / count
        deviation = (squares / count - mean**2).clamp(min=0.0).sqrt()
        # a channel that never changes has nothing to say; its hint becomes 0
        deviation = torch.where(deviation > _LEAST_DEVIATION, deviation, 1.0)
        self._mean, self._deviation = _per_channel(mean), _per_channel(deviation)

    def hints(self, batch: Batch) -> torch.Tensor:
        """Return the teacher's standardised hints, pooled to the student's side: (N, C H W)."""
        maps = (self._maps(batch) - self._mean) / self._deviation
        return F.adaptive_avg_pool2d(maps, self._side).flatten(1)

    def outcome(self, logits: torch.Tensor, batch: Batch) -> Outcome:
        """Compare regressed hints (N, C H W) with the teacher's; no label can be right or wrong."""
        distance = self.hints(batch).to(logits) - logits
        reference = torch.full((len(logits),), _NO_LABEL, device=logits.device)
        return Outcome(0.5 * (distance**2).sum(dim=1).mean(), reference)

    @torch.no_grad()
    def _maps(self, batch: Batch) -> torch.Tensor:
        inputs = batch.inputs(self._preprocessing).to(self._device)
        return features_at(self._network, self._layer, inputs)


def _per_channel(values: torch.Tensor) -> torch.Tensor:
    return values.float().reshape(1, -1, 1, 1)
