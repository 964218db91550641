"""A pharmacy's point of sale: quotes, sells, takes goods back."""

from __future__ import annotations

from loadtest.simulators.counter import SimulatedCounter


class Pos(SimulatedCounter):
    """One till. Several tills of a pharmacy share its counter of message ids, not their book."""

    async def step(self) -> None:
        """One customer. Raises CrashError."""
        patient = self.rng.choice(self.patients)
        what = self.rng.random()
        if what < 0.25 and (newest := self.newest_standing(patient)) is not None:
            back = self.institution.pharmacy.cancel(newest, psn_no=patient.psn_no)
            await self.carry_out(back, cancels=newest.setl_id)
            return
        basket = self.basket()
        if what > 0.85:
            await self.institution.send(self.institution.pharmacy.quote(patient, basket))
        account = self.rng.random() < 0.7
        await self.carry_out(self.institution.pharmacy.sale(patient, basket, account=account))
