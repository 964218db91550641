"""What each step between a patient and relatives decides, by itself (ADR 0023)."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec import structs

from ledger.entry import EntryKind, Transfer
from settlement.chart import FAMILY_CLEARING, InstitutionAccount
from settlement.claim import AccountUse, ClaimLine
from settlement.commands import (
    EndUndertaking,
    Hold,
    HoldForRelative,
    Pledge,
    Purchase,
    ResolveHold,
    ReturnPayment,
)
from settlement.decision import Decision, Held, Wanted
from settlement.person import FamilyLink
from settlement.refusal import Refusal
from settlement.rows import MoveKind, UndertakingKind
from settlement.usecases import cancel, family, relatives, sale
from settlement.usecases.booking import own_account_fen
from settlement.view import Effects, View
from settlement.world import Suspensions
from tests.unit.usecases.builders import (
    LANE,
    ON,
    PERSON_NO,
    PHARMACY,
    a_cancel,
    a_moment,
    a_purchase,
    a_reversal,
    a_view,
    a_world,
    booked,
    row_of,
)

DONOR = "44190099000000000002"
UNDERTAKING, HOLD_ID = 77, 2_611_000_300_001_000_001
WORLD, NOW = a_world(), a_moment()
LINE = ClaimLine(
    line_no="1", item_code="XA001TESTCLASSA", institution_item_code="SHOP", quantity_e4=10_000,
    price_e6=100_000_000, amount_fen=10_000, occurred_on=ON,
)  # fmt: skip
WANTED_FEN = 3_000
"""Of 100.00 the fund pays 60.00, an own account of 10.00 pays 10.00."""


def a_family(*, donor_fen: int = 5_000) -> View:
    """A patient with 10.00 and a relative, as if both lanes were read together."""
    view = a_view("310", balance_fen=1_000, used_fen=0)
    patient = view.persons[PERSON_NO]
    view.persons[DONOR] = structs.replace(
        patient, person_no=DONOR, account=10**12 + 2, balance_fen=donor_fen
    )
    view.families[PERSON_NO] = (a_link(),)
    return view


def a_link(**changes: object) -> FamilyLink:
    link = FamilyLink(donor_no=DONOR, relation="01", order=1, consented_on=date(2020, 1, 1))
    return structs.replace(link, **changes)


def a_shared_sale(pledge: Pledge, nth: int = 1) -> Purchase:
    return structs.replace(a_purchase("310", (LINE,), AccountUse.FAMILY, nth), pledge=pledge)


def first_asked(view: View) -> tuple[Purchase, Decision]:
    """A sale at its first step."""
    command = a_shared_sale(Pledge(undertaking_id=UNDERTAKING))
    return command, sale.purchase(command, view, WORLD, NOW)


def pledged(command: Purchase, fen: int, *, wanted_fen: int = WANTED_FEN) -> Purchase:
    """The same with so much held."""
    holds = (Hold(DONOR, "01", HOLD_ID, fen),) if fen else ()
    pledge = Pledge(undertaking_id=UNDERTAKING, wanted_fen=wanted_fen, holds=holds)
    return structs.replace(command, pledge=pledge)


def a_hold(command: Purchase, wanted_fen: int = WANTED_FEN, *, quote: bool = False) -> (
    HoldForRelative
):  # fmt: skip
    return HoldForRelative(
        asked=structs.replace(command.asked, person_no=DONOR), hold_ids=(HOLD_ID,),
        hold_id=HOLD_ID, undertaking_id=UNDERTAKING, patient_lane=LANE, patient_no=PERSON_NO,
        wanted_fen=wanted_fen, quote=quote,
    )  # fmt: skip


def settled(view: View) -> tuple[Purchase, Effects]:
    """A sale that a relative helped to pay; the hold still stands."""
    command, asked = first_asked(view)
    booked(asked, view)
    booked(relatives.hold(a_hold(command), view, WORLD, NOW), view)
    command = pledged(command, WANTED_FEN)
    return command, booked(sale.purchase(command, view, WORLD, NOW), view)


def resolving(command: Purchase, setl_id: int | None) -> ResolveHold:
    asked = structs.replace(command.asked, person_no=DONOR)
    return ResolveHold(asked=asked, hold_ids=(HOLD_ID,), hold_id=HOLD_ID, setl_id=setl_id)


def returning(command: Purchase, setl_id: int) -> ReturnPayment:
    asked = structs.replace(command.asked, person_no=DONOR)
    return ReturnPayment(asked=asked, hold_ids=(HOLD_ID,), hold_id=HOLD_ID, setl_id=setl_id)


def refusal_of(decision: Decision) -> str:
    assert isinstance(decision.reply, Refusal)
    assert decision.effects is None
    return decision.reply.code


def test_first_step_says_what_is_wanted_and_opens_an_undertaking() -> None:
    view = a_family()
    _, asked = first_asked(view)
    assert isinstance(asked.reply, Wanted)
    assert (asked.reply.fen, asked.reply.donors) == (WANTED_FEN, (a_link(),))
    effects = booked(asked, view)
    assert effects.settlement is None and effects.entry is None and effects.messages == ()
    assert effects.opened is not None
    assert effects.opened.kind is UndertakingKind.FAMILY_PAYMENT
    assert view.persons[PERSON_NO].undertaking == UNDERTAKING


def test_first_step_decided_again_opens_nothing_twice() -> None:
    view = a_family()
    command, asked = first_asked(view)
    booked(asked, view)
    again = sale.purchase(command, view, WORLD, NOW)
    assert isinstance(again.reply, Wanted) and again.effects is None


def test_quote_asks_without_an_undertaking() -> None:
    view = a_family()
    command = structs.replace(a_shared_sale(Pledge(undertaking_id=UNDERTAKING)), quote=True)
    asked = sale.purchase(command, view, WORLD, NOW)
    assert isinstance(asked.reply, Wanted) and asked.effects is None


@pytest.mark.parametrize(
    "links",
    [
        (),
        (a_link(relation="99"),),
        (a_link(consented_on=date(2026, 11, 21)),),
        (a_link(ends_on=date(2026, 11, 19)),),
    ],
    ids=["no relative", "no relation of the list", "consent is to come", "consent has ended"],
)
def test_without_relatives_who_may_pay_it_is_settled_at_once(links: tuple[FamilyLink, ...]) -> None:
    view = a_family()
    view.families[PERSON_NO] = links
    _, decision = first_asked(view)
    row = row_of(booked(decision, view))
    assert (row.family_account_fen, row.account_fen, row.cash_fen) == (0, 1_000, WANTED_FEN)
    assert view.persons[PERSON_NO].undertaking is None


def test_relatives_are_asked_in_their_order() -> None:
    view = a_family()
    second, first = a_link(order=2), a_link(donor_no="44190099000000000003", order=1)
    view.families[PERSON_NO] = (second, first)
    _, asked = first_asked(view)
    assert isinstance(asked.reply, Wanted)
    assert asked.reply.donors == (first, second)


@pytest.mark.parametrize(
    ("has_fen", "wanted_fen", "held_fen"),
    [(5_000, 3_000, 3_000), (3_000, 3_000, 3_000), (2_000, 3_000, 2_000), (0, 3_000, 0)],
)
def test_as_much_is_held_as_there_is(has_fen: int, wanted_fen: int, held_fen: int) -> None:
    view = a_family(donor_fen=has_fen)
    command, _ = first_asked(view)
    decision = relatives.hold(a_hold(command, wanted_fen), view, WORLD, NOW)
    assert isinstance(decision.reply, Held) and decision.reply.fen == held_fen
    assert (decision.effects is not None) == bool(held_fen)
    if held_fen:
        booked(decision, view)
        assert view.persons[DONOR].balance_fen == has_fen - held_fen
        again = relatives.hold(a_hold(command, wanted_fen), view, WORLD, NOW)
        assert isinstance(again.reply, Held) and again.reply.fen == held_fen
        assert again.effects is None


def test_nothing_is_held_of_a_quote_a_stopped_person_or_a_stranger() -> None:
    view = a_family()
    command, _ = first_asked(view)
    quoted = relatives.hold(a_hold(command, quote=True), view, WORLD, NOW)
    assert isinstance(quoted.reply, Held) and quoted.reply.fen == WANTED_FEN
    assert quoted.effects is None
    stopped = structs.replace(WORLD, suspensions=Suspensions(persons={DONOR: "测试停用"}))
    for world, known in ((stopped, True), (WORLD, False)):
        if not known:
            del view.persons[DONOR]
        decision = relatives.hold(a_hold(command), view, world, NOW)
        assert isinstance(decision.reply, Held) and decision.reply.fen == 0
        assert decision.effects is None


def test_settlement_books_own_and_family_part_and_ends_the_undertaking() -> None:
    view = a_family()
    _, effects = settled(view)
    row = row_of(effects)
    assert (row.account_fen, row.family_account_fen, row.cash_fen) == (4_000, WANTED_FEN, 0)
    assert own_account_fen(row) == 1_000 == -effects.account_change_fen
    assert row.balance_fen == 0
    [share] = effects.shares
    assert (share.hold_id, share.donor_no, share.amount_fen) == (HOLD_ID, DONOR, WANTED_FEN)
    assert view.persons[PERSON_NO].undertaking is None
    assert effects.entry is not None
    payable = PHARMACY.account_base + InstitutionAccount.PAYABLE_ACCOUNTS
    assert Transfer(FAMILY_CLEARING, payable, WANTED_FEN) in effects.entry.transfers
    assert Transfer(10**12 + 1, payable, 1_000) in effects.entry.transfers


@pytest.mark.parametrize(
    ("held_fen", "wanted_fen"), [(2_999, 2_999), (3_000, 3_001), (3_001, 3_001)]
)
def test_what_is_held_must_still_be_what_is_wanted(held_fen: int, wanted_fen: int) -> None:
    view = a_family()
    command, asked = first_asked(view)
    booked(asked, view)
    command = pledged(command, held_fen, wanted_fen=wanted_fen)
    assert refusal_of(sale.purchase(command, view, WORLD, NOW)) == "FAMILY_CLAIM_CHANGED"


def test_less_than_wanted_is_settled_with_what_there_is() -> None:
    view = a_family()
    command, asked = first_asked(view)
    booked(asked, view)
    row = row_of(booked(sale.purchase(pledged(command, 500), view, WORLD, NOW), view))
    assert (row.family_account_fen, row.cash_fen) == (500, WANTED_FEN - 500)


def test_undertaking_that_was_ended_settles_nothing() -> None:
    view = a_family()
    command, asked = first_asked(view)
    booked(asked, view)
    ending = EndUndertaking(asked=command.asked, undertaking_id=UNDERTAKING)
    booked(family.end_undertaking(ending, view, WORLD, NOW), view)
    assert family.end_undertaking(ending, view, WORLD, NOW).effects is None
    late = sale.purchase(pledged(command, WANTED_FEN), view, WORLD, NOW)
    assert refusal_of(late) == "UNDERTAKING_LAPSED"


def test_nothing_else_is_settled_meanwhile() -> None:
    view = a_family()
    before = a_purchase("310", (LINE,), AccountUse.NONE, 9)
    row = row_of(booked(sale.purchase(before, view, WORLD, NOW), view))
    booked(first_asked(view)[1], view)
    other = a_purchase("310", (LINE,), AccountUse.OWN, 2)
    assert refusal_of(sale.purchase(other, view, WORLD, NOW)) == "UNDERTAKING_OPEN"
    rival = a_shared_sale(Pledge(undertaking_id=UNDERTAKING + 1), 3)
    assert refusal_of(sale.purchase(rival, view, WORLD, NOW)) == "UNDERTAKING_OPEN"
    assert refusal_of(cancel.cancel(a_cancel(row), view, WORLD, NOW)) == "UNDERTAKING_OPEN"
    assert refusal_of(cancel.reverse(a_reversal(before), view, WORLD, NOW)) == "UNDERTAKING_OPEN"
    quoted = sale.purchase(structs.replace(other, quote=True), view, WORLD, NOW)
    assert not isinstance(quoted.reply, Refusal)
    assert quoted.reply.warning == family.PROVISIONAL


def test_hold_pays_once_with_the_legs_it_held() -> None:
    view = a_family()
    command, effects = settled(view)
    setl_id = row_of(effects).setl_id
    paid = booked(relatives.resolve(resolving(command, setl_id), view, WORLD, NOW), view)
    assert paid.move is not None and paid.entry is not None and paid.pending is not None
    assert (paid.move.kind, paid.move.setl_id) == (MoveKind.PAID, setl_id)
    assert (paid.entry.kind, paid.entry.pending_id) == (EntryKind.POST, HOLD_ID)
    assert paid.entry.transfers == paid.pending.transfers
    assert view.persons[DONOR].balance_fen == 2_000
    for again in (setl_id, None):
        decision = relatives.resolve(resolving(command, again), view, WORLD, NOW)
        assert decision.effects is None


def test_hold_that_pays_nothing_is_released_once() -> None:
    view = a_family()
    command, asked = first_asked(view)
    booked(asked, view)
    booked(relatives.hold(a_hold(command), view, WORLD, NOW), view)
    released = booked(relatives.resolve(resolving(command, None), view, WORLD, NOW), view)
    assert released.entry is not None and released.entry.kind is EntryKind.VOID
    assert view.persons[DONOR].balance_fen == 5_000
    assert relatives.resolve(resolving(command, None), view, WORLD, NOW).effects is None


def test_hold_that_was_never_booked_is_nothing_to_resolve() -> None:
    view = a_family()
    command, _ = first_asked(view)
    assert relatives.resolve(resolving(command, None), view, WORLD, NOW).effects is None


def test_undoing_remembers_what_relatives_get_back_until_they_have_it() -> None:
    view = a_family()
    command, effects = settled(view)
    row = row_of(effects)
    decision = cancel.cancel(a_cancel(row), view, WORLD, NOW)
    undone = booked(decision, view)
    [share] = undone.shares
    assert not isinstance(decision.reply, Refusal)
    assert decision.reply.returns == undone.shares
    assert share.amount_fen == -WANTED_FEN
    undoing = row_of(undone)
    assert undoing.family_account_fen == -WANTED_FEN
    assert undone.account_change_fen == undoing.balance_fen == 1_000
    assert view.persons[PERSON_NO].undertaking == undoing.setl_id
    with pytest.raises(ValueError, match="has not paid"):
        relatives.give_back(returning(command, undoing.setl_id), view, WORLD, NOW)
    booked(relatives.resolve(resolving(command, row.setl_id), view, WORLD, NOW), view)
    back = booked(relatives.give_back(returning(command, undoing.setl_id), view, WORLD, NOW), view)
    assert back.entry is not None
    assert back.entry.transfers == (Transfer(FAMILY_CLEARING, 10**12 + 2, WANTED_FEN),)
    assert view.persons[DONOR].balance_fen == 5_000
    again = relatives.give_back(returning(command, undoing.setl_id), view, WORLD, NOW)
    assert again.effects is None


def test_family_clearing_comes_to_zero() -> None:
    view = a_family()
    command, effects = settled(view)
    row = row_of(effects)
    paid = booked(relatives.resolve(resolving(command, row.setl_id), view, WORLD, NOW), view)
    undone = booked(cancel.cancel(a_cancel(row), view, WORLD, NOW), view)
    undoing = row_of(undone)
    back = booked(relatives.give_back(returning(command, undoing.setl_id), view, WORLD, NOW), view)
    for entries in ((effects, paid), (undone, back)):
        legs = [leg for one in entries if one.entry is not None for leg in one.entry.transfers]
        debits = sum(leg.amount_fen for leg in legs if leg.debit == FAMILY_CLEARING)
        credits_ = sum(leg.amount_fen for leg in legs if leg.credit == FAMILY_CLEARING)
        assert debits == credits_ == WANTED_FEN
