"""The file format of region profiles (TOML), and turning one into a `RegionProfile`.

Decoded strictly: an unknown key, a number of the wrong type or an unknown code stops the loading.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, TypeVar

from msgspec import Meta, field
from msgspec.structs import asdict, replace

from protocol.nhsa.list_layouts import LAYOUTS, VERSION, ListLayout
from protocol.nhsa.profile import BASELINE, FieldKey, Profile, ProfileError, ProfileFault
from protocol.nhsa.traces import TRACE_NODE
from settlement.books.bill_schedule import READY_HOUR, BillRules
from settlement.books.channel_fees import Bearer, FeeRules
from settlement.books.fund_payers import AGENCY
from settlement.books.payout_rules import BankColumn, BankField, Cycle, PayoutRules
from settlement.books.reimbursement_rules import ReimbursementRules
from settlement.claim import CareKind
from settlement.elsewhere.cross_city import (
    CROSS_PROVINCE,
    IN_PROVINCE,
    CrossCityRules,
    ElsewhereRules,
    Unmarked,
)
from settlement.elsewhere.off_site import OffSiteKind, OffSiteRules
from settlement.elsewhere.regional_prepayment import PrepaidRules
from settlement.elsewhere.regional_rules import RegionalRules, Settling
from settlement.elsewhere.regional_schedule import ComparingRules
from settlement.people.filing import ChosenInstitution, ChronicCareAt
from settlement.person import CARE_DAYS_MAX, YEARS_KEPT
from settlement.policy.errors import Place, PolicyError
from settlement.policy.format import Code, Strict, Text
from settlement.policy.region import (
    CANCELS,
    AccountRules,
    CancelOrder,
    CancelWindow,
    ClosingRules,
    DoctorCheck,
    MappingCheck,
    RegionProfile,
    RulingDate,
    StayTurn,
    TraceRules,
    TraceUse,
    UnknownItem,
    UnmappedItem,
)
from settlement.policy.seals_format import SealsFile, seal_rules
from settlement.working_days import Calendar, Timetable

_Value = TypeVar("_Value")

_ONE_OF = {
    CareKind.OUTPATIENT_SPECIAL: CareKind.OUTPATIENT,
    CareKind.DAY_SURGERY: CareKind.INPATIENT,
    CareKind.MATERNITY: CareKind.INPATIENT,
}

_REVERSIBLE = frozenset({"2102", "2207", "2207A", "2304", "2304A", "2401"})
"""What the core can reverse."""
_CARE_DAYS = {"maximum": CARE_DAYS_MAX}


class TracesFile(Strict, frozen=True, kw_only=True):
    """The table `drug_trace`: drug trace codes (药品追溯码) of sales."""

    trace_required: TraceUse = TraceUse.OFF
    """what becomes of a line of a drug without a code"""
    trace_repeated: TraceUse = TraceUse.OFF
    """what becomes of a line with a box that was sold before"""
    list_types: tuple[Code, ...] = ("101",)
    """list_type of the items that need a code"""
    exempt: tuple[Code, ...] = ()
    """beginnings of item codes that need none"""
    line_node: Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,39}$")] = TRACE_NODE
    """name of the node with the codes on lines of 2204 and 2301; no source prints one"""


class CrossCityFile(Strict, frozen=True, kw_only=True):
    """The table `cross_city`: clearing between the cities of the province (省内异地清分)."""

    rows_max: Annotated[int, Meta(ge=1, le=500)] = 100
    """how many rows an answer of 3260 has at most, and a message of 3261"""
    first_row: Annotated[int, Meta(ge=0, le=1)] = 1
    """the number of a list's first row"""
    account_counts: bool = True
    """optins_pay_sumamt is funds and personal account; false: the funds alone"""
    unmarked: Unmarked = Unmarked.INCLUDE
    """what a row of 3261 without cnfm_flag says"""


