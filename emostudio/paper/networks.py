"""The networks of Table 2 and Figures 1 to 6, as jobs; tables and figures share their trainings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from emostudio.core.jobs import CompressJob, TrainJob
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.paper.parts import MODEL_OF, Part, PartResult
from emostudio.paper.presets import Network
from emostudio.paper.study import StudySettings

VGG, SQUEEZENET = "vgg_s", "squeezenet"


@dataclass(frozen=True)
class TrainedNetwork:
    """One network that is trained.

    Attributes
    ----------
    key
        Of its parts.
    title
        As the paper calls it.
    parent
        Network it is made from; empty for one that is trained from the start.
    method
        Key of the method that makes it.
    settings
        Which of the preset's settings the method is given.
    """

    key: str
    title: str
    parent: str = ""
    method: str = ""
    settings: str = ""


NETWORKS: Mapping[str, TrainedNetwork] = {
    network.key: network
    for network in (
        TrainedNetwork(VGG, "VGG-S"),
        TrainedNetwork(SQUEEZENET, "SqueezeNet 1.1"),
        TrainedNetwork("cp", "SqueezeNet 1.1, CP", SQUEEZENET, "cp", "cp"),
        TrainedNetwork("hashed", "HashedNets", VGG, "hashed", "hashed"),
        TrainedNetwork("bwn", "BWN", VGG, "bwn", "bwn"),
        TrainedNetwork("xnor", "XNOR-Net", VGG, "xnor", "xnor"),
        TrainedNetwork(
            "binary_activations", "XNOR, real weights", VGG, "binary_activations",
            "binary_activations",
        ),
        TrainedNetwork("xnor_released", "XNOR, as released", VGG, "xnor", "xnor_released"),
    )
}  # fmt: skip
"""In the order of the table; parents come before their children."""


def part_key(network: str, seed: int) -> str:
    """Return the key of a network's training from a seed."""
    return f"{network}-s{seed}"


def seeds(settings: StudySettings) -> tuple[int, ...]:
    """Return the seeds of Table 2."""
    return settings.seeds_from(settings.sizes.seeds)


def network_parts(settings: StudySettings) -> tuple[Part, ...]:
    """Return the trainings of all networks, seed by seed."""
    return tuple(
        network_part(network, settings, seed)
        for seed in seeds(settings)
        for network in NETWORKS
    )  # fmt: skip


def network_part(key: str, settings: StudySettings, seed: int) -> Part:
    """Return the training of one network."""
    network, sizes = NETWORKS[key], settings.sizes
    name = f"paper-{sizes.key}-{part_key(key, seed)}".replace("_", "-")
    if not network.parent:
        chosen: Network = sizes.vgg if key == VGG else sizes.squeezenet
        weight = "train" if key == VGG else SQUEEZENET
        job: TrainJob | CompressJob = TrainJob(
            architecture=chosen.key,
            architecture_settings=dict(chosen.settings),
            data=settings.data_argument,
            training=dict(chosen.training),
            name=name,
            seed=seed,
        )
    else:
        weight = key if key in sizes.weights else "compress"
        step = RecipeStep(method=network.method, settings=dict(sizes.methods[network.settings]))
        job = CompressJob(
            teacher=MODEL_OF + part_key(network.parent, seed),
            data=settings.data_argument,
            recipe=Recipe(steps=(step,)),
            name=name,
            seed=seed,
        )
    title = f"{network.title}, seed {seed}"
    return Part(part_key(key, seed), title, job, sizes.weights.get(weight, 1.0))


def trained(
    key: str, settings: StudySettings, results: Mapping[str, PartResult]
) -> list[PartResult]:
    """Return a network's finished trainings, by seed."""
    keys = (part_key(key, seed) for seed in seeds(settings))
    return [results[part] for part in keys if part in results]
