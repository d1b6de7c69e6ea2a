"""How large an experiment is: quick, for two cores and half an hour, and the paper's own sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from emostudio.core.errors import InputError

Settings = Mapping[str, Any]

QUICK, FULL = "quick", "full"


@dataclass(frozen=True)
class Network:
    """An architecture, how it is built and how it is trained.

    Attributes
    ----------
    key
        Of the architecture catalogue.
    settings
        Of the architecture.
    training
        Of the training loop.
    """

    key: str
    settings: Settings
    training: Settings


@dataclass(frozen=True)
class Preset:
    """All sizes of the experiments.

    Attributes
    ----------
    data
        Data argument where the user names none.
    other_data
        Faces that stand for the paper's EmotiW where the user names no black-box teacher: other
        people under other conditions, and no contempt.
    vgg, squeezenet
        The two networks of Table 2.
    methods
        Settings of each row's method, by row.
    student, student_training
        Architecture of Table 3's student in one text, and settings of the distillation.
    seeds, distillation_seeds
        Trainings per row of Table 2, and per cell of Table 3.
    blocks, pairs
        Of the benchmark.
    most_held_out
        Pictures that watch a training at most, 0 for all that are kept back.
    words
        What is reduced, for people; empty where nothing is.
    """

    key: str
    title: str
    data: str
    other_data: str
    vgg: Network
    squeezenet: Network
    methods: Mapping[str, Settings]
    student: Settings
    seeds: int
    distillation_seeds: int
    blocks: int
    pairs: int
    most_held_out: int = 0
    words: str = ""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Measured seconds of each kind of part on two cores."""


_QUICK_SIZE = 48
_QUICK_LOOP: Settings = {
    "batch_size": 32,
    "max_images": 1200,
    "warmup_epochs": 1.0,
    "ema_decay": 0.99,
    "early_stop_patience": 0,
    "label_smoothing": 0.05,
}

_QUICK = Preset(
    key=QUICK,
    title="Quick",
    data="synthetic:identities=100,size=48,cameras=frontal_and_45,gazes=frontal,seed=0",
    other_data=(
        "synthetic:identities=60,size=48,cameras=090,gazes=left+right,seed=77,"
        "emotions=anger+disgust+fear+happiness+sadness+surprise+neutral,field_of_view=3.2"
    ),
    vgg=Network(
        "vgg_s_lite",
        {"input_size": _QUICK_SIZE, "channels": 1, "width": 0.25, "dense_width": 256,
         "dropout": 0.2},
        {**_QUICK_LOOP, "epochs": 40, "learning_rate": 1e-3},
    ),
    squeezenet=Network(
        "squeezenet1_1",
        {"input_size": _QUICK_SIZE, "channels": 1, "bn": True, "dropout": 0.2},
        {**_QUICK_LOOP, "epochs": 24, "learning_rate": 3e-3},
    ),
    methods={
        "cp": {"epochs": 4, "epochs_per_layer": 0, "sweeps": 25, "polish": 20, "max_images": 1200,
               "batch_size": 32},
        "hashed": {"epochs": 30, "max_images": 1200, "batch_size": 32, "learning_rate": 1e-2,
                   "pattern": "general"},
        "bwn": {"epochs": 16, "max_images": 1200, "batch_size": 32, "learning_rate": 2e-3},
        "xnor": {"epochs": 14, "activation_epochs": 12, "max_images": 1200, "batch_size": 32},
        "binary_activations": {"epochs": 14, "max_images": 1200, "batch_size": 32},
        "xnor_released": {"mode": "paper", "epochs": 14, "max_images": 1200,
                          "layers": "conv2 conv3 conv4"},
    },
    student={
        "architecture": "squeezenet1_1",
        "architecture_settings": "bn=true dropout=0.2",
        "input_size": _QUICK_SIZE,
        "channels": 1,
        "epochs": 16,
        "batch_size": 32,
        "max_images": 1000,
        "learning_rate": 3e-3,
        "views": 2,
    },
    seeds=1,
    distillation_seeds=4,
    blocks=12,
    pairs=20,
    most_held_out=600,
    words="Reduced networks on 48 px grey faces and few epochs",
    weights={"train": 40, "squeezenet": 45, "cp": 20, "compress": 35, "bench": 60, "distil": 42},
)  # fmt: skip

_SURVEY_LOOP: Settings = {
    "epochs": 100,
    "batch_size": 20,
    "optimiser": "sgd",
    "learning_rate": 1e-3,
    "momentum": 0.9,
    "weight_decay": 0.0,
    "schedule": "constant",
    "warmup_epochs": 0.0,
    "label_smoothing": 0.0,
    "augmentation": False,
    "ema_decay": 0.0,
    "early_stop_patience": 0,
    "class_balance": "none",
}
"""The survey's section 3: SGD, momentum 0.9, rate 0.001, 20 pictures a step, 100 epochs."""

_FULL = Preset(
    key=FULL,
    title="Full",
    data="synthetic:identities=67,size=224,cameras=frontal_and_45,seed=0",
    other_data=(
        "synthetic:identities=67,size=224,cameras=090,gazes=left+right,seed=77,"
        "emotions=anger+disgust+fear+happiness+sadness+surprise+neutral,field_of_view=3.2"
    ),
    vgg=Network("vgg_s_paper", {"input_size": 224, "channels": 3}, _SURVEY_LOOP),
    squeezenet=Network(
        "squeezenet1_1",
        {"input_size": 224, "channels": 3},
        {**_SURVEY_LOOP, "batch_size": 32},
    ),
    methods={
        "cp": {"epochs": 10, "batch_size": 32},
        "hashed": {"epochs": 100, "batch_size": 20, "learning_rate": 1e-3, "mode": "rebuild",
                   "pattern": "general"},
        "bwn": {"epochs": 100, "batch_size": 20},
        "xnor": {"epochs": 100, "activation_epochs": 60},
        "binary_activations": {"epochs": 100},
        "xnor_released": {"mode": "paper", "epochs": 100, "layers": "conv2 conv3 conv4"},
    },
    student={
        "architecture": "squeezenet1_1",
        "input_size": 224,
        "channels": 3,
        "epochs": 60,
        "batch_size": 64,
        "learning_rate": 1e-3,
    },
    seeds=3,
    distillation_seeds=5,
    blocks=30,
    pairs=23,
    weights={
        "train": 400, "squeezenet": 400, "cp": 100, "compress": 500, "bench": 120, "distil": 300,
    },
)  # fmt: skip

PRESETS: Mapping[str, Preset] = {preset.key: preset for preset in (_QUICK, _FULL)}


def preset(key: str) -> Preset:
    """Return a preset.

    Raises
    ------
    InputError
        Listing the known ones.
    """
    if key not in PRESETS:
        raise InputError(f"There is no preset {key}", next_step=f"Known: {', '.join(PRESETS)}")
    return PRESETS[key]
