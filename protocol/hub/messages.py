"""What two regions say to each other about somebody treated in one and insured in the other.

Every question has one kind of answer, or `Refused`. Amounts are integer fen; dates and times are
ISO 8601, times with their offset. T is the region of treatment (就医地), I that of insurance
(参保地). What is said here is sealed for its receiver; what the hub may read is in the envelope.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum, unique
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta, Struct


@unique
class Kind(StrEnum):
    """What a message asks; its answer has the same kind."""

    PERSON = "person"
    """who is this, and what holds for them"""
    QUOTE = "quote"
    """what would a case come to; books nothing"""
    SETTLE = "settle"
    """settle the case at I"""
    CANCEL = "cancel"
    """take a settled case back (撤销)"""
    REVERSE = "reverse"
    """a case whose answer never came: undo it, or see to it that it never happens (冲正)"""
    STATUS = "status"
    """what became of a case or a cancel"""
    RECONCILE = "reconcile"
    """the rows of a day, for comparison"""
    BOOK = "book"
    """the rows of a day as the hub itself has them: asked of the hub, by either side"""
    STATEMENT = "statement"
    """T hands over what it claims for a month"""
    ANSWER = "answer"
    """I hands over what it says of a statement"""
    NOTICE = "notice"
    """either hands over the notice of what is paid for a month"""


class PersonAsked(Struct, frozen=True, kw_only=True):
    """What the person showed at T."""

    credential_kind: str
    """mdtrt_cert_type: 01 e-credential, 02 identity number, 03 card"""
    number: str
    certificate_no: str
    """empty where only a token was shown"""
    name: str
    card_serial: str
    on: date


class EnrolmentTold(Struct, frozen=True, kw_only=True):
    """Membership of one scheme at I, as `settlement.person.Enrolment` has it."""

    scheme: str
    category: str
    status: str
    enrolled_on: date
    benefit_from: date
    suspended_on: date | None
    region: str
    civil_servant: bool


class FilingTold(Struct, frozen=True, kw_only=True):
    """A filing for care elsewhere (异地就医备案) that stands."""

    kind: str
    begins_on: date
    ends_on: date | None
    region: str
    """where it allows care: two, four or six digits; empty for everywhere"""


class PersonTold(Struct, frozen=True, kw_only=True):
    """Who it is, and what T may know."""

    person_no: str
    name: str
    certificate_type: str
    certificate_no: str
    sex: str
    ethnic_group: str
    born_on: date
    enrolments: tuple[EnrolmentTold, ...]
    filings: tuple[FilingTold, ...]
    balance_fen: int
    """of the personal account, to be shown; T never holds it"""
    holds_until: datetime
    """ask again after that"""


class InstitutionTold(Struct, frozen=True, kw_only=True):
    """Who treats, as T has it under agreement."""

    code: str
    name: str
    region: str
    hospital_level: str
    deductible_level: str


class LineTold(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """A fee line as T's catalogue prices it: amount = the four parts."""

    line_no: str
    item_code: str
    item_class: str
    charge_kind: str
    quantity_e4: int
    price_e6: int
    amount_fen: int
    full_self_pay_fen: int
    over_ceiling_fen: int
    pre_self_pay_fen: int
    in_scope_fen: int
    occurred_on: date


class Case(Struct, frozen=True, kw_only=True):
    """A priced case for I to share (quote and settle). Its total is the sum of the four parts, and
    those are the sums of the lines' where there are lines; a stay comes with sums alone."""

    case_no: str
    """T's number of the case: region and settlement; one case for ever"""
    person_no: str
    scheme: str
    care_kind: str
    """`settlement.claim.CareKind`"""
    care_type: str
    credential_kind: str
    account_use: str
    institution: InstitutionTold
    visit_no: str
    service_at: datetime
    admitted_on: date | None
    discharged_on: date | None
    disease: str
    emergency: bool
    """counts as filed"""
    referral: bool
    total_fen: int
    full_self_pay_fen: int
    over_ceiling_fen: int
    pre_self_pay_fen: int
    in_scope_fen: int
    lines: tuple[LineTold, ...]


class ShareTold(Struct, frozen=True, kw_only=True):
    """What one fund of I pays."""

    fund_code: str
    """fund_pay_type"""
    name: str
    amount_field: str
    """the national amount field, e.g. hifp_pay"""
    amount_fen: int


class CaseTold(Struct, frozen=True, kw_only=True):
    """How I shares a case. total = funds + account + cash + hospital; the funds are `shares` less
    what the hospital bears, the account has the relatives' part in it."""

    case_no: str
    settlement_no: str
    """I's number; empty in a quote"""
    told_at: datetime
    business_day: date
    clearing_type: str
    category: str
    civil_servant: bool
    deductible_fen: int
    pool_ratio_bp: int
    total_fen: int
    fund_fen: int
    account_fen: int
    family_account_fen: int
    hospital_fen: int
    cash_fen: int
    balance_fen: int
    shares: tuple[ShareTold, ...]
    policy: str
    explanation: msgspec.Raw
    """I's explanation, step by step, as `settlement.explanation` writes it"""
    filing: str
    """the kind of filing that decided; empty where none stood"""


class CancelAsked(Struct, frozen=True, kw_only=True):
    """Take a settled case back. Asked again under its number it is one cancel."""

    cancel_no: str
    case_no: str
    settlement_no: str
    person_no: str


class CancelTold(Struct, frozen=True, kw_only=True):
    """It is taken back at I."""

    cancel_no: str
    case_no: str
    settlement_no: str
    """I's number of the cancel"""
    told_at: datetime
    business_day: date


