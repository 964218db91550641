"""Use cases that are decided in steps: a command by itself, or a wave of a batch (ADR 0013).

A *case* is a command on its way: what a step finds out, the next ones use. A batch takes one step
for all its cases of a kind, then the next step for all, so that a step's code and data stay in the
processor's caches from case to case; deciding one whole sale after the other took more than twice
the time (docs/profile.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from settlement.clock import Moment
from settlement.commands import Command
from settlement.decision import Decision
from settlement.view import View
from settlement.world import World

Step = Callable[[Any, View, World, Moment], Decision | None]
"""Goes on with a case. A step that returns a decision ends the case; the last one always does."""


class Steps(Struct, frozen=True):
    """How commands of one kind become cases, and what is done with these, in order."""

    begin: Callable[[Any], Any]
    steps: tuple[Step, ...]
    together: int
    """how many cases go through all steps before the next ones begin: as many as their facts and
    their code have room for in the processor's caches"""

    def decide(self, command: Command, view: View, world: World, moment: Moment) -> Decision:
        """Decide one command by itself."""
        case = self.begin(command)
        for step in self.steps:
            decision = step(case, view, world, moment)
            if decision is not None:
                return decision
        raise AssertionError("the last step decides")

    def decide_all(
        self, commands: Mapping[int, Command], view: View, world: World, moment: Moment,
        refused: Callable[[Command, Exception], Decision],
    ) -> dict[int, Decision]:  # fmt: skip
        """Decide commands of different persons, by number, a step at a time. A step that raises
        ends its own case: `refused` says how."""
        decisions: dict[int, Decision] = {}
        numbers = list(commands)
        for at in range(0, len(numbers), self.together):
            under_way = [(n, self.begin(commands[n])) for n in numbers[at : at + self.together]]
            for step in self.steps:
                going_on = []
                for n, case in under_way:
                    try:
                        decision = step(case, view, world, moment)
                    except Exception as exc:
                        decision = refused(commands[n], exc)
                    if decision is None:
                        going_on.append((n, case))
                    else:
                        decisions[n] = decision
                under_way = going_on
        return decisions
