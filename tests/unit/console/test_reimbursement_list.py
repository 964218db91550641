"""What the console's list of reimbursements takes from the table of steps."""

from __future__ import annotations

from settlement.books.reimbursement import AFTER, Act, State
from settlement.console.words import REIMBURSEMENT_ACTS, REIMBURSEMENT_STATES
from settlement.storage.console_reimbursements import LEADS_TO, STAYING


def test_last_act_that_moves_a_reimbursement_says_its_state() -> None:
    for (state, act), after in AFTER.items():
        assert after is (state if act in STAYING else LEADS_TO[act]), (state, act)
    assert {int(act) for act in STAYING} == {6, 10, 11}, "as the statements have it"


def test_every_state_and_act_has_words() -> None:
    assert set(REIMBURSEMENT_STATES) == set(State)
    assert set(REIMBURSEMENT_ACTS) == set(Act)
