"""What a card belongs to, and what has changed since."""

from __future__ import annotations

from collections.abc import Iterator

from emostudio.core.environment import version_of
from emostudio.core.machine_card import MachineCard, ProbedMachine
from emostudio.evaluation import machine

_LIBRARIES = ("emostudio", "onnxruntime", "numba", "torch")
"""Whose kernels are measured; another version may be faster or slower."""
_MEMORY_TOLERANCE = 0.02
"""Virtual machines do not always say the same to the byte."""


def this_machine() -> ProbedMachine:
    """Return this machine, with the versions of what is measured on it."""
    facts = machine.describe()
    return ProbedMachine(
        cpu=facts["cpu"],
        architecture=facts["architecture"],
        physical_cores=facts["physical_cores"],
        logical_cores=facts["logical_cores"],
        vector_units=tuple(facts["vector_units"]),
        memory_bytes=facts["memory_bytes"],
        versions={name: version_of(name) for name in _LIBRARIES},
    )


def changes(card: MachineCard, now: ProbedMachine) -> tuple[str, ...]:
    """Say in words why a card no longer holds on the machine as it is `now`; nothing if it does."""
    return tuple(_changes(card.machine, now))


def _changes(then: ProbedMachine, now: ProbedMachine) -> Iterator[str]:
    if (then.cpu, then.architecture) != (now.cpu, now.architecture):
        yield f"measured on another processor ({then.cpu})"
    elif then.vector_units != now.vector_units:
        yield "the processor offers other vector units now"
    if then.physical_cores != now.physical_cores:
        yield f"measured with {then.physical_cores} cores, now there are {now.physical_cores}"
    elif then.logical_cores != now.logical_cores:
        yield f"measured with {then.logical_cores} logical processors, not {now.logical_cores}"
    if abs(then.memory_bytes - now.memory_bytes) > _MEMORY_TOLERANCE * now.memory_bytes:
        yield "the memory has another size now"
    for name in sorted({*then.versions, *now.versions}):
        before, after = then.versions.get(name, ""), now.versions.get(name, "")
        if before != after:
            yield f"measured with {name} {before or 'missing'}, now it is {after or 'missing'}"
