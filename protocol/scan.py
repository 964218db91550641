"""Scan-to-pay for a counter (扫码结算): `POST /pay/scan` and what stands beside it.

Ours, not the national interface's; the lines are those of 2102 (药店结算). Amounts in requests are
JSON numbers or text in yuan, in answers text in yuan with two decimals.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal, Protocol

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol.nhsa.messages.pharmacy import DrugTrace

OrderNo = Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[0-9A-Za-z_\-]+$")]
Status = Literal["settled", "payer_action", "unknown", "refused", "refunded", "refunding"]
TENDERS = ("scan", "cash", "card_present")


class ScanLine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fee line, by the names of 2102. What is absent: the serial is its place, the amount is
    price times quantity, the time is now."""

    med_list_codg: str
    medins_list_codg: str
    cnt: Decimal
    pric: Decimal
    det_item_fee_sumamt: Decimal | None = None
    feedetl_sn: str | None = None
    fee_ocur_time: str | None = None
    rxno: str | None = None
    rx_circ_flag: str = "0"
    bilg_dr_codg: str | None = None
    bilg_dr_name: str | None = None
    durg_trac_info: tuple[DrugTrace, ...] | None = None


class Ways(Protocol):
    """A request that says how the rest is paid."""

    @property
    def pay_code(self) -> str:
        """what the payer showed"""

    @property
    def pay_on_phone(self) -> bool:
        """the payer pays on their own phone"""


def check_ways(request: Ways) -> None:
    """Raises ValueError where pay_on_phone does not stand alone."""
    if request.pay_on_phone and (request.pay_code or getattr(request, "tender", None) is not None):
        raise ValueError("pay_on_phone goes with neither pay_code nor tender")


class Tender(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the institution says it collected itself (DOMAIN 27)."""

    kind: Literal["cash", "card_present"]
    rrn: Annotated[str, Meta(max_length=12)] = ""
    """检索参考号 of a card terminal"""
    terminal: Annotated[str, Meta(max_length=15)] = ""
    batch: Annotated[str, Meta(max_length=6)] = ""


class ScanRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /pay/scan`. Key: (institution, order_no). Which code was shown is not part of it."""

    order_no: OrderNo
    terminal_id: Annotated[str, Meta(max_length=8)] = ""
    operator: Annotated[str, Meta(min_length=1, max_length=30)]
    person_code: Annotated[str, Meta(max_length=64)] = ""
    """医保码, the code of an electronic social security card, or an identity number; absent for a
    plain sale"""
    insuplc_admdvs: Annotated[str, Meta(pattern=r"^([0-9]{6})?$")] = ""
    """where the holder of an identity number is insured, if not here (参保地医保区划); of a 医保码
    whoever decodes it says so"""
    pay_code: Annotated[str, Meta(max_length=128)] = ""
    """absent when nothing is left to collect, while it is not shown yet, or where the 医保码 that
    names the person also pays (一码付)"""
    insutype: Annotated[str, Meta(max_length=6)] = ""
    med_type: Annotated[str, Meta(max_length=6)] = "41"
    acct_used_flag: Literal["0", "1"] = "1"
    dise_codg: Annotated[str, Meta(max_length=30)] = ""
    tender: Tender | None = None
    lines: Annotated[tuple[ScanLine, ...], Meta(min_length=1)]
    allow_second_code: bool = False
    pay_on_phone: bool = False
    """the payer pays the rest on their own phone"""

    def __post_init__(self) -> None:
        """Raises ValueError for two ways to pay at once."""
        check_ways(self)


class RefundLine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So much of a line comes back."""

    feedetl_sn: str
    cnt: Decimal


class RefundRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /pay/{order_no}/refund`. Neither lines nor amount: all of it. Key: (institution,
    refund_no)."""

    refund_no: OrderNo
    operator: Annotated[str, Meta(max_length=30)] = ""
    lines: tuple[RefundLine, ...] = ()
    amount: Decimal | None = None
    """yuan; of orders without an insurance leg only"""


class PhoneRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /pay/{order_no}/phone`: the institution's own program, on the payer's phone, or a
    screen that shows a channel's own code."""

    channel: Literal["wechat", "alipay", "unionpay"] = "wechat"
    openid: Annotated[str, Meta(max_length=128)] = ""
    """at WeChat: who is to pay, under the merchant's appid; the others ask nobody"""


class PhoneCall(Struct, frozen=True, kw_only=True):
    """With what a page or a small program opens the order; names are WeChat's (调起支付)."""

    appId: str
    timeStamp: str
    nonceStr: str
    package: str
    signType: str
    paySign: str


class CancelRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /pay/{order_no}/cancel`; the body may be empty."""

    operator: Annotated[str, Meta(max_length=30)] = ""


class Leg(Struct, frozen=True, kw_only=True):
    """One payer's part."""

    kind: str
    """fund, account, family, wechat, alipay, unionpay, onecode, cash, card_present"""
    amount: str
    status: str
    """quoted, held, collecting, paid, undone, returning, returned, refund_due"""
    reference: str = ""
    """the channel's number"""


class Split(Struct, frozen=True, kw_only=True):
    """Who pays what of the sale; names of the national interface."""

    medfee_sumamt: str
    fund_pay_sumamt: str
    acct_pay: str
    acct_mulaid_pay: str
    hosp_part_amt: str
    psn_cash_pay: str


class ScanReply(Struct, frozen=True, kw_only=True):
    """The state of an order; also what `GET /pay/{order_no}` and the others answer."""

    status: Status
    order_no: str
    settlement_id: str | UnsetType = UNSET
    refund_no: str | UnsetType = UNSET
    mdtrt_id: str | UnsetType = UNSET
    """of an admission that the ward confirmed: the stay"""
    split: Split | UnsetType = UNSET
    legs: Sequence[Leg] = ()
    cashier_url: str | UnsetType = UNSET
    """the page where the payer pays, while it can be paid there"""
    phone: PhoneCall | UnsetType = UNSET
    """WeChat's call; see `PhoneRequest`"""
    phone_url: str | UnsetType = UNSET
    """of Alipay and UnionPay: what the phone opens; as a QR code their own programs scan it"""
    message: str
    """in Chinese, for the counter"""
    poll_after_seconds: int | UnsetType = UNSET
    replayed: bool | UnsetType = UNSET
    """the order was sent before: this is what stands of it"""
    err_code: str | UnsetType = UNSET
    """of a refusal, a row of the catalogue of errors"""
    err_field: str | UnsetType = UNSET
    retry: str | UnsetType = UNSET
