"""A hospital's desk for filings (备案), in the messages that a HIS sends."""

from __future__ import annotations

from datetime import date, timedelta

from loadtest import filing_inputs
from loadtest.institution_inputs import Bought
from tests.kit.counter import Counter, Hospital, Message, Visit, Whom, patient_of
from tests.kit.reply import Reply

DISEASE = "M01600"
DISEASE_NAME = "高血压"


def day_of(counter: Counter, days: int = 0) -> str:
    """Today, or so many days later, as the wire writes it."""
    on: date = counter.clock.local.date() + timedelta(days=days)
    return on.isoformat()


def disease(
    desk: Counter, whom: Whom, *, at: Counter | None = None, code: str = DISEASE,
    begins: int = 0, ends: int | None = None,
) -> Message:  # fmt: skip
    """2503, found at `at`; dates in days from today."""
    where = (at or desk).institution
    content = filing_inputs.disease(
        patient_of(whom), code=code, name=DISEASE_NAME, at=where.code, at_name=where.name,
        begins=day_of(desk, begins), ends=None if ends is None else day_of(desk, ends),
    )  # fmt: skip
    return desk.message("2503", content)


def chosen(
    desk: Counter, whom: Whom, *, at: Counter | None = None, business: str = "03",
    order: str = "1", begins: int = 0, ends: int | None = None,
) -> Message:  # fmt: skip
    """2505."""
    where = (at or desk).institution
    content = filing_inputs.chosen_institution(
        patient_of(whom), at=where.code, at_name=where.name, business=business, order=order,
        begins=day_of(desk, begins), ends=None if ends is None else day_of(desk, ends),
    )  # fmt: skip
    return desk.message("2505", content)


def transfer(
    desk: Counter, whom: Whom, *, to: Counter, begins: int = 0, ends: int | None = None
) -> Message:
    """2501."""
    content = filing_inputs.transfer(
        patient_of(whom), to=to.code, to_name=to.institution.name, begins=day_of(desk, begins),
        ends=None if ends is None else day_of(desk, ends),
    )  # fmt: skip
    return desk.message("2501", content)


UNDONE_BY = {"2501": "2502", "2503": "2504", "2505": "2506"}


def number_of(filed: Reply) -> str:
    """The number of a filing that was answered."""
    return filed.text("trt_dcla_detl_sn", "result")


def withdrawal(desk: Counter, whom: Whom, of: Message, filed: Reply) -> Message:
    """2502, 2504 or 2506 of a filing that was answered."""
    content = filing_inputs.withdrawal(patient_of(whom), number_of(filed))
    return desk.message(UNDONE_BY[of.infno], content)


async def treat(
    hospital: Hospital, whom: Whom, *basket: Bought, care_type: str = "14",
    disease: str | None = DISEASE,
) -> tuple[Visit, Message]:  # fmt: skip
    """2201, 2203 and 2204 for a disease; the visit, and the 2206 that asks what it costs."""
    visit = await hospital.register(whom)
    said = visit.diagnosis().edited({"input.mdtrtinfo.med_type": care_type})
    if disease is not None:
        said = said.edited({"input.mdtrtinfo.dise_codg": disease})
    assert (await hospital.send(said)).infcode == 0
    assert (await hospital.send(visit.lines(*basket))).infcode == 0
    quoted = visit.quote(*basket).edited({"input.data.med_type": care_type})
    return visit, quoted


async def settle(
    hospital: Hospital, whom: Whom, *basket: Bought, care_type: str = "14",
    disease: str | None = DISEASE,
) -> Reply:  # fmt: skip
    """Treated and settled, or the refusal of the quote."""
    visit, quoted = await treat(hospital, whom, *basket, care_type=care_type, disease=disease)
    quote = await hospital.send(quoted)
    if quote.infcode:
        return quote
    return await hospital.send(visit.settlement(quoted, quote))


async def entitlement(
    desk: Counter, whom: Whom, care_type: str, *, disease: str | None = None, days: int = 0
) -> Reply:
    """2001, on a day so many days from today."""
    patient = patient_of(whom)
    data = {
        "psn_no": patient.person.psn_no,
        "insutype": patient.person.insutype,
        "fixmedins_code": desk.code,
        "med_type": care_type,
        "begntime": f"{day_of(desk, days)} 08:00:00",
    }
    if disease is not None:
        data["dise_codg"] = disease
    return await desk.ask("2001", {"data": data})
