"""Finance people of a town: the office in which its days and months are closed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from settlement.books.seal_keys import Algorithm, SigningKey
from settlement.finance.office import Office, open_office
from settlement.storage.seal_key import SealKeys
from settlement.who import Who
from tests.kit.town import Town

CHEN, LIN = Who(actor="陈会计", reason="月结"), Who(actor="林科长", reason="复核")
SIGNING = SigningKey(algorithm=Algorithm.ED25519, private="11" * 32)
KEYS = SealKeys(signing=SIGNING, since=datetime(2026, 1, 1, tzinfo=UTC))


async def an_office(town: Town, *, keys: SealKeys | None = KEYS) -> Office:
    """The finance department of a town."""
    return await open_office(
        town.owner, town.app_dsn, Path("/nowhere"), keys=keys, clock=town.clock
    )
