"""Paying an institution (拨付定点机构): what becomes of a period with it, and what moves the money.

A *period* is an institution and some business days, a month unless the region says otherwise. What
it owes is fixed when it is stated; deductions, deposits, prepayments and differences of the way of
payment are *adjustments*, each with its source; what is left is confirmed, ordered from the bank,
and paid, or comes back and is ordered again (DOMAIN 2, 3, 11).

Pure. A period is a list of steps, none of which is ever changed; its state is folded from them by
one table (docs/operating/payouts.md draws it).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import IntEnum, StrEnum

from msgspec import Struct

from ledger.entry import Transfer
from settlement import chart
from settlement.chart import EntryCode, InstitutionAccount


class State(StrEnum):
    """Where a period is (拨付状态)."""

    OPEN = "open"
    STATED = "stated"
    """what it owes is fixed"""
    ADJUSTED = "adjusted"
    """something was deducted, withheld, offset or added since"""
    CONFIRMED = "confirmed"
    """what is to be paid is fixed, too"""
    ORDERED = "ordered"
    """the bank was told to pay"""
    PAID = "paid"
    RETURNED = "returned"
    """the bank sent it back (退汇): it is owed again"""
    CLOSED = "closed"


STATE_ZH: Mapping[State, str] = {
    State.OPEN: "未申报", State.STATED: "已核定", State.ADJUSTED: "已调整",
    State.CONFIRMED: "已确认", State.ORDERED: "已下达", State.PAID: "已拨付",
    State.RETURNED: "已退汇", State.CLOSED: "已关闭",
}  # fmt: skip


class Act(IntEnum):
    """What moves a period on. The numbers are kept in rows."""

    STATE = 1
    ADJUST = 2
    """an adjustment was confirmed by a second person and booked"""
    CONFIRM = 3
    PROPOSE = 4
    """one person proposes the order to the bank"""
    ORDER = 5
    """another person orders it: it is booked"""
    PAY = 6
    """the bank has paid"""
    RETURN = 7
    """the bank sent it back"""
    CLOSE = 8


ACT_ZH: Mapping[Act, str] = {
    Act.STATE: "核定", Act.ADJUST: "调整", Act.CONFIRM: "确认", Act.PROPOSE: "提出拨付",
    Act.ORDER: "下达拨付", Act.PAY: "银行付讫", Act.RETURN: "退汇", Act.CLOSE: "关闭",
}  # fmt: skip

AFTER: Mapping[tuple[State, Act], State] = {
    (State.OPEN, Act.STATE): State.STATED,
    (State.STATED, Act.ADJUST): State.ADJUSTED,
    (State.STATED, Act.CONFIRM): State.CONFIRMED,
    (State.ADJUSTED, Act.ADJUST): State.ADJUSTED,
    (State.ADJUSTED, Act.CONFIRM): State.CONFIRMED,
    (State.CONFIRMED, Act.PROPOSE): State.CONFIRMED,
    (State.CONFIRMED, Act.ORDER): State.ORDERED,
    (State.CONFIRMED, Act.CLOSE): State.CLOSED,
    (State.ORDERED, Act.PAY): State.PAID,
    (State.ORDERED, Act.RETURN): State.RETURNED,
    (State.PAID, Act.RETURN): State.RETURNED,
    (State.PAID, Act.CLOSE): State.CLOSED,
    (State.RETURNED, Act.PROPOSE): State.RETURNED,
    (State.RETURNED, Act.ORDER): State.ORDERED,
    (State.CLOSED, Act.RETURN): State.RETURNED,
}
"""Every act that a state takes; all others are refused. Only a payment that comes back leaves
CLOSED: the bank does not ask. A confirmed period is closed without a payment only where it comes to
nothing, or to less (`refuses_amount`); of such a one there is no order that could come back."""

_AFTER: Mapping[tuple[State, int], State] = {
    (state, int(act)): after for (state, act), after in AFTER.items()
}

BOOKING = frozenset({Act.ADJUST, Act.ORDER, Act.PAY, Act.RETURN})
"""Acts that book; an adjustment's entry is named by the adjustment."""


class Amounts(Struct, frozen=True):
    """What is owed by funds, and by personal accounts."""

    fund_fen: int = 0
    account_fen: int = 0

    @property
    def total_fen(self) -> int:
        """Both."""
        return self.fund_fen + self.account_fen

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(self.fund_fen + other.fund_fen, self.account_fen + other.account_fen)


NONE = Amounts()


class Period(Struct, frozen=True, kw_only=True):
    """Some business days of an institution."""

    institution: str
    first_on: date
    last_on: date


