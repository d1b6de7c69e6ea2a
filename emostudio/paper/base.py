"""What an experiment is, and what it is handed to make its table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from emostudio.core.settings import Settings
from emostudio.paper.parts import Part, PartResult
from emostudio.paper.results import ResultTable
from emostudio.paper.study import StudyRecord, StudySettings


class NoSettings(Settings):
    """Experiments are set by the preset."""


@dataclass(frozen=True)
class Findings:
    """What is known when a table is made.

    Attributes
    ----------
    settings
        Of the study.
    record
        What is known of its data; None before the first part.
    results
        Finished parts by key.
    """

    settings: StudySettings
    record: StudyRecord | None
    results: Mapping[str, PartResult]


@dataclass
class Experiment:
    """One table of the paper, or its figures.

    Attributes
    ----------
    order
        Place in the paper.
    title
        Short, as lists and menus say it.
    command
        Name on the command line where it is not the key.
    parts
        ``parts(settings)``: the jobs, in the order in which they are done; none where the
        experiment only reads what others found.
    table
        ``table(findings)``: all there is to show so far.
    """

    key: str
    order: int
    title: str
    summary: str
    parts: Callable[[StudySettings], tuple[Part, ...]]
    table: Callable[[Findings], ResultTable]
    family: str = "paper"
    reference: str = "Rassadin and Savchenko, 2017"
    settings_type: type[BaseModel] = NoSettings
    command: str = ""

    @property
    def is_run(self) -> bool:
        """Whether there is anything to do for it."""
        return bool(self.parts(StudySettings()))
