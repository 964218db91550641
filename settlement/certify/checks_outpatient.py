"""A hospital's outpatient transactions, and what they are refused for."""

from __future__ import annotations

from decimal import Decimal

from settlement.certify.checks_pharmacy import compare_cancel
from settlement.certify.exam import ABSENT, PLACE, Changes, Exam
from settlement.certify.makers import (
    BATCH,
    Visit,
    open_visit,
    quote_of,
    quoted,
    register,
    settled_now,
    upload,
)
from settlement.certify.money import in_words, totals_of, yuan
from settlement.certify.sheet import Check, Group, check
from settlement.client import Message
from settlement.client.inputs import as_quoted, total


@check("2201-2207", Group.TRANSACTIONS, "门诊挂号至结算，与预结算一致", "Settled as quoted")
async def visit(exam: Exam) -> None:
    """2201, 2203, 2204, 2206, 2207."""
    opened = await open_visit(exam, exam.lines(4))
    quote = await quoted(exam, opened)
    settled = (await exam.done(exam.institution.outpatient.settlement(quote))).settlement
    quoted_too, told = totals_of(quote.settlement), totals_of(settled)
    whole = int(total(opened.lines.values()) * 100)
    exam.expect(
        "2207 与 and 2206", f"总额 {yuan(whole)}，各方金额与预结算一致",
        f"total {yuan(whole)}, amounts as quoted", in_words(told),
        told == (whole, *quoted_too[1:]),
    )  # fmt: skip


@check("2208", Group.TRANSACTIONS, "门诊结算撤销", "A cancel is the exact negative")
async def cancel(exam: Exam) -> None:
    """2208."""
    await compare_cancel(exam, exam.booked(await settled_now(exam)))


@check("2202-2205", Group.TRANSACTIONS, "明细撤销、挂号撤销", "Lines and registration taken back")
async def withdrawals(exam: Exam) -> None:
    """With lines a registration stands; without them it goes; then nothing more can be done."""
    desk, opened = exam.institution.outpatient, await open_visit(exam)
    back = desk.withdrawal(opened.patient, opened.mdtrt_id, visit_no=opened.number)
    await exam.refused(back, "VISIT_HAS_LINES")
    await exam.done(desk.withdrawal_of_lines(opened.patient, opened.mdtrt_id))
    await exam.done(desk.withdrawal(opened.patient, opened.mdtrt_id, visit_no=opened.number))
    late = upload(exam, opened, exam.numbered(exam.lines()))
    await exam.refused(late, "VISIT_WITHDRAWN")


@check(
    "2203A-2207A", Group.TRANSACTIONS, "门诊就诊信息、预结算与结算（A版）", "Edition A",
    needs=("2203A", "2206A", "2207A"),
)  # fmt: skip
async def edition_a(exam: Exam) -> None:
    """The same under the numbers with an A."""
    opened = await open_visit(exam, infno="2203A")
    asked = exam.institution.message("2206A", quote_of(exam, opened).input)
    quote = await exam.done(asked)
    content = as_quoted(asked.input, quote.node("setlinfo"))
    await exam.done(exam.institution.message("2207A", content))


