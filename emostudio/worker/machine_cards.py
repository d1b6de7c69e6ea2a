"""From a machine card to the answer: the ranking it gives, and whether it still holds."""

from __future__ import annotations

from emostudio.compression.catalogue import METHODS
from emostudio.core.machine_card import MachineCard, MachineCardReport
from emostudio.evaluation.probe.identity import changes, this_machine
from emostudio.evaluation.probe.ranking import rank


def report_of(
    card: MachineCard | None, notice: str = "", *, is_ours: bool = True
) -> MachineCardReport:
    """Return what is known about a machine.

    Parameters
    ----------
    card
        Its card, None where there is none.
    notice
        What is to be told about the stored card.
    is_ours
        False for the card of another machine, which does not become stale by being read here.
    """
    if card is None:
        return MachineCardReport(notice=notice)
    return MachineCardReport(
        card=card,
        ranking=rank(METHODS.members().values(), card),
        stale=changes(card, this_machine()) if is_ours else (),
        notice=notice,
    )
