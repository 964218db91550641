"""Manual reimbursement (手工报销, 零星报销): what becomes of papers that a person brings, and what
moves the money (DOMAIN 29, ADR 0044).

The person paid the institution and brings the invoice and its lines. The engine of every settlement
decides what funds and the own account pay of it, and that is owed to the person. One person of the
agency enters the papers, another one confirms what was calculated, which books it; the bank pays by
an order of two people, or sends it back.

Pure. A reimbursement is a list of steps, none of which is ever changed; its state is folded from
them by one table (docs/operating/reimbursing.md draws it).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import IntEnum, StrEnum
from hashlib import sha256

import msgspec
from msgspec import Struct

from ledger.entry import Transfer
from settlement.bank_account import BankAccount
from settlement.books.payout import Amounts
from settlement.chart import PAYOUT_BANK, ReimbursementAccount
from settlement.claim import Claim
from settlement.rows import SettlementRow
from settlement.rows import commitment as row_commitment

INFNO = "REIMB"
"""`infno` of such settlement rows: no transaction of the interface made them"""


class State(StrEnum):
    """Where a reimbursement is (报销状态)."""

    NEW = "new"
    ACCEPTED = "accepted"
    CALCULATED = "calculated"
    SETTLED = "settled"
    """it is booked: the person's year has it, and what is paid is owed"""
    ORDERED = "ordered"
    PAID = "paid"
    RETURNED = "returned"
    """the bank sent it back (退汇): it is owed again"""
    REFUSED = "refused"
    CANCELLED = "cancelled"
    """it was taken back after it was booked"""


STATE_ZH: Mapping[State, str] = {
    State.NEW: "未受理", State.ACCEPTED: "已受理", State.CALCULATED: "已核算",
    State.SETTLED: "已复核", State.ORDERED: "已下达", State.PAID: "已拨付",
    State.RETURNED: "已退汇", State.REFUSED: "不予报销", State.CANCELLED: "已撤销",
}  # fmt: skip
ENDED = frozenset({State.PAID, State.REFUSED, State.CANCELLED})
"""States in which nothing is waited for."""


class Act(IntEnum):
    """What moves a reimbursement on. The numbers are kept in rows."""

    ACCEPT = 1
    AMEND = 2
    """the papers are entered anew, before anything is booked"""
    CALCULATE = 3
    CONFIRM = 4
    """another person confirms what was calculated: it is booked"""
    REFUSE = 5
    PROPOSE = 6
    """one person proposes the order to the bank"""
    ORDER = 7
    """another person orders it: it is booked"""
    PAY = 8
    RETURN = 9
    ACCOUNT = 10
    """another bank account of the person is entered"""
    ASK_CANCEL = 11
    """one person asks for it to be taken back"""
    CANCEL = 12
    """another one takes it back: booked"""


ACT_ZH: Mapping[Act, str] = {
    Act.ACCEPT: "受理", Act.AMEND: "更正材料", Act.CALCULATE: "核算", Act.CONFIRM: "复核记账",
    Act.REFUSE: "不予报销", Act.PROPOSE: "提出拨付", Act.ORDER: "下达拨付", Act.PAY: "银行付讫",
    Act.RETURN: "退汇", Act.ACCOUNT: "更换收款账户", Act.ASK_CANCEL: "提出撤销",
    Act.CANCEL: "撤销记账",
}  # fmt: skip

AFTER: Mapping[tuple[State, Act], State] = {
    (State.NEW, Act.ACCEPT): State.ACCEPTED,
    (State.ACCEPTED, Act.AMEND): State.ACCEPTED,
    (State.ACCEPTED, Act.CALCULATE): State.CALCULATED,
    (State.ACCEPTED, Act.REFUSE): State.REFUSED,
    (State.CALCULATED, Act.AMEND): State.ACCEPTED,
    (State.CALCULATED, Act.CALCULATE): State.CALCULATED,
    (State.CALCULATED, Act.CONFIRM): State.SETTLED,
    (State.CALCULATED, Act.REFUSE): State.REFUSED,
    (State.SETTLED, Act.PROPOSE): State.SETTLED,
    (State.SETTLED, Act.ORDER): State.ORDERED,
    (State.SETTLED, Act.ACCOUNT): State.SETTLED,
    (State.SETTLED, Act.ASK_CANCEL): State.SETTLED,
    (State.SETTLED, Act.CANCEL): State.CANCELLED,
    (State.ORDERED, Act.PAY): State.PAID,
    (State.ORDERED, Act.RETURN): State.RETURNED,
    (State.PAID, Act.RETURN): State.RETURNED,
    (State.RETURNED, Act.PROPOSE): State.RETURNED,
    (State.RETURNED, Act.ORDER): State.ORDERED,
    (State.RETURNED, Act.ACCOUNT): State.RETURNED,
    (State.RETURNED, Act.ASK_CANCEL): State.RETURNED,
    (State.RETURNED, Act.CANCEL): State.CANCELLED,
}
"""Every act that a state takes; all others are refused. What the bank was told to pay, or has paid,
is not taken back before it came back."""

BOOKING = frozenset({Act.CONFIRM, Act.ORDER, Act.PAY, Act.RETURN, Act.CANCEL})
_PAPERS = frozenset({Act.ACCEPT, Act.AMEND, Act.ACCOUNT})


