"""Funds that somebody else owes: claims as one due, what it books, and when a payer may change."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec import structs

from ledger.entry import Transfer
from settlement.books.fund_payers import (
    Claims,
    Due,
    FundPayer,
    due_commitment,
    due_transfers,
    merged,
    other_payer,
    sum_of,
)

HOSPITAL, PHARMACY = "H44190099001", "P44190099001"
DUE = Due(
    lane=3, first_on=date(2026, 10, 1), last_on=date(2026, 10, 31), fund="610100",
    ledger_code=610_100, payer="finance", payer_name="测试财政局", amount_fen=900,
    booked_on=date(2026, 11, 2), actor="测试会计甲", entry_id=26_110_001,
)  # fmt: skip


def claims(institution: str, code: int, rows: int, fen: int) -> Claims:
    """What a fund paid."""
    return Claims(institution=institution, code=code, rows=rows, amount_fen=fen)


def test_claims_of_many_lanes_are_one_line_an_institution_and_kind() -> None:
    found = merged([
        claims(PHARMACY, 1, 1, 50), claims(HOSPITAL, 1, 2, 700), claims(HOSPITAL, 2, 1, -100),
        claims(HOSPITAL, 1, 1, 250),
    ])  # fmt: skip
    assert found == [
        claims(HOSPITAL, 1, 3, 950), claims(HOSPITAL, 2, 1, -100), claims(PHARMACY, 1, 1, 50),
    ]
    assert sum_of(found) == 900
    assert merged([]) == [] and sum_of([]) == 0


@pytest.mark.parametrize(
    ("fen", "moves"),
    [
        (900,  (Transfer(4_610_100, 3_610_100, 900),)),
        (-900, (Transfer(3_610_100, 4_610_100, 900),)),
        (0,    ()),
    ],
)  # fmt: skip
def test_due_is_owed_by_the_payer_and_income_of_the_fund(
    fen: int, moves: tuple[Transfer, ...]
) -> None:
    assert due_transfers(610_100, fen) == moves


def test_entry_commits_to_the_due_and_its_claims_in_whatever_order() -> None:
    some = [claims(HOSPITAL, 1, 3, 950), claims(HOSPITAL, 2, 1, -100), claims(PHARMACY, 1, 1, 50)]
    committed = due_commitment(DUE, some)
    assert committed == due_commitment(DUE, some[::-1])
    others = {
        due_commitment(DUE, some[:2]), due_commitment(structs.replace(DUE, amount_fen=901), some),
        due_commitment(structs.replace(DUE, payer="civil_affairs"), some),
        due_commitment(structs.replace(DUE, first_on=date(2026, 9, 1)), some),
        due_commitment(DUE, [structs.replace(some[0], rows=4), *some[1:]]),
    }
    assert len(others) == 5 and committed not in others


@pytest.mark.parametrize(
    ("payer", "owed_fen", "who"),
    [
        ("finance",       900, None),
        ("civil_affairs", 900, "测试财政局"),
        ("civil_affairs", -1,  "测试财政局"),
        ("civil_affairs", 0,   None),
    ],
)  # fmt: skip
def test_payer_changes_only_where_nothing_is_left(
    payer: str, owed_fen: int, who: str | None
) -> None:
    named = FundPayer(
        fund="610100", ledger_code=610_100, fund_name="医疗救助基金", code=payer, name="测试"
    )
    assert other_payer(named, [DUE], owed_fen) == who
    assert other_payer(named, [], owed_fen) is None
