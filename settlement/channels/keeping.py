"""What is kept of an exchange for auditors: enough to argue with a channel, nothing to pay with.

Payment codes keep two digits in front and four behind; what names a payer, and signatures, keep
nothing.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from functools import cache

from settlement.channels.line import Answered, Reply
from settlement.payments.payment import Exchange

KEPT_CHARACTERS_MAX = 4_000
HIDDEN = "***"


def masked_code(code: str) -> str:
    """`131234567890123456` → `13***(18)3456`; of a short one only the length."""
    if len(code) < 12:
        return f"{HIDDEN}({len(code)})"
    return f"{code[:2]}{HIDDEN}({len(code)}){code[-4:]}"


def payer_hash(identity: str) -> str:
    """A name under which a payer's payments can be put together, and nothing else."""
    return hashlib.sha256(identity.encode()).hexdigest()[:16] if identity else ""


def masked(text: str, names: tuple[str, ...]) -> str:
    """JSON or flat XML with the values of these names hidden."""
    return _values(names, is_xml=text.startswith("<")).sub(rf"\1{HIDDEN}\3", text)


def exchange(
    operation: str, request: str, reply: Reply, *, began_at: datetime, hide: tuple[str, ...]
) -> Exchange:
    """`request` has its code masked already; of the reply the names in `hide` are."""
    if isinstance(reply, Answered):
        told = masked(reply.body.decode("utf-8", "replace"), hide)
        status: int | None = reply.status
    else:
        told, status = f"{reply.code}: {reply.reason}", None
    return Exchange(
        operation=operation, request=request[:KEPT_CHARACTERS_MAX],
        reply=told[:KEPT_CHARACTERS_MAX], status=status, began_at=began_at, took_ms=reply.took_ms,
    )  # fmt: skip


@cache
def _values(names: tuple[str, ...], *, is_xml: bool) -> re.Pattern[str]:
    one_of = f"(?:{'|'.join(names)})"
    if is_xml:
        return re.compile(rf"(<{one_of}>)(.*?)(</)", re.DOTALL)
    return re.compile(rf'("{one_of}"\s*:\s*")((?:[^"\\]|\\.)*)(")')
