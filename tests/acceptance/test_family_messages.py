"""Whose account paid for a relative is told by a message, also when it comes back (DOMAIN 24): from
what moved, behind the settle path, once, and in order.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
import pytest_asyncio

from loadtest.simulators.sms_gateway import SmsFault
from settlement.outbox import GAPS_SECONDS, Kind
from settlement.storage.outbox import undelivered
from settlement.workers.family_messages import FamilyMessages
from tests.kit.citizen_app import CitizenApp, a_city_app
from tests.kit.counter import Message
from tests.kit.messages import Messages, a_gateway
from tests.kit.population import DEAR, Citizen, some
from tests.kit.reply import assert_done
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

FLAG = "input.druginfo.acct_used_flag"


class Teller:
    """The loop that owes the messages, in a process that lives as long as this."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._loop = FamilyMessages(town.keyring, clock=town.clock)

    async def tell(self) -> int:
        """What there is to tell is owed now; how many messages."""
        connection = await asyncpg.connect(self._town.app_dsn)
        try:
            return await self._loop.step(connection)
        finally:
            await connection.close()


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


@pytest_asyncio.fixture(loop_scope="module")
async def teller(town: Town, messages: Messages) -> Teller:
    """A new process of it, with nothing left over from before."""
    teller = Teller(town)
    await teller.tell()
    await messages.deliver()
    return Teller(town)


def shared(town: Town, whom: Citizen, quantity: int = 3) -> Message:
    """A sale that a relative helps to pay."""
    return town.pharmacy.sale(whom, some(DEAR, quantity)).edited({FLAG: "2"})


async def family(
    town: Town, app: CitizenApp, messages: Messages, phone: str
) -> tuple[Citizen, Citizen]:
    """A patient, and a relative whose account pays and who gave a telephone."""
    patient, donor = town.people(2)
    await town.bind(patient, donor)
    await app.file(donor, phone=phone)
    await messages.deliver()
    messages.gateway.book.sent.clear()
    return patient, donor


async def test_relative_is_told_what_the_account_paid_and_got_back(
    town: Town, app: CitizenApp, messages: Messages, teller: Teller
) -> None:
    phone = "10000001001"
    patient, donor = await family(town, app, messages, phone)
    settled = await town.pharmacy.send(shared(town, patient))
    assert messages.gateway.book.to(phone) == []
    assert await teller.tell() == 1
    await messages.deliver()
    [paid] = messages.gateway.book.to(phone)
    share = settled.money("acct_mulaid_pay")
    assert paid.startswith("【东莞市医保】您的个人账户")
    assert f"为亲属（尾号{patient.number[-4:]}）共济支付{share}元" in paid
    for known in (patient.number, donor.number, town.pharmacy.code, settled.setl_id):
        assert known not in paid
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(settled)))
    assert await teller.tell() == 1
    await messages.deliver()
    _, back = messages.gateway.book.to(phone)
    assert f"共济支付的{share}元" in back
    assert "账户余额1000.00元" in back


async def test_message_comes_once_whoever_looks_and_however_often(
    town: Town, app: CitizenApp, messages: Messages, teller: Teller
) -> None:
    phone = "10000001002"
    patient, _ = await family(town, app, messages, phone)
    await town.pharmacy.send(shared(town, patient))
    assert [await teller.tell(), await teller.tell(), await Teller(town).tell()] == [1, 0, 0]
    await messages.deliver()
    town.clock.pass_by(timedelta(minutes=11))
    assert [await teller.tell(), await Teller(town).tell()] == [0, 0]
    await messages.deliver()
    assert len(messages.gateway.book.to(phone)) == 1


async def test_payment_is_told_before_its_return_however_the_gateway_fails(
    town: Town, app: CitizenApp, messages: Messages, teller: Teller
) -> None:
    phone = "10000001003"
    patient, _ = await family(town, app, messages, phone)
    settled = await town.pharmacy.send(shared(town, patient))
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(settled)))
    again = await town.pharmacy.send(shared(town, patient))
    assert again.money("acct_mulaid_pay") == settled.money("acct_mulaid_pay")
    assert await teller.tell() == 3
    messages.gateway.plan = [SmsFault.ERROR]
    await messages.deliver()
    assert messages.gateway.book.to(phone) == []
    for gap in GAPS_SECONDS[:2]:
        await messages.deliver(seconds=gap)
    paid, back, paid_again = messages.gateway.book.to(phone)
    assert ("退回" in paid, "退回" in back, "退回" in paid_again) == (False, True, False)


async def test_who_gave_no_telephone_is_not_told(
    town: Town, app: CitizenApp, messages: Messages, teller: Teller
) -> None:
    patient, donor = town.people(2)
    await town.bind(patient, donor)
    await app.file(donor)
    await town.pharmacy.send(shared(town, patient))
    assert [await teller.tell(), await teller.tell()] == [0, 0]
    assert await undelivered(town.owner, limit=10) == []


async def test_last_telephone_counts(
    town: Town, app: CitizenApp, messages: Messages, teller: Teller
) -> None:
    patient, donor = await family(town, app, messages, "10000001005")
    transfer = {"direction": "out", "region": "430100", "phone": "10000001006"}
    assert (await app.post(donor, "transfers", transfer)).status == 200
    await town.pharmacy.send(shared(town, patient))
    await teller.tell()
    await messages.deliver()
    assert len(messages.gateway.book.to("10000001006")) == 1
    assert messages.gateway.book.to("10000001005") == []


async def test_what_moved_before_there_was_a_gateway_stays_untold(
    town: Town, app: CitizenApp, messages: Messages, teller: Teller
) -> None:
    phone = "10000001007"
    patient, _ = await family(town, app, messages, phone)
    await town.owner.execute(
        "update settlement.receiver set since = $1 where kind = $2",
        town.clock() + timedelta(hours=1), Kind.SMS.value,
    )  # fmt: skip
    await town.pharmacy.send(shared(town, patient))
    town.clock.pass_by(timedelta(hours=2))
    assert await teller.tell() == 0
