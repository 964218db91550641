"""Self-service of insured persons (参保人自助): what stands behind `/my/v1/…`.

Ours, not the national interface's. Amounts are text in yuan with two decimals, dates `2026-11-23`,
times the region's. Numbers of ours are text.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

RequestNo = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z_\-]+$")]
"""Chosen by the app; the same one again is the same request."""
Place = Annotated[str, Meta(pattern=r"^[1-9][0-9]{5}$")]
"""A region code: a province (510000), a city (510100) or a district."""
Phone = Annotated[str, Meta(max_length=20, pattern=r"^[0-9+\-]*$")]
Words = Annotated[str, Meta(max_length=200)]
PersonNo = Annotated[str, Meta(min_length=1, max_length=30, pattern=r"^[0-9A-Za-z]+$")]


class FilingRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /my/v1/filings`: file care outside the region."""

    request_no: RequestNo
    kind: Literal["retired", "resident", "posted", "referral", "emergency", "other"]
    place: Place
    begins_on: date | None = None
    """absent: today"""
    ends_on: date | None = None
    """absent: as the region lets such ones end; never of a long-term one"""
    reason: Words = ""
    phone: Phone = ""
    """where the person wants to be told"""


class TransferRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /my/v1/transfers`: have the personal account moved."""

    request_no: RequestNo
    direction: Literal["out", "in"]
    region: Place
    """where it goes, or comes from"""
    reason: Words = ""
    phone: Phone = ""


class ReimbursementRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /my/v1/reimbursements`: say what will be brought to be reimbursed (报销预受理)."""

    request_no: RequestNo
    institution: Annotated[str, Meta(pattern=r"^[A-Z][0-9]{11}$")]
    """who issued the invoice"""
    invoice_no: Annotated[str, Meta(pattern=r"^[0-9A-Z\-]{1,40}$")]
    total: Annotated[str, Meta(pattern=r"^[0-9]{1,10}\.[0-9]{2}$")]
    """of the invoice, yuan"""
    begins_on: date
    """of a stay: the admission"""
    ends_on: date
    reason: Words = ""
    phone: Phone = ""


class AuthorisationRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /my/v1/authorisations`: let somebody act, or ask to act for a ward."""

    request_no: RequestNo
    relation: Literal["relative", "ward"]
    agent_no: PersonNo
    """who is to act; of a ward the guardian, who sends it `for` the ward"""
    begins_on: date | None = None
    """absent: today"""
    ends_on: date
    phone: Phone = ""


class CancelMatterRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /my/v1/matters/{matter_no}/cancel`."""

    request_no: RequestNo
    note: Words = ""


class Step(Struct, frozen=True, kw_only=True):
    """One thing that happened to a matter (办理进度)."""

    what: str
    what_zh: str
    at: str
    by: Literal["self", "agent", "agency"]
    by_no: str
    """of an agent the person number; else empty"""
    note: str
    amount: str
    """what moved, yuan; empty where nothing did"""
    reference: str
    coverage_months: int


class MatterReply(Struct, frozen=True, kw_only=True):
    """A filing, authorisation or transfer, or papers told in advance, and how far it is (办件)."""

    matter_no: str
    kind: Literal["off_site", "authorisation", "transfer_out", "transfer_in", "reimbursement"]
    kind_zh: str
    state: str
    state_zh: str
    in_force: bool
    """a filing or an authorisation that holds today"""
    opened_at: str
    what: str
    """of a filing the kind; of an authorisation the relation; else empty"""
    what_zh: str
    place: str
    """where care is given, or where the account goes or comes from"""
    place_zh: str
    begins_on: str
    ends_on: str
    """empty: until it is changed"""
    agent_no: str
    reason: str
    locked_until: str
    """until when the person may not cancel it; empty where they may"""
    can_cancel: bool
    steps: tuple[Step, ...]


class MattersReply(Struct, frozen=True, kw_only=True):
    """Several of them, the newest first."""

    matters: tuple[MatterReply, ...]


class Reimbursement(Struct, frozen=True, kw_only=True):
    """Papers that the counter has, and how far they are (报销进度)."""

    reimbursement_no: str
    matter_no: str
    """the receipt that they were told by in advance; empty for none"""
    state: str
    state_zh: str
    institution: str
    institution_zh: str
    invoice_no: str
    total: str
    begins_on: str
    ends_on: str
    paid: str
    """what funds and the own account pay, yuan; empty until it is confirmed"""
    settlement_id: str
    """for why; empty until then"""
    updated_at: str


class ReimbursementsReply(Struct, frozen=True, kw_only=True):
    """`GET /my/v1/reimbursements`: what was told in advance, and what the counter has."""

    told: tuple[MatterReply, ...]
    reimbursements: tuple[Reimbursement, ...]


class Membership(Struct, frozen=True, kw_only=True):
    """Membership of a scheme (参保信息)."""

    scheme: str
    scheme_zh: str
    category: str
    category_zh: str
    state: Literal["normal", "suspended", "ended"]
    state_zh: str
    enrolled_on: str
    benefit_from: str
    region: str


class StatusReply(Struct, frozen=True, kw_only=True):
    """`GET /my/v1/status`: who the person is here."""

    person_no: str
    name: str
    """masked: the first character and as many stars as there are others"""
    acting_as: Literal["self", "relative", "ward"]
    region: str
    region_zh: str
    memberships: tuple[Membership, ...]
    balance: str
    """of the personal account, what may be spent now"""
    in_hospital: bool
    filings_in_force: int
    transferred_coverage_months: int
    """months of coverage that came with transfers in"""


class Settled(Struct, frozen=True, kw_only=True):
    """A settlement in a list (结算记录)."""

    settlement_id: str
    on: str
    institution: str
    institution_zh: str
    care_type: str
    care_type_zh: str
    total: str
    funds: str
    account: str
    """of the own account and relatives'"""
    cash: str
    hospital_borne: str
    cancelled: bool


class SettlementsReply(Struct, frozen=True, kw_only=True):
    """`GET /my/v1/settlements`: the newest first."""

    settlements: tuple[Settled, ...]
    more: bool
    """there are older ones, which are not listed"""


class Reason(Struct, frozen=True, kw_only=True):
    """One step of how a settlement came about."""

    text: str
    base: str
    ratio: str
    amount: str
    source: str


class Item(Struct, frozen=True, kw_only=True):
    """A fee line (费用明细) and how it was split."""

    name: str
    quantity: str
    amount: str
    full_self_pay: str
    over_ceiling: str
    pre_self_pay: str
    in_scope: str


class SettlementReply(Struct, frozen=True, kw_only=True):
    """`GET /my/v1/settlements/{id}`: how every fen came about."""

    settlement: Settled
    policy: str
    policy_zh: str
    policy_verified: bool
    recomputed: str
    """same: computing it again from what was kept gives the same fen"""
    reasons: tuple[Reason, ...]
    items: tuple[Item, ...]


class Movement(Struct, frozen=True, kw_only=True):
    """A movement of the personal account (账户收支)."""

    at: str
    """empty for what was there before"""
    what: str
    what_zh: str
    amount: str
    """negative: out of the account"""
    balance: str
    """after it"""
    settlement_id: str
    matter_no: str


class AccountReply(Struct, frozen=True, kw_only=True):
    """`GET /my/v1/account`: the newest movement first."""

    balance: str
    held: str
    """of it, held for a payment that is under way, and no part of the balance"""
    movements: tuple[Movement, ...]


class Principal(Struct, frozen=True, kw_only=True):
    """Somebody for whom one may act."""

    person_no: str
    name: str
    relation: str
    relation_zh: str
    ends_on: str


class AuthorisationsReply(Struct, frozen=True, kw_only=True):
    """`GET /my/v1/authorisations`: given by the person, and given to them."""

    given: tuple[MatterReply, ...]
    may_act_for: tuple[Principal, ...]


class RefusedReply(Struct, frozen=True, kw_only=True):
    """Why not."""

    err_code: str
    message: str
    field: str
    retry: str
