"""A hospital's ward: stays from admission to settlement, in the messages that a HIS sends."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from loadtest import stay_inputs
from loadtest.institution_inputs import Bought, Patient, total
from tests.kit.counter import Hospital, Message, Whom, patient_of
from tests.kit.reply import Reply


class StayInProgress(Struct, kw_only=True):
    """A stay at a hospital: makes the messages that belong to it."""

    hospital: Hospital
    patient: Patient
    mdtrt_id: str
    stay_no: str
    lines: int = 0
    """how many were numbered so far"""

    def upload(self, *basket: Bought, originals: dict[int, str] | None = None) -> Message:
        """2301; numbers go on from the last upload."""
        at = self.hospital.clock.tick()
        first = self.lines + 1
        self.lines += len(basket)
        content = stay_inputs.fee_lines(
            self.patient, basket, mdtrt_id=self.mdtrt_id, at=at, first=first, originals=originals
        )
        return self.hospital.message("2301", content)

    async def charge(self, *basket: Bought) -> Reply:
        """2301, sent once."""
        return await self.hospital.send(self.upload(*basket))

    def withdrawal_of_lines(self, *names: str) -> Message:
        """2302: by number, or all that are not settled."""
        content = stay_inputs.withdrawn_lines(
            self.patient, names or ("0000",), mdtrt_id=self.mdtrt_id
        )
        return self.hospital.message("2302", content)

    def change(self) -> Message:
        """2403."""
        at = self.hospital.clock.tick()
        content = stay_inputs.change(
            self.patient, mdtrt_id=self.mdtrt_id, stay_no=self.stay_no, at=at
        )
        return self.hospital.message("2403", content)

    def discharge(self, at: datetime | None = None) -> Message:
        """2402."""
        when = self.hospital.clock.tick() if at is None else f"{at:%Y-%m-%d %H:%M:%S}"
        content = stay_inputs.discharge(self.patient, mdtrt_id=self.mdtrt_id, at=when)
        return self.hospital.message("2402", content)

    def withdrawal(self) -> Message:
        """2404."""
        return self.hospital.message("2404", stay_inputs.stay(self.patient, mdtrt_id=self.mdtrt_id))

    def withdrawal_of_discharge(self) -> Message:
        """2405."""
        return self.hospital.message("2405", stay_inputs.stay(self.patient, mdtrt_id=self.mdtrt_id))

    def quote(self, amount: Decimal, *, mid_stay: bool = False, account: bool = True) -> Message:
        """2303."""
        content = stay_inputs.quote(
            self.patient, amount, mdtrt_id=self.mdtrt_id, mid_stay=mid_stay, account=account
        )
        return self.hospital.message("2303", content)

    def settlement(self, quoted: Message, quote: Reply) -> Message:
        """2304: what was quoted, for good."""
        body = quoted.envelope["input"]
        assert isinstance(body, dict)
        content = stay_inputs.settlement(body, quote.node("setlinfo"))
        return self.hospital.message("2304", content)

    async def settle(
        self, amount: Decimal, *, mid_stay: bool = False, account: bool = True
    ) -> Reply:
        """Quote and settle, each sent once."""
        quoted = self.quote(amount, mid_stay=mid_stay, account=account)
        quote = await self.hospital.send(quoted)
        return await self.hospital.send(self.settlement(quoted, quote))

    def cancel(self, settled: Reply) -> Message:
        """2305."""
        data = {
            "mdtrt_id": self.mdtrt_id, "setl_id": settled.setl_id,
            "psn_no": self.patient.person.psn_no,
        }  # fmt: skip
        return self.hospital.message("2305", {"data": data})


_COUNT = iter(range(1, 1_000_000))


def admission(
    hospital: Hospital, whom: Whom, *, at: datetime | None = None, care_type: str = "21"
) -> Message:
    """2401."""
    when = hospital.clock.tick() if at is None else f"{at:%Y-%m-%d %H:%M:%S}"
    content = stay_inputs.admission(
        patient_of(whom), stay_no=f"Z{next(_COUNT)}", at=when, care_type=care_type
    )
    return hospital.message("2401", content)


async def admit(
    hospital: Hospital, whom: Whom, *basket: Bought, at: datetime | None = None,
    care_type: str = "21",
) -> StayInProgress:  # fmt: skip
    """Admitted, with a first upload where there is a basket."""
    message = admission(hospital, whom, at=at, care_type=care_type)
    reply = await hospital.send(message)
    stay = StayInProgress(
        hospital=hospital, patient=patient_of(whom), mdtrt_id=reply.text("mdtrt_id", "result"),
        stay_no="Z",
    )  # fmt: skip
    if basket:
        assert (await stay.charge(*basket)).infcode == 0
    return stay


def cost(*basket: Bought) -> Decimal:
    """What a basket costs."""
    return total(basket)
