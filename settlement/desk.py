"""The desk: takes commands to their use cases, with the clock and the reference data of the moment.

Pure but for the clock it is given. A use case that raises is our own fault: that one case is
refused and reported, its batch goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from settlement import clock
from settlement.clock import Clock, Moment
from settlement.commands import (
    Cancel,
    CheckEntitlement,
    Command,
    DescribeVisit,
    FindSettlement,
    FindVisits,
    LookUpPerson,
    Purchase,
    RegisterVisit,
    Reverse,
    SettleVisit,
    UploadLines,
    WithdrawLines,
    WithdrawVisit,
)
from settlement.decision import Decision
from settlement.refusal import Refusal
from settlement.usecases import cancel, enquire, persons, settle, visits
from settlement.view import View
from settlement.world import World

UseCase = Callable[[Any, View, World, Moment], Decision]

USE_CASES: dict[type[Command], UseCase] = {
    Purchase: settle.purchase,
    SettleVisit: settle.settle_visit,
    Cancel: cancel.cancel,
    Reverse: cancel.reverse,
    RegisterVisit: visits.register,
    WithdrawVisit: visits.withdraw,
    DescribeVisit: visits.describe,
    UploadLines: visits.upload,
    WithdrawLines: visits.withdraw_lines,
    CheckEntitlement: persons.check_entitlement,
    LookUpPerson: persons.look_up,
    FindSettlement: enquire.find_settlement,
    FindVisits: enquire.find_visits,
}
"""Every command and the use case that decides it."""

OnFailure = Callable[[Command, Exception], None]


class DecisionDesk:
    """Decides commands against a world that is replaced as a whole when reference data changes."""

    def __init__(
        self, world: World, *, read_clock: Clock, day_cut: timedelta, failed: OnFailure
    ) -> None:
        self.world = world
        self.closed_through: date | None = None
        self._clock = read_clock
        self._day_cut = day_cut
        self._failed = failed

    def decide(self, command: Command, view: View, moment: Moment) -> Decision:
        """The decision on one command; a use case that raises becomes an INTERNAL refusal."""
        try:
            return USE_CASES[type(command)](command, view, self.world, moment)
        except Exception as exc:
            self._failed(command, exc)
            return Decision(Refusal(code="INTERNAL"))

    def now(self) -> Moment:
        """The clock, with the first business day that is still open."""
        not_before = None if self.closed_through is None else self.closed_through + timedelta(1)
        return clock.moment(self._clock, day_cut=self._day_cut, not_before=not_before)
