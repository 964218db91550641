"""What somebody does at a counter, as a generator: it yields what to send, and is sent the answer.

It knows nothing of sockets or of time, so the same unit of work is carried by the lean generator
(`arrivals`) and by Locust.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias

from msgspec import Struct

from loadtest.generator.framing import ACCEPTED


class Send(Struct, frozen=True, kw_only=True, gc=False):
    """One HTTP request, complete."""

    name: str
    """of the transaction, such as 2102: what its latency is counted under"""
    payload: bytes
    done: bytes = ACCEPTED
    """what stands in the body of an answer that did what was asked"""
    settles: bool = False
    """whether it is counted as a settlement when it is done"""
    hangs_up: bool = False
    """the line is lost right after it was sent: there is no answer"""
    is_aside: bool = False
    """asked of somebody else than the institutions' server, on a line that they do not use"""


class NotSentError(Exception):
    """Thrown into a unit whose first message was never sent: nothing is unknown."""


class Pause(Struct, frozen=True, gc=False):
    """Nothing for so long."""

    seconds: float


class Answer(Struct, frozen=True, kw_only=True, gc=False):
    """What came back."""

    status: int
    body: bytes
    is_done: bool


Unit: TypeAlias = Generator[Send | Pause, Answer | None, None]
"""It is sent the answer to what it yielded, and None after a pause, or where no answer came. Closed
before its end, it writes down what it does not know."""


class Arrival(Struct, frozen=True, kw_only=True, gc=False):
    """A unit that begins at a time that was drawn before."""

    at_seconds: float
    """from the beginning of the run"""
    kind: str
    unit: Unit


class RequestParts(Struct, frozen=True, kw_only=True):
    """A request taken apart, for clients that write HTTP themselves."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def request_parts(payload: bytes) -> RequestParts:
    """Of the bytes of a complete request; the headers that such a client sets itself are left
    out."""
    head, _, body = payload.partition(b"\r\n\r\n")
    first, *lines = head.decode("ascii").split("\r\n")
    method, path, _ = first.split(" ")
    named = (line.partition(": ") for line in lines)
    headers = {name: value for name, _, value in named if name not in ("Host", "Content-Length")}
    return RequestParts(method=method, path=path, headers=headers, body=body)
