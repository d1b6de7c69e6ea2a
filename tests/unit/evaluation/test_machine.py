import json
import os

from emostudio.evaluation import machine


def test_description_names_cpu_memory_and_versions():
    facts = machine.describe()
    assert facts["cpu"]
    assert 1 <= facts["physical_cores"] <= facts["logical_cores"] == os.cpu_count()
    assert facts["memory_bytes"] > 2**28
    assert facts["versions"]["torch"]
    json.dumps(facts)


def test_conditions_can_be_stored_as_json():
    assert json.loads(json.dumps(machine.conditions()))["load_per_core"] >= 0


def _quiet(**changes):
    return {"load_per_core": 0.1, "on_battery": None, "governor": None, **changes}


def test_a_quiet_machine_has_nothing_to_say():
    assert machine.disturbances(_quiet(), _quiet()) == ()


def test_foreign_load_battery_and_governor_are_named():
    found = machine.disturbances(
        _quiet(load_per_core=0.9, governor="powersave"), _quiet(on_battery=True)
    )
    assert len(found) == 3
    assert "0.90" in found[0]


def test_load_made_by_the_measurement_itself_is_not_blamed():
    assert machine.disturbances(_quiet(), _quiet(load_per_core=1.0)) == ()


def test_missing_sensors_are_no_fault(monkeypatch):
    def refuse():
        raise OSError("no sensor")

    monkeypatch.setattr(machine.psutil, "sensors_temperatures", refuse, raising=False)
    monkeypatch.setattr(machine.psutil, "sensors_battery", refuse, raising=False)
    facts = machine.conditions()
    assert facts["temperature_c"] is None
    assert facts["on_battery"] is None


def test_throttling_and_too_many_threads_are_named():
    before = _quiet(throttle_count=3, allowed_cpus=2)
    found = machine.disturbances(before, _quiet(throttle_count=5), threads=4)
    assert found == (
        "The processor throttled itself 2 times: it was too hot",
        "4 threads had to share 2 processors",
    )
    assert machine.disturbances(before, _quiet(throttle_count=3), threads=2) == ()


def test_throttling_and_turbo_are_read_from_the_system(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "_CPU_FOLDER", tmp_path)
    assert machine.conditions()["throttle_count"] is None
    assert machine.conditions()["turbo"] is None
    for cpu, count in (("cpu0", "2"), ("cpu1", "5")):
        (tmp_path / cpu / "thermal_throttle").mkdir(parents=True)
        (tmp_path / cpu / "thermal_throttle" / "core_throttle_count").write_text(count)
    (tmp_path / "intel_pstate").mkdir()
    (tmp_path / "intel_pstate" / "no_turbo").write_text("1\n")
    assert machine.conditions()["throttle_count"] == 7
    assert machine.conditions()["turbo"] is False
