"""H1 of the test catalogue: distillation losses against NumPy, SciPy, autograd and closed forms."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, rel_entr, softmax
from torch.nn import functional as F

from emostudio.core.emotions import EMOTIONS
from emostudio.training.losses import distillation_loss
from emostudio.training.objectives import Combined, LabelsOnly, SoftmaxKld

CLASSES, PICTURES = 8, 6


def logits(seed, scale=2.0):
    return np.random.default_rng(seed).normal(size=(PICTURES, CLASSES)) * scale


class Batch:
    def __init__(self, targets):
        self.targets = torch.tensor(targets)


class Teacher:
    labels = EMOTIONS

    def __init__(self, teacher_logits):
        self._answers = torch.from_numpy(softmax(teacher_logits, axis=1))

    def probabilities(self, batch):
        return self._answers

    def predict_labels(self, batch):
        return self._answers.argmax(dim=1)


def loss_of(student, teacher, temperature=1.0):
    probabilities = torch.from_numpy(softmax(teacher, axis=1))
    return distillation_loss(torch.as_tensor(student), probabilities, temperature)


def gradient(function, values):
    leaf = torch.tensor(values, requires_grad=True)
    function(leaf).backward()
    return leaf.grad.numpy()


@pytest.mark.parametrize("temperature", [1.0, 2.0, 4.0, 8.0])
def test_h1_divergence_is_scipy_s_relative_entropy_times_t_squared(temperature):
    student, teacher = logits(1), logits(2)
    p, q = softmax(teacher / temperature, axis=1), softmax(student / temperature, axis=1)
    expected = temperature**2 * rel_entr(p, q).sum() / PICTURES
    assert loss_of(student, teacher, temperature).item() == pytest.approx(expected, rel=1e-9)
    assert expected > 0


def test_h1_kl_of_a_posterior_from_itself_is_zero():
    assert loss_of(logits(1), logits(1), 3.0).item() == pytest.approx(0.0, abs=1e-12)


def test_h1_mean_reduction_would_be_eight_times_weaker():
    student, teacher = torch.from_numpy(logits(1)), torch.from_numpy(softmax(logits(2), axis=1))
    with pytest.warns(UserWarning, match="batchmean"):
        weak = F.kl_div(F.log_softmax(student, dim=1), teacher, reduction="mean")
    assert loss_of(student, logits(2)).item() / weak.item() == pytest.approx(8.0)


@pytest.mark.parametrize("temperature", [1.0, 2.0, 4.0])
def test_h1_gradient_is_t_times_the_difference_of_posteriors_over_the_batch(temperature):
    student, teacher = logits(1), logits(2)
    found = gradient(lambda z: loss_of(z, teacher, temperature), student)
    difference = softmax(student / temperature, axis=1) - softmax(teacher / temperature, axis=1)
    np.testing.assert_allclose(found, temperature * difference / PICTURES, rtol=1e-7, atol=1e-12)


def test_h1_the_gradient_agrees_with_finite_differences():
    student, teacher = logits(1), logits(2)
    found = gradient(lambda z: loss_of(z, teacher, 4.0), student)
    step = 1e-5
    for place in ((0, 0), (3, 5), (5, 7)):
        up, down = student.copy(), student.copy()
        up[place] += step
        down[place] -= step
        slope = (loss_of(up, teacher, 4.0) - loss_of(down, teacher, 4.0)).item() / (2 * step)
        assert found[place] == pytest.approx(slope, rel=1e-6)


def test_h1_the_limit_of_high_temperature_is_regression_on_centred_logits():
    student, teacher = logits(1), logits(2)
    difference = student - teacher
    centred = difference - difference.mean(axis=1, keepdims=True)
    errors = []
    for temperature in (1e2, 1e3, 1e4):
        found = gradient(lambda z, t=temperature: loss_of(z, teacher, t), student)
        errors.append(np.abs(found - centred / (CLASSES * PICTURES)).max())
    assert errors[2] < 1e-4
    assert errors[0] > 5 * errors[1] > 25 * errors[2]  # falls like 1/T


def test_h1_a_constant_added_to_either_side_changes_nothing():
    student, teacher = logits(1), logits(2)
    moved = loss_of(student + 7.0, teacher - 3.0, 2.0)
    assert moved.item() == pytest.approx(loss_of(student, teacher, 2.0).item(), rel=1e-9)


def test_h1_a_student_that_equals_its_teacher_feels_no_pull_from_any_posterior():
    same = logits(3)
    teacher = Teacher(same)
    for objective in (SoftmaxKld(teacher, EMOTIONS, 4.0), Combined(teacher, EMOTIONS, 1.0, 0.0)):
        pull = gradient(lambda z, o=objective: o.outcome(z, Batch([-1] * PICTURES)).loss, same)
        assert np.abs(pull).max() < 1e-7


@pytest.mark.parametrize("weights", [(1.0, 0.5, 0.0), (0.5, 0.0, 0.5), (0.3, 0.7, 0.2)])
def test_h1_the_combination_is_the_weighted_sum_of_its_three_parts(weights):
    student, teacher, targets = logits(1), logits(2), [3, -1, 0, 7, -1, 2]
    p, log_q = softmax(teacher, axis=1), log_softmax(student, axis=1)
    divergence = (p * (np.log(p) - log_q)).sum() / PICTURES
    teacher_part = -log_q[np.arange(PICTURES), p.argmax(axis=1)].mean()
    known = [place for place, label in enumerate(targets) if label >= 0]
    true_part = -np.mean([log_q[place, targets[place]] for place in known])
    expected = np.dot(weights, [divergence, teacher_part, true_part])
    outcome = Combined(Teacher(teacher), EMOTIONS, *weights).outcome(
        torch.from_numpy(student), Batch(targets)
    )
    assert outcome.loss.item() == pytest.approx(expected, rel=1e-9)
    wanted = [label if label >= 0 else p[place].argmax() for place, label in enumerate(targets)]
    assert outcome.reference.tolist() == wanted


def test_h1_unsure_labels_of_the_teacher_do_not_count():
    student, teacher = logits(1), logits(2)
    p, log_q = softmax(teacher, axis=1), log_softmax(student, axis=1)
    limit = float(np.median(p.max(axis=1)))
    sure = np.flatnonzero(p.max(axis=1) >= limit)
    assert 0 < len(sure) < PICTURES
    expected = -log_q[sure, p[sure].argmax(axis=1)].mean()
    made = Combined(Teacher(teacher), EMOTIONS, 0.0, 1.0, min_confidence=limit)
    found = made.outcome(torch.from_numpy(student), Batch([-1] * PICTURES)).loss
    assert found.item() == pytest.approx(expected, rel=1e-9)
    none = Combined(Teacher(teacher), EMOTIONS, 0.0, 1.0, min_confidence=1.0)
    assert none.outcome(torch.from_numpy(student), Batch([-1] * PICTURES)).loss.item() == 0.0


def test_h1_balanced_labels_only_is_torch_s_weighted_cross_entropy():
    student, teacher = torch.from_numpy(logits(1)), Teacher(logits(2))
    weights = torch.linspace(0.5, 2.0, CLASSES)
    found = LabelsOnly(teacher, EMOTIONS, weights).outcome(student, Batch([-1] * PICTURES)).loss
    expected = F.cross_entropy(student, teacher.predict_labels(None), weight=weights.double())
    torch.testing.assert_close(found, expected)