class Step(Struct, frozen=True, kw_only=True):
    """One act, as kept."""

    step_no: int
    act: Act
    at: datetime
    booked_on: date
    """business day"""
    actor: str
    amounts: Amounts
    reference: str
    """number of the order, or the bank's"""
    reason: str
    bank_account: int = 0
    """of an order: which of the institution's bank accounts, by its step"""
    entry_id: int | None = None
    """what it booked"""


class Standing(Struct, frozen=True, kw_only=True):
    """A period as it stands."""

    state: State
    confirmed: Step | None = None
    proposal: Step | None = None
    """of an order, since the period was confirmed or the last order came back"""
    order: Step | None = None
    """the last order"""
    orders: int = 0
    last: Step | None = None


class NotPossibleError(Exception):
    """Steps that the table does not allow: rows that nobody of us wrote."""


def standing(steps: Iterable[Step]) -> Standing:
    """Fold the steps of a period, in their order."""
    now = Standing(state=State.OPEN)
    for step in steps:
        after = AFTER.get((now.state, step.act))
        if after is None:
            raise NotPossibleError(f"step {step.step_no}: {step.act.name} of {now.state.value}")
        ordered = step.act is Act.ORDER
        now = Standing(
            state=after,
            confirmed=step if step.act is Act.CONFIRM else now.confirmed,
            proposal=step if step.act is Act.PROPOSE else None if ordered else now.proposal,
            order=step if ordered else now.order,
            orders=now.orders + ordered,
            last=step,
        )
    return now


def state_after(acts: Iterable[int]) -> State:
    """Where a period is after acts, in order: `standing`, of many, where that is enough."""
    state = State.OPEN
    for act in acts:
        after = _AFTER.get((state, act))
        if after is None:
            raise NotPossibleError(f"{Act(act).name} of {state.value}")
        state = after
    return state


def refuses_amount(now: Standing, act: Act) -> bool:
    """Whether the amount forbids an act that the state takes: less than one fen is not ordered,
    more than nothing is not closed unpaid."""
    total_fen = 0 if now.confirmed is None else now.confirmed.amounts.total_fen
    if act in (Act.PROPOSE, Act.ORDER):
        return total_fen <= 0
    return act is Act.CLOSE and now.state is State.CONFIRMED and total_fen > 0


class Kind(IntEnum):
    """Kinds of adjustments (拨付调整). The numbers are kept in rows."""

    DEDUCTION = 1
    """审核扣款"""
    DEPOSIT = 2
    """质保金预留: withheld, a debt of ours"""
    DEPOSIT_RETURN = 3
    """质保金返还"""
    DEPOSIT_FORFEIT = 4
    """质保金不予返还: into the reward pool"""
    REWARD = 5
    """质保金奖励: out of the pool"""
    PREPAID = 6
    """预付: given in advance out of the bank, by its voucher"""
    PREPAID_USED = 7
    """预付抵扣"""
    SURPLUS = 8
    """结余留用: the way of payment gives the institution more than its claims"""
    OVERRUN = 9
    """超支分担: it gives less"""
    REPAID = 10
    """欠款缴回: an institution that owes us pays it into our bank, by the bank's voucher"""


KIND_ZH: Mapping[Kind, str] = {
    Kind.DEDUCTION: "审核扣款", Kind.DEPOSIT: "质保金预留", Kind.DEPOSIT_RETURN: "质保金返还",
    Kind.DEPOSIT_FORFEIT: "质保金不予返还", Kind.REWARD: "质保金奖励", Kind.PREPAID: "预付",
    Kind.PREPAID_USED: "预付抵扣", Kind.SURPLUS: "结余留用", Kind.OVERRUN: "超支分担",
    Kind.REPAID: "欠款缴回",
}  # fmt: skip
WORD: Mapping[str, Kind] = {kind.name.lower().replace("_", "-"): kind for kind in Kind}
"""As commands and files name them."""
SIGN: Mapping[Kind, int] = {
    Kind.DEDUCTION: -1, Kind.DEPOSIT: -1, Kind.DEPOSIT_RETURN: 1, Kind.DEPOSIT_FORFEIT: 0,
    Kind.REWARD: 1, Kind.PREPAID: 0, Kind.PREPAID_USED: -1, Kind.SURPLUS: 1, Kind.OVERRUN: -1,
    Kind.REPAID: 1,
}  # fmt: skip
"""What each does to what is paid."""
CODE: Mapping[Kind, EntryCode] = {
    Kind.DEDUCTION: EntryCode.PAYOUT_DEDUCTED,
    Kind.DEPOSIT: EntryCode.QUALITY_DEPOSIT,
    Kind.DEPOSIT_RETURN: EntryCode.QUALITY_DEPOSIT_ENDED,
    Kind.DEPOSIT_FORFEIT: EntryCode.QUALITY_DEPOSIT_ENDED,
    Kind.REWARD: EntryCode.QUALITY_DEPOSIT_ENDED,
    Kind.PREPAID: EntryCode.INSTITUTION_PREPAID,
    Kind.PREPAID_USED: EntryCode.PREPAYMENT_USED,
    Kind.SURPLUS: EntryCode.PAYMENT_METHOD_DIFFERENCE,
    Kind.OVERRUN: EntryCode.PAYMENT_METHOD_DIFFERENCE,
    Kind.REPAID: EntryCode.INSTITUTION_REPAID,
}


