"""A stay in hospital, and what its transactions are refused for. Skipped where none is served.

Every check leaves the test person out of hospital: the next one admits them anew.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from settlement.certify.checks_pharmacy import compare_cancel
from settlement.certify.exam import PLACE, Exam
from settlement.certify.money import in_words, totals_of, yuan
from settlement.certify.sheet import Check, Group, NotApplicableError, check
from settlement.client import Done, Line, Message
from settlement.client.inputs import total


class Stay(Struct, kw_only=True):
    """A stay in progress."""

    mdtrt_id: str
    number: str
    admitted: str
    lines: dict[str, Line] = {}


async def admit(exam: Exam) -> Stay:
    """2401. Raises NotApplicableError where the server has no stays."""
    if "2401" not in exam.served:
        raise NotApplicableError("服务端未开通住院交易 stays are not served")
    number, at = f"Z{exam.serial()}", exam.institution.now()
    message = exam.institution.inpatient.admission(exam.inpatient, PLACE, stay_no=number, at=at)
    admitted = await exam.done(message)
    return Stay(mdtrt_id=admitted.text("result", "mdtrt_id"), number=number, admitted=at)


async def charge(exam: Exam, stay: Stay) -> dict[str, Line]:
    """2301 of a basket."""
    lines = exam.numbered(exam.lines())
    await exam.done(upload(exam, stay, lines))
    stay.lines |= lines
    return lines


def upload(
    exam: Exam, stay: Stay, lines: dict[str, Line], originals: dict[str, str] | None = None
) -> Message:
    """2301."""
    return exam.institution.inpatient.lines(
        exam.inpatient, PLACE, stay.mdtrt_id, lines, originals=originals
    )


def discharge(exam: Exam, stay: Stay, at: str | None = None) -> Message:
    """2402."""
    return exam.institution.inpatient.discharge(exam.inpatient, PLACE, stay.mdtrt_id, at=at)


def quote(exam: Exam, stay: Stay, more: Decimal = Decimal(0)) -> Message:
    """2303."""
    amount = total(stay.lines.values()) + more
    return exam.institution.inpatient.quote(exam.inpatient, stay.mdtrt_id, amount)


async def settle(exam: Exam, stay: Stay) -> Done:
    """2303 and 2304."""
    asked = await exam.done(quote(exam, stay))
    return await exam.done(exam.institution.inpatient.settlement(asked))


async def leave(exam: Exam, stay: Stay, *, is_discharged: bool = False) -> None:
    """Whatever stands of an unsettled stay is taken back: 2405, 2302, 2404."""
    ward, patient = exam.institution.inpatient, exam.inpatient
    if is_discharged:
        await exam.done(ward.withdrawal_of_discharge(patient, stay.mdtrt_id))
    if stay.lines:
        await exam.done(ward.withdrawal_of_lines(patient, stay.mdtrt_id))
    await exam.done(ward.withdrawal(patient, stay.mdtrt_id))


@check("2401-2405", Group.TRANSACTIONS, "住院全程：入院至结算、撤销", "There and back")
async def stay_there_and_back(exam: Exam) -> None:
    """Admit, change, charge, discharge, quote, settle, cancel; then each step is taken back."""
    stay = await admit(exam)
    ward, patient = exam.institution.inpatient, exam.inpatient
    await exam.done(
        ward.change(patient, PLACE, stay.mdtrt_id, stay_no=stay.number, at=stay.admitted)
    )
    await charge(exam, stay)
    taken = next(iter(await charge(exam, stay)))
    await exam.done(ward.withdrawal_of_lines(patient, stay.mdtrt_id, (taken,)))
    del stay.lines[taken]
    await exam.done(discharge(exam, stay))
    settled, whole = await settle(exam, stay), int(total(stay.lines.values()) * 100)
    exam.expect(
        "2304 medfee_sumamt", f"{yuan(whole)}，等于有效明细合计", f"{yuan(whole)}, the lines' sum",
        yuan(settled.settlement.total_fen), settled.settlement.total_fen == whole,
    )  # fmt: skip
    await compare_cancel(exam, exam.booked(settled))
    await leave(exam, stay, is_discharged=True)


@check(
    "2304A", Group.TRANSACTIONS, "住院结算（A版）", "A stay, settled by edition A",
    needs=("2401", "2304A"),
)  # fmt: skip
async def edition_a(exam: Exam) -> None:
    """2304A settles what 2303 quoted; 2305 cancels it."""
    stay = await admit(exam)
    await charge(exam, stay)
    await exam.done(discharge(exam, stay))
    asked = await exam.done(quote(exam, stay))
    settled = await exam.asked("2304A", exam.institution.inpatient.settlement(asked).input)
    told = totals_of(settled.settlement)
    exam.expect(
        "2304A 与 and 2303", "各方金额与预结算一致", "amounts as quoted", in_words(told),
        told == totals_of(asked.settlement),
    )  # fmt: skip
    await compare_cancel(exam, exam.booked(settled))
    await leave(exam, stay, is_discharged=True)


@check("stay-order", Group.REFUSALS, "住院业务顺序", "The order of a stay")
async def stay_order(exam: Exam) -> None:
    """Not before the discharge, not after it, not twice, not over each other."""
    stay = await admit(exam)
    ward, patient = exam.institution.inpatient, exam.inpatient
    await charge(exam, stay)
    asked = await exam.done(quote(exam, stay))
    await exam.refused(ward.settlement(asked), "NOT_DISCHARGED")
    await exam.refused(ward.withdrawal(patient, stay.mdtrt_id), "VISIT_HAS_LINES")
    await exam.refused(ward.withdrawal_of_discharge(patient, stay.mdtrt_id), "NOT_DISCHARGED")
    second = ward.admission(patient, PLACE, stay_no=f"Z{exam.serial()}")
    await exam.refused(second, "STAY_OVERLAPS")
    await exam.refused(discharge(exam, stay, exam.moment(days=2)), "DISCHARGE_TIME_WRONG")
    await exam.done(discharge(exam, stay))
    await exam.refused(discharge(exam, stay), "ALREADY_DISCHARGED")
    await leave(exam, stay, is_discharged=True)


@check("stay-lines", Group.REFUSALS, "住院明细：重复、退费、撤销", "Lines of a stay")
async def stay_lines(exam: Exam) -> None:
    """A serial twice, refunds that do not fit, a line that is not there."""
    stay = await admit(exam)
    lines = await charge(exam, stay)
    serial, line = next(iter(lines.items()))
    await exam.refused(upload(exam, stay, {serial: line}), "STAY_LINE_REPEATED")
    back = Line(item=line.item, quantity=-line.quantity)
    new = exam.serial()
    await exam.refused(upload(exam, stay, {new: back}), "REFUND_LINE_UNNAMED")
    unknown = upload(exam, stay, {new: back}, {new: "no-such"})
    await exam.refused(unknown, "REFUND_ORIGINAL_UNKNOWN")
    more = Line(item=line.item, quantity=-line.quantity - 1)
    await exam.refused(upload(exam, stay, {new: more}, {new: serial}), "REFUND_EXCEEDS_LINE")
    gone = exam.institution.inpatient.withdrawal_of_lines(
        exam.inpatient, stay.mdtrt_id, ("no-such",)
    )
    await exam.refused(gone, "STAY_LINE_UNKNOWN")
    await leave(exam, stay)


@check("stay-settlement", Group.REFUSALS, "住院结算：总额、预结算、已结算", "Settling a stay")
async def stay_settlement(exam: Exam) -> None:
    """A wrong total, a stale quote, and what a final settlement forbids."""
    stay = await admit(exam)
    ward, patient = exam.institution.inpatient, exam.inpatient
    lines = await charge(exam, stay)
    await exam.done(discharge(exam, stay))
    await exam.refused(quote(exam, stay, Decimal("0.01")), "TOTAL_MISMATCH")
    asked = await exam.done(quote(exam, stay))
    settlement = ward.settlement(asked)
    less = Decimal(str(asked.node("setlinfo")["inscp_scp_amt"])) - Decimal("0.01")
    await exam.refused(exam.edited(settlement, {"data.inscp_scp_amt": less}), "QUOTE_STALE")
    settled = exam.booked(await exam.done(settlement))
    await exam.refused(upload(exam, stay, exam.numbered(exam.lines())), "STAY_SETTLED")
    taken = ward.withdrawal_of_lines(patient, stay.mdtrt_id, (next(iter(lines)),))
    await exam.refused(taken, "STAY_LINE_SETTLED")
    await exam.refused(ward.withdrawal_of_discharge(patient, stay.mdtrt_id), "VISIT_SETTLED")
    await exam.done(exam.cancel_of(settled))
    await leave(exam, stay, is_discharged=True)


@check("stay-future", Group.REFUSALS, "入院时间在未来；门诊非住院", "Admitted tomorrow")
async def stay_future(exam: Exam) -> None:
    """Nobody is admitted tomorrow, and an outpatient visit takes no lines of a stay."""
    if "2401" not in exam.served:
        raise NotApplicableError("服务端未开通住院交易 stays are not served")
    ward = exam.institution.inpatient
    later = ward.admission(
        exam.inpatient, PLACE, stay_no=f"Z{exam.serial()}", at=exam.moment(days=-1)
    )
    await exam.refused(later, "ADMISSION_IN_FUTURE")
    number = f"C{exam.serial()}"
    desk = exam.institution.outpatient
    opened = await exam.done(desk.registration(exam.inpatient, PLACE, visit_no=number))
    visit = Stay(mdtrt_id=opened.text("data", "mdtrt_id"), number=number, admitted="")
    wrong = upload(exam, visit, exam.numbered(exam.lines()))
    await exam.refused(wrong, "VISIT_IS_NO_STAY")
    await exam.done(desk.withdrawal(exam.inpatient, visit.mdtrt_id, visit_no=number))


CHECKS: tuple[Check, ...] = (stay_there_and_back, edition_a)
REFUSALS: tuple[Check, ...] = (stay_order, stay_lines, stay_settlement, stay_future)
