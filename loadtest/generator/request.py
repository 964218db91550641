"""What a script hands the generator: the bytes to send and what they mean for the client's book."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeAlias

from msgspec import Struct


class Request(Struct, frozen=True, kw_only=True, gc=False):
    """One HTTP request, complete, and what an acknowledgement of it means."""

    payload: bytes
    institution: int
    """index into the book"""
    fee_fen: int
    """what the book counts when a settling request is acknowledged"""
    settles: bool
    ends_unit: bool
    """whether its acknowledgement completes one unit of work (a sale, a visit)"""


Script: TypeAlias = Generator[Request, bytes | None, None]
"""What one connection does, without end. It yields a request and is sent the whole reply, or None
when there was no usable reply and the unit of work in progress must be given up."""

Check: TypeAlias = Callable[[Request, bytes], str | None]
"""Judges the body of a sampled reply thoroughly; answers what is wrong with it, or None."""
