"""How much every channel matters to a step of pruning: on its images, else by its weights.

The scores themselves are in `channel_scores`.
"""

from __future__ import annotations

import numpy as np

from emostudio.compression import channel_scores
from emostudio.compression.base import ApplyContext
from emostudio.compression.channel_settings import ChannelPruningSettings
from emostudio.compression.channels import ChannelGraph
from emostudio.compression.fine_tuning import opened_objective, planned_training
from emostudio.models.loaded import LoadedModel
from emostudio.training.batches import Batches
from emostudio.training.devices import prepared


def found_scores(
    model: LoadedModel, graph: ChannelGraph, settings: ChannelPruningSettings, context: ApplyContext
) -> channel_scores.Scores:
    """Return theta of every channel, nothing where images or a slope of the loss are missing."""
    if settings.criterion == "magnitude" or context.dataset is None:
        return {}
    found = _taylor(model, graph, settings, context)
    sound = any(np.isfinite(own).all() and own.any() for own in found.values())
    return found if sound else {}


def importance(
    model: LoadedModel,
    graph: ChannelGraph,
    settings: ChannelPruningSettings,
    found: channel_scores.Scores,
    alive: np.ndarray,
) -> np.ndarray:
    """Return the importance of every channel, float64 (count,)."""
    found = found or channel_scores.norm_scores(model.network(), graph)
    scores = channel_scores.channel_scores(graph, found, alive)
    for producer, channels in graph.producers.items():
        if settings.mac_penalty:
            ids = channels.outputs[alive[channels.outputs]]
            per_channel = graph.layer_macs(producer, alive) / max(len(ids), 1)
            np.subtract.at(scores, ids, settings.mac_penalty * per_channel / 1e6)
    return scores


def _taylor(
    model: LoadedModel,
    graph: ChannelGraph,
    settings: ChannelPruningSettings,
    context: ApplyContext,
) -> channel_scores.Scores:
    job, network = context.job, model.network()
    once = settings.model_copy(update={"epochs": 1})
    training = planned_training(once)[0].settings
    with opened_objective(model.info, settings, context) as objective, prepared(job, network):
        batches = Batches(
            context.training_data(), model.info, training, job, needs_labels=objective.needs_labels
        )
        epoch = job.seed % 1009  # other pictures in other runs, the same in the same one
        chosen = batches.order(epoch)[: settings.score_batches]
        shown = (batches.training_batch(items, epoch) for items in chosen)
        return channel_scores.taylor_scores(network, graph, objective, shown, model.info, job)
