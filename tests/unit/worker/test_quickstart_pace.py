import pytest

from emostudio.worker.quickstart.budget import Budget
from emostudio.worker.quickstart.pace import Pace


class Clock:
    def __init__(self):
        self.now_s = 0.0

    def monotonic(self):
        return self.now_s


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("time.monotonic", clock.monotonic)
    return clock


def test_training_goes_by_the_clock_and_leaves_room_for_measuring(clock):
    pace = Pace(Budget(1))
    clock.now_s = 30
    assert pace.fraction(0.9) == pytest.approx(0.5)
    assert pace.left_s(0.9) == pytest.approx(30)
    clock.now_s = 300
    assert pace.fraction(0.9) < 0.8


def test_measuring_goes_on_when_the_minutes_are_over(clock):
    pace = Pace(Budget(1))
    clock.now_s = 90
    pace.measure(0.0, 0.5)
    shares = [pace.fraction(part) for part in (0.0, 0.5, 1.0)]
    pace.measure(0.5, 1.0)
    shares += [pace.fraction(part) for part in (0.5, 0.9)]
    assert shares == sorted(set(shares))
    assert shares[-1] < 1


def test_time_left_is_unknown_until_the_measuring_tells(clock):
    pace = Pace(Budget(1))
    clock.now_s = 90
    assert pace.left_s(0.5) is None
    pace.measure(0.0, 1.0)
    clock.now_s = 100
    assert pace.left_s(0.0) is None
    assert pace.left_s(0.5) == pytest.approx(10)


def test_progress_never_falls(clock):
    pace = Pace(Budget(1))
    pace.measure(0.0, 1.0)
    assert pace.fraction(0.5) == pace.fraction(None)
