"""A settlement of the system before as a row of ours (期初可撤销结算), so that it can be cancelled.

Its money moved in other books: what is unpaid of it is in the opening balance of the institution,
what it took from an account is not in the opening balance of the person any more, and what it added
is in the opening accumulators. So its entry moves nothing. It notes in the agency's memorandum what
was brought along and commits to the whole row; a cancel is then decided and booked as any other.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from hashlib import blake2b, sha256

import msgspec
from msgspec import Struct

from ledger.entry import Entry, EntryKind, Transfer
from protocol.nhsa import msgid
from settlement import chart, keys
from settlement.case import FundShare
from settlement.clock import CHINA
from settlement.intake.faults import Told
from settlement.intake.old_settlements import OldSettlement
from settlement.policy.model import AmountField, Fund, FundKind, Policy
from settlement.rows import MessageOutcome, MessageRow, RowKind, SettlementRow, commitment

NO_DETAIL = sha256(b"\x04").digest()
"""Commitment of a row without a sealed detail: what was bought is not brought along."""
_ENCODE = msgspec.json.Encoder().encode
_COLUMNS = {
    AmountField.POOL: "hifp_fen", AmountField.CIVIL_SERVANT: "cvlserv_fen",
    AmountField.ENTERPRISE: "hifes_fen", AmountField.CRITICAL_ILLNESS: "hifmi_fen",
    AmountField.LARGE_AMOUNT: "hifob_fen", AmountField.MEDICAL_AID: "maf_fen",
    AmountField.OTHER: "oth_fen", AmountField.DISABLED_VETERANS: "hifdm_fen",
    AmountField.HOSPITAL: "hospital_fen",
}  # fmt: skip


class Place(Struct, frozen=True, kw_only=True):
    """Where a row goes: its lane and number, and what the person settled before it."""

    lane: int
    setl_id: int
    prior_row: int | None
    prior_active: int | None


def misfit(old: OldSettlement, policy: Policy | None) -> tuple[str, Told] | None:
    """Which column says what no policy of that day knows, and why; None where all of it does."""
    if policy is None:
        words = Told("当日没有此险种的待遇政策", "no policy of this scheme was in force then")
        return "insutype", words
    if old.care_type not in policy.care:
        return "med_type", Told("政策没有此医疗类别", "the policy has no rules for it")
    for code in old.funds:
        fund = policy.funds.get(code)
        if fund is None or fund.kind is FundKind.ACCOUNT:
            return "funds", Told(f"政策没有基金 {code}", f"the policy has no fund {code}")
    return None


def year_of(old: OldSettlement, policy: Policy) -> int:
    """The fiscal year whose accumulators it counts in."""
    return policy.fiscal_year(old.begun_at.date()) if old.year is None else old.year


def carried_row(old: OldSettlement, policy: Policy, place: Place) -> SettlementRow:
    """The row, as it would be had we settled it then. Its number is that of its visit too, for the
    visit is not here."""
    paid = [(policy.funds[code], fen) for code, fen in sorted(old.funds.items())]
    by_column: Counter[str] = Counter()
    for fund, fen in paid:
        by_column[_COLUMNS[fund.amount_field]] += fen
    hospital_fen = by_column["hospital_fen"]
    fund_fen = by_column.total() - hospital_fen
    personal_fen = old.total_fen - fund_fen - hospital_fen
    apart_fen = old.full_self_pay_fen + old.over_ceiling_fen + old.pre_self_pay_fen
    settled_at = old.settled_at.replace(tzinfo=CHINA)
    return SettlementRow(
        lane=place.lane,
        setl_id=place.setl_id,
        mdtrt_id=place.setl_id,
        undoes_setl_id=None,
        prior_row=place.prior_row,
        prior_active=place.prior_active,
        kind=RowKind.SETTLE,
        setl_time=settled_at.astimezone(UTC),
        service_at=old.begun_at,
        business_day=old.settled_at.date(),
        year=year_of(old, policy),
        psn_no=old.person_no,
        institution=old.institution,
        infno=old.infno,
        msgid=old.msgid,
        scheme=old.scheme,
        category=old.category,
        care_type=old.care_type,
        clearing_type=policy.care[old.care_type].clearing_type,
        credential_type="",
        civil_servant=False,
        invoice_no=old.invoice_no,
        policy=policy.version,
        operator="",
        total_fen=old.total_fen,
        full_self_pay_fen=old.full_self_pay_fen,
        over_ceiling_fen=old.over_ceiling_fen,
        pre_self_pay_fen=old.pre_self_pay_fen,
        in_scope_fen=old.total_fen - apart_fen,
        deductible_fen=old.deductible_fen,
        hifp_fen=by_column["hifp_fen"],
        cvlserv_fen=by_column["cvlserv_fen"],
        hifes_fen=by_column["hifes_fen"],
        hifmi_fen=by_column["hifmi_fen"],
        hifob_fen=by_column["hifob_fen"],
        maf_fen=by_column["maf_fen"],
        oth_fen=by_column["oth_fen"],
        hifdm_fen=by_column["hifdm_fen"],
        fund_fen=fund_fen,
        hospital_fen=hospital_fen,
        personal_fen=personal_fen,
        account_fen=old.account_fen,
        family_account_fen=0,
        cash_fen=personal_fen - old.account_fen,
        balance_fen=0,
        pool_ratio_bp=0,
        shares=_ENCODE([_share(fund, fen) for fund, fen in paid]).decode(),
        increments=_ENCODE(dict(old.increments)).decode(),
        explanation="[]",
        business_key=_business_key(old),
        detail_commitment=NO_DETAIL,
    )


def carried_entry(row: SettlementRow) -> Entry:
    """A note in the agency's memorandum, for there is nothing to move; it commits to the row."""
    note = Transfer(chart.CARRIED_SETTLEMENTS, chart.CARRIED_CONTRA, row.total_fen)
    return Entry(
        lane=row.lane, entry_id=row.setl_id, kind=EntryKind.SINGLE,
        code=chart.EntryCode.SETTLEMENT_CARRIED, transfers=(note,), commitment=commitment(row),
    )  # fmt: skip


def carried_message(old: OldSettlement, lane: int, setl_id: int) -> MessageRow | None:
    """What keeps the message that made it from acting here; None where nobody knows its msgid."""
    if not old.msgid:
        return None
    sent_at = msgid.sent_at(old.msgid) or 0
    key = keys.message_key(old.institution, old.infno, old.msgid, sent_at)
    return MessageRow(
        lane=lane, key=key, outcome=MessageOutcome.CARRIED, ref=setl_id, fingerprint=b""
    )


def before(old: OldSettlement, now: datetime) -> bool:
    """Whether it was settled before this moment."""
    return old.settled_at.replace(tzinfo=CHINA) < now


def _share(fund: Fund, amount_fen: int) -> FundShare:
    """What a fund paid; how it came about is the other system's to say."""
    return FundShare(
        fund_pay_type=fund.code, amount_field=fund.amount_field, ledger_code=fund.ledger_code,
        in_scope_fen=0, ratio_bp=0, limit_before_fen=None, amount_fen=amount_fen,
    )  # fmt: skip


def _business_key(old: OldSettlement) -> bytes:
    """By what it was called before: what it is about is not known well enough."""
    text = f"carried\n{old.institution}\n{old.earlier_no}"
    return blake2b(text.encode(), digest_size=16).digest()
