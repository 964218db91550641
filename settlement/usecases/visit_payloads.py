"""What is sealed in visits and their events: registrations, diagnoses, uploaded lines.

A sealed payload begins with the version of its key (2 bytes). `Upload` keeps each line with its
split, so that quote, settlement and replay need not price again what was priced at upload.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from settlement.claim import PricedLine
from settlement.keyring import ErasedError, Keyring
from settlement.rows import EventRow, KeptLine, VisitRow

_ENCODE = msgspec.json.Encoder().encode


class Registration(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """A registration (挂号信息)."""

    msgid: str
    outpatient_no: str
    kept: dict[str, object]


class Admission(Struct, frozen=True, kw_only=True, array_like=True):
    """What was said at admission (入院信息), or anew by a change of it."""

    msgid: str
    inpatient_no: str
    care_type: str
    begun_at: datetime
    kept: dict[str, object]


class AdmissionRequested(Struct, frozen=True, kw_only=True, array_like=True):
    """What was said when a stay was asked for (入院登记申请)."""

    order_no: str
    name: str
    ward: str
    note: str


class Discharge(Struct, frozen=True, kw_only=True, array_like=True):
    """What was said at discharge (出院信息)."""

    msgid: str
    kept: dict[str, object]


class Description(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """Care type and what was said of the disease (就诊信息)."""

    msgid: str
    care_type: str
    kept: dict[str, object]


class UploadedLine(Struct, frozen=True, array_like=True, gc=False):
    """One uploaded line: its place in the message, its split, and what is only kept."""

    position: int
    priced: PricedLine
    kept: KeptLine


class Upload(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """The lines of one charge batch that one message brought."""

    msgid: str
    lines: tuple[UploadedLine, ...]


_DECODE_UPLOAD = msgspec.json.Decoder(Upload).decode
_DECODE_ADMISSION = msgspec.json.Decoder(Admission).decode
_DECODE_REQUESTED = msgspec.json.Decoder(AdmissionRequested).decode
_DECODE_DESCRIPTION = msgspec.json.Decoder(Description).decode


def visit_record(lane: int, mdtrt_id: int, event_no: int) -> bytes:
    """The associated data of a visit (event 0) or of one of its events."""
    return f"visit/{lane}/{mdtrt_id}/{event_no}".encode()


def seal_payload(payload: Struct, keyring: Keyring, record: bytes) -> bytes:
    """A payload as stored."""
    return seal_bytes(_ENCODE(payload), keyring, record)


def seal_bytes(plain: bytes, keyring: Keyring, record: bytes) -> bytes:
    """Bytes that are no payload of ours, sealed like one."""
    return keyring.version.to_bytes(2, "big") + keyring.seal(plain, record)


def open_payload(sealed: bytes, keyring: Keyring, record: bytes) -> bytes:
    """The JSON of a stored payload. Raises ErasedError where it was erased."""
    if not sealed:
        raise ErasedError("erased")
    return keyring.open(sealed[2:], record, int.from_bytes(sealed[:2], "big"))


def open_upload(event: EventRow, keyring: Keyring) -> Upload:
    """The lines of an upload event."""
    record = visit_record(event.lane, event.mdtrt_id, event.event_no)
    return _DECODE_UPLOAD(open_payload(event.payload, keyring, record))


def open_admission(payload: bytes, record: bytes, keyring: Keyring) -> Admission:
    """What was said at an admission, or at a change of it."""
    return _DECODE_ADMISSION(open_payload(payload, keyring, record))


def open_request(row: VisitRow, keyring: Keyring) -> AdmissionRequested:
    """What was said when a stay was asked for."""
    record = visit_record(row.lane, row.mdtrt_id, 0)
    return _DECODE_REQUESTED(open_payload(row.payload, keyring, record))


def open_description(event: EventRow, keyring: Keyring) -> Description:
    """The content of a diagnosis event."""
    record = visit_record(event.lane, event.mdtrt_id, event.event_no)
    return _DECODE_DESCRIPTION(open_payload(event.payload, keyring, record))
