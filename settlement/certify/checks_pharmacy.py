"""A pharmacy's own transactions, and what its claims are refused for."""

from __future__ import annotations

from decimal import Decimal

from settlement.certify.exam import ABSENT, PLACE, Booked, Changes, Exam
from settlement.certify.makers import settled_now
from settlement.certify.money import in_words, totals_of, yuan
from settlement.certify.sheet import Check, Group, check
from settlement.client import Done, Line, Message, Refused
from settlement.client.inputs import total
from settlement.client.outcome import fen_of

HEAD, LINE = "druginfo", "drugdetail.0"


@check("2101-2102", Group.TRANSACTIONS, "药店预结算与结算一致", "A quote and its settlement agree")
async def quote_and_settle(exam: Exam) -> None:
    """2101, then 2102 of the same: the same amounts, and the lines' total."""
    lines, at, desk = exam.lines(4), exam.moment(), exam.institution.pharmacy
    quote = (await exam.done(desk.quote(exam.buyer, lines, at=at))).settlement
    settled = (await exam.done(desk.sale(exam.buyer, lines, at=at))).settlement
    whole = int(total(lines) * 100)
    told = totals_of(settled)
    exam.expect(
        "2102 与 and 2101", f"总额 {yuan(whole)}，各方金额与预结算一致",
        f"total {yuan(whole)}, amounts as quoted", in_words(told),
        told == totals_of(quote) and settled.total_fen == whole,
    )  # fmt: skip


@check("2103", Group.TRANSACTIONS, "药店结算撤销", "A cancel is the exact negative")
async def cancel(exam: Exam) -> None:
    """2103: exact negatives under a number of its own."""
    await compare_cancel(exam, exam.booked(await settled_now(exam)))


@check(
    "2201-2203A", Group.TRANSACTIONS, "药店就诊登记、就诊信息上传（A版）与撤销",
    "A visit at a pharmacy, described, and taken back", needs=("2201", "2202", "2203A"),
)  # fmt: skip
async def described(exam: Exam) -> None:
    """2201, 2203A, 2202; what was taken back cannot be described any more."""
    desk, number = exam.institution.outpatient, f"C{exam.serial()}"
    opened = await exam.done(desk.registration(exam.buyer, PLACE, visit_no=number))
    mdtrt_id = opened.text("data", "mdtrt_id")
    about = desk.diagnosis(exam.buyer, PLACE, mdtrt_id, care_type="41").input
    await exam.asked("2203A", about)
    await exam.done(desk.withdrawal(exam.buyer, mdtrt_id, visit_no=number))
    await exam.refused(exam.institution.message("2203A", about), "VISIT_WITHDRAWN")


async def compare_cancel(exam: Exam, booked: Booked) -> None:
    """Cancel it and compare; 2103, 2208, 2305."""
    back = (await exam.done(exam.cancel_of(booked))).settlement
    own = booked.settled
    negative = (-own.total_fen, -own.fund_fen, -own.account_fen, -own.cash_fen)
    told = totals_of(back)
    exam.expect(
        "撤销金额 amounts of the cancel", f"{in_words(negative)}，结算ID另编",
        "the exact negatives, a number of its own", f"{in_words(told)}，结算ID {back.setl_id}",
        told == negative and back.setl_id != own.setl_id,
    )  # fmt: skip


Row = tuple[str, str, str, Changes, tuple[str, ...], str | None]

