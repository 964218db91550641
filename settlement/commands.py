"""What a transaction asks of the settlement core, after translation from the wire.

Each command names the facts it needs, so that a whole batch can be read in one round trip, and
carries everything its use case decides on. No wire names, no I/O.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from msgspec import Struct

from settlement.claim import AccountUse, CareKind, Claim, ClaimLine
from settlement.institution import Institution
from settlement.keyring import LookupKind
from settlement.people.filing import FilingKind
from settlement.rows import KeptLine, MappingRow
from settlement.trace import Trace


class Asked(Struct, frozen=True, kw_only=True, gc=False):
    """Who asks, and under which message: common to all commands."""

    infno: str
    institution: Institution
    msgid: str
    operator: str
    lane: int
    person_no: str
    message_key: bytes
    fingerprint: bytes
    insured_region: str = ""
    """where the message says that the person is insured (参保地), if not here"""


class Credential(Struct, frozen=True, kw_only=True, gc=False):
    """What the person showed (就诊凭证), and what the institution typed of their identity."""

    kind: str
    """mdtrt_cert_type: 01 e-credential, 02 identity number, 03 card"""
    number: str
    card_serial: str | None
    certificate_no: str | None
    name: str | None


class Hold(Struct, frozen=True, gc=False):
    """Money of a relative's account that is held for a settlement (共济冻结)."""

    donor_no: str
    relation: str
    hold_id: int
    amount_fen: int


class Pledge(Struct, frozen=True, kw_only=True, gc=False):
    """How far a settlement that relatives may help to pay has come (家庭共济, ADR 0023)."""

    undertaking_id: int
    wanted_fen: int | None = None
    """what relatives are to pay; None until that is known"""
    holds: tuple[Hold, ...] = ()


EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Nothing here is older."""


class History(Struct, frozen=True, kw_only=True, gc=False):
    """Which of the newest HISTORY_ROWS_MAX visits and settlements of a person to read."""

    institution: str = ""
    """of this one only; empty: of all"""
    since: datetime = EARLIEST
    """settlements made since"""
    settlements: bool = True
    standing: bool = False
    """of the settlements those that nothing undid"""
    visits: bool = True
    stays_only: bool = False
    """of the visits those in hospital"""


WHOLE_HISTORY = History()


class Command(Struct, frozen=True, kw_only=True, gc=False):
    """Base of all commands; the facts a batch reads for it are named here."""

    asked: Asked
    business_key: bytes = b""
    standing: bool = False
    """read the settlement that stands under the business key, not only its number"""
    setl_ids: tuple[int, ...] = ()
    visit_ids: tuple[int, ...] = ()
    other_keys: tuple[tuple[int, bytes], ...] = ()
    """message keys beside its own, each with the lane to look in"""
    token_key: bytes = b""
    mapping_keys: tuple[tuple[int, str], ...] = ()
    """own item codes whose mappings to read, each with the lane of the institution"""
    trace_keys: frozenset[bytes] = frozenset()
    """drug trace codes whose sales to read"""
    trace_lanes: int = 0
    """in how many lanes: a box may have been sold to anybody"""
    history: History | None = None
    """visits and settlements of the person to read"""
    filing_ids: tuple[int, ...] = ()
    standing_filings: bool = False
    """read the rows of all filings of the person that stand"""
    pledge: Pledge | None = None
    """where relatives may help to pay; the person's relatives are read then"""
    pay_nos: tuple[int, ...] = ()
    """payments over channels to read"""
    mobile_nos: tuple[int, ...] = ()
    """orders of mobile payment to read"""
    matters: bool = False
    """read what the person has done for them (个人办件)"""
    case_nos: tuple[int, ...] = ()
    """cases of people insured elsewhere to read"""
    hold_ids: tuple[int, ...] = ()
    """holds on the person's own account, whose moves to read"""


HISTORY_ROWS_MAX = 500
"""How far back a person's visits and settlements are looked at."""


class Purchase(Command, frozen=True, kw_only=True, gc=False):
    """A pharmacy sale (药店结算), or the quote of one."""

    claim: Claim
    credential: Credential
    kept_lines: tuple[KeptLine, ...]
    kept: dict[str, object]
    invoice_no: str
    quote: bool
    traces: tuple[Trace, ...] = ()
    """where the region looks at them"""


