import numpy as np
import pytest
import torch
from torch.nn import functional as F

from emostudio.core.emotions import EMOTIONS, Emotion
from emostudio.core.errors import InputError
from emostudio.training.losses import distillation_loss
from emostudio.training.objectives import (
    Hinton,
    LabelsOnly,
    SoftmaxKld,
    Supervised,
)

LABELS = EMOTIONS[:4]


class FakeBatch:
    def __init__(self, targets, weights=None):
        self.targets = torch.tensor(targets)
        self.weights = torch.ones(len(targets)) if weights is None else torch.tensor(weights)
        self.items = np.arange(len(targets))


class FakeTeacher:
    def __init__(self, logits, labels=LABELS):
        self.logits, self.labels = logits, labels

    def probabilities(self, batch):
        return F.softmax(self.logits, dim=1)

    def predict_labels(self, batch):
        return self.logits.argmax(dim=1)


class SecretiveTeacher(FakeTeacher):
    def probabilities(self, batch):
        raise AssertionError("labels-only asked for probabilities")


def logits_of(rows, classes=4, seed=0, scale=2.0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(rows, classes, generator=generator, dtype=torch.float64) * scale


def gradient(function, logits):
    logits = logits.clone().requires_grad_()
    function(logits).backward()
    return logits.grad


@pytest.mark.parametrize("temperature", [1.0, 2.0, 4.0])
def test_divergence_from_itself_is_zero_and_pulls_nowhere(temperature):
    logits = logits_of(5)
    probabilities = F.softmax(logits, dim=1)
    loss = distillation_loss(logits, probabilities, temperature)
    assert loss.item() == pytest.approx(0, abs=1e-12)
    pull = gradient(lambda z: distillation_loss(z, probabilities, temperature), logits)
    assert pull.abs().max() < 1e-12


@pytest.mark.parametrize("temperature", [1.0, 2.0, 4.0])
def test_divergence_matches_its_formula_summed_over_classes_and_averaged_over_the_batch(
    temperature,
):
    student, teacher = logits_of(6, seed=1), logits_of(6, seed=2)
    p = F.softmax(teacher / temperature, dim=1).numpy()
    q = F.softmax(student / temperature, dim=1).numpy()
    expected = temperature**2 * (p * np.log(p / q)).sum() / 6
    found = distillation_loss(student, F.softmax(teacher, dim=1), temperature)
    assert found.item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("temperature", [1.0, 2.0, 4.0])
def test_gradient_is_temperature_times_the_difference_of_posteriors(temperature):
    student, teacher = logits_of(6, seed=1), logits_of(6, seed=2)
    expected = F.softmax(student / temperature, dim=1) - F.softmax(teacher / temperature, dim=1)
    found = gradient(
        lambda z: distillation_loss(z, F.softmax(teacher, dim=1), temperature), student
    )
    torch.testing.assert_close(found, expected * temperature / 6)


def test_high_temperature_tends_to_logit_regression():
    student, teacher = logits_of(6, seed=1), logits_of(6, seed=2)
    difference = student - teacher
    centred = difference - difference.mean(dim=1, keepdim=True)
    found = gradient(lambda z: distillation_loss(z, F.softmax(teacher, dim=1), 1e4), student)
    torch.testing.assert_close(found, centred / (4 * 6), rtol=1e-3, atol=1e-6)


def test_constant_added_to_the_logits_changes_nothing():
    student, teacher = logits_of(6, seed=1), F.softmax(logits_of(6, seed=2), dim=1)
    moved = distillation_loss(student + 5.0, teacher, 3.0)
    torch.testing.assert_close(moved, distillation_loss(student, teacher, 3.0))


def test_certain_teacher_gives_a_finite_loss():
    certain = F.one_hot(torch.tensor([0, 1]), 4).double()
    assert torch.isfinite(distillation_loss(logits_of(2), certain, 1.0))


def test_supervised_is_the_weighted_smoothed_cross_entropy():
    logits, weights = logits_of(3), [1.0, 2.0, 0.5]
    found = Supervised(0.2).outcome(logits, FakeBatch([1, 0, 3], weights))
    smooth = torch.full((3, 4), 0.05, dtype=torch.float64)
    smooth[range(3), [1, 0, 3]] += 0.8
    losses = -(smooth * F.log_softmax(logits, dim=1)).sum(dim=1)
    expected = (losses * torch.tensor(weights)).sum() / 3.5
    assert found.loss.item() == pytest.approx(expected.item())
    assert found.reference.tolist() == [1, 0, 3]


def test_labels_only_never_touches_probabilities():
    teacher = SecretiveTeacher(logits_of(5, seed=2))
    student = logits_of(5, seed=1)
    found = LabelsOnly(teacher, LABELS).outcome(student, FakeBatch([-1] * 5))
    expected = F.cross_entropy(student, teacher.logits.argmax(dim=1))
    torch.testing.assert_close(found.loss, expected)
    assert found.reference.tolist() == teacher.logits.argmax(dim=1).tolist()


def test_labels_only_cannot_reach_the_teacher_behind_the_labels():
    objective = LabelsOnly(SecretiveTeacher(logits_of(2)), LABELS)
    assert not hasattr(objective._teacher, "probabilities")


def test_softmax_divergence_needs_no_labels_and_ignores_them():
    teacher, student = FakeTeacher(logits_of(5, seed=2)), logits_of(5, seed=1)
    objective = SoftmaxKld(teacher, LABELS)
    without = objective.outcome(student, FakeBatch([-1] * 5))
    torch.testing.assert_close(without.loss, objective.outcome(student, FakeBatch([0] * 5)).loss)
    assert without.reference.tolist() == teacher.logits.argmax(dim=1).tolist()
    assert objective.outcome(student, FakeBatch([2, -1, 2, -1, 2])).reference[0] == 2


def test_student_that_equals_its_teacher_is_left_alone():
    logits = logits_of(4)
    for temperature in (1.0, 4.0):
        objective = SoftmaxKld(FakeTeacher(logits), LABELS, temperature)
        pull = gradient(lambda z, o=objective: o.outcome(z, FakeBatch([-1] * 4)).loss, logits)
        assert pull.abs().max() < 1e-6


def test_label_order_is_mapped_by_name():
    student_labels = (Emotion.FEAR, Emotion.ANGER, Emotion.HAPPINESS, Emotion.DISGUST)
    teacher = logits_of(5)
    columns = [LABELS.index(label) for label in student_labels]
    student = teacher[:, columns]
    found = SoftmaxKld(FakeTeacher(teacher), student_labels).outcome(student, FakeBatch([-1] * 5))
    assert found.loss.item() == pytest.approx(0, abs=1e-6)
    assert found.reference.tolist() == student.argmax(dim=1).tolist()
    labels = LabelsOnly(FakeTeacher(teacher), student_labels)
    reference = labels.outcome(student, FakeBatch([-1] * 5)).reference
    assert reference.tolist() == student.argmax(dim=1).tolist()


@pytest.mark.parametrize("make", [LabelsOnly, SoftmaxKld])
def test_class_the_teacher_lacks_is_left_out_and_never_pushed_down(make):
    student_labels = EMOTIONS
    teacher_labels = tuple(e for e in EMOTIONS if e is not Emotion.CONTEMPT)
    objective = make(FakeTeacher(logits_of(5, 7, seed=2), teacher_labels), student_labels)
    batch, student = FakeBatch([-1] * 5), logits_of(5, 8, seed=1)
    pull = gradient(lambda z: objective.outcome(z, batch).loss, student)
    place = student_labels.index(Emotion.CONTEMPT)
    assert pull[:, place].abs().max() == 0
    assert pull.abs().sum() > 0
    raised = student.clone()
    raised[:, place] += 3
    torch.testing.assert_close(
        objective.outcome(raised, batch).loss, objective.outcome(student, batch).loss
    )


def test_class_the_student_lacks_is_removed_from_the_teacher_and_the_rest_renormalised():
    teacher = logits_of(5, 8)
    student_labels = EMOTIONS[:6]
    objective = SoftmaxKld(FakeTeacher(teacher, EMOTIONS), student_labels)
    found = objective.outcome(teacher[:, :6], FakeBatch([-1] * 5))
    assert found.loss.item() == pytest.approx(0, abs=1e-6)


def test_labels_the_student_lacks_are_not_learned():
    teacher = FakeTeacher(torch.eye(8)[[0, 7, 1]].double() * 9, EMOTIONS)
    objective = LabelsOnly(teacher, EMOTIONS[:6])
    student = logits_of(3, 6)
    found = objective.outcome(student, FakeBatch([-1] * 3))
    assert found.reference.tolist() == [0, -1, 1]
    expected = F.cross_entropy(student[[0, 2]], torch.tensor([0, 1]))
    torch.testing.assert_close(found.loss, expected)


def test_teacher_without_common_classes_is_refused():
    with pytest.raises(InputError, match="fewer than two classes"):
        SoftmaxKld(FakeTeacher(logits_of(2), EMOTIONS[4:8]), LABELS)


def test_hinton_mixes_labels_and_softened_posteriors():
    student, teacher = logits_of(4, seed=1), logits_of(4, seed=2)
    batch = FakeBatch([0, 3, -1, 2])
    found = Hinton(FakeTeacher(teacher), LABELS, temperature=3.0, distillation_weight=0.7)
    hard = F.cross_entropy(student[[0, 1, 3]], torch.tensor([0, 3, 2]))
    soft = distillation_loss(student, F.softmax(teacher, dim=1), 3.0)
    outcome = found.outcome(student, batch)
    assert outcome.loss.item() == pytest.approx((0.3 * hard + 0.7 * soft).item(), rel=1e-6)
    assert outcome.reference.tolist()[:2] == [0, 3]
    assert outcome.reference[2] == teacher[2].argmax()


def test_hinton_works_without_any_label():
    student, teacher = logits_of(4, seed=1), logits_of(4, seed=2)
    outcome = Hinton(FakeTeacher(teacher), LABELS).outcome(student, FakeBatch([-1] * 4))
    soft = distillation_loss(student, F.softmax(teacher, dim=1), 4.0)
    assert outcome.loss.item() == pytest.approx(0.8 * soft.item(), rel=1e-6)
