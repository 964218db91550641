"""Tokens of the city's app (登录凭证): who is asking, said by an app that is registered here.

A compact JSON Web Token (RFC 7519) under HMAC-SHA-256, as every language makes it. One algorithm,
one audience, five minutes at most, one use. Pure: secrets, clock and what was used are given.
"""

from __future__ import annotations

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256

import msgspec
from msgspec import Struct

from settlement.gateway import CredentialFact

PREFIX = "APP:"
AUDIENCE = "my"
TOKEN_LENGTH_MAX = 2_048
LIFE_SECONDS_MAX = 300
SKEW_SECONDS = 60
"""How far an app's clock may be ahead of ours."""
SECRET_BYTES_MIN = 32
_ALGORITHM = "HS256"


class Claims(Struct, frozen=True, kw_only=True):
    """What a token says. Either `sub` or `certno` names the person."""

    aud: str
    iat: int
    exp: int
    jti: str
    sub: str = ""
    """psn_no"""
    certno: str = ""
    """certificate number, where the app knows no psn_no"""


class Token(Struct, frozen=True, kw_only=True):
    """A token taken apart; nothing of it is believed yet."""

    access_key: str
    claims: Claims
    signed: bytes
    signature: bytes


class _Header(Struct, frozen=True):
    alg: str
    kid: str
    typ: str = "JWT"


_ENCODE = msgspec.json.Encoder().encode
_DECODE_HEADER = msgspec.json.Decoder(_Header).decode
_DECODE_CLAIMS = msgspec.json.Decoder(Claims).decode


def owner_of(app: str) -> str:
    """What stands in the place of an institution in an app's credential."""
    return f"{PREFIX}{app}"


def app_of(owner: str) -> str:
    """The app that a credential belongs to; empty where it is an institution's."""
    return owner.removeprefix(PREFIX) if owner.startswith(PREFIX) else ""


def apps_among(credentials: Mapping[str, CredentialFact]) -> frozenset[str]:
    """Every app that may send persons here now."""
    return frozenset(
        app_of(fact.institution_code)
        for fact in credentials.values()
        if not fact.suspended and app_of(fact.institution_code)
    )


def taken_apart(text: str) -> Token | None:
    """A token in its parts; None where it is none of this form."""
    parts = text.split(".")
    if len(text) > TOKEN_LENGTH_MAX or len(parts) != 3 or not text.isascii():
        return None
    try:
        header, claims = _DECODE_HEADER(_raw(parts[0])), _DECODE_CLAIMS(_raw(parts[1]))
        signature = _raw(parts[2])
    except (msgspec.MsgspecError, UnicodeDecodeError, binascii.Error, ValueError, RecursionError):
        return None
    if header.alg != _ALGORITHM or not claims.jti or bool(claims.sub) is bool(claims.certno):
        return None
    signed = text.rpartition(".")[0].encode()
    return Token(access_key=header.kid, claims=claims, signed=signed, signature=signature)


def fault_of(token: Token, secret: str, now_seconds: int) -> str | None:
    """The code of the refusal that a token gets; None where it is good and only may have been used
    before. The signature comes first: nothing else is told to who cannot sign."""
    wanted = hmac.digest(secret.encode(), token.signed, sha256)
    if not hmac.compare_digest(wanted, token.signature) or token.claims.aud != AUDIENCE:
        return "APP_TOKEN_WRONG"
    claims = token.claims
    too_long = not 0 < claims.exp - claims.iat <= LIFE_SECONDS_MAX
    if too_long or not claims.iat - SKEW_SECONDS <= now_seconds < claims.exp:
        return "APP_TOKEN_EXPIRED"
    return None


def signed_token(access_key: str, secret: str, claims: Claims) -> str:
    """A token, as an app makes it."""
    header = _text(_ENCODE(_Header(alg=_ALGORITHM, kid=access_key)))
    body = f"{header}.{_text(_ENCODE(claims))}"
    return f"{body}.{_text(hmac.digest(secret.encode(), body.encode(), sha256))}"


def _raw(part: str) -> bytes:
    if "=" in part:
        raise ValueError("a part of a token has no padding")
    raw = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if _text(raw) != part:
        raise ValueError("a part of a token is not in its one form")
    return raw


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
