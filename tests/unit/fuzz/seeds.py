"""Writes the good inputs of the corpus anew: `python -m tests.unit.fuzz.seeds`.

Made by our own writers and from the golden messages; findings that lie beside them stay.
"""

from __future__ import annotations

import io
import json
import zlib
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import msgspec
import xlsxwriter

from protocol import onecode
from protocol.hub import certificates
from protocol.hub.bundle_post import WrittenBundle, ask_all
from protocol.hub.messages import Kind
from protocol.hub.post import Written
from protocol.nhsa import gm, mobile_envelope, textfile
from protocol.onecode_bills import Row, write_bill
from protocol.unionpay import archive
from protocol.unionpay.layouts import ZM, ZME
from protocol.unionpay.statement import line_of
from protocol.wechat import notifications, v2
from settlement.people.my_session import Session, kept
from settlement.people.my_token import AUDIENCE, Claims, signed_token
from settlement.policy.loader import shipped_files
from tests.kit.hub import AT, papers_of, person_asked, post_of
from tests.unit.fuzz.corpus import FILE_BYTES_MAX, FOLDER
from tests.unit.fuzz.parsers import KEY, KEYRING, MERCHANT, NOW, PARTY, ROOT
from tests.unit.intake import test_bad_rows as bad_rows
from tests.unit.intake import test_institution_lines as lines
from tests.unit.protocol import nhsa_golden as golden
from tests.unit.protocol.alipay import test_bills as alipay
from tests.unit.protocol.unionpay.test_statement import PAYMENT
from tests.unit.protocol.wechat import test_bills as wechat
from tests.unit.web.test_framing import PLAIN

PAID = {
    "appid": "wx9999999999999999", "mchid": "1900000001", "out_trade_no": "A1",
    "transaction_id": "4200000001", "trade_state": "SUCCESS",
    "success_time": "2026-11-26T12:00:00+08:00",
    "amount": {"total": 4212, "payer_total": 4212, "currency": "CNY"},
}  # fmt: skip
TRADE = {
    "code": "10000", "msg": "Success", "trade_no": "2026112622001", "out_trade_no": "A1",
    "trade_status": "TRADE_SUCCESS", "total_amount": "42.12",
    "fund_bill_list": [{"fund_channel": "ALIPAYACCOUNT", "amount": "42.12"}],
}  # fmt: skip


def main() -> None:
    """Write them."""
    for parser, made in seeds().items():
        (FOLDER / parser).mkdir(parents=True, exist_ok=True)
        for name, content in made.items():
            if len(content) <= FILE_BYTES_MAX:
                (FOLDER / parser / f"good-{name}.bin").write_bytes(content)


def seeds() -> dict[str, dict[str, bytes]]:
    """By parser and name."""
    made: dict[str, dict[str, bytes]] = {}
    for some in (_institutions, _hub, _wechat, _alipay, _unionpay, _files, _doors):
        made |= some()
    return made


def _institutions() -> dict[str, dict[str, bytes]]:
    sale = golden.body(golden.request("2102"))
    signed = json.loads(sale) | {"cainfo": "0" * 64, "signtype": "SM3", "enc_type": "SM4"}
    hidden = gm.sm4_encrypt(KEY[:16], b'{"a":1}', gm.Sm4Mode.ECB)
    mobile = mobile_envelope.sealed(
        b'{"orgCodg":"H99999900001"}', PARTY, gm.Sm2PrivateKey.of_number(441_900),
        stamp="20261126120000", more={},
    )  # fmt: skip
    rows = [["1", "2", "3", "12.00", "10.00", "2.00", "0"], ["4", "5", "6", "1", "null", "1", "1"]]
    asked = ("1101", "2102", "2204", "2207", "2401", "3201", "3301", "4101", "6201", "9101")
    return {
        "envelope": {infno: golden.body(golden.request(infno)) for infno in asked},
        "head": {"plain": PLAIN},
        "headers": {"tif": b"1764129600\nabcdef\n" + b"0" * 64},
        "cainfo": {"sm3": json.dumps(signed, ensure_ascii=False).encode()},
        "ciphertext": {"ecb": b64encode(hidden), "sm2": b64encode(bytes(range(64)))},
        "mobile-envelope": {"sealed": mobile},
        "upload": {"rows": textfile.pack("a.txt", textfile.text_of(rows))},
    }


