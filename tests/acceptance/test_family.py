"""Relatives' accounts help to pay (家庭共济): own account first, then theirs in order (DOMAIN 24).

An employee's account has 1000.00. A box of the dear medicine costs 2000.00, and by the
demonstration policy the outpatient fund soon reaches its cap of the year: four boxes use up three
accounts.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from settlement.gateway import Caller
from settlement.lanes import lane_of
from settlement.people.notice import Notice
from settlement.serve.notices import notices_json
from settlement.storage.notices import notices_of
from settlement.usecases.explain import Explained, Recomputed
from settlement.usecases.family import NOT_USED
from tests.kit.counter import Message
from tests.kit.population import BALANCE_FEN, CLASS_A, DEAR, UNLISTED, Citizen, Kind, some
from tests.kit.reply import (
    Reply,
    assert_adds_up,
    assert_done,
    assert_money,
    assert_refused,
    assert_same_answer,
)
from tests.kit.town import Town
from tests.kit.waiting import until
from tests.kit.ward import admit

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = Path(__file__).resolve().parents[2]
HELD, PAID, RELEASED, RETURNED = 1, 2, 3, 4
FLAG = "input.druginfo.acct_used_flag"
VISIT_FLAG = "input.data.acct_used_flag"


def shared(town: Town, whom: Citizen, quantity: int, *, infno: str = "2102") -> Message:
    """A sale of a dear medicine that relatives may help to pay."""
    return town.pharmacy.sale(whom, some(DEAR, quantity), infno=infno).edited({FLAG: "2"})


async def explained(town: Town, settled: Reply) -> Explained:
    caller = Caller(institution_code=town.pharmacy.code, access_key="test")
    found = await town.service.explanation(settled.setl_id, caller)
    assert found is not None
    return msgspec.json.decode(found, type=Explained)


async def told(town: Town, citizen: Citizen) -> tuple[Notice, ...]:
    return await notices_of(
        town.owner, lane=lane_of(citizen.number, town.lanes), person_no=citizen.number,
        since=town.clock() - timedelta(days=1),
    )  # fmt: skip


async def test_own_account_pays_first_and_then_two_relatives_in_order(town: Town) -> None:
    patient, first, second = town.people(3)
    await town.bind(patient, first, second)
    settled = await town.pharmacy.send(shared(town, patient, 4))
    assert_adds_up(settled)
    whole = settled.money("medfee_sumamt") - settled.money("fund_pay_sumamt")
    assert whole > 3000
    assert settled.money("acct_pay") == Decimal("3000.00")
    assert settled.money("acct_mulaid_pay") == Decimal("2000.00")
    assert settled.money("psn_cash_pay") == whole - 3000
    assert settled.money("balc") == 0
    for citizen in (patient, first, second):
        assert await town.balance_fen(citizen) == 0
    for donor in (first, second):
        assert await town.moves_of(donor) == [(HELD, 100_000), (PAID, 100_000)]
    assert await town.under_way(patient) is None


async def test_worked_sample_of_the_interface_page_comes_out(town: Town) -> None:
    text = (ROOT / "docs/reference/interface.md").read_text("utf-8")
    section = text.partition("## Accounts of relatives")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if ".00 |" in line]
    fund, own, first, second, cash = (Decimal(row[1]) for row in rows)
    patient, *donors = town.people(3)
    await town.bind(patient, *donors)
    settled = await town.pharmacy.send(shared(town, patient, 4))
    assert settled.money("fund_pay_sumamt") == fund
    assert settled.money("acct_pay") == own + first + second
    assert settled.money("acct_mulaid_pay") == first + second
    assert settled.money("psn_cash_pay") == cash
    paid = [BALANCE_FEN - await town.balance_fen(one) for one in (patient, *donors)]
    assert paid == [100 * own, 100 * first, 100 * second]


async def test_later_relative_is_not_touched_where_the_first_suffices(town: Town) -> None:
    patient, first, second = town.people(3)
    await town.bind(patient, first, second)
    settled = await town.pharmacy.send(shared(town, patient, 2))
    share = int(settled.money("acct_mulaid_pay") * 100)
    assert 0 < share < 100_000
    assert settled.money("psn_cash_pay") == 0
    assert await town.balance_fen(first) == 100_000 - share
    assert await town.moves_of(second) == []


async def test_cancel_returns_to_each_what_was_theirs(town: Town) -> None:
    patient, first, second = town.people(3)
    await town.bind(patient, first, second)
    spent = await town.pharmacy.sell(second, some(CLASS_A, 4))
    left = 100_000 - int(spent.money("acct_pay") * 100)
    settled = await town.pharmacy.send(shared(town, patient, 4))
    cancel = town.pharmacy.cancel(settled)
    cancelled = await town.pharmacy.send(cancel)
    assert_adds_up(cancelled)
    assert cancelled.money("acct_mulaid_pay") == -settled.money("acct_mulaid_pay")
    assert cancelled.money("balc") == Decimal("1000.00")
    assert [await town.balance_fen(one) for one in (patient, first, second)] == [
        100_000, 100_000, left,
    ]  # fmt: skip
    assert await town.moves_of(second) == [(HELD, left), (PAID, left), (RETURNED, left)]
    assert await town.under_way(patient) is None
    assert_same_answer(cancelled, await town.pharmacy.send(cancel))
    again = await town.pharmacy.send(shared(town, patient, 4))
    assert again.money("acct_mulaid_pay") == settled.money("acct_mulaid_pay")


async def test_resend_gets_the_first_answer_and_takes_nothing_more(town: Town) -> None:
    patient, donor = town.people(2)
    await town.bind(patient, donor)
    message = shared(town, patient, 2)
    first = await town.pharmacy.send(message)
    left = await town.balance_fen(donor)
    assert_same_answer(first, await town.pharmacy.send(message))
    assert await town.balance_fen(donor) == left
    assert len(await town.moves_of(donor)) == 2


async def test_reversal_returns_to_relatives_as_if_it_had_never_been(town: Town) -> None:
    patient, donor = town.people(2)
    await town.bind(patient, donor)
    message = shared(town, patient, 3)
    assert_done(await town.pharmacy.send(message))
    assert_done(await town.pharmacy.send(town.pharmacy.reversal(message, patient)))
    assert await town.balance_fen(donor) == await town.balance_fen(patient) == 100_000
    assert_refused(await town.pharmacy.send(message), "MESSAGE_REVERSED", field="msgid")


async def test_reversal_before_the_message_arrives_leaves_relatives_alone(town: Town) -> None:
    patient, donor = town.people(2)
    await town.bind(patient, donor)
    message = shared(town, patient, 3)
    assert_done(await town.pharmacy.send(town.pharmacy.reversal(message, patient)))
    assert_refused(await town.pharmacy.send(message), "MESSAGE_REVERSED", field="msgid")
    assert await town.moves_of(donor) == []
    assert await town.balance_fen(donor) == 100_000


async def test_quote_says_what_relatives_would_pay_and_holds_nothing(town: Town) -> None:
    patient, donor = town.people(2)
    await town.bind(patient, donor)
    quoted = await town.pharmacy.send(shared(town, patient, 3, infno="2101"))
    assert await town.moves_of(donor) == []
    assert await town.under_way(patient) is None
    settled = await town.pharmacy.send(shared(town, patient, 3))
    for name in ("acct_pay", "acct_mulaid_pay", "psn_cash_pay"):
        assert quoted.money(name) == settled.money(name), name


async def test_visit_is_quoted_and_settled_with_relatives_and_cancelled(town: Town) -> None:
    patient, donor = town.people(2)
    await town.bind(patient, donor)
    visit = await town.hospital.open_visit(patient, some(DEAR, 3))
    quoted = visit.quote(some(DEAR, 3)).edited({VISIT_FLAG: "2"})
    quote = await town.hospital.send(quoted)
    settled = await town.hospital.send(visit.settlement(quoted, quote))
    assert_adds_up(settled)
    share = settled.money("acct_mulaid_pay")
    assert share == quote.money("acct_mulaid_pay") > 0
    assert await town.balance_fen(donor) == 100_000 - share * 100
    assert_done(await town.hospital.send(town.hospital.cancel(settled)))
    assert await town.balance_fen(donor) == 100_000


async def test_stay_is_settled_with_a_relative(town: Town) -> None:
    patient, donor = town.someone(Kind.PENNILESS), town.someone()
    await town.bind(patient, donor)
    stay = await admit(town.hospital, patient, some(DEAR, 2))
    assert_done(await town.hospital.send(stay.discharge()))
    quoted = stay.quote(Decimal("4000.00")).edited({VISIT_FLAG: "2"})
    quote = await town.hospital.send(quoted)
    settled = await town.hospital.send(stay.settlement(quoted, quote))
    assert_money(settled, total="4000.00", fund="2880.00", account="1000.00", cash="120.00")
    assert settled.money("acct_mulaid_pay") == Decimal("1000.00")
    assert await town.balance_fen(donor) == 0


async def test_explanation_says_what_each_relative_paid_and_comes_out_again(town: Town) -> None:
    patient, first, second = town.people(3)
    await town.bind(patient, first, second)
    settled = await town.pharmacy.send(shared(town, patient, 4))
    told = await explained(town, settled)
    assert told.recomputed is Recomputed.SAME
    steps = [step for step in told.steps if step["rule"].startswith("family_account")]
    assert [step["amount"] for step in steps] == ["1000.00", "1000.00"]
    assert "第 2 位亲属" in told.text_zh
    assert "relative's account no. 2" in told.text_en
    assert first.number not in str(told) and second.number not in str(told)


@pytest.mark.parametrize(
    ("since", "until", "relation"),
    [
        (date(2026, 11, 24), date.max, "01"),
        (date(2020, 1, 1), date(2026, 11, 22), "01"),
        (date(2020, 1, 1), date.max, "99"),
    ],
    ids=["consent begins tomorrow", "consent ended yesterday", "a relation that may not"],
)
async def test_relative_who_may_not_pay_is_passed_over(
    town: Town, since: date, until: date, relation: str
) -> None:
    assert town.clock.local.date() == date(2026, 11, 23)
    patient, donor = town.people(2)
    await town.bind(patient, donor, since=since, until=until, relation=relation)
    settled = await town.pharmacy.send(shared(town, patient, 3))
    assert settled.money("acct_mulaid_pay") == 0
    assert settled.warn_msg == NOT_USED
    assert await town.moves_of(donor) == []


async def test_relative_whom_an_operator_stopped_is_passed_over(town: Town) -> None:
    patient, stopped, donor = town.people(3)
    await town.bind(patient, stopped, donor)
    await town.switch("person", stopped.number, on=True)

    async def refused() -> bool:
        reply = await town.pharmacy.send(shared(town, stopped, 1, infno="2101"))
        return reply.err_code == "PERSON_SUSPENDED"

    await until(refused)
    settled = await town.pharmacy.send(shared(town, patient, 3))
    assert settled.money("acct_mulaid_pay") == Decimal("1000.00")
    assert await town.moves_of(stopped) == []
    assert await town.balance_fen(donor) == 0


async def test_relatives_are_asked_only_where_the_claim_says_so(town: Town) -> None:
    patient, donor = town.people(2)
    await town.bind(patient, donor)
    settled = await town.pharmacy.sell(patient, some(DEAR, 3))
    assert settled.money("acct_mulaid_pay") == 0
    assert settled.warn_msg == ""
    assert await town.moves_of(donor) == []


async def test_scheme_without_shared_accounts_refuses(town: Town) -> None:
    message = town.pharmacy.sale(town.someone(Kind.RESIDENT), some(DEAR)).edited({FLAG: "2"})
    reply = await town.pharmacy.send(message)
    assert_refused(reply, "FAMILY_ACCOUNT_UNSUPPORTED", field=FLAG, mentions="共济")


async def test_wholly_self_paid_part_is_not_for_relatives(town: Town) -> None:
    patient, donor = town.someone(Kind.PENNILESS), town.someone()
    await town.bind(patient, donor)
    covered = some(DEAR, 1)
    message = town.pharmacy.sale(patient, covered, some(UNLISTED, 2)).edited({FLAG: "2"})
    settled = await town.pharmacy.send(message)
    own = settled.money("fulamt_ownpay_amt")
    assert own == Decimal("60.00")
    assert settled.money("psn_cash_pay") == own
    assert settled.money("acct_mulaid_pay") == Decimal("800.00")


async def test_relative_is_told_what_was_paid_and_what_came_back(town: Town) -> None:
    patient, donor = town.people(2)
    await town.bind(patient, donor)
    settled = await town.pharmacy.send(shared(town, patient, 4))
    cancelled = await town.pharmacy.send(town.pharmacy.cancel(settled))
    paid, returned = await told(town, donor)
    assert (paid.setl_id, paid.amount_fen, paid.balance_fen) == (int(settled.setl_id), 100_000, 0)
    assert "共济支付1000.00元" in paid.text_zh
    assert paid.text_en.endswith(f"settlement {settled.setl_id}; balance 0.00.")
    assert (returned.setl_id, returned.balance_fen) == (int(cancelled.setl_id), 100_000)
    assert "退回" in returned.text_zh and "got back 1000.00" in returned.text_en
    for text in (paid.text_zh, paid.text_en):
        assert patient.number not in text and patient.number[-4:] in text
    assert msgspec.json.decode(notices_json([paid]))[0]["amount"] == "1000.00"
    assert await told(town, patient) == ()


MOVES = "update settlement.family_move set"
SHARES = "update settlement.family_share set"
OF_HOLD = "where hold_id = $1"


@pytest.mark.parametrize(
    ("spoil", "mend", "found"),
    [
        (f"{MOVES} patient_no = patient_no || 'X' {OF_HOLD} and kind = 2",
         f"{MOVES} patient_no = rtrim(patient_no, 'X') {OF_HOLD} and kind = 2",
         {"payment for a relative was changed"}),
        (f"{MOVES} entry_id = - entry_id {OF_HOLD} and kind = 2",
         f"{MOVES} entry_id = - entry_id {OF_HOLD} and kind = 2",
         {"payment for a relative is missing"}),
        (f"{SHARES} amount_fen = amount_fen + 1 {OF_HOLD}",
         f"{SHARES} amount_fen = amount_fen - 1 {OF_HOLD}",
         {"relatives pay another amount than the settlement says",
          "a relative's account paid for no settlement"}),
        (f"{SHARES} setl_id = - setl_id {OF_HOLD}", f"{SHARES} setl_id = - setl_id {OF_HOLD}",
         {"relatives pay another amount than the settlement says",
          "a relative's account paid for no settlement"}),
    ],
)  # fmt: skip
async def test_verification_finds_what_was_touched(
    town: Town, spoil: str, mend: str, found: set[str]
) -> None:
    patient, donor = town.people(2)
    await town.bind(patient, donor)
    assert_done(await town.pharmacy.send(shared(town, patient, 3)))
    hold_id = await town.owner.fetchval(
        "select m.hold_id from settlement.family_move m where m.psn_no = $1", donor.number
    )
    await town.owner.execute(spoil, hold_id)
    report = await town.verified()
    await town.owner.execute(mend, hold_id)
    assert not report.ok and report.first_bad is not None
    assert report.first_bad.what in found


async def test_nothing_is_left_for_the_background(town: Town) -> None:
    assert await town.end_what_was_left() == 0
    town.clock.pass_by(-timedelta(seconds=30))
