"""Messages of visits are decided in steps, together: as one message after the other would be."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, structs

from protocol.nhsa.messages.outpatient import FeeUploadReply
from protocol.nhsa.messages.outpatient_settle import OutpatientReply
from settlement.claim import ClaimLine
from settlement.commands import Command, LookUpPerson, Sought, UploadLines
from settlement.decision import Answer, Decision
from settlement.desk import DecisionDesk
from settlement.keyring import LookupKind
from settlement.refusal import Refusal
from settlement.usecases import settle, visit_lines
from settlement.view import View
from tests.unit.usecases.builders import CREDENTIAL, LANE, PERSON_NO, a_moment, claim_lines
from tests.unit.usecases.test_batch_together import PEOPLE, a_town
from tests.unit.usecases.visit_builders import (
    a_description,
    a_desk,
    a_registration,
    a_settling,
    an_upload,
    of,
)

Lines = tuple[ClaimLine, ...]


def opened(view: View) -> dict[str, int]:
    """A visit of everybody, described."""
    desk = a_desk()
    desk.decide_all([a_registration(who) for who in PEOPLE], view, a_moment())
    visits = {fact.row.psn_no: number for number, fact in view.visits.items()}
    desk.decide_all([a_description(who, visits[who]) for who in PEOPLE], view, a_moment())
    return visits


@st.composite
def messages(draw: st.DrawFn) -> list[tuple[str, str, Lines, str]]:
    """Whose, which message, which lines, which charge batch; some twice."""
    batches: dict[tuple[str, str], Lines] = {}
    drawn = []
    for _ in range(draw(st.integers(1, 10))):
        who, batch_no = draw(st.sampled_from(PEOPLE)), draw(st.sampled_from("AB"))
        lines = batches.setdefault((who, batch_no), draw(claim_lines()))
        lines = tuple(structs.replace(x, line_no=batch_no + x.line_no) for x in lines)
        infno = draw(st.sampled_from(["2204", "2204", "2206", "2207", "2207"]))
        drawn.append((who, infno, lines, batch_no))
    return drawn


def commands_of(
    drawn: list[tuple[str, str, Lines, str]], visits: dict[str, int]
) -> list[Command]:
    return [
        an_upload(who, visits[who], lines, batch_no)
        if infno == "2204"
        else a_settling(who, visits[who], lines, quote=infno == "2206", batch_no=batch_no)
        for who, infno, lines, batch_no in drawn
    ]


def outcome(decision: Decision) -> object:
    """What can be compared: numbers are given out in another order, what is sealed is random."""
    if isinstance(decision.reply, Refusal):
        return decision.reply.code, decision.reply.field
    effects = decision.effects
    if effects is None:
        return decision.reply.replayed, _text(decision)
    kinds = [(event.kind, event.event_no, event.batch_no) for event in effects.events]
    row = effects.settlement
    if row is None:
        return kinds, _text(decision)
    blank = {"setl_id": 0, "prior_row": None, "prior_active": None, "detail_commitment": b""}
    return kinds, structs.replace(row, **blank)


def _text(decision: Decision) -> bytes:
    assert isinstance(decision.reply, Answer) and isinstance(decision.reply.output, Raw)
    return bytes(decision.reply.output)


@given(drawn=messages(), balance=st.integers(0, 50_000))
def test_visits_decided_together_are_one_message_after_the_other(
    drawn: list[tuple[str, str, Lines, str]], balance: int
) -> None:
    together, apart = a_town(balance), a_town(balance)
    batch = commands_of(drawn, opened(together))
    opened(apart)
    decided = a_desk().decide_all(batch, together, a_moment())
    desk = a_desk()
    one_by_one = [desk.decide_all([one], apart, a_moment())[0] for one in batch]
    assert [outcome(one) for one in decided] == [outcome(one) for one in one_by_one]
    for who in PEOPLE:
        assert together.persons[who].balance_fen == apart.persons[who].balance_fen


@given(lines=claim_lines())
def test_the_steps_of_an_upload_and_a_charge_are_the_whole_of_each(lines: Lines) -> None:
    view = a_town(1_000)
    visits = opened(view)
    desk = a_desk()
    upload = an_upload(PERSON_NO, visits[PERSON_NO], lines)
    alone = visit_lines.upload(upload, view, desk.world, a_moment())
    stepped = desk.decide_all([upload], view, a_moment())[0]
    assert outcome(alone) == outcome(stepped)
    charge = a_settling(PERSON_NO, visits[PERSON_NO], lines, quote=False)
    alone = settle.settle_visit(charge, view, desk.world, a_moment())
    assert outcome(alone) == outcome(desk.decide_all([charge], view, a_moment())[0])


@given(lines=claim_lines(), said=st.text(min_size=1, max_size=12))
def test_what_a_visit_is_answered_is_written_as_its_types_say(lines: Lines, said: str) -> None:
    view = a_town(1_000)
    visits = opened(view)
    lines = tuple(structs.replace(x, line_no=f"{n}{said}") for n, x in enumerate(lines))
    desk = a_desk()
    upload = desk.decide_all([an_upload(PERSON_NO, visits[PERSON_NO], lines)], view, a_moment())
    quote = a_settling(PERSON_NO, visits[PERSON_NO], lines, quote=True)
    quoted = desk.decide_all([quote], view, a_moment())
    for decision, kind in ((upload[0], FeeUploadReply), (quoted[0], OutpatientReply)):
        text = _text(decision)
        assert msgspec.json.encode(msgspec.json.decode(text, type=kind)) == text


@given(lines=claim_lines())
def test_a_step_that_raises_ends_its_own_upload_alone(lines: Lines) -> None:
    view = a_town(1_000)
    visits = opened(view)
    failures: list[Command] = []
    desk = DecisionDesk(
        a_desk().world, read_clock=lambda: a_moment().at, day_cut=timedelta(0),
        failed=lambda command, exc: failures.append(command),
    )  # fmt: skip
    broken: UploadLines = structs.replace(an_upload(PEOPLE[0], visits[PEOPLE[0]], lines), lines=())
    fine = an_upload(PEOPLE[1], visits[PEOPLE[1]], lines)
    decided = desk.decide_all([broken, fine], view, a_moment())
    assert isinstance(decided[0].reply, Refusal) and decided[0].reply.code == "INTERNAL"
    assert isinstance(decided[1].reply, Answer)
    assert failures == [broken]


def a_look_up(key: bytes) -> LookUpPerson:
    """1101 of whoever has this key."""
    sought = Sought(LANE, LookupKind.CERTIFICATE, key)
    return LookUpPerson(asked=of("", "1101"), sought=sought, credential=CREDENTIAL)


def test_somebody_is_looked_up_as_read_whatever_else_their_batch_does() -> None:
    view = a_town(1_000)
    known, unknown = a_look_up(b"known"), a_look_up(b"unknown")
    view.found = {known.sought: (LANE, PERSON_NO)}
    decided = a_desk().decide_all(
        [a_registration(PERSON_NO), known, unknown, known], view, a_moment()
    )
    first, nobody, again = (one.reply for one in decided[1:])
    assert isinstance(first, Answer) and isinstance(again, Answer)
    assert first.output == again.output
    assert isinstance(nobody, Refusal)
    assert (nobody.code, nobody.field) == ("PERSON_UNKNOWN", "credential_number")
