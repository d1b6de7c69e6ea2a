"""Ranges of activations on calibration faces, and how well an INT8 network follows the original."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from emostudio.compression.base import ApplyContext
from emostudio.core.errors import EmoStudioError
from emostudio.core.events import Event, Note, Progress
from emostudio.data.base import Split
from emostudio.data.transforms import normalise
from emostudio.models.loaded import LoadedModel

Site = tuple[str, str]
"""(path of a layer, ``input`` or ``output``)."""
Ranges = dict[Site, tuple[float, float]]

_BATCH = 32
_BINS = 4096
_MOMENTUM = 0.1
_COVERED = 0.9999
_LEAST_SNR = 25.0
_LEAST_AGREEMENT = 0.97


def calibration_inputs(model: LoadedModel, count: int, context: ApplyContext) -> torch.Tensor:
    """Return up to `count` training faces as network input (N, C, H, W), chosen by the seed.

    Raises
    ------
    EmoStudioError
        If there is none.
    """
    dataset = context.dataset
    images = np.zeros(0, np.int64) if dataset is None else dataset.indices(Split.TRAIN)
    if dataset is None or not len(images):
        raise EmoStudioError(
            "INT8 needs faces to calibrate on",
            why="no dataset was chosen" if dataset is None else "the training split is empty",
            next_step="Choose a dataset with training images; they need no labels, and a few "
            "hundred are enough",
        )
    generator = np.random.default_rng(context.job.seed)
    if len(images) > count:
        images = np.sort(generator.choice(images, count, replace=False))
    pixels = np.asarray(dataset.pixels(model.info.preprocessing)[images])
    return torch.from_numpy(normalise(pixels, model.info.preprocessing))


def observed_ranges(
    module: nn.Module,
    sites: set[Site],
    inputs: torch.Tensor,
    kind: Literal["minmax", "percentile"],
    report: Callable[[float, str], None],
) -> Generator[Event, None, Ranges]:
    """Return the lowest and highest value to be expected at each site.

    Parameters
    ----------
    module
        The float network in evaluation mode.
    sites
        Where to look.
    inputs
        Shape (N, C, H, W).
    kind
        ``minmax``: moving average of the extremes of batches; ``percentile``: bounds that cover
        99.99 % on either side, from a histogram of 4096 bins.
    report
        Told the progress.
    """
    averages: Ranges = {}
    extremes: Ranges = {}

    def extend(site: Site, values: torch.Tensor) -> None:
        low, high = float(values.min()), float(values.max())
        old = averages.get(site, (low, high))
        averages[site] = (
            old[0] + _MOMENTUM * (low - old[0]),
            old[1] + _MOMENTUM * (high - old[1]),
        )
        widest = extremes.get(site, (low, high))
        extremes[site] = (min(low, widest[0]), max(high, widest[1]))

    yield from _watched(module, sites, inputs, extend, report)
    if kind == "minmax":
        return averages
    histograms = {site: np.zeros(_BINS) for site in extremes}

    def fill(site: Site, values: torch.Tensor) -> None:
        low, high = extremes[site]
        if high > low:
            histograms[site] += torch.histc(values.float(), _BINS, low, high).numpy()

    yield from _watched(module, sites, inputs, fill, report)
    return {site: _covering(histograms[site], *extremes[site]) for site in extremes}


def compared(
    before: nn.Module, after: LoadedModel, layers: tuple[str, ...], inputs: torch.Tensor
) -> Generator[Event, None, LoadedModel]:
    """Measure the signal-to-noise ratio behind each layer and the agreement of answers.

    Parameters
    ----------
    before
        The float network, batch normalisation folded.
    after
        The INT8 network.
    layers
        Paths to compare.
    inputs
        Calibration faces, shape (N, C, H, W).

    Returns
    -------
    `after` with the measurements in its info.
    """
    sample = inputs[:_BATCH]
    wanted, got = _outputs(before, layers, sample), _outputs(after.network(), layers, sample)
    ratios = {name: _snr(wanted[name], got[name], after.network(), name) for name in layers}
    agree = _agreement(before, after.network(), inputs)
    worst = min(ratios, key=lambda name: ratios[name]) if ratios else ""
    low = [name for name in layers if ratios[name] <= _LEAST_SNR]
    if worst:
        yield Note(
            level="warning" if low else "info",
            what=f"Lowest signal-to-noise ratio {ratios[worst]:.1f} dB, behind {worst}",
            why=f"{len(low)} of {len(layers)} layers are not above {_LEAST_SNR:.0f} dB",
            next_step="Keep the layers in question in float, or calibrate with percentile"
            if low
            else "",
        )
    yield Note(
        level="warning" if agree < _LEAST_AGREEMENT else "info",
        what=f"The answer stays the same for {agree:.1%} of {len(inputs)} calibration faces",
        why=f"at least {_LEAST_AGREEMENT:.0%} are expected",
        next_step="Use int8_qat, which trains the rounding in" if agree < _LEAST_AGREEMENT else "",
    )
    measured: dict[str, Any] = {"int8_agreement": round(agree, 4)}
    if worst:
        measured["int8_lowest_snr_db"] = round(ratios[worst], 2)
    measurements = {**after.info.measurements, **measured}
    return LoadedModel(
        after.info.model_copy(update={"measurements": measurements}),
        module=after.module,
        coded=after.coded,
    )


def _every_layer(module: nn.Module) -> nn.Module:
    """Return what runs all layers for every picture, those behind an early exit too."""
    trace = getattr(module, "traced_as", None)
    whole: nn.Module = module if trace is None else trace().eval()
    return whole


def _watched(
    module: nn.Module,
    sites: set[Site],
    inputs: torch.Tensor,
    look: Callable[[Site, torch.Tensor], None],
    report: Callable[[float, str], None],
) -> Generator[Event, None, None]:
    yield Progress(message="Calibrating the ranges of activations")
    whole = _every_layer(module)
    with _looking(module, sites, look), torch.inference_mode():
        for start in range(0, len(inputs), _BATCH):
            report(start / len(inputs), "Calibrating the ranges of activations")
            whole(inputs[start : start + _BATCH])


@contextmanager
def _looking(
    module: nn.Module, sites: set[Site], look: Callable[[Site, torch.Tensor], None]
) -> Iterator[None]:
    def hook_for(name: str) -> Callable[..., None]:
        def hook(_: nn.Module, given: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
            for side, values in (("input", given[0]), ("output", output)):
                if (name, side) in sites:
                    look((name, side), values)

        return hook

    names = sorted({name for name, _ in sites})
    handles = [module.get_submodule(name).register_forward_hook(hook_for(name)) for name in names]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _covering(histogram: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """Return bounds outside which at most 0.01 % of the values lie on either side."""
    total = histogram.sum()
    if not total:
        return low, high
    below, width = np.cumsum(histogram) / total, (high - low) / _BINS
    first = int(np.searchsorted(below, 1 - _COVERED, side="right"))
    last = int(np.searchsorted(below, _COVERED, side="left"))
    return low + first * width, low + (min(last, _BINS - 1) + 1) * width


def _outputs(
    module: nn.Module, layers: tuple[str, ...], inputs: torch.Tensor
) -> Mapping[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = {}

    def keep(site: Site, values: torch.Tensor) -> None:
        found[site[0]] = values

    with _looking(module, {(name, "output") for name in layers}, keep), torch.inference_mode():
        _every_layer(module)(inputs)
    return found


def _snr(wanted: torch.Tensor, got: torch.Tensor, network: nn.Module, name: str) -> float:
    layer = network.get_submodule(name)
    # a zero point of 0 cuts off below zero, which is the ReLU behind the layer
    if getattr(layer, "rounds_output", False) and not int(layer.get_buffer("output_zero_point")):
        wanted = wanted.clamp(min=0)
    signal, noise = wanted.double().square().sum(), (got - wanted).double().square().sum()
    if not float(noise):
        return 200.0
    return float(10 * torch.log10(signal / noise)) if float(signal) else -200.0


def _agreement(before: nn.Module, after: nn.Module, inputs: torch.Tensor) -> float:
    same = 0
    with torch.inference_mode():
        for start in range(0, len(inputs), _BATCH):
            batch = inputs[start : start + _BATCH]
            same += int((before(batch).argmax(1) == after(batch).argmax(1)).sum())
    return same / max(len(inputs), 1)
