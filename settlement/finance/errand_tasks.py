"""What a page may order (finance/errands.py): a closed set, each with what it needs to be told."""

from __future__ import annotations

from datetime import date
from typing import Literal

from msgspec import Struct

from settlement.bank_account import BankAccount
from settlement.books.money_in import Subject
from settlement.books.payout_intake import Asked
from settlement.elsewhere.regional_clearing import Side
from settlement.serve.regional_ending import EndingAct

PayoutAct = Literal["state", "confirm", "propose", "order", "close"]
ReimbursementAct = Literal[
    "calculate", "confirm", "refuse", "propose", "order", "ask-cancel", "cancel"
]
RegionAct = Literal[
    "object", "withdraw", "postpone", "confirm", "send", "notify", "propose", "settle", "close"
]
PrepaidOrder = Literal["quota", "in", "back"]


class MonthTask(Struct, frozen=True, kw_only=True, tag="month"):
    """An act on a month."""

    month: date
    act: str
    confirm: bool = False


class DaysTask(Struct, frozen=True, kw_only=True, tag="days"):
    """The days up to one are closed."""

    day: date


class PayoutTask(Struct, frozen=True, kw_only=True, tag="payout"):
    """A step of the periods with institutions that begin on a day: of one, or of all."""

    first_on: date
    act: PayoutAct
    institution: str | None = None


class AdjustTask(Struct, frozen=True, kw_only=True, tag="adjust"):
    """Adjustments are proposed."""

    first_on: date
    rows: tuple[Asked, ...]


class BatchTask(Struct, frozen=True, kw_only=True, tag="batch"):
    """Adjustments that somebody else proposed are booked."""

    first_on: date
    digest: bytes


class WithdrawTask(Struct, frozen=True, kw_only=True, tag="withdraw"):
    """An adjustment that was proposed is taken back."""

    first_on: date
    institution: str
    number: int


class AccountTask(Struct, frozen=True, kw_only=True, tag="account"):
    """Where an institution is paid to: proposed, or confirmed by typing the same."""

    institution: str
    account: BankAccount
    confirm: bool


class AdjustFileTask(Struct, frozen=True, kw_only=True, tag="adjust-file"):
    """A file of adjustments is proposed."""

    first_on: date
    file: str
    """its digest"""


class DepositsTask(Struct, frozen=True, kw_only=True, tag="deposits"):
    """Deposits come to their end by a file of a year's scores: proposed as adjustments."""

    first_on: date
    file: str
    source: str
    """the document"""


class BankTask(Struct, frozen=True, kw_only=True, tag="bank"):
    """A bank statement is read in, or booked."""

    file: str
    confirm: bool


class MoneyTask(Struct, frozen=True, kw_only=True, tag="money"):
    """A file of money in is checked, or proposed."""

    subject: Subject
    month: date
    file: str
    propose: bool


class InterestTask(Struct, frozen=True, kw_only=True, tag="interest"):
    """A year's interest on accounts is computed, as a file to propose."""

    year: int
    rate_bp: int | None = None
    """instead of the region's, basis points a year"""


class MoneyFileTask(Struct, frozen=True, kw_only=True, tag="money-file"):
    """A file that was proposed is confirmed and booked, or rejected."""

    subject: Subject
    file_no: int
    confirm: bool


class PapersTask(Struct, frozen=True, kw_only=True, tag="papers"):
    """Papers that a person brings are taken in, or those of a reimbursement entered anew."""

    file: str
    """its digest"""
    number: int | None = None
    """whose papers are entered anew; None to take papers in"""
    matter_no: int = 0
    """the receipt of what was told in advance; 0 for none"""


class ReimburseTask(Struct, frozen=True, kw_only=True, tag="reimburse"):
    """A step of one reimbursement; of payments also of all that are ready."""

    act: ReimbursementAct
    number: int | None = None


class PersonAccountTask(Struct, frozen=True, kw_only=True, tag="person-account"):
    """A reimbursement is paid to another bank account."""

    number: int
    account: BankAccount


class BillTask(Struct, frozen=True, kw_only=True, tag="bill"):
    """A channel's bill is proven, or also kept. What is empty the file says itself."""

    file: str
    channel: str = ""
    merchant: str = ""
    day: date | None = None
    keep: bool = False


class InstitutionFileTask(Struct, frozen=True, kw_only=True, tag="institution-file"):
    """What an institution says that it settled is proven, or also kept and matched."""

    file: str
    """its digest"""
    institution: str
    first: date
    last: date
    keep: bool = False


class RegionStateTask(Struct, frozen=True, kw_only=True, tag="region-state"):
    """What other regions owe us for a month is stated, or it is only said what that comes to."""

    month: date
    party: str | None
    """None for all of which there are rows"""
    keep: bool


class RegionTakeTask(Struct, frozen=True, kw_only=True, tag="region-take"):
    """What the other side sent about a month is taken, or it is only said what that comes to."""

    month: date
    file: str
    """its digest"""
    keep: bool


class RegionTask(Struct, frozen=True, kw_only=True, tag="region"):
    """A step of a month with another region."""

    month: date
    party: str
    side: Side
    act: RegionAct
    seen: int
    """how many steps whoever orders it has seen"""
    cases: tuple[str, ...] = ()
    """of object, withdraw and postpone"""
    months: int = 0
    """of postpone"""
    reference: str = ""
    """the number of a notice, or of the bank's voucher"""
    amount_fen: int = 0
    """of a notice"""


class PrepaidTask(Struct, frozen=True, kw_only=True, tag="region-prepaid"):
    """The quota of a year, or money in advance: proposed, or confirmed by saying the same."""

    party: str
    side: Side
    act: PrepaidOrder
    year: int = 0
    """of a quota"""
    amount_fen: int = 0
    reference: str = ""
    """the number of the bank's voucher"""
    confirm: bool = False
    keep: bool = True
    """False: it is only said what it comes to"""


class RegionDayTask(Struct, frozen=True, kw_only=True, tag="region-day"):
    """Differences of a day with another region are to end: proposed, sent back or confirmed."""

    region: str
    side: Side
    day: date
    act: EndingAct
    cases: tuple[str, ...]


Adjusting = (
    AdjustTask | AdjustFileTask | DepositsTask | BatchTask | WithdrawTask | AccountTask | BankTask
)
Reimbursing = PapersTask | ReimburseTask | PersonAccountTask
Clearing = RegionStateTask | RegionTakeTask | RegionTask | PrepaidTask | RegionDayTask
Task = (
    MonthTask | DaysTask | PayoutTask | Adjusting | MoneyTask | MoneyFileTask | Reimbursing
    | BillTask | InstitutionFileTask | InterestTask | Clearing
)
