"""Who orders something, and whether two who did are one person: nobody confirms their own."""

from __future__ import annotations

from unicodedata import normalize

from msgspec import Struct


class Who(Struct, frozen=True, kw_only=True):
    """Who orders it, and why."""

    actor: str
    """the login name"""
    reason: str

    def is_also(self, other: str) -> bool:
        """Whether it is the same person, however the name is typed."""
        return same_person(self.actor, other)


def same_person(one: str, other: str) -> bool:
    """Whether two login names are one person's: blanks around it, capitals and the wide letters of
    a Chinese keyboard do not make another."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return normalize("NFKC", name).strip().casefold()
