"""Wallets (支付渠道) that may confirm orders of mobile payment, as credentials of their own.

A wallet is no institution: its credential belongs to `WALLET:` and its name, the thdPayType of its
orders. It can confirm and close the orders that name it, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping

from settlement.gateway import CredentialFact

PREFIX = "WALLET:"


def owner_of(wallet: str) -> str:
    """What stands in the place of an institution in a wallet's credential."""
    return f"{PREFIX}{wallet}"


def wallet_of(owner: str) -> str:
    """The wallet that a credential belongs to; empty where it is an institution's."""
    return owner.removeprefix(PREFIX) if owner.startswith(PREFIX) else ""


def wallets_among(credentials: Mapping[str, CredentialFact]) -> frozenset[str]:
    """Every wallet that may confirm now."""
    return frozenset(
        wallet_of(fact.institution_code)
        for fact in credentials.values()
        if not fact.suspended and wallet_of(fact.institution_code)
    )