class OffSiteFile(Strict, frozen=True, kw_only=True):
    """The table `off_site`: filing of care outside the region by persons (异地就医备案)."""

    accepted_at_once: tuple[OffSiteKind, ...] = tuple(OffSiteKind)
    """kinds that are accepted as they are applied for; others wait for a clerk"""
    temporary_months: Annotated[int, Meta(ge=1, le=120)] = 6
    """how many months a temporary filing without an end date holds"""
    long_term_lock_days: Annotated[int, Meta(ge=0, le=3650)] = 180
    """how many days after it was accepted a long-term filing may not be cancelled"""
    begins_days_max: Annotated[int, Meta(ge=0, le=366)] = 90
    """how many days ahead a filing may begin"""
    retroactive: bool = True
    """one that is filed before the discharge counts for the whole stay"""


class ElsewhereFile(Strict, frozen=True, kw_only=True):
    """The table `elsewhere`: care for people who are insured in other regions (异地就医)."""

    in_province: dict[CareKind, Code] = field(default_factory=dict)
    """clr_type of care for people from the province, by kind of care; 9903 where it is not named"""
    cross_province: dict[CareKind, Code] = field(default_factory=dict)
    """clr_type of care for people from other provinces, by kind of care; where it is not named
    9974 for pharmacies, 9987 for chronic diseases, 99968 for stays and 99963 for the rest"""


MonthDay = Annotated[int, Meta(ge=1, le=28)]
WorkingDays = Annotated[int, Meta(ge=0, le=60)]
RatioBp = Annotated[int, Meta(ge=1, le=10_000)]


class RegionalFile(Strict, frozen=True, kw_only=True):
    """The table `regional_clearing`: clearing with other regions (异地清算)."""

    settling: Settling = Settling.FULL
    """full: each side pays what it owes; net: both are set off and one pays the rest"""
    confirm_day: MonthDay = 20
    """day of the next month by which rows are confirmed and the statement is sent"""
    notice_day: MonthDay = 25
    """day of the next month by which notices of payment and receipt are expected"""
    request_days: WorkingDays = 5
    """working days in which the agency asks the treasury for the money"""
    finance_days: WorkingDays = 10
    """working days after that in which the treasury pays"""
    postponed_months_max: Annotated[int, Meta(ge=1, le=2)] = 2
    """by how many months in all a row may be postponed"""
    institutions_confirm: bool = True
    """rows of cities of the province are claimed once their institution confirmed them (3261)"""
    compared_by_themselves: bool = True
    """the server asks the regions that insure for their rows of each day, and compares them"""
    compared_from_hour: Annotated[int, Meta(ge=0, le=23)] = 6
    """from which hour on yesterday is compared"""
    prepaid_months: Annotated[int, Meta(ge=1, le=12)] = 2
    """how many months of average are the quota of a prepayment"""
    yellow_bp: RatioBp = 7_000
    """use of a prepayment from which the yellow alarm is given, basis points"""
    red_bp: RatioBp = 9_000
    """and the red one"""
    holidays: tuple[date, ...] = ()
    """days that are no working days, beside weekends"""
    worked_weekends: tuple[date, ...] = ()
    """weekend days that are worked (调休)"""


class ClosingFile(Strict, frozen=True, kw_only=True):
    """The table `closing`: closing of business days (日结)."""

    days_by_themselves: bool = True
    """days are closed by the server when they are over; false: by `settlement close day`"""
    grace_minutes: Annotated[int, Meta(ge=5, le=1440)] = 60
    """how long after its end a day is closed; what comes later counts on the next day"""


BilledChannel = Annotated[str, Meta(pattern="^(wechat|alipay|unionpay|onecode)$")]


