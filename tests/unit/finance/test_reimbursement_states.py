"""The states of a reimbursement: every state, every act; who is still asked, what each act moves.

What is expected is written a state at a time; the table of books/reimbursement.py is written
for the program.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from ledger.entry import Transfer
from settlement.books.payout import NONE, Amounts
from settlement.books.reimbursement import (
    ACT_ZH,
    AFTER,
    STATE_ZH,
    Act,
    NotPossibleError,
    State,
    Step,
    number_in,
    order_no,
    order_transfers,
    paid_transfers,
    returned_transfers,
    standing,
)
from settlement.chart import PAYOUT_BANK, RegionAccount, ReimbursementAccount
from settlement.cli.reimburse import STATES
from settlement.finance.reimbursement_reports import NEXT_ZH
from settlement.postings import undone

AT = datetime(2026, 12, 8, 1, 0, tzinfo=UTC)
EXPECTED = """
new         ACCEPT      accepted

accepted    AMEND       accepted
accepted    CALCULATE   calculated
accepted    REFUSE      refused

calculated  AMEND       accepted
calculated  CALCULATE   calculated
calculated  CONFIRM     settled
calculated  REFUSE      refused

settled     PROPOSE     settled
settled     ORDER       ordered
settled     ACCOUNT     settled
settled     ASK_CANCEL  settled
settled     CANCEL      cancelled

ordered     PAY         paid
ordered     RETURN      returned

paid        RETURN      returned

returned    PROPOSE     returned
returned    ORDER       ordered
returned    ACCOUNT     returned
returned    ASK_CANCEL  returned
returned    CANCEL      cancelled
"""
TABLE = {
    (State(state), Act[act]): State(after)
    for state, act, after in (line.split() for line in EXPECTED.splitlines() if line)
}
SETTLED = [Act.ACCEPT, Act.CALCULATE, Act.CONFIRM]


def steps_of(acts: Sequence[Act]) -> list[Step]:
    """The steps of these acts; each of another person."""
    return [
        Step(
            step_no=place, act=act, at=AT, booked_on=AT.date(), paper_no=1, amounts=NONE,
            cash_fen=0, actor=f"person {place}", proposer="", reference="", reason="",
        )
        for place, act in enumerate(acts, 1)
    ]  # fmt: skip


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("act", Act)
def test_every_pair_of_state_and_act_is_as_written(state: State, act: Act) -> None:
    assert AFTER.get((state, act)) == TABLE.get((state, act))


def test_everything_has_its_words() -> None:
    assert set(STATE_ZH) == set(State)
    assert set(ACT_ZH) == set(Act)
    assert set(NEXT_ZH) == set(State) - {State.NEW}
    assert set(STATES) == {state.value for state in State} - {State.NEW}


def test_new_papers_are_calculated_anew() -> None:
    now = standing(steps_of([Act.ACCEPT, Act.CALCULATE, Act.AMEND]))
    assert (now.calculated, now.entered_by) == (None, "person 3")


def test_a_proposal_is_for_one_account_and_one_order() -> None:
    proposed = [*SETTLED, Act.PROPOSE]
    assert standing(steps_of(proposed)).proposal is not None
    assert standing(steps_of([*proposed, Act.ACCOUNT])).proposal is None
    returned = standing(steps_of([*proposed, Act.ORDER, Act.RETURN]))
    assert (returned.proposal, returned.orders) == (None, 1)


def test_who_asked_to_take_it_back_is_asked_again_after_an_order() -> None:
    asked = [*SETTLED, Act.ASK_CANCEL]
    assert standing(steps_of(asked)).cancel is not None
    assert standing(steps_of([*asked, Act.PROPOSE, Act.ORDER, Act.RETURN])).cancel is None


def test_steps_that_nobody_of_us_wrote_are_not_folded() -> None:
    with pytest.raises(NotPossibleError, match="step 2: PAY of accepted"):
        standing(steps_of([Act.ACCEPT, Act.PAY]))


def test_an_order_moves_what_is_owed_to_the_bank_and_back() -> None:
    amounts = Amounts(500, 30)
    ordered = order_transfers(amounts)
    assert ordered == (
        Transfer(ReimbursementAccount.PAYABLE_FUNDS, ReimbursementAccount.UNDER_WAY, 500),
        Transfer(ReimbursementAccount.PAYABLE_ACCOUNTS, ReimbursementAccount.UNDER_WAY, 30),
    )
    paid = paid_transfers(amounts)
    assert paid == (Transfer(ReimbursementAccount.UNDER_WAY, PAYOUT_BANK, 530),)
    assert returned_transfers(amounts, was_paid=False) == undone(ordered)
    back = returned_transfers(amounts, was_paid=True)
    assert [leg.debit for leg in back] == [PAYOUT_BANK, PAYOUT_BANK]
    assert len(order_transfers(Amounts(500, 0))) == 1


def test_an_order_says_whose_it_is() -> None:
    number = 2611000700088000001
    assert order_no(number, 1) == f"R{number}-2"
    assert number_in(order_no(number, 1)) == number
    assert number_in("H44190099001-20261001-1") is None


def test_the_accounts_lie_as_those_of_another_region() -> None:
    """What books a case of another region books a reimbursement (postings.elsewhere_transfers)."""
    base = ReimbursementAccount.PAYABLE_FUNDS
    for account in ("PAYABLE_FUNDS", "PAYABLE_ACCOUNTS", "MEMO_OWN_PART", "MEMO_CONTRA"):
        assert ReimbursementAccount[account] == base + RegionAccount[account]
