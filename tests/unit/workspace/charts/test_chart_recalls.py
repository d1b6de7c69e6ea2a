"""Recognition by emotion and its change against the baseline."""

import pytest

from emostudio.core.answers import EvaluationResult
from emostudio.core.emotions import EMOTIONS
from emostudio.statistics.intervals import newcombe
from emostudio.workspace.charts.recalls import class_changes, recall_counts


def evaluation(right):
    rows = []
    for place in range(len(EMOTIONS)):
        row = [0] * len(EMOTIONS)
        row[place], row[place - 1] = right, 40 - right
        rows.append(tuple(row))
    return EvaluationResult(
        model="m", samples=320, accuracy=right / 40, accuracy_interval=(0.0, 1.0), macro_f1=0.5,
        balanced_accuracy=0.5, confusion=tuple(rows), labels=EMOTIONS,
    )  # fmt: skip


def test_classes_without_pictures_have_no_share():
    result = evaluation(30).model_copy(
        update={"labels": ("anger", "fear"), "confusion": ((4, 1), (0, 0))}
    )
    assert recall_counts(result) == {"anger": (4, 5)}


def test_a_change_is_in_points_with_newcombes_interval():
    change = class_changes(evaluation(30), evaluation(38))[0]
    _, low, high = newcombe(38, 40, 30, 40)
    assert change.points == pytest.approx(-20.0)
    assert change.interval == (100 * low, 100 * high)
    assert change.is_clear


def test_a_change_within_its_interval_is_not_clear():
    changes = class_changes(evaluation(36), evaluation(37))
    assert not any(change.is_clear for change in changes)


def test_only_classes_of_both_results_are_compared():
    baseline = evaluation(38)
    smaller = baseline.model_copy(
        update={"labels": baseline.labels[:2], "confusion": ((3, 1), (0, 4))}
    )
    names = [change.name for change in class_changes(smaller, baseline)]
    assert names == [str(name) for name in baseline.labels[:2]]
