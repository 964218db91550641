"""The rows the settle path reads and writes, as types: one struct a table, fields as the columns.

`SettlementRow` is also what an answer is rendered from, the first time and on every replay, so that
both are the same by construction. Amounts are fen; a cancel's are the exact negatives. Knows
no SQL and no wire names but those kept as column values.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import IntEnum, unique
from hashlib import sha256

import msgspec
from msgspec import Struct

from settlement.case import Case
from settlement.claim import PricedLine
from settlement.people.filing import FilingKind


class RowKind(IntEnum):
    """What a settlement row is: 结算, 撤销 or 冲正."""

    SETTLE = 1
    CANCEL = 2
    REVERSE = 3


@unique
class MessageOutcome(IntEnum):
    """What a message did."""

    SETTLEMENT = 1
    VISIT = 2
    EVENT = 3
    DONE = 4
    FILING = 5
    UPLOAD = 6
    PAYMENT = 7
    CARRIED = 8
    """a settlement of the system before that was brought along (期初)"""
    TOMBSTONE = 9
    MOBILE = 10
    HOME_CASE = 11
    """a settlement of somebody treated in another region, or what took it back (异地就医)"""
    MATTER = 14


@unique
class EventKind(IntEnum):
    """What happened to a visit."""

    DIAGNOSIS = 1
    LINES = 2
    LINES_WITHDRAWN = 3
    WITHDRAWN = 4
    SETTLED = 5
    UNDONE = 6
    CHANGED = 7
    """what was said at admission is said anew (住院信息变更)"""
    DISCHARGED = 8
    DISCHARGE_WITHDRAWN = 9
    HELD = 10
    """a charge batch, or a stay, is decided and waits for its payer: until then its lines stay as
    they are"""
    RELEASED = 11
    """it is not waited for any more"""
    DEPOSITED = 12
    """a deposit was paid (住院预交金)"""
    DEPOSIT_RETURNED = 13
    """some of one goes back"""
    ADMITTED = 14
    """of a request: the ward admitted (入院登记确认)"""
    ENDED = 15
    """of a request: it was refused, taken back, or its time passed"""


class VisitKind(IntEnum):
    """Whether a visit is one to the outpatient department or a stay (住院)."""

    OUTPATIENT = 1
    STAY = 2
    REQUEST = 3
    """a request of a stay (入院登记申请)"""


MONEY = (
    "total_fen", "full_self_pay_fen", "over_ceiling_fen", "pre_self_pay_fen", "in_scope_fen",
    "deductible_fen", "hifp_fen", "cvlserv_fen", "hifes_fen", "hifmi_fen", "hifob_fen", "maf_fen",
    "oth_fen", "hifdm_fen", "fund_fen", "hospital_fen", "personal_fen", "account_fen",
    "family_account_fen", "cash_fen",
)  # fmt: skip
"""The amounts of a settlement row that a cancel negates, in column order."""


class SettlementRow(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One row of settlement.settlement; `commitment` covers every column."""

    lane: int
    setl_id: int
    mdtrt_id: int
    undoes_setl_id: int | None
    prior_row: int | None
    prior_active: int | None
    kind: RowKind
    setl_time: datetime
    service_at: datetime
    business_day: date
    year: int
    psn_no: str
    institution: str
    infno: str
    msgid: str
    scheme: str
    category: str
    care_type: str
    clearing_type: str
    credential_type: str
    civil_servant: bool
    invoice_no: str
    policy: str
    operator: str
    total_fen: int
    full_self_pay_fen: int
    over_ceiling_fen: int
    pre_self_pay_fen: int
    in_scope_fen: int
    deductible_fen: int
    hifp_fen: int
    cvlserv_fen: int
    hifes_fen: int
    hifmi_fen: int
    hifob_fen: int
    maf_fen: int
    oth_fen: int
    hifdm_fen: int
    fund_fen: int
    hospital_fen: int
    personal_fen: int
    account_fen: int
    family_account_fen: int
    cash_fen: int
    balance_fen: int
    pool_ratio_bp: int
    shares: str
    increments: str
    explanation: str
    business_key: bytes
    detail_commitment: bytes


_ENCODE_ROW = msgspec.json.Encoder().encode


def commitment(row: SettlementRow) -> bytes:
    """What the ledger entry of a settlement commits to: every column, 32 bytes.

    The row as a JSON array in the order of its fields; `settlement.row_commitment` in SQL writes
    the same JSON from the stored row, so that verification needs no client.
    """
    return sha256(b"\x03" + _ENCODE_ROW(row)).digest()


