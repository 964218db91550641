"""医保码 of the simulated world: the national structure, and what each of them says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from loadtest.simulators import voucher_codes
from loadtest.simulators.payer_codes import Behaviour
from loadtest.simulators.voucher_codes import PREFIXES, SOCIAL_CARD, Decoding, UsedCodes
from protocol import paycode
from protocol.paycode import CodeKind

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("paying", [None, *Behaviour])
def test_code_says_whose_it_is_and_what_will_happen(
    prefix: str, paying: Behaviour | None
) -> None:
    code = voucher_codes.make(
        1234, province="44", at=NOON, serial=7, prefix=prefix, decoding=Decoding.ELSEWHERE,
        paying=paying,
    )  # fmt: skip
    read = voucher_codes.read(code)
    assert read is not None
    assert (read.person, read.province, read.decoding, read.paying, read.is_test) == (
        1234, "44", Decoding.ELSEWHERE, paying, False,
    )  # fmt: skip


def test_code_has_the_national_structure() -> None:
    code = voucher_codes.make(1, province="13", at=NOON)
    scanned = paycode.read(code)
    assert len(code) == 28
    assert (scanned.kind, scanned.province) == (CodeKind.VOUCHER, "13")
    assert code.endswith("0000")


def test_social_card_code_looks_like_no_real_one() -> None:
    code = voucher_codes.make(1, province="44", at=NOON, prefix=SOCIAL_CARD)
    assert code.startswith("SIM")
    assert paycode.read(code).kind is CodeKind.UNKNOWN


def test_code_lives_a_minute_and_a_test_code_for_ever() -> None:
    for code, old in (
        (voucher_codes.make(1, province="44", at=NOON), True),
        (voucher_codes.test_code(1, province="44"), False),
    ):
        read = voucher_codes.read(code)
        assert read is not None
        assert not voucher_codes.is_old(read, at=NOON + timedelta(seconds=60))
        assert voucher_codes.is_old(read, at=NOON + timedelta(seconds=61)) is old
        used = UsedCodes()
        used.take(code)
        assert used.is_used(code, read) is old


@pytest.mark.parametrize(
    "code",
    ["", "424", "424" + "1" * 24, "424" + "9" * 25, "424" + "1" * 25, "134567890123456789"],
)
def test_what_no_phone_shows_is_no_code(code: str) -> None:
    assert voucher_codes.read(code) is None


def test_test_codes_are_all_different() -> None:
    codes = voucher_codes.test_codes(5, province="44")
    assert {"ok", "expired", "not_signed", "social_card", "pay_userpaying"} <= set(codes)
    doubles = {codes["ok"], codes["pay_ok"]}
    assert len(doubles) == 1
    assert len(set(codes.values())) == len(codes) - 1
