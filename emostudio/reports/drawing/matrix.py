"""Shares by true and given class as heat cells."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from emostudio.reports import palette
from emostudio.workspace.charts.base import Matrix

_HEAT = LinearSegmentedColormap.from_list("heat", [palette.CARD, palette.ACCENT])
_HEAT_SHARE = 0.62
_LEAST_SHOWN = 0.5


def draw_matrix(axes: Axes, matrix: Matrix) -> None:
    """Draw a heat map with its percents; shares below half a percent stay blank."""
    shares = np.array(matrix.values, dtype=np.float64)
    axes.imshow(shares / 100 * _HEAT_SHARE, cmap=_HEAT, vmin=0, vmax=1, aspect="equal")
    columns = range(len(matrix.columns))
    axes.set_xticks(columns, matrix.columns, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(matrix.rows)), matrix.rows)
    axes.tick_params(length=0, labelsize=6.5)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for truth, row in enumerate(matrix.values):
        for answer, share in enumerate(row):
            if share >= _LEAST_SHOWN:
                axes.text(answer, truth, f"{share:.0f}", ha="center", va="center", fontsize=6.5)
