"""An outpatient visit in six messages, from registration to settlement."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from loadtest import institution_inputs as inputs
from loadtest.institution_client import Input, InstitutionClient, Message, Reply
from loadtest.institution_inputs import Bought, Patient
from settlement.demo.scene import Paid, StoryError, amount_of, done, paid_of


class Visit(Struct, frozen=True, kw_only=True):
    """A visit that was quoted, and the message that settles it."""

    mdtrt_id: str
    age: int
    quote: dict[str, object]
    settlement: Message

    def settled(self, reply: Reply) -> Paid:
        """What was paid. Raises StoryError where it is not what the quote promised."""
        paid = paid_of(done(reply))
        if amount_of(self.quote, "fund_pay_sumamt") != paid.fund:
            raise StoryError("the settlement does not pay what the quote promised")
        return paid


async def quoted_visit(
    counter: InstitutionClient, patient: Patient, basket: Sequence[Bought], *, insured_in: str = ""
) -> Visit:
    """1101, 2201, 2203, 2204, 2206; the 2207 is ready. `insured_in` is the patient's region, where
    that is another one."""

    async def said(infno: str, content: Input) -> Reply:
        return done(await counter.ask(infno, content, insured_in=insured_in))

    at = counter.now()
    batch_no = "".join(filter(str.isdigit, at)) + "0001"
    found = (await said("1101", inputs.lookup(patient))).node("baseinfo")
    opened = await said("2201", inputs.registration(patient, visit_no=f"T{batch_no}", at=at))
    mdtrt_id = str(opened.node("data")["mdtrt_id"])
    await said("2203", inputs.diagnosis(patient, mdtrt_id=mdtrt_id, at=at))
    lines = inputs.fee_lines(patient, basket, mdtrt_id=mdtrt_id, batch_no=batch_no, at=at)
    await said("2204", lines)
    asked = inputs.visit_quote(patient, basket, mdtrt_id=mdtrt_id, batch_no=batch_no)
    quote = (await said("2206", asked)).node("setlinfo")
    content = inputs.visit_settlement(asked, quote)
    return Visit(
        mdtrt_id=mdtrt_id, age=int(amount_of(found, "age")), quote=quote,
        settlement=counter.message("2207", content, insured_in=insured_in),
    )  # fmt: skip
