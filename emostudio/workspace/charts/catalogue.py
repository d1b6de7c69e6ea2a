"""The catalogue of charts."""

from __future__ import annotations

from emostudio.core.catalogue import Catalogue
from emostudio.workspace.charts.base import Chart, ChartKind
from emostudio.workspace.charts.material import Material

CHARTS: Catalogue[ChartKind] = Catalogue("emostudio.workspace.charts.members", "CHART", "chart")


def chart_kinds() -> tuple[ChartKind, ...]:
    """Return all charts in the order in which they are shown."""
    return tuple(sorted(CHARTS.members().values(), key=lambda kind: kind.order))


def drawn(material: Material) -> tuple[Chart, ...]:
    """Return every chart for which there is something to draw."""
    charts = (kind.chart(material) for kind in chart_kinds())
    return tuple(chart for chart in charts if chart is not None)
