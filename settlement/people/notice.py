"""What somebody is told when their account paid for a relative, or got it back (共济消息).

Made of the rows of `settlement.family_move`: the row is the message, written in the commit that
moved the money, so that neither is without the other. A list has it in full; what goes to a
telephone names no institution, and of numbers only the end (settlement/workers/family_messages.py).
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from ledger.money import yuan_text
from settlement.clock import local_time
from settlement.rows import MoveKind

_SHOWN_DIGITS = 4


class Notice(Struct, frozen=True, kw_only=True):
    """One message to whose account it is; `kind` is PAID or RETURNED."""

    entry_id: int
    kind: MoveKind
    moved_at: datetime
    psn_no: str
    patient_no: str
    institution: str
    setl_id: int
    amount_fen: int
    balance_fen: int

    @property
    def text_zh(self) -> str:
        """For the person."""
        paid = self.kind is MoveKind.PAID
        return (
            f"您的个人账户于{local_time(self.moved_at):%Y-%m-%d %H:%M}"
            f"{'为' if paid else '退回为'}亲属（尾号{self.patient_no[-_SHOWN_DIGITS:]}）"
            f"{'共济支付' if paid else '共济支付的'}{yuan_text(self.amount_fen)}元，"
            f"机构{self.institution}，结算号{self.setl_id}，"
            f"账户余额{yuan_text(self.balance_fen)}元。"
        )

    @property
    def short_zh(self) -> str:
        """For a telephone, which others may look at."""
        paid = self.kind is MoveKind.PAID
        return (
            f"您的个人账户{local_time(self.moved_at):%m月%d日%H:%M}"
            f"{'为' if paid else '退回为'}亲属（尾号{self.patient_no[-_SHOWN_DIGITS:]}）"
            f"{'共济支付' if paid else '共济支付的'}{yuan_text(self.amount_fen)}元，"
            f"账户余额{yuan_text(self.balance_fen)}元。"
        )

    @property
    def text_en(self) -> str:
        """The same in English."""
        paid = self.kind is MoveKind.PAID
        return (
            f"{local_time(self.moved_at):%Y-%m-%d %H:%M}: your account "
            f"{'paid' if paid else 'got back'} {yuan_text(self.amount_fen)} for a relative "
            f"(…{self.patient_no[-_SHOWN_DIGITS:]}) at {self.institution}, settlement "
            f"{self.setl_id}; balance {yuan_text(self.balance_fen)}."
        )
