"""How much each channel matters: first-order Taylor expansion of the loss, or filter norms.

References
----------
.. [1] Molchanov et al., "Pruning convolutional neural networks for resource efficient inference",
   ICLR 2017, arXiv:1611.06440.
.. [2] Li et al., "Pruning filters for efficient ConvNets", ICLR 2017, arXiv:1608.08710 (norms).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack

import numpy as np
import torch
from torch import nn

from emostudio.compression.channels import ChannelGraph
from emostudio.compression.surgery import layer_at
from emostudio.core.job_context import JobContext
from emostudio.core.model_info import ModelInfo
from emostudio.training.batches import Batch
from emostudio.training.objectives import Objective

Scores = dict[str, np.ndarray]

_AT_MINIMUM = 1e-6


class TaylorScores:
    """Collects |mean over pixels of gradient times activation|, averaged over examples.

    Parameters
    ----------
    network
        Hooks are put on it while the object is used as a context.
    observed
        Layer whose channels are judged to the path where its maps are complete.
    """

    def __init__(self, network: nn.Module, observed: dict[str, str]) -> None:
        self._network, self._observed = network, observed
        self._sums: dict[str, torch.Tensor] = {}
        self._examples: dict[str, int] = {}
        self._handles = ExitStack()

    def __enter__(self) -> TaylorScores:
        for producer, path in self._observed.items():
            layer = layer_at(self._network, path)
            self._handles.callback(layer.register_forward_hook(self._hook(producer)).remove)
        return self

    def __exit__(self, *_: object) -> None:
        self._handles.close()

    def scores(self) -> Scores:
        """Return theta of every channel, float64 (n,) per layer."""
        return {
            producer: (total / max(self._examples[producer], 1)).cpu().numpy()
            for producer, total in self._sums.items()
        }

    def _hook(self, producer: str) -> Callable[[nn.Module, object, torch.Tensor], None]:
        def watch(_layer: nn.Module, _inputs: object, output: torch.Tensor) -> None:
            activation = output.detach()
            if output.requires_grad:
                output.register_hook(  # type: ignore[no-untyped-call]  # torch does not type it
                    lambda gradient: self._add(producer, activation, gradient)
                )

        return watch

    def _add(self, producer: str, activation: torch.Tensor, gradient: torch.Tensor) -> None:
        product = (activation * gradient).double()
        if product.ndim > 2:
            product = product.flatten(2).mean(dim=2)
        total = product.abs().sum(dim=0)
        before = self._sums.get(producer)
        self._sums[producer] = total if before is None else before + total
        self._examples[producer] = self._examples.get(producer, 0) + len(activation)


def taylor_scores(
    network: nn.Module,
    graph: ChannelGraph,
    objective: Objective,
    batches: Iterable[Batch],
    info: ModelInfo,
    job: JobContext,
) -> Scores:
    """Return theta of every channel of a network's layers; weights and gradients stay as they are.

    A divergence from a teacher that the network still equals is zero and has no slope, only
    rounding errors: then nothing is returned.

    Parameters
    ----------
    network
        On the device where it is to run; put into evaluation mode.
    graph
        Of the network when it had all its channels.
    objective
        The loss whose change is estimated.
    batches
        Pictures to look at.
    info, job
        Preprocessing; progress and cancel.
    """
    trace = getattr(network, "traced_as", None)
    root: nn.Module = network if trace is None else trace()
    root.eval()
    device = next(network.parameters()).device
    observed = {producer: graph.observed_at(producer) for producer in graph.producers}
    highest = 0.0
    with TaylorScores(network, observed) as watch:
        for batch in batches:
            job.report(0.0, "Judging channels")
            inputs = batch.inputs(info.preprocessing).to(device).requires_grad_()
            with torch.enable_grad():
                answers = root(inputs)
                heads = answers if isinstance(answers, tuple) else (answers,)
                loss = torch.stack([objective.outcome(head, batch).loss for head in heads]).sum()
                # the gradient of the input alone: parameters get none
                torch.autograd.grad(loss, inputs)
            highest = max(highest, abs(float(loss.detach())))
    return watch.scores() if highest > _AT_MINIMUM else {}


def norm_scores(network: nn.Module, graph: ChannelGraph) -> Scores:
    """Return the mean magnitude of the weights that make each channel; no pictures are needed."""
    found: Scores = {}
    for producer in graph.producers:
        weight = layer_at(network, producer).get_parameter("weight").detach()
        found[producer] = weight.double().flatten(1).abs().mean(dim=1).cpu().numpy()
    return found


def channel_scores(graph: ChannelGraph, scores: Scores, alive: np.ndarray) -> np.ndarray:
    """Return a score for each channel number, float64 (count,).

    Each layer's scores are divided by their L2 norm, so that layers can be compared; channels
    that are added to each other get the sum of theirs.
    """
    total = np.zeros(graph.count)
    for producer, found in graph.producers.items():
        own = scores.get(producer)
        if own is None:
            continue
        norm = float(np.linalg.norm(own))
        ids = found.outputs[alive[found.outputs]]
        np.add.at(total, ids, own / norm if norm > 0 else own)
    return total
