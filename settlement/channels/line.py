"""One request to a payment channel over HTTP, and how far it came.

Signs nothing, retries nothing and reads no answer; only that a GET is sent once more where a kept
connection broke under it (`http1`).
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping

from msgspec import Struct

from settlement.channels.http1 import BrokenError, Host, NotSentError, TooLongError
from settlement.clock import monotonic

ANSWER_BYTES_MAX = 1024 * 1024
FAILURES_BEFORE_SWITCH = 3


class Answered(Struct, frozen=True, kw_only=True):
    """An answer of HTTP, whatever it says."""

    status: int
    headers: Mapping[str, str]
    """names in lower case"""
    body: bytes
    took_ms: int


class NoAnswer(Struct, frozen=True, kw_only=True):
    """None, or none that is whole."""

    code: str
    """NOT_SENT: no connection came about, so it cannot have arrived. LOST: it may have arrived."""
    reason: str
    took_ms: int


Reply = Answered | NoAnswer


class Line:
    """Kept connections to a channel's host, and to its second one when the first is not there."""

    def __init__(
        self, base_url: str, backup_url: str = "", *, connect_seconds: float,
        answer_seconds: float, tls: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self._hosts = [
            Host(
                url.rstrip("/"), connect_seconds=connect_seconds, answer_seconds=answer_seconds,
                tls=tls,
            )
            for url in (base_url, backup_url)
            if url
        ]  # fmt: skip
        self._failures = 0

    async def ask(
        self, method: str, target: str, *, body: bytes = b"", headers: Mapping[str, str],
        bytes_max: int = ANSWER_BYTES_MAX,
    ) -> Reply:  # fmt: skip
        """`target` is path and query, sent exactly so."""
        began = monotonic()
        reply = await self._passage(method, target, body, headers, bytes_max, began)
        self._remember(reply)
        return reply

    async def close(self) -> None:
        """Give back what it holds."""
        for host in self._hosts:
            host.close()

    async def _passage(
        self, method: str, target: str, body: bytes, headers: Mapping[str, str], bytes_max: int,
        began: float,
    ) -> Reply:  # fmt: skip
        try:
            came = await self._hosts[0].ask(
                method, target, body=body, headers={**_AS_IT_IS, **headers}, bytes_max=bytes_max
            )
        except NotSentError as exc:
            return _no_answer("NOT_SENT", str(exc), began)
        except BrokenError as exc:
            return _no_answer("LOST", str(exc), began)
        except TooLongError:
            return _no_answer("LOST", f"more than {bytes_max} bytes", began)
        return Answered(
            status=came.status, headers=came.headers, body=came.body, took_ms=_since(began)
        )

    def _remember(self, reply: Reply) -> None:
        """After some failures in a row the other host has its turn, by name."""
        self._failures = 0 if isinstance(reply, Answered) else self._failures + 1
        if self._failures >= FAILURES_BEFORE_SWITCH:
            self._failures = 0
            self._hosts.reverse()


_AS_IT_IS = {"Accept-Encoding": "identity"}
"""What is signed is what is sent; a bill that is packed is packed by the channel, not the line."""


def _no_answer(code: str, reason: str, began: float) -> NoAnswer:
    return NoAnswer(code=code, reason=reason, took_ms=_since(began))


def _since(began: float) -> int:
    return int((monotonic() - began) * 1000)
