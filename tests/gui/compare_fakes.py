"""The compare page on real measurements, as its tests show it."""

import gui_fakes as fakes

from emostudio.gui.pages.compare import ComparePage
from emostudio.workspace.charts.catalogue import chart_kinds

MEASURED = {
    "teacher": (0.95, 40.0, None, None),
    "int8": (0.945, 20.0, 2.0, (1.9, 2.1)),
    "shared": (0.80, 40.5, 0.99, (0.97, 1.01)),
}


def workspace_in(qapp, tmp_path):
    """A workspace with a teacher and two variants, nothing measured yet."""
    with fakes.open_workspace(tmp_path / "workspace") as workspace:
        yield workspace


def measured_page(qtbot, workspace):
    """The page after all three were measured."""
    fakes.add_measurements(workspace, MEASURED)
    return show(qtbot, workspace)


def show(qtbot, workspace):
    page = ComparePage(fakes.FakeStudio(workspace))
    qtbot.addWidget(page)
    page.resize(1200, 692)
    page.show()
    return page


def cell(page, name, key):
    model = page.table.table
    row = next(place for place, row in enumerate(model.rows) if row.id == name)
    column = next(place for place, column in enumerate(model.columns) if column.key == key)
    return model.cell(row, column)


def choose_chart(page, key):
    kind = next(kind for kind in chart_kinds() if kind.key == key)
    page.charts.chooser.setCurrentText(kind.title)
    return kind