class BillsFile(Strict, frozen=True, kw_only=True):
    """The table `bills`: bills of payment channels (渠道账单)."""

    fetched_by_themselves: bool = True
    """the server asks the channels; false: by `settlement bills fetch`"""
    matched_by_themselves: bool = True
    """a day is matched once its bills are there; false: by `settlement match`"""
    ready_hour: dict[BilledChannel, Annotated[int, Meta(ge=0, le=23)]] = field(
        default_factory=dict
    )
    """by channel: from which hour on the bill of yesterday may be asked for; 10 without it"""
    late_hours: Annotated[int, Meta(ge=1, le=72)] = 4
    """how long after that hour a bill is late: people are told, and the day is matched without"""
    days_back: Annotated[int, Meta(ge=1, le=90)] = 30
    """for how many days a missing bill is asked for; WeChat keeps three months"""


BankTitle = Annotated[str, Meta(min_length=1, max_length=40)]
PayerCode = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{1,29}$")]


class PayoutFile(Strict, frozen=True, kw_only=True):
    """The table `payout`: paying institutions (拨付)."""

    cycle: Cycle = Cycle.MONTHLY
    """daily, three_days, seven_days or monthly"""
    bank_columns: dict[BankTitle, dict[BankTitle, BankField]] = field(default_factory=dict)
    """by a bank's name (开户行): title and content of the columns of its order file, in order"""


class ReimbursementFile(Strict, frozen=True, kw_only=True):
    """The table `reimbursement`: manual reimbursement (手工报销)."""

    claim_days_max: Annotated[int, Meta(ge=1, extra_json_schema=_CARE_DAYS)] = 365
    """how many days after the care, of a stay after its discharge, papers are taken: at most 730"""


class FeesFile(Strict, frozen=True, kw_only=True):
    """The table `channel_fees`: who bears what payment channels keep (渠道手续费)."""

    own: Bearer = Bearer.INSTITUTION
    """of what an institution's own merchants collect: institution or agency"""
    agency: Bearer = Bearer.AGENCY
    """of what the agency's merchants collect"""


class AccountsFile(Strict, frozen=True, kw_only=True):
    """The table `personal_accounts`: interest on personal accounts (个人账户计息)."""

    interest_bp: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    """interest of a year, basis points; without it none is computed"""
    interest_days: Annotated[int, Meta(ge=360, le=366)] = 365
    """days that the rate counts as a year"""


class Edition(StrEnum):
    """Which printed edition of the interface a region begins with."""

    BASELINE = "baseline"
    STRICT = "strict"


FieldName = Annotated[
    str, Meta(pattern=r"^(\*|[0-9]{4}[A-Z]?)\.[A-Za-z0-9_]+\.[A-Za-z0-9_]+$", max_length=100)
]
"""`2102.druginfo.invono`; `*` for every transaction, `envelope` for the envelope."""


class InterfaceFile(Strict, frozen=True, kw_only=True):
    """The table `interface`: what the region demands of fields (接口字段)."""

    edition: Edition = Edition.BASELINE
    """`strict` requires the identity fields that only some editions print"""
    required: tuple[FieldName, ...] = ()
    """fields that may be absent elsewhere and not here"""
    optional: tuple[FieldName, ...] = ()
    """identity fields that the strict edition requires and this region does not"""
    length_max: dict[FieldName, Annotated[int, Meta(ge=1)]] = field(default_factory=dict)
    """texts that are shorter here than printed"""
    codes: dict[FieldName, tuple[Code, ...]] = field(default_factory=dict)
    """values that a field takes here beside those of its code list"""
    code_lists: dict[str, tuple[Code, ...]] = field(default_factory=dict)
    """code lists by name, as `clr_type`: their values here, instead of all that sources have"""
    without: tuple[Code, ...] = ()
    """transactions that the region's edition does not have"""


