import dataclasses

import numpy as np
import pytest
import torch
from compression_fakes import CLASSES, StripeFaces, context_for, finish

from emostudio.compression import pipeline
from emostudio.compression.agreement import balancing_weights
from emostudio.compression.catalogue import METHODS
from emostudio.compression.packing import load_variant
from emostudio.core.job_context import JobContext
from emostudio.core.model_info import BLACK_BOX
from emostudio.core.recipe import Recipe, RecipeStep
from emostudio.data.base import Split
from emostudio.exports.catalogue import EXPORTERS
from emostudio.exports.exporting import export_model
from emostudio.training.objectives import Combined, Hinton, LabelsOnly, SoftmaxKld

KEYS = {
    "distill_labels": LabelsOnly,
    "distill_softmax": SoftmaxKld,
    "distill_hinton": Hinton,
    "distill_combined": Combined,
}


class Oracle:
    """A classifier that knows the stripes: the perfect black-box teacher."""

    def __init__(self, info):
        self.info = info
        self.closed = False

    def probabilities(self, pixels):
        rows = pixels.astype(np.float32).mean(axis=(2, 3))
        blocks = np.stack([rows[:, 6 * k : 6 * k + 4].mean(axis=1) for k in range(CLASSES)], axis=1)
        sharp = np.exp((blocks - blocks.max(axis=1, keepdims=True)) / 10)
        return (sharp / sharp.sum(axis=1, keepdims=True)).astype(np.float32)

    def close(self):
        self.closed = True


def black_box(teacher):
    info = teacher.info.model_copy(update={"architecture": BLACK_BOX, "outputs": "probabilities"})
    return dataclasses.replace(teacher, info=info, module=None, onnx_bytes=b"unused")


def distil(key, teacher, tmp_path, faces, **values):
    method = METHODS.get(key)
    oracle = Oracle(teacher.info)
    context = dataclasses.replace(
        context_for(tmp_path, teacher, faces), open_classifier=lambda model: oracle
    )
    settings = method.settings_type(architecture="toy", batch_size=8, **values)
    student, events = finish(method.apply(teacher, settings, context))
    assert oracle.closed
    return student, events


@pytest.mark.parametrize("key", sorted(KEYS))
def test_a_student_learns_from_a_black_box_without_labels(key, teacher, tmp_path):
    faces = StripeFaces(96, unlabelled=True)
    student, _ = distil(key, black_box(teacher), tmp_path, faces, epochs=12)
    pixels = faces.pixels(student.info.preprocessing)[faces.indices(Split.TEST)]
    from emostudio.inference.catalogue import open_classifier

    answers = open_classifier(student, "torch").probabilities(pixels).argmax(axis=1)
    truth = np.arange(96)[faces.indices(Split.TEST)] % CLASSES
    assert (answers == truth).mean() > 0.7


@pytest.mark.parametrize(("key", "objective"), KEYS.items())
def test_each_method_uses_its_own_loss(key, objective, teacher):
    method = METHODS.get(key)
    found = method.objective(
        Teacherish(teacher.info.labels), teacher.info.labels, method.settings_type()
    )
    assert isinstance(found, objective)


class Teacherish:
    """Enough of a teacher to build an objective."""

    def __init__(self, labels):
        self.labels = labels

    def predict_labels(self, batch):
        raise AssertionError("not asked here")

    probabilities = predict_labels


def test_the_student_has_the_teacher_s_labels_and_the_wished_input(teacher, tmp_path):
    method = METHODS.get("distill_hinton")
    settings = method.settings_type(
        architecture="squeezenet1_1", input_size=40, channels=1, architecture_settings="bn=true"
    )
    planned = method.plan(teacher, settings)
    assert planned.model.info.labels == teacher.info.labels
    assert planned.model.input_shape == (1, 40, 40)
    assert planned.model.info.architecture_settings["bn"] is True
    assert planned.model.module.fire2.squeeze_bn.num_features == 16


