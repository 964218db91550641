"""Who holds the phone: the sign-in of a page that WeChat opened (网页授权, snsapi_base).

The page sends the payer to WeChat, which sends them back with a code; whoever has the application's
secret exchanges it for the payer's `openid` there. Nothing else is learnt of the payer.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

SCOPE = "snsapi_base"
"""The payer is not asked and sees nothing of it."""
TOKEN_PATH = "/sns/oauth2/access_token"  # noqa: S105 - a path, and no secret


class SignedIn(Struct, frozen=True, kw_only=True):
    """What the exchange answers: an openid, or a number of an error (errcode 40029: wrong code)."""

    openid: str = ""
    errcode: int = 0
    errmsg: str = ""


def sign_in_address(base: str, *, appid: str, back: str, state: str) -> str:
    """Where a page sends the payer; they come back to `back` with `code` and `state`."""
    asked = urlencode(
        {
            "appid": appid, "redirect_uri": back, "response_type": "code", "scope": SCOPE,
            "state": state,
        },
        quote_via=quote,
    )  # fmt: skip
    return f"{base}?{asked}#wechat_redirect"


def token_target(*, appid: str, secret: str, code: str) -> str:
    """Path and query of the exchange. It holds the secret: never to be logged."""
    asked = {"appid": appid, "secret": secret, "code": code, "grant_type": "authorization_code"}
    return f"{TOKEN_PATH}?{urlencode(asked, quote_via=quote)}"


def read_signed_in(body: bytes) -> SignedIn:
    """The answer; one that cannot be read names nobody."""
    try:
        return msgspec.json.decode(body, type=SignedIn)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return SignedIn(errmsg="unreadable")
