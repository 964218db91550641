"""What a Redis says of itself: does it answer, what does it drop when it is full, does it write."""

from __future__ import annotations

from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from settlement.embedded.errors import ServiceError

ANSWER_SECONDS = 3.0


class RedisFacts(Struct, frozen=True, kw_only=True):
    """See the module. Without `settings_seen` it hides them, as managed ones do."""

    version: str
    used_bytes: int
    settings_seen: bool
    policy: str = ""
    memory_max_bytes: int = 0
    appendonly: str = ""
    save: str = ""


async def describe_redis(url: str) -> RedisFacts:
    """Ask it. Raises ServiceError where it cannot be used."""
    client = Redis.from_url(
        url, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
    )
    try:
        told = await client.info()
        settings = await _settings(client)
    except (RedisError, OSError, ValueError) as exc:
        raise ServiceError(f"{type(exc).__name__}: {exc}") from exc
    finally:
        await client.aclose()
    seen = settings or {}
    return RedisFacts(
        version=str(told["redis_version"]), used_bytes=int(told["used_memory"]),
        settings_seen=settings is not None, policy=seen.get("maxmemory-policy", ""),
        memory_max_bytes=int(seen.get("maxmemory") or 0),
        appendonly=seen.get("appendonly", ""), save=seen.get("save", ""),
    )  # fmt: skip


async def _settings(client: Redis) -> dict[str, str] | None:
    """Those that matter; None where it does not tell them."""
    told: dict[str, str] = {}
    try:
        # One at a time: Redis 6 takes no more.
        for name in ("maxmemory", "maxmemory-policy", "appendonly", "save"):
            found = await client.config_get(name)
            told |= {_text(key): _text(value) for key, value in found.items()}
    except ResponseError:
        return None
    return told


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
