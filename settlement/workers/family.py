"""Ends what a process left unfinished between a patient's account and those of relatives.

A settlement with relatives is walked through by one gateway process (serve/family.py, ADR 0023).
Where that died, or gave up, this loop does what is left, by what the patient's lane says:

    asked, not settled      the undertaking ends; then the holds are released
    settled, holds open     the holds pay
    undone, not given back  relatives get it back; then the undertaking ends

Every step may be done twice and acts once, so it does not matter whether the process still lives.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import timedelta

from msgspec import Struct

from ledger.postgres.schema import installed_shape
from ledger.postgres.shape import Shape
from settlement.clock import Clock, Moment, moment, system_clock
from settlement.commands import Asked, Command, EndUndertaking, ResolveHold, ReturnPayment
from settlement.decision import Decision
from settlement.institution import Institution
from settlement.keyring import Keyring
from settlement.numbers import NumberBlock, NumberSource, lane_in
from settlement.rows import ShareRow, UndertakingKind, UndertakingRow
from settlement.storage import reference
from settlement.storage.families import Question, outcomes_of, shares_of
from settlement.storage.lease import PlainConnection
from settlement.storage.queries import REFERENCE
from settlement.storage.under_head import book_under_head
from settlement.storage.unfinished import open_holds, open_undertakings
from settlement.usecases import family, relatives
from settlement.view import View

logger = logging.getLogger("settlement.workers")

LEFT_AFTER = timedelta(seconds=15)
"""Longer than a request may take: nobody is at it any more."""
STEP_MAX = 200
"""Undertakings, and holds, of one step."""
NUMBERS_LOW = 10_000
_NO_KEY = bytes(16)


class House(Struct, frozen=True, kw_only=True):
    """What is the same for a whole step."""

    connection: PlainConnection
    shape: Shape
    journal_of: dict[int, int]
    institutions: dict[str, Institution]
    keyring: Keyring
    moment: Moment
    next_number: NumberSource

    async def book(self, commands: Sequence[Command]) -> int:
        """Carry them out, a commit for each journal; how many had an effect."""
        by_journal: dict[int, list[Command]] = {}
        for command in commands:
            by_journal.setdefault(self.journal_of[command.asked.lane], []).append(command)
        done = 0
        for journal, own in sorted(by_journal.items()):
            done += await book_under_head(
                self.connection, own, journal=journal, shape=self.shape, keyring=self.keyring,
                moment=self.moment, decide=self._decide,
            )  # fmt: skip
        return done

    def asked(self, institution: str, person_no: str, lane: int) -> Asked:
        """In whose name it is done: the institution's, as far as rows name one."""
        return Asked(
            infno="", institution=self.institutions[institution], msgid="", operator="", lane=lane,
            person_no=person_no, message_key=_NO_KEY, fingerprint=b"",
        )  # fmt: skip

    def _decide(self, command: Command, view: View, at: Moment) -> Decision:
        match command:
            case ResolveHold():
                return relatives.resolve(command, view, self, at)
            case ReturnPayment():
                return relatives.give_back(command, view, self, at)
            case EndUndertaking():
                return family.end_undertaking(command, view, self, at)
            case _:
                raise TypeError(f"{type(command).__name__} is not for this loop")


