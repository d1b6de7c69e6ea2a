from dataclasses import dataclass

import pytest
from probe_fakes import card, reading

from emostudio.core.machine_card import BENCHMARK, NO_READING, SIZE_ONLY, STUDENT
from emostudio.evaluation.probe.ranking import UNDECLARED, rank


@dataclass
class Method:
    key: str
    decided_by: str
    family: str = "family"

    @property
    def title(self):
        return self.key.upper()


CARD = card(
    reading("fast", 3.0, 2.9, 3.1),
    reading("slow", 0.5, 0.4, 0.6),
    reading("even", 1.1, 0.9, 1.3),
    reading("missing", why_not="this processor lacks it"),
    reading("share", 0.3, 0.2, 0.4, decides=False),
)


@pytest.mark.parametrize(
    ("decided_by", "outlook"),
    [
        ("fast", "kernel faster"),
        ("slow", "kernel slower"),
        ("even", "not decided"),
        ("missing", "not measured"),
        ("share", "not measured"),
        ("unknown", "not measured"),
        (SIZE_ONLY, "size only"),
        (STUDENT, "not measured"),
        (BENCHMARK, "not measured"),
    ],
)
def test_the_interval_of_the_named_reading_decides(decided_by, outlook):
    (found,) = rank([Method("m", decided_by)], CARD)
    assert found.outlook == outlook
    assert (found.gain is None) == (outlook in {"not measured", "size only"})


def test_the_fastest_kernel_comes_first_and_methods_without_reading_last():
    methods = [Method(key, key) for key in ("slow", "even", "fast")]
    found = rank([Method("file", SIZE_ONLY), *methods], CARD)
    assert [one.method for one in found] == ["fast", "even", "slow", "file"]


def test_another_machines_readings_give_another_ranking():
    methods = [Method("a", "fast"), Method("b", "slow")]
    other = card(reading("fast", 0.8, 0.7, 0.9), reading("slow", 2.0, 1.9, 2.1))
    assert [one.method for one in rank(methods, CARD)] == ["a", "b"]
    assert [one.method for one in rank(methods, other)] == ["b", "a"]


def test_the_reason_tells_the_figure_and_what_it_holds_for():
    (found,) = rank([Method("m", "fast")], CARD)
    assert "3.00 times as fast as float here" in found.reason
    assert "other settings gain more or less, layers left alone gain nothing" in found.reason
    assert "at most" not in found.reason
    (slower,) = rank([Method("m", "slow")], CARD)
    assert "gains" not in slower.reason


def test_what_was_not_measured_says_why():
    (found,) = rank([Method("m", "missing")], CARD)
    assert "this processor lacks it" in found.reason
    (file,) = rank([Method("m", SIZE_ONLY)], CARD)
    assert file.reason == NO_READING[SIZE_ONLY]
    (silent,) = rank([Method("m", "")], CARD)
    assert silent.reason == UNDECLARED
