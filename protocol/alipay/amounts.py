"""Yuan as this wire writes it, to and from fen, exactly. No float is involved."""

from __future__ import annotations

import re

_YUAN = re.compile(r"([+-]?)(\d{1,13})(?:\.(\d{1,2})0*)?", re.ASCII)


def fen(yuan_text: str) -> int:
    """88.8 → 8880. ValueError for what is no amount, or has a fraction of a fen."""
    match = _YUAN.fullmatch(yuan_text)
    if match is None:
        raise ValueError(f"no amount in yuan: {yuan_text[:20]!r}")
    sign, whole, fraction = match.groups(default="")
    amount_fen = int(whole + fraction.ljust(2, "0"))
    return -amount_fen if sign == "-" else amount_fen


def yuan(amount_fen: int) -> str:
    """8880 → 88.80, with two places always."""
    if amount_fen < 0:
        return f"-{yuan(-amount_fen)}"
    return f"{amount_fen // 100}.{amount_fen % 100:02d}"
