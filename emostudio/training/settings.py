"""Settings of the training loop."""

from __future__ import annotations

from typing import Literal

from emostudio.core.settings import Settings, setting

AUTOMATIC_RATES = {"sgd": 1e-2, "adamw": 1e-3}
AUTOMATIC_DECAYS = {"sgd": 5e-4, "adamw": 1e-2}


class TrainingSettings(Settings):
    """How a network is trained; defaults suit 5,000 to 30,000 faces."""

    epochs: int = setting(
        60, title="Epochs", help="Passes over the training images.", low=0, high=10_000
    )
    batch_size: int = setting(
        64, title="Batch size", help="Images per step.", unit="images", low=1, high=4096
    )
    optimiser: Literal["sgd", "adamw"] = setting(
        "adamw", title="Optimiser", help="AdamW starts surely; SGD with momentum ends a bit better."
    )
    learning_rate: float = setting(
        0.0,
        title="Learning rate",
        help="Peak of the schedule; 0 takes 0.01 for SGD and 0.001 for AdamW.",
        low=0.0,
        high=10.0,
    )
    weight_decay: float | None = setting(
        None,
        title="Weight decay",
        help="Pull towards zero, not on biases and normalisation; empty takes 0.0005 for SGD and "
        "0.01 for AdamW.",
        low=0.0,
        high=1.0,
        advanced=True,
    )
    momentum: float = setting(
        0.9, title="Momentum", help="Of SGD (Nesterov).", low=0.0, high=0.999, advanced=True
    )
    warmup_epochs: float = setting(
        3.0,
        title="Warm-up",
        help="Epochs over which the learning rate rises; at most a fifth of the training, with a "
        "time limit at least a tenth; 0 starts at the peak.",
        unit="epochs",
        low=0.0,
        high=100.0,
    )
    schedule: Literal["cosine", "constant"] = setting(
        "cosine", title="Schedule", help="Course of the learning rate after the warm-up."
    )
    label_smoothing: float = setting(
        0.1, title="Label smoothing", help="Share of each label spread over all.", low=0.0, high=0.5
    )
    augmentation: bool = setting(
        True, title="Augmentation", help="Vary the images as set below at every pass."
    )
    flip: bool = setting(True, title="Flip", help="Mirror half of the images.")
    crop_area: float = setting(
        0.8,
        title="Smallest crop",
        help="Random crops keep at least this share of the area; 1 crops nothing.",
        low=0.3,
        high=1.0,
    )
    rotation_degrees: float = setting(
        8.0, title="Rotation", help="Largest turn either way.", unit="degrees", low=0.0, high=45.0
    )
    brightness: float = setting(
        0.15,
        title="Light",
        help="Largest change of brightness and contrast, as a share.",
        low=0.0,
        high=0.9,
    )
    views: int = setting(
        0,
        title="Views per image",
        help="Number of different variations of each image, so that a slow teacher is asked only "
        "that often; 0 makes a new one at every pass.",
        low=0,
        high=1000,
        advanced=True,
    )
    class_balance: Literal["none", "weighting"] = setting(
        "weighting",
        title="Class balance",
        help="Weighting lets rare emotions count more, by the root of their rarity.",
    )
    early_stop_patience: int = setting(
        12,
        title="Patience",
        help="Stop after this many epochs without a better validation macro-F1; 0 never stops.",
        unit="epochs",
        low=0,
        high=1000,
    )
    keep: Literal["best", "last"] = setting(
        "best",
        title="Weights kept",
        help="Those of the epoch with the best validation macro-F1, or the last ones.",
        advanced=True,
    )
    ema_decay: float = setting(
        0.999,
        title="Weight averaging",
        help="Decay of the running average that is validated and kept; 0 keeps the weights.",
        low=0.0,
        high=0.99999,
        advanced=True,
    )
    clip_norm: float = setting(
        5.0,
        title="Gradient limit",
        help="Longest gradient, longer ones are shortened; 0 sets no limit.",
        low=0.0,
        high=1e6,
        advanced=True,
    )
    time_limit_s: float = setting(
        0.0,
        title="Time limit",
        help="Training ends in time with the schedule fitted to it; 0 sets no limit.",
        unit="s",
        low=0.0,
        high=1e7,
    )
    max_images: int = setting(
        0,
        title="Images per epoch",
        help="Use a random part of the training images in each epoch; 0 uses all.",
        unit="images",
        low=0,
        high=10_000_000,
        advanced=True,
    )
    checkpoint_s: float = setting(
        60.0,
        title="Checkpoint interval",
        help="Longest time between two checkpoints.",
        unit="s",
        low=0.0,
        high=60.0,
        advanced=True,
    )

    @property
    def peak_learning_rate(self) -> float:
        """Learning rate at the end of the warm-up."""
        return self.learning_rate or AUTOMATIC_RATES[self.optimiser]

    @property
    def applied_weight_decay(self) -> float:
        """Weight decay on everything but biases and normalisation."""
        if self.weight_decay is None:
            return AUTOMATIC_DECAYS[self.optimiser]
        return self.weight_decay
