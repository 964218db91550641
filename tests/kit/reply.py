"""An answer as a test reads it, and what tests say about answers and their money."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec
from msgspec import Struct

Node = Mapping[str, object]


class Reply(Struct, frozen=True, kw_only=True):
    """A reply (响应报文); amounts are Decimal yuan."""

    infcode: int
    inf_refmsgid: str
    refmsg_time: str
    respond_time: str
    err_msg: str = ""
    err_code: str = ""
    err_field: str = ""
    retry: str = ""
    warn_msg: str = ""
    output: object = None

    def node(self, name: str) -> Node:
        """A node of the output, such as `setlinfo`."""
        assert self.infcode == 0, f"{self.err_code}: {self.err_msg} ({self.err_field})"
        assert isinstance(self.output, dict), self.output
        found = self.output[name]
        assert isinstance(found, dict)
        return found

    def rows(self, name: str) -> list[dict[str, object]]:
        """A node of the output that is an array."""
        assert self.infcode == 0, f"{self.err_code}: {self.err_msg} ({self.err_field})"
        assert isinstance(self.output, dict), self.output
        found = self.output[name]
        assert isinstance(found, list)
        return found

    def text(self, name: str, node: str = "setlinfo") -> str:
        """A text of a node."""
        value = self.node(node)[name]
        assert isinstance(value, str)
        return value

    def money(self, name: str, node: str = "setlinfo") -> Decimal:
        """An amount of a node; amounts leave with exactly two decimals."""
        return amount(self.node(node)[name])

    @property
    def setl_id(self) -> str:
        """The settlement's number."""
        return self.text("setl_id")

    @property
    def mdtrt_id(self) -> str:
        """The visit's number."""
        return self.text("mdtrt_id")


_DECODE = msgspec.json.Decoder(Reply, float_hook=Decimal).decode


def read_reply(body: bytes) -> Reply:
    """The reply in these bytes."""
    return _DECODE(body)


def amount(value: object) -> Decimal:
    """An amount as it left: a JSON number with exactly two decimals."""
    assert isinstance(value, Decimal), value
    assert value.as_tuple().exponent == -2, value
    return value


def assert_done(reply: Reply) -> None:
    """It was done, now or before."""
    assert reply.infcode == 0, f"{reply.err_code}: {reply.err_msg} ({reply.err_field})"


def assert_refused(
    reply: Reply, code: str, *, field: str = "", mentions: str = "", retry: str = "never"
) -> None:
    """It was refused with this code at this field; the text says `mentions`."""
    assert (reply.infcode, reply.err_code) == (-1, code), f"{reply.err_code}: {reply.err_msg}"
    assert reply.err_field == field
    assert mentions in reply.err_msg
    assert reply.retry == retry
    assert reply.output is None


def assert_same_answer(first: Reply, again: Reply) -> None:
    """The first answer again, marked as a replay; only the envelope's times and id may differ."""
    assert_done(first)
    assert_done(again)
    assert again.output == first.output
    assert again.warn_msg
    assert not first.warn_msg


def assert_money(reply: Reply, *, total: str, fund: str, account: str, cash: str) -> None:
    """Who pays what, in yuan; and the identities of the interface hold."""
    names = ("medfee_sumamt", "fund_pay_sumamt", "acct_pay", "psn_cash_pay")
    paid = {name: reply.money(name) for name in names}
    told = (total, fund, account, cash)
    assert paid == {name: Decimal(text) for name, text in zip(names, told, strict=True)}
    assert_adds_up(reply)


def assert_split(
    reply: Reply, *, full: str = "0", over: str = "0", pre: str = "0", scope: str
) -> None:
    """How the total splits in four, in yuan."""
    names = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
    split = {name: reply.money(name) for name in names}
    told = (full, over, pre, scope)
    assert split == {name: Decimal(text) for name, text in zip(names, told, strict=True)}


def assert_adds_up(reply: Reply) -> None:
    """The identities that hold for every answer with money in it."""
    money = reply.money
    parts = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
    assert money("medfee_sumamt") == sum(map(money, parts))
    assert money("medfee_sumamt") == (
        money("fund_pay_sumamt") + money("psn_part_amt") + money("hosp_part_amt")
    )
    assert money("psn_part_amt") == money("acct_pay") + money("psn_cash_pay")
    rows = reply.rows("setldetail")
    paid = sum(amount(row["fund_payamt"]) for row in rows)
    assert paid == money("fund_pay_sumamt") + money("acct_pay")


def share(reply: Reply, fund: str) -> dict[str, object]:
    """The row of `setldetail` of a fund."""
    [found] = [row for row in reply.rows("setldetail") if row["fund_pay_type"] == fund]
    return found