ListNo = Annotated[str, Meta(pattern=r"^13[0-9]{2}$")]
"""infno of a list's download"""
ColumnName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class RegionFile(Strict, frozen=True, kw_only=True, tag_field="format", tag="region-profile/1"):
    """A file with `format = "region-profile/1"`. One that is `based_on` a shipped profile has every
    key that it does not say from there; without it the keys that have no default must be there."""

    based_on: str = ""
    """a shipped profile, as `national-baseline`, whose keys and tables hold where this says none"""
    code: Annotated[str, Meta(pattern=r"^[0-9]{6}$")]
    """the pooling area (统筹区), six digits"""
    name: Text
    """goes into texts that callers read"""
    line_tolerance_fen: Annotated[int, Meta(ge=0, le=100)] = 1
    """how far a line's amount may be from price × quantity"""
    unknown_item: UnknownItem
    """what becomes of a well-formed code that is not in the catalogue"""
    unknown_item_charge_kind: Code
    """med_chrgitm_type of such a line"""
    item_code_pattern: Text
    """what a well-formed code looks like: a regular expression"""
    mapping_check: MappingCheck = MappingCheck.OFF
    """what becomes of a line whose own code is mapped to another catalogue code (目录对照)"""
    unmapped_item: UnmappedItem = UnmappedItem.ACCEPT
    """what becomes of a line whose own code is not mapped (未对照)"""
    doctor_check: DoctorCheck = DoctorCheck.OFF
    """what becomes of care whose doctor is none of the institution's on that day (医师核验)"""
    refund_lines: tuple[CareKind, ...] = ()
    """kinds of care whose lines may be negative"""
    scheme_order: Annotated[tuple[Code, ...], Meta(min_length=1)]
    """which active scheme comes first, where a choice must be shown"""
    ruling_date: dict[CareKind, RulingDate]
    """by kind of care the date that decides policy, status and year"""
    backdating_days_max: dict[CareKind, Annotated[int, Meta(ge=0, extra_json_schema=_CARE_DAYS)]]
    """by kind of care how many days old a fee may be: at most 730"""
    cancel_order: CancelOrder = CancelOrder.LATEST_FIRST
    """in which order settlements of a year are undone"""
    cancel_window: CancelWindow = CancelWindow.YEAR
    """until when a settlement may be cancelled"""
    reversible: Annotated[tuple[Code, ...], Meta(min_length=1)] = tuple(sorted(_REVERSIBLE))
    """transactions that 2601 takes back"""
    discharge_before_settlement: bool = True
    """the final settlement of a stay needs the discharge first"""
    split_stay_at: tuple[StayTurn, ...] = ()
    """days inside a stay up to which it is settled separately: change of scheme, of person type,
    a new year; needs stays whose ruling date is the fee's"""
    allowed_during_stay: tuple[Code, ...] = ()
    """med_type codes that may be settled elsewhere while the person is in hospital"""
    chosen_institution: ChosenInstitution = ChosenInstitution.OFF
    """whether ordinary outpatient care asks for an institution chosen by 2505"""
    chosen_institution_exempt: tuple[Code, ...] = ("13",)
    """med_type codes of outpatient care that never asks for one: emergencies"""
    chronic_care_at: ChronicCareAt = ChronicCareAt.FILED_INSTITUTION
    """where a disease filed by 2503 may be treated"""
    transfer_months: Annotated[int, Meta(ge=0, le=120)] = 12
    """how many months a transfer (2501) without an end date holds; 0: without end"""
    elsewhere_needs_filing: tuple[CareKind, ...] = ()
    """kinds of care that are not shared in another region without a filing (异地就医备案)"""
    mobile_plain: bool = True
    """62xx are also taken in the plain envelope, beside the centre's SM2/SM4 envelope (移动支付)"""
    fund_total_includes_account: bool
    """whether fund_pay_sumamt has the personal account in it"""
    drug_trace: TracesFile = TracesFile()
    """drug trace codes (药品追溯码) of sales"""
    cross_city: CrossCityFile = CrossCityFile()
    """clearing between the cities of the province (省内异地清分)"""
    off_site: OffSiteFile = OffSiteFile()
    """filing of care outside the region by persons (异地就医备案)"""
    elsewhere: ElsewhereFile = ElsewhereFile()
    """care for people who are insured in other regions (异地就医)"""
    closing: ClosingFile = ClosingFile()
    """closing of business days (日结)"""
    bills: BillsFile = BillsFile()
    """bills of payment channels (渠道账单)"""
    regional_clearing: RegionalFile = RegionalFile()
    """clearing with other regions (异地清算)"""
    payout: PayoutFile = PayoutFile()
    """paying institutions (拨付)"""
    payers: dict[PayerCode, Text] = field(default_factory=dict)
    """names of those who owe what a fund pays (付款单位), by codes that the profile chooses"""
    fund_payers: dict[Code, PayerCode] = field(default_factory=dict)
    """by fund_pay_type: which of them owes it; `agency` and what is not named: the agency itself"""
    reimbursement: ReimbursementFile = ReimbursementFile()
    """manual reimbursement (手工报销)"""
    channel_fees: FeesFile = FeesFile()
    """who bears what payment channels keep (渠道手续费)"""
    personal_accounts: AccountsFile = AccountsFile()
    """interest on personal accounts (个人账户计息)"""
    interface: InterfaceFile = InterfaceFile()
    """what the region demands of fields (接口字段)"""
    list_columns: dict[ListNo, tuple[ColumnName, ...]] = field(default_factory=dict)
    """lists of codes (编码目录, 1307 and on) whose files have other columns here, in their order"""
    national_crypto: SealsFile = SealsFile()
    """signed and encrypted bodies (国密)"""


