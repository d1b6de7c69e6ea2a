"""A dataset of coloured stripes in memory, and a network small enough to train in a test."""

import hashlib

import numpy as np
import torch
from torch import nn

from emostudio.core.emotions import EMOTIONS
from emostudio.core.model_info import ModelInfo, Preprocessing
from emostudio.data.base import Split


class StripeDataset:
    """Stripes whose direction and colour follow the emotion; the test split must not be asked."""

    fingerprint = "stripes"

    def __init__(self, count=96, classes=4, seed=0, unlabelled=False):
        random = np.random.default_rng(seed)
        self.name = "stripes"
        self.labels = EMOTIONS[:classes]
        self.truth = (np.arange(count) % classes).astype(np.int8)
        self.emotions = np.full(count, -1, np.int8) if unlabelled else self.truth
        self.splits = np.full(count, Split.TRAIN, np.int8)
        self.splits[2::5] = Split.VALIDATION
        self.splits[4::5] = Split.TEST
        self._base = random.integers(0, 60, size=(count, 12, 12, 3)).astype(np.uint8)
        for index, emotion in enumerate(self.truth):
            self._base[index, emotion * 3 : emotion * 3 + 2] += 150
        self._base[self.splits == Split.TEST] = 255
        self.asked = []

    def __len__(self):
        return len(self.emotions)

    def indices(self, split):
        assert split != Split.TEST, "training looked at the test split"
        self.asked.append(split)
        return np.flatnonzero(self.splits == split)

    def pixels(self, preprocessing, context=None):
        factor = preprocessing.height // 12
        pixels = self._base.repeat(factor, axis=1).repeat(factor, axis=2)
        return pixels[..., : preprocessing.channels]


def info_of(labels=EMOTIONS[:4], side=12, channels=3):
    return ModelInfo(
        name="tiny",
        architecture="tiny",
        labels=labels,
        preprocessing=Preprocessing(
            height=side,
            width=side,
            channels=channels,
            mean=(0.5,) * channels,
            std=(0.25,) * channels,
        ),
    )


def tiny_network(classes=4, seed=3, channels=3):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(channels, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(3),
        nn.Dropout(0.3),
        nn.Flatten(),
        nn.Linear(8 * 16, classes),
    )


class FakeClassifier:
    """Answers from the pixels alone: probabilities by the mean colour of each stripe."""

    def __init__(self, labels=EMOTIONS[:4], side=12):
        self.info = info_of(labels, side=side)
        self.asked = []

    def probabilities(self, pixels):
        self.asked.append(np.array(pixels))
        rows = pixels.astype(np.float64).mean(axis=(2, 3))
        stripes = rows.reshape(len(pixels), 4, -1).mean(axis=2)[:, : len(self.info.labels)]
        powers = np.exp((stripes - stripes.max(axis=1, keepdims=True)) / 20)
        return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def run_to_end(generator):
    """Return the events of a generator and its result."""
    events = []
    while True:
        try:
            events.append(next(generator))
        except StopIteration as stop:
            return events, stop.value


def state_hash(module):
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()
