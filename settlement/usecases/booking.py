"""Turning a decided claim into rows, ledger entry and effects; and undoing one exactly."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import msgspec

from ledger.entry import Entry, EntryKind, Transfer
from settlement import chart
from settlement.case import FundShare
from settlement.clock import Moment
from settlement.commands import Asked
from settlement.entitlement import enrolment_on
from settlement.keyring import Keyring, new_salt, personal_commitment
from settlement.policy.model import AmountField
from settlement.postings import collecting_transfers, settlement_transfers, undone
from settlement.rows import (
    MONEY,
    Detail,
    KeptLine,
    MessageOutcome,
    MessageRow,
    RowKind,
    SealedDetail,
    SettledLine,
    SettlementRow,
    commitment,
)
from settlement.usecases.adjudication import Adjudicated
from settlement.view import PersonFacts

_ENCODE = msgspec.json.Encoder().encode
_DECODE_DETAIL = msgspec.json.Decoder(Detail).decode
_DECODE_INCREMENTS = msgspec.json.Decoder(dict[str, int]).decode
_HOSPITAL = AmountField.HOSPITAL
_NO_DETAIL = sha256(b"\x04").digest()


def detail_of(
    decided: Adjudicated, kept_lines: tuple[KeptLine, ...], kept: dict[str, object]
) -> Detail:
    """The personal part of a settlement: every line with its split."""
    lines = tuple(map(SettledLine, decided.lines, kept_lines))
    return Detail(lines=lines, kept=kept, case=decided.case, filings=decided.filings)


def detail_record(lane: int, setl_id: int) -> bytes:
    """The associated data under which a settlement's detail is sealed."""
    return f"detail/{lane}/{setl_id}".encode()


def seal_detail(detail: Detail, keyring: Keyring, record: bytes) -> SealedDetail:
    """The detail as stored, with the salted commitment to it."""
    plain = _ENCODE(detail)
    salt = new_salt()
    return SealedDetail(
        key_version=keyring.version,
        salt=salt,
        payload=keyring.seal(plain, record),
        commitment=personal_commitment(salt, plain),
    )


def open_detail(sealed: SealedDetail | None, keyring: Keyring, record: bytes) -> Detail:
    """The detail of a settlement; empty once it was erased."""
    if sealed is None:
        return Detail(lines=())
    return _DECODE_DETAIL(keyring.open(sealed.payload, record, sealed.key_version))


def settlement_row(
    decided: Adjudicated,
    *,
    asked: Asked,
    person: PersonFacts,
    moment: Moment,
    setl_id: int,
    mdtrt_id: int,
    business_key: bytes,
    invoice_no: str,
    credential_type: str,
    detail_commitment: bytes,
) -> SettlementRow:
    """The row of a settlement (also of a quote, which has no number and is never written)."""
    benefit, totals, claim = decided.benefit, decided.benefit.totals, decided.claim
    paid = benefit.by_amount_field().get
    enrolment = enrolment_on(person.enrolments, claim.scheme, decided.entitlement.ruling_on)
    return SettlementRow(
        lane=asked.lane,
        setl_id=setl_id,
        mdtrt_id=mdtrt_id,
        undoes_setl_id=None,
        prior_row=person.latest_row,
        prior_active=person.year(benefit.year).latest,
        kind=RowKind.SETTLE,
        setl_time=moment.at,
        service_at=claim.service_at,
        business_day=moment.business_day,
        year=benefit.year,
        psn_no=asked.person_no,
        institution=asked.institution.code,
        infno=asked.infno,
        msgid=asked.msgid,
        scheme=claim.scheme,
        category=decided.entitlement.person_type,
        care_type=claim.care_type,
        clearing_type=benefit.clearing_type,
        credential_type=credential_type,
        civil_servant=enrolment is not None and enrolment.civil_servant,
        invoice_no=invoice_no,
        policy=benefit.policy_version,
        operator=asked.operator,
        total_fen=totals.total_fen,
        full_self_pay_fen=totals.full_self_pay_fen,
        over_ceiling_fen=totals.over_ceiling_fen,
        pre_self_pay_fen=totals.pre_self_pay_fen,
        in_scope_fen=totals.in_scope_fen,
        deductible_fen=benefit.deductible_fen,
        hifp_fen=paid("hifp_pay", 0),
        cvlserv_fen=paid("cvlserv_pay", 0),
        hifes_fen=paid("hifes_pay", 0),
        hifmi_fen=paid("hifmi_pay", 0),
        hifob_fen=paid("hifob_pay", 0),
        maf_fen=paid("maf_pay", 0),
        oth_fen=paid("oth_pay", 0),
        hifdm_fen=paid("hifdm_pay", 0),
        fund_fen=benefit.fund_fen,
        hospital_fen=benefit.hospital_fen,
        personal_fen=benefit.person_fen,
        account_fen=benefit.account_fen,
        family_account_fen=benefit.family_account_fen,
        cash_fen=benefit.cash_fen,
        balance_fen=person.balance_fen - benefit.account_fen + benefit.family_account_fen,
        pool_ratio_bp=benefit.pool_ratio_bp,
        shares=_ENCODE(benefit.shares).decode(),
        increments=_ENCODE(benefit.increments).decode(),
        explanation=_ENCODE(benefit.explanation).decode(),
        business_key=business_key,
        detail_commitment=detail_commitment,
    )


