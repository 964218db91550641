"""Keys under which a message or a claim counts once.

A *message key* is institution, transaction and msgid; a *business key* is what a claim is about
(DOMAIN 8), hashed with a secret so that nobody can test guesses about it. Both are 16 bytes:
4 bytes of time, so that new keys land at the right edge of the index, then 12 bytes of hash. The
time is part of what is hashed, never a source of uniqueness.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b

from settlement import numbers
from settlement.claim import Claim

NO_KEY = bytes(16)
"""Of what counts any number of times."""
_EPOCH = datetime(2000, 1, 1)


def message_key(institution: str, infno: str, msgid: str, sent_at_seconds: int) -> bytes:
    """The key of a message; `sent_at_seconds` is the time in the msgid, 0 where unreadable."""
    text = f"{institution}\n{infno}\n{msgid}".encode()
    return (sent_at_seconds & 0xFFFFFFFF).to_bytes(4, "big") + blake2b(
        text, digest_size=12
    ).digest()


def purchase_key(claim: Claim, secret: bytes) -> bytes:
    """Institution, person, begin time and digest of the sorted lines (2102)."""
    lines = [
        f"{x.item_code}\t{x.institution_item_code}\t{x.quantity_e4}\t{x.price_e6}\t{x.amount_fen}"
        for x in claim.lines
    ]
    lines.sort()
    elapsed = claim.service_at - _EPOCH
    seconds = elapsed.days * 86_400 + elapsed.seconds
    text = f"{claim.institution_code}\n{claim.person_no}\n{seconds}\n" + "\n".join(lines)
    digest = blake2b(text.encode(), digest_size=12, key=secret).digest()
    return (seconds & 0xFFFFFFFF).to_bytes(4, "big") + digest


def order_key(institution: str, order_no: str, at: datetime, secret: bytes) -> bytes:
    """Institution and order number of a sale that is scanned: two sales of the same things to the
    same person in one second are two orders."""
    elapsed = at - _EPOCH
    seconds = elapsed.days * 86_400 + elapsed.seconds
    digest = blake2b(f"{institution}\n{order_no}".encode(), digest_size=12, key=secret).digest()
    return (seconds & 0xFFFFFFFF).to_bytes(4, "big") + digest


def request_digest(content: bytes, secret: bytes) -> bytes:
    """What a request of a person says: 8 bytes, by which a resend is known to be one."""
    return blake2b(content, digest_size=8, key=secret).digest()


def case_key(region: str, kind: str, number: str, secret: bytes = b"") -> bytes:
    """What another region calls a case, or the cancel of one. Its numbers are made as ours, behind
    its code and a hyphen, and are led by their month; any other number is as good."""
    digest = blake2b(f"{region}\n{kind}\n{number}".encode(), digest_size=12, key=secret).digest()
    issued = numbers.parse(number.partition("-")[2]) or 0
    return (issued >> 32).to_bytes(4, "big") + digest


def visit_key(mdtrt_id: int, batch_no: str, secret: bytes) -> bytes:
    """Visit and charge batch (2207); a visit number is led by its month."""
    digest = blake2b(f"{mdtrt_id}/{batch_no}".encode(), digest_size=12, key=secret).digest()
    return (mdtrt_id >> 32).to_bytes(4, "big") + digest
