"""Which fees of a stay are settled together where a region splits stays."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec import structs

from settlement.person import Enrolment
from settlement.policy.region import RegionProfile, StayTurn
from settlement.pricing import LineTotals
from settlement.refusal import Refusal
from settlement.rows import EventKind, EventRow
from settlement.stay import LinesHead, StayState
from settlement.stay_parts import Part, next_part, scheme_on
from tests.unit.usecases.builders import a_world

EMPLOYEE, RESIDENT = "310", "390"


def fiscal_year(scheme: str, on: date) -> int:
    """Calendar years; of residents from July on."""
    return on.year if scheme == EMPLOYEE or on.month >= 7 else on.year - 1


def region(*turns: StayTurn) -> RegionProfile:
    return structs.replace(a_world().profile, split_stay_at=frozenset(turns))


def member(
    scheme: str = EMPLOYEE, *, category: str = "11", since: date = date(2020, 1, 1),
    until: date | None = None, effective: date | None = None,
) -> Enrolment:  # fmt: skip
    return Enrolment(
        scheme=scheme, category=category, status="1" if until is None else "4",
        enrolled_on=since, benefit_from=since, suspended_on=until, region="441900",
        civil_servant=False, effective_from=effective,
    )  # fmt: skip


def fees(*days: date | tuple[date, date]) -> StayState:
    """A stay with an upload of one line, of one day or of two, for each."""
    state = StayState(
        discharge=EventRow(
            lane=1, mdtrt_id=1, event_no=99, kind=EventKind.DISCHARGED, batch_no="", setl_id=None,
            payload=b"", head="2026-12-31T10:00:00",
        )
    )  # fmt: skip
    for number, day in enumerate(days, start=1):
        first, last = day if isinstance(day, tuple) else (day, day)
        state.open[number] = LinesHead(
            msgid="M", line_nos=[str(number)], refunds=[], first_on=first, last_on=last,
            totals=LineTotals(
                total_fen=100, full_self_pay_fen=0, over_ceiling_fen=0, pre_self_pay_fen=0,
                in_scope_fen=100,
            ),
        )  # fmt: skip
        state.event_of[str(number)] = number
    return state


def split(state: StayState, *enrolments: Enrolment, turns: tuple[StayTurn, ...]) -> Part:
    part = next_part(state, EMPLOYEE, enrolments, region(*turns), fiscal_year)
    assert isinstance(part, Part)
    return part


CHANGED = date(2026, 3, 10)
BOTH = member(until=CHANGED), member(RESIDENT, category="15", since=CHANGED)
RETIRED = member(), member(category="12", effective=CHANGED)
TWO_DAYS = date(2026, 3, 9), CHANGED


@pytest.mark.parametrize(("turns", "enrolments", "days", "taken", "scheme", "until"), [
    ((),                       BOTH,    TWO_DAYS,                    [1, 2], "",       None),
    ((StayTurn.SCHEME,),       BOTH,    TWO_DAYS,                    [1],    EMPLOYEE, CHANGED),
    ((StayTurn.SCHEME,),       BOTH,    (CHANGED,),                  [1],    RESIDENT, None),
    ((StayTurn.SCHEME,),       BOTH,    (date(2026, 3, 9),),         [1],    EMPLOYEE, None),
    ((StayTurn.SCHEME,),       RETIRED, TWO_DAYS,                    [1, 2], EMPLOYEE, None),
    ((StayTurn.PERSON_TYPE,),  RETIRED, TWO_DAYS,                    [1],    EMPLOYEE, CHANGED),
    ((StayTurn.PERSON_TYPE,),  BOTH,    TWO_DAYS,                    [1, 2], EMPLOYEE, None),
    ((StayTurn.YEAR,),         RETIRED, TWO_DAYS,                    [1, 2], EMPLOYEE, None),
    ((StayTurn.YEAR,), (member(),), (date(2025, 12, 31), date(2026, 1, 1)), [1], EMPLOYEE,
     date(2026, 1, 1)),
    # the newest scheme's year counts for its own days
    ((StayTurn.SCHEME, StayTurn.YEAR), BOTH, (CHANGED, date(2026, 7, 2)), [1], RESIDENT,
     date(2026, 7, 1)),
])  # fmt: skip
def test_fees_before_the_first_turn_are_settled_by_what_held_then(
    turns: tuple[StayTurn, ...], enrolments: tuple[Enrolment, ...], days: tuple[date, ...],
    taken: list[int], scheme: str, until: date | None,
) -> None:  # fmt: skip
    part = split(fees(*days), *enrolments, turns=turns)
    assert (sorted(part.state.open), part.scheme, part.until) == (taken, scheme, until)


def test_part_up_to_a_turn_ends_with_its_last_fee_though_the_person_left_later() -> None:
    state = fees(*TWO_DAYS)
    part = split(state, *BOTH, turns=(StayTurn.SCHEME,))
    dates = part.state.dates(date(2026, 3, 1))
    assert (dates.latest, dates.discharged) == (date(2026, 3, 9), None)
    assert state.discharged_at is not None, "the stay itself is as it was"
    assert part.turn_zh == "险种变更"


def test_days_on_which_nothing_pays_do_not_spoil_those_before() -> None:
    gap = member(until=date(2026, 3, 8)), BOTH[1]
    part = split(fees(date(2026, 3, 7), *TWO_DAYS), *gap, turns=(StayTurn.SCHEME,))
    assert (sorted(part.state.open), part.until) == ([1], date(2026, 3, 8))
    rest = split(fees(*TWO_DAYS), *gap, turns=(StayTurn.SCHEME,))
    assert (sorted(rest.state.open), rest.scheme, rest.until) == ([1], EMPLOYEE, CHANGED)


def test_upload_with_fees_before_and_after_a_turn_is_refused_with_its_days() -> None:
    refused = next_part(
        fees(date(2026, 3, 8), TWO_DAYS), EMPLOYEE, BOTH, region(StayTurn.SCHEME), fiscal_year
    )
    assert isinstance(refused, Refusal)
    assert refused.code == "STAY_UPLOAD_SPANS_TURN"
    assert refused.params["line_no"] == "2"
    assert (refused.params["first"], refused.params["on"]) == ("2026-03-09", "2026-03-10")


def test_upload_that_was_withdrawn_makes_no_turn() -> None:
    state = fees(*TWO_DAYS)
    del state.event_of["2"]
    part = split(state, *BOTH, turns=(StayTurn.SCHEME,))
    assert (part.until, sorted(part.state.open)) == (None, [1, 2])


def test_scheme_of_the_admission_rules_as_long_as_the_person_is_in_it() -> None:
    two = member(), member(RESIDENT, category="15")
    assert scheme_on(two, EMPLOYEE, CHANGED, region(StayTurn.SCHEME)) == EMPLOYEE
    assert scheme_on(BOTH, EMPLOYEE, CHANGED, region(StayTurn.SCHEME)) == RESIDENT
    assert scheme_on(BOTH, EMPLOYEE, CHANGED, region(StayTurn.YEAR)) == EMPLOYEE
