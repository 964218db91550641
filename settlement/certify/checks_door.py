"""Access: what the door lets in and what not, before anything is known of people or money."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from protocol.nhsa.signing import CSB_SIGNATURE_HEADER, csb_signature
from settlement.certify.exam import Exam
from settlement.certify.sheet import Check, Group, check
from settlement.certify.words import came_of_passage, sent_of
from settlement.client import Came, Message
from settlement.client.patience import Answered, Denied, judge
from settlement.client.wire import Passage, signed_headers

TOO_OLD_SECONDS = 3_600


async def post(
    exam: Exam, message: Message, headers: Mapping[str, str], *, body: bytes | None = None
) -> Passage:
    """One attempt with these headers."""
    content = message.body.encode() if body is None else body
    return await exam.institution.wire.post(f"/hsa/hgs/{message.infno}", content, headers)


def question(exam: Exam) -> Message:
    """A message without effect: who the buyer is."""
    patient = exam.buyer
    content = {"data": {**patient.credential(), **patient.identity()}}
    return exam.institution.message("1101", content)


def headers_of(
    exam: Exam, nonce: str, *, secret: str | None = None, late: int = 0
) -> dict[str, str]:
    """Signed headers, with something wrong in them where asked."""
    timestamp = int(exam.institution.headers(nonce)["x-tif-timestamp"]) - late
    return signed_headers(
        paasid=exam.candidate.paasid, secret=secret or exam.candidate.secret, nonce=nonce,
        timestamp=timestamp,
    )  # fmt: skip


@check("signature-good", Group.DOOR, "正确签名（x-tif）", "A right signature (x-tif)")
async def signature_good(exam: Exam) -> None:
    """A right signature is let in."""
    await exam.done(question(exam))


@check("signature-csb", Group.DOOR, "正确签名（CSB）", "A right signature (CSB)")
async def signature_csb(exam: Exam) -> None:
    """The other header scheme is let in as well."""
    message = question(exam)
    millis = int(exam.institution.headers("0")["x-tif-timestamp"]) * 1000
    headers = {
        "_api_access_key": exam.candidate.paasid, "_api_name": f"hsa-{message.infno}",
        "_api_timestamp": str(millis), "_api_version": "1.0.0",
    }  # fmt: skip
    headers[CSB_SIGNATURE_HEADER] = csb_signature(headers, exam.candidate.secret)
    came = await post(exam, message, {**headers, "Content-Type": "application/json"})
    exam.expect(
        sent_of(message), "受理成功", "accepted (infcode 0)", came_of_passage(came),
        isinstance(judge(came), Answered),
    )  # fmt: skip


@check("signature-wrong", Group.DOOR, "密钥错误的签名", "A signature with a wrong secret")
async def signature_wrong(exam: Exam) -> None:
    """A wrong secret is not let in."""
    message = question(exam)
    headers = headers_of(exam, message.msgid, secret=exam.candidate.secret[::-1])
    came = await post(exam, message, headers)
    exam.passage(sent_of(message), 401, "SIGNATURE_WRONG", came)


@check("headers-missing", Group.DOOR, "缺少认证请求头", "No authentication headers")
async def headers_missing(exam: Exam) -> None:
    """Without headers nobody is let in."""
    message = question(exam)
    came = await post(exam, message, {"Content-Type": "application/json"})
    exam.passage(sent_of(message), 401, "HEADERS_MISSING", came)


@check("timestamp-old", Group.DOOR, "时间戳过期", "A timestamp an hour old")
async def timestamp_old(exam: Exam) -> None:
    """A request of an hour ago is not let in."""
    message = question(exam)
    came = await post(exam, message, headers_of(exam, message.msgid, late=TOO_OLD_SECONDS))
    exam.passage(sent_of(message), 401, "TIMESTAMP_REFUSED", came)


@check("access-key-unknown", Group.DOOR, "未知的接入标识", "An unknown access key")
async def access_key_unknown(exam: Exam) -> None:
    """Nobody knows this paasid."""
    message = question(exam)
    headers = headers_of(exam, message.msgid) | {"x-tif-paasid": "nobody-knows-this"}
    exam.passage(sent_of(message), 401, "ACCESS_KEY_UNKNOWN", await post(exam, message, headers))


@check("nonce-reused", Group.DOOR, "随机串重复使用", "A nonce used for another body")
async def nonce_reused(exam: Exam) -> None:
    """A nonce is for one body; the same body may come again."""
    first, other, nonce = question(exam), question(exam), secrets.token_hex(8)
    for words in ("首次 first", "同一报文重发 the same again"):
        came = await post(exam, first, headers_of(exam, nonce))
        exam.expect(
            f"{sent_of(first)}，{words}", "受理成功", "accepted (infcode 0)",
            came_of_passage(came), isinstance(judge(came), Answered),
        )  # fmt: skip
    exam.passage(
        f"{sent_of(other)}，另一报文用同一随机串 another body, same nonce", 401, "NONCE_REUSED",
        await post(exam, other, headers_of(exam, nonce)),
    )  # fmt: skip


@check("institution-of-others", Group.DOOR, "冒用其他机构编号", "In another institution's name")
async def institution_of_others(exam: Exam) -> None:
    """fixmedins_code must be the credential's."""
    message = question(exam)
    other = exam.candidate.code[:-1] + ("0" if exam.candidate.code[-1] != "0" else "1")
    body = message.body.replace(
        f'"fixmedins_code":"{exam.candidate.code}"', f'"fixmedins_code":"{other}"'
    )
    came = await post(exam, message, headers_of(exam, message.msgid), body=body.encode())
    exam.passage(sent_of(message), 401, "INSTITUTION_NOT_YOURS", came)