def _hub() -> dict[str, dict[str, bytes]]:
    ours, theirs = papers_of("441900"), papers_of("611000")
    post = post_of(ours, theirs)
    written = post.ask(person_asked(), to="611000", kind=Kind.PERSON, correlation="C1", at=AT)
    together = ask_all(
        post, {"C1": person_asked(), "C2": person_asked()}, to="611000", kind=Kind.PERSON, at=AT
    )
    assert isinstance(written, Written)
    assert isinstance(together, WrittenBundle)
    request = certificates.request_of(
        certificates.SecretKeys(signing=KEY, sealing=KEY), "441900", at=NOW
    )
    authority = certificates.Authority(certificates.Ed25519PrivateKey.from_private_bytes(KEY))
    assert authority.root == ROOT
    issued = authority.issue(
        certificates.read_request(request), serial="441900-1", not_before=NOW,
        not_after=NOW + timedelta(days=365),
    )  # fmt: skip
    return {
        "hub-message": {"asked": written.message, "together": together.message},
        "hub-foreign": {"asked": written.message.replace(b'"person"', b'"weather"')},
        "hub-request": {"request": request.encode()},
        "hub-certificate": {"certificate": issued.encode()},
    }


def _wechat() -> dict[str, dict[str, bytes]]:
    notice = notifications.write_envelope(
        number="1", event_type="TRANSACTION.SUCCESS", at="2026-11-26T12:00:00+08:00", summary="",
        about="transaction", content=json.dumps(PAID).encode(), key=KEY, nonce="abcdefghijkl",
    )  # fmt: skip
    sealed = json.loads(notice)["resource"]
    listed = {
        "serial_no": "1", "effective_time": "2026-01-01T00:00:00+08:00",
        "expire_time": "2027-01-01T00:00:00+08:00", "encrypt_certificate": sealed,
    }  # fmt: skip
    fields = {"return_code": "SUCCESS", "appid": "wx9999999999999999", "mch_id": "1900000001"}
    funds = wechat.write_bill(wechat.FUND_COLUMNS, wechat.FUND_ROWS, wechat.FUND_SUMS)
    signed = v2.signed(fields | {"nonce_str": "a", "body": "测试 & <乙>"}, "test-key", v2.MD5)
    return {
        "wechat-answer": {"paid": json.dumps(PAID).encode()},
        "wechat-notice": {"paid": notice},
        "wechat-v2": {"signed": v2.encode(signed), "text": b"<xml><a>1 &amp; 2</a><b/></xml>"},
        "wechat-v2-refund": {
            "refund": notifications.write_v2_refund(fields, {"refund_id": "1"}, "test-key")
        },
        "wechat-certificates": {"one": json.dumps({"data": [listed]}).encode()},
        "wechat-authorization": {
            "header": b'WECHATPAY2-SHA256-RSA2048 mchid="1",nonce_str="a",timestamp="1",'
            b'serial_no="1",signature="a=="'
        },
        "wechat-trade-bill": {"day": wechat.written()},
        "wechat-fund-bill": {"day": funds},
        "bill": {
            "wechat": wechat.written(), "wechat-funds": funds,
            "alipay": alipay.TRADE_FILE, "alipay-account": alipay.ACCOUNT_FILE,
            "alipay-plain": alipay.TRADE_TEXT.encode("gbk"),
        },
    }  # fmt: skip


def _alipay() -> dict[str, dict[str, bytes]]:
    answer = {"alipay_trade_query_response": TRADE, "sign": "a=="}
    notice = {"notify_time": "2026-11-26 12:00:00", "trade_no": "1", "total_amount": "42.12"}
    return {
        "alipay-answer": {"paid": json.dumps(answer).encode()},
        "alipay-notice": {"paid": urlencode(notice | {"subject": "测试"}).encode()},
        "alipay-trade-bill": {"day": alipay.TRADE_FILE},
        "alipay-account-bill": {"day": alipay.ACCOUNT_FILE},
    }


