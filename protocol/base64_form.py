"""Base64 as a form carries it (application/x-www-form-urlencoded).

Signatures and certificates are the longest values of a form, and the general quoting goes through
them letter by letter; of Base64, and of PEM, no more than six letters need it.
"""

from __future__ import annotations

import re
from urllib.parse import quote_plus

_BASE64 = re.compile(r"[A-Za-z0-9+/=\- \r\n]*")


def quoted(text: str) -> str:
    """As `urllib.parse.quote_plus`, for any text."""
    if _BASE64.fullmatch(text) is None:
        return quote_plus(text)
    return (
        text.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D").replace(" ", "+")
        .replace("\r", "%0D").replace("\n", "%0A")
    )  # fmt: skip
