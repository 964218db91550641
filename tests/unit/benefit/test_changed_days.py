"""For which days a change of memberships decides claims otherwise."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from settlement.entitlement import changed_days
from settlement.person import Enrolment, Qualification
from tests.unit.benefit.builders import an_enrolment

_BEGAN = date(2024, 1, 1)
_JUNE, _LAST_OF_MAY = date(2026, 6, 1), date(2026, 5, 31)
_PLAIN = an_enrolment(enrolled_on=_BEGAN, benefit_from=_BEGAN)
_STOPPED = replace(_PLAIN, status="2", suspended_on=_JUNE)
_ILL = Qualification(tag="M03900", begins_on=_JUNE, ends_on=date(2026, 6, 30))


@pytest.mark.parametrize(
    ("before", "after", "days"),
    [
        ((_PLAIN,), (_PLAIN,), ()),
        ((_PLAIN,), (_STOPPED,), ((_JUNE, date.max),)),
        ((_STOPPED,), (_PLAIN,), ((_JUNE, date.max),)),
        ((), (_PLAIN,), ((_BEGAN, date.max),)),
        ((_PLAIN,), (), ((_BEGAN, date.max),)),
        (
            (replace(_PLAIN, benefit_from=_JUNE),), (_PLAIN,), ((_BEGAN, _LAST_OF_MAY),),
        ),
        (
            (_PLAIN,), (_PLAIN, replace(_PLAIN, category="12", effective_from=_JUNE)),
            ((_JUNE, date.max),),
        ),
        ((_PLAIN,), (replace(_PLAIN, qualifications=(_ILL,)),), ((_JUNE, _ILL.ends_on),)),
        ((_PLAIN,), (replace(_PLAIN, closed_funds=("310102",)),), ((_BEGAN, date.max),)),
        ((_PLAIN,), (_PLAIN, replace(_PLAIN, scheme="390")), ((_BEGAN, date.max),)),
        (
            (replace(_STOPPED, tags=("A",)),),
            (replace(_STOPPED, tags=("A",), suspended_on=date(2026, 7, 1)),),
            ((_JUNE, date(2026, 6, 30)),),
        ),
        (
            (replace(_PLAIN, qualifications=(_ILL,)),),
            (replace(
                _PLAIN, qualifications=(replace(_ILL, begins_on=date(2026, 6, 10),
                                                ends_on=date(2026, 7, 5)),)
            ),),
            ((_JUNE, date(2026, 6, 9)), (date(2026, 7, 1), date(2026, 7, 5))),
        ),
        ((_PLAIN,), (replace(_PLAIN, closed_funds=()),), ()),
    ],
)  # fmt: skip
def test_days_that_are_decided_otherwise(
    before: tuple[Enrolment, ...],
    after: tuple[Enrolment, ...],
    days: tuple[tuple[date, date], ...],
) -> None:
    assert changed_days(before, after) == days
    assert changed_days(after, before) == days
