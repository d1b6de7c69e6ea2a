"""Channel pruning: the feature maps that matter least are taken out of the network for good.

Use it where the network has to get faster: unlike zeros among weights, missing channels make every
engine faster, and the file and the memory smaller. Channels are judged by how much the loss would
change without them, a few go at a time, and a short training follows each time.

References
----------
.. [1] Molchanov et al., "Pruning convolutional neural networks for resource efficient inference",
   ICLR 2017, arXiv:1611.06440.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from emostudio.compression import rules
from emostudio.compression.base import (
    CHANNEL_PRUNED,
    ApplyContext,
    Method,
    Planned,
    PlannedTraining,
    SkippedLayer,
)
from emostudio.compression.channel_budget import Budget, drop_worst, keep_best, uniform_counts
from emostudio.compression.channel_following import PAIRED, is_ordinary, is_paired
from emostudio.compression.channel_importance import found_scores, importance
from emostudio.compression.channel_records import (
    lost_masks,
    records_of,
    thinned,
    with_records,
    without_masks,
)
from emostudio.compression.channel_settings import ChannelPruningSettings
from emostudio.compression.channel_surgery import cut_layer, remove_channels
from emostudio.compression.channels import Block, ChannelGraph
from emostudio.compression.fine_tuning import fine_tune, planned_training
from emostudio.compression.surgery import skeleton
from emostudio.core.errors import UnsupportedLayerError
from emostudio.core.events import Event, Note, Progress
from emostudio.evaluation import complexity
from emostudio.models.loaded import LoadedModel


@dataclass(frozen=True)
class _Choice:
    """The blocks to prune, how many channels each keeps or is guessed to keep, and remarks."""

    graph: ChannelGraph
    blocks: tuple[Block, ...]
    counts: tuple[int, ...]
    budget: Budget
    skipped: tuple[SkippedLayer, ...]
    warnings: tuple[str, ...]

    @property
    def rounds_share(self) -> float:
        """Share of the channels of all blocks that goes."""
        total = sum(len(block.channels) for block in self.blocks)
        return 1.0 - sum(self.counts) / total if total else 0.0


class ChannelPruning(Method[ChannelPruningSettings]):
    """Removes output channels of convolutions and linear layers, and what reads them."""

    key = "channel_pruning"
    title = "Channel pruning"
    family = rules.CHANNEL_PRUNING
    summary = "Take whole feature maps out, the least important first; dense layers get smaller."
    reference = "Molchanov et al., ICLR 2017, arXiv:1611.06440"
    settings_type = ChannelPruningSettings
    decided_by = "narrow_convolution"
    leaves = frozenset({CHANNEL_PRUNED})

    def refuses(self, name: str, layer: nn.Module, settings: ChannelPruningSettings) -> str:
        """Return why the channels of `layer` cannot be removed, or nothing."""
        del name
        if is_paired(layer):
            return PAIRED
        if not is_ordinary(layer) or not isinstance(layer, nn.Conv2d | nn.Linear):
            return "neither a plain convolution nor fully connected"
        if isinstance(layer, nn.Conv2d) and layer.groups > 1:
            return "its channels are those of the layer before it, or tied in groups"
        channels = layer.weight.shape[0]
        if channels <= settings.least:
            return f"it has {channels} channels, and {settings.least} stay at least"
        if not settings.pruning_ratio and not settings.mac_target:
            return "no channel is to be removed"
        return ""

    def plan(self, model: LoadedModel, settings: ChannelPruningSettings) -> Planned:
        """Predict the thinner network: exact if every layer gives the same share."""
        planned = skeleton(model)
        choice = _choose(self, planned, settings)
        alive = np.ones(choice.graph.count, bool)
        for block, count in zip(choice.blocks, choice.counts, strict=True):
            alive[block.channels[count:]] = False
        planned = thinned(planned, choice.graph, alive, self.key)
        exact = settings.allocation == "uniform"
        notes = [
            f"{' + '.join(block.producers)}: {count} of {len(block.channels)} channels stay"
            for block, count in zip(choice.blocks, choice.counts, strict=True)
        ]
        if notes and not exact:
            notes.append("the weights decide how many stay where; here all give the same share")
        return Planned(
            model=planned,
            exact=exact,
            trainings=_trainings(settings, _rounds(choice, settings)) if choice.blocks else (),
            layers=tuple(name for block in choice.blocks for name in block.producers),
            notes=(*notes, *choice.warnings, *lost_masks(model, planned)),
            skipped=choice.skipped,
        )

    def apply(
        self, model: LoadedModel, settings: ChannelPruningSettings, context: ApplyContext
    ) -> Generator[Event, None, LoadedModel]:
        """Take channels out of a copy, a few at a time, training in between and at the end."""
        result = model.copy()
        choice = _choose(self, skeleton(model), settings)
        if not choice.blocks:
            raise UnsupportedLayerError("No layer of the network has channels that can be removed")
        alive, rounds = np.ones(choice.graph.count, bool), _rounds(choice, settings)
        touched = choice.graph.touched(np.concatenate([block.channels for block in choice.blocks]))
        result = without_masks(result, touched)
        for number in range(1, rounds + 1):
            yield Progress(fraction=(number - 1) / rounds, message="Judging channels")
            inside = context.inside(f"round-{number}")
            found = found_scores(result, choice.graph, settings, inside)
            if number == 1 and not found:
                yield from _told_why(settings, context)
            scores = importance(result, choice.graph, settings, found, alive)
            after = _survivors(choice, settings, scores, alive, number / rounds)
            remove_channels(result.network(), choice.graph, alive, after)
            alive = after
            context.job.report(number / rounds, f"{int(alive.sum())} channels are left")
            if number < rounds and settings.epochs and settings.steps_between:
                yield from _train(result, settings, inside, **_between(settings))
        yield from _report(choice, settings, alive)
        if settings.epochs:
            yield from _train(result, settings, context.inside("all"))
        return with_records(result, records_of(choice.graph, alive, self.key))

    def rebuild(self, layer: nn.Module, arguments: dict[str, Any]) -> nn.Module:
        """Return a layer like `layer` with the channels that are left."""
        return cut_layer(layer, arguments)


def _choose(method: ChannelPruning, bare: LoadedModel, settings: ChannelPruningSettings) -> _Choice:
    """Find the blocks whose channels can go; values are never read."""
    selection = rules.select(method, bare, settings)
    graph = ChannelGraph(bare.network(), bare.input_shape)
    traits = rules.traits(bare)
    skipped, open_blocks = list(selection.skipped), []
    for block in graph.blocks:
        wanted = [name for name in block.producers if name in selection.layers]
        if not wanted:
            continue
        reason = block.reason or _tied(block, wanted)
        for name in graph.touched(block.channels):
            refusal = rules.refusal(method, traits.get(name, frozenset()))
            reason = reason or (f"{name} reads its channels: {refusal}" if refusal else "")
        if reason:
            skipped += [SkippedLayer(name, reason) for name in wanted]
        else:
            open_blocks.append(block)
    budget = _budget(bare, graph, settings)
    counts = uniform_counts(graph, open_blocks, budget) if open_blocks else []
    chosen = []
    for block, count in zip(open_blocks, counts, strict=True):
        if settings.allocation == "global" or count < len(block.channels):
            chosen.append((block, count))
        else:
            reason = f"{count} of its channels are the least that stay"
            skipped += [SkippedLayer(name, reason) for name in block.producers]
    return _Choice(
        graph=graph,
        blocks=tuple(block for block, _ in chosen),
        counts=tuple(count for _, count in chosen),
        budget=budget,
        skipped=tuple(skipped),
        warnings=selection.warnings,
    )


def _tied(block: Block, wanted: list[str]) -> str:
    others = [name for name in block.producers if name not in wanted]
    return f"its channels are added to those of {', '.join(others)}" if others else ""


def _budget(bare: LoadedModel, graph: ChannelGraph, settings: ChannelPruningSettings) -> Budget:
    whole = graph.macs(np.ones(graph.count, bool))
    total = complexity.total_macs(complexity.count(bare.network(), bare.input_shape))
    return Budget(
        pruning_ratio=settings.pruning_ratio,
        mac_target=settings.mac_target,
        least=settings.least,
        round_to=settings.round_to,
        fixed_macs=max(total - whole, 0),
    )


def _rounds(choice: _Choice, settings: ChannelPruningSettings) -> int:
    """Return in how many goes the channels are removed; without training in one."""
    if not settings.epochs:
        return 1
    return max(1, math.ceil(choice.rounds_share / settings.step_share - 1e-9))


def _survivors(
    choice: _Choice,
    settings: ChannelPruningSettings,
    scores: np.ndarray,
    alive: np.ndarray,
    share: float,
) -> np.ndarray:
    """Return which channels stay once `share` of the way is gone, bool (count,)."""
    if settings.allocation == "global":
        return drop_worst(choice.graph, choice.blocks, choice.budget, scores, alive, share)
    counts = [
        len(block.channels) - round(share * (len(block.channels) - count))
        for block, count in zip(choice.blocks, choice.counts, strict=True)
    ]
    return keep_best(choice.blocks, counts, scores, alive)


def _told_why(
    settings: ChannelPruningSettings, context: ApplyContext
) -> Generator[Event, None, None]:
    if settings.criterion == "taylor":
        why = "there are no images" if context.dataset is None else "the loss has no slope"
        yield Note(what="Channels are judged by the size of their weights", why=why)


def _report(
    choice: _Choice, settings: ChannelPruningSettings, alive: np.ndarray
) -> Generator[Event, None, None]:
    left = sum(int(alive[block.channels].sum()) for block in choice.blocks)
    total = sum(len(block.channels) for block in choice.blocks)
    yield Note(what=f"{left} of {total} channels are left")
    budget = choice.budget
    if settings.mac_target and choice.graph.macs(alive) > budget.mac_limit(choice.graph):
        yield Note(
            level="warning",
            what="The target for the multiply-adds was not reached",
            why=f"every layer keeps at least {budget.least} channels",
            next_step="Choose more layers or a smaller least number",
        )


def _train(
    model: LoadedModel, settings: ChannelPruningSettings, context: ApplyContext, **changes: Any
) -> Generator[Event, None, None]:
    packed = model.coded.keys()
    yield from fine_tune(model.network(), model.info, settings, context, fixed=packed, **changes)


def _between(settings: ChannelPruningSettings) -> dict[str, Any]:
    """Return what makes the training after a removal short."""
    images = settings.steps_between * settings.batch_size
    limit = min(images, settings.max_images) if settings.max_images else images
    return {"epochs": 1, "max_images": limit, "schedule": "constant"}


def _trainings(settings: ChannelPruningSettings, rounds: int) -> tuple[PlannedTraining, ...]:
    short = planned_training(settings, **_between(settings)) if settings.steps_between else ()
    return (*short * (rounds - 1), *planned_training(settings))


METHOD = ChannelPruning()