def compile_region(file: RegionFile) -> RegionProfile:
    """Compile one region profile."""
    ruling_date = _every_kind("ruling_date", file.ruling_date)
    backdating_days_max = _every_kind("backdating_days_max", file.backdating_days_max)
    for kind, days in file.backdating_days_max.items():
        _check_days(days, ("backdating_days_max", kind))
    _check_days(file.reimbursement.claim_days_max, ("reimbursement", "claim_days_max"))
    try:
        item_code = re.compile(file.item_code_pattern)
    except re.error as error:
        raise PolicyError(f"不是有效的表达式: {error}", ("item_code_pattern",)) from error
    _check_reversible(frozenset(file.reversible))
    return RegionProfile(
        code=file.code,
        name=file.name,
        line_tolerance_fen=file.line_tolerance_fen,
        unknown_item=file.unknown_item,
        unknown_item_charge_kind=file.unknown_item_charge_kind,
        item_code=item_code,
        refund_lines=frozenset(file.refund_lines),
        scheme_order=file.scheme_order,
        ruling_date=ruling_date,
        backdating_days_max=backdating_days_max,
        cancel_order=file.cancel_order,
        cancel_window=file.cancel_window,
        reversible=frozenset(file.reversible).difference(file.interface.without),
        discharge_before_settlement=file.discharge_before_settlement,
        split_stay_at=_split_stay_at(file, ruling_date),
        allowed_during_stay=frozenset(file.allowed_during_stay),
        chosen_institution=file.chosen_institution,
        chosen_institution_exempt=frozenset(file.chosen_institution_exempt),
        chronic_care_at=file.chronic_care_at,
        transfer_months=file.transfer_months,
        elsewhere_needs_filing=frozenset(file.elsewhere_needs_filing),
        mobile_plain=file.mobile_plain,
        mapping_check=file.mapping_check,
        unmapped_item=file.unmapped_item,
        doctor_check=file.doctor_check,
        traces=_traces(file.drug_trace),
        cross_city=CrossCityRules(**asdict(file.cross_city)),
        off_site=_off_site(file.off_site),
        elsewhere=ElsewhereRules(
            in_province={**IN_PROVINCE, **file.elsewhere.in_province},
            cross_province={**CROSS_PROVINCE, **file.elsewhere.cross_province},
        ),
        closing=_closing(file.closing),
        bills=_bills(file.bills),
        regional=_regional(file.regional_clearing),
        payout=_payout(file.payout),
        payers=file.payers,
        fund_payers=_fund_payers(file),
        reimbursement=ReimbursementRules(claim_days_max=file.reimbursement.claim_days_max),
        channel_fees=FeeRules(own=file.channel_fees.own, agency=file.channel_fees.agency),
        accounts=_accounts(file.personal_accounts),
        wire=_wire(file.code, file.interface),
        list_layouts=_list_layouts(file.list_columns),
        seals=seal_rules(file.national_crypto),
        fund_total_includes_account=file.fund_total_includes_account,
    )


