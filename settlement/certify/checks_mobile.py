"""Mobile payment (移动支付): an order uploaded, withdrawn, paid, found, and given back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from settlement.certify.checks_resend import same_answer
from settlement.certify.exam import PLACE, Changes, Exam
from settlement.certify.money import in_words, totals_of, yuan
from settlement.certify.scope import MOBILE
from settlement.certify.sheet import Check, Group, NotApplicableError, check
from settlement.client import AnswerError, Done, Line, Message, Refused
from settlement.client.inputs import total
from settlement.client.outcome import Node, fen_of, settlement_of, text_of

NEEDS = tuple(sorted(MOBILE))
SAVED, PAID, ENDED, ALL_BACK, WITHDRAWN = "0", "4", "6", "7", "12"
"""ordStas"""
UNKNOWN_TOKEN = "NO-SUCH-TOKEN"  # noqa: S105 - must be refused
_PLAIN = "MOBILE_PLAIN_REFUSED"
_ORDER = "input.data.payOrdId"
_AMOUNTS = ("feeSumamt", "fundPay", "psnAcctPay", "ownPayAmt")


class Order(Struct, frozen=True, kw_only=True):
    """What 6201 answered."""

    number: str
    pay_token: str
    mdtrt_id: str
    batch: str

    @classmethod
    def of(cls, uploaded: Done) -> Order:
        """Raises AnswerError."""
        data = uploaded.node("data")
        made = _node(data, "extData")
        return cls(
            number=text_of(data, "payOrdId"), pay_token=text_of(data, "payToken"),
            mdtrt_id=text_of(made, "mdtrtId"), batch=text_of(made, "chrgBchno"),
        )  # fmt: skip


def _node(node: Node, name: str) -> Node:
    found = node.get(name)
    if not isinstance(found, Mapping):
        raise AnswerError(f"no {name} in the answer")
    return found


def upload(exam: Exam, lines: Sequence[Line], token: str) -> Message:
    """6201: an order with a visit of its own."""
    patient, number, at = exam.buyer, exam.serial(), exam.institution.now()
    care_type, batch = "41" if exam.is_pharmacy else "11", f"MB{number}"
    data = {
        "orgCodg": exam.candidate.code, "psnNo": patient.psn_no, "insutype": patient.insutype,
        "medOrgOrd": f"MO{number}", "begntime": at, "idNo": patient.certno,
        "userName": patient.psn_name, "idType": patient.psn_cert_type, "ecToken": token,
        "iptOtpNo": f"OP{number}", "deptCode": PLACE.department.code,
        "deptName": PLACE.department.name, "caty": "A03", "medType": care_type, "feeType": "01",
        "medfeeSumamt": total(lines), "acctUsedFlag": "1", "diseCodg": PLACE.disease.code,
        "psnSetlway": "01", "chrgBchno": batch, "extData": {},
        "feedetailList": [
            _line(exam, line, batch=batch, care_type=care_type, at=at) for line in lines
        ],
        "diseinfoList": [{
            "diagType": "1", "diagSrtNo": 1, "diagCode": PLACE.disease.code,
            "diagName": PLACE.disease.name, "diagDept": PLACE.department.name,
            "diseDorNo": PLACE.doctor.code, "diseDorName": PLACE.doctor.name, "diagTime": at,
            "valiFlag": "1",
        }],
    }  # fmt: skip
    return exam.institution.message("6201", {"data": data})


def _line(
    exam: Exam, line: Line, *, batch: str, care_type: str, at: str
) -> dict[str, object]:
    return {
        "feedetlSn": exam.serial(), "mdtrtId": "NONE", "psnNo": exam.buyer.psn_no,
        "chrgBchno": batch, "rxCircFlag": "0", "feeOcurTime": at,
        "medListCodg": line.item.med_list_codg, "medinsListCodg": line.item.medins_list_codg,
        "detItemFeeSumamt": line.amount, "cnt": line.quantity, "pric": line.item.price,
        "bilgDeptCodg": PLACE.department.code, "bilgDeptName": PLACE.department.name,
        "bilgDrCodg": PLACE.doctor.code, "bilgDrName": PLACE.doctor.name, "hospApprFlag": "1",
        "medType": care_type,
    }  # fmt: skip


def payment(exam: Exam, order: Order, authorisation: str) -> Message:
    """6202: nobody else collects the rest, so the insurance pays at once."""
    data = {
        "payAuthNo": authorisation, "payOrdId": order.number, "payToken": order.pay_token,
        "orgCodg": exam.candidate.code, "orgBizSer": f"S{exam.serial()}",
        "mdtrtId": order.mdtrt_id, "chrgBchno": order.batch,
    }  # fmt: skip
    return exam.institution.message("6202", {"data": data})


def enquiry(exam: Exam, order: Order, infno: str = "6301") -> Message:
    """6301, or 6401 which says the same."""
    patient = exam.buyer
    data = {
        "payOrdId": order.number, "orgCodg": exam.candidate.code, "payToken": order.pay_token,
        "idNo": patient.certno, "userName": patient.psn_name, "idType": patient.psn_cert_type,
    }  # fmt: skip
    return exam.institution.message(infno, {"data": data})


def refund(exam: Exam, order: Order, amounts: Mapping[str, int], token: str) -> Message:
    """6203 of everything."""
    parts = {
        "fundRefdAmt": amounts["fundPay"], "psnAcctRefdAmt": amounts["psnAcctPay"],
        "cashRefdAmt": amounts["ownPayAmt"],
    }  # fmt: skip
    data = {
        "payOrdId": order.number, "appRefdSn": f"R{exam.serial()}",
        "appRefdTime": f"{exam.now():%Y%m%d%H%M%S}", "totlRefdAmt": yuan(sum(parts.values())),
        **{name: yuan(fen) for name, fen in parts.items()}, "ecToken": token, "refdType": "ALL",
    }  # fmt: skip
    return exam.institution.message("6203", {"data": data})


async def state(exam: Exam, order: Order, wanted: str, zh: str, en: str) -> Done:
    """6301 must say this of the order."""
    told = await exam.done(enquiry(exam, order))
    said = told.text("data", "ordStas")
    exam.expect("6301 ordStas", f"{wanted} {zh}", f"{wanted}, {en}", said, said == wanted)
    return told


def tokens(exam: Exam) -> tuple[str, ...]:
    """E-credential tokens of the buyer here. Raises NotApplicableError where mobile payment can
    only be refused."""
    reason = exam.excused.get("6201")
    if reason is not None:
        raise NotApplicableError(reason)
    return exam.candidate.tokens


@check(
    "mobile-refusals", Group.MOBILE, "移动支付拒绝：令牌、订单",
    "Refused: an unknown token, an unknown order",
    needs=NEEDS,
)  # fmt: skip
async def refusals(exam: Exam) -> None:
    """A token that nobody issued, and an order that nobody uploaded; or, in a region where only
    the centre's envelope is taken, every message in this one."""
    message = upload(exam, exam.lines(), UNKNOWN_TOKEN)
    nothing = Order(number="ORD0", pay_token="0" * 40, mdtrt_id="1", batch="B0")
    about_nothing = (
        payment(exam, nothing, UNKNOWN_TOKEN), enquiry(exam, nothing),
        enquiry(exam, nothing, "6401"),
        refund(exam, nothing, dict.fromkeys(_AMOUNTS, 0), UNKNOWN_TOKEN),
    )  # fmt: skip
    outcome = await exam.institution.send(message)
    if isinstance(outcome, Refused) and outcome.code == _PLAIN:
        exam.excused |= dict.fromkeys(MOBILE, outcome.text)
        for one in (message, *about_nothing):
            await exam.refused(one, _PLAIN)
        return
    await exam.refused(message, "TOKEN_UNKNOWN", field="input.data.ecToken")
    for one in about_nothing:
        await exam.refused(one, "MOBILE_ORDER_UNKNOWN", field=_ORDER)


