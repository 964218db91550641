"""The outside of several questions in one message, and of what is told of them (version 2).

Two regions that have much to ask each other pay for every message: a signature made and one
checked, a request through the hub, a response. So questions of one kind to one region may travel in
one message. It is signed, sealed and addressed as a whole; each question in it keeps a number, a
case and amounts of its own, by which the hub keeps its book. The answer has those that are known:
of a question that is not in it nobody knows anything. As `envelope.py` is for one; knows no keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from protocol.hub.envelope import (
    Amounts,
    Clear,
    Envelope,
    Number,
    NumberOrNone,
    Region,
    Says,
    Signed,
    UnknownVersionError,
    UnreadableError,
    divided,
    read,
    version_of,
)
from protocol.hub.messages import Kind

VERSION = 2
ITEMS_MAX = 64
"""Questions in one message."""


class Item(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One question, or what is told of one, as the hub sees it."""

    says: Says
    correlation: Number
    case: NumberOrNone
    amounts: Amounts | None

    @property
    def clear(self) -> Clear:
        """What must be inside as well."""
        return Clear(self.case, self.amounts)


class Bundle(Struct, frozen=True, kw_only=True, rename={"origin": "from"}):
    """Everything in the clear, in the order in which it is written."""

    version: int
    kind: Kind
    """of all of them"""
    says: Says
    """`asked`, or `told` whatever is said of each"""
    origin: Region
    to: Region
    sent_at: Annotated[datetime, Meta(tz=True)]
    answers: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?\Z")]
    certificate: Number
    sealed_for: Number
    items: Annotated[tuple[Item, ...], Meta(min_length=1, max_length=ITEMS_MAX)]
    body: str
    """base64url of nonce and ciphertext; inside is an array, an element an item"""

    @property
    def correlation(self) -> str:
        """Of the first, which the message is known by."""
        return self.items[0].correlation


class BundleParts(Signed, frozen=True, kw_only=True):
    """A message taken apart."""

    bundle: Bundle


def read_bundle(message: bytes) -> BundleParts:
    """A message of version 2 taken apart; nothing is proved. Raises UnreadableError."""
    signed = divided(message)
    try:
        bundle = _DECODE(message)
    except (msgspec.DecodeError, ValueError, RecursionError) as exc:
        version = version_of(message)
        if version != VERSION:
            raise UnknownVersionError(f"version {version}") from exc
        raise UnreadableError(str(exc)) from exc
    if bundle.version != VERSION:
        raise UnknownVersionError(f"version {bundle.version}")
    with_amounts = sum(item.amounts is not None for item in bundle.items)
    quotes = _QUOTES + _QUOTES_OF_ITEM * len(bundle.items) + _QUOTES_OF_AMOUNTS * with_amounts
    if b"\\" in message or message.count(b'"') != quotes:
        raise UnreadableError("a member that stands twice or is not known, or an escape")
    if (bundle.says is Says.ASKED) != (not bundle.answers) or bundle.says is Says.REFUSED:
        raise UnreadableError("neither questions nor answers")
    if any((item.says is Says.ASKED) != (bundle.says is Says.ASKED) for item in bundle.items):
        raise UnreadableError("questions and answers in one")
    if len({item.correlation for item in bundle.items}) != len(bundle.items):
        raise UnreadableError("a number that stands twice")
    return BundleParts(bundle=bundle, signed=signed.signed, signature=signed.signature)


def passing(message: bytes) -> list[Envelope]:
    """What a hub sees of a message of any version: each question or answer in it as if it came
    alone, without a body. Raises UnreadableError."""
    if version_of(message) != VERSION:
        return [read(message).envelope]
    return list(_alone(read_bundle(message).bundle))


def _alone(bundle: Bundle) -> Iterator[Envelope]:
    for item in bundle.items:
        yield Envelope(
            version=bundle.version, kind=bundle.kind, says=item.says, case=item.case,
            correlation=item.correlation, origin=bundle.origin, to=bundle.to,
            sent_at=bundle.sent_at, answers=bundle.answers, amounts=item.amounts,
            certificate=bundle.certificate, sealed_for=bundle.sealed_for, body="",
        )  # fmt: skip


_DECODE = msgspec.json.Decoder(Bundle).decode
_QUOTES = 2 * (len(Bundle.__struct_fields__) + 1) + 2 * 10
"""Of the members' names, and of the ten values that are text."""
_QUOTES_OF_ITEM = 2 * 3
_QUOTES_OF_AMOUNTS = 2 * len(Amounts.__struct_fields__)