Row = tuple[str, str, str, str, Changes, tuple[str, ...], str | None]
FAULTS: tuple[Row, ...] = (
    # id, 中文, English, message, what is changed in it, refusals, field
    ("field-missing", "缺少必填项", "A required field is missing", "2201",
     {"data.psn_no": ABSENT}, ("FIELD_MISSING",), "input.data.psn_no"),
    ("field-too-long", "字段超长", "A field is too long", "2201",
     {"data.psn_no": "9" * 31}, ("FIELD_TOO_LONG",), "input.data.psn_no"),
    ("field-format", "日期格式错误", "A date in another format", "2201",
     {"data.begntime": "2026/11/23"}, ("FIELD_FORMAT",), "input.data.begntime"),
    ("person-unknown", "查无此人", "Nobody has this number", "2201",
     {"data.psn_no": "44190099999999999999"}, ("PERSON_UNKNOWN",), "input.data.psn_no"),
    ("identity-wrong", "姓名不符", "Another name", "2201",
     {"data.psn_name": "测试别人"}, ("IDENTITY_MISMATCH",), "input.data.psn_name"),
    ("scheme-wrong", "未参加该险种", "A scheme that is not the person's", "2201",
     {"data.insutype": "390"}, ("SCHEME_NOT_ENROLLED",), "input.data.insutype"),
    ("token-unknown", "无效的电子凭证", "A token that nobody issued", "2201",
     {"data.mdtrt_cert_type": "01", "data.mdtrt_cert_no": "NO-SUCH-TOKEN"},
     ("TOKEN_UNKNOWN",), "input.data.mdtrt_cert_no"),
    ("lines-none", "没有明细", "No lines", "2204",
     {"feedetail": []}, ("LINES_NONE", "LINES_MISSING"), "input.feedetail"),
    ("line-amount", "明细金额与单价数量不符", "A line that is not price × quantity", "2204",
     {"feedetail.0.det_item_fee_sumamt": "0.01"}, ("LINE_AMOUNT_MISMATCH",), None),
    ("amount-negative", "单价为负", "A negative price", "2204",
     {"feedetail.0.pric": "-1.00"}, ("AMOUNT_NEGATIVE", "PRICE_NEGATIVE"), None),
    ("item-malformed", "目录编码格式错误", "A malformed item code", "2204",
     {"feedetail.0.med_list_codg": "!!"}, ("ITEM_CODE_MALFORMED",), None),
    ("visit-unknown", "查无此就诊", "No such visit", "2206",
     {"data.mdtrt_id": "2611000000001999999"}, ("VISIT_UNKNOWN",), "input.data.mdtrt_id"),
    ("batch-unknown", "查无此收费批次", "No such batch", "2206",
     {"data.chrg_bchno": "B9"}, ("BATCH_UNKNOWN",), "input.data.chrg_bchno"),
    ("code-unknown", "代码值不在字典中", "A value outside the code list", "2206",
     {"data.acct_used_flag": "7"}, ("CODE_UNKNOWN",), "input.data.acct_used_flag"),
    ("field-type", "字段类型错误", "Text where a number belongs", "2206",
     {"data.medfee_sumamt": "thirty"}, ("FIELD_TYPE",), "input.data.medfee_sumamt"),
    ("amount-scale", "金额小数位过多", "Parts of a fen", "2206",
     {"data.medfee_sumamt": "30.001"}, ("AMOUNT_SCALE",), "input.data.medfee_sumamt"),
)  # fmt: skip


def _fault(row: Row) -> Check:
    name, chinese, english, infno, changes, codes, field = row

    async def run(exam: Exam) -> None:
        await exam.refused(exam.edited(await _good(exam, infno), changes), *codes, field=field)

    return check(name, Group.REFUSALS, chinese, english)(run)


async def _good(exam: Exam, infno: str) -> Message:
    """A message that would be accepted."""
    if infno == "2201":
        number = f"C{exam.serial()}"
        return exam.institution.outpatient.registration(exam.buyer, PLACE, visit_no=number)
    if infno == "2204":
        return upload(exam, await register(exam), exam.numbered(exam.lines()))
    return quote_of(exam, await open_visit(exam))


@check("total-wrong", Group.REFUSALS, "总额与明细合计不符", "A total that is not the lines' sum")
async def total_wrong(exam: Exam) -> None:
    """A fen more than the lines: refused with both numbers."""
    opened = await open_visit(exam)
    right = total(opened.lines.values())
    wrong = right + Decimal("0.01")
    message = exam.edited(quote_of(exam, opened), {"data.medfee_sumamt": wrong})
    refused = await exam.refused(message, "TOTAL_MISMATCH", field="input.data.medfee_sumamt")
    exam.expect(
        "TOTAL_MISMATCH err_msg", f"含 {wrong} 与 {right}", f"says {wrong} and {right}",
        refused.text, str(wrong) in refused.text and str(right) in refused.text,
    )  # fmt: skip


