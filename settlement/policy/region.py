"""A region profile (统筹区参数): what a pooling area decides for every scheme.

Intake checks, ruling dates, cancel rules. What was compiled here fits together; how much anybody
pays is the business of the policies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

from protocol.nhsa.list_layouts import LAYOUTS, ListLayout
from protocol.nhsa.profile import BASELINE, Profile
from protocol.nhsa.traces import TRACE_NODE
from settlement.books.bill_schedule import BillRules
from settlement.books.channel_fees import FeeRules
from settlement.books.payout_rules import PayoutRules
from settlement.books.reimbursement_rules import ReimbursementRules
from settlement.claim import CareKind
from settlement.elsewhere.cross_city import ANYWHERE, CrossCityRules, ElsewhereRules
from settlement.elsewhere.off_site import OffSiteRules
from settlement.elsewhere.regional_rules import RegionalRules
from settlement.people.filing import ChosenInstitution, ChronicCareAt
from settlement.seals import SealRules

CANCELS = frozenset({"2103", "2208", "2305"})
"""Transactions that cancel a settlement (结算撤销)."""


class RulingDate(StrEnum):
    """Which date decides policy, person status and fiscal year (DOMAIN 21)."""

    FEE = "fee"
    ADMISSION = "admission"
    DISCHARGE = "discharge"
    SETTLEMENT = "settlement"


class UnknownItem(StrEnum):
    """What becomes of a line whose well-formed code is not in the catalogue (DOMAIN 22)."""

    FULL_SELF_PAY = "full_self_pay"
    REFUSE = "refuse"


class MappingCheck(StrEnum):
    """What becomes of a line whose own code is mapped to another catalogue code (目录对照)."""

    OFF = "off"
    WARN = "warn"
    REFUSE = "refuse"


class DoctorCheck(StrEnum):
    """What becomes of a line, visit or stay whose doctor is none of the institution's on that day
    (医师核验, DOMAIN 19)."""

    OFF = "off"
    WARN = "warn"
    REFUSE = "refuse"


class UnmappedItem(StrEnum):
    """What becomes of a line whose own code has no mapping on its day (未对照, DOMAIN 22)."""

    ACCEPT = "accept"
    FULL_SELF_PAY = "full_self_pay"
    REFUSE = "refuse"


class TraceUse(StrEnum):
    """What becomes of a sale whose drug trace codes are not as they should be (DOMAIN 25)."""

    OFF = "off"
    WARN = "warn"
    REFUSE = "refuse"


class TraceRules(Struct, frozen=True, kw_only=True):
    """What a region makes of drug trace codes (药品追溯码)."""

    required: TraceUse = TraceUse.OFF
    """of a line without one"""
    repeated: TraceUse = TraceUse.OFF
    """of a box that was sold before"""
    list_types: frozenset[str] = frozenset({"101"})
    """目录类别 of the items that need one"""
    exempt: tuple[str, ...] = ()
    """beginnings of item codes that need none"""
    line_node: str = TRACE_NODE
    """what the region calls the node on lines of visits and stays"""

    @property
    def are_read(self) -> bool:
        """Sales are looked at, and their codes kept."""
        return self.required is not TraceUse.OFF or self.repeated is not TraceUse.OFF


class StayTurn(StrEnum):
    """Days inside a stay up to which it is settled separately (分段结算, DOMAIN 21)."""

    SCHEME = "scheme"
    """another scheme rules (险种变更)"""
    PERSON_TYPE = "person_type"
    """the person becomes one of another kind, as at retirement (人员类别变更)"""
    YEAR = "year"
    """a fiscal year begins (跨年度)"""


class AccountRules(Struct, frozen=True, kw_only=True):
    """What a region decides about personal accounts (个人账户)."""

    interest_bp: int | None = None
    """interest of a year in basis points, where there is one"""
    interest_days: int = 365
    """days that the rate counts as a year"""


class CancelOrder(StrEnum):
    """In which order the settlements of a person's year are undone (撤销顺序, DOMAIN 10)."""

    LATEST_FIRST = "latest_first"
    """refused while a later one stands"""
    FREE = "free"
    """in any order; the later ones that stand are to be decided again (待重算)"""


class CancelWindow(StrEnum):
    """How long after its own business day a settlement may be cancelled (撤销期限, DOMAIN 10)."""

    MONTH = "month"
    """in the same calendar month"""
    YEAR = "year"
    """in the same fiscal year"""
    APPROVAL = "approval"
    """at any time, with an approval record (退费备案)"""


