"""A message: made once, kept before it is sent, and sent as often as it takes, byte for byte."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

import msgspec
from msgspec import Struct

from protocol.nhsa.amounts import decimal_of

Input = Mapping[str, object]
"""`input` of a message: nodes by name, in the wire's own names; amounts are Decimal yuan."""

_ENCODE = msgspec.json.Encoder(decimal_format="number").encode


class Operator(Struct, frozen=True, kw_only=True):
    """Who works at the counter (经办人)."""

    code: str
    name: str
    kind: str = "1"
    """opter_type: 1 a person, 2 a self-service terminal, 3 a mobile terminal"""


class Message(Struct, frozen=True, kw_only=True):
    """A request (请求报文). Keep `stored()` where the charge is kept, before the first `send`."""

    infno: str
    msgid: str
    psn_no: str
    """the insured person it is about; empty where it names none"""
    body: str
    """the whole request, as it is sent every time"""

    def __repr__(self) -> str:
        """Without its body: personal data does not belong in logs."""
        return f"Message({self.infno} {self.msgid})"

    @property
    def input(self) -> dict[str, object]:
        """What was asked, amounts as Decimal."""
        return _DECODE(self.body.encode()).input

    @property
    def envelope(self) -> dict[str, object]:
        """Everything around `input`."""
        whole = _DECODE_WHOLE(self.body.encode())
        return {name: value for name, value in whole.items() if name != "input"}

    @property
    def nonce(self) -> str:
        """A nonce for this body and no other."""
        return sha256(self.body.encode()).hexdigest()[:32]

    def stored(self) -> bytes:
        """Bytes to keep. They hold what the message says of the person: keep them as safe."""
        return msgspec.json.encode(self)

    @classmethod
    def restored(cls, stored: bytes) -> Message:
        """The same message, after a restart."""
        return msgspec.json.decode(stored, type=cls)


class _Asked(Struct):
    input: dict[str, object]


_DECODE = msgspec.json.Decoder(_Asked, float_hook=decimal_of).decode
_DECODE_WHOLE = msgspec.json.Decoder(dict[str, object]).decode


def make_message(envelope: Mapping[str, object], content: Input) -> Message:
    """A message of these envelope fields; `infno` and `msgid` among them."""
    return Message(
        infno=str(envelope["infno"]),
        msgid=str(envelope["msgid"]),
        psn_no=_person_in(content),
        body=_ENCODE({**envelope, "input": content}).decode(),
    )


def _person_in(node: object) -> str:
    """The first psn_no in an input: every node of a message names the same person."""
    if isinstance(node, Mapping):
        own = node.get("psn_no")
        if isinstance(own, str):
            return own
        node = list(node.values())
    if isinstance(node, list | tuple):
        return next(filter(None, map(_person_in, node)), "")
    return ""
