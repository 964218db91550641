"""Nonces: one nonce, one body. The same nonce with the same body is a resend and passes.

Each process remembers the last ones itself; Redis remembers all of them for everybody. All checks
that come while one round trip to Redis is under way share the next one, so that a check costs a
fraction of it. Redis may fail: then a process goes on with what it knows itself (a replayed message
still acts only once, ADR 0005), leaves Redis alone for a second and says that it is degraded.

In Redis a nonce is a field of a hash: field 8 bytes of (access key, nonce), value 8 bytes of the
body. Hashes are cut by time (an epoch as long as the window, of which the last two are asked) and
by the field's first bytes, so that they stay small, stored compactly, and expire by themselves,
once nobody asks them any more.
"""

from __future__ import annotations

import asyncio
import logging
import time
from asyncio import Future
from collections.abc import Callable
from hashlib import sha256
from typing import Protocol

from settlement.limits import Limits
from settlement.telemetry.metrics import METRICS

logger = logging.getLogger("settlement.web")

BUCKETS = 4096
CLOCKS_SECONDS = 60
"""How far the clocks of two processes may be apart."""
SCRIPT = """\
local ttl = ARGV[1]
local seen = {}
for i = 1, #KEYS, 2 do
  local field, value = ARGV[i + 1], ARGV[i + 2]
  local old = redis.call('hget', KEYS[i + 1], field)
  if not old then
    if redis.call('hsetnx', KEYS[i], field, value) == 1 then
      redis.call('expire', KEYS[i], ttl)
    else
      old = redis.call('hget', KEYS[i], field)
    end
  end
  seen[(i + 1) / 2] = old or ''
end
return seen
"""
"""KEYS: this epoch's and the last epoch's hash of each nonce. ARGV: seconds to live, then field and
value of each. Answers the body digest that each nonce was used with before, '' for a new one."""


class NonceStore(Protocol):
    """Redis, as much of it as is needed here."""

    async def run(self, keys: list[bytes], arguments: list[bytes]) -> list[bytes]:
        """Run SCRIPT. Raises ConnectionError or TimeoutError for every failure."""
        ...


class Nonces:
    """The nonces of one process."""

    def __init__(
        self,
        store: NonceStore | None,
        limits: Limits,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._limits = limits
        self._clock = clock
        self._young: dict[bytes, bytes] = {}
        self._old: dict[bytes, bytes] = {}
        self._waiting: list[tuple[bytes, bytes, Future[bool]]] = []
        self._folding: asyncio.Task[None] | None = None
        self._paused_until = 0.0
        self.degraded = False
        """Whether the last contact with Redis failed: nonces of other processes are not seen."""

    def check(self, access_key: str, nonce: str, body: bytes) -> bool | Future[bool]:
        """May this nonce come with this body? Known here: at once; else when Redis has spoken."""
        field = sha256(f"{access_key}\n{nonce}".encode()).digest()[:8]
        value = sha256(body).digest()[:8]
        known = self._young.get(field) or self._old.get(field)
        if known is not None:
            return known == value
        self._remember(field, value)
        if self._store is None:
            return True
        loop = asyncio.get_running_loop()
        if loop.time() < self._paused_until:
            METRICS.nonce_degraded += 1
            return True
        decided: Future[bool] = loop.create_future()
        self._waiting.append((field, value, decided))
        if self._folding is None:
            self._folding = loop.create_task(self._fold_all())
        return decided

    async def stop(self) -> None:
        """Wait for the fold under way."""
        if self._folding is not None:
            await asyncio.wait([self._folding])

    def _remember(self, field: bytes, value: bytes) -> None:
        """Two generations: when the young one is full it becomes the old one."""
        if len(self._young) >= self._limits.nonces_per_process_max // 2:
            self._old = self._young
            self._young = {}
        self._young[field] = value

    async def _fold_all(self) -> None:
        """Ask Redis again and again until nothing waits."""
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                started = loop.time()
                fold = self._waiting[: self._limits.nonce_fold_max]
                del self._waiting[: len(fold)]
                await self._fold(fold)
                rest = self._gap() - (loop.time() - started)
                if rest > 0:
                    await asyncio.sleep(rest)
        finally:
            self._folding = None
            for _, _, decided in self._waiting:
                _decide(decided, True)
            self._waiting = []

    def _gap(self) -> float:
        limits = self._limits
        return min(limits.nonce_gap_seconds * METRICS.in_flight, limits.nonce_gap_seconds_max)

    async def _fold(self, fold: list[tuple[bytes, bytes, Future[bool]]]) -> None:
        assert self._store is not None  # noqa: S101 - nothing waits where there is none
        window = self._limits.nonce_window_seconds
        now = int(self._clock())
        epoch = now // window
        keys: list[bytes] = []
        arguments: list[bytes] = [b"%d" % ((epoch + 2) * window + CLOCKS_SECONDS - now)]
        for field, value, _ in fold:
            bucket = int.from_bytes(field[:2], "big") % BUCKETS
            keys += (b"nonce:%d:%d" % (epoch, bucket), b"nonce:%d:%d" % (epoch - 1, bucket))
            arguments += (field, value)
        try:
            async with asyncio.timeout(self._limits.nonce_wait_seconds_max):
                seen = await self._store.run(keys, arguments)
        except (ConnectionError, TimeoutError) as exc:
            self._go_on_without(fold, exc)
            return
        if self.degraded:
            self.degraded = False
            logger.info("nonces are shared again", extra={"event": "nonces.restored"})
        METRICS.nonce_folds += 1
        for (field, value, decided), used in zip(fold, seen, strict=True):
            if used and used != value:
                self._young[field] = used
            _decide(decided, not used or used == value)

    def _go_on_without(
        self, fold: list[tuple[bytes, bytes, Future[bool]]], exc: Exception
    ) -> None:
        loop = asyncio.get_running_loop()
        self._paused_until = loop.time() + self._limits.nonce_pause_seconds
        METRICS.nonce_degraded += len(fold) + len(self._waiting)
        if not self.degraded:
            self.degraded = True
            logger.warning(
                "Redis does not answer: nonces of other processes are not seen",
                extra={"event": "nonces.degraded", "reason": type(exc).__name__},
            )
        for _, _, decided in (*fold, *self._waiting):
            _decide(decided, True)
        self._waiting = []


def _decide(decided: Future[bool], verdict: bool) -> None:
    """Nobody may be waiting any more."""
    if not decided.done():
        decided.set_result(verdict)
