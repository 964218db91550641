"""Payments of a hospital (医院收款): `POST /pay/deposit`, `POST /pay/visit` and what stands beside.

Ours, not the national interface's; `input` of a visit is that of 2207 or 2304, word for word.
Amounts in requests are JSON numbers or text in yuan, in answers text in yuan with two decimals.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Raw, Struct

from protocol.scan import OrderNo, Tender, check_ways

OperatorType = Literal["1", "2", "3"]
"""经办人类别: a clerk, a kiosk (自助终端), a handheld (移动终端)"""


class DepositRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /pay/deposit`: money for a stay. Key: (institution, order_no)."""

    order_no: OrderNo
    terminal_id: Annotated[str, Meta(max_length=8)] = ""
    operator: Annotated[str, Meta(min_length=1, max_length=30)]
    opter_type: OperatorType = "1"
    mdtrt_id: Annotated[str, Meta(max_length=30)]
    amount: Decimal
    pay_code: Annotated[str, Meta(max_length=128)] = ""
    """absent where the institution took it itself"""
    tender: Tender | None = None
    allow_second_code: bool = False
    pay_on_phone: bool = False
    """the payer pays on their own phone"""

    def __post_init__(self) -> None:
        """Raises ValueError for two ways to pay at once."""
        check_ways(self)


class AdmissionAsked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /pay/admission`: a stay is asked for on the patient's phone, with a first deposit. Key:
    (institution, order_no)."""

    order_no: OrderNo
    terminal_id: Annotated[str, Meta(max_length=8)] = ""
    operator: Annotated[str, Meta(min_length=1, max_length=30)]
    person_code: Annotated[str, Meta(min_length=1, max_length=64)]
    """医保码, or the number of an identity document"""
    insutype: Annotated[str, Meta(min_length=1, max_length=6)]
    ward: Annotated[str, Meta(max_length=100)] = ""
    note: Annotated[str, Meta(max_length=200)] = ""
    amount: Decimal
    pay_code: Annotated[str, Meta(max_length=128)] = ""
    allow_second_code: bool = False
    pay_on_phone: bool = False
    """the payer pays on their own phone"""

    def __post_init__(self) -> None:
        """Raises ValueError for two ways to pay at once."""
        check_ways(self)


class AdmitRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /pay/{order_no}/admit`: the ward admits whom it was asked for."""

    operator: Annotated[str, Meta(min_length=1, max_length=30)]
    opter_type: OperatorType = "1"
    input: Raw
    """as 2401 has it"""


class AdmissionLine(Struct, frozen=True, kw_only=True):
    """A request that nobody has answered."""

    order_no: str
    psn_no: str
    psn_name: str
    insutype: str
    ward: str
    note: str
    paid: str
    requested_at: str
    expires_at: str
    """then the deposit goes back by itself"""


class AdmissionsReply(Struct, frozen=True, kw_only=True):
    """`GET /pay/admissions`: what the ward has to answer, the oldest first."""

    requests: Sequence[AdmissionLine] = ()


class VisitRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /pay/visit`: settle what 2206 or 2303 quoted, and collect what is left. Key:
    (institution, order_no)."""

    order_no: OrderNo
    terminal_id: Annotated[str, Meta(max_length=8)] = ""
    operator: Annotated[str, Meta(min_length=1, max_length=30)]
    opter_type: OperatorType = "1"
    infno: Literal["2207", "2207A", "2304", "2304A"]
    input: Raw
    """as the transaction has it"""
    pay_code: Annotated[str, Meta(max_length=128)] = ""
    """absent when nothing is left to collect, or while it is not shown yet"""
    tender: Tender | None = None
    allow_second_code: bool = False
    pay_on_phone: bool = False
    """the payer pays on their own phone"""

    def __post_init__(self) -> None:
        """Raises ValueError for two ways to pay at once."""
        check_ways(self)


class DepositReturn(Struct, frozen=True, kw_only=True):
    """Some of a deposit that went back, or is on its way."""

    refund_no: str
    """the institution's; empty for what a final settlement left over"""
    amount: str
    status: str
    """returning, returned, refund_due"""


class DepositLine(Struct, frozen=True, kw_only=True):
    """One deposit of a stay."""

    order_no: str
    kind: str
    """wechat, alipay, unionpay, cash, card_present"""
    amount: str
    applied: str
    """used by settlements"""
    returned: str
    """gone back, or on its way"""
    left: str
    reference: str = ""
    """the channel's number, or what the institution said of its card terminal"""
    returns: Sequence[DepositReturn] = ()


class DepositsReply(Struct, frozen=True, kw_only=True):
    """`GET /pay/deposits/{mdtrt_id}`: paid = applied + returned + left."""

    mdtrt_id: str
    paid: str
    applied: str
    returned: str
    left: str
    deposits: Sequence[DepositLine] = ()
    """the oldest first"""
