"""Claims as they were settled, for computing them again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import TypeAlias

import msgspec
from asyncpg import Connection, Record

from settlement.keyring import Keyring
from settlement.rows import Detail
from settlement.storage.queries import SCATTER
from settlement.usecases.booking import detail_record
from settlement.usecases.compare import Settled

Days: TypeAlias = tuple[date, date]
"""The first and the last of some business days."""

_DECODE_DETAIL = msgspec.json.Decoder(Detail).decode
_DECODE_INCREMENTS = msgspec.json.Decoder(dict[str, int]).decode


async def settled_claims(
    connection: Connection[Record], lane: int, days: Days, scheme: str, keyring: Keyring
) -> AsyncIterator[Settled | None]:
    """The claims of one lane that stand, person by person in their order; None in the place of one
    whose detail was erased."""
    for row in await connection.fetch(SCATTER["claims_of_lane"], lane, *days, scheme):
        person_no, setl_id, increments, account_fen, key_version, payload = row
        case = None
        if payload is not None:
            plain = keyring.open(payload, detail_record(lane, setl_id), key_version)
            case = _DECODE_DETAIL(plain).case
        yield None if case is None else Settled(
            person_no=person_no, case=case, increments=_DECODE_INCREMENTS(increments),
            account_fen=account_fen,
        )  # fmt: skip
