"""A batch is decided in waves and steps: the outcome is that of one command after the other."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from settlement.claim import AccountUse, ClaimLine
from settlement.commands import Command, Purchase
from settlement.decision import Answer, Decision
from settlement.desk import DecisionDesk
from settlement.refusal import Refusal
from settlement.usecases import sale
from settlement.view import View
from tests.unit.usecases.builders import (
    PERSON_NO,
    a_moment,
    a_purchase,
    a_view,
    a_world,
    claim_lines,
)

PEOPLE = [PERSON_NO, "44190099000000000002", "44190099000000000003"]
UNKNOWN = "44190099000000000009"


def a_town(balance: int) -> View:
    """Three people alike but for their numbers."""
    view = a_view("310", balance_fen=balance, used_fen=0)
    person = view.persons[PERSON_NO]
    for number, other in enumerate(PEOPLE[1:], 2):
        view.persons[other] = structs.replace(
            person, person_no=other, account=10**12 + number, years={**person.years}
        )
    return view


def by(person_no: str, command: Purchase) -> Purchase:
    """The same command for somebody else."""
    asked = structs.replace(command.asked, person_no=person_no)
    claim = structs.replace(command.claim, person_no=person_no)
    return structs.replace(command, asked=asked, claim=claim)


@st.composite
def batches(draw: st.DrawFn) -> list[Command]:
    """Sales, quotes, resends and claims that stand already, in any order, for few people."""
    batch: list[Purchase] = []
    for nth in range(draw(st.integers(1, 7))):
        if batch and draw(st.booleans()):
            batch.append(draw(st.sampled_from(batch)))
            continue
        use = draw(st.sampled_from([AccountUse.OWN, AccountUse.NONE]))
        one = a_purchase("310", draw(claim_lines()), use, nth)
        if draw(st.booleans()):
            one = structs.replace(one, quote=True)
        batch.append(by(draw(st.sampled_from([*PEOPLE, UNKNOWN])), one))
    return list(batch)


def a_desk() -> DecisionDesk:
    """Numbers begin anew at every desk."""

    def failed(command: Command, exc: Exception) -> None:
        raise exc

    moment = a_moment()
    return DecisionDesk(
        a_world(), read_clock=lambda: moment.at, day_cut=timedelta(0), failed=failed
    )


def outcome(decision: Decision) -> object:
    """What can be compared: numbers are given out in another order, salts are random."""
    if isinstance(decision.reply, Refusal):
        return decision.reply.code, decision.reply.field
    row = None if decision.effects is None else decision.effects.settlement
    if row is None:
        return decision.reply.replayed, decision.effects
    blank = {"setl_id": 0, "mdtrt_id": 0, "prior_row": None, "prior_active": None}
    return structs.replace(row, **blank, detail_commitment=b"")


@given(batch=batches(), balance=st.integers(0, 50_000))
def test_a_batch_decided_together_is_one_command_after_the_other(
    batch: list[Command], balance: int
) -> None:
    together, apart = a_town(balance), a_town(balance)
    decided = a_desk().decide_all(batch, together, a_moment())
    desk = a_desk()
    one_by_one = [desk.decide_all([one], apart, a_moment())[0] for one in batch]
    assert [outcome(one) for one in decided] == [outcome(one) for one in one_by_one]
    for person_no in PEOPLE:
        left, right = together.persons[person_no], apart.persons[person_no]
        assert left.balance_fen == right.balance_fen
        sums = [{year: doc.values for year, doc in p.years.items()} for p in (left, right)]
        assert sums[0] == sums[1]


@given(lines=claim_lines())
def test_the_steps_of_one_sale_are_the_whole_sale(lines: tuple[ClaimLine, ...]) -> None:
    command = a_purchase("310", lines, AccountUse.OWN, 1)
    alone = sale.purchase(command, a_town(1_000), a_world(), a_moment())
    stepped = a_desk().decide_all([command], a_town(1_000), a_moment())[0]
    assert isinstance(alone.reply, Answer) and isinstance(stepped.reply, Answer)
    assert outcome(alone) == outcome(stepped)
