"""Passwords: what one must be, and its hash (argon2id, RFC 9106).

The rules are those of a system of the third level (等级保护三级): long, of several kinds of
characters, not the name, not the one before. Hashing takes a tenth of a second and 64 MiB on
purpose, so a thread does it and few at a time: `Hashes` is the one place.
"""

from __future__ import annotations

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from argon2.low_level import Type

from settlement.console.words import Words

LENGTH_MIN, LENGTH_MAX = 12, 128
KINDS_MIN = 3
AT_ONCE = 2
_LETTERS = "abcdefghjkmnpqrstuvwxyz"
_CAPITALS = "ABCDEFGHJKMNPQRSTUVWXYZ"
_DIGITS = "23456789"

TOO_SHORT = Words(f"密码至少 {LENGTH_MIN} 位。", f"At least {LENGTH_MIN} characters.")
TOO_LONG = Words(f"密码至多 {LENGTH_MAX} 位。", f"At most {LENGTH_MAX} characters.")
TOO_SIMPLE = Words(
    "密码须含大写字母、小写字母、数字、符号中的至少三种。",
    "At least three of: capital letters, small letters, digits, signs.",
)
IS_NAME = Words("密码不得包含用户名。", "It must not contain your user name.")
REPEATS = Words("密码中不同的字符太少。", "Too few different characters.")
IS_SAME = Words("新密码不得与原密码相同。", "It must differ from the one before.")


def objection(password: str, *, name: str) -> Words | None:
    """Why this cannot be the password of `name`; None where it can."""
    if len(password) < LENGTH_MIN:
        return TOO_SHORT
    if len(password) > LENGTH_MAX:
        return TOO_LONG
    kinds = (
        any(c.islower() for c in password), any(c.isupper() for c in password),
        any(c.isdigit() for c in password), any(not c.isalnum() for c in password),
    )  # fmt: skip
    if sum(kinds) < KINDS_MIN:
        return TOO_SIMPLE
    if name.casefold() in password.casefold():
        return IS_NAME
    if len(set(password)) < LENGTH_MIN // 2:
        return REPEATS
    return None


def new_password() -> str:
    """A first password to hand over: four groups that can be read aloud, about 80 bits."""
    every = _LETTERS + _CAPITALS + _DIGITS
    groups = ["".join(secrets.choice(every) for _ in range(4)) for _ in range(3)]
    last = secrets.choice(_LETTERS) + secrets.choice(_CAPITALS) + secrets.choice(_DIGITS)
    return "-".join([*groups, last])


class Hashes:
    """Makes and checks hashes, so many at once, in threads."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(
            time_cost=3, memory_cost=64 * 1024, parallelism=1, type=Type.ID
        )
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))

    async def make(self, password: str) -> str:
        """The hash of a password, with its parameters."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def fits(self, stored: str | None, password: str) -> bool:
        """Whether a password is the one of a hash. Without a hash (there is no such user) it takes
        as long to say no."""
        async with self._turn:
            return await asyncio.to_thread(self._fits, stored, password)

    def _fits(self, stored: str | None, password: str) -> bool:
        try:
            fits = self._hasher.verify(stored or self._nobody, password[:LENGTH_MAX])
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return False
        return bool(fits) and stored is not None
