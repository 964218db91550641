"""Pricing a claim's lines: the split of every line, and each reason to refuse one."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from settlement.claim import CareKind, ClaimLine, PricedLine
from settlement.pricing import price, price_refund, totals_of
from settlement.refusal import Refusal
from tests.unit.benefit.builders import (
    DONGGUAN,
    STRICT_REGION,
    a_catalogue,
    a_claim,
    a_line,
    an_institution,
    an_item,
)

CEILING = {"1": 4_000_000, "2": 5_000_000}
CATALOGUE = a_catalogue(
    an_item("CLASSA"),
    an_item("CLASSB", item_class="02", self_pay_bp=500),
    an_item("CLASSC", item_class="03", self_pay_bp=10_000),
    an_item("CZERO", item_class="03", self_pay_bp=0, ceiling_e6=CEILING),
    an_item("AFULL", item_class="01", self_pay_bp=10_000),
    an_item("ACEIL", ceiling_e6=CEILING),
    an_item("BCEIL", item_class="02", self_pay_bp=1_000, ceiling_e6=CEILING),
    an_item("FREE", ceiling_e6={"1": 0}),
    an_item("BYSCHM", self_pay_bp=1_000, self_pay_bp_by_scheme={"390": 2_000}),
    an_item("OLD1", effective_to=date(2025, 12, 31)),
)
LEVEL_1 = an_institution(ceiling_level="1")
CODES = ["CLASSA", "CLASSB", "CLASSC", "CZERO", "AFULL", "ACEIL", "BCEIL", "FREE", "NEVER1"]


def priced(*lines: ClaimLine, **changes: object) -> tuple[PricedLine, ...]:
    result = price(a_claim(*lines, **changes), CATALOGUE, LEVEL_1, DONGGUAN)
    assert not isinstance(result, Refusal), result
    return result


def parts(line: PricedLine) -> tuple[int, int, int, int]:
    return (
        line.full_self_pay_fen,
        line.over_ceiling_fen,
        line.pre_self_pay_fen,
        line.in_scope_fen,
    )


@pytest.mark.parametrize(
    ("code", "price_e6", "quantity_e4", "amount_fen", "full", "over", "pre", "in_scope"),
    [
        ("CLASSA", 2_000_000,  30_000,  600,   0,   0,   0,  600),  # recorded case A07, class A
        ("CLASSC", 1_500_000,  10_000,  150, 150,   0,   0,    0),  # recorded case A07, class C
        ("CLASSB", 4_520_000,  10_000,  452,   0,   0,  23,  429),  # recorded case A02: 0.226
        ("AFULL", 120_000_000, 100_000, 120_000, 120_000, 0, 0,  0),  # A10: ratio beats class
        ("CZERO",  9_000_000,  10_000,  900, 900,   0,   0,    0),  # class C beats the ceiling
        ("NEVER1", 9_990_000,  10_000,  999, 999,   0,   0,    0),  # out of catalogue
        ("CLASSB",   100_000,  10_000,   10,   0,   0,   1,    9),  # 0.005 is a tie: up
        ("CLASSB",    90_000,  10_000,    9,   0,   0,   0,    9),  # 0.0045
        ("ACEIL",  4_000_000,  10_000,  400,   0,   0,   0,  400),  # at the ceiling
        ("ACEIL",  4_520_000,  20_000,  904,   0, 104,   0,  800),  # over it
        ("BCEIL",  4_520_000,  20_000,  904,   0, 104,  80,  720),  # pre-self-pay of the rest
        ("BCEIL",  4_333_333,  15_000,  650,   0,  50,  60,  540),  # 0.4999995 over
        ("FREE",   1_005_000,  10_000,  100,   0, 100,   0,    0),  # amount a fen under 1.005
        ("CLASSA",   333_333,  30_000,  100,   0,   0,   0,  100),  # 0.999999
        ("CLASSA",   333_333,  30_000,   99,   0,   0,   0,   99),  # within the tolerance
        ("CLASSA",         0,  10_000,    0,   0,   0,   0,    0),  # a free sample
    ],
)  # fmt: skip
def test_line_splits_in_four_and_loses_nothing(
    code: str, price_e6: int, quantity_e4: int, amount_fen: int,
    full: int, over: int, pre: int, in_scope: int,
) -> None:  # fmt: skip
    (line,) = priced(a_line(code, price_e6, quantity_e4, amount_fen))
    assert parts(line) == (full, over, pre, in_scope)


@pytest.mark.parametrize(("scheme", "self_pay_bp"), [("310", 1_000), ("390", 2_000)])
def test_self_pay_ratio_depends_on_the_scheme(scheme: str, self_pay_bp: int) -> None:
    (line,) = priced(a_line("BYSCHM", 1_000_000, 10_000, 100), scheme=scheme)
    assert line.self_pay_bp == self_pay_bp


@pytest.mark.parametrize(("level", "over"), [("1", 200), ("2", 100), ("3", 0)])
def test_ceiling_depends_on_the_level_of_the_institution(level: str, over: int) -> None:
    claim = a_claim(a_line("ACEIL", 6_000_000, 10_000, 600))
    result = price(claim, CATALOGUE, an_institution(ceiling_level=level), DONGGUAN)
    assert not isinstance(result, Refusal)
    assert result[0].over_ceiling_fen == over


def test_out_of_catalogue_line_says_so() -> None:
    (line,) = priced(a_line("NEVER1", 1_000_000, 10_000, 100))
    assert (line.item_class, line.self_pay_bp, line.charge_kind) == ("03", 10_000, "14")
    assert line.note == "目录外项目，按全自费处理"


GOOD = a_line("CLASSA", 1_000_000, 10_000, 100)


@pytest.mark.parametrize(
    ("code", "line", "field"),
    [
        ("LINE_AMOUNT_MISMATCH",  replace(GOOD, amount_fen=102),       "lines[1].amount"),
        ("LINE_AMOUNT_MISMATCH",  replace(GOOD, amount_fen=98),        "lines[1].amount"),
        ("PRICE_NEGATIVE",        a_line("CLASSA", -1_000, 10_000, 0), "lines[1].price"),
        ("QUANTITY_NOT_POSITIVE", a_line("CLASSA", 1_000, 0, 0),       "lines[1].quantity"),
        ("QUANTITY_NOT_POSITIVE", a_line("CLASSA", 1_000_000, -10_000, -100), "lines[1].quantity"),
        ("LINE_SIGN_MISMATCH",    a_line("CLASSA", 1_000, 10_000, -1), "lines[1].amount"),
        ("ITEM_CODE_MALFORMED",   replace(GOOD, item_code="药品"),      "lines[1].item_code"),
        ("ITEM_CODE_MALFORMED",   replace(GOOD, item_code="AB\n"),     "lines[1].item_code"),
        ("ITEM_NOT_IN_FORCE",     replace(GOOD, item_code="OLD1"),     "lines[1].item_code"),
    ],
)  # fmt: skip
def test_bad_line_is_refused_by_name_and_place(code: str, line: ClaimLine, field: str) -> None:
    result = price(a_claim(GOOD, line), CATALOGUE, LEVEL_1, DONGGUAN)
    assert isinstance(result, Refusal)
    assert (result.code, result.field) == (code, field)
    assert result.params["line_no"] == "1"


def test_unknown_item_is_refused_where_the_region_says_so() -> None:
    claim = a_claim(replace(GOOD, item_code="NEVER1"))
    result = price(claim, CATALOGUE, LEVEL_1, STRICT_REGION)
    assert isinstance(result, Refusal)
    assert result.code == "ITEM_NOT_IN_CATALOGUE"


def test_total_must_equal_the_sum_of_the_lines_to_the_fen() -> None:
    result = price(a_claim(GOOD, GOOD, total_fen=201), CATALOGUE, LEVEL_1, DONGGUAN)
    assert result == Refusal(
        code="TOTAL_MISMATCH", field="total", params={"declared_fen": 201, "computed_fen": 200}
    )


def test_claim_without_lines_is_refused() -> None:
    assert price(a_claim(), CATALOGUE, LEVEL_1, DONGGUAN) == Refusal(
        code="LINES_MISSING", field="lines"
    )


def test_inpatient_refund_line_is_the_exact_negative() -> None:
    charged = a_line("BCEIL", 4_333_333, 15_000, 650)
    taken_back = a_line("BCEIL", 4_333_333, -15_000, -650)
    plus, minus = priced(charged, taken_back, kind=CareKind.INPATIENT)
    assert parts(minus) == tuple(-part for part in parts(plus))


def back(original: PricedLine, quantity_e4: int, amount_fen: int) -> ClaimLine:
    """A line that takes so much of another back."""
    return replace(original.line, quantity_e4=-quantity_e4, amount_fen=-amount_fen)


def test_refund_keeps_the_split_of_its_line_whatever_holds_by_now() -> None:
    [charged] = priced(a_line("BCEIL", 10_000_000, 30_000, 3_000))
    later = replace(
        back(charged, 30_000, 3_000), approval="2", occurred_on=date(2030, 1, 1), item_code="OLD1"
    )
    taken_back = price_refund(later, charged, [])
    assert taken_back.line == later
    assert parts(taken_back) == tuple(-part for part in parts(charged))
    assert taken_back.item_class == charged.item_class == "02"


def test_refund_of_a_line_that_was_self_pay_is_self_pay() -> None:
    [charged] = priced(a_line("CLASSC", 1_000_000, 30_000, 301))
    first = price_refund(back(charged, 10_000, 101), charged, [])
    assert parts(first) == (-101, 0, 0, 0)
    assert first.self_pay_bp == 10_000


@pytest.mark.parametrize(
    ("amounts", "split"),
    [
        # what rounding took too much comes back with the last of them
        ((233, 233, 234), [(0, -67, -17, -149), (0, -67, -17, -149), (0, -66, -16, -152)]),
        # the institution's own rounding falls to what is in scope
        ((233, 233, 233), [(0, -67, -17, -149), (0, -67, -17, -149), (0, -66, -16, -151)]),
    ],
)  # fmt: skip
def test_returns_in_parts_come_to_the_whole(
    amounts: tuple[int, ...], split: list[tuple[int, ...]]
) -> None:
    [charged] = priced(a_line("BCEIL", 2_333_333, 30_000, 700))
    charged = replace(charged, over_ceiling_fen=200, pre_self_pay_fen=50, in_scope_fen=450)
    earlier: list[PricedLine] = []
    for amount_fen in amounts:
        earlier.append(price_refund(back(charged, 10_000, amount_fen), charged, earlier))
    assert [parts(one) for one in earlier] == split


LINES = st.builds(
    lambda code, price_e6, quantity_e4, gap: _rounded_line(code, price_e6, quantity_e4, gap),
    st.sampled_from(CODES),
    st.integers(0, 10**10),
    st.integers(1, 10**7),
    st.integers(-1, 1),
)


def _rounded_line(code: str, price_e6: int, quantity_e4: int, gap: int) -> ClaimLine:
    exact = Decimal(price_e6) * quantity_e4 / 10**8
    amount_fen = int(exact.quantize(Decimal(1), ROUND_HALF_UP)) + gap
    return a_line(code, price_e6, quantity_e4, max(amount_fen, 0))


@given(st.lists(LINES, min_size=1, max_size=8))
def test_no_fen_is_lost_or_negative_in_any_line(lines: list[ClaimLine]) -> None:
    result = priced(*lines)
    for line in result:
        assert sum(parts(line)) == line.line.amount_fen
        assert min(parts(line)) >= 0
    totals = totals_of(result)
    assert totals.total_fen == sum(line.amount_fen for line in lines) == sum(totals.parts())


@given(LINES, st.lists(st.integers(1, 10**7), max_size=6))
def test_what_comes_back_by_and_by_leaves_no_fen_of_any_part(
    line: ClaimLine, pieces: list[int]
) -> None:
    [charged] = priced(line)
    left_e4, left_fen = line.quantity_e4, line.amount_fen
    earlier: list[PricedLine] = []
    for piece_e4 in pieces:
        if piece_e4 >= left_e4:
            break
        amount_fen = left_fen * piece_e4 // left_e4
        earlier.append(price_refund(back(charged, piece_e4, amount_fen), charged, earlier))
        left_e4, left_fen = left_e4 - piece_e4, left_fen - amount_fen
    earlier.append(price_refund(back(charged, left_e4, left_fen), charged, earlier))
    for one in earlier:
        assert sum(parts(one)) == one.line.amount_fen and max(parts(one)) <= 0
    assert totals_of((charged, *earlier)).parts() == (0, 0, 0, 0)


def test_items_are_priced_as_of_the_date_of_the_line() -> None:
    assert priced(replace(GOOD, item_code="OLD1", occurred_on=date(2025, 12, 31)))
