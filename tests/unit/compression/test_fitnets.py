"""H2 of the test catalogue: the stages of FitNets are kept apart."""

import copy
import dataclasses

import numpy as np
import onnx
import pytest
import torch
from compression_fakes import CLASSES, SIDE, StripeFaces, context_for, finish
from torch import nn
from torch.nn import functional as F

from emostudio.compression import packing, pipeline
from emostudio.compression.catalogue import METHODS
from emostudio.compression.distillation import new_student
from emostudio.compression.hints import HintedStudent, HintLoss, features_at, middle_layer
from emostudio.core.emotions import EMOTIONS
from emostudio.core.errors import InputError
from emostudio.core.events import EpochDone
from emostudio.core.model_info import BLACK_BOX, Preprocessing
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.exports.catalogue import EXPORTERS
from emostudio.exports.exporting import export_model
from emostudio.models.catalogue import build, new_info
from emostudio.models.loaded import LoadedModel
from emostudio.training.losses import distillation_loss
from emostudio.training.objectives import Annealed, AnnealedDistillation

METHOD = METHODS.get("fitnets")


def settings(**values):
    return METHOD.settings_type(**{"architecture": "toy", "batch_size": 8, **values})


def trained(teacher, folder, **values):
    context = context_for(folder, teacher, StripeFaces())
    return finish(METHOD.apply(teacher, settings(**values), context))


@pytest.mark.parametrize(
    ("guided", "later"),
    [("relu3", ("squeeze", "fc1", "fc2")), ("relu1", ("conv2", "bn2", "conv3", "fc2"))],
)
def test_h2_stage_one_leaves_later_layers_bit_identical(guided, later, teacher, tmp_path):
    values = {"hint_epochs": 2, "epochs": 0, "guided_layer": guided}
    context = context_for(tmp_path, teacher, StripeFaces())
    _, fresh = new_student(teacher, settings(**values), context)
    before = copy.deepcopy(fresh.state_dict())
    after = trained(teacher, tmp_path, **values)[0].module.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert "conv1.weight" in changed
    assert not {name for name in changed if name.startswith(later)}
    untouched = {name for name in before if name.startswith(later)}
    assert any(name.endswith("running_var") for name in untouched) == ("bn2" in later)


def test_h2_the_regressor_is_in_neither_the_file_nor_the_export(teacher, tmp_path):
    student, _ = trained(teacher, tmp_path / "run", hint_epochs=1, epochs=1)
    plain = build(student.info)
    assert list(student.module.state_dict()) == list(plain.state_dict())
    file = tmp_path / "student.safetensors"
    assert packing.save_variant(student, file) == packing.predict_bytes(student)
    assert b"regressor" not in file.read_bytes()
    export_model(student, EXPORTERS.get("onnx"), tmp_path / "student.onnx")
    graph = onnx.load(tmp_path / "student.onnx").graph
    exported = sum(np.prod(tensor.dims) for tensor in graph.initializer)
    parameters = sum(parameter.numel() for parameter in plain.parameters())
    assert exported < parameters + 100  # the regressor alone would have 16 x 16 weights
    assert not any("regressor" in tensor.name for tensor in graph.initializer)


class Pictures:
    """A batch whose network input is known."""

    def __init__(self, inputs):
        self._inputs = inputs

    def inputs(self, preprocessing):
        return self._inputs


@pytest.fixture
def planted():
    """A teacher, and a student whose features are an invertible linear map of its hint."""
    generator = torch.Generator().manual_seed(0)
    teacher = nn.Sequential(nn.Conv2d(3, 5, 3, padding=1), nn.Tanh(), nn.Flatten())
    mixing = torch.linalg.qr(torch.randn(5, 5, generator=generator))[0] @ torch.diag(
        torch.tensor([0.5, 1.0, 1.5, 2.0, 2.5])
    )
    mix = nn.Conv2d(5, 5, 1, bias=False)
    with torch.no_grad():
        mix.weight.copy_(mixing[:, :, None, None])
    student = nn.Sequential(copy.deepcopy(teacher[0]), nn.Tanh(), mix, nn.Flatten())
    batch = Pictures(torch.randn(4, 3, 8, 8, generator=generator))
    hinted = HintedStudent(student, "2", 5, 5)
    loss = HintLoss(teacher, "1", Preprocessing(height=8, width=8), (8, 8))
    return loss, hinted, batch, mixing


def test_h2_the_loss_is_zero_when_the_regressor_inverts_a_linear_map(planted):
    loss, hinted, batch, mixing = planted
    with torch.no_grad():
        hinted.regressor.weight.copy_(torch.linalg.inv(mixing)[:, :, None, None])
        hinted.regressor.bias.zero_()
    assert loss.outcome(hinted(batch.inputs(None)), batch).loss.item() < 1e-8