def settlement_entry(
    decided: Adjudicated, row: SettlementRow, asked: Asked, account: int, *,
    deposits: tuple[Transfer, ...] = (), deposit_fen: int = 0,
) -> Entry:  # fmt: skip
    """The ledger entry of a settlement; it commits to the whole row. `deposits` pay so much of what
    the institution would collect."""
    benefit = decided.benefit
    return Entry(
        lane=row.lane,
        entry_id=row.setl_id,
        kind=EntryKind.SINGLE,
        code=chart.EntryCode.SETTLEMENT,
        transfers=settlement_transfers(
            funds=fund_legs(benefit.shares),
            account_fen=row.account_fen,
            cash_fen=row.cash_fen - deposit_fen,
            hospital_fen=row.hospital_fen,
            institution_base=asked.institution.account_base,
            personal_account=account,
            family_fen=row.family_account_fen,
        )
        + deposits,
        commitment=commitment(row),
    )


def own_account_fen(row: SettlementRow) -> int:
    """What the person's own account pays; the rest of `account_fen` comes from relatives."""
    return row.account_fen - row.family_account_fen


def fund_legs(shares: Iterable[FundShare]) -> list[tuple[int, int]]:
    """What each fund pays, by its ledger account; what the hospital bears is no fund's."""
    return [
        (chart.fund_account(share.ledger_code), share.amount_fen)
        for share in shares
        if share.amount_field is not _HOSPITAL
    ]


def undoing_row(
    row: SettlementRow,
    *,
    kind: RowKind,
    asked: Asked,
    person: PersonFacts,
    moment: Moment,
    setl_id: int,
    detail_commitment: bytes,
) -> SettlementRow:
    """The exact negative of a settlement, counting in the original's year (DOMAIN 10)."""
    increments = {name: -fen for name, fen in _DECODE_INCREMENTS(row.increments).items()}
    changes: dict[str, object] = {name: -getattr(row, name) for name in MONEY}
    return msgspec.structs.replace(
        row,
        **changes,
        setl_id=setl_id,
        undoes_setl_id=row.setl_id,
        prior_row=person.latest_row,
        prior_active=person.year(row.year).latest,
        kind=kind,
        setl_time=moment.at,
        business_day=moment.business_day,
        infno=asked.infno,
        msgid=asked.msgid,
        operator=asked.operator,
        balance_fen=person.balance_fen + own_account_fen(row),
        increments=_ENCODE(increments).decode(),
        detail_commitment=detail_commitment,
    )


def increments_of(row: SettlementRow) -> dict[str, int]:
    """What a row adds to the accumulators of its year."""
    return _DECODE_INCREMENTS(row.increments)


def undoing_entry(
    row: SettlementRow,
    original: SettlementRow,
    shares: list[tuple[int, int]],
    base: int,
    account: int,
    *,
    collected: bool = False,
    deposits: tuple[Transfer, ...] = (),
    deposit_fen: int = 0,
) -> Entry:
    """The entry that takes a settlement's transfers back. `shares` are (ledger account, fen);
    `collected`: a payment channel took the cash, not the institution itself; `deposits` paid so
    much of it."""
    cash_fen = original.cash_fen - deposit_fen
    code = chart.EntryCode.CANCEL if row.kind is RowKind.CANCEL else chart.EntryCode.REVERSAL
    transfers = settlement_transfers(
        funds=shares,
        account_fen=original.account_fen,
        cash_fen=0 if collected else cash_fen,
        hospital_fen=original.hospital_fen,
        institution_base=base,
        personal_account=account,
        family_fen=original.family_account_fen,
    )
    if collected and cash_fen:
        transfers += collecting_transfers(amount_fen=cash_fen, institution_base=base)
    transfers += deposits
    return Entry(
        lane=row.lane,
        entry_id=row.setl_id,
        kind=EntryKind.SINGLE,
        code=code,
        transfers=undone(transfers),
        commitment=commitment(row),
    )


def message_of(asked: Asked, outcome: MessageOutcome, ref: int) -> MessageRow:
    """The message row that makes a resend a replay."""
    return MessageRow(
        lane=asked.lane, key=asked.message_key, outcome=outcome, ref=ref,
        fingerprint=asked.fingerprint,
    )  # fmt: skip