def test_the_same_seed_gives_the_same_student(teacher, faces, tmp_path):
    def weights(folder):
        student, _ = distil("distill_softmax", teacher, tmp_path / folder, faces, epochs=1)
        return torch.cat([parameter.reshape(-1) for parameter in student.module.parameters()])

    assert torch.equal(weights("a"), weights("b"))


def test_a_recipe_on_a_real_onnx_teacher_ends_in_a_white_box_variant(teacher, faces, tmp_path):
    export_model(teacher, EXPORTERS.get("onnx"), tmp_path / "teacher.onnx")
    box = load_variant(tmp_path / "teacher.onnx")
    assert box.info.is_black_box
    steps = (
        RecipeStep(method="distill_hinton", settings={"architecture": "toy", "epochs": 1}),
        RecipeStep(method="magnitude_pruning", settings={"epochs": 1, "distillation_weight": 0.5}),
    )
    job = JobContext(folder=tmp_path / "run")
    result, _ = finish(pipeline.run(box, Recipe(steps=steps), faces, job, name="student"))
    assert result.model.module is not None
    assert result.stages[0].parameters is None
    assert result.model.info.lineage.teacher == box.info.name


def test_agreement_is_told_apart_from_being_right(teacher, tmp_path):
    faces = StripeFaces(96)
    student, events = distil("distill_softmax", teacher, tmp_path, faces, epochs=8)
    note = next(event for event in events if getattr(event, "what", "").startswith("Student and"))
    held_out = faces.indices(Split.VALIDATION)
    pixels = faces.pixels(student.info.preprocessing)[held_out]
    from emostudio.inference.catalogue import open_classifier

    answers = open_classifier(student, "torch").probabilities(pixels).argmax(axis=1)
    said = Oracle(teacher.info).probabilities(pixels).argmax(axis=1)
    right = (answers == faces.emotions[held_out]).mean()
    assert note.what.endswith(f"{(answers == said).mean():.1%} of 16 held-out pictures")
    assert f"of the 16 labelled ones the student gets {right:.1%} right" in note.why


def test_without_labels_only_the_agreement_is_told(teacher, tmp_path):
    faces = StripeFaces(48, unlabelled=True)
    _, events = distil("distill_labels", teacher, tmp_path, faces, epochs=1)
    note = next(event for event in events if getattr(event, "what", "").startswith("Student and"))
    assert note.why == ""


class LabelsAlone(Oracle):
    """Answers with certainty, so that nothing but the label can be seen."""

    def probabilities(self, pixels):
        labels = super().probabilities(pixels).argmax(axis=1)
        return np.eye(CLASSES, dtype=np.float32)[labels]


def test_labels_only_learns_the_same_from_a_teacher_that_gives_nothing_else(teacher, tmp_path):
    method = METHODS.get("distill_labels")
    settings = method.settings_type(architecture="toy", batch_size=8, epochs=1)

    def student(oracle, folder):
        context = context_for(tmp_path / folder, teacher, StripeFaces(unlabelled=True))
        context = dataclasses.replace(context, open_classifier=lambda model: oracle)
        return finish(method.apply(teacher, settings, context))[0].module.state_dict()

    first, second = student(Oracle(teacher.info), "a"), student(LabelsAlone(teacher.info), "b")
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_rare_labels_of_the_teacher_weigh_more():
    weights = balancing_weights(np.array([0] * 9 + [1]), 3)
    assert weights[1] / weights[0] == pytest.approx(3.0)
    assert weights[2] == 0
    assert (9 * weights[0] + weights[1]).item() / 10 == pytest.approx(1.0)


def test_given_weights_replace_those_of_the_mix():
    settings_type = METHODS.get("distill_combined").settings_type
    assert settings_type().weights == (1.0, 0.5, 0.0)
    assert settings_type(mix="labelled").weights == (0.5, 0.0, 0.5)
    assert settings_type(mix="labelled", teacher_label_weight=2.0).weights == (0.5, 2.0, 0.5)
