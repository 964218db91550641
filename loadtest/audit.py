"""Judges sampled replies thoroughly: is it an answer to this request, and does its money add up?

Written from the money rules of the interface (identities 1 and 2), not from the server's code.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec
from msgspec import Struct

from loadtest.generator.request import Request

Yuan = Decimal


class SettlementInfo(Struct, frozen=True, kw_only=True):
    """The part of `setlinfo` whose sums are checked."""

    setl_id: str
    medfee_sumamt: Yuan
    fund_pay_sumamt: Yuan
    psn_part_amt: Yuan
    acct_pay: Yuan
    psn_cash_pay: Yuan
    hosp_part_amt: Yuan = Decimal(0)


class Output(Struct, frozen=True, kw_only=True):
    """`output` of 2102 and 2207."""

    setlinfo: SettlementInfo


class Settled(Struct, frozen=True, kw_only=True):
    """The response envelope of a settlement."""

    infcode: int
    inf_refmsgid: str
    output: Output


class Answered(Struct, frozen=True, kw_only=True):
    """The response envelope of any other transaction; its output is read by the script."""

    infcode: int
    inf_refmsgid: str


class Auditor:
    """Checks replies and remembers who paid in the sample, so that a poor mix is seen."""

    def __init__(self) -> None:
        self._settled = msgspec.json.Decoder(Settled)
        self._answered = msgspec.json.Decoder(Answered)
        self.settlements = 0
        self.with_fund = 0
        self.with_account = 0
        self.with_cash = 0
        self.settlement_ids: list[str] = []

    def check(self, request: Request, body: bytes) -> str | None:
        """What is wrong with an accepted reply; None where nothing is."""
        try:
            if not request.settles:
                self._answered.decode(body)
                return None
            info = self._settled.decode(body).output.setlinfo
        except msgspec.DecodeError as error:
            return f"unreadable reply: {error}"
        return self._check_money(info, request.fee_fen)

    def _check_money(self, info: SettlementInfo, fee_fen: int) -> str | None:
        self.settlements += 1
        self.with_fund += info.fund_pay_sumamt > 0
        self.with_account += info.acct_pay > 0
        self.with_cash += info.psn_cash_pay > 0
        self.settlement_ids.append(info.setl_id)
        if not info.setl_id:
            return "a settlement without setl_id"
        if info.medfee_sumamt * 100 != fee_fen:
            return f"{info.setl_id}: asked to settle {fee_fen} fen, answered {info.medfee_sumamt}"
        if info.medfee_sumamt != info.fund_pay_sumamt + info.psn_part_amt + info.hosp_part_amt:
            return f"{info.setl_id}: total is not funds + person + hospital"
        if info.psn_part_amt != info.acct_pay + info.psn_cash_pay:
            return f"{info.setl_id}: the person's part is not account + cash"
        return None


def accept_anything(request: Request, body: bytes) -> str | None:
    """The check of a baseline whose replies have no meaning."""
    return None
