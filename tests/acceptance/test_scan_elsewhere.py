"""Scan-to-pay of people who are insured in another region (ADR 0075): their region shares first,
then a channel collects the rest; what is undone is undone there first.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from loadtest.simulators.insured_region import Fault
from protocol.hub.messages import CaseState
from protocol.hub.messages import Kind as ToRegion
from protocol.scan import ScanReply
from settlement.outbox import Kind
from tests.kit.foreign_till import an_order, another_region, bring_to_an_end, comes, sell
from tests.kit.population import CLASS_B, CLASS_C, PHARMACY, PLAIN
from tests.kit.receiving import a_receiver
from tests.kit.scanner import Scanner, leg
from tests.kit.strangers import CHANGSHA, Elsewhere
from tests.kit.till import OTHER_WALLET, WALLET, Play
from tests.kit.till_phone import ScriptedPhone
from tests.kit.town import Town
from tests.kit.vouchers import Centre, a_centre
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def centre(town: Town, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Centre]:
    """Decodes for the town, also what people of other regions show."""
    folder: Path = tmp_path_factory.mktemp("centre")
    async with a_centre(town, folder) as centre:
        yield centre


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(town: Town, centre: Centre) -> AsyncIterator[Elsewhere]:
    """The other region."""
    async with another_region(town, centre) as there:
        yield there


@pytest_asyncio.fixture(loop_scope="module")
async def scanner(town: Town, there: Elsewhere) -> AsyncIterator[Scanner]:
    """The pharmacy's; nothing stays broken, or on its way."""
    yield Scanner(PHARMACY, there.service)
    there.region.mend()
    await bring_to_an_end(town, there)


