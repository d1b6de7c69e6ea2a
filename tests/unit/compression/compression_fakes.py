"""A tiny architecture, faces made of stripes, and contexts for compression tests."""

from collections import OrderedDict
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import nn

from emostudio.compression import cp_als
from emostudio.compression.base import ApplyContext
from emostudio.compression.fine_tuning import FineTuneSettings, fine_tune
from emostudio.core.emotions import EMOTIONS
from emostudio.core.job_context import JobContext
from emostudio.data.base import Split
from emostudio.inference.catalogue import open_classifier
from emostudio.models.base import ArchitectureSettings
from emostudio.models.catalogue import ARCHITECTURES, build, new_info
from emostudio.models.loaded import LoadedModel
from emostudio.training.loop import train

SIDE = 24
CLASSES = 4


class ToyArchitecture:
    """Three convolutions, batch normalisation and two linear layers."""

    key = "toy"
    title = "Toy"
    family = "Toy"
    summary = "For tests"
    reference = "None"
    settings_type = ArchitectureSettings

    def build(self, settings):
        layers = OrderedDict()
        layers["conv1"] = nn.Conv2d(settings.channels, 8, 3, padding=1)
        layers["relu1"] = nn.ReLU()
        layers["pool1"] = nn.MaxPool2d(2)
        layers["conv2"] = nn.Conv2d(8, 16, 3, padding=1, bias=False)
        layers["bn2"] = nn.BatchNorm2d(16)
        layers["relu2"] = nn.ReLU()
        layers["pool2"] = nn.MaxPool2d(2)
        layers["conv3"] = nn.Conv2d(16, 16, 3, stride=2)
        layers["relu3"] = nn.ReLU()
        layers["squeeze"] = nn.Conv2d(16, 8, 1)
        layers["flatten"] = nn.Flatten()
        side = (settings.input_size // 4 - 3) // 2 + 1
        layers["fc1"] = nn.Linear(8 * side * side, 40)
        layers["relu4"] = nn.ReLU()
        layers["fc2"] = nn.Linear(40, settings.class_count)
        return nn.Sequential(layers)


class StripeFaces:
    """Pictures whose bright stripe follows the emotion, all splits filled."""

    fingerprint = "stripes"
    name = "stripes"

    def __init__(self, count=60, *, unlabelled=False, seed=0):
        generator = np.random.default_rng(seed)
        self.labels = EMOTIONS[:CLASSES]
        truth = (np.arange(count) % CLASSES).astype(np.int8)
        self.emotions = np.full(count, -1, np.int8) if unlabelled else truth
        self.splits = np.full(count, Split.TRAIN, np.int8)
        self.splits[2::6] = Split.VALIDATION
        self.splits[5::6] = Split.TEST
        self.subjects = np.full(count, -1, np.int32)
        self._pixels = generator.integers(0, 90, (count, SIDE, SIDE, 3)).astype(np.uint8)
        for index, emotion in enumerate(truth):
            self._pixels[index, emotion * 6 : emotion * 6 + 4] += 150

    def __len__(self):
        return len(self.emotions)

    def indices(self, split):
        return np.flatnonzero(self.splits == split)

    def pixels(self, preprocessing, context=None):
        assert (preprocessing.height, preprocessing.width) == (SIDE, SIDE)
        return self._pixels[..., : preprocessing.channels]


class DimFaces(StripeFaces):
    """Stripes that hardly stand out, so that answers are neither all right nor a toss-up."""

    def __init__(self, count=240, seed=0):
        super().__init__(count, seed=seed)
        noise = np.random.default_rng(seed + 100).integers(0, 190, self._pixels.shape)
        self._pixels = (noise + self._pixels // 7).astype(np.uint8)


def use_toy_architecture(monkeypatch):
    members = dict(ARCHITECTURES.members())
    members["toy"] = ToyArchitecture()
    monkeypatch.setattr(ARCHITECTURES, "_members", members)


def toy_model(seed=0, name="toy teacher"):
    info = new_info(name, "toy", {"input_size": SIDE, "channels": 3}, EMOTIONS[:CLASSES])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = build(info)
    return LoadedModel(info, module=module.eval())


def context_for(folder, teacher, dataset=None, seed=0):
    return ApplyContext(
        job=JobContext(folder=folder, seed=seed),
        dataset=dataset,
        teacher=teacher,
        train=train,
        open_classifier=partial(open_classifier, engine="torch"),
    )


def exact_factors(kernel):
    """Return factors of rank kH * kW * min(C_out, C_in) that give the kernel exactly."""
    c_out, c_in, height, width = kernel.shape
    wide = kernel.double()
    rows, columns = torch.eye(height).double(), torch.eye(width).double()
    if c_in <= c_out:
        # one term per (y, x, s): its out-factor is that column of the kernel
        out_factor = wide.permute(0, 2, 3, 1).reshape(c_out, -1)
        in_factor = torch.eye(c_in).double().repeat(1, height * width)
    else:
        out_factor = torch.eye(c_out).double().repeat(1, height * width)
        in_factor = wide.permute(1, 2, 3, 0).reshape(c_in, -1)
    smaller = min(c_out, c_in)
    row_factor = rows.repeat_interleave(width * smaller, dim=1)
    column_factor = columns.repeat(1, height).repeat_interleave(smaller, dim=1)
    return cp_als.Factors(out_factor, in_factor, row_factor, column_factor)


def finish(generator):
    """Run a generator to its end and return its result and events."""
    events = []
    while True:
        try:
            events.append(next(generator))
        except StopIteration as stop:
            return stop.value, events


def logits_of(model, count=3, seed=5):
    generator = torch.Generator().manual_seed(seed)
    batch = torch.randn(count, *model.input_shape, generator=generator)
    module = model.network().eval()
    with torch.no_grad():
        return module(batch)


@cache
def _trained_state():
    model = toy_model()
    settings = FineTuneSettings(epochs=12, learning_rate=2e-2, batch_size=16)
    with TemporaryDirectory() as folder:
        context = context_for(Path(folder), model, DimFaces())
        finish(fine_tune(model.network(), model.info, settings, context))
    return model.network().state_dict()


def trained_toy():
    """Return a toy that tells the stripes of `DimFaces` apart most of the time."""
    model = toy_model()
    model.network().load_state_dict(_trained_state())
    return model