def test_h2_standardising_is_undone_by_an_affine_regressor_as_well(planted, tmp_path, teacher):
    loss, hinted, batch, mixing = planted
    maps = features_at(loss._network, "1", batch.inputs(None)).detach()
    mean, deviation = maps.mean(dim=(0, 2, 3)), maps.std(dim=(0, 2, 3), unbiased=False)
    loss.standardise([batch], context_for(tmp_path, teacher).job)
    hints = loss.hints(batch).reshape(4, 5, 8, 8)
    np.testing.assert_allclose(hints.mean(dim=(0, 2, 3)), np.zeros(5), atol=1e-5)
    np.testing.assert_allclose(hints.std(dim=(0, 2, 3), unbiased=False), np.ones(5), rtol=1e-4)
    inverse = torch.linalg.inv(mixing) / deviation[:, None]
    with torch.no_grad():
        hinted.regressor.weight.copy_(inverse[:, :, None, None])
        hinted.regressor.bias.copy_(-mean / deviation)
    assert loss.outcome(hinted(batch.inputs(None)), batch).loss.item() < 1e-7


def test_the_loss_is_half_the_squared_distance_of_each_picture(planted):
    loss, hinted, batch, _ = planted
    given = hinted(batch.inputs(None)).detach()
    expected = 0.5 * ((loss.hints(batch) - given).numpy() ** 2).sum(axis=1).mean()
    outcome = loss.outcome(given, batch)
    assert outcome.loss.item() == pytest.approx(expected, rel=1e-5)
    assert (outcome.reference == -1).all()


def test_hints_are_pooled_to_the_student_s_side(planted):
    _, _, batch, _ = planted
    network = nn.Sequential(nn.Conv2d(3, 2, 1))
    loss = HintLoss(network, "0", Preprocessing(height=8, width=8), (3, 3))
    expected = F.adaptive_avg_pool2d(network(batch.inputs(None)), 3).flatten(1)
    torch.testing.assert_close(loss.hints(batch), expected)


def test_hints_bring_the_student_s_features_closer(teacher, tmp_path):
    _, events = trained(teacher, tmp_path, hint_epochs=20, hint_learning_rate=5e-3, epochs=0)
    assert not [event for event in events if isinstance(event, EpochDone)]
    told = [event.what for event in events if getattr(event, "what", "").startswith("Hint epoch")]
    distances = [float(text.split("distance ")[1].split(",")[0]) for text in told]
    assert len(distances) == 20
    assert np.mean(distances[-5:]) < 0.8 * np.mean(distances[:5])


@pytest.mark.parametrize("stop_after", [6, 20])
def test_a_run_cut_short_in_either_stage_ends_as_if_never_stopped(stop_after, teacher, tmp_path):
    values = {"hint_epochs": 2, "epochs": 2}
    whole = trained(teacher, tmp_path / "whole", **values)[0].module.state_dict()
    context = context_for(tmp_path / "cut", teacher, StripeFaces())
    running = METHOD.apply(teacher, settings(**values), context)
    for _ in range(stop_after):
        next(running)
    running.close()
    resumed = trained(teacher, tmp_path / "cut", **values)[0].module.state_dict()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


class Fixed:
    labels = EMOTIONS[:CLASSES]

    def __init__(self, logits):
        self.logits = logits

    def probabilities(self, batch):
        return F.softmax(self.logits, dim=1)


def test_the_teacher_s_weight_falls_in_a_line_from_four_to_one():
    generator = torch.Generator().manual_seed(1)
    student, answers = torch.randn(2, 5, CLASSES, generator=generator)
    objective = AnnealedDistillation(Fixed(answers), EMOTIONS[:CLASSES])
    assert isinstance(objective, Annealed)
    batch = type("Batch", (), {"targets": torch.tensor([0, 1, 2, -1, 3])})()
    hard = F.cross_entropy(student[[0, 1, 2, 4]], torch.tensor([0, 1, 2, 3]))
    soft = distillation_loss(student, F.softmax(answers, dim=1), 3.0)
    for progress, weight in ((0.0, 4.0), (0.5, 2.5), (1.0, 1.0)):
        objective.anneal(progress)
        found = objective.outcome(student, batch).loss
        torch.testing.assert_close(found, hard + weight * soft)


def test_the_middle_layers_are_those_of_the_reference(teacher):
    with torch.device("meta"):
        info = new_info("vgg", "vgg_s_paper", {}, EMOTIONS)
        vgg = LoadedModel(info, module=build(info))
    planned = METHOD.plan(vgg, METHOD.settings_type())
    assert planned.notes[-1] == "fire6 (384, 13, 13) is guided by relu4 (512, 18, 18)"
    assert planned.epochs == 15 + 40


def test_a_black_box_is_refused_because_it_has_no_inside(teacher):
    info = teacher.info.model_copy(update={"architecture": BLACK_BOX})
    box = dataclasses.replace(teacher, info=info, module=None, onnx_bytes=b"x")
    step = RecipeStep(method="fitnets", settings={"architecture": "toy"})
    (refusal,) = pipeline.plan(box, Recipe(steps=(step,))).refusals
    assert "inside the teacher" in refusal.reason


@pytest.mark.parametrize(
    ("values", "reason"),
    [({"hint_layer": "nothing"}, "no layer nothing"), ({"guided_layer": "fc1"}, "no feature maps")],
)
def test_layers_that_cannot_hint_are_refused_in_the_plan(values, reason, teacher):
    step = RecipeStep(method="fitnets", settings={"architecture": "toy", **values})
    (refusal,) = pipeline.plan(teacher, Recipe(steps=(step,))).refusals
    assert reason in refusal.reason


def test_a_network_without_convolutions_has_no_middle():
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE * SIDE, 8), nn.Linear(8, 4))
    with pytest.raises(InputError, match="no convolution"):
        middle_layer(network)
