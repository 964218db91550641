"""Orders that no channel had a part in: settled at once, what was left taken by the institution.

Such an order has no payment; what stands of it is the settlement under its business key, which is
another one once some of it came back.
"""

from __future__ import annotations

from settlement.claim import CareKind, Claim
from settlement.commands import Command
from settlement.rows import Detail, VisitKind
from settlement.translate import scans
from settlement.usecases import booking
from settlement.view import MessageFact, SettlementFact, View
from settlement.world import World


def standing_of(command: Command, message: MessageFact, view: View) -> SettlementFact:
    """What stands of an order, where the command has it read; else what it came to at first."""
    stands = view.settlements.get(view.standing.get(command.business_key, message.ref))
    return stands or view.settlements[message.ref]


def tender_of(fact: SettlementFact, world: World) -> str:
    """How the institution said that it took the rest itself; scan where it did not say."""
    return str(detail_of(fact, world).kept.get("tender", "scan"))


def claim_of(fact: SettlementFact, view: View, world: World) -> Claim | None:
    """The claim that a sale or a visit came to, from what is kept of it; None for a stay."""
    row, detail = fact.row, detail_of(fact, world)
    visit = view.visits.get(row.mdtrt_id)
    if detail.case is None or (visit is not None and visit.row.kind is not VisitKind.OUTPATIENT):
        return None
    return Claim(
        kind=CareKind.PHARMACY if visit is None else CareKind.OUTPATIENT,
        care_type=row.care_type, scheme=row.scheme, institution_code=row.institution,
        person_no=row.psn_no, account_use=detail.case.account_use, total_fen=row.total_fen,
        service_at=row.service_at, lines=tuple(one.priced.line for one in detail.lines),
        disease=str(detail.kept.get(scans.DISEASE, "")),
    )  # fmt: skip


def detail_of(fact: SettlementFact, world: World) -> Detail:
    """What was sealed beside a settlement."""
    record = booking.detail_record(fact.row.lane, fact.row.setl_id)
    return booking.open_detail(fact.detail, world.keyring, record)