def _split_stay_at(
    file: RegionFile, ruling_date: Mapping[CareKind, RulingDate]
) -> frozenset[StayTurn]:
    """A part of a stay is ruled by its own last fee, so stays must be ruled by their fees."""
    stays = (CareKind.INPATIENT, CareKind.DAY_SURGERY, CareKind.MATERNITY)
    for kind in stays if file.split_stay_at else ():
        if ruling_date[kind] is not RulingDate.FEE:
            raise PolicyError(
                f"分段结算按费用日期确定待遇，{kind} 的 ruling_date 须为 fee", ("split_stay_at",)
            )
    return frozenset(file.split_stay_at)


def _traces(file: TracesFile) -> TraceRules:
    return TraceRules(
        required=file.trace_required, repeated=file.trace_repeated, exempt=file.exempt,
        list_types=frozenset(file.list_types), line_node=file.line_node,
    )  # fmt: skip


def _off_site(file: OffSiteFile) -> OffSiteRules:
    return OffSiteRules(
        accepted_at_once=frozenset(file.accepted_at_once), temporary_months=file.temporary_months,
        long_term_lock_days=file.long_term_lock_days, begins_days_max=file.begins_days_max,
        retroactive=file.retroactive,
    )  # fmt: skip


def _closing(file: ClosingFile) -> ClosingRules:
    return ClosingRules(
        days_by_themselves=file.days_by_themselves, grace_minutes=file.grace_minutes
    )


def _bills(file: BillsFile) -> BillRules:
    return BillRules(
        fetched_by_themselves=file.fetched_by_themselves,
        matched_by_themselves=file.matched_by_themselves,
        ready_hour={**READY_HOUR, **file.ready_hour}, late_hours=file.late_hours,
        days_back=file.days_back,
    )  # fmt: skip


def _accounts(file: AccountsFile) -> AccountRules:
    return AccountRules(interest_bp=file.interest_bp, interest_days=file.interest_days)


def _regional(file: RegionalFile) -> RegionalRules:
    if file.red_bp < file.yellow_bp:
        raise PolicyError("红色预警不能低于黄色预警", ("regional_clearing", "red_bp"))
    return RegionalRules(
        settling=file.settling,
        timetable=Timetable(
            confirm_day=file.confirm_day, notice_day=file.notice_day,
            request_days=file.request_days, finance_days=file.finance_days,
        ),
        calendar=Calendar(
            holidays=frozenset(file.holidays), worked_weekends=frozenset(file.worked_weekends)
        ),
        prepaid=PrepaidRules(
            months=file.prepaid_months, yellow_bp=file.yellow_bp, red_bp=file.red_bp
        ),
        postponed_months_max=file.postponed_months_max,
        institutions_confirm=file.institutions_confirm,
        compared=ComparingRules(file.compared_by_themselves, file.compared_from_hour),
    )  # fmt: skip


def _payout(file: PayoutFile) -> PayoutRules:
    for bank, columns in file.bank_columns.items():
        if BankField.ORDER_NO not in columns.values():
            raise PolicyError("银行文件须有订单号 order_no 一列", ("payout", "bank_columns", bank))
    return PayoutRules(
        cycle=file.cycle,
        banks={
            bank: tuple(BankColumn(title=title, field=what) for title, what in columns.items())
            for bank, columns in file.bank_columns.items()
        },
    )


