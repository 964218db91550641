"""The way in, as the web layer has it: a gate, and what somebody hears who is turned away.

Who may enter is decided by `settlement.gate`; here it becomes a reply, a count and, where one
institution asks far more than others, a line of the log that names it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from settlement.gate import Gate, Pace, Rank, Reason
from settlement.gateway import Strain
from settlement.limits import Limits
from settlement.telemetry.metrics import METRICS
from settlement.web.reply import HttpReply, problem

logger = logging.getLogger("settlement.web")

CODES = {Reason.FULL: "OVERLOADED", Reason.SHARE: "TOO_MANY_AT_ONCE"}
WAITS = {Rank.UNDO: 1, Rank.CLAIM: 1, Rank.QUOTE: 3}
"""How many times the usual wait: what is in doubt and what a patient waits for come back first."""
WAITS_OF_SHARE = 5
"""The same for an institution that asks too much."""
REPORT_SECONDS = 10.0
NAMED_MAX = 3
"""Institutions that a line of the log names: those that were turned away most often."""


class Entrance:
    """One gate. `leave` once for every `admit` that answered None."""

    __slots__ = ("_replies", "gate", "leave")

    def __init__(self, gate: Gate, limits: Limits) -> None:
        self.gate = gate
        self.leave = gate.leave
        for rank in Rank:
            for reason in Reason:
                METRICS.turned_away.setdefault((rank.value, reason.value), 0)
        self._replies = {
            (rank, reason): problem(
                CODES[reason],
                seconds=limits.retry_after_seconds
                * (WAITS_OF_SHARE if reason is Reason.SHARE else WAITS[rank]),
            )
            for rank in Rank
            for reason in Reason
        }

    def full(self, institution: str, rank: Rank) -> HttpReply | None:
        """What a request hears that nobody of its institution would be let in with, whoever sent
        it: asked before the signature is looked at. Whoever asks too much is named in the log, so
        that is said to a signature alone (`admit`)."""
        gate = self.gate
        if gate.refuses(institution, rank) is not Reason.FULL:
            return None
        METRICS.turned_away[rank, Reason.FULL] += 1
        return self._replies[rank, Reason.FULL]

    def admit(self, institution: str, rank: Rank) -> HttpReply | None:
        """None: it is in. Else what it hears; nothing was booked and its nonce is not used up."""
        reason = self.gate.enter(institution, rank)
        if reason is None:
            return None
        METRICS.turned_away[rank, reason] += 1
        return self._replies[rank, reason]

    def report(self) -> None:
        """Name in the log who was turned away for their share since the last report."""
        away, self.gate.turned_away = self.gate.turned_away, {}
        most = sorted(away, key=lambda code: away[code], reverse=True)[:NAMED_MAX]
        for code in most:
            where = {"event": "admission.share", "institution": code, "times": away[code]}
            logger.warning("an institution asks far more than others", extra=where)


class Entrances:
    """All of a process: messages of institutions, and scan-to-pay, where a payer may take their
    time. They keep one pace, where there is one."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        per_second = limits.requests_per_second_max
        pace = None if per_second is None else Pace(per_second, clock)
        self.messages = Entrance(Gate(limits.in_flight_max, pace), limits)
        self.payments = Entrance(Gate(limits.payments_in_flight_max, pace), limits)
        self._wait_seconds_max = limits.journal_wait_seconds_max
        self._clock = clock
        self._reported_at = clock()

    def keep(self, strain: Strain) -> None:
        """Make room for what can be kept up with. Called a few times a second."""
        self.messages.gate.tune(
            waited_seconds=strain.waited_seconds,
            wait_seconds_max=self._wait_seconds_max,
            elsewhere=strain.elsewhere,
        )
        METRICS.admission_places = self.messages.gate.room.size
        now = self._clock()
        if now - self._reported_at >= REPORT_SECONDS:
            self._reported_at = now
            self.messages.report()
            self.payments.report()