class Adjustment(Struct, frozen=True, kw_only=True):
    """One adjustment of a period, as kept: proposed, then booked or withdrawn."""

    number: int
    """from 1 in each period"""
    kind: Kind
    amount_fen: int
    """never negative"""
    source: str
    """number of the document that it follows from"""
    note: str
    batch: bytes
    """digest of the file or the typed row that it came in"""
    proposed_by: str
    setl_id: int | None = None
    """the settlement that it is about; None where it is about the period"""
    ended_by: str = ""
    booked: bool = False
    entry_id: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether nobody has confirmed or withdrawn it."""
        return not self.ended_by


def case_text(one: Adjustment) -> str:
    """The settlement that an adjustment is about, as reports add it; empty where there is none."""
    return "" if one.setl_id is None else f" 结算 {one.setl_id}"


def effect(adjustments: Iterable[Adjustment]) -> Amounts:
    """What booked adjustments do to what is paid: all of it to the part of the funds."""
    return Amounts(sum(SIGN[one.kind] * one.amount_fen for one in adjustments if one.booked))


def carried(before: Sequence[Step]) -> Amounts:
    """What the period before leaves to this one: an institution that owes us is not paid until its
    debt is set off (应收定点机构)."""
    confirmed = standing(before).confirmed
    if confirmed is None or confirmed.amounts.total_fen > 0:
        return NONE
    return confirmed.amounts


def adjustment_transfers(kind: Kind, amount_fen: int, base: int) -> tuple[Transfer, ...]:
    """What an adjustment books; `base` is the first of the institution's accounts."""
    payable = base + InstitutionAccount.PAYABLE_FUNDS
    deposit = base + InstitutionAccount.QUALITY_DEPOSIT
    prepaid = base + InstitutionAccount.PREPAID
    debit, credit = {
        Kind.DEDUCTION: (payable, chart.AUDIT_DEDUCTIONS),
        Kind.DEPOSIT: (payable, deposit),
        Kind.DEPOSIT_RETURN: (deposit, payable),
        Kind.DEPOSIT_FORFEIT: (deposit, chart.DEPOSIT_POOL),
        Kind.REWARD: (chart.DEPOSIT_POOL, payable),
        Kind.PREPAID: (prepaid, chart.PAYOUT_BANK),
        Kind.PREPAID_USED: (payable, prepaid),
        Kind.SURPLUS: (chart.METHOD_DIFFERENCES, payable),
        Kind.OVERRUN: (payable, chart.METHOD_DIFFERENCES),
        Kind.REPAID: (chart.PAYOUT_BANK, payable),
    }[kind]
    return (Transfer(debit, credit, amount_fen),) if amount_fen else ()


def order_transfers(amounts: Amounts, base: int) -> tuple[Transfer, ...]:
    """An order takes both payables to the bank's way; the negative one of them, the other way."""
    return tuple(
        Transfer(account, chart.PAYOUT_UNDER_WAY, fen) if fen > 0
        else Transfer(chart.PAYOUT_UNDER_WAY, account, -fen)
        for account, fen in (
            (base + InstitutionAccount.PAYABLE_FUNDS, amounts.fund_fen),
            (base + InstitutionAccount.PAYABLE_ACCOUNTS, amounts.account_fen),
        )
        if fen
    )  # fmt: skip


def paid_transfers(amounts: Amounts) -> tuple[Transfer, ...]:
    """The bank has paid an order."""
    return (Transfer(chart.PAYOUT_UNDER_WAY, chart.PAYOUT_BANK, amounts.total_fen),)


def returned_transfers(amounts: Amounts, base: int, *, was_paid: bool) -> tuple[Transfer, ...]:
    """It came back: into the bank where it had left it, and it is owed again."""
    source = chart.PAYOUT_BANK if was_paid else chart.PAYOUT_UNDER_WAY
    return tuple(
        Transfer(source, leg.debit, leg.amount_fen) if leg.credit == chart.PAYOUT_UNDER_WAY
        else Transfer(leg.credit, source, leg.amount_fen)
        for leg in order_transfers(amounts, base)
    )  # fmt: skip


def order_no(period: Period, orders: int) -> str:
    """The number of a period's next order, which the bank repeats."""
    return f"{period.institution}-{period.first_on:%Y%m%d}-{orders + 1}"
