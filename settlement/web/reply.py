"""HTTP replies, as bytes for the plain case and as facts for the general one.

A reply of 200 carries the core's bytes as they are (JSON, or the zip that 9102 answers); every
other status carries one small JSON object `{code, message, err_code, retry}` made from the refusal
table.
"""

from __future__ import annotations

from email.utils import format_datetime
from functools import lru_cache
from http import HTTPStatus
from time import monotonic

from msgspec import Struct
from msgspec.json import Encoder

from settlement.clock import system_clock
from settlement.gateway import Retry
from settlement.limits import Limits
from settlement.refusal import Refusal
from settlement.refusals import REFUSALS, text

JSON = "application/json; charset=utf-8"
ZIP = "application/zip"
HEADS_REMEMBERED_MAX = 64
_NO_SNIFFING = "X-Content-Type-Options: nosniff\r\n"
"""What says JSON is JSON, whatever somebody had written into it."""


class HttpReply(Struct, frozen=True, gc=False):
    """`retry_after_seconds` becomes a header where it is set."""

    status: int
    body: bytes
    retry_after_seconds: int | None = None
    media: str = JSON

    def wire(self) -> bytes:
        """The whole reply on a connection that stays open."""
        if self.status == 200 and self.media is JSON:
            head = _OK_HEAD
        else:
            head = _head(self.status, self.media, self.retry_after_seconds)
        return b"%b%d%b%b" % (head, len(self.body), _date_line(), self.body)

    def last_wire(self) -> bytes:
        """The whole reply on a connection that is closed after it."""
        head = _head(self.status, self.media, self.retry_after_seconds, "Connection: close\r\n")
        return b"%b%d%b%b" % (head, len(self.body), _date_line(), self.body)


def problem(
    code: str,
    *,
    message: str = "",
    seconds: int | None = None,
    params: dict[str, str | int] | None = None,
) -> HttpReply:
    """A reply outside the NHSA envelope; all that is not given comes from the refusal table."""
    row = REFUSALS[code]
    words = message or text(Refusal(code=code, params=params or {})).message
    body = _Problem(code=row.http_status, message=words, err_code=code, retry=row.retry)
    return HttpReply(row.http_status, _ENCODER.encode(body), seconds)


def too_large(limits: Limits) -> HttpReply:
    """A message over the limit (413)."""
    return problem("BODY_TOO_LARGE", params={"limit": limits.body_bytes_max})


class _Problem(Struct, frozen=True, kw_only=True):
    code: int
    message: str
    err_code: str
    retry: Retry


@lru_cache(maxsize=HEADS_REMEMBERED_MAX)
def _head(status: int, media: str, retry_after_seconds: int | None, extra: str = "") -> bytes:
    """Made once for each of the few that there are: whoever is turned away costs little."""
    if retry_after_seconds is not None:
        extra += f"Retry-After: {retry_after_seconds}\r\n"
    told = f"{status} {HTTPStatus(status).phrase}"
    return (
        f"HTTP/1.1 {told}\r\nContent-Type: {media}\r\n{_NO_SNIFFING}{extra}Content-Length: "
    ).encode()


class _Date:
    """The Date line, made anew once a second."""

    until = 0.0
    line = b""


def _date_line() -> bytes:
    now = monotonic()
    if now >= _Date.until:
        at = format_datetime(system_clock(), usegmt=True)
        _Date.line = f"\r\nDate: {at}\r\n\r\n".encode()
        _Date.until = now + 1.0
    return _Date.line


_OK_HEAD = _head(200, JSON, None)
_ENCODER = Encoder()
