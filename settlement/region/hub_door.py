"""The door for what other regions ask: proved, put to the desk, and the answer signed and sealed.

Nothing that is not proved reaches the desk. What was asked before goes there again: the desk itself
gives one answer to one question.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from protocol.hub import bundle
from protocol.hub.bundle_post import OpenedBundle, Said, answer_all, read_questions
from protocol.hub.envelope import version_of
from protocol.hub.messages import KIND_UNKNOWN, Refused
from protocol.hub.post import Fault, Post, Strange, Unwritable, Worthless
from settlement import refusals
from settlement.clock import Clock
from settlement.gateway import Unavailable
from settlement.refusal import Refusal
from settlement.region.hub import HubDesk, OutcomeUnknownError
from settlement.region.hub_wire import Registry, report
from settlement.telemetry.metrics import METRICS

logger = logging.getLogger("settlement.hub")

BEHIND_SECONDS_MAX = 2.0
"""Of questions that came together, those that are so far behind the first that is answered do not
keep the others."""
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
        self._late: set[asyncio.Task[Said]] = set()

    async def take(self, message: bytes) -> bytes | Refusal | None:
        """The answer's bytes; why the message is worth nothing; None where nobody answers. Raises
        Unavailable, same_msgid, where nothing may be said."""
        desk = self._desk()
        if desk is None:
            return None
        if version_of(message) == bundle.VERSION:
            return await self._take_all(message, desk)
        post = self._registry().post
        opened = post.read_question(message, at=self._clock())
        if isinstance(opened, Worthless):
            return self._worthless(post, message, opened)
        asked = opened.envelope
        try:
            said = await desk.answer(asked.origin, asked.kind, opened.question)
        except OutcomeUnknownError as exc:
            extra = {"event": "hub.question.unclear", "correlation": asked.correlation}
            logger.warning("a question of another region has no answer yet", extra=extra)
            raise Unavailable("same_msgid") from exc
        METRICS.hub_answered += 1
        return post.answer(opened, said, at=self._clock())

    def _worthless(self, post: Post, message: bytes, found: Worthless) -> bytes | Refusal:
        """Where all that is wrong is a kind of question that is not known here, whoever asked is
        told so, signed; to everything else nothing is said."""
        if found.fault is Fault.MALFORMED:
            strange = post.read_strange(message, at=self._clock())
            if isinstance(strange, Strange):
                METRICS.hub_answered += 1
                extra = {
                    "event": "hub.question.unknown", "origin": strange.envelope.origin,
                    "kind": str(strange.envelope.kind),
                }  # fmt: skip
                logger.warning("a question of a kind that is not known here", extra=extra)
                said = refusals.text(Refusal(code=KIND_UNKNOWN)).message
                return post.answer(
                    strange, Refused(code=KIND_UNKNOWN, text=said), at=self._clock()
                )
            found = strange
        report(found, "a message of another region is worth nothing")
        return Refusal(code=CODES[found.fault])

    async def _take_all(self, message: bytes, desk: HubDesk) -> bytes | Refusal:
        """Several questions in one message: each is answered by itself, those that are answered in
        time in one message. Raises Unavailable, same_msgid, where none is."""
        post = self._registry().post
        opened = read_questions(post, message, at=self._clock())
        if isinstance(opened, Worthless):
            report(opened, "a message of another region is worth nothing")
            return Refusal(code=CODES[opened.fault])
        said = await self._said(opened, desk)
        METRICS.hub_answered += len(said)
        unclear = [one.correlation for one in opened.bundle.items if one.correlation not in said]
        for correlation in unclear:
            extra = {"event": "hub.question.unclear", "correlation": correlation}
            logger.warning("a question of another region has no answer yet", extra=extra)
        answer = answer_all(post, opened, said, at=self._clock()) if said else None
        if answer is None or isinstance(answer, Unwritable):
            raise Unavailable("same_msgid")
        return answer

    async def _said(self, opened: OpenedBundle, desk: HubDesk) -> dict[str, Said]:
        """What the desk says of each question in time; what it does after that is not told."""
        asked = opened.bundle
        answering = {
            item.correlation: asyncio.ensure_future(
                desk.answer(asked.origin, asked.kind, question)
            )
            for item, question in zip(asked.items, opened.questions, strict=True)
        }
        self._late.update(answering.values())
        for task in answering.values():
            task.add_done_callback(self._over)
        _, behind = await asyncio.wait(
            answering.values(), return_when=asyncio.FIRST_COMPLETED
        )  # fmt: skip
        if behind:
            await asyncio.wait(behind, timeout=BEHIND_SECONDS_MAX)
        return {
            number: task.result()
            for number, task in answering.items()
            if task.done() and not task.cancelled() and task.exception() is None
        }

    def _over(self, task: asyncio.Task[Said]) -> None:
        self._late.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, OutcomeUnknownError):
            extra = {"event": "hub.message.failed"}
            logger.error("a question of another region failed", exc_info=error, extra=extra)
