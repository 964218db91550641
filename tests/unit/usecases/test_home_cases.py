"""People treated in another region: what must hold of any case, and what a region may decide."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from protocol.hub.messages import CaseTold, ReverseAsked, StatusAsked
from settlement import chart
from settlement.claim import CareKind
from settlement.clock import CHINA, Moment, local_time
from settlement.decision import Answer
from settlement.elsewhere.counterpart import lies_in
from settlement.elsewhere.home_states import NEXT, HomeState
from settlement.people.filing import ChosenInstitution, Filing, FilingKind
from settlement.refusal import Refusal
from settlement.rows import RowKind
from settlement.usecases import home_cases, home_undo
from settlement.usecases.filed_elsewhere import told_filings
from settlement.usecases.filing_payloads import sealed_filings
from settlement.usecases.home_cases import state_of
from tests.unit.usecases.builders import (
    ON,
    PERSON_NO,
    a_moment,
    a_view,
    balances,
    schemes,
)
from tests.unit.usecases.home_builders import (
    CASE_NO,
    CHANGSHA,
    a_cancelling,
    a_hub_case,
    a_stay_case,
    a_world_of_regions,
    decide,
    hub_lines,
    of_lines,
    settled,
    translator,
)


@given(hub_lines(), schemes, balances, st.booleans(), st.booleans())
def test_any_case_adds_up_is_booked_to_the_fen_and_comes_back(
    lines: tuple[object, ...], scheme: str, balance_fen: int, stay: bool, cancels: bool
) -> None:
    made = a_stay_case(scheme) if stay else a_hub_case(scheme)
    case = of_lines(made, lines)  # type: ignore[arg-type]
    if case.total_fen == 0:
        return
    world, view = a_world_of_regions(), a_view(scheme, balance_fen=balance_fen, used_fen=0)
    before = msgspec.json.encode(view.persons[PERSON_NO].year(ON.year).values)
    decision = decide(translator(world).share(case, CHANGSHA, quote=False), view, world)
    assert isinstance(decision.reply, Answer), decision.reply
    told, effects = decision.reply.output, decision.effects
    assert isinstance(told, CaseTold)
    assert effects is not None
    assert effects.entry is not None
    parts = told.fund_fen + told.account_fen + told.hospital_fen + told.cash_fen
    assert told.total_fen == case.total_fen == parts
    paid = sum(s.amount_fen for s in told.shares if s.amount_field != "hosp_part_amt")
    assert told.fund_fen == paid
    assert min(told.fund_fen, told.account_fen, told.hospital_fen, told.cash_fen) >= 0
    assert told.balance_fen == balance_fen - told.account_fen >= 0
    legs = effects.entry.transfers
    assert sum(leg.amount_fen for leg in legs) == case.total_fen
    by_credit = {leg.credit: 0 for leg in legs}
    for leg in legs:
        by_credit[leg.credit] += leg.amount_fen
    base = CHANGSHA.account_base
    owed = by_credit.get(base + chart.RegionAccount.PAYABLE_FUNDS, 0)
    assert owed == told.fund_fen
    assert by_credit.get(base + chart.RegionAccount.PAYABLE_ACCOUNTS, 0) == told.account_fen
    command = (
        translator(world).cancel(a_cancelling(told.settlement_no), CHANGSHA)
        if cancels
        else translator(world).reverse(
            ReverseAsked(case_no=CASE_NO, person_no=PERSON_NO), CHANGSHA
        )
    )
    back = decide(command, view, world).effects
    assert back is not None
    assert back.entry is not None
    assert back.settlement is not None
    assert back.settlement.kind is (RowKind.CANCEL if cancels else RowKind.REVERSE)
    assert {(t.debit, t.credit, t.amount_fen) for t in back.entry.transfers} == {
        (t.credit, t.debit, t.amount_fen) for t in legs
    }
    person = view.persons[PERSON_NO]
    assert person.balance_fen == balance_fen
    after = {name: fen for name, fen in person.year(ON.year).values.items() if fen}
    assert after == {n: f for n, f in msgspec.json.decode(before).items() if f}


@pytest.mark.parametrize("kind", [FilingKind.CHRONIC, FilingKind.CHOSEN, None])
def test_region_may_want_a_filing_for_care_elsewhere(kind: FilingKind | None) -> None:
    world = a_world_of_regions(elsewhere_needs_filing=frozenset({CareKind.INPATIENT}))
    view = a_view("310", balance_fen=0, used_fen=0)
    person = view.persons[PERSON_NO]
    if kind is not None:
        person.filings = sealed_filings([a_filing(kind)], person, world.keyring)
    share = translator(world).share
    refused = decide(share(a_stay_case(), CHANGSHA, quote=True), view, world).reply
    assert isinstance(refused, Refusal)
    assert refused.code == "CASE_FILING_REQUIRED"
    for free in (a_hub_case(), a_stay_case(emergency=True)):
        assert isinstance(decide(share(free, CHANGSHA, quote=True), view, world).reply, Answer)


def test_transfer_to_the_very_hospital_is_a_filing_on_the_day_of_admission() -> None:
    world = a_world_of_regions(elsewhere_needs_filing=frozenset({CareKind.INPATIENT}))
    view = a_view("310", balance_fen=0, used_fen=0)
    person = view.persons[PERSON_NO]
    stay = a_stay_case()
    filing = a_filing(FilingKind.TRANSFER)
    for institution, begins_on, word in (
        (stay.institution.code, stay.admitted_on, "referral"),
        (stay.institution.code, stay.discharged_on, None),
        ("H43010000002", stay.admitted_on, None),
    ):
        one = replace(filing, institution=institution, begins_on=begins_on)
        person.filings = sealed_filings([one], person, world.keyring)
        reply = decide(translator(world).share(stay, CHANGSHA, quote=True), view, world).reply
        if word is None:
            assert isinstance(reply, Refusal)
            continue
        assert isinstance(reply, Answer)
        assert isinstance(reply.output, CaseTold)
        assert reply.output.filing == word


OFF_SITE = (
    # kind, place, days it begins after the admission, emergency, by which word, what the pool pays
    ("retired", "430000", -900, False, "long_term", 828_000),
    ("resident", "430100", -900, False, "long_term", 828_000),
    ("posted", "430102", -900, False, "none", 579_600),
    ("referral", "430100", -1, False, "referral", 745_200),
    ("other", "430100", 0, False, "temporary", 579_600),
    ("other", "430100", 0, True, "temporary", 579_600),
    ("other", "430100", 3, False, "temporary", 579_600),  # filed before the discharge
    ("referral", "440000", -1, False, "none", 579_600),
    ("referral", "440000", -1, True, "emergency", 745_200),
)


@pytest.mark.parametrize(("kind", "place", "days", "emergency", "word", "pool_fen"), OFF_SITE)
def test_stay_is_reduced_by_the_kind_of_filing_for_its_place(
    kind: str, place: str, days: int, emergency: bool, word: str, pool_fen: int
) -> None:
    world, view = a_world_of_regions(), a_view("310", balance_fen=0, used_fen=0)
    person, stay = view.persons[PERSON_NO], a_stay_case(emergency=emergency)
    assert stay.admitted_on is not None
    filing = replace(
        a_filing(FilingKind.OFF_SITE), institution="", subject=kind, order=place,
        begins_on=stay.admitted_on + timedelta(days),
    )  # fmt: skip
    person.filings = sealed_filings([filing], person, world.keyring)
    decision = decide(translator(world).share(stay, CHANGSHA, quote=False), view, world)
    assert isinstance(decision.reply, Answer)
    told = decision.reply.output
    assert isinstance(told, CaseTold)
    assert told.filing == ("" if word == "none" else word)
    assert told.shares[0].amount_fen == pool_fen
    assert decision.effects is not None
    assert decision.effects.home_case is not None
    assert decision.effects.home_case.filing == word


def test_long_term_filing_beats_a_transfer_and_the_other_region_is_told_of_both() -> None:
    world, view = a_world_of_regions(), a_view("310", balance_fen=0, used_fen=0)
    person, stay = view.persons[PERSON_NO], a_stay_case()
    transfer = a_filing(FilingKind.TRANSFER)
    lives_there = replace(
        a_filing(FilingKind.OFF_SITE), filing_no=2611000300001000008, institution="",
        subject="resident", order="430000",
    )  # fmt: skip
    for standing, word in (([transfer], "referral"), ([transfer, lives_there], "long_term")):
        person.filings = sealed_filings(standing, person, world.keyring)
        reply = decide(translator(world).share(stay, CHANGSHA, quote=True), view, world).reply
        assert isinstance(reply, Answer)
        assert isinstance(reply.output, CaseTold)
        assert (reply.output.filing, reply.output.deductible_fen) == (word, 40_000)
    told = told_filings([transfer, lives_there], world.region, ON)
    assert [(one.kind, one.region) for one in told] == [
        ("referral", "430100"), ("long_term", "43")
    ]  # fmt: skip


def test_chosen_institution_is_not_asked_for_in_another_region() -> None:
    world = a_world_of_regions(chosen_institution=ChosenInstitution.REQUIRED)
    view = a_view("310", balance_fen=0, used_fen=0)
    told = settled(a_hub_case(), view, world).output
    assert isinstance(told, CaseTold)
    assert told.fund_fen == 6_000


def test_person_whose_membership_is_elsewhere_is_none_of_ours() -> None:
    world = a_world_of_regions()
    view = a_view("310", balance_fen=0, used_fen=0)
    person = view.persons[PERSON_NO]
    for region, ours in (("441999", True), ("441900", True), ("440100", False)):
        person.enrolments = (replace(person.enrolments[0], region=region),)
        command = translator(world).share(a_hub_case(), CHANGSHA, quote=True)
        reply = decide(command, view, world).reply
        assert isinstance(reply, Answer) is ours
        if not ours:
            assert isinstance(reply, Refusal)
            assert reply.code == "PERSON_NOT_INSURED_HERE"


def test_while_something_is_under_way_only_quotes_are_answered() -> None:
    world, view = a_world_of_regions(), a_view("310", balance_fen=0, used_fen=0)
    case, later = a_hub_case(), a_hub_case(case_no=f"{CASE_NO}x")
    settled(case, view, world)
    view.persons[PERSON_NO].undertaking = 1
    share = translator(world).share
    assert isinstance(decide(share(later, CHANGSHA, quote=True), view, world).reply, Answer)
    reversal = ReverseAsked(case_no=CASE_NO, person_no=PERSON_NO)
    for command, lasts in (
        (share(later, CHANGSHA, quote=False), True),
        (translator(world).reverse(reversal, CHANGSHA), False),
    ):
        decision = decide(command, view, world)
        assert isinstance(decision.reply, Refusal)
        assert decision.reply.code == "UNDERTAKING_OPEN"
        assert (decision.effects is not None) is lasts
    view.persons[PERSON_NO].undertaking = None
    refused = decide(share(later, CHANGSHA, quote=False), view, world).reply
    assert isinstance(refused, Refusal)
    assert refused.code == "UNDERTAKING_OPEN"
    assert isinstance(
        decide(translator(world).reverse(reversal, CHANGSHA), view, world).reply, Answer
    )


def test_case_of_last_year_is_not_cancelled_any_more_but_can_be_reversed() -> None:
    world, view = a_world_of_regions(), a_view("310", balance_fen=0, used_fen=0)
    told = settled(a_hub_case(), view, world).output
    assert isinstance(told, CaseTold)
    next_year = a_moment(on=ON.replace(year=ON.year + 1))
    command = translator(world).cancel(a_cancelling(told.settlement_no), CHANGSHA)
    reply = home_undo.cancel(command, view, world, next_year).reply
    assert isinstance(reply, Refusal)
    assert reply.code == "CANCEL_WINDOW_PASSED"
    reversal = ReverseAsked(case_no=CASE_NO, person_no=PERSON_NO)
    reply = home_undo.reverse(
        translator(world).reverse(reversal, CHANGSHA), view, world, next_year
    ).reply
    assert isinstance(reply, Answer)


@pytest.mark.parametrize(
    ("clock",              "refused"),
    [
        (time(23, 54, 59),    True),
        (time(23, 55),        False),
        (time(23, 59, 59),    False),
    ],
)  # fmt: skip
def test_care_of_a_day_that_has_begun_there_only_is_of_that_day(
    clock: time, refused: bool
) -> None:
    new_year = date(ON.year + 1, 1, 1)
    night = datetime.combine(new_year - timedelta(days=1), clock, CHINA).astimezone(UTC)
    moment = Moment(night, local_time(night), new_year - timedelta(days=1))
    world, view = a_world_of_regions(), a_view("310", balance_fen=0, used_fen=0)
    case = a_hub_case(service_at=datetime.combine(new_year, time(0, 1), CHINA))
    command = translator(world).share(case, CHANGSHA, quote=False)
    decision = home_cases.share(command, view, world, moment)
    if refused:
        assert isinstance(decision.reply, Refusal)
        assert decision.reply.code == "FEE_DATE_IN_FUTURE"
        return
    assert isinstance(decision.reply, Answer)
    assert decision.effects is not None
    row = decision.effects.settlement
    assert row is not None
    assert (row.business_day, row.year) == (moment.business_day, new_year.year)


class Told(StrEnum):
    """What another region may ask about one case, in any order and as often as it likes."""

    SETTLE = "settle"
    OTHER_CONTENT = "other content"
    CANCEL = "cancel"
    CANCEL_AGAIN = "cancel under another number"
    REVERSE = "reverse"


@given(st.lists(st.sampled_from(Told), min_size=1, max_size=12), balances)
def test_in_whatever_order_questions_come_the_account_says_what_stands(
    questions: list[Told], balance_fen: int
) -> None:
    world, view = a_world_of_regions(), a_view("310", balance_fen=balance_fen, used_fen=0)
    person, make = view.persons[PERSON_NO], translator(world)
    settlement_no, seen = "", HomeState.NONE
    status = make.status(StatusAsked(case_no=CASE_NO, person_no=PERSON_NO), CHANGSHA)
    for second, question in enumerate(questions):
        command = {
            Told.SETTLE: make.share(a_hub_case(), CHANGSHA, quote=False),
            Told.OTHER_CONTENT: make.share(a_hub_case(fen=20_000), CHANGSHA, quote=False),
            Told.CANCEL: make.cancel(a_cancelling(settlement_no), CHANGSHA),
            Told.CANCEL_AGAIN: make.cancel(a_cancelling(settlement_no, 3), CHANGSHA),
            Told.REVERSE: make.reverse(
                ReverseAsked(case_no=CASE_NO, person_no=PERSON_NO), CHANGSHA
            ),
        }[question]
        reply = decide(command, view, world, second).reply
        if isinstance(reply, Answer) and isinstance(reply.output, CaseTold):
            settlement_no = reply.output.settlement_no
        state, fact = state_of(status, view)
        if state is not seen:
            assert (seen, state) in REACHABLE
            seen = state
        stands = fact.row.account_fen if fact and state is HomeState.SETTLED else 0
        assert person.balance_fen == balance_fen - stands
    assert len(view.settlements) <= 2


REACHABLE = {
    (state, follows) for (state, _), follows in NEXT.items() if isinstance(follows, HomeState)
}


@pytest.mark.parametrize(
    ("area", "region", "lies"),
    [
        # an area, a region, and whether it lies in it
        ("430100", "430100", True),
        ("430102", "430100", True),
        ("430200", "430100", False),
        ("110105", "110000", True),
        ("120000", "110000", False),
        ("441000", "441000", True),
        ("441900", "441000", False),
    ],
)
def test_area_lies_in_a_region(area: str, region: str, lies: bool) -> None:
    assert lies_in(area, region) is lies


def a_filing(kind: FilingKind) -> Filing:
    """A filing of a kind that stands since long."""
    return Filing(
        filing_no=2611000300001000009, kind=kind, institution="H43010000001", subject="03",
        order="1", scheme="", begins_on=ON.replace(year=2020), ends_on=None,
    )  # fmt: skip
