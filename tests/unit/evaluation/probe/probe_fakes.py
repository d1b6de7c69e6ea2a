"""Cards with given readings: what is made of them can be tested without measuring."""

from emostudio.core.machine_card import Gain, MachineCard, ProbedMachine, ProbeReading

MACHINE = ProbedMachine(
    cpu="Test CPU",
    architecture="x86_64",
    physical_cores=4,
    logical_cores=8,
    vector_units=("AVX2", "FMA"),
    memory_bytes=8 * 2**30,
    versions={"onnxruntime": "1.0", "numba": "0.1"},
)


def reading(key, ratio=None, low=None, high=None, *, decides=True, why_not=""):
    gain = None
    if ratio is not None:
        gain = Gain(ratio=ratio, low=low, high=high, against="float", decides=decides)
    figures = {} if why_not else {"value": 10.0, "low": 9.0, "high": 11.0}
    return ProbeReading(
        key=key,
        title=key.capitalize(),
        what="three layers",
        layers="convolutions",
        engine="packed",
        unit="GOP/s",
        gain=gain,
        blocks=12,
        why_not=why_not,
        **figures,
    )


def card(*readings, **changes):
    made = MachineCard(
        machine=MACHINE,
        threads=1,
        measured="2026-01-02T03:04:05+00:00",
        seconds=30.0,
        readings=readings,
    )
    return made.model_copy(update=changes)