class SettleVisit(Command, frozen=True, kw_only=True, gc=False):
    """Settle one charge batch of a visit (门诊结算), or quote it."""

    mdtrt_id: int
    batch_no: str
    scheme: str
    care_type: str
    kind: CareKind
    account_use: AccountUse
    total_fen: int
    declared_split: tuple[int, int, int, int] | None
    """full self-pay, over ceiling, pre-self-pay, in scope, as quoted before; None in a quote"""
    credential: Credential
    invoice_no: str
    kept: dict[str, object]
    quote: bool


class Cancel(Command, frozen=True, kw_only=True, gc=False):
    """Cancel a settlement (结算撤销)."""

    setl_id: int
    mdtrt_id: int
    kind: CareKind


class Reverse(Command, frozen=True, kw_only=True, gc=False):
    """Undo a message whose outcome the sender does not know (冲正)."""

    original_infno: str
    original_msgid: str
    original_key: bytes


class RegisterVisit(Command, frozen=True, kw_only=True, gc=False):
    """Open an outpatient visit (门诊挂号)."""

    scheme: str
    begun_at: datetime
    outpatient_no: str
    credential: Credential
    kept: dict[str, object]


class WithdrawVisit(Command, frozen=True, kw_only=True, gc=False):
    """Take a registration back (挂号撤销)."""

    mdtrt_id: int
    outpatient_no: str


class DescribeVisit(Command, frozen=True, kw_only=True, gc=False):
    """Care type, disease and diagnoses of a visit (就诊信息上传)."""

    mdtrt_id: int
    care_type: str
    kept: dict[str, object]


class UploadLines(Command, frozen=True, kw_only=True, gc=False):
    """Fee lines of one visit (费用明细上传); `batches` are their charge batches, line by line."""

    mdtrt_id: int
    lines: tuple[ClaimLine, ...]
    batches: tuple[str, ...]
    kept_lines: tuple[KeptLine, ...]
    same_visit: bool
    """False: the lines name more than one visit or person"""
    traces: tuple[Trace, ...] = ()
    """where the region looks at them"""


class WithdrawLines(Command, frozen=True, kw_only=True, gc=False):
    """Take fee lines back (费用明细撤销); `batch_no` None means every line not yet settled."""

    mdtrt_id: int
    batch_no: str | None


class AdmitStay(Command, frozen=True, kw_only=True, gc=False):
    """Admit to hospital (入院办理)."""

    scheme: str
    care_type: str
    begun_at: datetime
    inpatient_no: str
    credential: Credential
    kept: dict[str, object]


class ChangeStay(Command, frozen=True, kw_only=True, gc=False):
    """Say anew what was said at admission (住院信息变更)."""

    mdtrt_id: int
    care_type: str
    begun_at: datetime
    inpatient_no: str
    kept: dict[str, object]


class DischargeStay(Command, frozen=True, kw_only=True, gc=False):
    """Discharge from hospital (出院办理)."""

    mdtrt_id: int
    scheme: str
    ended_at: datetime
    kept: dict[str, object]


class WithdrawDischarge(Command, frozen=True, kw_only=True, gc=False):
    """Take a discharge back (出院撤销)."""

    mdtrt_id: int


class WithdrawAdmission(Command, frozen=True, kw_only=True, gc=False):
    """Take an admission back (入院撤销)."""

    mdtrt_id: int


class UploadStayLines(Command, frozen=True, kw_only=True, gc=False):
    """Fee lines of a stay (住院费用明细上传)."""

    mdtrt_id: int
    lines: tuple[ClaimLine, ...]
    originals: tuple[str, ...]
    """for each line the number of the line that it takes back; empty where it takes back none"""
    kept_lines: tuple[KeptLine, ...]
    same_visit: bool
    """False: the lines name more than one stay or person"""
    traces: tuple[Trace, ...] = ()
    """where the region looks at them"""


class WithdrawStayLines(Command, frozen=True, kw_only=True, gc=False):
    """Take fee lines of a stay back (住院费用明细撤销); None: every line not yet settled."""

    mdtrt_id: int
    line_nos: tuple[str, ...] | None
    same_visit: bool


class SettleStay(Command, frozen=True, kw_only=True, gc=False):
    """Settle a stay or a segment of one (住院结算), or quote it."""

    mdtrt_id: int
    scheme: str
    account_use: AccountUse
    total_fen: int
    declared_split: tuple[int | None, int | None, int | None, int | None]
    """full self-pay, over ceiling, pre-self-pay, in scope, as far as they are repeated"""
    mid_stay: bool
    """a segment before the discharge (中途结算)"""
    credential: Credential
    invoice_no: str
    kept: dict[str, object]
    quote: bool


