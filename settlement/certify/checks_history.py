"""What a person had before: medicines (5205) and the sums of the year (5206)."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from settlement.certify.exam import Exam
from settlement.certify.makers import claim_ready
from settlement.certify.money import yuan
from settlement.certify.sheet import Check, Group, check
from settlement.client.outcome import fen_of

Sums = Counter[tuple[str, str, str]]


@check(
    "5205", Group.FILINGS, "用药记录：结算后可查，撤销后消失", "Medicines: shown while they stand",
    needs=("5205",),
)  # fmt: skip
async def medicines(exam: Exam) -> None:
    """What was sold is there, as often as it was sold; once it is cancelled it is not."""
    lines = exam.lines()
    sold = Counter(line.item.med_list_codg for line in lines)
    before = await _medicines(exam)
    settled = exam.booked(await exam.done(await claim_ready(exam, lines)))
    more = await _medicines(exam) - before
    exam.expect(
        "5205，结算后 after the settlement", "新增行均为所售药品，至少一行",
        "the new rows are what was sold, one at least", _told(more), bool(more) and more <= sold,
    )  # fmt: skip
    await exam.done(exam.cancel_of(settled))
    left = await _medicines(exam) - before
    exam.expect(
        "5205，撤销后 after the cancel", "与结算前相同", "as before", _told(left), not left
    )


async def _medicines(exam: Exam) -> Counter[str]:
    data = {
        "psn_no": exam.buyer.psn_no, "begntime": exam.moment(days=1),
        "endtime": exam.moment(days=-1),
    }  # fmt: skip
    rows = (await exam.asked("5205", {"data": data})).rows("feedetail")
    return Counter(str(row.get("med_list_codg")) for row in rows)


def _told(codes: Counter[str]) -> str:
    return "、".join(f"{code} × {count}" for code, count in codes.items()) or "无新增 nothing new"


@check(
    "5206", Group.FILINGS, "年度累计：随结算增加，随撤销还原", "Sums of the year: up, and back",
    needs=("5206",),
)  # fmt: skip
async def sums_of_the_year(exam: Exam) -> None:
    """A sum rises by what the funds paid; a cancel puts every sum back, to the fen."""
    before = await _sums(exam)
    done = await exam.done(await claim_ready(exam, exam.lines(4)))
    paid_fen = done.settlement.fund_fen
    now = await _sums(exam)
    risen = {name: now[name] - before[name] for name in now if now[name] != before[name]}
    told = "、".join(f"{kind} {yuan(fen)}" for (_, _, kind), fen in risen.items())
    exam.expect(
        "5206，结算后 after the settlement", f"有累计增加 {yuan(paid_fen)}（基金支付）",
        f"a sum rose by {yuan(paid_fen)}, what the funds paid", told or "无变化 no change",
        paid_fen in risen.values() if paid_fen else bool(risen),
    )  # fmt: skip
    await exam.done(exam.cancel_of(exam.booked(done)))
    after = await _sums(exam)
    differing = [kind for scheme, year, kind in {**before, **after}
                 if before[scheme, year, kind] != after[scheme, year, kind]]  # fmt: skip
    exam.expect(
        "5206，撤销后 after the cancel", "各项与结算前相同", "all as before",
        "、".join(differing) or "相同 same", not differing,
    )  # fmt: skip


async def _sums(exam: Exam) -> Sums:
    """By scheme, year and kind; hundredths, whatever the sum is of."""
    rows = (await exam.asked("5206", {"data": {"psn_no": exam.buyer.psn_no}})).rows("cuminfo")
    found: Sums = Counter()
    for row in rows:
        name = str(row["insutype"]), str(row["year"]), str(row["cum_type_code"])
        found[name] = fen_of({"cum": Decimal(str(row["cum"]))}, "cum")
    return found


@check(
    "history-refusals", Group.FILINGS, "既往查询拒绝：月份、人员",
    "Refused: a thirteenth month, nobody's number",
    needs=("5205", "5206"),
)  # fmt: skip
async def refusals(exam: Exam) -> None:
    """A thirteenth month, and somebody whom nobody knows."""
    message = exam.institution.message
    month = message("5206", {"data": {"psn_no": exam.buyer.psn_no, "cum_ym": "202613"}})
    await exam.refused(month, "FIELD_FORMAT", field="input.data.cum_ym")
    nobody = {"psn_no": "44190099999999999999", "begntime": exam.moment(days=1)}
    await exam.refused(
        message("5205", {"data": nobody}), "PERSON_UNKNOWN", field="input.data.psn_no"
    )


CHECKS: tuple[Check, ...] = (medicines, sums_of_the_year, refusals)
