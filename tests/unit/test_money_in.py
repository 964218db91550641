"""Files of money in: what each state takes, what rows move, and what is taken where too little is
there."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import product

import pytest

from ledger.entry import Transfer
from settlement import chart
from settlement.books.money_in import (
    AFTER,
    NAMES,
    SOURCES,
    Act,
    MoneyRow,
    NotPossibleError,
    Source,
    State,
    Step,
    Subject,
    Taken,
    entry_code,
    state_of,
    take,
    transfers,
)
from settlement.chart import EntryCode, MoneyAccount
from settlement.finance.money_interest import interest_fen
from settlement.intake.money import Lane, by_entry_code, read_accounts, read_signed_amount
from settlement.storage.money import numbers

AT = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
ACCOUNT, OTHER = 10**12 + 1, 10**12 + 2


def row(number: int, source: Source, fen: int, *, account: int = ACCOUNT, **more: str) -> MoneyRow:
    """A row of a file."""
    person = "测试甲" if source.subject is Subject.ACCOUNTS else ""
    return MoneyRow(
        lane=3, entry_id=7, file_no=5, row_no=number, month=date(2026, 11, 1), source=source,
        person_no=person, scheme=more.get("scheme", ""), fund=more.get("fund", ""), reference="",
        account=account, amount_fen=fen,
    )  # fmt: skip


def steps(*acts: Act) -> list[Step]:
    """Acts as steps."""
    return [
        Step(step_no=number, act=act, at=AT, actor="测试", reason="测试")
        for number, act in enumerate(acts, 1)
    ]


@pytest.mark.parametrize(
    ("acts", "state"),
    [
        ((), State.NEW),
        ((Act.TAKE_IN,), State.TAKEN_IN),
        ((Act.TAKE_IN, Act.REJECT), State.REJECTED),
        ((Act.TAKE_IN, Act.PROPOSE), State.PROPOSED),
        ((Act.TAKE_IN, Act.PROPOSE, Act.REJECT), State.REJECTED),
        ((Act.TAKE_IN, Act.PROPOSE, Act.CONFIRM), State.CONFIRMED),
        ((Act.TAKE_IN, Act.PROPOSE, Act.CONFIRM, Act.BOOK), State.BOOKED),
    ],
)
def test_each_state_takes_what_the_table_says_and_nothing_else(
    acts: tuple[Act, ...], state: State
) -> None:
    assert state_of(steps(*acts)) is state
    for act in Act:
        if (state, act) in AFTER:
            assert state_of(steps(*acts, act)) is AFTER[state, act]
            continue
        with pytest.raises(NotPossibleError):
            state_of(steps(*acts, act))


def test_the_table_ends_in_states_that_take_nothing() -> None:
    ends = {
        state for state in State if not any((state, act) in AFTER for act in Act)
    }
    assert ends == {State.REJECTED, State.BOOKED}


@pytest.mark.parametrize(
    ("source", "debit", "credit"),
    [
        (Source.OWN_CONTRIBUTION, chart.CONTRIBUTIONS_BANK, ACCOUNT),
        (Source.EMPLOYEE_POOL, 1_310_102, ACCOUNT),
        (Source.ALLOTTED_INTEREST, MoneyAccount.INTEREST_TO_ALLOT, ACCOUNT),
        (Source.REFUND, chart.CONTRIBUTIONS_BANK, ACCOUNT),
        (Source.INHERITED, MoneyAccount.TO_HEIRS, ACCOUNT),
        (Source.MOVED_IN, chart.CONTRIBUTIONS_BANK, ACCOUNT),
        (Source.LEFT_TO_HEIRS, ACCOUNT, MoneyAccount.TO_HEIRS),
        (Source.MOVED_OUT, ACCOUNT, chart.TRANSFERS_OUT),
        (Source.CLEARED_OUT, ACCOUNT, MoneyAccount.TO_PAY_OUT),
        (Source.CLAWED_BACK, ACCOUNT, MoneyAccount.CLAWED_BACK),
        (Source.REPAID, chart.CONTRIBUTIONS_BANK, MoneyAccount.OWED_BY_PERSONS),
    ],
)
def test_each_source_moves_between_its_accounts(source: Source, debit: int, credit: int) -> None:
    taken = Taken(taken_fen=100) if source.takes else None
    assert transfers(row(1, source, 100, fund="310102"), taken) == (
        Transfer(debit, credit, 100),
    )


@pytest.mark.parametrize(
    ("source", "fen", "debit", "credit"),
    [
        (Source.CONTRIBUTIONS, 100, 2_000_040, 3_310_102),
        (Source.CONTRIBUTIONS, -100, 3_310_102, 2_000_040),
        (Source.OPENING, 100, 2_000_040, MoneyAccount.FUNDS_CARRIED),
        (Source.OPENING, -100, MoneyAccount.FUNDS_CARRIED, 2_000_040),
        (Source.ACCOUNT_INTEREST, 100, chart.CONTRIBUTIONS_BANK, MoneyAccount.INTEREST_TO_ALLOT),
    ],
)
def test_income_comes_in_at_the_bank_of_its_scheme(
    source: Source, fen: int, debit: int, credit: int
) -> None:
    own = row(1, source, fen, account=3_310_102, scheme="310", fund="310102")
    assert transfers(own, None) == (Transfer(debit, credit, 100),)


@pytest.mark.parametrize(
    ("fen", "debit", "credit"),
    [(100, chart.PAYOUT_BANK, 4_610_100), (-100, 4_610_100, chart.PAYOUT_BANK)],
)
def test_payer_of_a_fund_pays_into_the_bank_that_institutions_are_paid_from(
    fen: int, debit: int, credit: int
) -> None:
    own = row(1, Source.PAYER, fen, account=4_610_100, scheme="390", fund="610100")
    assert transfers(own, None) == (Transfer(debit, credit, 100),)


def test_rows_of_payers_are_in_entries_of_their_own() -> None:
    sources = [Source.SUBSIDY, Source.PAYER, Source.CONTRIBUTIONS, Source.PAYER]
    own = Lane(sources=sources)
    assert by_entry_code(own) == [[0, 2], [1, 3]]
    assert [entry_code(one) for one in (Source.SUBSIDY, Source.PAYER, Source.REFUND)] == [
        EntryCode.FUND_INCOME, EntryCode.FUND_PAYER_PAID, EntryCode.ACCOUNTS_MOVED,
    ]  # fmt: skip
    assert by_entry_code(Lane()) == []


def test_a_claw_back_takes_what_is_there_and_the_rest_is_owed() -> None:
    rows = [row(1, Source.CLAWED_BACK, 100), row(2, Source.REPAID, 41), row(3, Source.REPAID, 40)]
    taken = take(rows, {ACCOUNT: 60}, {})
    assert taken == {
        1: Taken(taken_fen=60, owed_fen=40), 2: Taken(taken_fen=0), 3: Taken(taken_fen=40),
    }  # fmt: skip
    assert transfers(rows[0], taken[1]) == (
        Transfer(ACCOUNT, MoneyAccount.CLAWED_BACK, 60),
        Transfer(MoneyAccount.OWED_BY_PERSONS, MoneyAccount.CLAWED_BACK, 40),
    )
    assert transfers(rows[1], taken[2]) == ()


def test_rows_of_one_account_see_each_other_in_the_order_of_the_file() -> None:
    rows = [
        row(1, Source.CLEARED_OUT, 50), row(2, Source.CLEARED_OUT, 20),
        row(3, Source.OWN_CONTRIBUTION, 40), row(4, Source.MOVED_OUT, 50),
    ]  # fmt: skip
    taken = take(rows, {ACCOUNT: 60}, {})
    assert {number: one.taken_fen for number, one in taken.items()} == {1: 50, 2: 0, 4: 50}


def test_no_account_ever_goes_below_zero_whatever_is_taken() -> None:
    kinds = (Source.CLAWED_BACK, Source.CLEARED_OUT, Source.REFUND, Source.REPAID)
    for sources in product(kinds, repeat=4):
        rows = [row(n, source, 30 + n) for n, source in enumerate(sources, 1)]
        taken = take(rows, {ACCOUNT: 45}, {})
        left, owed = 45, 0
        for one in rows:
            came_to = taken.get(one.row_no)
            for leg in transfers(one, came_to):
                left += leg.amount_fen * ((leg.credit == ACCOUNT) - (leg.debit == ACCOUNT))
                owed += leg.amount_fen * (
                    (leg.debit == MoneyAccount.OWED_BY_PERSONS)
                    - (leg.credit == MoneyAccount.OWED_BY_PERSONS)
                )
            assert left >= 0 and owed >= 0, sources


def test_every_source_has_names_of_its_own_within_its_files() -> None:
    assert set(NAMES) == set(Source)
    for subject in Subject:
        own = [source for source in Source if source.subject is subject]
        assert len(SOURCES[subject]) == 2 * len(own)


@pytest.mark.parametrize("text", ["", "0", "0.00", "1.005", "1,000.00", "1e3", "１２", " 1", "-"])
def test_what_is_no_amount_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        read_signed_amount(text)


def test_amounts_are_read_to_the_fen() -> None:
    assert [read_signed_amount(t) for t in ("1", "0.1", "-0.05", "12345678901.99")] == [
        100, 10, -5, 1_234_567_890_199,
    ]  # fmt: skip


def test_doubled_rows_are_named_with_the_row_they_double() -> None:
    texts = [
        ["P00001", "1.00", "contribution", "", ""], ["P00001", "1.00", "contribution", "", ""],
        ["P00001", "2.00", "contribution", "", ""], ["P00001", "2.00", "contribution", "", "补"],
    ]  # fmt: skip
    faults: list = []  # type: ignore[type-arg]
    lanes = read_accounts(enumerate(texts, 2), lambda _: 0, faults)
    assert lanes[0].row_nos.tolist() == [2, 5]
    assert [(fault.row, fault.problem.zh) for fault in faults] == [
        (3, "与第 2 行重复"), (4, "第 2 行已有同来源，金额不同"),
    ]  # fmt: skip


def test_entries_of_a_file_are_numbered_in_its_own_block() -> None:
    first, last = numbers(261100017, 42)
    assert (first, last) == (2611_0042_00017_000001, 2611_0042_00017_999999)


@pytest.mark.parametrize(
    ("fen_days", "rate_bp", "fen"),
    [(365 * 10_000, 150, 150), (365 * 33, 150, 0), (365 * 34, 150, 1), (0, 150, 0)],
)
def test_interest_is_rounded_once_half_up(fen_days: int, rate_bp: int, fen: int) -> None:
    assert interest_fen(fen_days, rate_bp, 365) == fen


def test_a_lane_without_rows_is_empty() -> None:
    assert len(Lane()) == 0
