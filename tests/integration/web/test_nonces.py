"""Nonces shared through a real Redis, and what happens when it is away."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from hashlib import sha256

import msgspec
import pytest

from settlement.embedded.services import Services
from settlement.limits import DEFAULT_LIMITS
from settlement.telemetry.metrics import METRICS
from settlement.web.nonces import BUCKETS, CLOCKS_SECONDS, SCRIPT, Nonces
from settlement.web.redis_script import RedisScript, ScriptMissingError, parse_answer

NOW = 1_800_000_000


@pytest.fixture
def key() -> Iterator[str]:
    """An access key of its own a test: Redis outlives the test."""
    yield secrets.token_hex(8)


PATIENT = msgspec.structs.replace(DEFAULT_LIMITS, nonce_wait_seconds_max=30.0)
"""Redis is there: whoever asks it has its answer, however busy the machine is."""


def process(services: Services, now: float = NOW) -> Nonces:
    """The nonces of one gateway process."""
    return Nonces(RedisScript(services.redis_url, SCRIPT), PATIENT, clock=lambda: now)


async def checked(nonces: Nonces, key: str, nonce: str, body: bytes) -> bool:
    verdict = nonces.check(key, nonce, body)
    return verdict if isinstance(verdict, bool) else await verdict


async def test_another_process_knows_a_nonce(services: Services, key: str) -> None:
    one, other = process(services), process(services)
    assert await checked(one, key, "n", b"body")
    assert await checked(other, key, "n", b"body"), "a resend may reach another process"
    third = process(services)
    assert not await checked(third, key, "n", b"different")
    assert not await checked(third, key, "n", b"different"), "and stays refused"
    assert await checked(third, key, "n", b"body")


async def test_nonce_is_remembered_across_the_end_of_an_epoch(
    services: Services, key: str
) -> None:
    window = DEFAULT_LIMITS.nonce_window_seconds
    end = NOW // window * window + window
    assert await checked(process(services, end - 1), key, "n", b"body")
    assert not await checked(process(services, end + 1), key, "n", b"different")
    assert await checked(process(services, end + 2 * window), key, "n", b"different")


@pytest.mark.parametrize("later", [0, DEFAULT_LIMITS.nonce_window_seconds - 1])
async def test_nonce_is_kept_no_longer_than_it_is_asked_for(
    services: Services, key: str, later: int
) -> None:
    """Until the end of the next epoch, whenever in its own it came."""
    window = DEFAULT_LIMITS.nonce_window_seconds
    epoch = NOW // window + secrets.randbelow(10**6)
    script = RedisScript(services.redis_url, SCRIPT)
    nonces = Nonces(script, PATIENT, clock=lambda: epoch * window + later)
    assert await checked(nonces, key, "n", b"body")
    bucket = int.from_bytes(sha256(f"{key}\nn".encode()).digest()[:2], "big") % BUCKETS
    ttl = RedisScript(services.redis_url, "return {tostring(redis.call('ttl', KEYS[1]))}")
    (lives,) = await ttl.run([b"nonce:%d:%d" % (epoch, bucket)], [])
    left = 2 * window - later
    assert left < int(lives) <= left + CLOCKS_SECONDS


async def test_checks_at_the_same_time_share_a_round_trip(services: Services, key: str) -> None:
    nonces = process(services)
    await checked(nonces, key, "warm", b"")
    before = METRICS.nonce_folds
    verdicts = [nonces.check(key, f"n{index}", b"body") for index in range(100)]
    assert all([v if isinstance(v, bool) else await v for v in verdicts])
    assert METRICS.nonce_folds - before <= 2


async def test_restarted_redis_gets_the_script_again(services: Services, key: str) -> None:
    script = RedisScript(services.redis_url, SCRIPT)
    flush = RedisScript(services.redis_url, "redis.call('ping') return {}")
    nonces = Nonces(script, PATIENT, clock=lambda: NOW)
    assert await checked(nonces, key, "a", b"body")
    line = await flush._connect()
    assert await line.call(b"*2\r\n$6\r\nSCRIPT\r\n$5\r\nFLUSH\r\n") == [b"OK"]
    assert await checked(nonces, key, "b", b"body")
    assert not nonces.degraded


async def test_without_redis_the_process_goes_on_with_what_it_knows(key: str) -> None:
    nonces = Nonces(RedisScript("redis://127.0.0.1:1/0", SCRIPT), DEFAULT_LIMITS)
    before = METRICS.nonce_degraded
    assert await checked(nonces, key, "n", b"body")
    assert nonces.degraded
    assert nonces.check(key, "n", b"different") is False
    assert nonces.check(key, "m", b"body") is True, "the broken Redis is left alone for a while"
    assert METRICS.nonce_degraded - before == 2


async def test_silent_redis_costs_a_few_milliseconds_once(key: str) -> None:
    async def say_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    nonces = Nonces(RedisScript(f"redis://127.0.0.1:{port}/0", SCRIPT), DEFAULT_LIMITS)
    verdicts = [nonces.check(key, f"n{index}", b"body") for index in range(5)]
    async with asyncio.timeout(60):
        assert all([v if isinstance(v, bool) else await v for v in verdicts])
    assert nonces.degraded
    server.close()


class Away:
    """A Redis that is away until `back` is set."""

    def __init__(self, script: RedisScript) -> None:
        self._script = script
        self.back = False

    async def run(self, keys: list[bytes], arguments: list[bytes]) -> list[bytes]:
        if not self.back:
            raise ConnectionRefusedError("away")
        return await self._script.run(keys, arguments)


async def test_restored_redis_is_used_again(services: Services, key: str) -> None:
    limits = msgspec.structs.replace(PATIENT, nonce_pause_seconds=0.0)
    store = Away(RedisScript(services.redis_url, SCRIPT))
    nonces = Nonces(store, limits)
    assert await checked(nonces, key, "a", b"")
    assert nonces.degraded
    store.back = True
    assert await checked(nonces, key, "b", b"")
    assert not nonces.degraded


def test_answers_are_read_only_when_whole() -> None:
    whole = b"*3\r\n$2\r\nab\r\n$0\r\n\r\n$-1\r\n"
    assert parse_answer(b"*2\r\n$2\r\nab\r\n$0\r\n\r\n") == [b"ab", b""]
    for size in range(len(whole) - 1):
        if not (part := whole[:size]).endswith(b"$-1\r\n"):
            assert parse_answer(part) is None
    with pytest.raises(ScriptMissingError):
        parse_answer(b"-NOSCRIPT No matching script\r\n")
    with pytest.raises(ConnectionError, match="LOADING"):
        parse_answer(b"-LOADING Redis is loading\r\n")