@check(
    "6201-6401", Group.MOBILE, "上传明细后撤销订单", "An order uploaded, and withdrawn", needs=NEEDS
)
async def withdrawn(exam: Exam) -> None:
    """The same order again is the same order; withdrawn, it cannot be paid."""
    token, authorisation, *_ = tokens(exam)
    message = upload(exam, exam.lines(), token)
    first = await exam.done(message)
    same_answer(exam, first, await exam.done(message))
    order = Order.of(first)
    await state(exam, order, SAVED, "已保存", "saved")
    dearer: Changes = {"data.invono": "TEST-1"}
    other = exam.edited(message, dearer)
    await exam.refused(other, "MOBILE_ORDER_CONFLICT", field="input.data.medOrgOrd")
    await exam.done(enquiry(exam, order, "6401"))
    await state(exam, order, WITHDRAWN, "已撤销", "withdrawn")
    late = payment(exam, order, authorisation)
    try:
        await exam.refused(late, "MOBILE_ORDER_CLOSED", field=_ORDER)
    finally:
        await _give_back(exam, order, token)


@check(
    "6202-6203", Group.MOBILE, "支付下单、查询、退费", "An order paid, found, and given back",
    needs=NEEDS,
)  # fmt: skip
async def paid_and_given_back(exam: Exam) -> None:
    """Paid once; 5203 has the same amounts; only 6203 gives it back, all of it and once."""
    token, authorisation, *_ = tokens(exam)
    lines = exam.lines()
    order = Order.of(await exam.done(upload(exam, lines, token)))
    wrong = exam.edited(payment(exam, order, authorisation), {"data.payToken": "x"})
    await exam.refused(wrong, "MOBILE_TOKEN_WRONG", field="input.data.payToken")
    message = payment(exam, order, authorisation)
    paid = await exam.done(message)
    same_answer(exam, paid, await exam.done(message))
    amounts = _amounts(exam, "6202", paid.node("data"), whole_fen=int(total(lines) * 100))
    try:
        await _is_settled(exam, order, paid, amounts)
        await _is_given_back(exam, order, amounts, token)
    finally:
        await _give_back(exam, order, token)


