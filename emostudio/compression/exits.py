"""Early exits: adding them to a network, and choosing when a picture may take them.

Thresholds are chosen on the validation split, for the weights as they are. A step that changes
weights makes them stale, so the pipeline has them chosen again after it.

References
----------
.. [1] Teerapittayanon, McDanel and Kung, "BranchyNet", ICPR 2016, arXiv:1709.01686.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from emostudio.compression.base import ApplyContext
from emostudio.compression.exit_thresholds import Answers, choose_thresholds, leaving
from emostudio.core.errors import InputError
from emostudio.core.events import Event, Note, Progress
from emostudio.data.base import Split
from emostudio.data.dataset import Dataset
from emostudio.data.labels import targets
from emostudio.data.transforms import normalise
from emostudio.evaluation import complexity
from emostudio.models.branch_points import HEAD_WEIGHTS
from emostudio.models.branchy import (
    MOST_EXITS,
    NEVER,
    BranchyNet,
    exit_branch,
    uncertainty,
)
from emostudio.models.loaded import LoadedModel

_BATCH = 64
_WIDEST = 65_536
_STALE = "exit thresholds are stale, recalibrate"


@dataclass(frozen=True)
class Calibration:
    """Thresholds and what they give on the images they were chosen on.

    Attributes
    ----------
    thresholds
        Of each exit, in the order of the trunk.
    shares
        Of the images that each exit answers, and the trunk last; they sum to 1.
    accuracy, full_accuracy
        With the exits, and of the whole network.
    mean_macs
        Multiply-adds of an image on average.
    """

    thresholds: tuple[float, ...]
    shares: tuple[float, ...]
    accuracy: float
    full_accuracy: float
    mean_macs: float


def with_exits(
    trunk: nn.Module, points: Mapping[str, int], class_count: int, weights: Sequence[float]
) -> BranchyNet:
    """Return `trunk` with a fresh branch behind each layer of `points` (name to channels).

    Raises
    ------
    InputError
        If the trunk is no chain of layers or lacks one of them.
    """
    if not isinstance(trunk, nn.Sequential):
        raise InputError("Exits need a network that is a chain of layers")
    exits = {name: exit_branch(channels, class_count) for name, channels in points.items()}
    return BranchyNet(trunk, exits, weights)


def checked_arguments(arguments: Mapping[str, Any]) -> tuple[dict[str, int], int, str]:
    """Return exits (layer to channels), classes and weights preset of a structure record.

    Raises
    ------
    InputError
        If they are not what `early_exits` writes: the file is damaged or forged.
    """
    exits, classes = arguments.get("exits"), arguments.get("classes")
    weights = arguments.get("weights")
    sound = (
        isinstance(exits, dict)
        and 0 < len(exits) <= MOST_EXITS
        and all(_is_count(channels, _WIDEST) for channels in exits.values())
        and _is_count(classes, 1000)
        and isinstance(weights, str)
        and weights in HEAD_WEIGHTS
    )
    if not sound or not isinstance(exits, dict) or not isinstance(classes, int):
        raise InputError(
            "Early exits cannot be rebuilt",
            why="their description is damaged",
            next_step="Get a fresh copy of the file",
        )
    return exits, classes, str(weights)


def _is_count(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= most


def exit_macs(
    network: BranchyNet, input_shape: tuple[int, int, int]
) -> tuple[list[int], list[int]]:
    """Return multiply-adds of the trunk up to each exit and its end, and of each branch."""
    costs = complexity.count(network, input_shape)
    trunk = dict.fromkeys(network.trunk_names, 0)
    branches = dict.fromkeys(network.exits, 0)
    for cost in costs:
        first, _, rest = cost.name.partition(".")
        if first == "exits":
            branches[rest.partition(".")[0]] += cost.macs
        else:
            trunk[first] += cost.macs
    done, up_to = 0, []
    for name, macs in trunk.items():
        done += macs
        if name in branches:
            up_to.append(done)
    return [*up_to, done], list(branches.values())


def way_macs(
    network: BranchyNet, input_shape: tuple[int, int, int], thresholds: Sequence[float]
) -> list[int]:
    """Return the multiply-adds of an image that leaves at each exit, and at the end of the trunk.

    Branches that nothing can take are not computed.
    """
    up_to, branches = exit_macs(network, input_shape)
    asked = [macs if limit > 0 else 0 for macs, limit in zip(branches, thresholds, strict=True)]
    heads = [*np.cumsum(asked).tolist(), sum(asked)]
    return [trunk + head for trunk, head in zip(up_to, heads, strict=True)]


def calibrated(
    model: LoadedModel, tolerance: float, context: ApplyContext
) -> Generator[Event, None, LoadedModel]:
    """Choose the thresholds of `model`, in place; says how many images leave where.

    Without labelled validation images nothing leaves early.
    """
    network = model.network()
    if not isinstance(network, BranchyNet):
        return model
    yield Progress(message="Calibrating the exits")
    network.eval()
    answers = None
    if context.dataset is not None:
        answers = _ask(network, model, context.dataset, context)
    if answers is None:
        network.set_thresholds((NEVER,) * len(network.exits), tolerance)
        yield Note(
            level="warning",
            what="The exits could not be calibrated: nothing leaves early",
            why="the validation split has no labelled image of a class the model knows",
            next_step="Add the step early_exits again with a dataset that has one",
        )
        return model
    found = _calibration(network, model.input_shape, answers, tolerance)
    network.set_thresholds(found.thresholds, tolerance)
    yield _note(network, found, answers.correct.shape[1], model.input_shape)
    measured = {
        "exit_shares": [round(share, 4) for share in found.shares],
        "exit_mean_macs": round(found.mean_macs),
        "exit_validation_accuracy": round(found.accuracy, 4),
    }
    measurements = {**model.info.measurements, **measured}
    return replace(model, info=model.info.model_copy(update={"measurements": measurements}))


def recalibrated(model: LoadedModel, context: ApplyContext) -> Generator[Event, None, LoadedModel]:
    """Choose thresholds again where a step changed the weights they were chosen for."""
    network = model.module
    if not isinstance(network, BranchyNet) or not network.is_stale:
        return model
    if context.dataset is None:
        yield Note(level="warning", what=_STALE, why="the weights changed after calibration")
        return model
    return (yield from calibrated(model, float(network.tolerance), context))


def _ask(
    network: BranchyNet, model: LoadedModel, dataset: Dataset, context: ApplyContext
) -> Answers | None:
    """Return the answers of every head on the labelled validation images, None without any."""
    images = dataset.indices(Split.VALIDATION)
    truth = targets(dataset.emotions[images], model.info.labels)
    images, truth = images[truth >= 0], truth[truth >= 0]
    if not len(images):
        return None
    pixels = dataset.pixels(model.info.preprocessing)
    doubts, right = [], []
    for start in range(0, len(images), _BATCH):
        stop = start + _BATCH
        context.job.report(start / len(images), "Calibrating the exits")
        batch = np.asarray(pixels[images[start:stop]])
        with torch.inference_mode():
            inputs = torch.from_numpy(normalise(batch, model.info.preprocessing))
            heads = network.all_logits(inputs)
            doubts.append(torch.stack([uncertainty(logits) for logits in heads[:-1]]))
            labels = torch.from_numpy(truth[start:stop])
            right.append(torch.stack([logits.argmax(dim=1) == labels for logits in heads]))
    return Answers(torch.cat(doubts, 1).double().numpy(), torch.cat(right, 1).numpy())


def _calibration(
    network: BranchyNet, input_shape: tuple[int, int, int], answers: Answers, tolerance: float
) -> Calibration:
    costs, branches = exit_macs(network, input_shape)
    thresholds = choose_thresholds(answers, tolerance, costs, branches)
    heads = leaving(answers, thresholds)
    shares = np.bincount(heads, minlength=len(thresholds) + 1) / len(heads)
    ways = way_macs(network, input_shape, thresholds)
    return Calibration(
        thresholds=thresholds,
        shares=tuple(shares.tolist()),
        accuracy=float(answers.correct[heads, np.arange(len(heads))].mean()),
        full_accuracy=float(answers.correct[-1].mean()),
        mean_macs=float(shares @ np.asarray(ways, dtype=np.float64)),
    )


def _note(
    network: BranchyNet, found: Calibration, images: int, input_shape: tuple[int, int, int]
) -> Note:
    leave = ", ".join(
        f"{share:.1%} after {name}"
        for name, share in zip(network.exits, found.shares, strict=False)
    )
    limits = ", ".join("none" if limit <= 0 else f"{limit:.3f}" for limit in found.thresholds)
    whole = exit_macs(network, input_shape)[0][-1]
    return Note(
        what=f"Of {images} validation images leave early: {leave}",
        why=f"accuracy {found.accuracy:.3f} against {found.full_accuracy:.3f} of the whole "
        f"network; {found.mean_macs / 1e6:.2f} million multiply-adds on average, "
        f"{whole / 1e6:.2f} without exits; thresholds {limits}",
    )
