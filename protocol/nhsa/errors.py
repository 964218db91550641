"""What can be wrong with a message, before anything is known about people, prices or money.

A `WireError` names a code, the field at fault and the facts a text for a reader is made of; the
text itself, the HTTP status and the retry advice are made elsewhere, from one table.
"""

from __future__ import annotations

from enum import StrEnum


class WireErrorCode(StrEnum):
    """Closed set of faults, in the order in which they are looked for."""

    NOT_UTF8 = "NOT_UTF8"
    TOO_DEEP = "TOO_DEEP"
    MALFORMED_JSON = "MALFORMED_JSON"
    NOT_AN_ENVELOPE = "NOT_AN_ENVELOPE"
    UNKNOWN_TRANSACTION = "UNKNOWN_TRANSACTION"
    INFNO_MISMATCH = "INFNO_MISMATCH"
    FIELD_MISSING = "FIELD_MISSING"
    FIELD_TYPE = "FIELD_TYPE"
    FIELD_TOO_LONG = "FIELD_TOO_LONG"
    FIELD_FORMAT = "FIELD_FORMAT"
    CODE_UNKNOWN = "CODE_UNKNOWN"
    AMOUNT_NOT_FINITE = "AMOUNT_NOT_FINITE"
    AMOUNT_TOO_LARGE = "AMOUNT_TOO_LARGE"
    AMOUNT_SCALE = "AMOUNT_SCALE"
    AMOUNT_NEGATIVE = "AMOUNT_NEGATIVE"
    LINES_NONE = "LINES_NONE"
    LINES_TOO_MANY = "LINES_TOO_MANY"
    DUPLICATE_LINE = "DUPLICATE_LINE"


UNREADABLE = frozenset(
    {
        WireErrorCode.NOT_UTF8,
        WireErrorCode.TOO_DEEP,
        WireErrorCode.MALFORMED_JSON,
        WireErrorCode.NOT_AN_ENVELOPE,
    }
)
"""Faults that leave nothing to answer to (HTTP 400); every other one is a readable envelope
that is refused with HTTP 200 and an infcode."""


class WireError(Exception):
    """A message is refused. `field` is the path in the request, as `input.drugdetail[2].cnt`.

    `params` may hold `name_zh` (the field's Chinese name), `expected` (Chinese, what is allowed)
    and `found` (what was sent, shortened, identity numbers and names left out).
    """

    def __init__(
        self, code: WireErrorCode, field: str | None = None, params: dict[str, str] | None = None
    ) -> None:
        super().__init__(code, field)
        self.code = code
        self.field = field
        self.params: dict[str, str] = params or {}

    def __str__(self) -> str:
        return f"{self.code} at {self.field}" if self.field else str(self.code)
