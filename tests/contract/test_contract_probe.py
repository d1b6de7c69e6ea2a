"""What every reading of the probe and every method's `decided_by` promise."""

import pytest

from emostudio.compression.catalogue import METHODS
from emostudio.core.machine_card import NO_READING
from emostudio.evaluation.probe.base import ReadingSettings
from emostudio.evaluation.probe.catalogue import READINGS
from emostudio.evaluation.probe.workloads import FEATURES
from emostudio.inference.catalogue import ENGINES

KEYS = list(READINGS.members())


def test_the_readings_of_a_card_are_there():
    assert {
        "float_convolution",
        "int8_convolution",
        "memory_bandwidth",
        "binary_convolution",
        "binary_weight_linear",
        "codebook_linear",
        "depthwise_convolution",
    } <= set(KEYS)


@pytest.mark.parametrize("key", KEYS)
def test_a_reading_says_what_it_is(key):
    reading = READINGS.get(key)
    assert reading.key == key
    assert type(reading).__module__.endswith(f".{key}")
    for words in (reading.title, reading.summary, reading.reference, reading.what, reading.layers):
        assert words
        assert words == words.strip()
    assert reading.engine in ENGINES.members()
    assert reading.unit in {"GFLOP/s", "GOP/s", "GB/s"}
    assert reading.settings_type is ReadingSettings
    if reading.compares_rates:
        assert reading.against
        assert not reading.decides


@pytest.mark.parametrize("key", KEYS)
def test_a_reading_runs_and_is_fed_what_it_wants(key):
    reading = READINGS.get(key)
    if reading.why_unavailable():
        pytest.skip(reading.why_unavailable())
    if str(FEATURES) in reading.what:
        pytest.skip("large; the end-to-end test runs it")
    workload = reading.workload(1)
    assert (workload.reference is None) == (not reading.against)
    for work in filter(None, (workload.kernel, workload.reference)):
        assert work.operations > 0
        session = work.contender.open()
        first = session.run(work.contender.inputs[:1])
        assert first.shape[0] == 1
        session.close()


@pytest.mark.parametrize("key", list(METHODS.members()))
def test_every_method_says_what_decides_its_speed(key):
    decided_by = METHODS.get(key).decided_by
    assert "decided_by" in vars(type(METHODS.get(key))), "said by the method's own file"
    if decided_by not in NO_READING:
        assert READINGS.get(decided_by).decides