@check("body-unreadable", Group.DOOR, "无法解析的报文", "Bodies that cannot be read")
async def body_unreadable(exam: Exam) -> None:
    """No JSON, no UTF-8, no object."""
    message = question(exam)
    for words, body, code in (
        ("JSON 不完整 half a JSON", message.body[:200].encode(), "MALFORMED_JSON"),
        ("GBK 编码 in GBK", '{"infno":"1101","opter_name":"测试"}'.encode("gbk"), "NOT_UTF8"),
        ("数组 an array", b"[]", "NOT_AN_ENVELOPE"),
    ):
        came = await post(exam, message, headers_of(exam, secrets.token_hex(8)), body=body)
        exam.passage(f"1101，{words}", 400, code, came)


@check("transaction-unknown", Group.DOOR, "未知交易编号", "An unknown transaction")
async def transaction_unknown(exam: Exam) -> None:
    """infno 9999 is none, and an address must fit its body."""
    await exam.refused(exam.institution.message("9999", {}), "UNKNOWN_TRANSACTION")
    message = question(exam)
    came = await exam.institution.wire.post(
        "/hsa/hgs/2001", message.body.encode(), headers_of(exam, message.msgid)
    )
    judged = judge(came)
    exam.expect(
        "1101 发往 sent to /hsa/hgs/2001", "拒绝：INFNO_MISMATCH", "refused: INFNO_MISMATCH",
        came_of_passage(came), isinstance(judged, Denied) and judged.code == "INFNO_MISMATCH",
    )  # fmt: skip


@check("address-unknown", Group.DOOR, "未知地址", "An unknown address")
async def address_unknown(exam: Exam) -> None:
    """A page that is not there says so."""
    came = await exam.institution.wire.get("/no/such/page")
    passed = isinstance(came, Came) and came.status == 404
    exam.expect(
        "GET /no/such/page", "HTTP 404", "HTTP 404", came_of_passage(came), passed
    )


CHECKS: tuple[Check, ...] = (
    signature_good, signature_csb, signature_wrong, headers_missing, timestamp_old,
    access_key_unknown, nonce_reused, institution_of_others, body_unreadable, transaction_unknown,
    address_unknown,
)  # fmt: skip
