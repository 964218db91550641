"""Uploads that are only stored: stock, records, invoices, and settlement lists (4101)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from protocol.nhsa.registry import TYPED
from settlement.certify.checks_resend import same_answer
from settlement.certify.exam import PLACE, Exam
from settlement.certify.makers import settled_now
from settlement.certify.scope import RECORDS, STORED
from settlement.certify.sheet import Check, Group, check
from settlement.client import Done, Message
from settlement.client.message import Input
from settlement.client.outcome import fen_of

NESTED_TOO_DEEP = 120
LISTS = ("4101", "4101A")


def _stock(exam: Exam) -> Input:
    item = exam.candidate.items[0]
    return {"goodsinfo": [{
        "fixmedins_hilist_id": item.medins_list_codg, "med_list_codg": item.med_list_codg,
        "fixmedins_bchno": exam.serial(), "inv_cnt": Decimal("12.5"), "manu_lotnum": "TEST-LOT",
    }]}  # fmt: skip


def _record(exam: Exam) -> Input:
    person = {"psn_no": exam.buyer.psn_no}
    head = {**person, "ipt_otp_no": exam.serial(), "chfcomp": "头痛三天（测试）", "tmp": 37.5}
    row = {**person, "diag_code": PLACE.disease.code, "diag_name": PLACE.disease.name}
    return {"mdtrtinfo": head, "diseinfo": [row]}


def _invoice(exam: Exam) -> Input:
    return {"invoinfo": {
        "psn_no": exam.buyer.psn_no, "invono": f"TEST{exam.serial()}", "medfee_sumamt": "12.50",
    }}  # fmt: skip


_CONTENT: dict[str, Callable[[Exam], Input]] = {"35": _stock, "49": _invoice}
"""By the family; everything else is a clinical record."""


def upload(exam: Exam, infno: str) -> Message:
    """Something that a program would send. No source prints the fields: they are kept as sent."""
    return exam.institution.message(infno, _CONTENT.get(infno[:2], _record)(exam))


def _stored(infno: str) -> Check:
    async def run(exam: Exam) -> None:
        message = upload(exam, infno)
        first = await exam.done(message)
        same_answer(exam, first, await exam.done(message))
        other = exam.under_same_id(message, {"memo": "更正"})
        await exam.refused(other, "MESSAGE_CONFLICT", field="msgid")

    return check(
        infno, Group.UPLOADS, TYPED[infno].title, "Kept once, whatever is sent again",
        needs=(infno,),
    )(run)  # fmt: skip


def list_of(exam: Exam, settled: Done, infno: str = "4101") -> Message:
    """A settlement list, copied from the settlement's answer."""
    info = settled.node("setlinfo")

    def fen(name: str) -> int:
        return fen_of(info, name)

    head = {
        "setl_id": settled.settlement.setl_id, "mdtrt_id": settled.settlement.mdtrt_id,
        "psn_no": settled.message.psn_no, "acct_pay": _yuan(fen("acct_pay")),
        "psn_selfpay": _yuan(fen("psn_part_amt") - fen("fulamt_ownpay_amt")),
        "psn_ownpay": _yuan(fen("fulamt_ownpay_amt")), "psn_cashpay": _yuan(fen("psn_cash_pay")),
    }  # fmt: skip
    funds = [
        {"fund_pay_type": row["fund_pay_type"], "fund_payamt": row["fund_payamt"]}
        for row in settled.rows("setldetail")
    ]
    items = [{"med_chrgitm": "09", "amt": _yuan(fen("medfee_sumamt"))}]
    content = {"setlinfo": head, "payinfo": funds, "iteminfo": items}
    return exam.institution.message(infno, content)


def _yuan(amount_fen: int) -> Decimal:
    return Decimal(amount_fen) / 100


def _list(infno: str) -> Check:
    async def run(exam: Exam) -> None:
        settled = await settled_now(exam)
        message = list_of(exam, settled, infno)
        first = await exam.done(message)
        number = str(first.output.get("setl_list_id")) if isinstance(first.output, dict) else ""
        exam.expect(
            f"{infno} setl_list_id", "清单流水号", "a number of the list", number or "无 none",
            bool(number),
        )  # fmt: skip
        same_answer(exam, first, await exam.done(message))
        await exam.done(exam.cancel_of(exam.booked(settled)))
        late = list_of(exam, settled, infno)
        await exam.refused(late, "LIST_OF_CANCELLED", field="input.setlinfo.setl_id")

    return check(
        infno, Group.UPLOADS, TYPED[infno].title, "A list of a settlement that stands",
        needs=(infno,),
    )(run)  # fmt: skip


Row = tuple[str, str, str]
DIFFERING: tuple[Row, ...] = (
    # what is said wrong,            field of the refusal,    what
    ("iteminfo.0.amt",               "iteminfo",              "收费项目 items"),
    ("setlinfo.acct_pay",            "setlinfo.acct_pay",     "个人账户 account"),
    ("setlinfo.psn_cashpay",         "setlinfo.psn_cashpay",  "现金 cash"),
    ("payinfo.0.fund_payamt",        "payinfo",               "基金 funds"),
)  # fmt: skip


@check(
    "list-refusals", Group.UPLOADS, "结算清单与结算不一致：拒绝并给出两个金额",
    "A list that is not its settlement", needs=("4101",),
)  # fmt: skip
async def list_refusals(exam: Exam) -> None:
    """An amount that is another, no settlement, somebody else's, one that is not there."""
    settled = await settled_now(exam)
    good = list_of(exam, settled)
    for path, field, what in DIFFERING:
        wrong = exam.edited(good, {path: Decimal("98765.43")})
        refused = await exam.refused(wrong, "LIST_AMOUNT_DIFFERS", field=f"input.{field}")
        exam.expect(
            f"LIST_AMOUNT_DIFFERS err_msg，{what}", "含清单与结算两个金额", "says both amounts",
            refused.text, "98765.43" in refused.text.replace(",", ""),
        )  # fmt: skip
    at = "input.setlinfo.setl_id"
    none = exam.edited(good, {"setlinfo.setl_id": ""})
    await exam.refused(none, "LIST_WITHOUT_SETTLEMENT", field=at)
    number = settled.settlement.setl_id[:-6] + "999999"
    unknown = exam.edited(good, {"setlinfo.setl_id": number})
    await exam.refused(unknown, "SETTLEMENT_UNKNOWN", field=at)
    theirs = exam.edited(good, {"setlinfo.psn_no": exam.other.psn_no})
    await exam.refused(theirs, "SETTLEMENT_OF_OTHER_PERSON", "SETTLEMENT_UNKNOWN")
    await exam.done(good)


@check(
    "upload-refusals", Group.UPLOADS, "上传拒绝：嵌套过深", "Refused: nested too deep",
    needs=("3501",),
)  # fmt: skip
async def upload_refusals(exam: Exam) -> None:
    """Objects in objects, a hundred and twenty times."""
    node: dict[str, object] = {}
    for _ in range(NESTED_TOO_DEEP):
        node = {"a": node}
    await exam.refused(exam.institution.message("3501", node), "TOO_DEEP")


def checks_of(kind: str) -> tuple[Check, ...]:
    """What an institution of this kind uploads."""
    numbers = [one for one in STORED if kind == "hospital" or one not in RECORDS]
    return (*map(_stored, numbers), *map(_list, LISTS), list_refusals, upload_refusals)
