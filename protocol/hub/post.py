"""A region's end of the wire: writes what it asks and answers, and reads what others sent.

Reading has one order of checks, cheap ones first, and gives what was inside or the one reason why
it is worth nothing. There is no other way to what was inside. Pure but for chance; knows neither
sockets nor what is asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from msgspec import Struct, structs

from protocol.hub.bundle import Bundle
from protocol.hub.certificates import Certificate, SecretKeys
from protocol.hub.envelope import (
    BYTES_MAX,
    VERSION,
    Clear,
    Envelope,
    Parts,
    Says,
    Signed,
    UnknownVersionError,
    UnreadableError,
    clear_of_answer,
    clear_of_question,
    read,
    read_foreign,
    unsigned,
)
from protocol.hub.messages import QUESTION_OF, TOLD_OF, Kind, Question, Refused, Told
from protocol.hub.sealing import Sealer, UnopenableError
from protocol.hub.signing import is_signed_by, signed_message

WINDOW_SECONDS = 300
Outside = Envelope | Bundle
_Content = TypeVar("_Content")
_Outside = TypeVar("_Outside", Envelope, Bundle)
_Parts = TypeVar("_Parts", bound=Signed)


class Fault(StrEnum):
    """Why a message is worth nothing, in the order in which it is looked for."""

    TOO_LARGE = "too large"
    VERSION_UNKNOWN = "version unknown"
    MALFORMED = "malformed"
    NOT_FOR_US = "not for us"
    CERTIFICATE_UNKNOWN = "certificate unknown"
    CERTIFICATE_NOT_THEIRS = "certificate not theirs"
    CERTIFICATE_WITHDRAWN = "certificate withdrawn"
    OUTSIDE_WINDOW = "outside window"
    """too old, or from the future: a recording, or a clock that is wrong"""
    CERTIFICATE_NOT_VALID = "certificate not valid"
    """by its dates"""
    SIGNATURE_WRONG = "signature wrong"
    NO_QUESTION = "no question"
    """an answer, where questions are taken"""
    NEVER_ASKED = "never asked"
    """an answer to something else than what was asked"""
    SEALED_FOR_ANOTHER = "sealed for another"
    UNOPENABLE = "unopenable"
    CONTENT_MALFORMED = "content malformed"
    CLEAR_DIFFERS = "clear differs"
    """case or amounts in the clear are not those inside"""

    @property
    def is_attack(self) -> bool:
        """Whether no honest sender does that: somebody is to look at it."""
        return self not in _HONEST


_HONEST = frozenset({
    Fault.TOO_LARGE, Fault.VERSION_UNKNOWN, Fault.MALFORMED, Fault.CERTIFICATE_NOT_VALID,
    Fault.CONTENT_MALFORMED,
})  # fmt: skip


KINDS = frozenset(kind.value for kind in Kind)


class Worthless(Struct, frozen=True, kw_only=True):
    """A message without effect. Says nothing of anybody."""

    fault: Fault
    origin: str = ""
    """whom it says it comes from; proved only after the signature"""
    certificate: str = ""
    correlation: str = ""
    text: str = ""


class Unwritable(Struct, frozen=True):
    """No message could be written: a certificate is missing, or it would be too large."""

    text: str


class Written(Struct, frozen=True, kw_only=True):
    """A question as it is sent."""

    message: bytes
    envelope: Envelope
    digest: str


class Opened(Struct, frozen=True, kw_only=True):
    """A question that is proved in every way."""

    envelope: Envelope
    question: Question
    digest: str


class Strange(Struct, frozen=True, kw_only=True):
    """A question of a kind that is not known here, proved in every other way."""

    envelope: Envelope
    digest: str


class _Identity(Struct, frozen=True):
    signing: Ed25519PrivateKey
    sealing: X25519PrivateKey
    certificate: Certificate


class _Peer(Struct, frozen=True):
    key: Ed25519PublicKey
    certificate: Certificate


class Post:
    """Keys and certificates of a region at one moment; replaced as a whole when they change."""

    def __init__(
        self, region: str, *, identities: Iterable[tuple[SecretKeys, Certificate]],
        certificates: Iterable[Certificate], withdrawn: Iterable[str] = (),
        window_seconds: int = WINDOW_SECONDS, bytes_max: int = BYTES_MAX,
        sealer: Sealer | None = None,
    ) -> None:  # fmt: skip
        """`certificates` are those of other regions, proved. A sealer that is given keeps what was
        derived before."""
        self.region = region
        self._withdrawn = frozenset(withdrawn)
        self._window = timedelta(seconds=window_seconds)
        self._bytes_max = bytes_max
        self._sealer = sealer or Sealer()
        self._own = {
            certificate.serial: _Identity(
                Ed25519PrivateKey.from_private_bytes(keys.signing),
                X25519PrivateKey.from_private_bytes(keys.sealing),
                certificate,
            )
            for keys, certificate in identities
        }
        self._peers = {
            one.serial: _Peer(Ed25519PublicKey.from_public_bytes(one.signing_key), one)
            for one in certificates
        }
        self._of_region: dict[str, list[Certificate]] = {}
        for peer in self._peers.values():
            self._of_region.setdefault(peer.certificate.region, []).append(peer.certificate)
        self._of_region[region] = [own.certificate for own in self._own.values()]

    def ask(
        self, question: Question, *, to: str, kind: Kind, correlation: str, at: datetime
    ) -> Written | Unwritable:
        """A question to the region `to`, signed and sealed with what holds now."""
        pair = self.pair(to, at)
        if isinstance(pair, Unwritable):
            return pair
        own, peer = pair
        clear = clear_of_question(kind, question)
        envelope = Envelope(
            version=VERSION, kind=kind, says=Says.ASKED, correlation=correlation, case=clear.case,
            origin=self.region, to=to, sent_at=at, answers="", amounts=clear.amounts,
            certificate=own.serial, sealed_for=peer.serial, body="",
        )  # fmt: skip
        message = self.written(envelope, msgspec.json.encode(question))
        large = self.too_large(message)
        if large:
            return Unwritable(large)
        return Written(message=message, envelope=envelope, digest=digest_of(message))

    def answer(self, opened: Opened | Strange, said: Told | Refused, *, at: datetime) -> bytes:
        """The answer to a question: with the certificate that it was sealed for, for the one that
        it was signed with, so that both are known on both sides."""
        asked = opened.envelope
        clear = clear_of(asked.kind, asked.case, said)
        envelope = structs.replace(
            asked, says=Says.REFUSED if isinstance(said, Refused) else Says.TOLD, case=clear.case,
            origin=self.region, to=asked.origin, sent_at=at, answers=opened.digest,
            amounts=clear.amounts, certificate=asked.sealed_for, sealed_for=asked.certificate,
            body="",
        )  # fmt: skip
        return self.written(envelope, msgspec.json.encode(said))

    def read_question(self, message: bytes, *, at: datetime) -> Opened | Worthless:
        """What another region asks, or why it is worth nothing."""
        parts = self._proved(message, at)
        if isinstance(parts, Worthless):
            return parts
        envelope = parts.envelope
        if envelope.says is not Says.ASKED:
            return worthless(Fault.NO_QUESTION, envelope)
        question = self._inside(envelope, QUESTION_OF[envelope.kind], as_of=envelope.sent_at)
        if isinstance(question, Worthless):
            return question
        if clear_of_question(envelope.kind, question) != Clear(envelope.case, envelope.amounts):
            return worthless(Fault.CLEAR_DIFFERS, envelope)
        return Opened(envelope=envelope, question=question, digest=digest_of(message))

    def read_strange(self, message: bytes, *, at: datetime) -> Strange | Worthless:
        """A question that `read_question` finds malformed, where nothing is wrong with it but that
        its kind is none of ours: whoever sent it may be told so."""
        parts = self._proved(message, at, reader=read_foreign)
        if isinstance(parts, Worthless):
            return parts
        envelope = parts.envelope
        if envelope.says is not Says.ASKED or envelope.kind in KINDS:
            return worthless(Fault.MALFORMED, envelope)
        plaintext = self.inside(envelope, as_of=envelope.sent_at)
        if isinstance(plaintext, Worthless):
            return plaintext
        return Strange(envelope=envelope, digest=digest_of(message))

    def read_answer(
        self, message: bytes, asked: Written, *, at: datetime
    ) -> Told | Refused | Worthless:
        """What another region answers to this question, or why that is worth nothing. Both
        certificates count as of the question, so that none ends between it and its answer."""
        question = asked.envelope
        parts = self._proved(message, at, as_of=question.sent_at)
        if isinstance(parts, Worthless):
            return parts
        envelope = parts.envelope
        if not (
            envelope.says is not Says.ASKED
            and envelope.answers == asked.digest
            and envelope.origin == question.to
            and envelope.kind is question.kind
            and envelope.correlation == question.correlation
        ):
            return worthless(Fault.NEVER_ASKED, envelope)
        expected: type[Told | Refused] = Refused
        if envelope.says is Says.TOLD:
            expected = TOLD_OF[envelope.kind]
        said = self._inside(envelope, expected, as_of=question.sent_at)
        if isinstance(said, Worthless):
            return said
        clear = clear_of(question.kind, question.case, said)
        if clear != Clear(envelope.case, envelope.amounts) or clear.case != question.case:
            return worthless(Fault.CLEAR_DIFFERS, envelope)
        return said

    def written(self, outside: _Outside, content: bytes) -> bytes:
        """A message: `content` sealed, bound to what is outside, all of it signed."""
        own, peer = self._own[outside.certificate], self._peers[outside.sealed_for]
        body = self._sealer.seal(content, outside, own.sealing, peer.certificate.sealing_key)
        return signed_message(unsigned(structs.replace(outside, body=body)), own.signing)

    def too_large(self, message: bytes) -> str:
        """Why a message is too large; empty where it is not."""
        if len(message) <= self._bytes_max:
            return ""
        return f"{len(message)} bytes are more than {self._bytes_max}"

    def objection(
        self, outside: Outside, parts: Signed, at: datetime, *, as_of: datetime | None = None
    ) -> Worthless | None:
        """Why a message is not for us, or its sender is not proved; its certificate has to hold as
        of its own time, or another."""
        if outside.to != self.region:
            return worthless(Fault.NOT_FOR_US, outside)
        peer = self._peers.get(outside.certificate)
        if peer is None:
            return worthless(Fault.CERTIFICATE_UNKNOWN, outside)
        fault = self._fault(outside, peer.certificate, at, as_of or outside.sent_at)
        if fault is None and not is_signed_by(parts, peer.key):
            fault = Fault.SIGNATURE_WRONG
        return None if fault is None else worthless(fault, outside)

    def inside(self, outside: Outside, *, as_of: datetime) -> bytes | Worthless:
        """The content of a message whose sender is proved."""
        own = self._own.get(outside.sealed_for)
        serial = outside.sealed_for
        if own is None or serial in self._withdrawn or not own.certificate.holds_at(as_of):
            return worthless(Fault.SEALED_FOR_ANOTHER, outside)
        peer = self._peers[outside.certificate].certificate
        try:
            return self._sealer.open(outside, own.sealing, peer.sealing_key)
        except UnopenableError:
            return worthless(Fault.UNOPENABLE, outside)

    def pair(self, to: str, at: datetime) -> tuple[Certificate, Certificate] | Unwritable:
        """The certificates that a message to a region is written with now: ours and theirs."""
        own, peer = self._newest(self.region, at), self._newest(to, at)
        if own is None or peer is None:
            return Unwritable(f"no certificate of {self.region if own is None else to} holds")
        return own, peer

    def _proved(
        self, message: bytes, at: datetime, *, as_of: datetime | None = None,
        reader: Callable[[bytes], Parts] = read,
    ) -> Parts | Worthless:  # fmt: skip
        parts = taken_apart(message, reader, self.too_large(message))
        if isinstance(parts, Worthless):
            return parts
        return self.objection(parts.envelope, parts, at, as_of=as_of) or parts

    def _fault(
        self, outside: Outside, certificate: Certificate, at: datetime, as_of: datetime
    ) -> Fault | None:
        if certificate.region != outside.origin:
            return Fault.CERTIFICATE_NOT_THEIRS
        if certificate.serial in self._withdrawn:
            return Fault.CERTIFICATE_WITHDRAWN
        if abs(at - outside.sent_at) > self._window:
            return Fault.OUTSIDE_WINDOW
        if not certificate.holds_at(as_of):
            return Fault.CERTIFICATE_NOT_VALID
        return None

    def _inside(
        self, envelope: Envelope, kind: type[_Content], *, as_of: datetime
    ) -> _Content | Worthless:
        plaintext = self.inside(envelope, as_of=as_of)
        if isinstance(plaintext, Worthless):
            return plaintext
        try:
            return msgspec.json.decode(plaintext, type=kind)
        except (msgspec.DecodeError, ValueError):
            # What the decoder says may repeat what is inside.
            return worthless(Fault.CONTENT_MALFORMED, envelope)

    def _newest(self, region: str, at: datetime) -> Certificate | None:
        """Of those of a region that hold, the one that began last."""
        holding = [
            one for one in self._of_region.get(region, ())
            if one.serial not in self._withdrawn and one.holds_at(at)
        ]  # fmt: skip
        return max(holding, key=lambda one: (one.not_before, one.serial), default=None)


def clear_of(kind: Kind, case: str, said: Told | Refused) -> Clear:
    """What must stand in the clear of an answer; a refusal is of the case that was asked about."""
    if isinstance(said, Refused):
        return Clear(case, None)
    return clear_of_answer(kind, said)


def taken_apart(
    message: bytes, reader: Callable[[bytes], _Parts], too_large: str
) -> _Parts | Worthless:
    """A message as its reader reads it, or why that cannot be."""
    if too_large:
        return Worthless(fault=Fault.TOO_LARGE, text=too_large)
    try:
        return reader(message)
    except UnknownVersionError as exc:
        return Worthless(fault=Fault.VERSION_UNKNOWN, text=str(exc))
    except UnreadableError as exc:
        return Worthless(fault=Fault.MALFORMED, text=str(exc))


def digest_of(message: bytes) -> str:
    """What an answer names its question by."""
    return hashlib.sha256(message).hexdigest()


def worthless(fault: Fault, outside: Outside) -> Worthless:
    """A message that is worth nothing, without what is inside."""
    return Worthless(
        fault=fault, origin=outside.origin, certificate=outside.certificate,
        correlation=outside.correlation,
    )  # fmt: skip
