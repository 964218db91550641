"""A trade at the simulated Alipay, and how it is told: the replies of the wire."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, field

from protocol.alipay import trade
from protocol.alipay.amounts import yuan
from protocol.alipay.times import text_of
from protocol.alipay.trade import TradeStatus

BUYER_ID, BUYER_LOGON_ID = "2088000000000001", "139******00"
"""One payer for all codes, visibly nobody."""


class Merchant(Struct, frozen=True, kw_only=True):
    """A merchant account."""

    app_id: str
    seller_id: str


class Refund(Struct, kw_only=True):
    """A refund that was carried out."""

    out_request_no: str
    amount_fen: int
    at: datetime


class Trade(Struct, kw_only=True):
    """A trade, from the scan to its end."""

    merchant: Merchant
    out_trade_no: str
    trade_no: str
    subject: str
    amount_fen: int
    code: str
    made_at: datetime
    notify_url: str
    details: dict[str, str]
    """store, terminal and operator, as the bill shows them"""
    status: TradeStatus = TradeStatus.WAIT_BUYER_PAY
    paid_at: datetime | None = None
    cancelled: str = ""
    """by a cancel: what it did"""
    refunds: list[Refund] = field(default_factory=list)
    is_ghost: bool = False
    is_phantom: bool = False

    @property
    def refunded_fen(self) -> int:
        """Over all refunds."""
        return sum(refund.amount_fen for refund in self.refunds)

    @property
    def is_paid(self) -> bool:
        """Whether the payer's money is or was here."""
        return self.paid_at is not None


def paid(made: Trade) -> trade.PayReply:
    """It was collected."""
    amount = yuan(made.amount_fen)
    return trade.PayReply(
        code=trade.DONE, msg="Success", trade_no=made.trade_no, out_trade_no=made.out_trade_no,
        buyer_logon_id=BUYER_LOGON_ID, buyer_user_id=BUYER_ID, total_amount=amount,
        receipt_amount=amount, buyer_pay_amount=amount, invoice_amount=amount, point_amount="0.00",
        gmt_payment=text_of(made.paid_at) if made.paid_at else None,
        fund_bill_list=funds(amount),
    )  # fmt: skip


def funds(amount: str) -> list[trade.FundBill]:
    """From where the payer paid."""
    return [trade.FundBill(fund_channel="ALIPAYACCOUNT", amount=amount)]


def waiting(made: Trade) -> trade.PayReply:
    """The payer has to confirm."""
    return trade.PayReply(
        code=trade.WAITING, msg="order success pay inprocess", trade_no=made.trade_no,
        out_trade_no=made.out_trade_no, buyer_logon_id=BUYER_LOGON_ID, buyer_user_id=BUYER_ID,
        total_amount=yuan(made.amount_fen), receipt_amount="0.00",
    )  # fmt: skip


def pay_refused(sub_code: str) -> trade.PayReply:
    """No payment, and why (without prefix)."""
    return trade.PayReply(
        code=trade.REFUSED, msg="Business Failed", sub_code=f"ACQ.{sub_code}", sub_msg=sub_code,
        buyer_pay_amount="0.00", receipt_amount="0.00", invoice_amount="0.00", point_amount="0.00",
    )  # fmt: skip


def cancelled(found: Trade, action: str) -> trade.CancelReply:
    """What the cancel did."""
    return trade.CancelReply(
        code=trade.DONE, msg="Success", trade_no=found.trade_no, out_trade_no=found.out_trade_no,
        retry_flag="N", action=action,
    )  # fmt: skip


def cancel_refused(found: Trade, sub_code: str) -> trade.CancelReply:
    """No cancel, and why."""
    return trade.CancelReply(
        code=trade.REFUSED, msg="Business Failed", sub_code=f"ACQ.{sub_code}", sub_msg=sub_code,
        trade_no=found.trade_no, out_trade_no=found.out_trade_no, retry_flag="N",
    )  # fmt: skip


def refunded(found: Trade, made: Refund, *, moved: bool) -> trade.RefundReply:
    """A refund; `moved` where this very call moved the money."""
    return trade.RefundReply(
        code=trade.DONE, msg="Success", trade_no=found.trade_no, out_trade_no=found.out_trade_no,
        buyer_logon_id=BUYER_LOGON_ID, buyer_user_id=BUYER_ID, fund_change="Y" if moved else "N",
        refund_fee=yuan(found.refunded_fen), send_back_fee=yuan(made.amount_fen if moved else 0),
        gmt_refund_pay=text_of(made.at),
    )  # fmt: skip


def refund_refused(asked: trade.RefundRequest, sub_code: str) -> trade.RefundReply:
    """No refund, and why."""
    return trade.RefundReply(
        code=trade.REFUSED, msg="Business Failed", sub_code=f"ACQ.{sub_code}", sub_msg=sub_code,
        out_trade_no=asked.out_trade_no, refund_fee="0.00", send_back_fee="0.00",
    )  # fmt: skip


def shown(found: Trade) -> trade.QueryReply:
    """A trade as it stands."""
    amount = yuan(found.amount_fen)
    received = amount if found.is_paid else "0.00"
    return trade.QueryReply(
        code=trade.DONE, msg="Success", trade_no=found.trade_no, out_trade_no=found.out_trade_no,
        trade_status=found.status, total_amount=amount, receipt_amount=received,
        buyer_pay_amount=received, invoice_amount=received, point_amount="0.00",
        buyer_logon_id=BUYER_LOGON_ID, buyer_user_id=BUYER_ID,
        send_pay_date=text_of(found.paid_at) if found.paid_at else None,
        fund_bill_list=funds(received) if found.is_paid else None,
    )  # fmt: skip


def not_known(out_trade_no: str) -> trade.QueryReply:
    """There is no such trade."""
    return trade.QueryReply(
        code=trade.REFUSED, msg="Business Failed", sub_code="ACQ.TRADE_NOT_EXIST",
        sub_msg="交易不存在", out_trade_no=out_trade_no,
    )  # fmt: skip
