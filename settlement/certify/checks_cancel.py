"""What a cancel is refused for, at pharmacies and hospitals alike."""

from __future__ import annotations

from settlement.certify.exam import Exam
from settlement.certify.makers import settled_now
from settlement.certify.sheet import Check, Group, check
from settlement.client import Done, Refused

_NOT_YOURS = (
    "SETTLEMENT_OF_OTHER_PERSON", "SETTLEMENT_UNKNOWN", "VISIT_OF_OTHER_PERSON", "VISIT_UNKNOWN",
)  # fmt: skip


@check("cancel-twice", Group.REFUSALS, "重复撤销", "A cancel of what was cancelled")
async def cancel_twice(exam: Exam) -> None:
    """Under a new msgid: refused, naming the first cancel."""
    booked = exam.booked(await settled_now(exam))
    first = await exam.done(exam.cancel_of(booked))
    again = await exam.refused(exam.cancel_of(booked), "ALREADY_CANCELLED")
    number = first.settlement.setl_id
    exam.expect(
        "ALREADY_CANCELLED err_msg", f"含撤销结算ID {number}", f"names the cancel {number}",
        again.text, number in again.text,
    )  # fmt: skip


@check("cancel-of-cancel", Group.REFUSALS, "撤销一笔撤销", "A cancel of a cancel")
async def cancel_of_cancel(exam: Exam) -> None:
    """A cancel stands."""
    booked = exam.booked(await settled_now(exam))
    cancelled = exam.booked(await exam.done(exam.cancel_of(booked)))
    message = exam.edited(exam.cancel_of(booked), {"data.setl_id": cancelled.settled.setl_id})
    await exam.refused(message, "CANCEL_OF_CANCEL")


@check("cancel-unknown", Group.REFUSALS, "撤销不存在的结算", "A cancel of no settlement")
async def cancel_unknown(exam: Exam) -> None:
    """A number that nobody has."""
    booked = exam.booked(await settled_now(exam))
    number = booked.settled.setl_id[:-6] + "999999"
    message = exam.edited(exam.cancel_of(booked), {"data.setl_id": number})
    await exam.refused(message, "SETTLEMENT_UNKNOWN")


@check("cancel-other-person", Group.REFUSALS, "撤销他人的结算", "A cancel in another person's name")
async def cancel_other_person(exam: Exam) -> None:
    """The settlement of one, the number of another."""
    booked = exam.booked(await settled_now(exam))
    message = exam.edited(exam.cancel_of(booked), {"data.psn_no": exam.other.psn_no})
    await exam.refused(message, *_NOT_YOURS)


@check("cancel-order", Group.REFUSALS, "撤销顺序：先撤销较晚的结算", "Latest first")
async def cancel_order(exam: Exam) -> None:
    """Refused naming the later one, or done, by the region's profile."""
    first = exam.booked(await settled_now(exam))
    later = exam.booked(await settled_now(exam))
    message = exam.cancel_of(first)
    outcome = await exam.institution.send(message)
    passed = isinstance(outcome, Done)
    if isinstance(outcome, Done):
        exam.enter(outcome)
    elif isinstance(outcome, Refused):
        names_it = later.settled.setl_id in outcome.text
        passed = outcome.code == "LATER_SETTLEMENT_STANDS" and names_it
    exam.note(
        message, f"拒绝并指明 {later.settled.setl_id}（或按地区政策受理）",
        f"refused naming {later.settled.setl_id} (or done, by the region's profile)",
        outcome, passed,
    )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    cancel_twice, cancel_of_cancel, cancel_unknown, cancel_other_person, cancel_order
)  # fmt: skip
