"""Filings (备案): transfers, chronic diseases, chosen institutions; what they open and close."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from msgspec import Struct
from msgspec.structs import replace

from settlement.certify.checks_resend import same_answer
from settlement.certify.exam import PLACE, Exam
from settlement.certify.makers import BATCH
from settlement.certify.sheet import Check, Group, check
from settlement.client import Done, Message
from settlement.client.inputs import Named, total
from settlement.client.message import Input
from settlement.client.outcome import Node

DISEASE = Named("M01600", "高血压")
CHRONIC_CARE = "14"
"""med_type 门诊慢特病"""
_ELSEWHERE = Named("H99999999999", "测试转往医院")
"""A transfer may lead to a hospital that the region does not know."""


class Kind(Struct, frozen=True, kw_only=True):
    """One kind of filing: how it is made, undone and asked for."""

    infno: str
    undone_by: str
    shown_by: str
    chinese: str
    english: str
    node: str
    content: Callable[[Exam], Input]
    enquiry: Callable[[Exam], Input]
    rows: str
    is_ours: Callable[[Exam, Node], bool]


def _today(exam: Exam) -> str:
    return f"{exam.now():%Y-%m-%d}"


def _disease(exam: Exam) -> Input:
    own = {
        "ide_fixmedins_no": exam.candidate.code, "ide_fixmedins_name": exam.candidate.name,
    }  # fmt: skip
    return {"data": {
        "psn_no": exam.other.psn_no, "insutype": exam.other.insutype,
        "opsp_dise_code": DISEASE.code, "opsp_dise_name": DISEASE.name,
        "insu_optins": exam.candidate.region, **own, "hosp_ide_date": _today(exam),
        "diag_dr_codg": PLACE.doctor.code, "diag_dr_name": PLACE.doctor.name,
        "begndate": _today(exam),
    }}  # fmt: skip


def _transfer(exam: Exam) -> Input:
    return {"refmedin": {
        "psn_no": exam.other.psn_no, "insutype": exam.other.insutype, "tel": "13900000000",
        "diag_code": PLACE.disease.code, "diag_name": PLACE.disease.name,
        "reflin_medins_no": _ELSEWHERE.code, "reflin_medins_name": _ELSEWHERE.name,
        "mdtrtarea_admdvs": exam.candidate.region, "hosp_agre_refl_flag": "1", "refl_type": "1",
        "refl_date": _today(exam), "refl_rea": "测试转院", "refl_opnn": "同意",
        "begndate": _today(exam),
    }}  # fmt: skip


def _chosen(exam: Exam) -> Input:
    return {"data": {
        "psn_no": exam.other.psn_no, "biz_appy_type": "03", "begndate": _today(exam),
        "fix_srt_no": "1", "fixmedins_code": exam.candidate.code,
        "fixmedins_name": exam.candidate.name,
    }}  # fmt: skip


KINDS: tuple[Kind, ...] = (
    Kind(
        infno="2501", undone_by="2502", shown_by="5304", chinese="转院备案",
        english="A transfer", node="refmedin", content=_transfer,
        enquiry=lambda exam: {"data": {
            "psn_no": exam.other.psn_no, "begntime": exam.moment(days=1),
            "endtime": exam.moment(days=-1),
        }},
        rows="refmedin", is_ours=lambda exam, row: row.get("reflin_medins_no") == _ELSEWHERE.code,
    ),
    Kind(
        infno="2503", undone_by="2504", shown_by="5301", chinese="人员慢特病备案",
        english="A chronic disease", node="data", content=_disease,
        enquiry=lambda exam: {"data": {"psn_no": exam.other.psn_no}}, rows="feedetail",
        is_ours=lambda exam, row: row.get("opsp_dise_code") == DISEASE.code,
    ),
    Kind(
        infno="2505", undone_by="2506", shown_by="5302", chinese="人员定点备案",
        english="A chosen institution", node="data", content=_chosen,
        enquiry=lambda exam: {"data": {"psn_no": exam.other.psn_no, "biz_appy_type": "03"}},
        rows="psnfixmedin",
        is_ours=lambda exam, row: row.get("fixmedins_code") == exam.candidate.code,
    ),
)  # fmt: skip
TRANSFER, CHRONIC, CHOSEN = KINDS


def filing(exam: Exam, kind: Kind) -> Message:
    """2501, 2503 or 2505, from today on."""
    return exam.institution.message(kind.infno, kind.content(exam))


def withdrawal(exam: Exam, kind: Kind, number: str) -> Message:
    """2502, 2504 or 2506."""
    data = {"trt_dcla_detl_sn": number, "psn_no": exam.other.psn_no, "memo": "测试撤销"}
    return exam.institution.message(kind.undone_by, {"data": data})


def number_of(filed: Done) -> str:
    """What a filing is called."""
    return filed.text("result", "trt_dcla_detl_sn")


async def shows(exam: Exam, kind: Kind, count: int) -> None:
    """5304, 5301 or 5302 must show so many of ours, from today on."""
    told = await exam.asked(kind.shown_by, kind.enquiry(exam))
    rows = [row for row in told.rows(kind.rows) if kind.is_ours(exam, row)]
    begun = [str(row.get("begndate"))[:10] for row in rows]
    exam.expect(
        f"{kind.shown_by} 查询备案 filings", f"本备案 {count} 条，自 {_today(exam)} 起",
        f"{count} of this filing, from {_today(exam)}",
        f"{len(rows)} 条，{'、'.join(begun) or '—'}", begun == [_today(exam)] * count,
    )  # fmt: skip


@asynccontextmanager
async def filed(exam: Exam, kind: Kind) -> AsyncIterator[str]:
    """The number of a filing that is taken back, whatever fails meanwhile: it would be in the way
    of the next examination."""
    number = number_of(await exam.done(filing(exam, kind)))
    taken_back = False
    try:
        yield number
        taken_back = True
        await exam.done(withdrawal(exam, kind, number))
    finally:
        if not taken_back:
            await exam.institution.send(withdrawal(exam, kind, number))


def _round(kind: Kind) -> Check:
    async def run(exam: Exam) -> None:
        async with filed(exam, kind) as number:
            await shows(exam, kind, 1)
            refused = await exam.refused(filing(exam, kind), "FILING_OVERLAPS")
            exam.expect(
                "FILING_OVERLAPS err_msg", f"含备案流水号 {number}", f"names the filing {number}",
                refused.text, number in refused.text,
            )  # fmt: skip
        await shows(exam, kind, 0)
        at = "input.data.trt_dcla_detl_sn"
        await exam.refused(withdrawal(exam, kind, number), "FILING_WITHDRAWN", field=at)

    return check(
        f"{kind.infno}-{kind.undone_by}", Group.FILINGS, f"{kind.chinese}：办理、查询、撤销",
        f"{kind.english}: filed, shown, taken back",
        needs=(kind.infno, kind.undone_by, kind.shown_by),
    )(run)  # fmt: skip


@check(
    "filing-entitlement", Group.FILINGS, "慢特病备案开通待遇，撤销后关闭",
    "A filed disease opens an entitlement, its cancel closes it", needs=("2001", "2503", "2504"),
)  # fmt: skip
async def entitlement(exam: Exam) -> None:
    """2001 of care for a chronic disease: a fund pays with the filing, and only with it."""
    before = await _enjoyed(exam)
    async with filed(exam, CHRONIC):
        opened = await _enjoyed(exam) - before
        exam.expect(
            "2001，备案后 with the filing", "新增至少一项可支付的基金", "one more fund pays",
            "、".join(sorted(opened)) or "无 none", bool(opened),
        )  # fmt: skip
    after = await _enjoyed(exam)
    exam.expect(
        "2001，撤销后 after its cancel", "与备案前相同", "as before",
        "、".join(sorted(after)) or "无 none", after == before,
    )  # fmt: skip


async def _enjoyed(exam: Exam) -> set[str]:
    """Funds that pay for the disease today."""
    data = {
        "psn_no": exam.other.psn_no, "insutype": exam.other.insutype,
        "fixmedins_code": exam.candidate.code, "begntime": exam.institution.now(),
        "med_type": CHRONIC_CARE, "dise_codg": DISEASE.code,
    }  # fmt: skip
    rows = (await exam.asked("2001", {"data": data})).rows("trtinfo")
    return {str(row["fund_pay_type"]) for row in rows if row.get("trt_enjymnt_flag") == "1"}


@check(
    "filing-claim", Group.FILINGS, "未备案的慢特病费用被拒绝，备案后可算",
    "A claim for a disease waits for its filing", needs=("2206", "2503", "2504"),
)  # fmt: skip
async def claim(exam: Exam) -> None:
    """2206 of a chronic disease: refused, filed, quoted; then everything is taken back."""
    desk, patient, place = exam.institution.outpatient, exam.other, replace(PLACE, disease=DISEASE)
    number, lines = f"C{exam.serial()}", exam.numbered(exam.lines())
    opened = await exam.done(desk.registration(patient, place, visit_no=number))
    mdtrt_id = opened.text("data", "mdtrt_id")
    await exam.done(desk.diagnosis(patient, place, mdtrt_id, care_type=CHRONIC_CARE))
    await exam.done(desk.lines(patient, place, mdtrt_id, lines, batch=BATCH))
    amount = total(lines.values())

    def quote() -> Message:
        return desk.quote(patient, mdtrt_id, amount, batch=BATCH, care_type=CHRONIC_CARE)

    await exam.refused(quote(), "DISEASE_NOT_FILED")
    async with filed(exam, CHRONIC):
        await exam.done(quote())
    await exam.refused(quote(), "DISEASE_NOT_FILED")
    await exam.done(desk.withdrawal_of_lines(patient, mdtrt_id))
    await exam.done(desk.withdrawal(patient, mdtrt_id, visit_no=number))


@check(
    "filing-refusals", Group.FILINGS, "备案拒绝：日期、机构、险种、他人、流水号",
    "Refused: backwards, nowhere, another scheme, another person",
    needs=("2503", "2504", "2505", "2506"),
)  # fmt: skip
async def refusals(exam: Exam) -> None:
    """Backwards, nowhere, another scheme, another person's, another transaction's."""
    good = filing(exam, CHRONIC)
    await exam.refused(
        exam.edited(good, {"data.enddate": "2000-01-01"}), "FILING_DATES_WRONG",
        field="input.data.enddate",
    )  # fmt: skip
    nowhere = exam.edited(good, {"data.ide_fixmedins_no": _ELSEWHERE.code})
    await exam.refused(
        nowhere, "FILING_INSTITUTION_UNKNOWN", field="input.data.ide_fixmedins_no"
    )
    await exam.refused(
        exam.edited(good, {"data.insutype": "390"}), "SCHEME_NOT_ENROLLED",
        field="input.data.insutype",
    )  # fmt: skip
    at = "input.data.trt_dcla_detl_sn"
    async with filed(exam, CHOSEN) as number:
        back = withdrawal(exam, CHOSEN, number)
        theirs = exam.edited(back, {"data.psn_no": exam.buyer.psn_no})
        await exam.refused(theirs, "FILING_OF_OTHER_PERSON", "FILING_UNKNOWN", field=at)
        await exam.refused(withdrawal(exam, CHRONIC, number), "FILING_UNKNOWN", field=at)
        await shows(exam, CHOSEN, 1)


@check(
    "filing-again", Group.FILINGS, "备案及撤销重发：返回首次结果",
    "A filing and its cancel, sent again",
    needs=("2503", "2504"),
)  # fmt: skip
async def sent_again(exam: Exam) -> None:
    """The first number again, and one filing; the cancel too; afterwards another may be made."""
    message = filing(exam, CHRONIC)
    first = await exam.done(message)
    back = withdrawal(exam, CHRONIC, number_of(first))
    try:
        same_answer(exam, first, await exam.done(message))
        await shows(exam, CHRONIC, 1)
    finally:
        taken = await exam.institution.send(back)
    exam.note(back, "受理成功", "accepted (infcode 0)", taken, isinstance(taken, Done))
    if isinstance(taken, Done):
        same_answer(exam, taken, await exam.done(back))
    same_answer(exam, first, await exam.done(message))
    await shows(exam, CHRONIC, 0)


CHECKS: tuple[Check, ...] = (*map(_round, KINDS), entitlement, claim, sent_again, refusals)
