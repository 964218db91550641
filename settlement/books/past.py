"""Balances as they once were, and statements of accounts (余额查询, 账户明细).

Pure. A personal account is read backwards from what it has now, because only what came since needs
to be looked at; any other account forwards from a fold. Amounts are fen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from msgspec import Struct

from ledger.account import Balance
from settlement.chart import EntryCode


class Line(Struct, frozen=True, kw_only=True, order=True, gc=False):
    """What one entry did to an account; in the order of booking."""

    booked_at: datetime
    block_no: int
    ordinal: int
    lane: int
    entry_id: int
    business_day: date
    code: int
    kind: int
    institution: str
    debits: int
    credits: int
    debits_pending: int
    credits_pending: int


CODE_ZH = {
    EntryCode.SETTLEMENT: "结算", EntryCode.CANCEL: "结算撤销", EntryCode.REVERSAL: "冲正",
    EntryCode.FAMILY_HELD: "共济冻结", EntryCode.FAMILY_PAID: "共济支付",
    EntryCode.FAMILY_RELEASED: "共济解冻", EntryCode.FAMILY_RETURNED: "共济退回",
    EntryCode.ACCOUNT_CONTRIBUTION: "划入", EntryCode.PAYABLE_CARRIED: "期初应付",
    EntryCode.SETTLEMENT_CARRIED: "期初可撤销结算", EntryCode.HOLD: "支付预占",
    EntryCode.REST_COLLECTED: "异地余款收取",
    EntryCode.PLAIN_SALE: "自费", EntryCode.COLLECTED: "渠道收款", EntryCode.OWED_BACK: "待退款",
    EntryCode.GIVEN_BACK: "退款", EntryCode.GIVEN_BACK_BY_HAND: "线下退款",
    EntryCode.DEPOSIT: "预交金", EntryCode.DEPOSIT_HANDED_BACK: "预交金退现",
    EntryCode.MOBILE_COLLECTED: "移动支付收款", EntryCode.MOBILE_GIVEN_BACK: "移动支付退款",
    EntryCode.MOBILE_HOLD: "移动支付预占", EntryCode.ACCOUNT_TAKEN_OUT: "个人账户转出",
    EntryCode.ACCOUNT_PAID_OUT: "转出付讫", EntryCode.ACCOUNT_PUT_BACK: "转出退汇",
    EntryCode.ACCOUNT_TAKEN_IN: "个人账户转入", EntryCode.ACCOUNT_SENT_BACK: "转入退回",
    EntryCode.REGION_HOLD: "异地预占", EntryCode.TREATED_ELSEWHERE: "异地就医支付",
    EntryCode.REGION_CLEARED: "异地清算", EntryCode.REGION_PREPAID: "异地预付金",
    EntryCode.CHANNEL_FEE: "渠道手续费", EntryCode.CHANNEL_FEE_CORRECTED: "手续费更正",
    EntryCode.FUND_PAYER_OWES: "应由付款单位承担", EntryCode.FUND_PAYER_PAID: "付款单位拨入",
}  # fmt: skip
"""What entries are for, as people read it; a code that is not here is shown as its number."""
KIND_ZH = {2: "（冻结）", 4: "（解冻）"}


def what_for(line: Line) -> str:
    """What an entry stands for."""
    known = {int(code): text for code, text in CODE_ZH.items()}
    return known.get(line.code, f"业务 {line.code}") + KIND_ZH.get(line.kind, "")


def plus(balance: Balance, lines: Iterable[Line]) -> Balance:
    """A balance after some entries."""
    return _moved(balance, lines, 1)


def minus(balance: Balance, lines: Iterable[Line]) -> Balance:
    """A balance before some entries."""
    return _moved(balance, lines, -1)


def parted(lines: Sequence[Line], first: date, last: date) -> tuple[list[Line], list[Line]]:
    """Those of business days from one to another, in order; and those since the first."""
    since = [line for line in lines if line.business_day >= first]
    return sorted(line for line in since if line.business_day <= last), since


def since(lines: Iterable[Line], at: datetime) -> list[Line]:
    """Those that were booked after an instant."""
    return [line for line in lines if line.booked_at > at]


def _moved(balance: Balance, lines: Iterable[Line], sign: int) -> Balance:
    debits = credits = debits_pending = credits_pending = 0
    for line in lines:
        debits += line.debits
        credits += line.credits
        debits_pending += line.debits_pending
        credits_pending += line.credits_pending
    return Balance(
        debits_fen=balance.debits_fen + sign * debits,
        credits_fen=balance.credits_fen + sign * credits,
        debits_pending_fen=balance.debits_pending_fen + sign * debits_pending,
        credits_pending_fen=balance.credits_pending_fen + sign * credits_pending,
    )
