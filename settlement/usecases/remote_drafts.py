"""A settlement row of somebody insured in another region, before and after its region shares it.

What was charged and priced here is known at once; who pays is told, or is the person alone.
"""

from __future__ import annotations

from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from ledger.entry import Transfer
from protocol.hub.messages import CaseTold
from settlement.claim import CareKind, Claim, PricedLine
from settlement.clock import Moment, local_time
from settlement.commands import Purchase, SettleStay, SettleVisit
from settlement.elsewhere.abroad import PROVINCE_DIGITS
from settlement.elsewhere.remote_rows import ElsewhereRow, case_number, told_policy
from settlement.entitlement import CareDates
from settlement.policy.model import AmountField
from settlement.policy.region import RegionProfile
from settlement.postings import remote_transfers
from settlement.pricing import LineTotals
from settlement.rows import EventRow, KeptLine, RowKind, SettlementRow
from settlement.trace import Boxes
from settlement.translate import remote as words
from settlement.usecases.visit_payloads import seal_bytes
from settlement.view import PersonFacts
from settlement.world import World

Settling = Purchase | SettleVisit | SettleStay
EXTENDED = "exp_content"
"""The one kept field that is passed on (字段扩展)."""
COLUMNS = {
    AmountField.POOL: "hifp_fen", AmountField.CIVIL_SERVANT: "cvlserv_fen",
    AmountField.ENTERPRISE: "hifes_fen", AmountField.CRITICAL_ILLNESS: "hifmi_fen",
    AmountField.LARGE_AMOUNT: "hifob_fen", AmountField.MEDICAL_AID: "maf_fen",
    AmountField.OTHER: "oth_fen", AmountField.DISABLED_VETERANS: "hifdm_fen",
}  # fmt: skip
_SHARED = (
    "deductible_fen", *COLUMNS.values(), "fund_fen", "hospital_fen", "personal_fen", "account_fen",
    "family_account_fen", "cash_fen", "balance_fen", "pool_ratio_bp",
)  # fmt: skip
"""What only the region of insurance knows of a row."""


class Bill(Struct, frozen=True, kw_only=True):
    """What was charged, priced by us: all that is decided on."""

    claim: Claim
    totals: LineTotals
    dates: CareDates
    lines: tuple[PricedLine, ...] = ()
    """none of a stay: its sums are told alone"""
    kept_lines: tuple[KeptLine, ...] = ()
    business_key: bytes = b""
    visit: int | None = None
    """None: a sale"""
    settles: EventRow | None = None
    """what the visit learns that is settled; its settlement's number is not known yet"""
    boxes: Boxes = {}
    said: tuple[object, ...] = ()
    """exp_content of the messages that described the care, the latest last"""


def draft_row(
    command: Settling, bill: Bill, person: PersonFacts, world: World, moment: Moment, number: int,
    detail_commitment: bytes, on: date,
) -> SettlementRow:  # fmt: skip
    """The settlement's row, in which nobody pays anything yet."""
    asked, claim, totals = command.asked, bill.claim, bill.totals
    return SettlementRow(
        lane=asked.lane,
        setl_id=number,
        mdtrt_id=bill.visit or number,
        undoes_setl_id=None,
        prior_row=None,
        prior_active=None,
        kind=RowKind.SETTLE,
        setl_time=moment.at,
        service_at=claim.service_at,
        business_day=moment.business_day,
        year=on.year,
        psn_no=asked.person_no,
        institution=asked.institution.code,
        infno=asked.infno,
        msgid=asked.msgid,
        scheme=claim.scheme,
        category="",
        care_type=claim.care_type,
        clearing_type=clearing_type(world.profile, person.home_region, claim.kind),
        credential_type=command.credential.kind,
        civil_servant=False,
        invoice_no=command.invoice_no,
        policy="",
        operator=asked.operator,
        total_fen=totals.total_fen,
        full_self_pay_fen=totals.full_self_pay_fen,
        over_ceiling_fen=totals.over_ceiling_fen,
        pre_self_pay_fen=totals.pre_self_pay_fen,
        in_scope_fen=totals.in_scope_fen,
        shares="[]",
        increments="{}",
        explanation="[]",
        business_key=bill.business_key,
        detail_commitment=detail_commitment,
        **dict.fromkeys(_SHARED, 0),
    )


def told_row(draft: SettlementRow, region: str, told: CaseTold) -> SettlementRow:
    """The row as the region of insurance shares it. What relatives there pay is part of what the
    account pays: there is no relative here."""
    shares = words.shares_of(told)
    paid = words.by_amount_field(shares)
    return replace(
        draft,
        category=told.category,
        civil_servant=told.civil_servant,
        policy=told_policy(region, told.policy),
        deductible_fen=told.deductible_fen,
        **{column: paid.get(field, 0) for field, column in COLUMNS.items()},
        fund_fen=told.fund_fen,
        hospital_fen=told.hospital_fen,
        personal_fen=told.account_fen + told.cash_fen,
        account_fen=told.account_fen,
        cash_fen=told.cash_fen,
        balance_fen=told.balance_fen,
        pool_ratio_bp=told.pool_ratio_bp,
        shares=words.shares_text(shares),
        explanation=bytes(told.explanation).decode() or "[]",
    )  # fmt: skip


def clearing_type(profile: RegionProfile, home: str, kind: CareKind) -> str:
    """清算类别 of care for somebody from elsewhere: by their province and the kind of care."""
    near = home[:PROVINCE_DIGITS] == profile.code[:PROVINCE_DIGITS]
    rules = profile.elsewhere.in_province if near else profile.elsewhere.cross_province
    return rules[kind]


def transfers_of(row: SettlementRow, region: str, world: World) -> tuple[Transfer, ...]:
    """What is booked for a row that another region shared."""
    return remote_transfers(
        fund_fen=row.fund_fen, account_fen=row.account_fen, cash_fen=row.cash_fen,
        hospital_fen=row.hospital_fen, region_base=world.counterparts[region].account_base,
        institution_base=world.institutions[row.institution].account_base,
    )  # fmt: skip


def beside(
    row: SettlementRow, case_no: int, region: str, number_there: str, person: PersonFacts,
    world: World, *, paid_in_advance: bool = False,
) -> ElsewhereRow:  # fmt: skip
    """What lies beside the settlement row of somebody insured elsewhere (ADR 0026)."""
    record = f"elsewhere/{row.lane}/{row.setl_id}".encode()
    certificate = person.identity.certificate_no.encode()
    return ElsewhereRow(
        lane=row.lane, setl_id=row.setl_id, setl_on=local_time(row.setl_time).date(),
        institution=row.institution, insured_region=region,
        visit_no=case_number(world.region, case_no), settlement_no=number_there,
        paid_in_advance=paid_in_advance,
        certificate=seal_bytes(certificate, world.keyring, record),
    )  # fmt: skip
