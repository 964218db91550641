"""What our region answers when another one asks about people of ours (参保地, ADR 0033): from a
question to its journal and back. The door that questions come through is settlement/web/hub.py.

A refusal says that the question had no effect and never will. Where that cannot be written down,
because a journal is full or late, a case or a cancel gets no answer at all: a copy of the question
may still be on its way through the hub, and whoever asked finds out by asking for the status.
"""

from __future__ import annotations

import logging
from typing import assert_never, cast

from ledger.postgres.shape import Shape
from protocol.hub.messages import (
    KIND_UNKNOWN,
    BookAsked,
    CancelAsked,
    Case,
    Kind,
    PaperAsked,
    PaperState,
    PaperTold,
    PersonAsked,
    Question,
    ReconcileAsked,
    ReconcileTold,
    Refused,
    ReverseAsked,
    RowTold,
    StatusAsked,
    Told,
)
from settlement import numbers, refusals
from settlement.commands import Command, Sought
from settlement.desk import DecisionDesk
from settlement.elsewhere.counterpart import Counterpart
from settlement.elsewhere.home_refusals import BROKEN
from settlement.gateway import Overloaded, Unavailable
from settlement.keyring import LookupKind
from settlement.lanes import lane_of, lane_of_key
from settlement.limits import Limits
from settlement.refusal import Refusal
from settlement.region.hub import OutcomeUnknownError
from settlement.rows import RowKind
from settlement.serve.asking import Journals
from settlement.storage import regional_papers as papers
from settlement.storage.connect import Several
from settlement.storage.errors import StorageError
from settlement.storage.home_pages import home_rows
from settlement.storage.lookups import PersonFinder
from settlement.telemetry.metrics import METRICS
from settlement.translate.home_cases import HomeTranslator

logger = logging.getLogger("settlement.hub")
SIDE_CONNECTIONS = 2
_LOOKUP = {"01": LookupKind.TOKEN, "02": LookupKind.CERTIFICATE, "03": LookupKind.CARD}
_BINDING = frozenset({Kind.SETTLE, Kind.CANCEL})
"""Refusals of these are kept, so that a copy that comes later is refused as well."""
_NOT_KEPT = frozenset({"INTERNAL", "OVERLOADED", "UNAVAILABLE"})


