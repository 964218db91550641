"""2601: what was sent did not happen, whether it arrived, never arrived, or arrives later."""

from __future__ import annotations

from settlement.certify.exam import Exam
from settlement.certify.makers import claim_ready, settled_now
from settlement.certify.sheet import Check, Group, check
from settlement.client import Done, Message


@check("reversal-arrived", Group.REVERSAL, "冲正已到达的结算", "It had arrived")
async def arrived(exam: Exam) -> None:
    """Settled, reversed: 5203 knows it no more, and a resend is refused."""
    message = await claim_ready(exam)
    settled = (await exam.done(message)).settlement
    await exam.done(exam.institution.reversal(message))
    exam.reversed(settled.setl_id)
    named = {
        "psn_no": message.psn_no, "setl_id": settled.setl_id, "mdtrt_id": settled.mdtrt_id,
    }  # fmt: skip
    await exam.refused(exam.institution.message("5203", {"data": named}), "SETTLEMENT_UNKNOWN")
    await exam.refused(message, "MESSAGE_REVERSED", field="msgid")


@check("reversal-again", Group.REVERSAL, "重复冲正", "A reversal twice")
async def again(exam: Exam) -> None:
    """The same reversal again, and another one of the same message: answered 0 again."""
    message = await claim_ready(exam)
    settled = (await exam.done(message)).settlement
    reversal = exam.institution.reversal(message)
    await exam.done(reversal)
    exam.reversed(settled.setl_id)
    await exam.done(reversal)
    await exam.done(exam.institution.reversal(message))


@check("reversal-never-arrived", Group.REVERSAL, "冲正未到达的报文", "It never arrived")
async def never_arrived(exam: Exam) -> None:
    """Answered 0, and nothing is booked."""
    message = await claim_ready(exam)
    await exam.done(exam.institution.reversal(message))
    told = await exam.institution.visits(
        message.psn_no, begin=exam.moment(days=1), end=exam.institution.now(),
        care_type="41" if exam.is_pharmacy else "11", made_by=message.msgid,
    )  # fmt: skip
    rows = told.rows("mdtrtinfo") if isinstance(told, Done) else None
    exam.expect(
        f"5201，原msgid {message.msgid}", "无记录", "no rows", f"{rows}", rows == []
    )


@check("reversal-late", Group.REVERSAL, "冲正后报文迟到：拒绝", "It arrives after its reversal")
async def late(exam: Exam) -> None:
    """Reversed first; the late original is refused and books nothing."""
    message = await claim_ready(exam)
    await exam.done(exam.institution.reversal(message))
    await exam.refused(message, "MESSAGE_REVERSED", field="msgid")
    claim = await exam.done(exam.edited(message, {}))
    exam.expect(
        "同一费用换新msgid the same claim, a new msgid", "受理，非重复", "accepted, no replay",
        claim.settlement.setl_id, not claim.is_replay,
    )  # fmt: skip


@check("reversal-wrong-person", Group.REVERSAL, "冲正人员不符：拒绝", "Another person")
async def wrong_person(exam: Exam) -> None:
    """Refused; the settlement stands."""
    settled = await settled_now(exam)
    message = exam.edited(
        exam.institution.reversal(settled.message), {"data.psn_no": exam.other.psn_no}
    )
    await exam.refused(message, "REVERSAL_PERSON_DIFFERS")
    await exam.done(_enquiry(exam, settled))


@check("reversal-of-cancel", Group.REVERSAL, "冲正撤销交易：拒绝", "A reversal of a cancel")
async def of_cancel(exam: Exam) -> None:
    """A cancel stands or falls by itself."""
    cancel = exam.cancel_of(exam.booked(await settled_now(exam)))
    await exam.done(cancel)
    await exam.refused(exam.institution.reversal(cancel), "REVERSAL_OF_CANCEL")


@check("reversal-of-cancelled", Group.REVERSAL, "冲正已撤销的结算：拒绝", "It was cancelled")
async def of_cancelled(exam: Exam) -> None:
    """Refused, naming the cancel."""
    settled = await settled_now(exam)
    cancelled = await exam.done(exam.cancel_of(exam.booked(settled)))
    refused = await exam.refused(
        exam.institution.reversal(settled.message), "REVERSAL_ALREADY_CANCELLED"
    )
    number = cancelled.settlement.setl_id
    exam.expect(
        "err_msg", f"含撤销结算ID {number}", f"names the cancel {number}", refused.text,
        number in refused.text,
    )  # fmt: skip


@check("reversal-unsupported", Group.REVERSAL, "不支持冲正的交易：拒绝", "What cannot be reversed")
async def unsupported(exam: Exam) -> None:
    """A quote, a reversal, a number that is none."""
    settled = await settled_now(exam)
    for infno in ("2101", "2204", "2601", "9999"):
        message = exam.edited(
            exam.institution.reversal(settled.message), {"data.oinfno": infno}
        )
        await exam.refused(message, "REVERSAL_NOT_SUPPORTED")


def _enquiry(exam: Exam, settled: Done) -> Message:
    own = settled.settlement
    return exam.institution.message(
        "5203",
        {
            "data": {
                "psn_no": settled.message.psn_no, "setl_id": own.setl_id,
                "mdtrt_id": own.mdtrt_id,
            }
        },
    )  # fmt: skip


CHECKS: tuple[Check, ...] = (
    arrived, again, never_arrived, late, wrong_person, of_cancel, of_cancelled, unsupported
)  # fmt: skip
