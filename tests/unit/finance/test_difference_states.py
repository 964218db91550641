"""What becomes of a difference: the whole table, what a matching adds, and that every correction
moves the channel's account by exactly what is due."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger.entry import Transfer
from loadtest.channel_days import EXPECTED, Recipe, a_day
from settlement import chart
from settlement.books.channel_matching import (
    Around,
    Class,
    Finding,
    Kind,
    Ours,
    Said,
    Sent,
    Theirs,
    compare,
)
from settlement.books.difference_corrections import CODES, allowed, transfers
from settlement.books.difference_states import (
    AFTER,
    DAY_EDGE,
    LATE,
    Act,
    Correction,
    Facts,
    Name,
    State,
    Step,
    next_step,
    seen,
)
from settlement.chart import ChannelAccount, channel_account

AT = datetime(2026, 11, 26, 1, 0, tzinfo=UTC)
BASE = 10_000_050
ACCOUNTS = {
    one.number
    for one in (*chart.agency_accounts(), *chart.channel_accounts("P1", "测试药店", BASE))
}
"""That are open wherever a correction is booked."""
N, P, C, X = State.OPEN, State.PROPOSED, State.CORRECTED, State.CLOSED
TABLE = (
    # act              (none) open  proposed corrected closed
    (Act.FIND,         (N,    None, None,    None,     None)),
    (Act.ASSIGN,       (None, N,    P,       None,     None)),
    (Act.PROPOSE,      (None, P,    None,    None,     None)),
    (Act.CONFIRM,      (None, None, C,       None,     None)),
    (Act.REJECT,       (None, None, N,       None,     None)),
    (Act.NOTE,         (None, N,    P,       C,        X)),
    (Act.CLOSE,        (None, X,    X,       None,     None)),
    (Act.FIND_AGAIN,   (None, N,    N,       N,        N)),
)  # fmt: skip


def test_every_act_on_every_state() -> None:
    states = (None, N, P, C, X)
    for act, row in TABLE:
        for state, after in zip(states, row, strict=True):
            assert AFTER.get((state, act)) is after, (state, act)
    assert {act for act, _ in TABLE} == set(Act)


def finding(recipe: Recipe) -> Finding:
    day = a_day([(recipe, 12_345)], lanes=1)
    found = EXPECTED[recipe]
    return next(one for one in compare(day.ours, day.theirs, day.around) if one.found is found)


def found(recipe: Recipe) -> list[Step]:
    return seen(None, finding(recipe), AT)


@pytest.mark.parametrize(
    ("recipe", "rule"), [(Recipe.DAY_EDGE, DAY_EDGE), (Recipe.LATE, LATE)], ids=str
)
def test_what_ends_by_itself_is_closed_by_its_rule(recipe: Recipe, rule: object) -> None:
    steps = found(recipe)
    assert [one.act for one in steps] == [Act.FIND, Act.CLOSE]
    assert steps[-1].rule == getattr(rule, "name", "")
    assert steps[-1].due_fen == 0


def test_what_is_seen_again_as_it_was_is_no_step() -> None:
    for recipe in EXPECTED:
        last = found(recipe)[-1]
        assert seen(last, finding(recipe), AT) == []


def test_a_proposal_about_other_figures_is_void() -> None:
    (last,) = found(Recipe.ONLY_OURS)
    proposed = next_step(last, Act.PROPOSE, AT, actor="zhang", reason="x")
    assert proposed is not None
    proposed = replace(
        proposed, correction=Correction.VOID, proposer="zhang", amount_fen=last.due_fen
    )
    (again,) = seen(proposed, finding(Recipe.AMOUNT), AT)
    assert (again.state, again.correction, again.proposer, again.amount_fen) == (
        State.OPEN, Correction.NONE, "", 0
    )  # fmt: skip


def test_what_agrees_now_is_closed_unless_something_was_booked() -> None:
    (last,) = found(Recipe.ONLY_OURS)
    (closed,) = seen(last, None, AT)
    assert (closed.state, closed.rule) == (State.CLOSED, "agrees-now")
    corrected = replace(last, state=State.CORRECTED, booked_fen=last.due_fen)
    (opened,) = seen(corrected, None, AT)
    assert opened.state is State.OPEN
    assert opened.due_fen == -corrected.booked_fen
    assert seen(opened, None, AT) == []
    explained = replace(last, state=State.CORRECTED)
    assert seen(explained, None, AT) == []


@pytest.mark.parametrize("kind", list(Kind))
def test_what_was_corrected_before_the_row_came_that_takes_it_back_is_undone(kind: Kind) -> None:
    """One bill has a payment that we undid, the next one what undid it there; or the second came
    first. Each row differs by itself, and together they agree."""
    day = date(2026, 11, 26)
    ours = Ours(
        pay_no=7, kind=Kind.PAYMENT, channel="wechat", merchant="M", custody="own",
        institution="P44190000001", order_no="A", refund_no="", channel_no="w", amount_fen=999,
        day=day, reversed=True,
    )  # fmt: skip
    paid, taken_back = (
        Theirs(
            file_no=1, row_no=row, kind=which, channel="wechat", merchant="M", order_no="A",
            refund_no="", channel_no="w", amount_fen=999, fee_fen=0, day=day, said=said,
        )
        for row, (which, said) in enumerate(
            [(Kind.PAYMENT, Said.DONE), (Kind.REFUND, Said.TAKEN_BACK)]
        )
    )  # fmt: skip
    sent = Sent(pay_no=7, institution="P44190000001", merchant="M", custody="own")
    around = Around(sent={"A": sent})
    alone = paid if kind is Kind.PAYMENT else taken_back
    first = next(one for one in compare([ours], [alone], around) if one.key.kind is kind)
    (last,) = seen(None, first, AT)
    assert last.due_fen == (999 if kind is Kind.PAYMENT else -999)
    corrected = replace(last, state=State.CORRECTED, booked_fen=last.due_fen)
    both = compare([ours], [paid, taken_back], around)
    agrees = next(one for one in both if one.key.kind is kind)
    assert agrees.found is Class.AGREES
    (opened,) = seen(corrected, agrees, AT)
    assert (opened.state, opened.due_fen) == (State.OPEN, -corrected.booked_fen)
    assert opened.facts.institution == "P44190000001"
    (closed,) = seen(last, agrees, AT)
    assert (closed.state, closed.due_fen) == (State.CLOSED, 0)


def effect(moves: tuple[Transfer, ...], account: int) -> int:
    return sum(
        one.amount_fen * ((one.debit == account) - (one.credit == account)) for one in moves
    )


AMOUNTS = st.integers(min_value=-(10**9), max_value=10**9)


@given(
    st.sampled_from(sorted(set(EXPECTED.values()))), st.sampled_from(Kind), AMOUNTS, AMOUNTS,
    AMOUNTS, st.sampled_from(("own", "agency")), st.booleans(),
)  # fmt: skip
def test_a_correction_moves_the_channels_account_by_what_is_due(
    found: Class, kind: Kind, ours_fen: int, theirs_fen: int, booked_fen: int, custody: str,
    known: bool,
) -> None:  # fmt: skip
    facts = Facts(
        found=found, ours_fen=ours_fen, theirs_fen=theirs_fen, fee_fen=0, day=date(2026, 11, 16),
        their_day=None, pay_no=1, institution="P1" if known else "", custody=custody,
        merchant="", their_merchant="",
    )  # fmt: skip
    name = Name(
        lane=0, channel="alipay", kind=kind, order_no="1", refund_no="", channel_no="", nth=0
    )
    last = Step(
        step_no=1, act=Act.FIND, state=State.OPEN, at=AT, actor="", reason="", facts=facts,
        booked_fen=booked_fen,
    )  # fmt: skip
    account = ChannelAccount.CLEARING if custody == "own" else ChannelAccount.AGENCY_CLEARING
    clearing = channel_account(BASE, account, "alipay") if known else chart.CLEARING_UNKNOWN
    choices = allowed(name, last)
    assert choices[-1] is Correction.NOTE
    for one in choices:
        moves = transfers(name, last, one, BASE if known else None)
        assert all(move.amount_fen > 0 for move in moves)
        assert {each for move in moves for each in (move.debit, move.credit)} <= ACCOUNTS
        if one in CODES:
            assert effect(moves, clearing) == last.due_fen != 0
        else:
            assert moves == ()
