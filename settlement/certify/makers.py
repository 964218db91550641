"""What checks of both kinds of institution begin with: a claim, ready to be settled."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from settlement.certify.exam import PLACE, Exam
from settlement.client import Done, Line, Message, Patient
from settlement.client.inputs import total

BATCH = "B1"


class Visit(Struct, frozen=True, kw_only=True):
    """An outpatient visit in progress."""

    patient: Patient
    mdtrt_id: str
    number: str
    lines: dict[str, Line]


async def claim_ready(exam: Exam, lines: Sequence[Line] | None = None) -> Message:
    """A settlement that will be accepted: 2102, or 2207 of a visit that was quoted."""
    if exam.is_pharmacy:
        return exam.institution.pharmacy.sale(
            exam.buyer, lines or exam.lines(), at=exam.moment()
        )
    visit = await open_visit(exam, lines)
    return exam.institution.outpatient.settlement(await quoted(exam, visit))


async def settled_now(exam: Exam) -> Done:
    """A claim, settled."""
    return await exam.done(await claim_ready(exam))


async def register(
    exam: Exam, patient: Patient | None = None, *, infno: str = "2203"
) -> Visit:
    """2201 and 2203 (or 2203A)."""
    desk, number = exam.institution.outpatient, f"C{exam.serial()}"
    patient = patient or exam.buyer
    opened = await exam.done(desk.registration(patient, PLACE, visit_no=number))
    visit = Visit(
        patient=patient, mdtrt_id=opened.text("data", "mdtrt_id"), number=number, lines={}
    )
    described = desk.diagnosis(patient, PLACE, visit.mdtrt_id)
    await exam.asked(infno, described.input)
    return visit


async def open_visit(
    exam: Exam, lines: Sequence[Line] | None = None, *, infno: str = "2203"
) -> Visit:
    """Registered, diagnosed, and its lines uploaded."""
    visit = await register(exam, infno=infno)
    numbered = exam.numbered(lines or exam.lines())
    await exam.done(upload(exam, visit, numbered))
    return Visit(
        patient=visit.patient, mdtrt_id=visit.mdtrt_id, number=visit.number, lines=numbered
    )


def upload(exam: Exam, visit: Visit, lines: dict[str, Line]) -> Message:
    """2204."""
    return exam.institution.outpatient.lines(
        visit.patient, PLACE, visit.mdtrt_id, lines, batch=BATCH
    )


def quote_of(exam: Exam, visit: Visit) -> Message:
    """2206."""
    return exam.institution.outpatient.quote(
        visit.patient, visit.mdtrt_id, total(visit.lines.values()), batch=BATCH
    )


async def quoted(exam: Exam, visit: Visit) -> Done:
    """2206, answered."""
    return await exam.done(quote_of(exam, visit))
