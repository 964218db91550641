"""What was scanned, from prefix and length; a person's number is never taken for a payment code."""

from __future__ import annotations

import random

import pytest

from protocol import paycode
from protocol.paycode import CodeKind
from tests.tidy.test_privacy import check_character

VOUCHER = "424" + "12345678901234567" + "89" + "13" + "0000"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("130012345678901234",          CodeKind.WECHAT),
        ("100012345678901234",          CodeKind.WECHAT),
        ("150012345678901234",          CodeKind.WECHAT),
        ("160012345678901234",          CodeKind.UNKNOWN),
        ("13001234567890123",           CodeKind.UNKNOWN),
        ("1300123456789012345",         CodeKind.UNKNOWN),
        ("288186539097317031",          CodeKind.ALIPAY),
        ("2500123456789012",            CodeKind.ALIPAY),
        ("300012345678901234567890",    CodeKind.ALIPAY),
        ("3100123456789012",            CodeKind.UNKNOWN),
        ("2400123456789012",            CodeKind.UNKNOWN),
        ("250012345678901",             CodeKind.UNKNOWN),
        ("3000123456789012345678901",   CodeKind.UNKNOWN),
        ("fp0aAbB1234567890",           CodeKind.ALIPAY_FACE),
        ("fp",                          CodeKind.UNKNOWN),
        ("6220001234567890123",         CodeKind.UNIONPAY),
        ("62200012345678901234",        CodeKind.UNIONPAY),
        ("622000123456789012345",       CodeKind.UNKNOWN),
        ("0100001234567890123",         CodeKind.DIGITAL_RMB),
        (VOUCHER,                       CodeKind.VOUCHER),
        (VOUCHER[:-1],                  CodeKind.UNKNOWN),
        ("opc" + VOUCHER[3:],           CodeKind.VOUCHER_PARTNER),
        ("ano" + VOUCHER[3:],           CodeKind.VOUCHER_FACE),
        ("A12345678",                   CodeKind.SOCIAL_CARD),
        ("620123456",                   CodeKind.SOCIAL_CARD),
        ("123456789012",                CodeKind.SOCIAL_CARD),
        ("",                            CodeKind.UNKNOWN),
        ("wxp://f2f0abc",               CodeKind.UNKNOWN),
        ("１３００１２３４５６７８９０１２３４",  CodeKind.UNKNOWN),
        ("1300 1234 5678 9012 34",      CodeKind.UNKNOWN),
    ],
)  # fmt: skip
def test_kind_follows_from_prefix_and_length(code: str, kind: CodeKind) -> None:
    assert paycode.read(code).kind is kind


@pytest.mark.parametrize("ends", ["\r\n", "\t", "  "])
def test_what_the_scanner_adds_is_not_part_of_the_code(ends: str) -> None:
    scanned = paycode.read(f" 288186539097317031{ends}")
    assert (scanned.kind, scanned.code) == (CodeKind.ALIPAY, "288186539097317031")


@pytest.mark.parametrize("region", ["110101", "120101", "130102", "140105", "150102", "620102"])
def test_identity_number_that_begins_like_a_payment_code_does_not_pay(region: str) -> None:
    """Beijing to Inner Mongolia begin like WeChat's codes, Gansu like UnionPay's."""
    first = f"{region}19500229001"
    assert paycode.read(first + check_character(first)).pays, "there was no such day in 1950"
    first = f"{region}19520229001"
    number = first + check_character(first)
    scanned = paycode.read(number)
    assert scanned.kind is CodeKind.IDENTITY
    assert not scanned.pays and not scanned.is_voucher
    other_check = "0" if number[-1] != "0" else "1"
    assert paycode.read(first + other_check).pays


def test_identity_number_is_known_by_its_x_and_in_its_old_form() -> None:
    # Of the running numbers under one region and day some have X for their check character.
    firsts = [f"99999919800101{serial:03d}" for serial in range(100)]
    numbers = [first + check_character(first) for first in firsts]
    with_x = [number for number in numbers if number.endswith("X")]
    for number in (*numbers, *with_x, *(number.lower() for number in with_x)):
        assert paycode.read(number).kind is CodeKind.IDENTITY
    assert with_x
    assert paycode.read("999999800101001").kind is CodeKind.IDENTITY
    assert paycode.read("999999801301001").kind is CodeKind.UNKNOWN


def test_few_wechat_codes_look_like_identity_numbers(rng: random.Random) -> None:
    """The price of the rule above, as its module states it: one in eighteen thousand."""
    codes = [f"{rng.randint(10, 15)}{rng.randrange(10**16):016d}" for _ in range(40_000)]
    lost = sum(not paycode.read(code).pays for code in codes)
    assert lost < 20


@pytest.mark.parametrize(
    ("code", "masked"),
    [
        ("288186539097317031",   "28…(18)…7031"),
        ("130012345678901234",   "13…(18)…1234"),
        ("6220001234567890123",  "62…(19)…0123"),
        (VOUCHER,                "424…(28)…0000"),
        ("A12345678",            "(9)"),
        ("999999800101001",      "(15)"),
        ("what is this",         "(12)"),
        ("",                     "(0)"),
    ],
)  # fmt: skip
def test_mask_shows_no_more_than_it_needs(code: str, masked: str) -> None:
    scanned = paycode.read(code)
    assert scanned.masked == masked
    assert repr(scanned) == f"Scanned({scanned.kind} {masked})"


def test_digest_input_tells_kinds_and_codes_apart() -> None:
    codes = ["288186539097317031", "288186539097317032", "130012345678901234", VOUCHER]
    inputs = {paycode.read(code).digest_input for code in codes}
    assert len(inputs) == len(codes)
    assert paycode.read(f"{codes[0]}\n").digest_input in inputs


def test_province_of_a_voucher_is_known_before_any_call() -> None:
    assert paycode.read(VOUCHER).province == "13"
    assert paycode.read("ano" + VOUCHER[3:]).province is None
    assert paycode.read("288186539097317031").province is None