class Sum(Struct, frozen=True, gc=False):
    """A sum that a settlement list claims, and which amount of the settlement it must equal."""

    field: str
    name_zh: str
    amount: str
    """name of a column of the settlement row"""
    declared_fen: int
    by_fund: tuple[tuple[str, int], ...] = ()
    """the parts of a sum of funds; the personal account may be among them"""


class KeepUpload(Command, frozen=True, kw_only=True, gc=False):
    """Keep what is only stored (只存储的上传): stock, records, invoices."""

    person_named: str
    """the one person it is about; empty where there is none, or more than one"""
    content: bytes
    """input as it was sent"""


class KeepList(KeepUpload, frozen=True, kw_only=True, gc=False):
    """Keep a settlement list (医疗保障基金结算清单)."""

    setl_id: int
    cited: str
    visit_cited: str
    sums: tuple[Sum, ...]


class MapItems(Command, frozen=True, kw_only=True, gc=False):
    """Map own items to the catalogue (目录对照上传); rows without number and time."""

    rows: tuple[MappingRow, ...]


class UnmapItem(Command, frozen=True, kw_only=True, gc=False):
    """Withdraw a mapping (目录对照撤销)."""

    institution_code: str
    own_code: str
    list_type: str
    item_code: str


class CheckEntitlement(Command, frozen=True, kw_only=True, gc=False):
    """What may pay for a person (待遇检查)."""

    scheme: str
    care_type: str
    on: datetime
    disease: str = ""
    """病种编码, where the check is about one"""


class FilePerson(Command, frozen=True, kw_only=True, gc=False):
    """File a disease, a chosen institution or a transfer of a person (备案)."""

    kind: FilingKind
    institution: str
    """where it lets care be given"""
    subject: str
    order: str
    scheme: str
    begins_on: date
    ends_on: date | None
    kept: dict[str, object]
    """everything else as sent, by its wire names"""


class WithdrawFiling(Command, frozen=True, kw_only=True, gc=False):
    """Take a filing back (备案撤销)."""

    kind: FilingKind
    filing_no: int
    kept: dict[str, object]


class FindFilings(Command, frozen=True, kw_only=True, gc=False):
    """The filings of a person that stand, of one kind (备案查询)."""

    kind: FilingKind
    subject: str
    """of one kind of business; empty for all"""
    begin: date
    end: date


class Sought(Struct, frozen=True, gc=False):
    """A key under which a person is looked up, in the lane of its own hash."""

    lane: int
    kind: LookupKind
    key: bytes


class LookUpPerson(Command, frozen=True, kw_only=True, gc=False):
    """Who a credential belongs to, with balances (人员信息获取). Its batch finds out whom it is
    about: `asked` names nobody before that, and has the key's lane (`settlement.view.named`)."""

    sought: Sought
    credential: Credential


class FindSettlement(Command, frozen=True, kw_only=True, gc=False):
    """A settlement by number: its amounts (结算信息查询) or its lines (费用明细查询)."""

    setl_id: int
    mdtrt_id: int
    with_lines: bool


class FindVisits(Command, frozen=True, kw_only=True, gc=False):
    """A person's visits and purchases in a period, or those one message made (就诊信息查询)."""

    begin: datetime
    end: datetime
    care_type: str
    mdtrt_id: int | None
    made_by: str | None
    """msgid of a message whose answer was lost"""


class FindMedicines(Command, frozen=True, kw_only=True, gc=False):
    """The medicines that a person had here in a period (用药记录查询)."""

    begin: datetime
    end: datetime | None


class FindAccumulators(Command, frozen=True, kw_only=True, gc=False):
    """The accumulators of a person (年度累计查询), of all years kept or the one of a month."""

    month: str
    """yyyyMM as sent; empty for all"""


class HoldForRelative(Command, frozen=True, kw_only=True, gc=False):
    """Hold money of this person's account for a relative's settlement (共济冻结)."""

    hold_id: int
    undertaking_id: int
    patient_lane: int
    patient_no: str
    wanted_fen: int
    quote: bool
    """say only how much it would be"""


class ResolveHold(Command, frozen=True, kw_only=True, gc=False):
    """A hold ends: the relative was settled for, or was not (`setl_id` None)."""

    hold_id: int
    setl_id: int | None


class ReturnPayment(Command, frozen=True, kw_only=True, gc=False):
    """What this person's account paid for a relative comes back (共济退回)."""

    hold_id: int
    setl_id: int
    """what took the settlement back"""


class EndUndertaking(Command, frozen=True, kw_only=True, gc=False):
    """Nothing is under way any more for this person."""

    undertaking_id: int
