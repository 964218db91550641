"""What pharmacies and hospitals do alike: sign in, look up, enquire."""

from __future__ import annotations

from settlement.certify.exam import Exam
from settlement.certify.makers import settled_now
from settlement.certify.money import in_words, totals_of
from settlement.certify.scope import SENT
from settlement.certify.sheet import Check, Group, NotApplicableError, check

_MAC, _IP = "02-00-00-00-00-01", "127.0.0.1"


@check("9001-9002", Group.TRANSACTIONS, "签到、签退，重复签退被拒绝", "Sign in and out, once")
async def sign_in_and_out(exam: Exam) -> None:
    """9001, 9002, and 9002 again."""
    opter = exam.institution.operator.code
    node = {"opter_no": opter, "mac": _MAC, "ip": _IP}
    signed_in = await exam.done(exam.institution.message("9001", {"signIn": node}))
    out = {"signOut": {"sign_no": signed_in.text("signinoutb", "sign_no"), "opter_no": opter}}
    await exam.done(exam.institution.message("9002", out))
    await exam.refused(
        exam.institution.message("9002", out), "SIGN_IN_UNKNOWN", field="input.signOut.sign_no"
    )


@check("1101", Group.TRANSACTIONS, "人员信息获取", "Person look-up")
async def look_up(exam: Exam) -> None:
    """The credential finds the person, with scheme and balance."""
    patient = exam.buyer
    content = {"data": {**patient.credential(), **patient.identity()}}
    found = await exam.done(exam.institution.message("1101", content))
    same = found.text("baseinfo", "psn_no") == patient.psn_no
    exam.expect(
        "1101 baseinfo.psn_no", "与测试人员一致", "the test person's",
        "一致 same" if same else "不一致 other", same,
    )  # fmt: skip
    schemes = [str(row.get("insutype")) for row in found.rows("insuinfo")]
    exam.expect(
        "1101 insuinfo.insutype", f"含 {patient.insutype}", f"has {patient.insutype}",
        "、".join(schemes), patient.insutype in schemes,
    )  # fmt: skip


@check("2001", Group.TRANSACTIONS, "人员待遇享受检查", "Entitlement check")
async def entitlement(exam: Exam) -> None:
    """What may pay."""
    data = {
        "psn_no": exam.buyer.psn_no, "insutype": exam.buyer.insutype,
        "fixmedins_code": exam.candidate.code, "begntime": exam.institution.now(),
        "med_type": "41" if exam.is_pharmacy else "11",
    }  # fmt: skip
    told = await exam.done(exam.institution.message("2001", {"data": data}))
    funds = [str(row.get("fund_pay_type")) for row in told.rows("trtinfo")]
    exam.expect("2001 trtinfo", "至少一项基金", "a fund at least", "、".join(funds), bool(funds))


@check("5201-5203-5204", Group.TRANSACTIONS, "就诊、结算、明细查询", "Enquiries")
async def enquiries(exam: Exam) -> None:
    """A settlement is found by its message, by its number, with its lines."""
    settled = await settled_now(exam)
    own, his = settled.settlement, exam.institution
    named = {"psn_no": settled.message.psn_no, "setl_id": own.setl_id, "mdtrt_id": own.mdtrt_id}
    period = {
        "psn_no": settled.message.psn_no, "begntime": exam.moment(days=1),
        "endtime": exam.institution.now(), "med_type": "41" if exam.is_pharmacy else "11",
    }  # fmt: skip
    by_message = {**period, "medins_setl_id": settled.message.msgid}
    found = await exam.done(his.message("5201", {"data": by_message}))
    numbers = [str(row.get("setl_id")) for row in found.rows("mdtrtinfo")]
    exam.expect(
        "5201，按原msgid by msgid", f"结算ID {own.setl_id}", f"setl_id {own.setl_id}",
        "、".join(numbers) or "无 none", numbers == [own.setl_id],
    )  # fmt: skip
    listed = await exam.done(his.message("5201", {"data": period}))
    numbers = [str(row.get("setl_id")) for row in listed.rows("mdtrtinfo")]
    exam.expect(
        "5201，按日期 by period", f"含结算ID {own.setl_id}", f"has setl_id {own.setl_id}",
        f"{len(numbers)} 行 rows", own.setl_id in numbers,
    )  # fmt: skip
    told = (await exam.done(his.message("5203", {"data": named}))).settlement
    exam.expect(
        "5203 金额 amounts", "与结算应答一致", "those of the settlement's answer",
        in_words(totals_of(told)), totals_of(told) == totals_of(own),
    )  # fmt: skip
    fees = await exam.done(his.message("5204", {"data": named}))
    sent = exam.basket_size
    exam.expect(
        "5204 行数 lines", f"{sent} 行", f"{sent} lines", f"{len(fees.rows())}",
        len(fees.rows()) == sent,
    )  # fmt: skip
    unknown = {**named, "setl_id": own.setl_id[:-4] + "9999"}
    await exam.refused(his.message("5203", {"data": unknown}), "SETTLEMENT_UNKNOWN")


@check("coverage", Group.TRANSACTIONS, "所服务交易均已调用", "Every transaction served was called")
async def coverage(exam: Exam) -> None:
    """What the server lists and this kind of institution sends: carried out once at least, or sent
    and excused. What it lists beside that is nothing that this checklist knows."""
    wanted = exam.served & SENT[exam.candidate.kind]
    if not wanted:
        raise NotApplicableError("服务端未列出交易 the server lists no transactions")
    must = wanted - set(exam.excused)
    missing = sorted(must - exam.answered)
    exam.expect(
        f"{len(must)} 项交易 transactions", "均至少成功一次", "each carried out at least once",
        "未成功 never carried out: " + "、".join(missing) if missing else "全部 all", not missing,
    )  # fmt: skip
    refused = sorted(wanted & set(exam.excused))
    unsent = [infno for infno in refused if infno not in exam.sent]
    exam.expect(
        f"{len(refused)} 项只检查拒绝 only refused: {'、'.join(refused)}", "均已发送", "each sent",
        "未发送 not sent: " + "、".join(unsent) if unsent else "全部 all", not unsent,
    )  # fmt: skip


CHECKS: tuple[Check, ...] = (sign_in_and_out, look_up, entitlement, enquiries)
