"""What became of a message: done, refused, or not known. An outcome is a value, never an exception.

`Unknown` is the one that costs money when it is taken for "failed": the insurer may have settled.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from settlement.client.message import Message

Node = Mapping[str, object]
REPLAYED = "重复报文"
"""What `warn_msg` says of a first answer that comes again; it may say other things beside."""


class AnswerError(Exception):
    """An answer lacks what the interface promises; the text names it."""


class Settlement(Struct, frozen=True, kw_only=True):
    """Who pays what, as a settlement's answer or 5203 says. Whole fen; negative in a cancel."""

    setl_id: str
    mdtrt_id: str
    total_fen: int
    fund_fen: int
    account_fen: int
    cash_fen: int
    hospital_fen: int


class Done(Struct, frozen=True, kw_only=True):
    """It was carried out, now or by an earlier attempt, and this is its answer."""

    message: Message
    output: object
    """the `output` node; numbers with a decimal point are Decimal. Bytes where it is a file"""
    warn_msg: str = ""
    """what the server says beside: that it had been carried out before, that it is only stored"""
    attempts: int = 1
    reference: str = ""
    """inf_refmsgid, by which 3262 takes back a confirmation; empty where 5203 told the outcome"""

    @property
    def is_replay(self) -> bool:
        """Whether this is the first answer again."""
        return REPLAYED in self.warn_msg

    @property
    def file(self) -> bytes:
        """The file that 9102 answered. Raises AnswerError."""
        if not isinstance(self.output, bytes):
            raise AnswerError(f"the answer to {self.message.infno} is no file")
        return self.output

    def node(self, name: str) -> Node:
        """A node of the output, such as `setlinfo`. Raises AnswerError."""
        found = self.output.get(name) if isinstance(self.output, dict) else None
        if not isinstance(found, dict):
            raise AnswerError(f"no {name} in the answer to {self.message.infno}")
        return found

    def rows(self, name: str | None = None) -> list[Node]:
        """A node that is an array; the whole output where it is one (5204). Raises AnswerError."""
        found = self.output
        if name is not None:
            found = found.get(name) if isinstance(found, dict) else None
        if not isinstance(found, list):
            raise AnswerError(f"no rows of {name} in the answer to {self.message.infno}")
        return found

    def text(self, node: str, name: str) -> str:
        """A text of a node. Raises AnswerError."""
        return text_of(self.node(node), name)

    @property
    def settlement(self) -> Settlement:
        """Amounts of a quote, settlement, cancel or 5203. Raises AnswerError."""
        return settlement_of(self.node("setlinfo"))


class Refused(Struct, frozen=True, kw_only=True):
    """It was not carried out."""

    message: Message
    code: str
    """err_code of the server, or `NOT_SENT` where no attempt reached it"""
    text: str
    """what a person is to read"""
    field: str = ""
    retry: str = "never"
    """`never`: correct it, and send it as a new message; `later`: send the same message later"""
    http_status: int = 200
    earlier_lost: bool = False
    """An earlier attempt got no answer. What a slow line still holds may arrive after this
    refusal: `resolve` rules that out where 2601 can."""
    attempts: int = 1


class Unknown(Struct, frozen=True, kw_only=True):
    """It may have been carried out. Keep the message, `resolve` it; never make a new one of it."""

    message: Message
    reason: str
    attempts: int = 1


class TakenBack(Struct, frozen=True, kw_only=True):
    """2601 took the message back: it never happened and never will. Begin anew, with a new one."""

    message: Message
    reason: str
    """why it was not done, or why nothing was known of it"""


Outcome = Done | Refused | Unknown
Resolution = Done | Refused | TakenBack | Unknown


def settlement_of(info: Node) -> Settlement:
    """The amounts of a `setlinfo`. Raises AnswerError."""
    return Settlement(
        setl_id=str(info.get("setl_id", "")),
        mdtrt_id=text_of(info, "mdtrt_id"),
        total_fen=fen_of(info, "medfee_sumamt"),
        fund_fen=fen_of(info, "fund_pay_sumamt"),
        account_fen=fen_of(info, "acct_pay"),
        cash_fen=fen_of(info, "psn_cash_pay" if "psn_cash_pay" in info else "cash_payamt"),
        hospital_fen=fen_of(info, "hosp_part_amt") if "hosp_part_amt" in info else 0,
    )


def fen_of(node: Node, name: str) -> int:
    """An amount of a node in whole fen. Raises AnswerError where it is none."""
    value = node.get(name)
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise AnswerError(f"{name} is no amount")
    try:
        fen = Decimal(value) * 100
        if fen == int(fen):
            return int(fen)
    except (ArithmeticError, ValueError) as exc:
        raise AnswerError(f"{name} is no amount") from exc
    raise AnswerError(f"{name} has parts of a fen")


def text_of(node: Node, name: str) -> str:
    """A text of a node. Raises AnswerError."""
    value = node.get(name)
    if not isinstance(value, str):
        raise AnswerError(f"{name} is not in the answer")
    return value
