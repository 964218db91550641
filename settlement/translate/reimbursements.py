"""Reimbursements in the words of `/my` (protocol/my.py): how far papers are, and what is paid."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.money import yuan_text
from protocol.my import Reimbursement
from settlement.books.reimbursement import STATE_ZH, Filed, State, Step, standing
from settlement.clock import local_time
from settlement.world import World


def shown(filed: Filed, steps: Sequence[Step], world: World) -> Reimbursement:
    """A reimbursement as the person sees it; of staff nothing."""
    now = standing(steps)
    settled = None if now.state is State.CANCELLED else now.settled
    institution = world.institutions.get(filed.institution)
    return Reimbursement(
        reimbursement_no=str(filed.number), matter_no=str(filed.matter_no or ""),
        state=now.state.value, state_zh=STATE_ZH[now.state], institution=filed.institution,
        institution_zh="" if institution is None else institution.name,
        invoice_no=filed.invoice_no, total=yuan_text(filed.total_fen),
        begins_on=str(filed.begins_on), ends_on=str(filed.ends_on),
        paid="" if settled is None else yuan_text(settled.amounts.total_fen),
        settlement_id="" if settled is None else str(settled.entry_id),
        updated_at="" if now.last is None else f"{local_time(now.last.at):%Y-%m-%d %H:%M}",
    )  # fmt: skip
