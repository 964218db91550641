"""Any old settlement becomes a row that adds up, and a cancel of it takes back every fen."""

from __future__ import annotations

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from ledger.entry import EntryKind
from settlement import chart
from settlement.certify.money import broken_identities
from settlement.intake.old_settlements import OldSettlement, totals_text
from settlement.policy.loader import load_policies
from settlement.policy.model import Policy
from settlement.rows import MONEY, MessageOutcome, RowKind, SettlementRow, commitment
from settlement.usecases.cancel import cancel
from settlement.usecases.carried import (
    Place,
    carried_entry,
    carried_message,
    carried_row,
    misfit,
    year_of,
)
from settlement.view import SettlementFact
from tests.unit.usecases.builders import (
    LANE,
    PERSON_NO,
    PHARMACY,
    a_cancel,
    a_moment,
    a_view,
    a_world,
    row_of,
)
from tests.unit.usecases.test_written_answers import DECODER, written

POOL = "310102"
PLACE = Place(lane=LANE, setl_id=2_611_000_300_001_000_001, prior_row=None, prior_active=None)


def policy_of(region: str = "441900") -> Policy:
    """The employees' policy of the town."""
    policy = load_policies().find(region, "310", datetime(2026, 11, 1).date())
    assert policy is not None
    return policy


POLICY = policy_of()


@st.composite
def old_settlements(draw: st.DrawFn) -> OldSettlement:
    """Amounts that one settlement may have."""
    fund, account, cash = (draw(st.integers(0, 10**9)) for _ in range(3))
    total = fund + account + cash
    apart = sorted(draw(st.integers(0, total)) for _ in range(3))
    return an_old_one(
        total_fen=total, funds={POOL: fund} if fund else {}, account_fen=account,
        full_self_pay_fen=apart[0], over_ceiling_fen=apart[1] - apart[0],
        pre_self_pay_fen=apart[2] - apart[1], increments={"outpatient.paid.310102": fund},
    )  # fmt: skip


def an_old_one(**changes: object) -> OldSettlement:
    """A sale of 100.00."""
    one = OldSettlement(
        row=2, institution=PHARMACY.code, person_no=PERSON_NO, earlier_no="OLD-1", infno="2102",
        msgid="P44190099001202611020930000001", settled_at=datetime(2026, 11, 2, 9, 30),
        begun_at=datetime(2026, 11, 2, 9, 29), scheme="310", category="11", care_type="41",
        year=None, total_fen=10_000, full_self_pay_fen=0, over_ceiling_fen=0, pre_self_pay_fen=0,
        deductible_fen=0, funds={POOL: 6_000}, account_fen=2_500, increments={}, invoice_no="",
        source="旧系统",
    )  # fmt: skip
    return structs.replace(one, **changes)


def undone(row: SettlementRow) -> tuple[SettlementRow, dict[str, object]]:
    """The row of its cancel, and the answer."""
    view = a_view("310", balance_fen=0, used_fen=10**9)
    view.settlements[row.setl_id] = SettlementFact(row=row, detail=None)
    decision = cancel(a_cancel(row), view, a_world(), a_moment(1))
    assert decision.effects is not None, decision.reply
    return row_of(decision.effects), DECODER.decode(written(decision))


@given(old=old_settlements())
def test_any_of_them_adds_up_and_is_taken_back_to_the_fen(old: OldSettlement) -> None:
    row = carried_row(old, POLICY, PLACE)
    assert row.total_fen == row.fund_fen + row.personal_fen + row.hospital_fen
    assert row.personal_fen == row.account_fen + row.cash_fen and row.cash_fen >= 0
    assert row.in_scope_fen >= 0
    negative, answer = undone(row)
    assert negative.kind is RowKind.CANCEL and negative.undoes_setl_id == row.setl_id
    assert [getattr(negative, name) for name in MONEY] == [-getattr(row, name) for name in MONEY]
    assert broken_identities(answer) == []


def test_entry_notes_the_total_and_commits_to_the_row() -> None:
    row = carried_row(an_old_one(), POLICY, PLACE)
    entry = carried_entry(row)
    [note] = entry.transfers
    assert (note.debit, note.credit, note.amount_fen) == (
        chart.CARRIED_SETTLEMENTS, chart.CARRIED_CONTRA, 10_000,
    )  # fmt: skip
    assert (entry.kind, entry.code) == (EntryKind.SINGLE, chart.EntryCode.SETTLEMENT_CARRIED)
    assert entry.entry_id == row.setl_id and entry.commitment == commitment(row)


def test_time_is_the_regions_and_the_day_is_its_own() -> None:
    row = carried_row(an_old_one(settled_at=datetime(2026, 11, 2, 0, 30)), POLICY, PLACE)
    assert row.setl_time.isoformat() == "2026-11-01T16:30:00+00:00"
    assert row.business_day.isoformat() == "2026-11-02"
    assert year_of(an_old_one(year=2025), POLICY) == 2025


def test_message_is_kept_where_it_is_known() -> None:
    kept = carried_message(an_old_one(), LANE, 7)
    assert kept is not None and (kept.outcome, kept.ref) == (MessageOutcome.CARRIED, 7)
    assert carried_message(an_old_one(msgid=""), LANE, 7) is None


def test_what_no_policy_of_the_day_knows_is_told_by_column() -> None:
    assert misfit(an_old_one(), POLICY) is None
    for old, policy, column in (
        (an_old_one(), None, "insutype"),
        (an_old_one(care_type="53"), POLICY, "med_type"),
        (an_old_one(funds={"999999": 1}), POLICY, "funds"),
        (an_old_one(funds={"310200": 1}), POLICY, "funds"),
    ):
        told = misfit(old, policy)
        assert told is not None and told[0] == column


def test_totals_are_those_of_the_file() -> None:
    text = totals_text([an_old_one(), an_old_one(earlier_no="OLD-2")], "0" * 64)
    assert all(amount in text for amount in ("2 笔", "200.00", "120.00", "50.00"))
