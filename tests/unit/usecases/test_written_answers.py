"""Answers of settling are written as text: what is written must be what the message types say."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, Struct, structs

from ledger.money import yuan_text
from protocol.nhsa.messages.money import SettleDetail
from protocol.nhsa.messages.outpatient_settle import OutpatientCancelReply, OutpatientReply
from protocol.nhsa.messages.pharmacy import PharmacyCancelReply, PharmacyReply
from settlement.certify.money import broken_identities
from settlement.claim import AccountUse, ClaimLine
from settlement.client.outcome import fen_of
from settlement.decision import Answer, Decision
from settlement.translate import answers
from settlement.translate.history import settlement_reply
from settlement.usecases.cancel import cancel
from settlement.usecases.sale import purchase
from settlement.view import View
from tests.unit.usecases.builders import (
    IDENTITY,
    PERSON_NO,
    PHARMACY,
    a_cancel,
    a_moment,
    a_purchase,
    a_view,
    a_world,
    balances,
    booked,
    claim_lines,
    row_of,
    schemes,
    uses,
)

AWKWARD = st.text(min_size=1, max_size=12)
"""Anything a sender or an employer may have typed: quotes, backslashes, control characters."""


DECODER = msgspec.json.Decoder(float_hook=Decimal)


def written(decision: Decision) -> bytes:
    """The output of an answer as it leaves."""
    assert isinstance(decision.reply, Answer), decision.reply
    assert isinstance(decision.reply.output, Raw)
    return bytes(decision.reply.output)


def assert_is(kind: type[Struct], text: bytes) -> None:
    """Nothing is missing, added, in another order or of another type."""
    assert msgspec.json.encode(msgspec.json.decode(text, type=kind)).decode() == text.decode()


def bought(
    scheme: str, lines: tuple[ClaimLine, ...], use: AccountUse, balance: int, name: str
) -> tuple[View, Decision]:
    """A sale to somebody with that name, decided on a view of its own."""
    view = a_view(scheme, balance_fen=balance if scheme == "310" else 0, used_fen=0)
    person = view.persons[PERSON_NO]
    person.identity = structs.replace(IDENTITY, name=name)
    return view, purchase(a_purchase(scheme, lines, use, 1), view, a_world(), a_moment())


@given(scheme=schemes, lines=claim_lines(), use=uses, balance=balances, name=AWKWARD)
def test_a_sale_and_its_cancel_are_written_as_their_types_say(
    scheme: str, lines: tuple[ClaimLine, ...], use: AccountUse, balance: int, name: str
) -> None:
    view, sale = bought(scheme, lines, use, balance, name)
    assert_is(PharmacyReply, written(sale))
    info = msgspec.json.decode(written(sale), type=PharmacyReply).setlinfo
    assert info.psn_name == name
    row = row_of(booked(sale, view))
    undone = cancel(a_cancel(row), view, a_world(), a_moment(1))
    assert_is(PharmacyCancelReply, written(undone))
    assert_is(OutpatientCancelReply, written(undone))


@given(scheme=schemes, lines=claim_lines(), use=uses, balance=balances, memo=AWKWARD)
def test_a_quote_and_a_visit_are_written_as_their_types_say(
    scheme: str, lines: tuple[ClaimLine, ...], use: AccountUse, balance: int, memo: str
) -> None:
    view = a_view(scheme, balance_fen=balance if scheme == "310" else 0, used_fen=0)
    world = a_world()
    asked = structs.replace(a_purchase(scheme, lines, use, 1), quote=True)
    quote = purchase(asked, view, world, a_moment())
    assert_is(PharmacyReply, written(quote))
    assert b'"setl_id"' not in written(quote)
    row = row_of(booked(purchase(a_purchase(scheme, lines, use, 2), view, world, a_moment()), view))
    policy = world.policies.version(row.policy)
    assert policy is not None
    row = structs.replace(row, msgid=memo, psn_no=memo)
    text = bytes(answers.visit_reply(row, IDENTITY, policy, world.profile))
    assert_is(OutpatientReply, text)
    info = msgspec.json.decode(text, type=OutpatientReply).setlinfo
    assert (info.medins_setl_id, info.psn_no) == (memo, memo)


@given(
    scheme=schemes, lines=claim_lines(), use=uses, balance=balances, included=st.booleans()
)
def test_the_amounts_add_up_however_the_region_reports_its_fund_total(
    scheme: str, lines: tuple[ClaimLine, ...], use: AccountUse, balance: int, included: bool
) -> None:
    view = a_view(scheme, balance_fen=balance if scheme == "310" else 0, used_fen=0)
    world = a_world(fund_total_includes_account=included)
    sale = purchase(a_purchase(scheme, lines, use, 1), view, world, a_moment())
    row = row_of(booked(sale, view))
    undone = cancel(a_cancel(row), view, world, a_moment(1))
    for told, sign in ((written(sale), 1), (written(undone), -1)):
        output = DECODER.decode(told)
        assert broken_identities(output, account_in_funds=included) == []
        if row.account_fen:
            assert broken_identities(output, account_in_funds=not included)
        counted = row.fund_fen + (row.account_fen if included else 0)
        assert fen_of(output["setlinfo"], "fund_pay_sumamt") == sign * counted
    policy = world.policies.version(row.policy)
    assert policy is not None
    stored = settlement_reply(row, IDENTITY, PHARMACY, policy, world.profile, refunded=False)
    assert bytes(stored.setlinfo.fund_pay_sumamt) == yuan_text(counted).encode()


def test_the_shares_given_and_the_shares_stored_are_written_alike() -> None:
    line = ClaimLine(
        line_no="1", item_code="XB001TESTCLASSB", institution_item_code="SHOP",
        quantity_e4=10_000, price_e6=99_990_000, amount_fen=9_999,
        occurred_on=a_moment().business_day,
    )  # fmt: skip
    view, sale = bought("310", (line,), AccountUse.OWN, 100, "测试甲")
    assert sale.effects is not None
    row = row_of(sale.effects)
    policy = a_world().policies.version(row.policy)
    assert policy is not None
    details = answers.settle_details(row, policy)
    assert written(sale).find(details.encode()) > 0
    assert [one.fund_pay_type for one in msgspec.json.decode(details, type=list[SettleDetail])]
    assert view.persons[PERSON_NO].person_no == PERSON_NO
