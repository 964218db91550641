"""Somebody insured in another region is treated here, in the words of our hospital and pharmacy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio

from loadtest.simulators.insured_region import Fault
from protocol.hub.messages import Case, Kind
from tests.kit.counter import Hospital
from tests.kit.population import CLASS_B, CLASS_C, HOSPITAL, PLAIN, UNLISTED, some
from tests.kit.reply import Reply, assert_done
from tests.kit.strangers import (
    CHANGSHA,
    DORMANT,
    GUANGZHOU,
    Elsewhere,
    Naming,
    look_up,
    patient,
    reversal_of,
    somebody,
)
from tests.kit.town import Town
from tests.kit.ward import admission, admit, cost

pytestmark = pytest.mark.asyncio(loop_scope="module")
BASKET = (some(PLAIN[5], 10), some(CLASS_B, 10), some(CLASS_C))
"""208.00, of which 8.00 丙 and 10.00 pre-self-pay: 190.00 are in scope. The region pays 60 %."""
FUND, ACCOUNT, CASH = Decimal("114.00"), Decimal("76.00"), Decimal("18.00")
_SHARED_FEN = 19_000
IN_ADVANCE = {"input.data.exp_content": '{"FULAMT_ADVPAY_FLAG":"1"}'}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(town: Town) -> AsyncIterator[Elsewhere]:
    """Another province, with a line to it; in the end nothing is held for it, and both books say
    the same."""
    there = Elsewhere(town, CHANGSHA)
    await there.open()
    yield there
    await there.resolve(seconds=600)
    assert await there.pending() == 0
    assert await there.owed_fen() == there.region.owes_fen


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def near(town: Town, there: Elsewhere) -> Elsewhere:
    """Another city of the province."""
    near = Elsewhere(town, GUANGZHOU)
    await near.open()
    return near


def refused(reply: Reply, code: str, retry: str = "never") -> None:
    """The message was refused like that, with a text for the counter."""
    assert (reply.infcode, reply.err_code, reply.retry) == (-1, code, retry), reply
    assert reply.err_msg


async def test_visit_is_quoted_settled_and_cancelled(there: Elsewhere) -> None:
    one, shown = await there.arrives()
    owed_fen = await there.owed_fen()
    visit = await there.hospital.open_visit(shown, *BASKET)
    quoted = visit.quote(*BASKET)
    quote = await there.hospital.send(quoted)
    assert_done(quote)
    assert quote.money("inscp_scp_amt") == Decimal("190.00")
    assert quote.money("fund_pay_sumamt") == FUND
    assert not await there.rows_of(one) and not there.region.book
    settled = await there.hospital.send(visit.settlement(quoted, quote))
    assert_done(settled)
    assert not settled.warn_msg
    assert settled.money("hifp_pay") == FUND
    assert settled.money("acct_pay") == ACCOUNT
    assert settled.money("psn_cash_pay") == CASH
    assert settled.money("balc") == Decimal("424.00")
    assert settled.rows("setldetail")[0]["fund_pay_type_name"] == "测试居民统筹基金"
    assert await there.owed_fen() == owed_fen + _SHARED_FEN
    (row,) = await there.rows_of(one)
    assert (row["insured_region"], row["clearing_type"]) == (CHANGSHA, "99963")
    assert row["visit_no"] == f"441900-{settled.setl_id}"
    assert await there.undertaking(one) is None
    cancelled = await there.hospital.send(there.hospital.cancel(settled))
    assert_done(cancelled)
    assert cancelled.money("hifp_pay") == -FUND
    assert await there.owed_fen() == owed_fen
    again = await visit.settle(*BASKET)
    assert_done(again)


async def test_what_the_region_is_asked_is_priced_here(there: Elsewhere) -> None:
    one, shown = await there.arrives()
    visit = await there.hospital.open_visit(shown, *BASKET, some(UNLISTED))
    assert_done(await visit.settle(*BASKET, some(UNLISTED)))
    _, correlation, asked = there.region.asked[-1]
    assert isinstance(asked, Case)
    assert asked.case_no == correlation
    assert (asked.person_no, asked.scheme, asked.care_kind) == (one.person_no, "390", "outpatient")
    assert asked.institution.code == HOSPITAL.code
    assert asked.full_self_pay_fen == 800 + 3_000
    assert sum(line.amount_fen for line in asked.lines) == asked.total_fen == 23_800
    assert not asked.emergency


async def test_sale_is_quoted_settled_and_cancelled(there: Elsewhere) -> None:
    one, shown = await there.arrives()
    owed_fen = await there.owed_fen()
    quote = await there.pharmacy.send(there.pharmacy.quote(shown, *BASKET))
    assert quote.money("fund_pay_sumamt") == FUND
    message = there.pharmacy.sale(shown, *BASKET)
    sold = await there.pharmacy.send(message)
    assert_done(sold)
    assert sold.money("hifp_pay") == FUND
    assert len(sold.rows("detlcutinfo")) == 3
    replayed = await there.pharmacy.send(message)
    assert (replayed.setl_id, bool(replayed.warn_msg)) == (sold.setl_id, True)
    assert replayed.output == sold.output
    (row,) = await there.rows_of(one)
    assert row["clearing_type"] == "9974"
    refused(
        await there.pharmacy.send(message.edited({"input.druginfo.invono": "T2"})),
        "MESSAGE_CONFLICT",
    )
    assert_done(await there.pharmacy.send(there.pharmacy.cancel(sold)))
    assert await there.owed_fen() == owed_fen


async def test_same_purchase_under_another_msgid_is_the_same(there: Elsewhere) -> None:
    _, shown = await there.arrives()
    message = there.pharmacy.sale(shown, *BASKET)
    sold = await there.pharmacy.send(message)
    again = message.edited({"msgid": message.msgid[:-4] + "9876"})
    reply = await there.pharmacy.send(again)
    refused(reply, "CLAIM_ALREADY_SETTLED")
    assert sold.setl_id in reply.err_msg


async def test_stay_is_settled_as_a_whole_by_its_sums(there: Elsewhere) -> None:
    one, shown = await there.arrives()
    stay = await admit(there.hospital, shown, *BASKET)
    assert_done(await stay.charge(some(PLAIN[6], 10)))
    amount = cost(*BASKET, some(PLAIN[6], 10))
    refused(await there.hospital.send(stay.quote(amount, mid_stay=True)), "ONLY_AT_HOME")
    assert_done(await there.hospital.send(stay.discharge()))
    settled = await stay.settle(amount)
    assert_done(settled)
    asked = there.region.asked[-1][2]
    assert isinstance(asked, Case)
    assert (asked.lines, asked.care_kind) == ((), "inpatient")
    assert asked.admitted_on is not None and asked.discharged_on is not None
    (row,) = await there.rows_of(one)
    assert row["clearing_type"] == "99968"
    assert_done(await there.hospital.send(stay.cancel(settled)))
    assert_done(await stay.settle(amount))


async def test_account_that_must_not_be_used_pays_nothing(there: Elsewhere) -> None:
    _, shown = await there.arrives()
    stay = await admit(there.hospital, shown, *BASKET)
    assert_done(await there.hospital.send(stay.discharge()))
    settled = await stay.settle(cost(*BASKET), account=False)
    assert settled.money("acct_pay") == 0
    assert settled.money("psn_cash_pay") == ACCOUNT + CASH


async def test_person_is_shown_with_the_balance_at_home_and_kept_without_it(
    there: Elsewhere,
) -> None:
    one, _ = await there.arrives(balance_fen=12_345)
    reply = await there.hospital.send(look_up(there.hospital, one))
    assert reply.rows("insuinfo")[0]["balc"] == Decimal("123.45")
    assert reply.rows("insuinfo")[0]["insuplc_admdvs"] == CHANGSHA
    kept = await there.town.owner.fetchrow(
        "select account, accumulators, filings, family, home_region, version"
        " from settlement.person where psn_no = $1",
        one.person_no,
    )
    assert tuple(kept) == (0, "{}", "", "[]", CHANGSHA, 1)  # the second look-up wrote nothing


async def test_person_who_changed_at_home_is_changed_here(there: Elsewhere) -> None:
    one, shown = await there.arrives()
    visit = await there.hospital.open_visit(shown, *BASKET)
    one.name = "测试改名"
    assert_done(await there.hospital.send(look_up(there.hospital, one)))
    refused(await there.hospital.send(visit.quote(*BASKET)), "IDENTITY_MISMATCH")
    shown = patient(one)
    visit = await there.hospital.open_visit(shown, *BASKET)
    assert_done(await visit.settle(*BASKET))


async def test_card_and_token_that_were_read_settle(there: Elsewhere) -> None:
    one = there.region.move_in(somebody(CHANGSHA))
    for kind, number, serial in (("03", one.card, "SN1"), ("01", one.token, "")):
        shown = {"mdtrt_cert_type": kind, "mdtrt_cert_no": number, "card_sn": serial}
        assert_done(await there.pharmacy.send(look_up(there.pharmacy, one, **shown)))
        head = {f"input.druginfo.{name}": value for name, value in shown.items()}
        sale = there.pharmacy.sale(patient(one), *BASKET).edited(head)
        assert_done(await there.pharmacy.send(sale))
    unread = there.pharmacy.sale(patient(one), some(PLAIN[1])).edited(
        {"input.druginfo.mdtrt_cert_type": "01", "input.druginfo.mdtrt_cert_no": "99" * 14}
    )
    refused(await there.pharmacy.send(unread), "TOKEN_UNKNOWN")


async def test_number_of_one_of_ours_is_refused(there: Elsewhere) -> None:
    ours = there.town.someone()
    one = somebody(CHANGSHA)
    one.person_no = ours.number
    there.region.move_in(one)
    refused(await there.hospital.send(look_up(there.hospital, one)), "PERSON_NUMBER_TAKEN")
    del there.region.people[ours.number]


async def test_person_whom_nobody_knows_is_refused_in_their_regions_words(
    there: Elsewhere,
) -> None:
    reply = await there.hospital.send(look_up(there.hospital, somebody(CHANGSHA)))
    refused(reply, "REGION_REFUSED")
    assert "参保地查无此人" in reply.err_msg


async def test_no_filing_where_one_is_required_is_refused_and_holds_nothing(
    there: Elsewhere,
) -> None:
    one, shown = await there.arrives(filed=False)
    visit = await there.hospital.open_visit(shown, *BASKET)
    quoted = visit.quote(*BASKET)
    refused(await there.hospital.send(quoted), "REGION_REFUSED")
    one.filed = True
    quote = await there.hospital.send(quoted)
    one.filed = False
    settling = visit.settlement(quoted, quote)
    reply = await there.hospital.send(settling)
    refused(reply, "REGION_REFUSED")
    assert "备案" in reply.err_msg
    assert await there.undertaking(one) is None and not await there.rows_of(one)
    one.filed = True  # they have filed: the same message settles now
    assert_done(await there.hospital.send(settling))


async def test_emergency_is_told_and_counts_as_filed(there: Elsewhere) -> None:
    _, shown = await there.arrives(filed=False)
    visit = await there.hospital.open_visit(shown, *BASKET)
    told = {"input.data.exp_content": '{"OTP_ER_REFL_FLAG":"1"}'}
    assert_done(await there.hospital.send(visit.quote(*BASKET).edited(told)))


@pytest.mark.parametrize(
    ("region", "code"),
    [("460100", "REGION_UNKNOWN"), (DORMANT, "REGION_INACTIVE")],
)
async def test_region_that_may_not_be_asked_is_refused(
    there: Elsewhere, region: str, code: str
) -> None:
    counter = Hospital(HOSPITAL, there.town.clock, Naming(there.service, region))
    refused(await counter.send(look_up(counter, somebody(region))), code)


async def test_town_without_a_line_says_so(there: Elsewhere) -> None:
    _, shown = await there.arrives()
    alone = Hospital(HOSPITAL, there.town.clock, Naming(there.town.service, CHANGSHA))
    visit = await alone.open_visit(shown, *BASKET)
    refused(await alone.send(visit.quote(*BASKET)), "REGION_NO_HUB")


@pytest.mark.parametrize("fault", [Fault.NEVER_LEFT, Fault.LOST, Fault.FORGED])
async def test_question_without_an_answer_has_no_effect(there: Elsewhere, fault: Fault) -> None:
    one, shown = await there.arrives()
    there.region.fail(Kind.PERSON, fault)
    refused(
        await there.hospital.send(look_up(there.hospital, one)), "REGION_SILENT", "later"
    )
    visit = await there.hospital.open_visit(shown, *BASKET)
    there.region.fail(Kind.QUOTE, fault)
    refused(await there.hospital.send(visit.quote(*BASKET)), "REGION_SILENT", "later")


async def test_quote_that_does_not_add_up_is_not_shown(there: Elsewhere) -> None:
    _, shown = await there.arrives()
    visit = await there.hospital.open_visit(shown, *BASKET)
    there.region.fail(Kind.QUOTE, Fault.WRONG_SUMS)
    refused(await there.hospital.send(visit.quote(*BASKET)), "REGION_ANSWER_WRONG", "later")


async def test_message_must_name_the_region_of_insurance(there: Elsewhere) -> None:
    one, shown = await there.arrives()
    here = Hospital(HOSPITAL, there.town.clock, there.service)
    reply = await here.send(here.registration(shown))
    refused(reply, "INSURED_REGION_DIFFERS")
    assert CHANGSHA in reply.err_msg and reply.err_field == "insuplc_admdvs"
    ours = there.town.someone()
    reply = await there.hospital.send(there.hospital.registration(ours))
    refused(reply, "INSURED_REGION_DIFFERS")
    assert "441900" in reply.err_msg
    refused(await here.send(look_up(here, one)), "PERSON_UNKNOWN")


async def test_filings_entitlement_and_accumulators_are_at_home(there: Elsewhere) -> None:
    one, _ = await there.arrives()
    data = {
        "psn_no": one.person_no, "insutype": "390", "fixmedins_code": HOSPITAL.code,
        "med_type": "11", "begntime": there.town.clock.tick(),
    }  # fmt: skip
    refused(await there.hospital.ask("2001", {"data": data}), "ONLY_AT_HOME")


async def test_enquiries_show_what_was_settled(there: Elsewhere) -> None:
    _, shown = await there.arrives()
    visit = await there.hospital.open_visit(shown, *BASKET)
    settled = await visit.settle(*BASKET)
    found = await there.hospital.settlement(settled)
    assert found.money("hifp_pay") == FUND
    assert len((await there.hospital.fees(settled)).output) == 3  # type: ignore[arg-type]
    told = await there.service.explanation(settled.setl_id, there.hospital.caller)
    assert told is not None and CHANGSHA in told.decode()
    assert '"recomputed":"told_elsewhere"' in told.decode()


async def test_settlements_are_taken_back_newest_first(there: Elsewhere) -> None:
    _, shown = await there.arrives()
    first = await there.pharmacy.sell(shown, some(PLAIN[1]))
    second = await there.pharmacy.sell(shown, some(PLAIN[2]))
    refused(await there.pharmacy.send(there.pharmacy.cancel(first)), "LATER_SETTLEMENT_STANDS")
    for one in (second, first):
        assert_done(await there.pharmacy.send(there.pharmacy.cancel(one)))


async def test_reversal_of_a_settlement_undoes_it_there_first(there: Elsewhere) -> None:
    one, shown = await there.arrives()
    message = there.pharmacy.sale(shown, *BASKET)
    assert_done(await there.pharmacy.send(message))
    reversal = reversal_of(there.pharmacy, message, one)
    reply = await there.pharmacy.send(reversal)
    assert (reply.infcode, reply.warn_msg) == (0, "")
    assert [row["kind"] for row in await there.rows_of(one)] == [1, 3]
    assert not [entry for entry in there.region.standing if entry.person_no == one.person_no]
    assert (await there.pharmacy.send(reversal)).infcode == 0
    refused(await there.pharmacy.send(message), "MESSAGE_REVERSED")


async def test_self_pay_asks_nobody_and_is_taken_back_like_any_other(near: Elsewhere) -> None:
    one, shown = await near.arrives(filed=False)
    visit = await near.hospital.open_visit(shown, *BASKET)
    quoted = visit.quote(*BASKET).edited(IN_ADVANCE)
    asked = len(near.region.asked)
    quote = await near.hospital.send(quoted)
    settled = await near.hospital.send(visit.settlement(quoted, quote).edited(IN_ADVANCE))
    assert settled.money("psn_cash_pay") == settled.money("medfee_sumamt") == Decimal("208.00")
    assert settled.money("fund_pay_sumamt") == settled.money("acct_pay") == 0
    sale = near.pharmacy.sale(shown, *BASKET).edited(
        {"input.druginfo.exp_content": '{"FULAMT_ADVPAY_FLAG":"1"}'}
    )
    assert_done(await near.pharmacy.send(sale))
    assert_done(await near.pharmacy.send(reversal_of(near.pharmacy, sale, one)))
    assert_done(await near.hospital.send(near.hospital.cancel(settled)))
    assert len(near.region.asked) == asked
    assert [row["kind"] for row in await near.rows_of(one)] == [1, 1, 3, 2]
    flags = await near.town.owner.fetch(
        "select b.paid_in_advance from settlement.insured_elsewhere b"
        " join settlement.settlement t on t.lane = b.lane and t.setl_id = b.setl_id"
        " where t.psn_no = $1",
        one.person_no,
    )
    assert [row["paid_in_advance"] for row in flags] == [True] * 4


async def test_whoever_is_somebody_else_there_is_refused(there: Elsewhere) -> None:
    one, _ = await there.arrives()
    message = look_up(there.hospital, one, psn_name="测试他人")
    refused(await there.hospital.send(message), "IDENTITY_MISMATCH")


async def test_those_from_the_province_are_listed_for_its_clearing(near: Elsewhere) -> None:
    one, shown = await near.arrives()
    sold = await near.pharmacy.sell(shown, *BASKET)
    assert_done(sold)
    (row,) = await near.rows_of(one)
    assert row["clearing_type"] == "9903"
    month = near.town.clock.local
    listed = await near.town.pharmacy.ask(
        "3260",
        {"data": {"trt_year": f"{month:%Y}", "trt_month": f"{month:%m}", "startrow": 1}},
    )
    mine = [each for each in listed.rows("data") if each["setl_sn"] == row["settlement_no"]]
    assert [each["mdtrt_id"] for each in mine] == [row["visit_no"]]
    assert mine[0]["certno"] == one.certificate_no
    assert mine[0]["optins_pay_sumamt"] == FUND + ACCOUNT


async def test_admission_of_a_stranger_is_one_stay_at_a_time(there: Elsewhere) -> None:
    _, shown = await there.arrives()
    await admit(there.hospital, shown)
    refused(await there.hospital.send(admission(there.hospital, shown)), "STAY_OVERLAPS")
