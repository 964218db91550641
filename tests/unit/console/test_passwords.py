"""What a password must be, and that its hash is argon2id."""

from __future__ import annotations

import pytest

from settlement.console import passwords
from settlement.console.passwords import Hashes, new_password, objection
from settlement.console.words import Words


@pytest.mark.parametrize(
    ("password", "wrong"),
    [
        ("Ab1-Ab1-Ab", passwords.TOO_SHORT),
        ("Ab1-" * 40, passwords.TOO_LONG),
        ("abcdefghijkl1", passwords.TOO_SIMPLE),
        ("ABCDEFGHIJKL", passwords.TOO_SIMPLE),
        ("Jing-4711-xyz", passwords.IS_NAME),
        ("Aa1Aa1Aa1Aa1", passwords.REPEATS),
        ("Gut-genug-4711", None),
        ("一二三四五六七八九十Ab1", None),
    ],
)
def test_rules(password: str, wrong: Words | None) -> None:
    assert objection(password, name="jing") == wrong


def test_first_passwords_keep_the_rules_and_differ() -> None:
    made = {new_password() for _ in range(200)}
    assert len(made) == 200
    assert all(objection(one, name="jing") is None for one in made)


async def test_hash_fits_its_password_alone() -> None:
    hashes = Hashes()
    stored = await hashes.make("Gut-genug-4711")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert await hashes.fits(stored, "Gut-genug-4711")
    assert not await hashes.fits(stored, "Gut-genug-4712")
    assert not await hashes.fits(None, "Gut-genug-4711")
    assert not await hashes.fits("no hash at all", "Gut-genug-4711")