class Papers(Struct, frozen=True, kw_only=True):
    """What a person brings (报销材料), as entered at the counter."""

    name: str
    """as the papers have it"""
    claim: Claim
    begins_on: date
    """of a stay: the admission"""
    ends_on: date
    """of a stay: the discharge"""
    invoice_no: str
    settlement_no: str
    """结算编号 on the institution's sheet, where it printed one; empty for none"""
    pay_to: BankAccount


class Filed(Struct, frozen=True, kw_only=True):
    """A reimbursement, and the newest papers of it, as far as they stand in clear."""

    lane: int
    number: int
    person_no: str
    matter_no: int
    """the online pre-acceptance that it came from; 0 for none"""
    paper_no: int
    """from 1; papers that are entered anew are a row of their own"""
    institution: str
    invoice_no: str
    total_fen: int
    begins_on: date
    ends_on: date
    entered_by: str
    digest: bytes
    """SHA-256 of the papers as they are kept, sealed"""


class Step(Struct, frozen=True, kw_only=True):
    """One act, as kept."""

    step_no: int
    act: Act
    at: datetime
    booked_on: date
    """business day"""
    paper_no: int
    """the papers that it is about, which name the bank account, too"""
    amounts: Amounts
    cash_fen: int
    """what stays with the person"""
    actor: str
    proposer: str
    """of an act of two people the other one"""
    reference: str
    """number of the settlement, of the order, or the bank's"""
    reason: str
    entry_id: int | None = None
    """what it booked"""


class Standing(Struct, frozen=True, kw_only=True):
    """A reimbursement as it stands."""

    state: State
    paper_no: int = 0
    entered_by: str = ""
    """of the newest papers"""
    calculated: Step | None = None
    """of these papers"""
    settled: Step | None = None
    proposal: Step | None = None
    """of an order, of this bank account"""
    order: Step | None = None
    """the last one"""
    orders: int = 0
    cancel: Step | None = None
    """who asked for it to be taken back, since it was last ordered"""
    last: Step | None = None


class NotPossibleError(Exception):
    """Steps that the table does not allow: rows that nobody of us wrote."""


def standing(steps: Iterable[Step]) -> Standing:
    """Fold the steps of a reimbursement, in their order."""
    now = Standing(state=State.NEW)
    for step in steps:
        after = AFTER.get((now.state, step.act))
        if after is None:
            raise NotPossibleError(f"step {step.step_no}: {step.act.name} of {now.state.value}")
        now = _stepped(now, step, after)
    return now


def _stepped(now: Standing, step: Step, after: State) -> Standing:
    act, papers, ordered = step.act, step.act in _PAPERS, step.act is Act.ORDER
    return Standing(
        state=after,
        paper_no=step.paper_no if papers else now.paper_no,
        entered_by=step.actor if papers else now.entered_by,
        calculated=step if act is Act.CALCULATE else None if papers else now.calculated,
        settled=step if act is Act.CONFIRM else now.settled,
        proposal=step if act is Act.PROPOSE else None if papers or ordered else now.proposal,
        order=step if ordered else now.order,
        orders=now.orders + ordered,
        cancel=step if act is Act.ASK_CANCEL else None if ordered else now.cancel,
        last=step,
    )


def order_transfers(amounts: Amounts) -> tuple[Transfer, ...]:
    """An order takes what is owed to the bank's way."""
    return tuple(
        Transfer(account, ReimbursementAccount.UNDER_WAY, fen)
        for account, fen in (
            (ReimbursementAccount.PAYABLE_FUNDS, amounts.fund_fen),
            (ReimbursementAccount.PAYABLE_ACCOUNTS, amounts.account_fen),
        )
        if fen
    )


def paid_transfers(amounts: Amounts) -> tuple[Transfer, ...]:
    """The bank has paid an order."""
    return (Transfer(ReimbursementAccount.UNDER_WAY, PAYOUT_BANK, amounts.total_fen),)


def returned_transfers(amounts: Amounts, *, was_paid: bool) -> tuple[Transfer, ...]:
    """It came back: into the bank where it had left it, and it is owed again."""
    source = PAYOUT_BANK if was_paid else ReimbursementAccount.UNDER_WAY
    return tuple(
        Transfer(source, leg.debit, leg.amount_fen) for leg in order_transfers(amounts)
    )


_ORDER_NO = re.compile(r"R(?P<number>[0-9]{19})-[1-9][0-9]{0,3}")


def order_no(number: int, orders: int) -> str:
    """The number of a reimbursement's next order, which the bank repeats."""
    return f"R{number}-{orders + 1}"


def number_in(order: str) -> int | None:
    """Whose order it is; None where it is nobody's."""
    told = _ORDER_NO.fullmatch(order)
    return None if told is None else int(told["number"])


def paper_record(lane: int, number: int, paper_no: int) -> bytes:
    """What sealed papers are bound to."""
    return b"reimbursement:%d:%d:%d" % (lane, number, paper_no)


def commitment(filed: Filed, step: Step, row: SettlementRow | None = None) -> bytes:
    """What the entry of a step commits to: the step, its papers, and the settlement row where it
    made one. settlement.reimbursement_commitment computes the same."""
    told = [
        filed.lane, step.entry_id, filed.number, filed.person_no, step.step_no, int(step.act),
        step.paper_no, step.amounts.fund_fen, step.amounts.account_fen, step.cash_fen,
        step.reference, step.proposer, step.actor, filed.institution, filed.invoice_no,
        filed.entered_by, filed.digest.hex(), "" if row is None else row_commitment(row).hex(),
    ]  # fmt: skip
    return sha256(b"\x13" + msgspec.json.encode(told)).digest()
