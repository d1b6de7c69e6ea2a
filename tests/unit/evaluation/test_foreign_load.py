from collections import namedtuple

import pytest

from emostudio.evaluation import foreign_load
from emostudio.evaluation.foreign_load import LoadMeter, load_facts

Machine = namedtuple("Machine", "user nice system idle iowait steal guest guest_nice")
Own = namedtuple("Own", "user system")


class _Fake:
    def __init__(self, monkeypatch):
        self.machine, self.own = Machine(0, 0, 0, 0, 0, 0, 0, 0), Own(0, 0)
        monkeypatch.setattr(foreign_load.psutil, "cpu_times", lambda: self.machine)
        monkeypatch.setattr(foreign_load.psutil, "Process", lambda: self)

    def cpu_times(self):
        return self.own


@pytest.fixture
def machine(monkeypatch):
    return _Fake(monkeypatch)


def test_our_own_work_is_not_foreign(machine):
    meter = LoadMeter()
    machine.machine, machine.own = Machine(10, 0, 1, 9, 0, 0, 0, 0), Own(10, 1)
    assert meter.read() == 0


def test_the_work_of_others_is_a_share_of_all_processors(machine):
    meter = LoadMeter()
    machine.machine, machine.own = Machine(15, 0, 0, 5, 0, 0, 0, 0), Own(10, 0)
    assert meter.read() == pytest.approx(5 / 20)


def test_time_that_the_host_took_away_is_foreign_and_guests_count_once(machine):
    meter = LoadMeter()
    machine.machine, machine.own = Machine(10, 0, 0, 6, 0, 4, 10, 0), Own(10, 0)
    assert meter.read() == pytest.approx(4 / 20)


def test_each_reading_is_about_the_time_since_the_last(machine):
    meter = LoadMeter()
    machine.machine = Machine(10, 0, 0, 10, 0, 0, 0, 0)
    assert meter.read() == pytest.approx(0.5)
    machine.machine = Machine(10, 0, 0, 30, 0, 0, 0, 0)
    assert meter.read() == 0


def test_too_short_a_time_says_nothing(machine):
    assert LoadMeter().read() is None


def test_the_average_leaves_out_what_is_unknown():
    facts = load_facts([0.2, None, 0.4])
    assert facts == {"foreign_share": 0.3, "foreign_share_by_block": [0.2, None, 0.4]}
    assert load_facts([None])["foreign_share"] is None
