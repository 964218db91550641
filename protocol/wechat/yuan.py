"""Yuan as text in bills, to and from fen. Exact; no float."""

from __future__ import annotations

import re

_AMOUNT = re.compile(r"(-?)([0-9]{1,14})(?:\.([0-9]{1,5}))?")


class MoneyTextError(Exception):
    """Not an amount of whole fen."""


def fen_of(text: str) -> int:
    """`12.30` → 1230, `-0.05` → -5. Decimals beyond the fen must be zeros."""
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise MoneyTextError(f"{text[:20]!r} is no amount")
    sign, whole, fraction = found[1], found[2], found[3] or ""
    if fraction[2:].strip("0"):
        raise MoneyTextError(f"{text[:20]} has parts of a fen")
    fen = int(whole) * 100 + int(fraction[:2].ljust(2, "0"))
    return -fen if sign else fen


def yuan_text(fen: int) -> str:
    """1230 → `12.30`."""
    sign, size = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}{size // 100}.{size % 100:02d}"
