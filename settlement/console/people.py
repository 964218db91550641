"""A person as the console shows them: opened here, masked on the page."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from settlement.keyring import Keyring
from settlement.person import Enrolment, Identity, person_record
from settlement.storage import console_cases
from settlement.storage.lease import PlainConnection

_DECODE_IDENTITY = msgspec.json.Decoder(Identity).decode
_DECODE_ENROLMENTS = msgspec.json.Decoder(tuple[Enrolment, ...]).decode


class Shown(Struct, frozen=True, kw_only=True):
    """Who it is, and what is in the account."""

    person_no: str
    name: str
    certificate_no: str
    schemes: tuple[str, ...]
    balance_fen: int


async def person_shown(
    connection: PlainConnection, keyring: Keyring, lane: int, person_no: str
) -> Shown | None:
    """The person of a number; None where there is none."""
    row = await console_cases.person(connection, lane, person_no)
    if row is None:
        return None
    sealed: bytes = row["identity"]
    record = person_record(
        lane, person_no, account=row["account"], home_region=row["home_region"],
        enrolments=row["enrolments"], family=row["family"],
    )  # fmt: skip
    plain = keyring.open(sealed, record, row["key_version"])
    identity = _DECODE_IDENTITY(plain)
    enrolments = _DECODE_ENROLMENTS(row["enrolments"])
    return Shown(
        person_no=person_no, name=identity.name, certificate_no=identity.certificate_no,
        schemes=tuple(one.scheme for one in enrolments), balance_fen=row["balance_fen"],
    )  # fmt: skip
