"""What is sealed of a matter: what was applied for. Why somebody lives elsewhere, where they can be
reached and who acts for whom is nobody else's business."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from settlement.keyring import Keyring
from settlement.people.matter_rows import MatterRow
from settlement.people.matter_states import MatterKind
from settlement.people.my_commands import (
    AuthorisationAsked,
    OffSiteAsked,
    PapersTold,
    TransferAsked,
    Wanted,
)
from settlement.usecases.visit_payloads import open_payload, seal_payload

_DECODE: dict[MatterKind, Callable[[bytes], Wanted]] = {
    MatterKind.OFF_SITE: msgspec.json.Decoder(OffSiteAsked).decode,
    MatterKind.AUTHORISATION: msgspec.json.Decoder(AuthorisationAsked).decode,
    MatterKind.TRANSFER_OUT: msgspec.json.Decoder(TransferAsked).decode,
    MatterKind.TRANSFER_IN: msgspec.json.Decoder(TransferAsked).decode,
    MatterKind.REIMBURSEMENT: msgspec.json.Decoder(PapersTold).decode,
}


def seal_wanted(wanted: Wanted, keyring: Keyring, lane: int, matter_no: int) -> bytes:
    """As stored with the matter."""
    return seal_payload(wanted, keyring, matter_record(lane, matter_no))


def open_wanted(row: MatterRow, keyring: Keyring) -> Wanted:
    """What was applied for."""
    plain = open_payload(row.payload, keyring, matter_record(row.lane, row.matter_no))
    return _DECODE[row.kind](plain)


def open_off_site(row: MatterRow, keyring: Keyring) -> OffSiteAsked:
    """The same of a filing."""
    wanted = open_wanted(row, keyring)
    assert isinstance(wanted, OffSiteAsked)  # noqa: S101 - the row's kind says so
    return wanted


def open_authorisation(row: MatterRow, keyring: Keyring) -> AuthorisationAsked:
    """The same of an authorisation."""
    wanted = open_wanted(row, keyring)
    assert isinstance(wanted, AuthorisationAsked)  # noqa: S101 - the row's kind says so
    return wanted


def open_papers_told(row: MatterRow, keyring: Keyring) -> PapersTold:
    """The same of papers told in advance."""
    wanted = open_wanted(row, keyring)
    assert isinstance(wanted, PapersTold)  # noqa: S101 - the row's kind says so
    return wanted


def matter_record(lane: int, matter_no: int) -> bytes:
    """The associated data of what was applied for."""
    return f"matter/{lane}/{matter_no}".encode()
