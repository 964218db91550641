"""Clearing between the cities of a province (3260–3262): the list of a month, what the institution
says of it, and taking that back.

What is written is the next step of a month. Of two at once one gets its number; the other sees what
that one said, and decides again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime

from protocol.nhsa import canonical
from protocol.nhsa.messages import clearing
from settlement.books.clearing import is_over
from settlement.clock import Moment
from settlement.decision import Answer
from settlement.desk import DecisionDesk
from settlement.elsewhere.cross_city import (
    WHOLE_MONTH,
    CrossCityRules,
    MarkedRow,
    Speaker,
    Step,
    StepKind,
    confirmed_by,
    difference,
    repeated,
    standing,
)
from settlement.institution import Institution
from settlement.lanes import lane_of
from settlement.refusal import Refusal
from settlement.serve.outcomes import known_or_not
from settlement.storage.connect import Reconnecting
from settlement.storage.cross_city import CrossCityList, keep_step, of_message, steps_of
from settlement.storage.lease import PlainConnection
from settlement.translate import cross_city as words

Request = clearing.CrossCityExtract | clearing.CrossCityConfirm | clearing.CrossCityRollback
NextReference = Callable[[datetime], str]
"""A message id for an answer, of a local time (inf_refmsgid)."""


class CrossCity:
    """The clearing between cities of one process."""

    def __init__(
        self, *, reading: Reconnecting, writing: Reconnecting, desk: DecisionDesk, lanes: int,
        next_reference: NextReference,
    ) -> None:  # fmt: skip
        self._reading = reading
        self._writing = writing
        self._desk = desk
        self._lanes = lanes
        self._next_reference = next_reference

    async def answer(self, request: Request, institution: Institution) -> Answer | Refusal:
        """Carry one out."""
        month = words.month_of(request.input.data)
        if isinstance(month, Refusal):
            return month
        match request:
            case clearing.CrossCityExtract():
                return await self._extract(request, month, institution)
            case clearing.CrossCityConfirm():
                return await self._confirm(request, month, institution)
            case clearing.CrossCityRollback():
                return await self._withdraw(request, month, institution)

    async def _extract(
        self, request: clearing.CrossCityExtract, month: date, institution: Institution
    ) -> Answer | Refusal:
        """3260. A list has no last page: the answer behind it is empty."""
        rules, first = self._rules, int(request.input.data.startrow)
        if first < rules.first_row:
            return Refusal(
                code="CROSS_CITY_START_WRONG", field="start_row",
                params={"value": first, "first": rules.first_row},
            )  # fmt: skip
        async with self._reading.use() as connection:
            rows = await self._list(institution).page(
                connection, month, skipped=first - rules.first_row, rows_max=rules.rows_max
            )
        return Answer(
            output=words.extract_reply(
                rows, first=first, institution=institution.code, region=self._desk.world.region
            )
        )

    async def _confirm(
        self, request: clearing.CrossCityConfirm, month: date, institution: Institution
    ) -> Answer | Refusal:
        """3261."""
        count = int(request.input.data.totalrow)
        rows = words.marked_rows(request.input.detail, self._rules.unmarked)
        fingerprint = words.fingerprint_of(month, count, rows, self._desk.world.keyring)
        now = self._desk.now()

        async def next_step(connection: PlainConnection, speaker: Speaker) -> Step | Refusal:
            refused = self._refused(month, count, rows, now)
            if refused is not None:
                return refused
            ours = await self._list(institution).named(
                connection, month, [row.settlement_no for row in rows]
            )
            steps = await steps_of(connection, speaker, month)
            earlier = confirmed_by(steps)
            marked: dict[bool, list[int]] = {True: [], False: []}
            for place, row in enumerate(rows):
                own = ours.get(row.settlement_no)
                if own is None:
                    return _of_row("CROSS_CITY_ROW_UNKNOWN", place, row)
                name = difference(row, own)
                if name is not None:
                    return words.differs(place, name, row, own)
                if own.setl_id in earlier:
                    return _of_row(
                        "CROSS_CITY_ALREADY_CONFIRMED", place, row, reference=earlier[own.setl_id]
                    )
                marked[row.included].append(own.setl_id)
            return Step(
                month=month, step_no=len(steps) + 1, kind=StepKind.CONFIRMED,
                reference=self._next_reference(now.local), fingerprint=fingerprint,
                included=tuple(marked[True]), left_out=tuple(marked[False]),
            )  # fmt: skip

        speaker = self._speaker(request, institution, now)
        return await self._say(speaker, StepKind.CONFIRMED, fingerprint, next_step)

    async def _withdraw(
        self, request: clearing.CrossCityRollback, month: date, institution: Institution
    ) -> Answer | Refusal:
        """3262."""
        named = request.input.data.otransid
        fingerprint = words.fingerprint_of(month, named, (), self._desk.world.keyring)
        now = self._desk.now()

        async def next_step(connection: PlainConnection, speaker: Speaker) -> Step | Refusal:
            steps = await steps_of(connection, speaker, month)
            refused = _not_withdrawn(named, month, steps)
            return refused or Step(
                month=month, step_no=len(steps) + 1, kind=StepKind.WITHDRAWN,
                reference=self._next_reference(now.local), withdraws=named,
                fingerprint=fingerprint,
            )  # fmt: skip

        speaker = self._speaker(request, institution, now)
        return await self._say(speaker, StepKind.WITHDRAWN, fingerprint, next_step)

    async def _say(
        self, speaker: Speaker, kind: StepKind, fingerprint: bytes,
        next_step: Callable[[PlainConnection, Speaker], Awaitable[Step | Refusal]],
    ) -> Answer | Refusal:  # fmt: skip
        """The first answer again to a message that came before; else its step, once it is kept.
        Whoever is second to a number decides again: each time somebody else has gone on."""
        async with known_or_not(self._writing) as connection:
            while True:
                before = await of_message(connection, speaker, kind)
                if before is not None:
                    return _again(before, fingerprint)
                step = await next_step(connection, speaker)
                if isinstance(step, Refusal):
                    return step
                if await keep_step(connection, speaker, step):
                    return Answer(reference=step.reference)

    def _refused(
        self, month: date, count: int, rows: tuple[MarkedRow, ...], now: Moment
    ) -> Refusal | None:
        """What can be said of a confirmation without the list."""
        limit = self._rules.rows_max
        if not is_over(month, now.local):
            return Refusal(
                code="CROSS_CITY_MONTH_OPEN", field="clearing_month",
                params={"month": f"{month:%Y%m}"},
            )  # fmt: skip
        if len(rows) > limit:
            return Refusal(
                code="CROSS_CITY_ROWS_TOO_MANY", field="lines",
                params={"found": len(rows), "limit": limit},
            )  # fmt: skip
        if count != len(rows):
            return Refusal(
                code="CROSS_CITY_COUNT_DIFFERS", field="row_count",
                params={"declared": count, "found": len(rows)},
            )  # fmt: skip
        twice = repeated(rows)
        if twice is None:
            return None
        place, earlier = twice
        return _of_row("CROSS_CITY_ROW_REPEATED", place, rows[place], earlier=str(earlier + 1))

    @property
    def _rules(self) -> CrossCityRules:
        return self._desk.world.profile.cross_city

    def _list(self, institution: Institution) -> CrossCityList:
        world = self._desk.world
        return CrossCityList(
            institution=institution.code, region=world.region,
            account_counts=self._rules.account_counts, keyring=world.keyring,
        )  # fmt: skip

    def _speaker(self, request: Request, institution: Institution, now: Moment) -> Speaker:
        return Speaker(
            lane=lane_of(institution.code, self._lanes),
            institution=institution.code,
            operator=request.opter,
            operator_name=request.opter_name,
            msgid=request.msgid,
            at=now.at,
        )


def _again(before: Step, fingerprint: bytes) -> Answer | Refusal:
    part = canonical.differs(before.fingerprint, fingerprint)
    if part is not None:
        return Refusal(code="MESSAGE_CONFLICT", field="msgid", params={"part": part})
    return Answer(reference=before.reference, replayed=True)


def _of_row(code: str, place: int, row: MarkedRow, **more: str) -> Refusal:
    return Refusal(
        code=code, field=f"lines[{place}].settlement_no",
        params={"row": place + 1, "value": row.settlement_no, **more},
    )  # fmt: skip


def _not_withdrawn(named: str, month: date, steps: list[Step]) -> Refusal | None:
    """Why there is nothing to withdraw."""
    confirmations = standing(steps)
    if named in confirmations:
        return None
    if named == WHOLE_MONTH:
        if confirmations:
            return None
        return Refusal(
            code="CROSS_CITY_NOTHING_CONFIRMED", field="clearing_month",
            params={"month": f"{month:%Y%m}"},
        )  # fmt: skip
    known = any(s.kind is StepKind.CONFIRMED and s.reference == named for s in steps)
    code = "CROSS_CITY_CONFIRMATION_WITHDRAWN" if known else "CROSS_CITY_CONFIRMATION_UNKNOWN"
    return Refusal(code=code, field="confirmation", params={"value": named})
