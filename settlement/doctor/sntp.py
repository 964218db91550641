"""Asks a time server how far our clock is off (SNTP, RFC 4330): one datagram there, one back."""

from __future__ import annotations

import asyncio
import struct
from datetime import UTC, datetime, timedelta

from settlement.clock import Clock

PORT = 123
ANSWER_SECONDS = 3.0
_PACKET_BYTES = 48
_CLIENT_VERSION_4 = 0x23
_ERA = datetime(1900, 1, 1, tzinfo=UTC)
_SERVER_MODE = 4


class SilentError(Exception):
    """No answer that can be used; the text says why."""


async def offset(source: str, clock: Clock) -> timedelta:
    """How far the source is ahead of our clock. Raises SilentError."""
    host, _, port = source.rpartition(":") if source.count(":") == 1 else (source, "", "")
    loop = asyncio.get_running_loop()
    came: asyncio.Future[bytes] = loop.create_future()
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _Asking(came), remote_addr=(host, int(port or PORT))
            )
            try:
                sent_at = clock()
                transport.sendto(bytes([_CLIENT_VERSION_4]).ljust(_PACKET_BYTES - 8, b"\0")
                                 + stamp(sent_at))  # fmt: skip
                answer = await came
                heard_at = clock()
            finally:
                transport.close()
    except TimeoutError as exc:
        raise SilentError(f"no answer within {ANSWER_SECONDS:.0f} s") from exc
    except (OSError, ValueError) as exc:
        raise SilentError(str(exc)) from exc
    return _offset(answer, sent_at, heard_at)


def _offset(answer: bytes, sent_at: datetime, heard_at: datetime) -> timedelta:
    if len(answer) < _PACKET_BYTES or answer[0] & 7 != _SERVER_MODE or answer[1] == 0:
        raise SilentError("the answer is none of a time server that has the time")
    if answer[24:32] != stamp(sent_at):
        raise SilentError("the answer is to another question")
    received, transmitted = _moment(answer[32:40]), _moment(answer[40:48])
    return ((received - sent_at) + (transmitted - heard_at)) / 2


def stamp(at: datetime) -> bytes:
    """A moment as the wire has it: seconds since 1900, and a fraction of 2**32."""
    since = at - _ERA
    seconds = since.days * 86_400 + since.seconds
    return struct.pack("!II", seconds % 2**32, (since.microseconds << 32) // 1_000_000)


def _moment(stamp: bytes) -> datetime:
    seconds, fraction = struct.unpack("!II", stamp)
    era = 0 if seconds >= 2**31 else 2**32  # until 2036, and from then on
    microseconds = (fraction * 1_000_000) >> 32
    return _ERA + timedelta(seconds=seconds + era, microseconds=microseconds)


class _Asking(asyncio.DatagramProtocol):
    def __init__(self, came: asyncio.Future[bytes]) -> None:
        self._came = came

    def datagram_received(self, data: bytes, address: object) -> None:
        """The first answer counts."""
        if not self._came.done():
            self._came.set_result(data)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there."""
        if not self._came.done():
            self._came.set_exception(exc)
