"""What is sealed of filings: the list of those that stand, and each one as it was sent.

The list names diseases, so it is personal data like the rest. Nearly nobody has one, and then there
is nothing to open.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from settlement.keyring import Keyring
from settlement.people.filing import Filing
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
    return open_list(person.filings, person.lane, person.person_no, keyring)


def open_list(text: str, lane: int, person_no: str, keyring: Keyring) -> tuple[Filing, ...]:
    """The list as it is stored with a person."""
    if not text:
        return ()
    return _DECODE_LIST(open_payload(b64decode(text), keyring, list_record(lane, person_no)))


def sealed_filings(filings: Iterable[Filing], person: PersonFacts, keyring: Keyring) -> str:
    """The list as stored; nothing where none stands."""
    listed = tuple(filings)
    if not listed:
        return ""
    sealed = keyring.seal(_ENCODE(listed), list_record(person.lane, person.person_no))
    return b64encode(keyring.version.to_bytes(2, "big") + sealed).decode()


def open_filing(row: FilingRow, keyring: Keyring) -> FilingPayload:
    """A filing as it was sent."""
    plain = open_payload(row.payload, keyring, filing_record(row.lane, row.filing_no))
    return _DECODE_PAYLOAD(plain)


def list_record(lane: int, person_no: str) -> bytes:
    """The associated data of the filings that a person carries."""
    return f"filings/{lane}/{person_no}".encode()
