"""What is asked under a number that can never have an effect here any more, and why not.

A case that was refused, or reversed before it came, and a cancel that was refused leave a tombstone
under their number. A refusal stays with it, sealed, for what was wrong may be about somebody's
illness: asked again it is the same refusal (ADR 0033).
"""

from __future__ import annotations

import msgspec

from settlement.clock import Moment
from settlement.commands import Asked
from settlement.keyring import Keyring
from settlement.refusal import Refusal
from settlement.rows import MessageOutcome, MessageRow
from settlement.translate import home_cases as told
from settlement.usecases.visit_payloads import open_payload, seal_payload
from settlement.view import Effects, MessageFact

_DECODE = msgspec.json.Decoder(Refusal).decode


def never(
    asked: Asked, key: bytes, moment: Moment, keyring: Keyring, why: Refusal | None = None
) -> Effects:
    """What is asked under this key will never have an effect; `why` where it was refused."""
    tombstone = MessageRow(
        lane=asked.lane, key=key, outcome=MessageOutcome.TOMBSTONE,
        ref=told.tombstone_ref(moment.at),
        fingerprint=b""
        if why is None
        else seal_payload(why, keyring, tombstone_record(asked.lane, key)),
    )  # fmt: skip
    return Effects(lane=asked.lane, person_no=asked.person_no, messages=(tombstone,))


def why_never(tombstone: MessageFact, asked: Asked, key: bytes, keyring: Keyring) -> Refusal:
    """The refusal that a tombstone keeps; where it keeps none the case was reversed."""
    sealed = tombstone.fingerprint
    if not sealed:
        return Refusal(code="CASE_REVERSED", field="case_no")
    return _DECODE(open_payload(sealed, keyring, tombstone_record(asked.lane, key)))


def tombstone_record(lane: int, key: bytes) -> bytes:
    """The associated data of why a message may have no effect."""
    return b"tombstone/%d/%b" % (lane, key)
