"""Clerks of the agency (经办人员) at work on what persons asked for, by their commands' code."""

from __future__ import annotations

from settlement.people.matter_states import Happening
from settlement.said import Said
from settlement.serve.clerk import BroughtIn, Clerk, Ruling, Step, clerk_of
from tests.kit.population import Citizen
from tests.kit.townhall import Townhall

FIRST, SECOND = "测试经办甲", "测试经办乙"


class Office:
    """The agency's office in a town."""

    def __init__(self, town: Townhall) -> None:
        self._town = town

    async def rule(
        self, matter_no: str, happening: Happening, *, reason: str = "测试审核"
    ) -> Said:
        """A clerk decides."""
        clerk = await self._clerk()
        return await clerk.rule(
            Ruling(
                matter_no=int(matter_no), happening=happening, actor=FIRST, reason=reason
            )
        )  # fmt: skip

    def step(
        self, matter_no: str, happening: Happening, amount_fen: int, reference: str, *,
        months: int = 0, actor: str = FIRST,
    ) -> Step:  # fmt: skip
        """What a clerk says of the money."""
        return Step(
            matter_no=int(matter_no), happening=happening, amount_fen=amount_fen,
            reference=reference, coverage_months=months, actor=actor, reason="测试转移",
        )  # fmt: skip

    async def propose(self, step: Step) -> Said:
        """One clerk says it."""
        clerk = await self._clerk()
        return await clerk.propose(step)

    async def confirm(self, step: Step) -> Said:
        """Another confirms it."""
        clerk = await self._clerk()
        return await clerk.confirm(step)

    async def book(
        self, matter_no: str, happening: Happening, amount_fen: int, reference: str, *,
        months: int = 0,
    ) -> Said:  # fmt: skip
        """Both."""
        for actor, act in ((FIRST, self.propose), (SECOND, self.confirm)):
            said = await act(
                self.step(
                    matter_no, happening, amount_fen, reference, months=months, actor=actor
                )
            )
        return said

    async def bring_in(self, who: Citizen, region: str = "430100") -> str:
        """A transfer in that nobody applied for; its number."""
        clerk = await self._clerk()
        said = await clerk.bring_in(
            BroughtIn(person_no=who.number, region=region, actor=FIRST, reason="测试转入")
        )
        assert said.status == 0, said
        return said.text

    async def _clerk(self) -> Clerk:
        """Each command opens its own."""
        return await clerk_of(self._town.owner, self._town.keyring, clock=self._town.clock)