class HomeDesk:
    """Answers for the region of insurance (`settlement.region.hub.HubDesk`)."""

    def __init__(
        self, *, journals: Journals, dsn: str, lanes: int, shape: Shape, desk: DecisionDesk,
        limits: Limits,
    ) -> None:  # fmt: skip
        self._journals = journals
        self._side = Several(dsn, "settlement-hub", count=SIDE_CONNECTIONS)
        self._find = PersonFinder(self._side, shape).find
        self._lanes = lanes
        self._desk = desk
        self._rows_max = limits.hub_rows_max
        self._translate = HomeTranslator(lanes=lanes, keyring=desk.world.keyring)

    async def answer(self, origin: str, kind: Kind, question: Question) -> Told | Refused:
        """Carry out what the region `origin` asks. Raises OutcomeUnknownError where a case or a
        cancel may have been booked, or may be booked yet, and nobody here knows."""
        region = self._desk.world.counterparts.get(origin)
        if region is None:
            refusal = Refusal(
                code="TREATING_REGION_UNKNOWN", field="region", params={"value": origin[:6]}
            )
            return self._refused(refusal)
        try:
            reply = await self._answer(region, kind, question)
        except Overloaded:
            reply = Refusal(code="OVERLOADED")
        except StorageError:
            reply = Refusal(code="UNAVAILABLE")
        except Unavailable as exc:
            if exc.retry != "later":
                raise OutcomeUnknownError(f"{kind.value} of {origin}") from exc
            reply = Refusal(code="UNAVAILABLE")
        if not isinstance(reply, Refusal):
            return reply
        if kind in _BINDING and reply.code in _NOT_KEPT:
            raise OutcomeUnknownError(f"{kind.value} of {origin}: {reply.code}")
        if reply.code in BROKEN:
            _report(region, kind, question, reply)
        return self._refused(reply)

    def close(self) -> None:
        """Drop the connections."""
        self._side.close()

    async def _answer(
        self, region: Counterpart, kind: Kind, question: Question
    ) -> Told | Refusal:
        translate = self._translate
        match question:
            case PersonAsked():
                return await self._person(region, question)
            case Case():
                return await self._ask(
                    translate.share(question, region, quote=kind is Kind.QUOTE)
                )
            case CancelAsked():
                return await self._ask(translate.cancel(question, region))
            case ReverseAsked():
                return await self._ask(translate.reverse(question, region))
            case StatusAsked():
                return await self._ask(translate.status(question, region))
            case ReconcileAsked():
                return await self._page(region, question)
            case PaperAsked():
                return await self._paper(region, kind, question)
            case BookAsked():
                return Refusal(code=KIND_UNKNOWN)  # a question for the hub
            case _:
                assert_never(question)

    async def _ask(self, command: Command) -> Told | Refusal:
        reply = await self._journals.ask(command)
        return reply if isinstance(reply, Refusal) else cast("Told", reply.output)

    async def _person(self, region: Counterpart, question: PersonAsked) -> Told | Refusal:
        """The credential leads to a number as on 1101; the rest is read in the person's lane."""
        kind = _LOOKUP.get(question.credential_kind)
        if kind is None:
            return Refusal(code="CREDENTIAL_MISMATCH", field="credential_kind")
        key = self._desk.world.keyring.lookup_key(kind, question.number)
        person_no = await self._find(Sought(lane_of_key(key, self._lanes), kind, key))
        if person_no is None:
            return Refusal(code="PERSON_UNKNOWN", field="number")
        return await self._ask(self._translate.person(question, region, person_no))

    async def _page(
        self, region: Counterpart, question: ReconcileAsked
    ) -> ReconcileTold | Refusal:
        """Rows of a business day; of one that is not over there may be more to come."""
        after = numbers.parse(question.after) if question.after else 0
        if after is None:
            return Refusal(code="PAGE_UNREADABLE", field="after")
        async with self._side.use() as connection:
            rows = await home_rows(
                connection, region.region, question.day, after=after, rows_max=self._rows_max + 1
            )
        told = tuple(
            RowTold(
                case_no=row.case_no, settlement_no=str(row.setl_id),
                reversal=row.kind is not RowKind.SETTLE, total_fen=row.total_fen,
                fund_fen=row.fund_fen, account_fen=row.account_fen,
            )
            for row in rows[: self._rows_max]
        )  # fmt: skip
        return ReconcileTold(day=question.day, rows=told, more=len(rows) > self._rows_max)

    async def _paper(
        self, region: Counterpart, kind: Kind, asked: PaperAsked
    ) -> PaperTold:
        """A part is kept as it came; the owner's loop decides on the whole (regional_papers.py)."""
        paper = papers.Paper(
            lane=lane_of(region.region, self._lanes), region=region.region, sent=False,
            kind=kind, number=asked.number, digest=asked.digest,
        )  # fmt: skip
        async with self._side.use() as connection:
            end = await papers.end_of(connection, paper)
            if end is None:
                await papers.keep_part(
                    connection, paper, asked.part, asked.parts, asked.content,
                    self._desk.now().at,
                )  # fmt: skip
        return PaperTold(
            number=asked.number, digest=asked.digest, text="" if end is None else end.said,
            state=PaperState.KEPT if end is None else
            PaperState.TAKEN if end.taken else PaperState.REFUSED,
        )  # fmt: skip

    def _refused(self, refusal: Refusal) -> Refused:
        said = refusals.text(refusal, self._desk.world.profile)
        return Refused(
            code=refusal.code, text=said.message, field=refusal.field or "",
            retry="later" if said.retry == "later" else "",
        )  # fmt: skip


def _report(region: Counterpart, kind: Kind, question: Question, refusal: Refusal) -> None:
    """Whoever asks this has wrong books, or is not who it says."""
    METRICS.hub_broken += 1
    extra = {
        "event": "hub.question.broken",
        "region": region.region,
        "kind": kind.value,
        "case_no": getattr(question, "case_no", "")[:64],
        "code": refusal.code,
    }
    logger.warning("a question of another region contradicts itself or us", extra=extra)
