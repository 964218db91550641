"""A hospital's information system: outpatient visits and stays, some of them taken back.

A patient whose visit or stay ended in the middle (a refusal, a reversal, a crash) is sent home:
nothing more is done for them, as if the rest were to be done by hand.
"""

from __future__ import annotations

from decimal import Decimal

from loadtest.simulators.counter import SimulatedCounter
from settlement.client import Done, Line, Patient
from settlement.client.families import Place
from settlement.client.inputs import Named, total

_PLACE = Place(doctor=Named("D0001", "测试医师"), disease=Named("J18.900", "肺炎"))


class His(SimulatedCounter):
    """The HIS of one hospital."""

    async def step(self) -> None:
        """One patient, in and out. Raises CrashError."""
        home = {entry.message.psn_no for entry in self.book.entries.values()}
        patient = next(one for one in self.patients if one.psn_no not in home)
        await (self.stay(patient) if self.rng.random() < 0.4 else self.visit(patient))

    async def visit(self, patient: Patient) -> None:
        """2201, 2203, 2204, 2206, 2207; some cancelled, some settled anew."""
        desk, number = self.institution.outpatient, f"O{len(self.book.entries)}"
        opened = await self.carry_out(desk.registration(patient, _PLACE, visit_no=number))
        if opened is None:
            return
        mdtrt_id = opened.text("data", "mdtrt_id")
        if self.rng.random() < 0.1:
            await self.carry_out(desk.withdrawal(patient, mdtrt_id, visit_no=number))
            return
        if not await self.carry_out(desk.diagnosis(patient, _PLACE, mdtrt_id)):
            return
        if self.rng.random() < 0.2:
            first = self._numbered(self.basket(), "A")
            await self.carry_out(desk.lines(patient, _PLACE, mdtrt_id, first, batch="B1"))
            if not await self.carry_out(desk.withdrawal_of_lines(patient, mdtrt_id)):
                return
        lines = self._numbered(self.basket(), "B")
        upload = desk.lines(patient, _PLACE, mdtrt_id, lines, batch="B1")
        if not await self.carry_out(upload):
            return
        while (
            quoted := await self._ask_quote_of_visit(patient, mdtrt_id, total(lines.values()))
        ) is not None:
            settled = await self.carry_out(desk.settlement(quoted))
            if settled is None or self.rng.random() < 0.7:
                return
            back = desk.cancel(settled.settlement, psn_no=patient.psn_no)
            done = await self.carry_out(back, cancels=settled.settlement.setl_id)
            if done is None or self.rng.random() < 0.5:
                return

    async def stay(self, patient: Patient) -> None:
        """2401, 2301 day by day, 2402, 2303, 2304; some cancelled, discharged anew and settled."""
        ward = self.institution.inpatient
        number = f"Z{len(self.book.entries)}"
        admitted = await self.carry_out(ward.admission(patient, _PLACE, stay_no=number))
        if admitted is None:
            return
        mdtrt_id = admitted.text("result", "mdtrt_id")
        fees: dict[str, Line] = {}
        for day in range(self.rng.randint(1, 4)):
            lines = self._numbered(self.basket(), f"{day}")
            if not await self.carry_out(ward.lines(patient, _PLACE, mdtrt_id, lines)):
                return
            fees |= lines
        if self.rng.random() < 0.3:
            serial = next(iter(fees))
            if not await self.carry_out(ward.withdrawal_of_lines(patient, mdtrt_id, (serial,))):
                return
            del fees[serial]
        if not fees or not await self.carry_out(ward.discharge(patient, _PLACE, mdtrt_id)):
            return
        amount = total(fees.values())
        while (quoted := await self._ask_quote_of_stay(patient, mdtrt_id, amount)) is not None:
            settled = await self.carry_out(ward.settlement(quoted))
            if settled is None or self.rng.random() < 0.6:
                return
            back = ward.cancel(settled.settlement, psn_no=patient.psn_no)
            done = await self.carry_out(back, cancels=settled.settlement.setl_id)
            if done is None or self.rng.random() < 0.4:
                return

    async def _ask_quote_of_visit(
        self, patient: Patient, mdtrt_id: str, amount: Decimal
    ) -> Done | None:
        message = self.institution.outpatient.quote(patient, mdtrt_id, amount, batch="B1")
        return await self._quoted(await self.institution.send(message))

    async def _ask_quote_of_stay(
        self, patient: Patient, mdtrt_id: str, amount: Decimal
    ) -> Done | None:
        message = self.institution.inpatient.quote(patient, mdtrt_id, amount)
        return await self._quoted(await self.institution.send(message))

    async def _quoted(self, outcome: object) -> Done | None:
        """A quote has no effect: one without an answer is dropped."""
        return outcome if isinstance(outcome, Done) else None

    def _numbered(self, lines: list[Line], prefix: str) -> dict[str, Line]:
        return {f"{prefix}{n:02d}": line for n, line in enumerate(lines, 1)}
