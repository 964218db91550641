"""Accounts: who owns one, and which of the two ways its balance is kept.

An account is *striped* or *guarded*, and its number says which. Striped accounts (funds, payables,
institutions) belong to no person: every lane books to them, nothing limits them, and their balance
is a sum over entries, so that none of them is ever a hot row. Guarded accounts (personal accounts)
live in one lane, are credit-normal and never go below zero; their balance is a row.

What an account is for stays with the owner of the chart; this module knows numbers and owners.
"""

from __future__ import annotations

from msgspec import Struct

from ledger.entry import GUARDED_FROM

ALL_GUARDED = 0
"""Stands for all guarded accounts together, in folds and trial balances; never in a transfer."""


class Account(Struct, frozen=True, kw_only=True, gc=False):
    """A striped account (会计科目) in the book of one owner. `code` is its place in the chart."""

    number: int
    owner: str
    code: str
    name: str
    debit_normal: bool


class Balance(Struct, frozen=True, kw_only=True, gc=False):
    """Sums of one account (余额) in fen; pending amounts are held, not yet posted."""

    debits_fen: int = 0
    credits_fen: int = 0
    debits_pending_fen: int = 0
    credits_pending_fen: int = 0

    @property
    def spendable_fen(self) -> int:
        """What a guarded account may still pay: pending debits are gone, pending credits not in."""
        return self.credits_fen - self.debits_fen - self.debits_pending_fen


class TrialRow(Struct, frozen=True, kw_only=True, gc=False):
    """One line of a trial balance; `ALL_GUARDED` is the line of all guarded accounts."""

    account: int
    balance: Balance


class TrialBalance(Struct, frozen=True, kw_only=True, gc=False):
    """The trial balance (试算平衡表) of one owner, accounts ascending, untouched ones left out."""

    owner: str
    rows: tuple[TrialRow, ...]

    @property
    def is_balanced(self) -> bool:
        """True when debits equal credits, posted and pending each by itself."""
        sums = [row.balance for row in self.rows]
        return sum(b.debits_fen - b.credits_fen for b in sums) == 0 and (
            sum(b.debits_pending_fen - b.credits_pending_fen for b in sums) == 0
        )


def is_guarded(number: int) -> bool:
    """Whether the account is guarded: in one lane, credit-normal, never below zero."""
    return number >= GUARDED_FROM
