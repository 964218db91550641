"""A bank account that somebody is paid to (收款账户). Pure; sealed wherever it is kept."""

from __future__ import annotations

from msgspec import Struct

_SHOWN = 4


class BankAccount(Struct, frozen=True, kw_only=True):
    """A bank account (银行账户)."""

    name: str
    """户名"""
    account: str
    """账号"""
    bank: str
    """开户行"""

    @property
    def masked(self) -> str:
        """For people who need not copy it."""
        return f"{self.name} ***{self.account[-_SHOWN:]} {self.bank}"


def account_record(lane: int, institution: str, step_no: int) -> bytes:
    """What a sealed account is bound to."""
    return b"payout account:%d:%b:%d" % (lane, institution.encode(), step_no)
