"""A region's end of the wire: writes what it asks and answers, and reads what others sent.

Reading has one order of checks, cheap ones first, and gives what was inside or the one reason why
it is worth nothing. There is no other way to what was inside. Pure but for chance; knows neither
sockets nor what is asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from msgspec import Struct, structs

from protocol.hub.certificates import Certificate, SecretKeys
from protocol.hub.envelope import (
    BYTES_MAX,
    VERSION,
    Clear,
    Envelope,
    Parts,
    Says,
    UnknownVersionError,
    UnreadableError,
    clear_of_answer,
    clear_of_question,
    read,
    unsigned,
)
from protocol.hub.messages import QUESTION_OF, TOLD_OF, Kind, Question, Refused, Told
from protocol.hub.sealing import Sealer, UnopenableError
from protocol.hub.signing import is_signed_by, signed_message

WINDOW_SECONDS = 300
_Content = TypeVar("_Content")


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
        own, peer = self._newest(self.region, at), self._newest(to, at)
        if own is None or peer is None:
            return Unwritable(f"no certificate of {self.region if own is None else to} holds")
        clear = clear_of_question(kind, question)
        envelope = Envelope(
            version=VERSION, kind=kind, says=Says.ASKED, correlation=correlation, case=clear.case,
            origin=self.region, to=to, sent_at=at, answers="", amounts=clear.amounts,
            certificate=own.serial, sealed_for=peer.serial, body="",
        )  # fmt: skip
        message = self._written(envelope, question)
        if len(message) > self._bytes_max:
            return Unwritable(f"{len(message)} bytes are more than {self._bytes_max}")
        return Written(message=message, envelope=envelope, digest=_digest(message))

    def answer(self, opened: Opened, said: Told | Refused, *, at: datetime) -> bytes:
        """The answer to a question: with the certificate that it was sealed for, for the one that
        it was signed with, so that both are known on both sides."""
        asked = opened.envelope
        clear = _clear_of(asked, said)
        envelope = structs.replace(
            asked, says=Says.REFUSED if isinstance(said, Refused) else Says.TOLD, case=clear.case,
            origin=self.region, to=asked.origin, sent_at=at, answers=opened.digest,
            amounts=clear.amounts, certificate=asked.sealed_for, sealed_for=asked.certificate,
            body="",
        )  # fmt: skip
        return self._written(envelope, said)

    def read_question(self, message: bytes, *, at: datetime) -> Opened | Worthless:
        """What another region asks, or why it is worth nothing."""
        parts = self._proved(message, at)
        if isinstance(parts, Worthless):
            return parts
        envelope = parts.envelope
        if envelope.says is not Says.ASKED:
            return _worthless(Fault.NO_QUESTION, envelope)
        question = self._inside(envelope, QUESTION_OF[envelope.kind], as_of=envelope.sent_at)
        if isinstance(question, Worthless):
            return question
        if clear_of_question(envelope.kind, question) != Clear(envelope.case, envelope.amounts):
            return _worthless(Fault.CLEAR_DIFFERS, envelope)
        return Opened(envelope=envelope, question=question, digest=_digest(message))

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
            return _worthless(Fault.NEVER_ASKED, envelope)
        expected: type[Told | Refused] = Refused
        if envelope.says is Says.TOLD:
            expected = TOLD_OF[envelope.kind]
        said = self._inside(envelope, expected, as_of=question.sent_at)
        if isinstance(said, Worthless):
            return said
        clear = _clear_of(question, said)
        if clear != Clear(envelope.case, envelope.amounts) or clear.case != question.case:
            return _worthless(Fault.CLEAR_DIFFERS, envelope)
        return said

    def _written(self, envelope: Envelope, content: Struct) -> bytes:
        own, peer = self._own[envelope.certificate], self._peers[envelope.sealed_for]
        body = self._sealer.seal(
            msgspec.json.encode(content), envelope, own.sealing, peer.certificate.sealing_key
        )
        return signed_message(unsigned(structs.replace(envelope, body=body)), own.signing)

    def _proved(
        self, message: bytes, at: datetime, *, as_of: datetime | None = None
    ) -> Parts | Worthless:
        """A message for us whose sender is proved; its certificate holds as of its own time, or
        another."""
        if len(message) > self._bytes_max:
            return Worthless(fault=Fault.TOO_LARGE, text=f"{len(message)} bytes")
        try:
            parts = read(message)
        except UnknownVersionError as exc:
            return Worthless(fault=Fault.VERSION_UNKNOWN, text=str(exc))
        except UnreadableError as exc:
            return Worthless(fault=Fault.MALFORMED, text=str(exc))
        envelope = parts.envelope
        if envelope.to != self.region:
            return _worthless(Fault.NOT_FOR_US, envelope)
        peer = self._peers.get(envelope.certificate)
        if peer is None:
            return _worthless(Fault.CERTIFICATE_UNKNOWN, envelope)
        fault = self._objection(envelope, peer.certificate, at, as_of or envelope.sent_at)
        if fault is None and not is_signed_by(parts, peer.key):
            fault = Fault.SIGNATURE_WRONG
        return parts if fault is None else _worthless(fault, envelope)

    def _objection(
        self, envelope: Envelope, certificate: Certificate, at: datetime, as_of: datetime
    ) -> Fault | None:
        if certificate.region != envelope.origin:
            return Fault.CERTIFICATE_NOT_THEIRS
        if certificate.serial in self._withdrawn:
            return Fault.CERTIFICATE_WITHDRAWN
        if abs(at - envelope.sent_at) > self._window:
            return Fault.OUTSIDE_WINDOW
        if not certificate.holds_at(as_of):
            return Fault.CERTIFICATE_NOT_VALID
        return None

    def _inside(
        self, envelope: Envelope, kind: type[_Content], *, as_of: datetime
    ) -> _Content | Worthless:
        own = self._own.get(envelope.sealed_for)
        serial = envelope.sealed_for
        if own is None or serial in self._withdrawn or not own.certificate.holds_at(as_of):
            return _worthless(Fault.SEALED_FOR_ANOTHER, envelope)
        peer = self._peers[envelope.certificate].certificate
        try:
            plaintext = self._sealer.open(envelope, own.sealing, peer.sealing_key)
        except UnopenableError:
            return _worthless(Fault.UNOPENABLE, envelope)
        try:
            return msgspec.json.decode(plaintext, type=kind)
        except (msgspec.DecodeError, ValueError):
            # What the decoder says may repeat what is inside.
            return _worthless(Fault.CONTENT_MALFORMED, envelope)

    def _newest(self, region: str, at: datetime) -> Certificate | None:
        """Of those of a region that hold, the one that began last."""
        holding = [
            one for one in self._of_region.get(region, ())
            if one.serial not in self._withdrawn and one.holds_at(at)
        ]  # fmt: skip
        return max(holding, key=lambda one: (one.not_before, one.serial), default=None)


def _clear_of(asked: Envelope, said: Told | Refused) -> Clear:
    """What must stand in the clear of an answer; a refusal is of the case that was asked about."""
    if isinstance(said, Refused):
        return Clear(asked.case, None)
    return clear_of_answer(asked.kind, said)


def _digest(message: bytes) -> str:
    return hashlib.sha256(message).hexdigest()


def _worthless(fault: Fault, envelope: Envelope) -> Worthless:
    return Worthless(
        fault=fault, origin=envelope.origin, certificate=envelope.certificate,
        correlation=envelope.correlation,
    )  # fmt: skip
