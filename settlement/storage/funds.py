"""The ledger accounts of funds: opened when the first policy that pays from them is in force."""

from __future__ import annotations

from asyncpg import Connection, Record

from settlement import chart
from settlement.policy.loader import PolicySet
from settlement.policy.model import FundKind
from settlement.storage.queries import REFERENCE

_OF_THE_AGENCY = frozenset({FundKind.FUND, FundKind.OTHER})
"""What the hospital bears and what the person's own account pays have accounts of their owners."""


async def open_fund_accounts(
    connection: Connection[Record], policies: PolicySet, region: str
) -> None:
    """Open an account for every fund of a region's policies that has none yet."""
    funds = {
        fund.ledger_code: fund.name
        for policy in policies.in_force()
        if policy.region == region
        for fund in policy.funds.values()
        if fund.kind in _OF_THE_AGENCY
    }
    for account in chart.fund_accounts(funds):
        await connection.execute(
            REFERENCE["open_account"], account.number, account.owner, account.code, account.name,
            account.debit_normal,
        )  # fmt: skip