async def _give_back(exam: Exam, order: Order, token: str) -> None:
    """Whatever failed, no paid order stays behind: it would be in the way of every cancel."""
    told = await exam.institution.send(enquiry(exam, order))
    if not isinstance(told, Done) or told.text("data", "ordStas") not in (PAID, ENDED):
        return
    data = told.node("data")
    amounts = {name: fen_of(data, name) for name in _AMOUNTS}
    await exam.institution.send(refund(exam, order, amounts, token))


async def _is_given_back(
    exam: Exam, order: Order, amounts: Mapping[str, int], token: str
) -> None:
    """Not by 6401 nor in part; by 6203, once."""
    await exam.refused(enquiry(exam, order, "6401"), "MOBILE_ORDER_PAID", field=_ORDER)
    less = exam.edited(refund(exam, order, amounts, token), {"data.totlRefdAmt": "0.01"})
    await exam.refused(less, "MOBILE_REFUND_AMOUNTS", field="input.data.totlRefdAmt")
    back = refund(exam, order, amounts, token)
    given = await exam.done(back)
    same_answer(exam, given, await exam.done(back))
    await state(exam, order, ALL_BACK, "已全部退费", "all given back")
    twice = refund(exam, order, amounts, token)
    await exam.refused(twice, "MOBILE_ORDER_REFUNDED", field=_ORDER)


def _amounts(exam: Exam, infno: str, data: Node, *, whole_fen: int) -> dict[str, int]:
    """The four amounts; they must make up the order, but for what the hospital bears."""
    found = {name: fen_of(data, name) for name in _AMOUNTS}
    own, parts = found["feeSumamt"], sum(found[name] for name in _AMOUNTS[1:])
    exam.expect(
        f"{infno} 金额 amounts", f"总额 {yuan(whole_fen)}，等于基金＋账户＋现金（＋医院负担）",
        f"feeSumamt {yuan(whole_fen)}: funds, account, cash (and what the hospital bears)",
        _told(found), own == whole_fen and (parts == own or (parts < own and not exam.is_pharmacy)),
    )  # fmt: skip
    return found


def _told(amounts: Mapping[str, int]) -> str:
    total_fen, fund_fen, account_fen, cash_fen = (amounts[name] for name in _AMOUNTS)
    return in_words((total_fen, fund_fen, account_fen, cash_fen))


async def _is_settled(
    exam: Exam, order: Order, paid: Done, amounts: Mapping[str, int]
) -> None:
    """The order's settlement is one like any other, but that no counter cancels it."""
    left = amounts["ownPayAmt"]
    wanted = (PAID, "医保支付完成", "the insurance has paid") if left else (
        ENDED, "结算完成", "nothing is left to collect"
    )  # fmt: skip
    told = await state(exam, order, *wanted)
    found = _amounts(exam, "6301", told.node("data"), whole_fen=amounts["feeSumamt"])
    exam.expect(
        "6301 金额 amounts", "与6202一致", "those of 6202", _told(found), found == amounts
    )
    info = _node(_node(paid.node("data"), "extData"), "setlinfo")
    number, psn_no = settlement_of(info).setl_id, exam.buyer.psn_no
    named = {"psn_no": psn_no, "setl_id": number, "mdtrt_id": order.mdtrt_id}
    booked = (await exam.asked("5203", {"data": named})).settlement
    exam.expect(
        f"5203 结算ID {number}", "总额、现金与6202一致", "total and cash as 6202 told",
        in_words(totals_of(booked)),
        (booked.total_fen, booked.cash_fen) == (amounts["feeSumamt"], amounts["ownPayAmt"]),
    )  # fmt: skip
    cancel = exam.institution.pharmacy if exam.is_pharmacy else exam.institution.outpatient
    await exam.refused(
        cancel.cancel(settlement_of(info), psn_no=psn_no), "CANCEL_BY_MOBILE_REFUND",
        field="input.data.setl_id",
    )  # fmt: skip


CHECKS: tuple[Check, ...] = (refusals, withdrawn, paid_and_given_back)