@check("quote-stale", Group.REFUSALS, "结算与预结算不一致", "A settlement that is not its quote")
async def quote_stale(exam: Exam) -> None:
    """Another split than was quoted; the right one is accepted after it."""
    quote = await quoted(exam, await open_visit(exam))
    settlement = exam.institution.outpatient.settlement(quote)
    info = quote.node("setlinfo")
    fen = Decimal("0.01")
    changes = {
        "data.inscp_scp_amt": Decimal(str(info["inscp_scp_amt"])) - fen,
        "data.preselfpay_amt": Decimal(str(info["preselfpay_amt"])) + fen,
    }
    await exam.refused(exam.edited(settlement, changes), "QUOTE_STALE")
    await exam.done(settlement)


@check("line-repeated", Group.REFUSALS, "明细流水号重复", "A line serial twice")
async def line_repeated(exam: Exam) -> None:
    """In one message, and in two."""
    opened = await register(exam)
    lines = exam.numbered(exam.lines())
    twice = exam.edited(
        upload(exam, opened, lines), {"feedetail.1.feedetl_sn": next(iter(lines))}
    )
    await exam.refused(twice, "DUPLICATE_LINE")
    await exam.done(upload(exam, opened, lines))
    await exam.refused(upload(exam, opened, lines), "BATCH_LINE_REPEATED")


@check("not-diagnosed", Group.REFUSALS, "未上传诊断", "A visit without diagnosis")
async def not_diagnosed(exam: Exam) -> None:
    """2206 (or 2204) before 2203."""
    desk, number = exam.institution.outpatient, f"C{exam.serial()}"
    opened = await exam.done(desk.registration(exam.buyer, PLACE, visit_no=number))
    lines = exam.numbered(exam.lines())
    bare = Visit(
        patient=exam.buyer, mdtrt_id=opened.text("data", "mdtrt_id"), number=number, lines=lines
    )
    uploaded = await exam.institution.send(upload(exam, bare, lines))
    exam.note(
        uploaded.message, "受理，或 VISIT_NOT_DIAGNOSED", "accepted, or VISIT_NOT_DIAGNOSED",
        uploaded, exam.is_done_or(uploaded, "VISIT_NOT_DIAGNOSED"),
    )  # fmt: skip
    await exam.refused(quote_of(exam, bare), "VISIT_NOT_DIAGNOSED", "BATCH_UNKNOWN")


@check("visit-of-another", Group.REFUSALS, "他人的就诊", "Another person's visit")
async def visit_of_another(exam: Exam) -> None:
    """The visit of one, the number and credential of another."""
    opened = await open_visit(exam)
    theirs = Visit(
        patient=exam.other, mdtrt_id=opened.mdtrt_id, number=opened.number, lines=opened.lines
    )
    await exam.refused(quote_of(exam, theirs), "VISIT_OF_OTHER_PERSON", "VISIT_UNKNOWN")


@check("credential-of-another", Group.REFUSALS, "凭证与人员不符", "Somebody else's credential")
async def credential_of_another(exam: Exam) -> None:
    """The number of one, the credential of another."""
    changes = {"data.mdtrt_cert_no": exam.other.mdtrt_cert_no}
    await exam.refused(exam.edited(await _good(exam, "2201"), changes), "CREDENTIAL_MISMATCH")


@check("settled-stands", Group.REFUSALS, "已结算的就诊不可再动", "What is settled stands")
async def settled_stands(exam: Exam) -> None:
    """Neither lines nor registration go, and no lines come into the batch."""
    desk, opened = exam.institution.outpatient, await open_visit(exam)
    await exam.done(desk.settlement(await quoted(exam, opened)))
    number = opened.mdtrt_id
    await exam.refused(
        desk.withdrawal_of_lines(opened.patient, number, batch=BATCH), "BATCH_SETTLED"
    )
    await exam.refused(
        desk.withdrawal(opened.patient, number, visit_no=opened.number), "VISIT_SETTLED"
    )
    await exam.refused(upload(exam, opened, exam.numbered(exam.lines())), "BATCH_SETTLED")
    await exam.refused(quote_of(exam, opened), "CLAIM_ALREADY_SETTLED")


CHECKS: tuple[Check, ...] = (visit, cancel, withdrawals, edition_a)
REFUSALS: tuple[Check, ...] = (
    *map(_fault, FAULTS), total_wrong, quote_stale, line_repeated, not_diagnosed,
    visit_of_another, credential_of_another, settled_stands,
)  # fmt: skip
