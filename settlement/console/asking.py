"""A request and its answer as the console's pages see them: no HTTP library in sight.

Sizes are checked before anything is read (server.py); what is here is text.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from enum import StrEnum
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

HTML = "text/html; charset=utf-8"
CSV = "text/csv; charset=utf-8"
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROOT = "/console/"

SAFETY = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
"""On every answer: nothing inline, nothing from elsewhere, in nobody's frame."""


class Cookie(StrEnum):
    """The names of our cookies."""

    SESSION = "settlement_console"
    FORM = "settlement_console_form"
    """before anybody is signed in: ties the sign-in form to the browser that asked for it"""
    LANGUAGE = "settlement_console_language"


class Arrival(Protocol):
    """A form that brings a file: its fields come first, then the file."""

    name: str
    """what the browser calls the file; empty where there is none"""
    is_welcome: bool
    """whether the rest is read although nobody wants it, so that the answer can be seen"""

    async def fields(self) -> dict[str, str] | None:
        """What was typed beside it; None where that is too much."""
        ...

    def pieces(self) -> AsyncIterator[bytes]:
        """The file, once. Raises TooLargeError."""
        ...


class TooLargeError(Exception):
    """A file is larger than any that we take."""


class Asked(Struct, frozen=True, kw_only=True):
    """One request."""

    method: str
    path: str
    query: Mapping[str, str] = {}
    form: Mapping[str, str] = {}
    cookies: Mapping[str, str] = {}
    address: str = ""
    """who asks, as the gateway saw it"""
    host: str = ""
    origin: str | None = None
    """what the browser says about where a form came from"""
    arrival: Arrival | None = None
    """the form itself, where it brings a file"""
    secure: bool = False
    """whether the browser speaks TLS with whoever stands before us"""


class Answer(Struct, frozen=True, kw_only=True):
    """What is said to it."""

    status: int = 200
    body: bytes = b""
    media: str = HTML
    headers: tuple[tuple[str, str], ...] = ()
    stream: AsyncGenerator[bytes, None] | None = None
    """a long body, piece by piece, instead of `body`"""

    def with_headers(self, *more: tuple[str, str]) -> Answer:
        """The same with more headers."""
        return replace(self, headers=(*self.headers, *more))


def attachment(name: str) -> tuple[str, str]:
    """A browser saves it under this name."""
    return "Content-Disposition", f'attachment; filename="{name}"'


def wants_workbook(asked: Asked) -> bool:
    """Whether a table is wanted as Excel."""
    return asked.query.get("format") == "xlsx"


def redirect(path: str) -> Answer:
    """See another page of ours."""
    return Answer(status=303, headers=(("Location", path),))


def set_cookie(asked: Asked, name: Cookie, value: str, *, seconds: int | None = None) -> str:
    """A cookie that only the server reads and only our own pages send back."""
    parts = [f"{name.value}={value}", "Path=/console/", "HttpOnly", "SameSite=Strict"]
    if seconds is not None:
        parts.append(f"Max-Age={seconds}")
    if asked.secure:
        parts.append("Secure")
    return "; ".join(parts)


def drop_cookie(asked: Asked, name: Cookie) -> str:
    """The browser forgets it."""
    return set_cookie(asked, name, "", seconds=0)


def is_foreign(asked: Asked) -> bool:
    """Whether a form came from a page that is not ours. A browser that says nothing is believed:
    it has SameSite, and the form's token is checked as well."""
    if asked.origin is None:
        return False
    _, _, place = asked.origin.partition("://")
    return place.casefold() != asked.host.casefold()
