"""Amounts go in and out exactly, in every spelling, and what does not fit is refused."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.nhsa.amounts import (
    decimal_json,
    decimal_raw,
    price_json,
    quantity_json,
    ratio_json,
    scaled,
    yuan,
    yuan_json,
)
from protocol.nhsa.errors import WireError, WireErrorCode

LIMIT = 10**16 - 1
fens = st.integers(min_value=-LIMIT, max_value=LIMIT)


@given(fens)
def test_fen_to_yuan_and_back_is_exact(amount: int) -> None:
    read_back = msgspec.json.decode(msgspec.json.encode(yuan(amount)), type=Decimal)
    assert scaled(read_back, 2, "a") == amount
    assert read_back == Decimal(amount).scaleb(-2)


@given(st.integers(min_value=-LIMIT, max_value=LIMIT), st.sampled_from([0, 2, 4, 6]))
def test_every_scale_is_exact(value: int, places: int) -> None:
    raw = bytes(decimal_raw(value, places))
    assert scaled(msgspec.json.decode(raw, type=Decimal), places, "a") == value


@given(fens, st.integers(min_value=0, max_value=12))
def test_spelling_does_not_matter(amount: int, zeros: int) -> None:
    value = Decimal(amount).scaleb(-2)
    with_zeros = Decimal(f"{value:.2f}" + "0" * zeros)
    assert scaled(with_zeros, 2, "a") == amount
    assert scaled(value.normalize(), 2, "a") == amount


@given(fens, st.integers(min_value=3, max_value=40), st.integers(min_value=1, max_value=9))
def test_more_decimals_than_the_scale_are_refused(amount: int, place: int, digit: int) -> None:
    text = f"{Decimal(amount).scaleb(-2):.2f}" + "0" * (place - 3) + str(digit)
    with pytest.raises(WireError) as caught:
        scaled(Decimal(text), 2, "input.data.medfee_sumamt")
    assert caught.value.code is WireErrorCode.AMOUNT_SCALE
    assert caught.value.field == "input.data.medfee_sumamt"


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_any_decimal_is_either_exact_or_refused(value: Decimal) -> None:
    try:
        amount = scaled(value, 2, "a")
    except WireError:
        return
    assert Decimal(amount) == value * 100


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (1230, "12.30"), (-100, "-1.00"), (99, "0.99")],
)
def test_yuan_is_written_with_two_decimals(amount: int, text: str) -> None:
    assert bytes(yuan(amount)).decode() == text


def test_ratio_is_written_with_four_decimals() -> None:
    assert bytes(decimal_raw(7500, 4)) == b"0.7500"
    assert bytes(decimal_raw(42, 0)) == b"42"


@given(st.integers(-(10**15), 10**15))
def test_the_short_ways_to_write_a_number_agree_with_the_long_one(value: int) -> None:
    assert yuan_json(value) == decimal_json(value, 2)
    assert quantity_json(value) == decimal_json(value, 4)
    assert price_json(value) == decimal_json(value, 6)
    assert ratio_json(value) == decimal_json(value, 4)


@given(st.integers(-20_000, 20_000))
def test_small_sums_are_written_like_large_ones(fen: int) -> None:
    assert yuan_json(fen) == decimal_json(fen, 2)
    assert quantity_json(fen * 10_000) == decimal_json(fen * 10_000, 4)
    assert price_json(fen * 10_000) == decimal_json(fen * 10_000, 6)
