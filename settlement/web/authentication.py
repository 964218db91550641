"""Who is calling: x-tif or CSB headers to a `Caller`, or why not (interface 1.5 a and b).

The headers do not sign the body, so the core still checks that the envelope's institution is the
caller's. An x-tif nonce is used for one body only; CSB has no nonce, only a time window, and a
replay is harmless because a message acts once. Secrets come from the gateway and stay here.
"""

from __future__ import annotations

import time
from asyncio import Future
from collections.abc import Callable, Mapping

from msgspec import Struct

from protocol.nhsa import signing
from settlement.gateway import Caller, CredentialFact, Gateway
from settlement.limits import Limits
from settlement.web.nonces import Nonces

TIF_HEADERS = ("x-tif-paasid", "x-tif-timestamp", "x-tif-nonce", "x-tif-signature")
CSB_HEADERS = ("_api_access_key", "_api_name", "_api_signature", "_api_timestamp", "_api_version")
NONCE_LENGTH_MAX = 128


class Known(Struct, frozen=True, gc=False):
    """Whose signature it is; `nonce`, where set, has not been asked about yet."""

    caller: Caller
    nonce: str | None = None


class Granted(Struct, frozen=True, gc=False):
    """The caller; `nonce`, where set, must still say True."""

    caller: Caller
    nonce: Future[bool] | None = None


class Denied(Struct, frozen=True, gc=False):
    """A row of the refusal table with HTTP 401."""

    code: str
    params: dict[str, str | int] = {}


_TIF_WRONG = Denied(
    "SIGNATURE_WRONG",
    {"header": "x-tif-signature",
     "formula": "SHA-256(x-tif-timestamp+密钥+x-tif-nonce+x-tif-timestamp)的小写十六进制"},
)  # fmt: skip
_CSB_WRONG = Denied(
    "SIGNATURE_WRONG",
    {"header": signing.CSB_SIGNATURE_HEADER,
     "formula": "Base64(HMAC-SHA1)，原文为其余_api_头按名称排序的key=value以&相连"},
)  # fmt: skip


class Authenticator:
    """Checks headers with the gateway's credentials."""

    def __init__(
        self,
        gateway: Gateway,
        nonces: Nonces,
        limits: Limits,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._credential = gateway.credential
        self._nonces = nonces
        self._limits = limits
        self._clock = clock
        self._callers: dict[str, Caller] = {}

    def authenticate(self, headers: Mapping[str, str], body: bytes) -> Granted | Denied:
        """Both steps at once: who it is, and whether the nonce is new."""
        known = self.identify(headers)
        return known if isinstance(known, Denied) else self.grant(known, body)

    def grant(self, known: Known, body: bytes) -> Granted | Denied:
        """The second step: a nonce is for one body only. It is used up, so whoever is turned away
        for want of room is turned away before."""
        if known.nonce is None:
            return Granted(known.caller)
        seen = self._nonces.check(known.caller.access_key, known.nonce, body)
        if seen is False:
            return Denied("NONCE_REUSED")
        return Granted(known.caller, None if seen is True else seen)

    def claimed(self, headers: Mapping[str, str]) -> str | None:
        """The institution of the key that a request names, whoever sent it; None where there is
        none."""
        access_key = headers.get("x-tif-paasid") or headers.get("_api_access_key")
        fact = self._credential(access_key) if access_key else None
        return fact.institution_code if fact is not None and fact.is_of_institution else None

    def identify(self, headers: Mapping[str, str]) -> Known | Denied:
        """The first step: who it is. `headers` with names in lower case. Cheap checks first; the
        signature before the nonce, so that a stranger cannot use up somebody's nonces."""
        access_key = headers.get("x-tif-paasid")
        if access_key is None:
            return self._authenticate_csb(headers)
        timestamp = headers.get("x-tif-timestamp")
        nonce = headers.get("x-tif-nonce")
        signature = headers.get("x-tif-signature")
        if not (timestamp and nonce and signature) or not _is_plain(nonce):
            return _missing(headers, TIF_HEADERS)
        now = int(self._clock())
        window = self._limits.tif_window_seconds
        if not signing.tif_in_window(timestamp, now_seconds=now, window_seconds=window):
            return Denied("TIMESTAMP_REFUSED", {"window": window, "now": now, "unit": "秒"})
        fact = self._usable(access_key)
        if isinstance(fact, Denied):
            return fact
        if not signing.tif_verified(
            timestamp=timestamp, secret=fact.secret, nonce=nonce, signature=signature
        ):
            return _TIF_WRONG
        return Known(self._caller(access_key, fact), nonce)

    def _authenticate_csb(self, headers: Mapping[str, str]) -> Known | Denied:
        if "_api_access_key" not in headers:
            return _missing(headers, TIF_HEADERS)
        if any(not headers.get(name) or not headers[name].isascii() for name in CSB_HEADERS):
            return _missing(headers, CSB_HEADERS)
        now = int(self._clock())
        window = self._limits.csb_window_seconds
        timestamp = headers["_api_timestamp"]
        if not signing.csb_in_window(timestamp, now_seconds=now, window_seconds=window):
            return Denied(
                "TIMESTAMP_REFUSED", {"window": window, "now": now * 1_000, "unit": "毫秒"}
            )
        access_key = headers["_api_access_key"]
        fact = self._usable(access_key)
        if isinstance(fact, Denied):
            return fact
        signed = {name: headers[name] for name in signing.CSB_SIGNED_HEADERS}
        signature = headers[signing.CSB_SIGNATURE_HEADER]
        if not signing.csb_verified(signed, secret=fact.secret, signature=signature):
            return _CSB_WRONG
        return Known(self._caller(access_key, fact))

    def _usable(self, access_key: str) -> CredentialFact | Denied:
        fact = self._credential(access_key)
        if fact is None or not fact.is_of_institution:
            return Denied("ACCESS_KEY_UNKNOWN")
        return Denied("CREDENTIAL_SUSPENDED") if fact.suspended else fact

    def _caller(self, access_key: str, fact: CredentialFact) -> Caller:
        caller = self._callers.get(access_key)
        if (
            caller is None
            or caller.keys is not fact.keys
            or caller.institution_code != fact.institution_code
        ):
            caller = Caller(
                institution_code=fact.institution_code, access_key=access_key, keys=fact.keys
            )
            self._callers[access_key] = caller
        return caller


def _is_plain(nonce: str) -> bool:
    return len(nonce) <= NONCE_LENGTH_MAX and nonce.isascii()


def _missing(headers: Mapping[str, str], wanted: tuple[str, ...]) -> Denied:
    """Which headers are not there, or are not the text that a signature is made of: a general
    parser keeps bytes that are no UTF-8, and nothing can be signed with those."""
    missing = [name for name in wanted if not headers.get(name) or not headers[name].isascii()]
    missing = missing or ["x-tif-nonce"]
    return Denied("HEADERS_MISSING", {"header": "、".join(missing)})