FAULTS: tuple[Row, ...] = (
    # id, 中文, English, what is changed in a good sale, refusals, field
    ("field-missing", "缺少必填项", "A required field is missing",
     {f"{HEAD}.psn_no": ABSENT}, ("FIELD_MISSING",), f"input.{HEAD}.psn_no"),
    ("field-too-long", "字段超长", "A field is too long",
     {f"{HEAD}.psn_no": "9" * 31}, ("FIELD_TOO_LONG",), f"input.{HEAD}.psn_no"),
    ("field-type", "字段类型错误", "Text where a number belongs",
     {f"{HEAD}.medfee_sumamt": "thirty"}, ("FIELD_TYPE",), f"input.{HEAD}.medfee_sumamt"),
    ("field-format", "日期格式错误", "A date in another format",
     {f"{HEAD}.begntime": "2026/11/23"}, ("FIELD_FORMAT",), f"input.{HEAD}.begntime"),
    ("code-unknown", "代码值不在字典中", "A value outside the code list",
     {f"{HEAD}.acct_used_flag": "7"}, ("CODE_UNKNOWN",), f"input.{HEAD}.acct_used_flag"),
    ("amount-scale", "金额小数位过多", "Parts of a fen",
     {f"{HEAD}.medfee_sumamt": "30.001"}, ("AMOUNT_SCALE",), f"input.{HEAD}.medfee_sumamt"),
    ("amount-negative", "金额为负", "A negative amount",
     {f"{HEAD}.medfee_sumamt": "-1.00"}, ("AMOUNT_NEGATIVE",), f"input.{HEAD}.medfee_sumamt"),
    ("lines-none", "没有明细", "No lines",
     {"drugdetail": []}, ("LINES_NONE", "LINES_MISSING"), "input.drugdetail"),
    ("line-repeated", "明细流水号重复", "A line serial twice",
     {f"{LINE}.feedetl_sn": "2"}, ("DUPLICATE_LINE",), None),
    ("line-amount", "明细金额与单价数量不符", "A line that is not price × quantity",
     {f"{LINE}.det_item_fee_sumamt": "0.01"}, ("LINE_AMOUNT_MISMATCH", "TOTAL_MISMATCH"), None),
    ("quantity-zero", "数量为零", "Quantity zero",
     {f"{LINE}.cnt": 0, f"{LINE}.det_item_fee_sumamt": 0}, ("QUANTITY_NOT_POSITIVE",), None),
    ("item-malformed", "目录编码格式错误", "A malformed item code",
     {f"{LINE}.med_list_codg": "!!"}, ("ITEM_CODE_MALFORMED",), f"input.{LINE}.med_list_codg"),
    ("person-unknown", "查无此人", "Nobody has this number",
     {f"{HEAD}.psn_no": "44190099999999999999"}, ("PERSON_UNKNOWN",), f"input.{HEAD}.psn_no"),
    ("identity-wrong", "姓名不符", "Another name",
     {f"{HEAD}.psn_name": "测试别人"}, ("IDENTITY_MISMATCH",), f"input.{HEAD}.psn_name"),
    ("scheme-wrong", "未参加该险种", "A scheme that is not the person's",
     {f"{HEAD}.insutype": "390"}, ("SCHEME_NOT_ENROLLED",), f"input.{HEAD}.insutype"),
    ("care-type-wrong", "未开通的医疗类别", "A care type that is not approved",
     {f"{HEAD}.med_type": "11"},
     ("INSTITUTION_CARE_TYPE_NOT_APPROVED", "CARE_TYPE_NOT_COVERED", "CARE_TYPE_MISMATCH"),
     f"input.{HEAD}.med_type"),
    ("card-serial-missing", "社保卡无识别码", "A card without its serial",
     {f"{HEAD}.mdtrt_cert_type": "03"}, ("FIELD_MISSING", "CREDENTIAL_CARD_SERIAL_MISSING"), None),
    ("token-unknown", "无效的电子凭证", "A token that nobody issued",
     {f"{HEAD}.mdtrt_cert_type": "01", f"{HEAD}.mdtrt_cert_no": "NO-SUCH-TOKEN"},
     ("TOKEN_UNKNOWN",), f"input.{HEAD}.mdtrt_cert_no"),
)  # fmt: skip


def a_sale(exam: Exam) -> Message:
    """A good sale of two lines."""
    return exam.institution.pharmacy.sale(exam.buyer, exam.lines(), at=exam.moment())


