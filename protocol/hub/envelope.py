"""The outside of a message between regions: what the hub reads, and what the signature covers.

A message is one JSON object. Its last member is the signature, in base64url, over every byte before
that member, exactly as sent; so the bytes are kept and forwarded, never written anew. This module
knows no keys.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from protocol.hub.certificates import bytes_of, text_of
from protocol.hub.messages import (
    CancelAsked,
    CancelTold,
    Case,
    CaseState,
    CaseTold,
    Kind,
    Question,
    ReverseAsked,
    ReverseTold,
    StatusAsked,
    StatusTold,
    Told,
)

VERSION = 1
BYTES_MAX = 1024 * 1024
"""Of a whole message."""

Region = Annotated[str, Meta(pattern=r"^[0-9]{6}\Z")]
Number = Annotated[str, Meta(pattern=r"^[0-9A-Za-z\-]{1,64}\Z")]
NumberOrNone = Annotated[str, Meta(pattern=r"^[0-9A-Za-z\-]{0,64}\Z")]
Fen = Annotated[int, Meta(ge=0, le=10**15)]


class UnreadableError(ValueError):
    """Bytes that are no message; says why."""


class UnknownVersionError(UnreadableError):
    """A message of a version that is not spoken here."""


class Says(StrEnum):
    """What a message does."""

    ASKED = "asked"
    TOLD = "told"
    REFUSED = "refused"


class Amounts(Struct, frozen=True, kw_only=True):
    """What a case comes to, for the hub's book. Of a question the shares are zero."""

    total_fen: Fen
    fund_fen: Fen = 0
    account_fen: Fen = 0


class Envelope(Struct, frozen=True, kw_only=True, rename={"origin": "from"}):
    """Everything in the clear, in the order in which it is written."""

    version: int
    kind: Kind
    says: Says
    correlation: Number
    """one question for ever; an answer has that of its question"""
    case: NumberOrNone
    """T's number of the case, of settle, cancel, reverse and status; else empty"""
    origin: Region
    to: Region
    sent_at: Annotated[datetime, Meta(tz=True)]
    answers: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?\Z")]
    """SHA-256 of the bytes of the question, hexadecimal; empty in a question"""
    amounts: Amounts | None
    certificate: Number
    """serial of the sender's certificate, whose key signs"""
    sealed_for: Number
    """serial of the receiver's certificate, for whose key the body is sealed"""
    body: str
    """base64url of nonce and ciphertext"""


class Foreign(Envelope, frozen=True, kw_only=True, rename={"origin": "from"}):
    """The outside of a message of a kind that is not known here, which may be refused and no
    more."""

    kind: Annotated[str, Meta(pattern=r"^[a-z_]{1,32}\Z")]  # type: ignore[assignment]  # any name


class Clear(Struct, frozen=True):
    """What of a message must stand in the clear as well."""

    case: str
    amounts: Amounts | None


class Signed(Struct, frozen=True, kw_only=True):
    """What a signature covers, and the signature."""

    signed: bytes
    signature: bytes


class Parts(Signed, frozen=True, kw_only=True):
    """A message taken apart."""

    envelope: Envelope


def clear_of_question(kind: Kind, question: Question) -> Clear:
    """The case, and of a case to be settled its total."""
    match question:
        case Case() if kind is Kind.SETTLE:
            return Clear(question.case_no, Amounts(total_fen=question.total_fen))
        case CancelAsked() | ReverseAsked() | StatusAsked():
            return Clear(question.case_no, None)
    return _NOTHING


def clear_of_answer(kind: Kind, told: Told) -> Clear:
    """The case, and what it comes to where it is settled now."""
    match told:
        case CaseTold() if kind is Kind.SETTLE:
            return Clear(told.case_no, _amounts(told))
        case StatusTold(state=CaseState.SETTLED, case=CaseTold() as settled):
            return Clear(told.case_no, _amounts(settled))
        case CancelTold() | ReverseTold() | StatusTold():
            return Clear(told.case_no, None)
    return _NOTHING


def unsigned(outside: Struct) -> bytes:
    """The bytes that are to be signed, of an envelope or a bundle."""
    return msgspec.json.encode(outside)[:-1]


def message_of(signed: bytes, signature: bytes) -> bytes:
    """The message, with its signature as last member."""
    return b"%b%b%b%b" % (signed, _BEFORE, text_of(signature).encode(), _AFTER)


def read(message: bytes) -> Parts:
    """A message taken apart; nothing is proved. Raises UnreadableError."""
    return _read(message, _DECODE)


def read_foreign(message: bytes) -> Parts:
    """The same for a message of whatever kind. Raises UnreadableError."""
    return _read(message, _DECODE_FOREIGN)


def _read(message: bytes, decode: Callable[[bytes], Envelope]) -> Parts:
    signed = divided(message)
    try:
        envelope = decode(message)
    except (msgspec.DecodeError, ValueError, RecursionError) as exc:
        version = version_of(message)
        if version != VERSION:
            raise UnknownVersionError(f"version {version}") from exc
        raise UnreadableError(str(exc)) from exc
    if envelope.version != VERSION:
        raise UnknownVersionError(f"version {envelope.version}")
    quotes = _QUOTES if envelope.amounts is None else _QUOTES + _QUOTES_OF_AMOUNTS
    if b"\\" in message or message.count(b'"') != quotes:
        raise UnreadableError("a member that stands twice or is not known, or an escape")
    return Parts(envelope=envelope, signed=signed.signed, signature=signed.signature)


def divided(message: bytes) -> Signed:
    """What is signed of a message of any version, and the signature. Raises UnreadableError."""
    if message[-_TAIL : -_TAIL + len(_BEFORE)] != _BEFORE or message[-len(_AFTER) :] != _AFTER:
        raise UnreadableError(f"it does not end in {_BEFORE.decode()}…")
    try:
        signature = bytes_of(message[-_TAIL + len(_BEFORE) : -len(_AFTER)].decode("ascii"))
    except ValueError as exc:
        raise UnreadableError(str(exc)) from exc
    return Signed(signed=message[:-_TAIL], signature=signature)


def version_of(message: bytes) -> int:
    """Which version a message says it is of; ours where it says nothing that can be read."""
    if message.startswith(_OURS):
        return VERSION
    try:
        return _DECODE_VERSION(message).version
    except (msgspec.DecodeError, ValueError, RecursionError):
        return VERSION


class _Version(Struct):
    version: int = VERSION


_DECODE = msgspec.json.Decoder(Envelope).decode
_DECODE_FOREIGN = msgspec.json.Decoder(Foreign).decode
_DECODE_VERSION = msgspec.json.Decoder(_Version).decode
_OURS = b'{"version":1,'
"""How what we write begins; others may write their members in another order."""
_NOTHING = Clear("", None)
_BEFORE = b',"signature":"'
_AFTER = b'"}'
_SIGNATURE_LENGTH = 86
_TAIL = len(_BEFORE) + _SIGNATURE_LENGTH + len(_AFTER)
_QUOTES = 2 * (len(Envelope.__struct_fields__) + 1) + 2 * 12
"""Of the members' names, and of the twelve values that are text."""
_QUOTES_OF_AMOUNTS = 2 * len(Amounts.__struct_fields__)


def _amounts(told: CaseTold) -> Amounts:
    return Amounts(
        total_fen=told.total_fen, fund_fen=told.fund_fen, account_fen=told.account_fen
    )
