"""How a region asks another one, and answers it: two ports (ADR 0033).

Whoever asks gets what was told, a refusal, or that nobody knows. A question whose answer is not
known may have had its effect: it is asked about, never assumed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from protocol.hub.messages import Kind, Question, Refused, Told


class Why(StrEnum):
    """Why there is no answer."""

    NOT_SENT = "not sent"
    """it never left: no route, no valid certificate, no connection; it had no effect"""
    NO_ANSWER = "no answer"
    """it may have arrived"""
    WORTHLESS = "worthless"
    """something came that is no answer to it: forged, of another question, malformed"""


class NoAnswer(Struct, frozen=True, kw_only=True):
    """Nobody knows what became of a question."""

    why: Why
    text: str
    status: int = 0
    """of the HTTP response that came instead, unsigned as it is; 0 where none came"""


class HubLine(Protocol):
    """The way to other regions."""

    async def ask(
        self, to: str, kind: Kind, question: Question, *, correlation: str, seconds: float
    ) -> Told | Refused | NoAnswer:
        """Ask the region `to`, once, and wait so long. A correlation number is one question for
        ever: asked twice it has one effect and one answer."""
        ...


class OutcomeUnknownError(Exception):
    """Nothing is said of a question, because it may have had its effect or a copy that is still on
    its way may have it later. The door gives no answer; whoever asked asks for the status, or
    reverses."""


class HubDesk(Protocol):
    """Who answers here what other regions ask."""

    async def answer(self, origin: str, kind: Kind, question: Question) -> Told | Refused:
        """Carry out what the region `origin` asks; its signature is proved already. Raises
        OutcomeUnknownError where there is no answer to give."""
        ...
