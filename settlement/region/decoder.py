"""Whose a scanned code is, asked of whoever issued it (医保码解码). One decoder a kind of code.

A decoder says who a code names and gives a token for the visit, or why it does not. It never
guesses: what did not answer, or answered what nobody knows, is `UNREACHABLE`. It neither waits nor
asks twice; whoever shows the code shows it again. Knows nothing of persons that are known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from protocol.evoucher import BusinessType
from protocol.paycode import Scanned


class Why(StrEnum):
    """Why a code was not decoded."""

    NOT_A_CODE = "not a code"
    """the issuer says that it is none of its codes"""
    EXPIRED = "expired"
    USED = "used"
    """it was decoded before"""
    UNREACHABLE = "unreachable"
    """no answer, or none that says anything: nobody knows whose it is"""


class Asker(Struct, frozen=True, kw_only=True):
    """Who scanned it, and what for."""

    institution: str
    business: BusinessType
    operator: str
    device: str = ""
    sale: bool = False
    """something is sold: who is insured elsewhere is served, too"""


class Decoded(Struct, frozen=True, kw_only=True):
    """Whose it is. Prints itself without the person."""

    identity_no: str
    name: str
    region: str
    """where the person is insured, six digits; empty where the issuer does not say"""
    token: str
    """of the issuer, for this visit at this institution (ecToken)"""
    life_seconds: float
    """how long the token is good for"""

    def __repr__(self) -> str:
        """Without the person."""
        return f"Decoded(of {self.region})"


class NotDecoded(Struct, frozen=True, kw_only=True):
    """It was not decoded; nothing is known of anybody."""

    why: Why
    code: str = ""
    """the issuer's own, or what broke; for operators"""


class Decoder(Protocol):
    """The door to an issuer of codes."""

    def reads(self, scanned: Scanned) -> bool:
        """Whether it is for codes of this shape."""
        ...

    async def decode(self, scanned: Scanned, asker: Asker) -> Decoded | NotDecoded:
        """Ask whose it is. May be the only time that the issuer says so."""
        ...


class Decoders:
    """All decoders of a process, the first that reads a code counts."""

    def __init__(self, decoders: Sequence[Decoder] = ()) -> None:
        self._decoders = tuple(decoders)

    def of(self, scanned: Scanned) -> Decoder | None:
        """Whom to ask about a code."""
        return next((one for one in self._decoders if one.reads(scanned)), None)


NO_DECODERS = Decoders()
"""Where no issuer is configured."""