def _fault(row: Row) -> Check:
    name, chinese, english, changes, codes, field = row

    async def run(exam: Exam) -> None:
        path = None if field is None else field.replace(".0.", "[0].")
        await exam.refused(exam.edited(a_sale(exam), changes), *codes, field=path)

    return check(name, Group.REFUSALS, chinese, english)(run)


@check("total-wrong", Group.REFUSALS, "总额与明细合计不符", "A total that is not the lines' sum")
async def total_wrong(exam: Exam) -> None:
    """A fen more than the lines: refused with both numbers."""
    lines = exam.lines()
    sale = exam.institution.pharmacy.sale(exam.buyer, lines, at=exam.moment())
    wrong = total(lines) + Decimal("0.01")
    refused = await exam.refused(
        exam.edited(sale, {f"{HEAD}.medfee_sumamt": wrong}), "TOTAL_MISMATCH",
        field=f"input.{HEAD}.medfee_sumamt",
    )  # fmt: skip
    both = str(wrong) in refused.text and str(total(lines)) in refused.text
    exam.expect(
        "TOTAL_MISMATCH err_msg", f"含 {wrong} 与 {total(lines)}",
        f"says {wrong} and {total(lines)}", refused.text, both,
    )  # fmt: skip


@check("lines-too-many", Group.REFUSALS, "明细行数超限", "More lines than a message may have")
async def lines_too_many(exam: Exam) -> None:
    """501 lines."""
    line = Line(item=exam.candidate.items[0])
    sale = exam.institution.pharmacy.sale(exam.buyer, [line] * 501, at=exam.moment())
    await exam.refused(sale, "LINES_TOO_MANY", field="input.drugdetail")


@check("item-unknown", Group.REFUSALS, "目录外编码：全自费或拒绝", "An unknown item")
async def item_unknown(exam: Exam) -> None:
    """By the region's profile full self-pay, or refused. Asked as a quote: nothing is booked."""
    lines = exam.lines()
    asked = exam.edited(
        exam.institution.pharmacy.quote(exam.buyer, lines, at=exam.moment()),
        {f"{LINE}.med_list_codg": "ZZ999TESTUNLISTED"},
    )
    outcome = await exam.institution.send(asked)
    passed, own = False, lines[0].amount
    if isinstance(outcome, Done):
        passed = fen_of(outcome.node("setlinfo"), "fulamt_ownpay_amt") >= int(own * 100)
    elif isinstance(outcome, Refused):
        passed = outcome.code == "ITEM_NOT_IN_CATALOGUE"
    exam.note(
        asked, f"全自费不低于 {own}，或 ITEM_NOT_IN_CATALOGUE",
        f"full self-pay of at least {own}, or ITEM_NOT_IN_CATALOGUE", outcome, passed,
    )  # fmt: skip


@check("fee-date", Group.REFUSALS, "费用日期在未来或过早", "Fees of tomorrow, or of long ago")
async def fee_date(exam: Exam) -> None:
    """Tomorrow, and 400 days ago."""
    future, past = exam.moment(days=-1), exam.moment(days=400)
    for at, code in ((future, "FEE_DATE_IN_FUTURE"), (past, "FEE_DATE_TOO_OLD")):
        await exam.refused(exam.edited(a_sale(exam), {f"{LINE}.fee_ocur_time": at}), code)


@check("credential-of-another", Group.REFUSALS, "凭证与人员不符", "Somebody else's credential")
async def credential_of_another(exam: Exam) -> None:
    """The number of one, the credential of another."""
    changes = {f"{HEAD}.mdtrt_cert_no": exam.other.mdtrt_cert_no}
    await exam.refused(exam.edited(a_sale(exam), changes), "CREDENTIAL_MISMATCH")


CHECKS: tuple[Check, ...] = (quote_and_settle, cancel, described)
REFUSALS: tuple[Check, ...] = (
    *map(_fault, FAULTS), total_wrong, lines_too_many, item_unknown, fee_date,
    credential_of_another,
)  # fmt: skip