def _unionpay() -> dict[str, dict[str, bytes]]:
    answer = {"version": "5.1.0", "respCode": "00", "txnAmt": "4212", "reserved": "{a=1&b=2}"}
    normal = line_of(PAYMENT | {"merId": MERCHANT}, ZM)
    adjusted = line_of({"traceNo": "123456", "txnTime": "1126120000"}, ZME)
    zipped = archive.archive_of({
        archive.statement_name(archive.StatementKind.NORMAL, "261126", MERCHANT): normal,
        archive.statement_name(archive.StatementKind.ADJUSTED, "261126", MERCHANT): adjusted,
    })  # fmt: skip
    return {
        "unionpay-notice": {"paid": urlencode(answer).encode()},
        "unionpay-answer": {"paid": "&".join(f"{k}={v}" for k, v in answer.items()).encode()},
        "unionpay-download": {"day": b64encode(zlib.compress(zipped))},
        "bill-transactions": {"day": normal * 2},
        "bill-adjusted": {"day": adjusted * 2},
    }


def _files() -> dict[str, dict[str, bytes]]:
    told = bad_rows.INSTITUTION
    person = json.dumps(bad_rows.PERSON, ensure_ascii=False)
    return {
        "policy": {
            name.partition(".")[0]: shipped_files()[name]
            for name in ("441900.toml", "guangzhou-employee.toml", "zhongshan.toml")
        },
        "institutions-csv": {"two": _csv(told).encode()},
        "institutions-toml": {
            "one": "\n".join(
                ["[[institution]]", *(f'{name} = "{value}"' for name, value in told.items())]
            ).encode()
        },
        "institutions-xlsx": {"one": _workbook([list(told), list(told.values())])},
        "items": {"one": _csv(bad_rows.ITEM).encode()},
        "persons": {"one": f"{person}\n{person}\n".encode()},
        "bank-answer": {
            "two": "order_no,amount,result,bank_no\nA,1.00,成功,1\nB,2,退汇,2\n".encode()
        },
        "institution-lines": {
            "csv": lines.csv_of(lines.ONE, lines.TWO).encode("gb18030"),
            "3202": f"{lines.ONE}\n{lines.TWO}\n".replace(",", "\t").encode(),
            "xlsx": _workbook([line.split(",") for line in (lines.HEADER, lines.ONE)]),
        },
    }


def _doors() -> dict[str, dict[str, bytes]]:
    paid = onecode.PayReply(code="SUCCESS", outTradeNo="A1", state="PAID", totalFen=4212)
    row = Row(at="2026-11-23 10:00:00", kind="PAY", outTradeNo="A1", tradeNo="T1", fen=1, feeFen=0)
    claims = Claims(aud=AUDIENCE, iat=1, exp=2, jti="1", sub="43010000000000000001")
    session = Session(person_no="43010000000000000001", app="A", access_key="a", ends_at=9)
    scan = {
        "order_no": "A1", "code": "134567890123456789", "operator": "1",
        "lines": [{"item_code": "X1", "quantity": "1", "price": "1.00"}],
    }  # fmt: skip
    reply = {"code": 0, "message": "", "data": {"userName": "测试甲", "idNo": "99999919900101001X"}}
    codes = ("134567890123456789", "28" + "0" * 16, "62" + "0" * 17, "424" + "0" * 25)
    return {
        "paycode": {code[:3]: code.encode() for code in codes},
        "onecode": {"paid": msgspec.json.encode(paid)},
        "onecode-bill": {"day": write_bill("ONE1", "2026-11-23", [row]).encode()},
        "wechat-sign-in": {"named": b'{"openid":"oTest","scope":"snsapi_base"}'},
        "evoucher": {"told": json.dumps(reply, ensure_ascii=False).encode()},
        "our-json": {"scan": json.dumps(scan).encode()},
        "app-token": {"token": signed_token("test", "0" * 32, claims).encode()},
        "app-session": {"session": kept(session, KEYRING).encode()},
        "console": {"form": "csrf=abc&name=测试&x=%E6%B5%8B\0settlement_console=abc; b=c".encode()},
    }


def _csv(told: Mapping[str, str]) -> str:
    return f"{','.join(told)}\n{','.join(told.values())}\n"


def _workbook(rows: list[list[str]]) -> bytes:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        book.set_properties({"created": datetime(2026, 11, 26, tzinfo=UTC)})
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return made.getvalue()


if __name__ == "__main__":
    main()