async def test_code_is_shared_there_and_a_wallet_pays_the_rest(
    town: Town, scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    owed_fen, came_fen = await there.owed_fen(), town.channels.wechat.book.balance_fen
    one = comes(there, balance_fen=1_000)
    order = an_order(scanner, there, centre, one)
    reply = await scanner.scan(order)
    assert reply.status == "settled", reply
    assert reply.split
    assert Decimal(reply.split.fund_pay_sumamt) + Decimal(reply.split.psn_cash_pay) == 90
    assert reply.split.acct_pay == "10.00"
    assert leg(reply, "fund") == (reply.split.fund_pay_sumamt, "paid")
    assert leg(reply, "wechat") == (reply.split.psn_cash_pay, "paid")
    shared_fen = round(Decimal(reply.split.fund_pay_sumamt) * 100) + 1_000
    assert await there.owed_fen() == owed_fen + shared_fen
    collected_fen = round(Decimal(reply.split.psn_cash_pay) * 100)
    assert town.channels.wechat.book.balance_fen == came_fen + collected_fen
    (row,) = await there.rows_of(one)
    assert (row["insured_region"], row["infno"], row["clearing_type"]) == (CHANGSHA, "SCAN", "9974")
    assert row["visit_no"] == f"441900-{reply.settlement_id}"
    assert await there.undertaking(one) is None
    told = await scanner.find(order["order_no"])
    assert (told.status, told.legs) == ("settled", reply.legs)
    again = await scanner.scan(order)
    assert (again.status, again.replayed, again.settlement_id) == (
        "settled", True, reply.settlement_id
    )  # fmt: skip
    account = await town.owner.fetchval(
        "select account from settlement.person where psn_no = $1", one.person_no
    )
    assert account == 0


async def test_till_without_the_payers_code_is_told_what_is_left(
    scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    one, order, quoted = await sell(scanner, there, centre, pay_code="")
    assert (quoted.status, leg(quoted, "fund")[1]) == ("payer_action", "quoted"), quoted
    assert not await there.case_of(one)
    reply = await scanner.scan({**order, "pay_code": WALLET})
    assert reply.status == "settled"
    assert reply.split == quoted.split


async def test_where_nothing_is_left_no_code_is_wanted(
    scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    one = comes(there)
    order = scanner.order(None, PLAIN[5], 10)
    order["person_code"] = centre.code_of_guest(one, there.code)
    reply = await scanner.scan(order)
    assert reply.status == "settled", reply
    assert {one.kind for one in reply.legs} == {"fund", "account"}
    assert (await scanner.find(order["order_no"])).status == "settled"
    back = await scanner.refund(order["order_no"], "BACK-0")
    assert back.status == "refunded", back
    assert (await scanner.find(order["order_no"])).status == "refunded"
    assert [row["kind"] for row in await there.rows_of(one)] == [1, 2]


async def test_holder_of_an_identity_number_is_served_where_the_region_is_said(
    scanner: Scanner, there: Elsewhere
) -> None:
    one = comes(there, balance_fen=0)
    order = scanner.order(None, CLASS_B, 10, pay_code=WALLET, person_code=one.certificate_no)
    unsaid = await scanner.scan(order)
    assert (unsaid.status, unsaid.err_code) == ("refused", "PERSON_UNKNOWN")
    reply = await scanner.scan({**order, "insuplc_admdvs": CHANGSHA})
    assert reply.status == "settled", reply


async def test_unanswered_region_leaves_it_unknown_until_it_is_asked_again(
    town: Town, scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    there.region.fail(ToRegion.SETTLE, Fault.ANSWER_LOST)
    asked = len(town.channels.wechat.book.calls)
    one, order, reply = await sell(scanner, there, centre)
    assert (reply.status, reply.legs) == ("unknown", ()) or not reply.legs
    assert reply.poll_after_seconds
    assert (await scanner.find(order["order_no"])).status == "unknown"
    assert len(town.channels.wechat.book.calls) == asked
    other = await scanner.scan(an_order(scanner, there, centre, one))
    assert (other.status, other.err_code) == ("refused", "UNDERTAKING_OPEN")
    again = await scanner.scan(order)
    assert again.status == "settled", again
    assert len(there.region.book) >= 1
    assert [row["kind"] for row in await there.rows_of(one)] == [1]


async def test_resolver_hears_that_it_was_shared_and_a_code_is_waited_for(
    town: Town, scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    there.region.fail(ToRegion.SETTLE, Fault.ANSWER_LOST)
    one, order, _ = await sell(scanner, there, centre)
    await there.resolve(seconds=12)
    waits = await scanner.find(order["order_no"])
    assert waits.status == "payer_action"
    assert "参保地" in waits.message
    assert waits.split
    assert waits.split.psn_cash_pay in waits.message
    assert await there.undertaking(one) is not None
    report = await town.verified()
    assert report.ok, report.first_bad
    town.clock.pass_by(timedelta(seconds=20))
    paid = await scanner.scan({**order, "pay_code": OTHER_WALLET})
    assert (paid.status, leg(paid, "alipay")[1]) == ("settled", "paid"), paid


async def test_nobody_shows_a_code_and_the_region_takes_it_back(
    town: Town, scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    owed_fen = await there.owed_fen()
    there.region.fail(ToRegion.SETTLE, Fault.ANSWER_LOST)
    one, order, _ = await sell(scanner, there, centre)
    await there.resolve(seconds=12)
    await town.resolve(seconds=61, by=there.service)
    await there.resolve(seconds=13)
    ended = await scanner.find(order["order_no"])
    assert (ended.status, leg(ended, "fund")[1]) == ("refused", "undone"), ended
    assert await there.owed_fen() == owed_fen
    assert await there.undertaking(one) is None
    assert [row["kind"] for row in await there.rows_of(one)] == [1, 3]


async def test_silent_region_is_given_up_and_the_person_may_pay_alone(
    scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    there.region.down = True
    one = comes(there, balance_fen=0)
    order = an_order(scanner, there, centre, one)
    there.region.down = False
    there.region.fail(ToRegion.SETTLE, Fault.LOST)
    assert (await scanner.scan(order)).status == "unknown"
    await there.resolve(seconds=46)
    ended = await scanner.find(order["order_no"])
    assert (ended.status, scanner.status) == ("refused", 200)
    again = await scanner.scan({**order, "pay_code": OTHER_WALLET})
    assert (again.status, again.replayed) == ("refused", True)
    assert not await there.rows_of(one)
    assert await there.undertaking(one) is None
    alone = await scanner.scan(scanner.order(None, CLASS_C, pay_code=WALLET))
    assert alone.status == "settled"


async def test_poor_wallet_has_the_region_take_it_back_at_once(
    town: Town, scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    owed_fen = await there.owed_fen()
    town.channels.wechat.plays.append(Play.POOR)
    one, order, reply = await sell(scanner, there, centre)
    assert reply.status == "refused", reply
    assert (leg(reply, "fund")[1], leg(reply, "wechat")[1]) == ("undone", "undone")
    assert await there.owed_fen() == owed_fen
    (case,) = await there.case_of(one)
    assert case["kinds"] == [1, 2, 5, 6]
    assert there.region.book[f"441900-{case['case_no']}"].state is CaseState.REVERSED
    assert [row["kind"] for row in await there.rows_of(one)] == [1, 3]
    assert (await scanner.scan(order)).status == "refused"
    other = await scanner.scan(an_order(scanner, there, centre, one))
    assert other.status == "settled"


async def test_second_code_may_pay_what_the_region_has_shared(
    town: Town, scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    town.channels.wechat.plays.append(Play.POOR)
    one, order, reply = await sell(scanner, there, centre, allow_second_code=True)
    assert (reply.status, leg(reply, "fund")[1]) == ("payer_action", "paid"), reply
    paid = await scanner.scan({**order, "pay_code": OTHER_WALLET})
    assert paid.status == "settled", paid
    assert [row["kind"] for row in await there.rows_of(one)] == [1]


async def test_region_that_does_not_say_that_it_took_it_back_is_asked_until_it_does(
    town: Town, scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    town.channels.wechat.plays.append(Play.POOR)
    there.region.fail(ToRegion.REVERSE, Fault.LOST)
    one, order, reply = await sell(scanner, there, centre)
    assert (reply.status, leg(reply, "fund")[1]) == ("unknown", "undoing"), reply
    assert "参保地" in reply.message
    assert await there.undertaking(one) is not None
    await there.resolve(seconds=13)
    assert (await scanner.find(order["order_no"])).status == "refused"
    assert await there.undertaking(one) is None


async def test_region_that_does_not_take_it_back_leaves_the_rest_to_the_institution(
    town: Town, scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    owed_fen = await there.owed_fen()
    town.channels.wechat.plays.append(Play.POOR)
    there.region.fail(ToRegion.REVERSE, Fault.REFUSED)
    one, order, reply = await sell(scanner, there, centre)
    assert (reply.status, leg(reply, "fund")[1], leg(reply, "wechat")[1]) == (
        "settled", "paid", "undone"
    ), reply  # fmt: skip
    assert "机构自行收取" in reply.message
    assert await there.undertaking(one) is None
    assert await there.owed_fen() > owed_fen
    back = await scanner.refund(order["order_no"], "BACK-6")
    assert (back.status, leg(back, "cash")[1]) == ("refunded", "returned"), back
    assert await there.owed_fen() == owed_fen
    assert (await scanner.find(order["order_no"])).status == "refunded"


async def test_order_may_be_paid_on_the_payers_phone(
    town: Town, scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    town.channels.wechat.phone = ScriptedPhone(town.channels.wechat)
    one, order, reply = await sell(scanner, there, centre, pay_code="", pay_on_phone=True)
    assert (reply.status, leg(reply, "fund")[1]) == ("payer_action", "paid"), reply
    service = scanner.service.payments
    handed = await service.phone(str(order["order_no"]), b'{"openid":"o1"}', scanner.caller)
    assert b"prepay_id=" in handed.body, handed
    town.channels.wechat.confirm(next(reversed(town.channels.wechat.book.asked)))
    await town.resolve(seconds=6, by=there.service)
    paid = await scanner.find(order["order_no"])
    assert (paid.status, leg(paid, "wechat")[1]) == ("settled", "paid"), paid
    assert [row["kind"] for row in await there.rows_of(one)] == [1]
    town.channels.wechat.phone = None


async def test_cancel_before_it_is_paid_undoes_both(
    town: Town, scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    town.channels.wechat.plays.append(Play.CONFIRM)
    one, order, reply = await sell(scanner, there, centre)
    assert (reply.status, leg(reply, "fund")[1]) == ("payer_action", "paid"), reply
    cancelled = await scanner.cancel(order["order_no"])
    assert cancelled.status == "unknown"
    (case,) = await there.case_of(one)
    assert case["kinds"] == [1, 2, 5, 6], "the region is asked before the channel"
    assert await there.undertaking(one) is not None
    await town.resolve(seconds=16, by=there.service)
    ended = await scanner.find(order["order_no"])
    assert (ended.status, leg(ended, "fund")[1], leg(ended, "wechat")[1]) == (
        "refused", "undone", "undone"
    )  # fmt: skip
    assert await there.undertaking(one) is None
    assert (await scanner.cancel(order["order_no"])).status == "refused"


async def test_cancel_while_the_region_is_silent(
    scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    there.region.fail(ToRegion.SETTLE, Fault.ANSWER_LOST)
    one, order, reply = await sell(scanner, there, centre)
    assert reply.status == "unknown"
    cancelled = await scanner.cancel(order["order_no"])
    assert cancelled.status == "refused", cancelled
    assert (await scanner.find(order["order_no"])).status == "refused"
    assert await there.undertaking(one) is None
    (case,) = await there.case_of(one)
    assert there.region.book[f"441900-{case['case_no']}"].state is CaseState.REVERSED


async def test_money_that_comes_after_the_end_goes_back(
    town: Town, scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    wechat = town.channels.wechat
    wechat.plays.append(Play.CONFIRM)
    _, order, _ = await sell(scanner, there, centre)
    await scanner.cancel(order["order_no"])
    await town.resolve(seconds=16, by=there.service)
    number = next(reversed(wechat.book.asked))
    wechat.book.dead.discard(number)
    wechat.book.paid[number] = wechat.book.asked[number]
    await scanner.notify("wechat", number)
    await town.resolve(seconds=10, by=there.service)
    ended = await scanner.find(order["order_no"])
    assert ended.status == "refused"
    assert [one.status for one in ended.legs if one.amount.startswith("-")] == ["returned"]


async def test_refund_is_cancelled_there_first_and_then_the_wallet_has_it_back(
    town: Town, scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    owed_fen, came_fen = await there.owed_fen(), town.channels.wechat.book.balance_fen
    one, order, reply = await sell(scanner, there, centre)
    assert reply.split
    back = await scanner.refund(order["order_no"], "BACK-1")
    assert (back.status, back.refund_no) == ("refunded", "BACK-1"), back
    assert leg(back, "wechat") == (reply.split.psn_cash_pay, "returned")
    assert await there.owed_fen() == owed_fen
    assert town.channels.wechat.book.balance_fen == came_fen
    (case,) = await there.case_of(one)
    assert there.region.book[f"441900-{case['case_no']}"].state is CaseState.CANCELLED
    assert [row["kind"] for row in await there.rows_of(one)] == [1, 2]
    assert (await scanner.find(order["order_no"])).status == "refunded"
    again = await scanner.refund(order["order_no"], "BACK-1")
    assert (again.status, again.replayed) == ("refunded", True)
    more = await scanner.refund(order["order_no"], "BACK-1B")
    assert (more.status, more.err_code) == ("refused", "REFUND_TOO_MUCH")


async def test_refund_waits_for_the_region_and_no_money_goes_back_before(
    town: Town, scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    _, order, _ = await sell(scanner, there, centre)
    there.region.fail(ToRegion.CANCEL, Fault.ANSWER_LOST)
    refunds = dict(town.channels.wechat.book.refunds)
    back = await scanner.refund(order["order_no"], "BACK-2")
    assert (back.status, back.refund_no) == ("refunding", "BACK-2"), back
    assert town.channels.wechat.book.refunds == refunds
    assert (await scanner.find(order["order_no"])).status == "refunding"
    other = await scanner.refund(order["order_no"], "BACK-2B")
    assert other.err_code == "UNDERTAKING_OPEN"
    await there.resolve(seconds=13)
    await town.resolve(seconds=1, by=there.service)
    assert (await scanner.find(order["order_no"])).status == "refunded"
    again = await scanner.refund(order["order_no"], "BACK-2")
    assert (again.status, again.replayed) == ("refunded", True)


async def test_region_that_does_not_cancel_keeps_the_sale_as_it_was(
    town: Town, scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    one, order, _ = await sell(scanner, there, centre)
    came_fen = town.channels.wechat.book.balance_fen
    there.region.fail(ToRegion.CANCEL, Fault.REFUSED)
    refused = await scanner.refund(order["order_no"], "BACK-7")
    assert (refused.status, refused.err_code) == ("refused", "REGION_KEEPS_IT"), refused
    assert town.channels.wechat.book.balance_fen == came_fen
    assert (await scanner.find(order["order_no"])).status == "settled"
    assert await there.undertaking(one) is None
    back = await scanner.refund(order["order_no"], "BACK-7")
    assert back.status == "refunded", back


async def test_part_of_an_order_does_not_come_back_alone(
    scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    one, order, _ = await sell(scanner, there, centre)
    part = await scanner.refund(
        order["order_no"], "BACK-3", lines=[{"feedetl_sn": "1", "cnt": 1}]
    )
    assert (part.status, part.err_code) == ("refused", "REFUND_REMOTE_WHOLE")
    assert "整单退款" in part.message
    assert len(await there.case_of(one)) == 1
    whole = await scanner.refund(order["order_no"], "BACK-4")
    assert whole.status == "refunded"


async def test_till_that_takes_cash_itself_gives_it_back_itself(
    scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    one, order, reply = await sell(
        scanner, there, centre, pay_code="", tender={"kind": "cash"}
    )
    assert (reply.status, leg(reply, "cash")[1]) == ("settled", "paid"), reply
    there.region.fail(ToRegion.CANCEL, Fault.ANSWER_LOST)
    assert (await scanner.refund(order["order_no"], "BACK-5")).status == "refunding"
    assert (await scanner.find(order["order_no"])).status == "refunding"
    back = await scanner.refund(order["order_no"], "BACK-5")
    assert (back.status, leg(back, "cash")[1]) == ("refunded", "returned"), back
    assert "现金" in back.message
    assert [row["kind"] for row in await there.rows_of(one)] == [1, 2]


async def test_region_refuses_in_its_own_words(
    town: Town, scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    asked = len(town.channels.wechat.book.calls)
    there.region.fail(ToRegion.SETTLE, Fault.REFUSED)
    one, order, reply = await sell(scanner, there, centre)
    assert (reply.status, reply.err_code) == ("refused", "REGION_REFUSED"), reply
    assert len(town.channels.wechat.book.calls) == asked
    assert await there.undertaking(one) is None
    again = await scanner.scan(order)
    assert again.status == "settled", "the same order once it is mended"


async def test_settlement_of_an_order_is_not_cancelled_by_2103(
    scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    one, order, reply = await sell(scanner, there, centre)
    content = {"data": {"psn_no": one.person_no, "setl_id": str(reply.settlement_id),
                        "mdtrt_id": str(reply.settlement_id)}}  # fmt: skip
    said = await there.pharmacy.send(there.pharmacy.message("2103", content))
    assert said.err_code == "CANCEL_BY_REFUND"
    assert str(order["order_no"]) in said.err_msg


async def test_who_has_not_filed_hears_it_in_the_region_s_own_words(
    scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    order = an_order(scanner, there, centre, comes(there, filed=False))
    reply = await scanner.scan(order)
    assert (reply.status, reply.err_code) == ("refused", "REGION_REFUSED"), reply
    assert "备案" in reply.message


async def test_institution_that_is_not_approved_for_other_regions_says_so(
    town: Town, scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    """Nobody is asked for a share; whoever pays alone is served."""

    async def approved(*, yes: bool) -> None:
        change = "update settlement.institution set off_site = $1 where code = $2"
        await town.owner.execute(change, yes, PHARMACY.code)
        await town.bump("institutions")

        async def heard() -> bool:
            known = there.service._desk.world.institutions[PHARMACY.code]
            return known.off_site is yes

        await until(heard)

    await approved(yes=False)
    shared = len(there.region.book)
    _, order, reply = await sell(scanner, there, centre)
    assert (reply.status, reply.err_code) == ("refused", "INSTITUTION_NOT_OFF_SITE"), reply
    assert len(there.region.book) == shared
    alone = await scanner.scan(scanner.order(None, CLASS_B, 10, pay_code=WALLET))
    assert alone.status == "settled"
    await approved(yes=True)
    assert (await scanner.scan(order)).status == "settled"


async def test_institution_is_told_once_the_region_has_taken_it_back(
    town: Town, scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    async with a_receiver(town, PHARMACY.code) as told:

        async def heard() -> bool:
            return (PHARMACY.code, Kind.WEBHOOK) in there.service._desk.world.receivers

        await until(heard)
        town.channels.wechat.plays.append(Play.POOR)
        there.region.fail(ToRegion.REVERSE, Fault.LOST)
        _, order, reply = await sell(scanner, there, centre)
        assert reply.status == "unknown"
        await told.deliver()
        assert told.book.topics == []
        await there.resolve(seconds=13)
        await told.deliver()
        assert told.book.topics == ["payment.closed"]
        last = msgspec.json.decode(told.book.entries[-1].data, type=ScanReply)
        assert (last.order_no, last.status) == (order["order_no"], "refused")
        await sell(scanner, there, centre)
        await told.deliver()
        assert told.book.topics == ["payment.closed", "payment.settled"]
