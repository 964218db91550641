"""Tokens of the city's app and sessions of browsers: what is taken, and everything that is not."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from msgspec.structs import replace

from settlement.keyring import Keyring, new_material
from settlement.people.my_session import SESSION_SECONDS, Session, form_key, kept, opened
from settlement.people.my_token import Claims, app_of, fault_of, owner_of, signed_token, taken_apart

KEY, SECRET, NOW = "city-app-0001", "test-secret-of-the-city-app-0001", 1_790_000_000
CLAIMS = Claims(aud="my", iat=NOW, exp=NOW + 120, jti="1", sub="T0001")


def fault(text: str, *, secret: str = SECRET, now: int = NOW) -> str | None:
    """Why a token is not taken."""
    token = taken_apart(text)
    return "APP_TOKEN_WRONG" if token is None else fault_of(token, secret, now)


def signed(**changes: Any) -> str:
    """A token that says something else."""
    return signed_token(KEY, SECRET, replace(CLAIMS, **changes))


def part(content: object) -> str:
    return urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def test_token_names_who_is_signed_in() -> None:
    token = taken_apart(signed())
    assert token is not None and (token.access_key, token.claims) == (KEY, CLAIMS)
    assert fault_of(token, SECRET, NOW) is None


def test_token_of_the_standard_is_taken_whatever_made_it() -> None:
    """RFC 7519 with other white space and order of claims, as other libraries write it."""


    body = f"{part({'typ': 'JWT', 'alg': 'HS256', 'kid': KEY})}." + part(
        {"jti": "9", "sub": "T0001", "exp": NOW + 60, "iat": NOW, "aud": "my", "name": "测试甲"}
    )
    signature = hmac.digest(SECRET.encode(), body.encode(), "sha256")
    assert fault(f"{body}.{urlsafe_b64encode(signature).rstrip(b'=').decode()}") is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aud": "other"}, "APP_TOKEN_WRONG"),
        ({"exp": NOW}, "APP_TOKEN_EXPIRED"),
        ({"exp": NOW - 1, "iat": NOW - 100}, "APP_TOKEN_EXPIRED"),
        ({"iat": NOW + 61, "exp": NOW + 100}, "APP_TOKEN_EXPIRED"),
        ({"exp": NOW + 301}, "APP_TOKEN_EXPIRED"),
        ({"iat": NOW + 10, "exp": NOW + 5}, "APP_TOKEN_EXPIRED"),
        ({"jti": ""}, "APP_TOKEN_WRONG"),
        ({"sub": ""}, "APP_TOKEN_WRONG"),
        ({"certno": "1"}, "APP_TOKEN_WRONG"),
    ],
)
def test_token_that_says_too_much_or_too_late_is_refused(
    changes: dict[str, Any], code: str
) -> None:
    assert fault(signed(**changes)) == code


def test_token_of_another_secret_or_changed_by_a_letter_is_refused() -> None:
    text = signed()
    assert fault(text, secret=SECRET[::-1]) == "APP_TOKEN_WRONG"
    for at in range(len(text)):
        other = "A" if text[at] != "A" else "B"
        assert fault(f"{text[:at]}{other}{text[at + 1 :]}") is not None


@pytest.mark.parametrize("algorithm", ["none", "HS512", "RS256", "hs256"])
def test_no_other_algorithm_is_taken(algorithm: str) -> None:
    _, claims, signature = signed().split(".")
    header = part({"alg": algorithm, "kid": KEY})
    assert fault(f"{header}.{claims}.{signature}") == "APP_TOKEN_WRONG"
    assert fault(f"{header}.{claims}.") == "APP_TOKEN_WRONG"


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a.b.c", "a.b", "é.é.é", "x" * 3_000, f"{'=' * 4}.{'=' * 4}.=="]
)
def test_what_is_no_token_is_refused(text: str) -> None:
    assert taken_apart(text) is None


def test_owner_of_an_app_is_no_institution() -> None:
    assert app_of(owner_of("city")) == "city"
    assert app_of("H44190000001") == app_of("WALLET:WECHAT") == ""


def test_session_opens_for_who_it_was_made_and_ends() -> None:
    keyring = Keyring((new_material(1),))
    session = Session(person_no="T0001", app="city", access_key=KEY, ends_at=NOW + SESSION_SECONDS)
    text = kept(session, keyring)
    assert opened(text, keyring, NOW) == session
    assert "T0001" not in text
    assert opened(text, keyring, NOW + SESSION_SECONDS) is None
    assert opened(text, Keyring((new_material(1),)), NOW) is None
    for at in range(0, len(text), 7):
        other = "A" if text[at] != "A" else "B"
        assert opened(f"{text[:at]}{other}{text[at + 1 :]}", keyring, NOW) is None
    assert opened("", keyring, NOW) is opened("é", keyring, NOW) is None
    assert form_key(text, keyring) != form_key(text + "x", keyring)
