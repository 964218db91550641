"""The door for what other regions ask: proved, put to the desk, and the answer signed and sealed.

Nothing that is not proved reaches the desk. What was asked before goes there again: the desk itself
gives one answer to one question.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from protocol.hub.post import Fault, Worthless
from settlement.clock import Clock
from settlement.gateway import Unavailable
from settlement.refusal import Refusal
from settlement.region.hub import HubDesk, OutcomeUnknownError
from settlement.region.hub_line import Registry, report
from settlement.telemetry.metrics import METRICS

logger = logging.getLogger("settlement.hub")

CODES = {
    Fault.TOO_LARGE: "HUB_TOO_LARGE",
    Fault.VERSION_UNKNOWN: "HUB_VERSION_UNKNOWN",
    Fault.MALFORMED: "HUB_MALFORMED",
    Fault.NOT_FOR_US: "HUB_NOT_FOR_US",
    Fault.CERTIFICATE_UNKNOWN: "HUB_CERTIFICATE_UNKNOWN",
    Fault.CERTIFICATE_NOT_THEIRS: "HUB_CERTIFICATE_NOT_THEIRS",
    Fault.CERTIFICATE_WITHDRAWN: "HUB_CERTIFICATE_WITHDRAWN",
    Fault.OUTSIDE_WINDOW: "HUB_OUTSIDE_WINDOW",
    Fault.CERTIFICATE_NOT_VALID: "HUB_CERTIFICATE_NOT_VALID",
    Fault.SIGNATURE_WRONG: "HUB_SIGNATURE_WRONG",
    Fault.NO_QUESTION: "HUB_NO_QUESTION",
    Fault.SEALED_FOR_ANOTHER: "HUB_SEALED_FOR_ANOTHER",
    Fault.UNOPENABLE: "HUB_UNOPENABLE",
    Fault.CONTENT_MALFORMED: "HUB_CONTENT_MALFORMED",
    Fault.CLEAR_DIFFERS: "HUB_CLEAR_DIFFERS",
}
"""What is wrong with a question, as `settlement/refusals.py` has it. NEVER_ASKED is of answers."""


class PostDoor:
    """`settlement.gateway.HubDoor`."""

    def __init__(
        self, registry: Callable[[], Registry], desk: Callable[[], HubDesk | None], clock: Clock
    ) -> None:
        """`desk` gives None while nobody answers here."""
        self._registry = registry
        self._desk = desk
        self._clock = clock

    async def take(self, message: bytes) -> bytes | Refusal | None:
        """The answer's bytes; why the message is worth nothing; None where nobody answers. Raises
        Unavailable, same_msgid, where nothing may be said."""
        desk = self._desk()
        if desk is None:
            return None
        post = self._registry().post
        opened = post.read_question(message, at=self._clock())
        if isinstance(opened, Worthless):
            report(opened, "a message of another region is worth nothing")
            return Refusal(code=CODES[opened.fault])
        asked = opened.envelope
        try:
            said = await desk.answer(asked.origin, asked.kind, opened.question)
        except OutcomeUnknownError as exc:
            extra = {"event": "hub.question.unclear", "correlation": asked.correlation}
            logger.warning("a question of another region has no answer yet", extra=extra)
            raise Unavailable("same_msgid") from exc
        METRICS.hub_answered += 1
        return post.answer(opened, said, at=self._clock())