class FamilyResolver:
    """The loop's work; it keeps nothing but the numbers it may give out."""

    def __init__(self, keyring: Keyring, *, clock: Clock = system_clock) -> None:
        self._keyring = keyring
        self._clock = clock
        self._numbers: NumberBlock | None = None

    async def step(self, connection: PlainConnection) -> int:
        """End what has been left; how many accounts and persons were changed."""
        before = self._clock() - LEFT_AFTER
        left = await open_undertakings(connection, before=before, limit=STEP_MAX)
        holds = await open_holds(connection, before=before, limit=STEP_MAX)
        if not left and not holds:
            return 0
        house = await self._house(connection)
        done = await _end_payments(house, left) + await _give_back(house, left)
        asked = [
            Question(
                hold_id=hold.hold_id, patient_lane=hold.patient_lane, patient_no=hold.patient_no,
                undertaking_id=hold.undertaking_id,
            )
            for hold in holds
        ]  # fmt: skip
        outcomes = await outcomes_of(connection, asked, house.shape)
        done += await house.book(
            [
                ResolveHold(
                    asked=house.asked(hold.institution, hold.psn_no, hold.lane),
                    hold_ids=(hold.hold_id,), hold_id=hold.hold_id,
                    setl_id=outcomes[hold.hold_id].setl_id,
                )
                for hold in holds
                if not outcomes[hold.hold_id].still_open
            ]
        )  # fmt: skip
        extra = {"event": "family.resolved", "changed": done}
        logger.warning("what a process left unfinished was ended", extra=extra)
        return done

    async def _house(self, connection: PlainConnection) -> House:
        if self._numbers is None or self._numbers.remaining < NUMBERS_LOW:
            self._numbers = NumberBlock(await connection.fetchval(REFERENCE["number_block"]))
        closed = await reference.closed_through(connection)
        not_before = None if closed is None else closed + timedelta(days=1)
        return House(
            connection=connection,
            shape=await installed_shape(connection),
            journal_of=dict(await reference.lanes(connection)),
            institutions=dict(await reference.institutions(connection)),
            keyring=self._keyring,
            moment=moment(self._clock, not_before=not_before),
            next_number=self._numbers.next,
        )


async def _end_payments(house: House, left: Iterable[UndertakingRow]) -> int:
    """Nobody will settle these any more; what is held for them is released with the holds."""
    return await house.book(
        [_ending(house, row) for row in left if row.kind is UndertakingKind.FAMILY_PAYMENT]
    )


async def _give_back(house: House, left: Iterable[UndertakingRow]) -> int:
    """Relatives get back what was undone; only then nothing is under way any more."""
    returning = [row for row in left if row.kind is UndertakingKind.FAMILY_RETURN]
    numbers = [row.undertaking_id for row in returning]
    shares = await shares_of(house.connection, numbers, house.shape)
    row_of = {row.undertaking_id: row for row in returning}
    asked = [
        Question(
            hold_id=share.hold_id, patient_lane=share.lane, patient_no=row_of[share.setl_id].psn_no,
            undertaking_id=0,
        )
        for share in shares
    ]  # fmt: skip
    outcomes = await outcomes_of(house.connection, asked, house.shape)
    paying = [_paying(house, row_of, share, outcomes[share.hold_id].setl_id) for share in shares]
    done = await house.book(paying)
    done += await house.book([_returning(house, row_of, share) for share in shares])
    return done + await house.book([_ending(house, row) for row in returning])


def _ending(house: House, row: UndertakingRow) -> Command:
    return EndUndertaking(
        asked=house.asked(row.institution, row.psn_no, row.lane),
        undertaking_id=row.undertaking_id,
    )


def _paying(
    house: House, row_of: dict[int, UndertakingRow], share: ShareRow, setl_id: int | None
) -> Command:
    """A hold pays before anything of it comes back; most have long done so."""
    return ResolveHold(
        asked=_of_donor(house, row_of, share), hold_ids=(share.hold_id,), hold_id=share.hold_id,
        setl_id=setl_id,
    )  # fmt: skip


def _returning(house: House, row_of: dict[int, UndertakingRow], share: ShareRow) -> Command:
    return ReturnPayment(
        asked=_of_donor(house, row_of, share), hold_ids=(share.hold_id,), hold_id=share.hold_id,
        setl_id=share.setl_id,
    )  # fmt: skip


def _of_donor(house: House, row_of: dict[int, UndertakingRow], share: ShareRow) -> Asked:
    institution = row_of[share.setl_id].institution
    return house.asked(institution, share.donor_no, lane_in(share.hold_id))
