"""A person is told by a message once a filing or a transfer is done: after the commit, until it is
taken, once, and with no more than is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from loadtest.simulators.sms_gateway import SmsFault
from settlement.outbox import GAPS_SECONDS, Came
from settlement.people.matter_states import Happening
from settlement.storage.outbox import log_of
from tests.kit.citizen_app import CitizenApp, a_city_app
from tests.kit.clerks import Office
from tests.kit.messages import Messages, a_gateway
from tests.kit.payouts import assert_good, bank_row
from tests.kit.population import DEAR
from tests.kit.reimbursing import Counter
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

PHONE = "10000000001"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def messages(town: Town) -> AsyncIterator[Messages]:
    """A gateway that the town knows."""
    async with a_gateway(town) as messages:
        yield messages


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(town: Town) -> AsyncIterator[CitizenApp]:
    """The city's app."""
    async with a_city_app(town) as app:
        yield app


async def test_person_is_told_that_a_filing_is_in_force(
    town: Town, app: CitizenApp, messages: Messages
) -> None:
    who, phone = town.someone(), PHONE
    filed = await app.file(who, phone=phone)
    number = filed.said["matter_no"]
    assert messages.gateway.book.to(phone) == []
    await messages.deliver()
    [text] = messages.gateway.book.to(phone)
    assert text == f"【东莞市医保】您的异地就医备案（尾号{number[-6:]}）已生效。"
    for known in (who.number, who.insured.identity.name, who.insured.identity.certificate_no):
        assert known not in text


async def test_nobody_without_a_telephone_is_told(
    town: Town, app: CitizenApp, messages: Messages
) -> None:
    before = len(messages.gateway.book.sent)
    await app.file(town.someone())
    await messages.deliver()
    assert len(messages.gateway.book.sent) == before


@pytest.mark.parametrize("fault", SmsFault)
async def test_message_comes_once_however_the_gateway_fails(
    town: Town, app: CitizenApp, messages: Messages, fault: SmsFault
) -> None:
    phone = f"1000000001{list(SmsFault).index(fault)}"
    filed = await app.file(town.someone(), phone=phone)
    messages.gateway.plan = [fault]
    await messages.deliver()
    [first] = await log_of(town.owner, int(filed.said["matter_no"]))
    assert first.attempt.came is not Came.DELIVERED
    await messages.deliver(seconds=GAPS_SECONDS[0])
    assert len(messages.gateway.book.to(phone)) == 1


async def test_person_is_told_that_the_account_has_moved(
    town: Town, app: CitizenApp, messages: Messages
) -> None:
    who, phone, office = town.someone(), "10000000002", Office(town)
    content = {"direction": "out", "region": "430100", "phone": phone}
    number = (await app.post(who, "transfers", content)).said["matter_no"]
    await office.book(number, Happening.TAKEN_OUT, 5_000, "LX-1")
    await messages.deliver()
    assert messages.gateway.book.to(phone) == []
    await office.book(number, Happening.PAID, 5_000, "BANK-1")
    await messages.deliver()
    assert messages.gateway.book.to(phone) == [
        f"【东莞市医保】您的个人账户转出（尾号{number[-6:]}）已办结，转出50.00元。"
    ]


async def test_filing_does_not_wait_for_a_gateway_that_is_down(
    town: Town, app: CitizenApp, messages: Messages
) -> None:
    phone = "10000000003"
    messages.gateway.plan = [SmsFault.ERROR] * 3
    filed = await app.file(town.someone(), phone=phone)
    assert filed.said["state"] == "accepted"
    await messages.deliver()
    assert messages.gateway.book.to(phone) == []
    messages.gateway.plan = []
    await messages.deliver(seconds=GAPS_SECONDS[0])
    assert len(messages.gateway.book.to(phone)) == 1


async def test_person_is_told_how_told_papers_end(
    town: Town, app: CitizenApp, messages: Messages, tmp_path: Path
) -> None:
    """Accepted, sent back by the bank, paid; whoever brought papers without telling them is told
    nothing."""
    who, phone, counter = town.someone(), "10000000004", Counter(town)
    on = town.clock.local.date() - timedelta(days=3)
    facts = {
        "institution": town.hospital.code, "invoice_no": "99112244", "total": "8000.00",
        "begins_on": str(on - timedelta(days=2)), "ends_on": str(on), "phone": phone,
    }  # fmt: skip
    receipt = (await app.post(who, "reimbursements", facts)).said["matter_no"]
    brought = counter.papers(who, DEAR, nights=2, invoice_no="99112244")
    accepted = assert_good(await counter.accept(brought, matter_no=int(receipt)))
    number = int(accepted.text[:19])
    assert_good(await counter.calculate(number))
    assert_good(await counter.confirm(number))
    first = await counter.ordered(tmp_path, number)
    await counter.banked(bank_row(first, 648_000, "B-1", paid=False))
    second = await counter.ordered(tmp_path, number)
    await counter.banked(bank_row(second, 648_000, "B-2"))
    await messages.deliver()
    about = f"【东莞市医保】您的医疗费报销（尾号{receipt[-6:]}）"
    assert messages.gateway.book.to(phone)[1:] == [
        f"{about}被银行退回6480.00元，请联系经办窗口核对收款账户。", f"{about}已付款6480.00元。",
    ]  # fmt: skip
    before = len(messages.gateway.book.sent)
    found = await counter.settled(counter.papers(town.someone(), DEAR))
    order = await counter.ordered(tmp_path, found.filed.number)
    fen = (await counter.found(found.filed.number)).now.order
    assert fen is not None
    await counter.banked(bank_row(order, fen.amounts.total_fen, "B-3"))
    await messages.deliver()
    assert len(messages.gateway.book.sent) == before
