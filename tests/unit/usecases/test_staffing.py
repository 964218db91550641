"""Who is a doctor of an institution on a day, and what a region makes of others: rule tables."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from settlement.claim import ClaimLine
from settlement.policy.region import DoctorCheck
from settlement.refusal import Refusal
from settlement.refusals import text
from settlement.rows import KeptLine
from settlement.staff import Staff, StaffKind, staffing_of
from settlement.usecases.staffing import check_in_charge, check_lines
from settlement.world import World
from tests.unit.usecases.builders import CODES, ON, a_world, asked

OFF, WARN, REFUSE = DoctorCheck
HERE = asked("2204").institution.code
DAY = timedelta(days=1)
LINE = ClaimLine(
    line_no="7", item_code=CODES[0], institution_item_code="OWN", quantity_e4=10_000,
    price_e6=1_000_000, amount_fen=100, occurred_on=ON,
)  # fmt: skip


def term(
    *, kind: StaffKind = StaffKind.DOCTOR, institution: str = HERE, first: int = 0, last: int = 0
) -> Staff:
    """D1 at an institution, so many days from the day of the line."""
    return Staff(
        institution=institution, code="D1", kind=kind, name="测试医师",
        effective_from=ON + first * DAY, effective_to=ON + last * DAY,
    )  # fmt: skip


TERMS: list[tuple[list[Staff], str]] = [
    ([], "DOCTOR_NOT_REGISTERED"),
    ([term(institution="H99999999999")], "DOCTOR_NOT_REGISTERED"),
    ([term(first=1, last=2)], "DOCTOR_NOT_IN_FORCE"),
    ([term(first=-2, last=-1)], "DOCTOR_NOT_IN_FORCE"),
    ([term(first=-2, last=-1), term(first=1, last=2)], "DOCTOR_NOT_IN_FORCE"),
    ([term(kind=StaffKind.NURSE)], "DOCTOR_OF_OTHER_KIND"),
    ([term(kind=StaffKind.PHARMACIST)], "DOCTOR_OF_OTHER_KIND"),
    ([term()], ""),
    ([term(first=-9, last=-1), term(last=9)], ""),
    ([term(kind=StaffKind.NURSE, first=-9, last=-1), term(last=9)], ""),
]


def world_of(terms: list[Staff], check: DoctorCheck) -> World:
    """A region that looks at doctors, and its staff."""
    return replace(a_world(doctor_check=check), staff=staffing_of(terms))


def lines_checked(
    terms: list[Staff], check: DoctorCheck, line: ClaimLine = LINE, code: str = "D1"
) -> str | Refusal:
    """One line, ordered by somebody."""
    extra: dict[str, object] = {"bilg_dr_codg": code} if code else {}
    kept = KeptLine(occurred_at="2026-11-20 08:00:00", extra=extra)
    return check_lines([line], [kept], asked("2204"), world_of(terms, check))


@pytest.mark.parametrize(("terms", "code"), TERMS)
def test_line_of_no_doctor_is_refused_warned_of_or_left_alone(
    terms: list[Staff], code: str
) -> None:
    refused = lines_checked(terms, REFUSE)
    assert (refused.code if isinstance(refused, Refusal) else refused) == code
    if isinstance(refused, Refusal):
        assert refused.field == "lines[0].doctor"
        assert "7" in text(refused).message and "D1" in text(refused).message
    warned = lines_checked(terms, WARN)
    assert isinstance(warned, str) and ("D1" in warned) == bool(code)
    assert lines_checked(terms, OFF) == ""


@pytest.mark.parametrize(("terms", "code"), TERMS)
def test_so_is_a_visit_in_the_charge_of_none(terms: list[Staff], code: str) -> None:
    def said(check: DoctorCheck, kept: dict[str, object]) -> str | Refusal:
        return check_in_charge(kept, asked("2401"), ON, world_of(terms, check))

    refused = said(REFUSE, {"atddr_no": "D1"})
    assert (refused.code if isinstance(refused, Refusal) else refused) == code
    warned = said(WARN, {"atddr_no": "D1"})
    assert isinstance(warned, str) and bool(warned) == bool(code)
    assert said(OFF, {"atddr_no": "D1"}) == ""
    assert said(REFUSE, {}) == ""


def test_refund_and_line_without_a_doctor_are_left_alone() -> None:
    refund = replace(LINE, quantity_e4=-10_000, amount_fen=-100)
    assert lines_checked([], REFUSE, refund) == ""
    assert lines_checked([], REFUSE, code="") == ""
