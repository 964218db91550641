"""What is sealed of filings: the list of those that stand, and each one as it was sent.

The list names diseases, so it is personal data like the rest. Nearly nobody has one, and then there
is nothing to open.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from settlement.filing import Filing
from settlement.keyring import Keyring
from settlement.rows import FilingRow
from settlement.usecases.visit_payloads import open_payload
from settlement.view import PersonFacts

_ENCODE = msgspec.json.Encoder().encode


class FilingPayload(Struct, frozen=True, kw_only=True, array_like=True):
    """A filing or a withdrawal as it was sent (备案信息)."""

    msgid: str
    operator: str
    kept: dict[str, object]


_DECODE_LIST = msgspec.json.Decoder(tuple[Filing, ...]).decode
_DECODE_PAYLOAD = msgspec.json.Decoder(FilingPayload).decode


def filing_record(lane: int, filing_no: int) -> bytes:
    """The associated data of one filing."""
    return f"filing/{lane}/{filing_no}".encode()


def standing_filings(person: PersonFacts, keyring: Keyring) -> tuple[Filing, ...]:
    """The filings of a person that stand, in the order in which they came."""
    if not person.filings:
        return ()
    sealed = b64decode(person.filings)
    return _DECODE_LIST(open_payload(sealed, keyring, _list_record(person)))


def sealed_filings(filings: Iterable[Filing], person: PersonFacts, keyring: Keyring) -> str:
    """The list as stored; nothing where none stands."""
    listed = tuple(filings)
    if not listed:
        return ""
    sealed = keyring.seal(_ENCODE(listed), _list_record(person))
    return b64encode(keyring.version.to_bytes(2, "big") + sealed).decode()


def open_filing(row: FilingRow, keyring: Keyring) -> FilingPayload:
    """A filing as it was sent."""
    plain = open_payload(row.payload, keyring, filing_record(row.lane, row.filing_no))
    return _DECODE_PAYLOAD(plain)


def _list_record(person: PersonFacts) -> bytes:
    return f"filings/{person.lane}/{person.person_no}".encode()
