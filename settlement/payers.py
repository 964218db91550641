"""Who may pay, by name: what an answer shows of funds and account, whoever decided it.

A policy of ours is that; of a settlement that another region shared, what it told is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from msgspec import Struct

from settlement.case import FundShare

_ACCOUNT = "310200"
_ACCOUNT_ZH = "个人账户"


class Payer(Protocol):
    """A fund or account (基金款项)."""

    @property
    def code(self) -> str:
        """fund_pay_type"""

    @property
    def name(self) -> str:
        """Chinese."""


class OfAccount(Protocol):
    """The personal account (个人账户)."""

    @property
    def fund(self) -> Payer:
        """What it is reported as."""


class Payers(Protocol):
    """Everybody who may pay of a settlement."""

    @property
    def funds(self) -> Mapping[str, Payer]:
        """By code."""

    @property
    def account(self) -> OfAccount | None:
        """None where there is none."""


class ToldFund(Struct, frozen=True, gc=False):
    """A fund of another region, as it names it."""

    code: str
    name: str


class ToldAccount(Struct, frozen=True, gc=False):
    """An account in another region."""

    fund: ToldFund = ToldFund(_ACCOUNT, _ACCOUNT_ZH)


class ToldPayers(Struct, frozen=True, kw_only=True, gc=False):
    """Who pays of a settlement that another region shared."""

    funds: Mapping[str, ToldFund]
    account: ToldAccount | None = ToldAccount()


def payers_told(shares: Iterable[FundShare]) -> ToldPayers:
    """By what its shares say: the name of a fund there is its note."""
    return ToldPayers(
        funds={
            share.fund_pay_type: ToldFund(share.fund_pay_type, share.note) for share in shares
        }
    )
