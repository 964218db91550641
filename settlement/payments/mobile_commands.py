"""What mobile payment asks of the settlement core (ADR 0032): as settlement/commands.py.

An order is uploaded by the commands of a visit, which its own one carries; so it is priced and
decided by the code of visits.
"""

from __future__ import annotations

from datetime import datetime

from settlement.commands import (
    Command,
    Credential,
    DescribeVisit,
    RegisterVisit,
    SettleVisit,
    UploadLines,
)
from settlement.payments.mobile_states import Happening


class UploadOrder(Command, frozen=True, kw_only=True, gc=False):
    """Fee lines of an order (费用明细上传): a visit, what it was about, its lines."""

    order_no: str
    """medOrgOrd"""
    register: RegisterVisit | None
    """None: the order is for a visit that was registered before"""
    describe: DescribeVisit
    upload: UploadLines
    quote: SettleVisit
    same_order: bool
    """False: the lines name another person, batch or care type than the order"""


class OrderCommand(Command, frozen=True, kw_only=True, gc=False):
    """Base of what concerns one order: its number, and what proves that one knows it."""

    order_no: int
    pay_token: str


class PlaceOrder(OrderCommand, frozen=True, kw_only=True, gc=False):
    """The payer agrees (支付下单)."""

    credential: Credential
    """what the payer agreed with: payAuthNo, or the code of the e-credential"""
    authorisation_key: bytes
    """under which its one use is kept"""
    mdtrt_id: int
    batch_no: str
    """empty where it is not repeated"""
    wallet: str
    """who will confirm; empty: the order itself is the confirmation"""
    collected_by: str = ""
    """the channel at which the agency's merchant collects the own part (平台代收); empty where the
    institution or its own merchant does"""


class ConfirmOrder(OrderCommand, frozen=True, kw_only=True, gc=False):
    """A wallet's request to settle the insurance part: the payer has paid there (混合支付)."""

    wallet: str
    wallet_order_no: str
    split_fen: tuple[int, int, int, int]
    """total, funds, account, own part, as the payer saw them"""


class CloseOrder(OrderCommand, frozen=True, kw_only=True, gc=False):
    """An order that is not paid ends: withdrawn (费用明细上传撤销), given up by its wallet, or its
    time is over."""

    happening: Happening
    identity: tuple[str, str, str] | None
    """certificate type and number, and name; None where nobody says who they are"""
    wallet: str = ""
    due_by: datetime | None = None
    """of one whose time is over: only if it is still due"""


class RefundMobileOrder(OrderCommand, frozen=True, kw_only=True, gc=False):
    """Take a paid order back (医保退费), all of it or one of its parts."""

    refund_no: str
    """appRefdSn"""
    happening: Happening
    """ALL_BACK, INSURANCE_BACK or CASH_BACK"""
    amounts_fen: tuple[int, int | None, int | None, int]
    """total, account, funds, own part; None where not said"""
    token: str
    """an ecToken, or the revsToken of the order"""


class FindMobileOrder(OrderCommand, frozen=True, kw_only=True, gc=False):
    """What stands of an order (医保订单结算结果查询)."""

    identity: tuple[str, str, str]
