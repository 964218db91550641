"""The plain case of HTTP/1.1, found in bytes: a POST of a whole message with Content-Length, and a
GET of an order without a body.

Nearly every request is one of these, and a general parser costs more than the answer. This module
accepts only what cannot be read in two ways; everything else (chunked bodies, unusual headers,
other methods, HTTP/1.0, duplicates) is `General` and belongs to aiohttp's own parser. Pure: bytes
in, facts out; no sockets, no clock.
"""

from __future__ import annotations

import re
from enum import Enum

from msgspec import Struct

PATH = "/hsa/hgs"

HEAD_END = b"\r\n\r\n"
_REQUEST_STARTS = (b"POST /hsa/hgs", b"POST /pay/", b"GET /pay/", b"POST /notify/")
_HUB_LINE = "POST /hub/v1/messages HTTP/1.1"
"""What the hub forwards is as plain, and as frequent where many people come from elsewhere."""
_LINE = re.compile(r"POST /hsa/hgs(?:/([0-9A-Za-z]{1,6})?)? HTTP/1\.1")
_PAY_LINE = re.compile(
    r"(POST|GET) (/pay/[0-9A-Za-z_/-]{1,64}) HTTP/1\.1"
    r"|(POST) (/notify/[0-9A-Za-z/]{1,64}) HTTP/1\.1"
)
"""Counters that sell, and channels that tell what became of it."""
_NAME = re.compile(r"[0-9A-Za-z_-]{1,100}")
_LENGTH = re.compile(r"[0-9]{1,12}")

NAMES_REMEMBERED_MAX = 256

_CHANGES_FRAMING = frozenset(
    {"transfer-encoding", "content-encoding", "expect", "upgrade", "trailer", "te"}
)
"""Headers that change what a body is or how it travels."""


class Verdict(Enum):
    """What the first bytes of a connection are, when they are no whole plain head."""

    INCOMPLETE = "incomplete"
    GENERAL = "general"


class Head(Struct, frozen=True, gc=False):
    """A plain request head. `infno` None: the path names no transaction."""

    infno: str | None
    headers: dict[str, str]
    """names in lower case"""
    body_at: int
    body_bytes: int
    keep_alive: bool
    is_hub: bool = False
    """a message of another region: no transaction, and no headers that say who it is"""
    pay: tuple[str, str] | None = None
    """method and path of a request of a counter, or of a channel: no transaction either"""


def parse_head(data: bytes | bytearray, head_bytes_max: int) -> Head | Verdict:
    """The head that `data` begins with, or why there is none (yet)."""
    end = data.find(HEAD_END)
    if end < 0 or end > head_bytes_max:
        # What may still become a plain request is waited for; a huge head is not.
        plain = any(data[: len(one)] == one[: len(data)] for one in _REQUEST_STARTS)
        waiting = plain and end < 0 and len(data) <= head_bytes_max
        return Verdict.INCOMPLETE if waiting else Verdict.GENERAL
    lines = data[:end].decode("latin-1").split("\r\n")
    line = _LINE.fullmatch(lines[0])
    is_hub = line is None and lines[0] == _HUB_LINE
    paying = None if line is not None or is_hub else _PAY_LINE.fullmatch(lines[0])
    if line is None and not is_hub and paying is None:
        return Verdict.GENERAL
    headers = _headers(lines)
    if headers is None:
        return Verdict.GENERAL
    pay = None if paying is None else (paying[1] or paying[3], paying[2] or paying[4])
    is_get = pay is not None and pay[0] == "GET"
    length = headers.get("content-length", "0" if is_get else "")
    connection = headers.get("connection", "keep-alive").lower()
    if not _LENGTH.fullmatch(length) or connection not in ("keep-alive", "close"):
        return Verdict.GENERAL
    if is_get and length != "0":
        return Verdict.GENERAL  # a GET with a body is read in more than one way
    return Head(
        None if line is None else line[1], headers, end + 4, int(length),
        connection == "keep-alive", is_hub, pay,
    )  # fmt: skip


def _headers(lines: list[str]) -> dict[str, str] | None:
    """The headers, or None where anything could be read differently by somebody else."""
    headers: dict[str, str] = {}
    for index in range(1, len(lines)):
        name, colon, value = lines[index].partition(":")
        known = _KNOWN_NAMES.get(name) or _learn(name)
        if known is None or not colon or not value.isprintable():
            return None
        headers[known] = value.strip(" ")
    # A repeated name, or a missing Host, is for the general parser to judge.
    if len(headers) != len(lines) - 1 or "host" not in headers:
        return None
    return headers


def _learn(name: str) -> str | None:
    """Lower case of a well-formed harmless header name, remembered; None for any other."""
    lower = name.lower()
    if not _NAME.fullmatch(name) or lower in _CHANGES_FRAMING:
        return None
    if len(_KNOWN_NAMES) < NAMES_REMEMBERED_MAX:
        _KNOWN_NAMES[name] = lower
    return lower


_KNOWN_NAMES: dict[str, str] = {}
"""Header names as sent → lower case. Senders use the same dozen names for ever."""
