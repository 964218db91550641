"""One request of somebody: who they are, in which language, what they typed, and the desk behind.

Pages get a `Visit` and give an `Answer`. What a page shows of persons or cases it reads through
`visit.scope`.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from settlement.console.asking import Answer, Asked, Cookie, redirect
from settlement.console.rights import Right, Role, may
from settlement.console.words import Words
from settlement.keyring import UndecipherableError
from settlement.storage.console_users import Noted

if TYPE_CHECKING:
    from settlement.console.desk import Desk

SECRET_FIELDS = ("csrf", "password", "code", "kept", "key")
"""Fields whose names contain one of these are never kept or shown again."""


class Visitor(Struct, frozen=True, kw_only=True):
    """Who is signed in."""

    name: str
    display_name: str
    role: Role
    institution: str | None
    must_change: bool
    has_totp: bool
    started_at: datetime
    token: str
    draft: Draft | None = None


class Draft(Struct, frozen=True, kw_only=True):
    """What was typed into the form of a page."""

    page: str
    typed: dict[str, str]


class Visit(Struct, kw_only=True):
    """See the module."""

    asked: Asked
    desk: Desk
    at: datetime
    language: str
    visitor: Visitor | None = None
    parts: tuple[str, ...] = ()
    """what the address says: the groups of its pattern"""
    typed: Mapping[str, str] = {}
    """what is in the page's form already"""
    problem: Words | None = None
    """what is wrong with it"""

    @property
    def who(self) -> Visitor:
        """Who is signed in; only where the address demands it."""
        if self.visitor is None:
            raise LookupError("nobody is signed in")
        return self.visitor

    @property
    def scope(self) -> str | None:
        """The institution whose cases alone may be seen; None for all."""
        return self.who.institution

    def may(self, right: Right) -> bool:
        """Whether who is signed in has a right."""
        return self.visitor is not None and may(self.visitor.role, right)

    def told(self, words: Words) -> str:
        """Words in the language of the page."""
        return words.told(self.language)

    @property
    def csrf(self) -> str:
        """What our own forms carry: a hash of what only the cookie holds."""
        secret = self.visitor.token if self.visitor else self.asked.cookies.get(Cookie.FORM, "")
        return csrf_of(secret)

    @property
    def kept_for(self) -> str:
        """Whose form it is, sealed: known also after the session has ended."""
        return self.seal(self.who.name.encode(), b"user")

    def page(
        self, template: str, title: Words, *, status: int = 200, **content: object
    ) -> Answer:
        """A page of ours."""
        body = self.desk.render(template, self, title, content)
        return Answer(status=status, body=body)

    def again(self, problem: Words) -> Visit:
        """The same page with what was typed, and what is wrong with it."""
        return replace(self, typed=without_secrets(self.asked.form), problem=problem)

    def go(self, path: str, done: Words | None = None) -> Answer:
        """See another page, which says what was done."""
        if done is None:
            return redirect(path)
        said = self.seal(msgspec.json.encode(list(done)), b"done")
        joint = "&" if "?" in path else "?"
        return redirect(f"{path}{joint}{urlencode({'done': said})}")

    @property
    def done(self) -> Words | None:
        """What was done before this page is shown."""
        opened = self.unseal(self.asked.query.get("done", ""), b"done")
        return None if opened is None else Words(*msgspec.json.decode(opened, type=list[str]))

    async def note(self, action: str, subject: str, note: str = "") -> None:
        """Tell the audit what was seen or done."""
        actor = self.visitor.name if self.visitor else ""
        await self.desk.note(
            Noted(
                actor=actor, action=action, subject=subject, note=note, origin=self.asked.address
            ),
            self.at,
        )

    def seal(self, plain: bytes, purpose: bytes) -> str:
        """Something that travels through the browser and comes back unread and unchanged."""
        keyring = self.desk.keyring
        sealed = keyring.seal(plain, b"console/" + purpose)
        return base64.urlsafe_b64encode(bytes([keyring.version]) + sealed).decode().rstrip("=")

    def unseal(self, text: str, purpose: bytes) -> bytes | None:
        """What `seal` sealed for the same purpose; None for anything else."""
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            return self.desk.keyring.open(raw[1:], b"console/" + purpose, raw[0])
        except (UndecipherableError, binascii.Error, ValueError, IndexError):
            return None

    def age(self, since: datetime) -> timedelta:
        """How long ago."""
        return self.at - since


def is_same(one: str, other: str) -> bool:
    """Whether two secrets are the same, told in the same time wherever they differ."""
    return secrets.compare_digest(one.encode(), other.encode())


def csrf_of(secret: str) -> str:
    """The token of the forms of a session."""
    return sha256(b"console form\0" + secret.encode()).hexdigest() if secret else ""


def without_secrets(form: Mapping[str, str]) -> dict[str, str]:
    """What may be kept of a form."""
    return {
        name: value
        for name, value in form.items()
        if not any(secret in name for secret in SECRET_FIELDS)
    }

