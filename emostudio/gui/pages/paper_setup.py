"""The dialog that starts a study: preset, pictures, teacher."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QDialog, QHBoxLayout, QVBoxLayout, QWidget

from emostudio.core.jobs import PaperJob
from emostudio.gui.theme import theme
from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.buttons import Segmented, button
from emostudio.gui.widgets.labels import label
from emostudio.paper.catalogue import EVERYTHING, in_order

_SEEDS = (3, 5, 10, 20)


class StudyDialog(QDialog):
    """What to run, how large, and on which pictures.

    Signals
    -------
    wanted
        The `core.jobs.PaperJob`.
    """

    wanted = Signal(object)

    def __init__(self, parent: QWidget, datasets: Sequence[str], teachers: Sequence[str]) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Run the paper's experiments"))
        self.setModal(True)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(SPACE.xl, SPACE.page, SPACE.xl, SPACE.page)
        self._column.setSpacing(SPACE.m)
        self._column.addWidget(label(self.tr("Run the paper's experiments"), "section"))
        self.preset = Segmented((("quick", self.tr("Quick")), ("full", self.tr("Full"))))
        self.preset.chosen.connect(lambda _key: self._explain())
        self._row(self.tr("Preset"), self.preset)
        self.explanation = label("", "small", "text2", wrap=True)
        self.explanation.setMinimumWidth(460)
        self._column.addWidget(self.explanation)
        self._add_choices(datasets, teachers)
        last = QHBoxLayout()
        last.addStretch(1)
        last.addWidget(button(self.tr("Cancel"), on_click=self.reject))
        last.addWidget(button(self.tr("Run"), "primary", "play", self._finish))
        self._column.addLayout(last)
        self._explain()

    def _add_choices(self, datasets: Sequence[str], teachers: Sequence[str]) -> None:
        everything = [(EVERYTHING, self.tr("All tables and figures"))]
        self.experiment = _combo(
            everything + [(each.key, each.title) for each in in_order() if each.is_run]
        )
        self._row(self.tr("Run"), self.experiment)
        drawn = [("", self.tr("Drawn faces"))]
        self.data = _combo(drawn + [(name, name) for name in datasets])
        self._row(self.tr("Labelled faces"), self.data)
        trained = [("", self.tr("Train one on other drawn faces"))]
        self.teacher = _combo(trained + [(name, name) for name in teachers])
        self._row(self.tr("Teacher, Table 3"), self.teacher)
        same = [("", self.tr("The training faces, labels unseen"))]
        self.pool = _combo(same + [(name, name) for name in datasets])
        self._row(self.tr("Unlabelled faces"), self.pool)
        usual = [("", self.tr("As many as the preset, or as before"))]
        self.seeds = _combo(usual + [(str(count), str(count)) for count in _SEEDS])
        self._row(self.tr("Seeds"), self.seeds)

    def _row(self, name: str, field: QWidget) -> None:
        row = QHBoxLayout()
        words = label(name, "body")
        words.setFixedWidth(round(SPACE.label_column * theme().scale))
        words.setBuddy(field)
        field.setAccessibleName(name)
        row.addWidget(words)
        row.addWidget(field, 0 if isinstance(field, Segmented) else 1)
        if isinstance(field, Segmented):
            row.addStretch(1)
        self._column.addLayout(row)

    def _explain(self) -> None:
        quick = self.tr(
            "Reduced networks on small faces and few epochs: half an hour on two cores. Shows "
            "rankings, not the paper's sizes."
        )
        full = self.tr(
            "The paper's own networks, 224 px and 100 epochs, three seeds: days on a processor, "
            "meant for a GPU."
        )
        self.explanation.setText(quick if self.preset.current() == "quick" else full)

    def _finish(self) -> None:
        job = PaperJob.model_validate(
            {
                "experiment": self.experiment.currentData(),
                "preset": self.preset.current(),
                "data": self.data.currentData() or None,
                "teacher": self.teacher.currentData() or None,
                "pool": self.pool.currentData() or None,
                "seeds": self.seeds.currentData() or None,
            }
        )
        self.wanted.emit(job)
        self.accept()


def _combo(options: Sequence[tuple[str, str]]) -> QComboBox:
    made = QComboBox()
    theme().set_font(made, "body")
    for key, text in options:
        made.addItem(text, key)
    return made
