"""The claim ledger: published gains beside those measured here, and why each verdict is so."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, QSize
from PySide6.QtWidgets import QVBoxLayout, QWidget

from emostudio.gui.tokens import SPACE
from emostudio.gui.widgets.data_table import DataTable
from emostudio.gui.widgets.labels import label, set_shown
from emostudio.qt.table_models import Cell, Column, Row
from emostudio.workspace.claims import ClaimCheck

_LEAST_ROWS = 2


def _tr(text: str) -> str:
    return QCoreApplication.translate("DetailsCard", text)


class ClaimLedger(QWidget):
    """The table above the reason of the chosen claim."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "plain")
        self.table = _LedgerTable(_columns(), _tr("Claim ledger"))
        self.reason = label("", "small", "text2", wrap=True)
        self._reasons: dict[str, str] = {}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE.xs)
        column.addWidget(self.table, 1)
        column.addWidget(self.reason)
        self.table.row_selected.connect(self._show_reason)

    def has_claims(self) -> bool:
        """Return whether there is a claim to show."""
        return bool(self._reasons)

    def show_claims(self, checks: Sequence[ClaimCheck]) -> None:
        """Show published gains beside ours."""
        self._reasons = {_claim_id(check): check.reason for check in checks}
        variants: dict[str, set[str]] = {}
        for check in checks:
            variants.setdefault(check.method, set()).add(check.model)
        self.table.set_rows(
            [_claim_row(check, is_alone=len(variants[check.method]) == 1) for check in checks]
        )
        self._show_reason(next(iter(self._reasons), ""))

    def _show_reason(self, claim: str) -> None:
        reason = self._reasons.get(claim, "")
        self.reason.setText(f"{claim}: {reason}" if reason else "")
        set_shown(self.reason, bool(reason))


class _LedgerTable(DataTable):
    """Gives way, so that the reason below it stays in view; shows more rows where there is room."""

    def sizeHint(self) -> QSize:
        """Ask for the head and a few rows."""
        rows = min(_LEAST_ROWS, len(self.table.rows))
        head = self.horizontalHeader().sizeHint().height()
        row = self.verticalHeader().defaultSectionSize()
        return QSize(super().sizeHint().width(), head + rows * row + 2)

    def minimumSizeHint(self) -> QSize:
        """Never less than that."""
        return self.sizeHint()


def _columns() -> tuple[Column, ...]:
    return (
        Column("claim", _tr("Claim of")),
        Column("published", _tr("Published"), width=88),
        Column("theory", _tr("Theory"), is_number=True, width=54),
        Column("here", _tr("Here"), is_number=True, width=54),
        Column("verdict", _tr("Verdict"), width=100),
    )


def _claim_id(check: ClaimCheck) -> str:
    return f"{check.model} {check.published:g}× {check.quantity}"


def _claim_row(check: ClaimCheck, *, is_alone: bool) -> Row:
    source = ", ".join(part for part in (check.published_baseline, check.source) if part)
    tooltip = f"{check.method}: {check.model} against {check.against}; {source}"
    theory = "–" if check.theory is None else f"{check.theory:.1f}×"
    for_network = _tr("For this network")
    return Row(
        _claim_id(check),
        {
            # Several variants of one method: their names tell the rows apart.
            "claim": Cell(check.method if is_alone else check.model, tooltip=tooltip),
            "published": Cell(f"{check.published:g}× {check.quantity}", tone="text2"),
            "theory": Cell(theory, check.theory, tone="text2", tooltip=for_network),
            "here": _here_cell(check),
            "verdict": Cell(
                check.verdict.value, verdict=check.verdict.lower(), tooltip=check.reason
            ),
        },
    )


def _here_cell(check: ClaimCheck) -> Cell:
    if check.here is None:
        return Cell("–")
    tooltip = _tr("Bytes on disk, counted")
    if check.interval is not None:
        low, high = check.interval
        tooltip = f"{check.here:.2f}× {check.quantity} (95 % {low:.2f}–{high:.2f})"
    return Cell(f"{check.here:.2f}×", check.here, is_bold=True, tooltip=tooltip)
