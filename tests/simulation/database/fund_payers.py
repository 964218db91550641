"""Funds that somebody else owes, in memory (settlement/storage/sql/fund_payers.sql).

Nobody in a simulated city has medical aid: nothing is due, and a claim of it would stop the story.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date

from settlement.storage.queries import FUND_PAYERS
from tests.simulation.database.closing import Rows
from tests.simulation.database.tables import Tables

_LEDGER_CODE, _AMOUNT = 2, 6
"""Where a share of a settlement row has them (settlement.case.FundShare)."""


def claims(
    tables: Tables, lane: int, ledger_codes: Sequence[int], first: Sequence[date],
    last: Sequence[date], low: Sequence[int], high: Sequence[int],
) -> Rows:  # fmt: skip
    """fund_claims."""
    for row in tables.settlements.values():
        for code, since, until, least, most in zip(
            ledger_codes, first, last, low, high, strict=True
        ):
            there = row.lane == lane and least <= row.setl_id <= most
            if not (there and since <= row.business_day <= until):
                continue
            if any(one[_LEDGER_CODE] == code and one[_AMOUNT] for one in json.loads(row.shares)):
                raise NotImplementedError(f"fund {code} paid {row.setl_id}: that is not simulated")
    return []


def _none(*_: object) -> Rows:
    """What is not simulated is not there."""
    return []


READS: dict[str, Callable[..., Rows]] = {
    FUND_PAYERS["fund_dues"]: _none,
    FUND_PAYERS["fund_claims"]: claims,
}
NAMES = {text: name for name, text in FUND_PAYERS.items()}
