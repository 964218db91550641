"""What stands of mappings, and what a region makes of a line then: rule tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from settlement.claim import UNMAPPED, ClaimLine
from settlement.policy.region import MappingCheck, UnmappedItem
from settlement.refusal import Refusal
from settlement.rows import MappingKind, MappingRow
from settlement.usecases.mappings import Checked, check_lines, standing_of
from settlement.view import View
from tests.unit.usecases.builders import CODES, ON, a_world, asked

A, B = CODES[:2]
AT = datetime(2026, 1, 1, tzinfo=UTC)
OFF, WARN, REFUSE = MappingCheck
ACCEPT, SELF_PAY, REFUSED = UnmappedItem
MAPPED, WITHDRAWN = MappingKind
LINE = ClaimLine(
    line_no="1", item_code=A, institution_item_code="OWN", quantity_e4=10_000, price_e6=1_000_000,
    amount_fen=100, occurred_on=ON,
)  # fmt: skip


def row(n: int, code: str, kind: MappingKind = MAPPED, *, days: int = 0) -> MappingRow:
    """The n-th row about OWN; in force on the day of the line, or so many days later."""
    begin = ON + timedelta(days)
    return MappingRow(
        lane=1, mapping_id=100 - n, kind=kind, recorded_at=AT + timedelta(seconds=n),
        begins_on=begin, ends_on=begin, institution=asked("2102").institution.code, own_code="OWN",
        list_type="101", item_code=code, content="{}",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "standing"),
    [
        ([], []),
        ([row(1, A)], [A]),
        ([row(1, A), row(2, B)], [A, B]),
        ([row(1, A), row(2, A, WITHDRAWN)], []),
        ([row(2, A, WITHDRAWN), row(1, A)], []),
        ([row(1, A), row(2, A, WITHDRAWN), row(3, A)], [A]),
        ([row(1, A), row(2, B, WITHDRAWN)], [A]),
    ],
)
def test_what_stands(rows: list[MappingRow], standing: list[str]) -> None:
    assert sorted(one.item_code for one in standing_of(rows)) == standing


@pytest.mark.parametrize(
    ("check", "unmapped", "mapped", "outcome"),
    [
        (OFF,    ACCEPT,   [],                "as it was"),
        (OFF,    ACCEPT,   [row(1, B)],       "as it was"),
        (OFF,    SELF_PAY, [],                "full self-pay"),
        (OFF,    SELF_PAY, [row(1, B)],       "as it was"),
        (OFF,    REFUSED,  [],                "ITEM_UNMAPPED"),
        (OFF,    REFUSED,  [row(1, A)],       "as it was"),
        (OFF,    REFUSED,  [row(1, A, days=1)], "ITEM_UNMAPPED"),
        (WARN,   ACCEPT,   [],                "as it was"),
        (WARN,   ACCEPT,   [row(1, A)],       "as it was"),
        (WARN,   ACCEPT,   [row(1, B)],       "warned"),
        (REFUSE, ACCEPT,   [row(1, A)],       "as it was"),
        (REFUSE, ACCEPT,   [row(1, B)],       "MAPPING_DIFFERS"),
        (REFUSE, SELF_PAY, [row(1, B, days=1)], "full self-pay"),
    ],
)  # fmt: skip
def test_what_becomes_of_a_line(
    check: MappingCheck, unmapped: UnmappedItem, mapped: list[MappingRow], outcome: str
) -> None:
    found = checked(LINE, check, unmapped, mapped)
    if isinstance(found, Refusal):
        assert found.code == outcome
        return
    [line] = found.lines
    assert line == (replace(LINE, approval=UNMAPPED) if outcome == "full self-pay" else LINE)
    assert bool(found.warning) == (outcome == "warned")


def test_a_refund_is_not_refused_for_what_was_mapped_since() -> None:
    refund = replace(LINE, quantity_e4=-10_000, amount_fen=-100)
    assert checked(refund, REFUSE, ACCEPT, [row(1, B)]) == Checked((refund,))
    for unmapped in (SELF_PAY, REFUSED):
        assert checked(refund, REFUSE, unmapped, []) == Checked((refund,))


def checked(
    line: ClaimLine, check: MappingCheck, unmapped: UnmappedItem, mapped: list[MappingRow]
) -> Checked | Refusal:
    """The line, held against these rows."""
    world = a_world(mapping_check=check, unmapped_item=unmapped)
    view = View()
    for one in mapped:
        view.mappings.setdefault((one.institution, one.own_code), []).append(one)
    return check_lines((line,), asked("2102"), view, world)