class ClosingRules(Struct, frozen=True, kw_only=True):
    """When business days are closed (日结)."""

    days_by_themselves: bool = True
    grace_minutes: int = 60
    """after the end of the day"""


class RegionProfile(Struct, frozen=True, kw_only=True, gc=False):
    """What a pooling area (统筹区) decides for every scheme: intake checks and ruling dates."""

    code: str
    """admdvs, six digits"""
    name: str
    line_tolerance_fen: int
    """allowed gap between a line's amount and price x quantity"""
    unknown_item: UnknownItem
    unknown_item_charge_kind: str
    item_code: re.Pattern[str]
    """what a well-formed catalogue code looks like"""
    refund_lines: frozenset[CareKind]
    """kinds of care whose lines may carry a negative quantity"""
    scheme_order: tuple[str, ...]
    """which active scheme is taken when a claim names none (DOMAIN 20)"""
    ruling_date: Mapping[CareKind, RulingDate]
    backdating_days_max: Mapping[CareKind, int]
    """how old a fee may be when it is settled"""
    cancel_order: CancelOrder
    cancel_window: CancelWindow
    reversible: frozenset[str]
    """transactions whose effect 2601 takes back (DOMAIN 9)"""
    discharge_before_settlement: bool
    """the final settlement of a stay comes after its discharge (DOMAIN 15)"""
    split_stay_at: frozenset[StayTurn] = frozenset()
    """days inside a stay up to which it is settled separately (分段结算)"""
    allowed_during_stay: frozenset[str]
    """med_type codes that may be settled elsewhere while the person is in hospital (DOMAIN 20)"""
    chosen_institution: ChosenInstitution
    """whether ordinary outpatient care asks for a chosen institution (定点就医)"""
    chosen_institution_exempt: frozenset[str]
    """med_type codes of outpatient care that never asks for one"""
    chronic_care_at: ChronicCareAt
    """where a filed disease may be treated (慢特病)"""
    transfer_months: int = 12
    """how long a transfer (转院) holds that has no end; 0: without end"""
    elsewhere_needs_filing: frozenset[CareKind] = frozenset()
    """kinds of care that are shared in another region (异地就医) only with a filing; others are
    shared without one, by the rows of the policy's tables for `filing` none"""
    mapping_check: MappingCheck = MappingCheck.OFF
    unmapped_item: UnmappedItem = UnmappedItem.ACCEPT
    doctor_check: DoctorCheck = DoctorCheck.OFF
    traces: TraceRules = TraceRules()
    """drug trace codes (药品追溯码)"""
    off_site: OffSiteRules = OffSiteRules()
    """filing of care outside the region (异地就医备案)"""
    mobile_plain: bool = True
    """mobile payment (移动支付) is also taken in the plain envelope of the interface"""
    cross_city: CrossCityRules = CrossCityRules()
    """clearing between the cities of the province (省内异地清分)"""
    elsewhere: ElsewhereRules = ANYWHERE
    """what care for people from other regions is cleared as (异地就医)"""
    closing: ClosingRules = ClosingRules()
    """closing of business days (日结)"""
    bills: BillRules = BillRules()
    """bills of payment channels (渠道账单)"""
    regional: RegionalRules = RegionalRules()
    accounts: AccountRules = AccountRules()
    """clearing with other regions (异地清算)"""
    payout: PayoutRules = PayoutRules()
    """paying institutions (拨付)"""
    fund_payers: Mapping[str, str] = {}
    """who owes what a fund pays, by fund_pay_type; all others are the agency's own"""
    payers: Mapping[str, str] = {}
    """what those payers (付款单位) are called"""
    reimbursement: ReimbursementRules = ReimbursementRules()
    """manual reimbursement (手工报销)"""
    channel_fees: FeeRules = FeeRules()
    """who bears what payment channels keep (渠道手续费)"""
    wire: Profile = BASELINE
    """what the region demands of the fields of the interface (接口字段)"""
    list_layouts: Mapping[str, ListLayout] = field(default_factory=lambda: LAYOUTS)
    """columns of the files of code lists (编码目录), by infno"""
    seals: SealRules = SealRules()
    """signed and encrypted bodies (国密)"""
    fund_total_includes_account: bool
    """how this region reports fund_pay_sumamt (NHSA money rule 6)"""

    @property
    def reads_mappings(self) -> bool:
        """Lines are held against the institution's mappings."""
        return (
            self.mapping_check is not MappingCheck.OFF
            or self.unmapped_item is not UnmappedItem.ACCEPT
        )
