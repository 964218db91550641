"""Clearing: the application for a month (3203, 3204), and between cities (3260–3262)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from settlement.certify.checks_resend import same_answer
from settlement.certify.exam import Exam
from settlement.certify.makers import settled_now
from settlement.certify.sheet import Check, Group, NotApplicableError, check
from settlement.client import Done, Message, Refused
from settlement.client.outcome import Node

MONTHS_BACK_MAX = 12
ROWS_TRIED_MAX = 10
"""so many rows of a list, for one that nobody has confirmed"""
_CONFIRMED_ALREADY = "CROSS_CITY_ALREADY_CONFIRMED"
_TAKEN = frozenset({"CLEARING_TOTALS_DIFFER", "CLEARING_ALREADY_APPLIED"})


def months_back(exam: Exam) -> list[date]:
    """The last days of months that are over, the newest first. Not in a month's first hour: what
    was settled at its end may be under way."""
    found, at = [], exam.now() - timedelta(hours=1)
    for _ in range(MONTHS_BACK_MAX):
        at = at.replace(day=1) - timedelta(days=1)
        found.append(at.date())
    return found


def application(
    exam: Exam, last: date, clearing_type: str, *, count: int = 0, amount: str = "0.00"
) -> Message:
    """3203 of a month of so many rows of nothing but cash."""
    data = {
        "clr_type": clearing_type, "setlym": f"{last:%Y%m}", "psntime": count,
        "medfee_sumamt": amount, "med_sumfee": amount, "fund_appy_sum": "0.00",
        "cash_payamt": amount, "acct_pay": "0.00", "begndate": f"{last:%Y-%m}-01",
        "enddate": f"{last:%Y-%m-%d}",
    }  # fmt: skip
    return exam.institution.message("3203", {"data": data})


async def clearing_type_of(exam: Exam) -> str:
    """As the institution's own settlements have it."""
    if not exam.book:
        await settled_now(exam)
    return next(iter(exam.book.values())).clearing_type


async def empty_month(exam: Exam, clearing_type: str) -> tuple[date, Done]:
    """Applied for: the newest month in which the institution settled nothing."""
    for last in months_back(exam):
        message = application(exam, last, clearing_type)
        outcome = await exam.institution.send(message)
        if isinstance(outcome, Refused) and outcome.code in _TAKEN:
            continue
        exam.note(
            message, "受理成功（本机构无结算的月份）",
            "accepted (a month without settlements)", outcome, isinstance(outcome, Done),
        )  # fmt: skip
        if isinstance(outcome, Done):
            exam.answered.add("3203")
            return last, outcome
        break
    raise NotApplicableError(
        f"近{MONTHS_BACK_MAX}个月均有结算或清算申请 "
        f"every month of the last {MONTHS_BACK_MAX} has settlements or an application"
    )


@check(
    "3203-3204", Group.CLEARING, "清算申请与撤销", "A month is applied for, and taken back",
    needs=("3203", "3204"),
)  # fmt: skip
async def apply_and_cancel(exam: Exam) -> None:
    """One application stands for a month; once it is cancelled there may be another."""
    clearing_type, message = await clearing_type_of(exam), exam.institution.message
    last, applied = await empty_month(exam, clearing_type)
    number = applied.text("result", "clr_appy_evt_id")
    same_answer(exam, applied, await exam.done(applied.message))
    second = application(exam, last, clearing_type)
    refused = await exam.refused(second, "CLEARING_ALREADY_APPLIED", field="input.data.setlym")
    exam.expect(
        "CLEARING_ALREADY_APPLIED err_msg", f"含申请 {number}", f"names the application {number}",
        refused.text, number in refused.text,
    )  # fmt: skip
    cancel = message("3204", {"data": {"clr_appy_evt_id": number}})
    await exam.done(cancel)
    await exam.done(cancel)
    again = message("3204", {"data": {"clr_appy_evt_id": number}})
    at = "input.data.clr_appy_evt_id"
    await exam.refused(again, "CLEARING_APPLICATION_CANCELLED", field=at)
    anew = await exam.done(application(exam, last, clearing_type))
    another = anew.text("result", "clr_appy_evt_id")
    exam.expect(
        "3203，撤销后重新申请 anew after the cancel", f"申请号不同于 {number}",
        f"another number than {number}", another, another != number,
    )  # fmt: skip
    await exam.done(message("3204", {"data": {"clr_appy_evt_id": another}}))