def _fund_payers(file: RegionFile) -> Mapping[str, str]:
    if AGENCY in file.payers:
        raise PolicyError("agency 指经办机构自己，不是付款单位", ("payers", AGENCY))
    for fund, payer in file.fund_payers.items():
        if payer != AGENCY and payer not in file.payers:
            known = "、".join([AGENCY, *file.payers])
            raise PolicyError(f"没有付款单位 {payer}；可用 {known}", ("fund_payers", fund))
    return {fund: payer for fund, payer in file.fund_payers.items() if payer != AGENCY}


def _wire(code: str, file: InterfaceFile) -> Profile:
    if file == InterfaceFile():
        return BASELINE
    try:
        return Profile(
            name=code,
            strict=file.edition is Edition.STRICT,
            required=frozenset(map(_field_key, file.required)),
            optional=frozenset(map(_field_key, file.optional)),
            length_max={_field_key(name): most for name, most in file.length_max.items()},
            codes={_field_key(name): frozenset(codes) for name, codes in file.codes.items()},
            lists={name: frozenset(codes) for name, codes in file.code_lists.items()},
            absent=frozenset(file.without),
        )
    except ProfileError as error:
        name = ".".join(error.key)
        raise PolicyError(f"{name}：{_WIRE_FAULTS[error.fault]}", ("interface",)) from error


def _field_key(name: str) -> FieldKey:
    infno, node, leaf = name.split(".")
    return infno, node, leaf


_WIRE_FAULTS = {
    ProfileFault.NO_SUCH_FIELD: "接口没有这个字段",
    ProfileFault.NO_SUCH_LIST: "没有这个代码表",
    ProfileFault.NO_SUCH_TRANSACTION: "接口没有这个交易",
    ProfileFault.ALWAYS_REQUIRED: "各版接口均要求必填，不能改为选填",
    ProfileFault.ONLY_SHORTER: "只能缩短，不能加长",
}


def _list_layouts(columns: Mapping[str, tuple[str, ...]]) -> Mapping[str, ListLayout]:
    """The layouts of all lists. A file without what tells its rows apart, or without its version,
    could not be used."""
    own = {}
    for infno, names in columns.items():
        at: Place = ("list_columns", infno)
        layout = LAYOUTS.get(infno)
        if layout is None:
            raise PolicyError(f"没有编码目录 {infno}；可用 {'、'.join(LAYOUTS)}", at)
        if len(set(names)) < len(names):
            raise PolicyError("列重复", at)
        missing = [name for name in (*layout.key, layout.name, VERSION) if name not in names]
        if missing:
            raise PolicyError(f"缺少列 {'、'.join(missing)}", at)
        own[infno] = replace(layout, columns=names)
    return {**LAYOUTS, **own}


def _every_kind(title: str, given: Mapping[CareKind, _Value]) -> dict[CareKind, _Value]:
    """A special kind of care that is not named goes as the ordinary kind that it is one of."""
    values: dict[CareKind, _Value] = {}
    for kind in CareKind:
        value = given.get(kind, given.get(_ONE_OF.get(kind, kind)))
        if value is None:
            raise PolicyError(f"缺少 {kind}", (title,))
        values[kind] = value
    return values


def _check_days(days: int, place: Place) -> None:
    """Older care may be of a year whose accumulators are gone: it would begin at zero."""
    if days > CARE_DAYS_MAX:
        kept = f"个人年度累计只保留最近 {YEARS_KEPT} 个年度"
        raise PolicyError(f"最多 {CARE_DAYS_MAX} 天：{kept}，更早的费用无法计入", place)


def _check_reversible(infnos: frozenset[str]) -> None:
    """Some provinces' lists name cancels too, but no source says whether the settlement then stands
    again, and the account may have been spent since: such a list is not guessed at."""
    at: Place = ("reversible",)
    cancels = sorted(infnos & CANCELS)
    if cancels:
        raise PolicyError(f"撤销交易 {cancels} 不能冲正：原结算是否恢复没有依据", at)
    unknown = sorted(infnos - _REVERSIBLE)
    if unknown:
        raise PolicyError(f"交易 {unknown} 尚不支持冲正", at)