class KeptLine(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """What is kept of a line beside what is priced: its time as sent, and the rest as sent."""

    occurred_at: str
    extra: dict[str, object]


class SettledLine(Struct, frozen=True, array_like=True, gc=False):
    """One fee line with its split, and what is only kept of it: what an enquiry shows again."""

    priced: PricedLine
    kept: KeptLine


class Detail(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """The personal part of a settlement: lines and the rest of the request we keep."""

    lines: tuple[SettledLine, ...]
    kept: dict[str, object] = {}
    case: Case | None = None
    """what the benefit was computed of, so that it can be computed again; a cancel has none"""
    filings: tuple[int, ...] = ()
    """the filings that let it be settled as it was"""


class SealedDetail(Struct, frozen=True, kw_only=True, gc=False):
    """A detail as stored: salt and ciphertext, erasable; `commitment` is in the settlement row."""

    key_version: int
    salt: bytes
    payload: bytes
    commitment: bytes


class MessageRow(Struct, frozen=True, kw_only=True, gc=False):
    """One row of settlement.message."""

    lane: int
    key: bytes
    outcome: MessageOutcome
    ref: int
    fingerprint: bytes


class UploadRow(Struct, frozen=True, kw_only=True, gc=False):
    """One row of settlement.upload: what is only stored."""

    lane: int
    upload_id: int
    setl_id: int | None
    """the settlement that a settlement list cites"""
    institution: str
    infno: str
    psn_no: str
    payload: bytes


class MappingKind(IntEnum):
    """What a mapping row says."""

    MAPPED = 1
    WITHDRAWN = 2


class MappingRow(Struct, frozen=True, kw_only=True, gc=False):
    """One row of settlement.item_mapping (目录对照)."""

    lane: int
    """of the institution"""
    mapping_id: int
    kind: MappingKind
    recorded_at: datetime
    begins_on: date
    ends_on: date
    institution: str
    own_code: str
    """定点医药机构目录编号"""
    list_type: str
    item_code: str
    """医疗目录编码"""
    content: str
    """JSON: the name and what else was said of the item"""


class MappingShown(Struct, frozen=True, kw_only=True, gc=False):
    """A mapping as an enquiry shows it; `ended_at` None while it stands."""

    mapping_id: int
    recorded_at: datetime
    begins_on: date
    ends_on: date
    own_code: str
    list_type: str
    item_code: str
    content: str
    ended_at: datetime | None


class TraceRow(Struct, frozen=True, kw_only=True, gc=False):
    """One row of settlement.drug_trace: a box, or part of one, was sold."""

    lane: int
    key: bytes
    setl_id: int
    whole: bool


class MoveKind(IntEnum):
    """What became of money of a relative's account (家庭共济)."""

    HELD = 1
    PAID = 2
    RELEASED = 3
    RETURNED = 4


class MoveRow(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One row of settlement.family_move, in the lane of whose account it is; each has a ledger
    entry of its own, which commits to it."""

    lane: int
    hold_id: int
    """ties together what becomes of one hold; the number of its pending entry"""
    kind: MoveKind
    entry_id: int
    account: int
    psn_no: str
    """whose account it is"""
    patient_lane: int
    patient_no: str
    undertaking_id: int
    setl_id: int | None
    """the settlement that it paid for, or that took it back; None while it is only held"""
    institution: str
    amount_fen: int
    balance_fen: int
    """what the account may still pay afterwards"""


def move_commitment(row: MoveRow) -> bytes:
    """What the ledger entry of a move commits to; `settlement.move_commitment` in SQL does the
    same."""
    return sha256(b"\x05" + _ENCODE_ROW(row)).digest()


class ShareRow(Struct, frozen=True, kw_only=True, gc=False):
    """One row of settlement.family_share, in the lane of the patient: what a relative's account
    pays of a settlement, or gets back by what undoes it (negative)."""

    lane: int
    setl_id: int
    hold_id: int
    donor_no: str
    amount_fen: int


class UndertakingKind(IntEnum):
    """What is under way for a person (未完结业务)."""

    FAMILY_PAYMENT = 1
    FAMILY_RETURN = 2


class UndertakingRow(Struct, frozen=True, kw_only=True, gc=False):
    """One row of settlement.undertaking; it is open while `person.undertaking` names it."""

    lane: int
    undertaking_id: int
    kind: UndertakingKind
    psn_no: str
    institution: str
    infno: str
    msgid: str
    amount_fen: int


class VisitRow(Struct, frozen=True, kw_only=True, gc=False):
    """One row of settlement.visit."""

    lane: int
    mdtrt_id: int
    prior_visit: int | None
    psn_no: str
    institution: str
    scheme: str
    begun_at: datetime
    payload: bytes
    kind: VisitKind = VisitKind.OUTPATIENT


class EventRow(Struct, frozen=True, kw_only=True, gc=False):
    """One row of settlement.visit_event."""

    lane: int
    mdtrt_id: int
    event_no: int
    kind: EventKind
    batch_no: str
    """the charge batch of a visit, the segment of a stay"""
    setl_id: int | None
    payload: bytes
    head: str = ""
    """what a decision needs of the event without opening it: of a stay sums and numbers
    (settlement/stay.py), of both the drug trace codes of lines (settlement/trace.py)"""


class FilingRow(Struct, frozen=True, kw_only=True, gc=False):
    """One row of settlement.filing: a filing (备案), or the withdrawal of one."""

    lane: int
    filing_no: int
    recorded_at: datetime
    withdraws: int | None
    """the filing that this row takes back"""
    kind: FilingKind
    psn_no: str
    institution: str
    """who sent it"""
    begins_on: date
    """of a withdrawal: the first day on which the filing does not stand any more"""
    ends_on: date | None
    payload: bytes