@check(
    "clearing-refusals", Group.CLEARING, "清算拒绝：金额、月份、日期、申请号",
    "Refused: other totals, an open month, other days, no number", needs=("3203", "3204"),
)  # fmt: skip
async def refusals(exam: Exam) -> None:
    """Other totals, a month that is not over, days that are not the month's, an unknown number."""
    clearing_type, last = await clearing_type_of(exam), months_back(exam)[0]
    wrong = application(exam, last, clearing_type, count=987_654, amount="98765.43")
    refused = await exam.refused(wrong, "CLEARING_TOTALS_DIFFER")
    exam.expect(
        "CLEARING_TOTALS_DIFFER err_msg", "含机构数 987654", "says the institution's 987654",
        refused.text, "987654" in refused.text,
    )  # fmt: skip
    this = (exam.now().replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    await exam.refused(
        application(exam, this.date(), clearing_type), "CLEARING_MONTH_OPEN",
        field="input.data.setlym",
    )  # fmt: skip
    days = exam.edited(
        application(exam, last, clearing_type), {"data.begndate": f"{last:%Y-%m}-02"}
    )
    await exam.refused(days, "CLEARING_PERIOD_WRONG")
    unknown = exam.institution.message("3204", {"data": {"clr_appy_evt_id": "1"}})
    await exam.refused(
        unknown, "CLEARING_APPLICATION_UNKNOWN", field="input.data.clr_appy_evt_id"
    )


@check(
    "3260-3262", Group.CLEARING, "省内异地清分（3260–3262）", "Clearing between cities",
    needs=("3260", "3261", "3262"),
)  # fmt: skip
async def clearing_between_cities(exam: Exam) -> None:
    """Last month's list; a row of it, if there is one that nobody has confirmed, is confirmed once
    and taken back; and there is no confirmation of what is not on the list."""
    last = months_back(exam)[0]
    month = {"trt_year": f"{last:%Y}", "trt_month": f"{last:%m}"}
    message = exam.institution.message
    rows = (await exam.asked("3260", {"data": {**month, "startrow": 1}})).rows("data")
    numbers = [str(row.get("seqno")) for row in rows]
    exam.expect(
        f"3260 {last:%Y%m}", "顺序号从1起连续", "numbers from 1 on, without gaps",
        f"{len(rows)} 行 rows", numbers == [str(n) for n in range(1, len(rows) + 1)],
    )  # fmt: skip
    invented = {
        "certno": "999999198001019999", "mdtrt_id": "S0", "setl_sn": "A0",
        "mdtrt_setl_time": f"{last:%Y-%m-%d} 12:00:00", "medfee_sumamt": "1.00",
        "optins_pay_sumamt": "1.00", "cnfm_flag": "1",
    }  # fmt: skip
    content = {"data": {**month, "totalrow": 1}, "detail": [invented]}
    await exam.refused(message("3261", content), "CROSS_CITY_ROW_UNKNOWN")
    unknown = {"data": {**month, "otransid": "1"}}
    await exam.refused(message("3262", unknown), "CROSS_CITY_CONFIRMATION_UNKNOWN")
    await _confirmed_and_taken_back(exam, month, rows)


_CONFIRMED = (
    "certno", "mdtrt_id", "mdtrt_setl_time", "setl_sn", "medfee_sumamt", "optins_pay_sumamt",
)  # fmt: skip


async def _confirmed_and_taken_back(
    exam: Exam, month: Mapping[str, str], rows: Sequence[Node]
) -> None:
    """Only what was confirmed here is taken back, by its own number: what the institution itself
    has confirmed stays as it is."""
    message = exam.institution.message
    for row in rows[:ROWS_TRIED_MAX]:
        said = {name: str(row[name]) for name in _CONFIRMED} | {"cnfm_flag": "1"}
        content = {"data": {**month, "totalrow": 1}, "detail": [said]}
        first = message("3261", content)
        outcome = await exam.institution.send(first)
        exam.note(
            first, "受理成功，或该行已确认", "accepted, or confirmed already", outcome,
            exam.is_done_or(outcome, _CONFIRMED_ALREADY),
        )  # fmt: skip
        if not isinstance(outcome, Done):
            continue
        exam.answered.add("3261")
        await exam.refused(message("3261", content), _CONFIRMED_ALREADY)
        taken_back = {"data": {**month, "otransid": outcome.reference}}
        await exam.done(message("3262", taken_back), says="该行可重新确认 it may be confirmed anew")
        await exam.refused(message("3262", taken_back), "CROSS_CITY_CONFIRMATION_WITHDRAWN")
        return


CHECKS: tuple[Check, ...] = (apply_and_cancel, refusals, clearing_between_cities)
