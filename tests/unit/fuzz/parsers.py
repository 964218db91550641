"""The parsers that take bytes from outside, and what each of them may refuse with.

A parser here is a function of bytes without any effect but its value; what needs a key has a
synthetic one, what reads a file gets one in memory's file system. Anything raised that is not
declared is a crash, as a gateway or a command would have it.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
from aiohttp._cookie_helpers import parse_cookie_header

from protocol import evoucher, hospital, my, onecode, paycode, scan
from protocol.alipay import bills as alipay_bills
from protocol.alipay import gateway, notification
from protocol.alipay.trade import QueryReply
from protocol.hub import bundle, certificates, envelope
from protocol.nhsa import cainfo, gm, mobile_envelope, signing, textfile
from protocol.nhsa.codec import decode, peek_infno
from protocol.nhsa.errors import WireError
from protocol.nhsa.profile import BASELINE
from protocol.unionpay import archive, form
from protocol.unionpay.messages import answer_of
from protocol.wechat import bills as wechat_bills
from protocol.wechat import certificates as wechat_certificates
from protocol.wechat import messages, notifications, sign_in, v2
from protocol.wechat.signing import read_authorization
from settlement.books.bill import BillError
from settlement.books.payout_intake import BANK_COLUMNS, read_bank
from settlement.console.server import cookies_of, pairs_of
from settlement.console.sign_in import token_hash
from settlement.console.visits import csrf_of, is_same
from settlement.finance.bill_sources import Claimed, Received, readings_of
from settlement.intake import institution_lines, institutions, items, persons
from settlement.intake.faults import Fault, FileError
from settlement.intake.source import rows_of
from settlement.keyring import KeyMaterial, Keyring
from settlement.limits import Limits
from settlement.people.my_session import opened
from settlement.people.my_token import taken_apart
from settlement.policy.errors import PolicyError
from settlement.policy.loader import parse_file
from settlement.translate.onecode_bills import OneCodeTrade
from settlement.web.framing import parse_head

NOW = datetime(2026, 11, 26, 4, tzinfo=UTC)
KEY = bytes(range(32))
SM2_KEY = gm.Sm2PrivateKey.of_number(441_900).public
SIGNERS = (
    cainfo.Signer(access_key="test", secret="secret", public_key=SM2_KEY),
    cainfo.Signer(access_key="test", secret="secret"),
)
PARTY = mobile_envelope.Party(app_id="TESTAPP000000001", secret="测试密钥")
ROOT = certificates.Authority(certificates.Ed25519PrivateKey.from_private_bytes(KEY)).root
KEYRING = Keyring((KeyMaterial(version=1, encryption=KEY, lookup=KEY),))
MERCHANT = "777290058110048"
TEXT_MAX = 1 << 20
HEAD_BYTES_MAX = Limits().head_bytes_max


class Parser(NamedTuple):
    """One parser; `refusals` are what whoever calls it is told to expect."""

    read: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...] = ()


def _headers(body: bytes) -> object:
    """What signs a request; header values come as Latin-1."""
    stamp, nonce, signature, *_ = (body.decode("latin-1") + "\n\n\n").split("\n")
    signing.tif_verified(timestamp=stamp, secret="secret", nonce=nonce, signature=signature)
    signing.csb_verified({"_api_timestamp": stamp}, secret="secret", signature=signature)
    return signing.tif_in_window(stamp, now_seconds=0)


def _envelope(body: bytes) -> object:
    return decode(peek_infno(body), body, BASELINE, lines_max=100)


def _signed(body: bytes) -> object:
    """As `serve/sealed` does it, with every choice that a region has."""
    parts = cainfo.parts_of(body)
    said = cainfo.text_of(parts, "cainfo")
    cainfo.is_type(cainfo.text_of(parts, "signtype"), cainfo.SM2)
    for signed in cainfo.Signed:
        rules = cainfo.BodyRules(signed=signed)
        text = cainfo.sign_text(parts, rules)
        for signer in SIGNERS:
            cainfo.is_right(said, text, signer, rules)
    return said


def _encrypted(body: bytes) -> object:
    for mode in gm.Sm4Mode:
        rules = cainfo.BodyRules(sm4_mode=mode)
        try:
            cainfo.decrypted(_text(body), KEY[:16], rules)
        except gm.UndecipherableTextError:
            continue
    return gm.signature_in(_text(body))


def _upload(body: bytes) -> object:
    return textfile.detail_rows(textfile.unpack(body, bytes_max=TEXT_MAX), rows_max=10_000)


def _bill(name: str, body: bytes) -> object:
    """A file of any channel, walked to its end as an import walks it."""
    with ExitStack() as held:
        received = Received(name=name, open=lambda: io.BytesIO(body))
        claimed = Claimed(merchant=MERCHANT, day=NOW.date())
        return [list(one.rows()) for one in readings_of(received, claimed, held)]


def _statements(body: bytes) -> object:
    """A download of UnionPay, from the text that carries it to the files in it."""
    zipped = archive.zip_of(_text(body), bytes_max=TEXT_MAX)
    return archive.statements(zipped, MERCHANT, bytes_max=TEXT_MAX)


def _file(suffix: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """A reader of files, given bytes."""

    def read_bytes(body: bytes) -> object:
        path = Path(tempfile.gettempdir(), f"fuzz-{os.getpid()}{suffix}")
        try:
            path.write_bytes(body)
            return read(path)
        finally:
            path.unlink()

    return read_bytes


def _institutions(kind: str, path: Path) -> object:
    faults: list[Fault] = []
    rows = rows_of(path, kind, institutions.COLUMNS, faults)
    return institutions.read_institutions(rows, "441900", faults), faults


def _items(path: Path) -> object:
    faults: list[Fault] = []
    return items.read_items(rows_of(path, "csv", items.COLUMNS, faults), faults)


def _persons(path: Path) -> object:
    faults: list[Fault] = []
    rows = list(rows_of(path, "ndjson", persons.COLUMNS, faults))
    return persons.read_person(rows[:10], "441900", faults) if rows else None


def _bank(path: Path) -> object:
    faults: list[Fault] = []
    return read_bank(rows_of(path, "csv", BANK_COLUMNS, faults), faults)


def _console(body: bytes) -> object:
    """A form and the cookies of one head, read as aiohttp reads them, and compared."""
    text, _, cookie = body.partition(b"\0")
    fields = pairs_of(text.decode("utf-8", "replace"))
    header = cookie.replace(b"\r", b"").replace(b"\n", b"")[:HEAD_BYTES_MAX]
    read = parse_cookie_header(header.decode("utf-8", "surrogateescape"))
    cookies = cookies_of({name: one.value for name, one in read})
    session = cookies.get("settlement_console", "")
    token_hash(session)
    return is_same(csrf_of(session), fields.get("csrf", "")), fields


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _json(kind: type[msgspec.Struct], body: bytes) -> object:
    return msgspec.json.decode(body, type=kind)


def _our_json(body: bytes) -> list[object]:
    """Bodies of our own interfaces; the door in front of them knows these three."""
    kinds = (
        scan.ScanRequest, scan.RefundRequest, scan.CancelRequest, hospital.DepositRequest,
        hospital.AdmitRequest, my.FilingRequest, my.ReimbursementRequest,
    )  # fmt: skip
    read: list[object] = []
    for kind in kinds:
        try:
            read.append(_json(kind, body))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as refused:
            read.append(refused)
    return read


def _onecode_bill(body: bytes) -> object:
    return list(OneCodeTrade(body.splitlines(keepends=True)).rows())


PARSERS: Mapping[str, Parser] = {
    "envelope": Parser(_envelope, (WireError,)),
    "head": Parser(lambda body: parse_head(body, 16_384)),
    "headers": Parser(_headers),
    "cainfo": Parser(_signed, (ValueError, RecursionError)),
    "ciphertext": Parser(_encrypted),
    "mobile-envelope": Parser(
        lambda body: (mobile_envelope.app_id_in(body), mobile_envelope.opened(body, PARTY)),
        (mobile_envelope.EnvelopeError,),
    ),
    "upload": Parser(_upload, (textfile.FileError,)),
    "paycode": Parser(lambda body: paycode.read(_text(body)).masked),
    "onecode": Parser(lambda body: onecode.content_of(body, onecode.PayReply), (ValueError,)),
    "onecode-bill": Parser(_onecode_bill, (BillError,)),
    "wechat-sign-in": Parser(sign_in.read_signed_in),
    "evoucher": Parser(evoucher.read_reply, (ValueError,)),
    "our-json": Parser(_our_json),
    "hub-message": Parser(bundle.passing, (envelope.UnreadableError,)),
    "hub-foreign": Parser(envelope.read_foreign, (envelope.UnreadableError,)),
    "hub-request": Parser(
        lambda body: certificates.read_request(_text(body)), (certificates.CertificateError,)
    ),
    "hub-certificate": Parser(
        lambda body: certificates.read_certificate(_text(body), ROOT),
        (certificates.CertificateError,),
    ),
    "wechat-answer": Parser(
        lambda body: messages.read(body, messages.Payment), (messages.UnreadableAnswerError,)
    ),
    "wechat-notice": Parser(
        lambda body: notifications.read_resource(
            notifications.read_envelope(body), KEY, messages.Payment
        ),
        (notifications.UnreadableNotificationError,),
    ),
    "wechat-v2": Parser(v2.decode, (v2.NotV2Error,)),
    "wechat-v2-refund": Parser(
        lambda body: notifications.read_v2_refund(body, "test-key"),
        (notifications.UnreadableNotificationError,),
    ),
    "wechat-certificates": Parser(
        lambda body: wechat_certificates.read_certificates(body, KEY, now=NOW), (ValueError,)
    ),
    "wechat-authorization": Parser(lambda body: read_authorization(_text(body))),
    "wechat-trade-bill": Parser(wechat_bills.trade_bill, (wechat_bills.DamagedBillError,)),
    "wechat-fund-bill": Parser(wechat_bills.fund_bill, (wechat_bills.DamagedBillError,)),
    "bill": Parser(partial(_bill, "bill"), (BillError,)),
    "bill-adjusted": Parser(partial(_bill, f"INN26112688ZME_{MERCHANT}"), (BillError,)),
    "bill-transactions": Parser(partial(_bill, f"INN26112688ZM_{MERCHANT}"), (BillError,)),
    "alipay-answer": Parser(
        lambda body: gateway.content_of(
            gateway.answer_of(body, "alipay.trade.query").node, QueryReply
        ),
        (gateway.AnswerUnreadableError,),
    ),
    "alipay-notice": Parser(
        lambda body: notification.notice_of(notification.form_of(body)), (ValueError,)
    ),
    "alipay-trade-bill": Parser(alipay_bills.trade_bill, (alipay_bills.BillFormError,)),
    "alipay-account-bill": Parser(alipay_bills.account_bill, (alipay_bills.BillFormError,)),
    "unionpay-notice": Parser(lambda body: answer_of(form.form_fields(body)), (form.FormError,)),
    "unionpay-answer": Parser(lambda body: answer_of(form.answer_fields(body)), (form.FormError,)),
    "unionpay-download": Parser(_statements, (archive.ArchiveError,)),
    "policy": Parser(partial(parse_file, "test.toml"), (PolicyError,)),
    "institutions-csv": Parser(_file(".csv", partial(_institutions, "csv")), (FileError,)),
    "institutions-toml": Parser(_file(".toml", partial(_institutions, "toml")), (FileError,)),
    "institutions-xlsx": Parser(_file(".xlsx", partial(_institutions, "xlsx")), (FileError,)),
    "items": Parser(_file(".csv", _items), (FileError,)),
    "persons": Parser(_file(".ndjson", _persons), (FileError,)),
    "bank-answer": Parser(_file(".csv", _bank), (FileError,)),
    "institution-lines": Parser(_file(".csv", institution_lines.read_lines), (BillError,)),
    "app-token": Parser(lambda body: taken_apart(_text(body))),
    "app-session": Parser(lambda body: opened(_text(body), KEYRING, 0)),
    "console": Parser(_console),
}