class ReverseAsked(Struct, frozen=True, kw_only=True):
    """Undo a case, whatever became of it."""

    case_no: str
    person_no: str


class ReverseTold(Struct, frozen=True, kw_only=True):
    """It does not stand at I, and never will."""

    case_no: str
    undone: bool
    """False: it never arrived, and is refused if it does"""
    told_at: datetime


class StatusAsked(Struct, frozen=True, kw_only=True):
    """What became of a case."""

    case_no: str
    person_no: str


@unique
class CaseState(StrEnum):
    """A case at I."""

    UNKNOWN = "unknown"
    SETTLED = "settled"
    CANCELLED = "cancelled"
    REVERSED = "reversed"
    """undone, or a tombstone"""


class StatusTold(Struct, frozen=True, kw_only=True):
    """The state of a case, with its answer where it was settled."""

    case_no: str
    state: CaseState
    case: CaseTold | None
    cancel: CancelTold | None


class ReconcileAsked(Struct, frozen=True, kw_only=True):
    """I's rows of one of its business days that concern T, after a number, in its order."""

    day: date
    after: str


class RowTold(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One row of I's book: positive for a settlement, negative for what took it back."""

    case_no: str
    settlement_no: str
    reversal: bool
    total_fen: int
    fund_fen: int
    account_fen: int


class ReconcileTold(Struct, frozen=True, kw_only=True):
    """A page of rows; with `more` the next is asked after the last one's settlement number."""

    day: date
    rows: tuple[RowTold, ...]
    more: bool


class BookAsked(Struct, frozen=True, kw_only=True):
    """The hub's own rows of a day between T and I, after a number, in its order. Whoever asks is
    one of the two."""

    day: date
    treated: str
    insured: str
    after: int


class BookRow(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """A row of the hub's book, by the outside of the messages that passed it: positive for a
    settlement, negative for what took it back."""

    number: int
    case_no: str
    reversal: bool
    total_fen: int
    fund_fen: int
    account_fen: int


class BookTold(Struct, frozen=True, kw_only=True):
    """A page of the hub's rows; with `more` the next is asked after the last one's number."""

    day: date
    treated: str
    insured: str
    rows: tuple[BookRow, ...]
    more: bool


PART_BYTES_MAX = 384 * 1024
"""Of a paper, in one message: base64 inside, and the body's around it, make it 683 KiB."""
PARTS_MAX = 256
"""Of a paper: more than 400,000 rows."""
PaperNo = Annotated[str, Meta(pattern=r"^[0-9A-Za-z\-]{1,64}\Z")]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Place = Annotated[int, Meta(ge=1, le=PARTS_MAX)]
Bytes = Annotated[bytes, Meta(min_length=1, max_length=PART_BYTES_MAX)]


class PaperAsked(Struct, frozen=True, kw_only=True):
    """A part of a paper of a cleared month (`protocol.hub.clearing`), handed over. A paper is known
    by its number and digest: handed over again it is the same one, in whatever order its parts."""

    number: PaperNo
    """the sender's; with another digest it is another paper, and refused"""
    digest: Sha256
    """SHA-256 of the whole paper"""
    part: Place
    parts: Place
    content: Bytes
    """of the paper's JSON, as it is kept"""

    def __post_init__(self) -> None:
        """A part lies within its paper."""
        if self.part > self.parts:
            raise ValueError(f"part {self.part} of {self.parts}")


@unique
class PaperState(StrEnum):
    """What became of a paper at its receiver."""

    KEPT = "kept"
    """as received, this part of it; it is not decided on yet"""
    TAKEN = "taken"
    REFUSED = "refused"
    """put aside with the reason; nothing was booked"""


class PaperTold(Struct, frozen=True, kw_only=True):
    """What became of it: while it is kept, it is asked again."""

    number: str
    digest: str
    state: PaperState
    text: str
    """what the receiver says of it; empty while it is kept"""


class Refused(Struct, frozen=True, kw_only=True):
    """The question had no effect, and never will under this correlation number."""

    code: str
    """of docs/reference/errors.md"""
    text: str
    """for the counter, in Chinese"""
    field: str = ""
    retry: str = ""
    """later: the same question may be asked again under another number"""


Question: TypeAlias = (
    PersonAsked | Case | CancelAsked | ReverseAsked | StatusAsked | ReconcileAsked | BookAsked
    | PaperAsked
)
Told: TypeAlias = (
    PersonTold | CaseTold | CancelTold | ReverseTold | StatusTold | ReconcileTold | BookTold
    | PaperTold
)
KIND_UNKNOWN = "HUB_KIND_UNKNOWN"
"""Code of the refusal of a question of a kind that its receiver does not know, or not of itself."""
PAPERS = frozenset({Kind.STATEMENT, Kind.ANSWER, Kind.NOTICE})

QUESTION_OF: dict[Kind, type[Question]] = {
    Kind.PERSON: PersonAsked, Kind.QUOTE: Case, Kind.SETTLE: Case, Kind.CANCEL: CancelAsked,
    Kind.REVERSE: ReverseAsked, Kind.STATUS: StatusAsked, Kind.RECONCILE: ReconcileAsked,
    Kind.BOOK: BookAsked, **dict.fromkeys(PAPERS, PaperAsked),
}  # fmt: skip
TOLD_OF: dict[Kind, type[Told]] = {
    Kind.PERSON: PersonTold, Kind.QUOTE: CaseTold, Kind.SETTLE: CaseTold,
    Kind.CANCEL: CancelTold, Kind.REVERSE: ReverseTold, Kind.STATUS: StatusTold,
    Kind.RECONCILE: ReconcileTold, Kind.BOOK: BookTold, **dict.fromkeys(PAPERS, PaperTold),
}  # fmt: skip
