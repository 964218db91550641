"""`settlement outbox` and `settlement mobile` as an operator types them.

Beside them runs a server that is the mobile-payment centre and tells a platform on a real wire.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from loadtest.simulators.receiver import Fault, NoticeBook, ReceiverSimulator
from protocol.nhsa import mobile_envelope
from protocol.nhsa.gm import Sm2PublicKey
from protocol.nhsa.mobile_envelope import Party
from settlement.embedded.services import Services
from tests.kit.command import settlement
from tests.kit.mobile import SECRET, Order, Platform, keep_credential
from tests.kit.population import DEAR, HOSPITAL, some
from tests.kit.reply import assert_done
from tests.kit.sealing import PRIVATE, public_pem
from tests.kit.served import HttpAnswer, ServedTown, a_served_town
from tests.kit.waiting import until
from tests.services import FreshDatabase, chosen_environment

pytestmark = pytest.mark.asyncio(loop_scope="module")
APP, WALLET_APP = "mobile-hospital-00001", "wallet-wechat-000001"
TRIES_MAX = 50
"""However long the commands take between which it is tried again."""
WHO = ("--reason", "测试", "--actor", "测试操作员")


class Office:
    """The operator's shell, and the platform that is told."""

    def __init__(
        self, town: ServedTown, environment: dict[str, str], receiver: ReceiverSimulator
    ) -> None:
        self.town = town
        self.receiver = receiver
        self._environment = environment
        self.platform = Platform(town, town.hospital)

    async def type(self, *arguments: str) -> tuple[int, str]:
        """Exit status and what was printed."""
        line = [*arguments, "--data-dir", str(self.town.data)]
        ran = await asyncio.to_thread(settlement, line, self._environment)
        assert "Traceback" not in ran.stderr, ran.stderr
        return ran.returncode, ran.stdout + ran.stderr

    async def owed(self) -> list[dict[str, object]]:
        """`settlement outbox --json`."""
        status, text = await self.type("outbox", "--json")
        assert status == 0, text
        found: list[dict[str, object]] = json.loads(text)["notices"]
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(
    services: Services, database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Office]:
    """A served town with the hospital's credential, told on a wire."""
    environment = chosen_environment(services, database)
    folder = tmp_path_factory.mktemp("platform")
    async with a_served_town(environment) as town:
        await keep_credential(town, HOSPITAL.code, APP)
        status, text = await asyncio.to_thread(_key, town.data, environment)
        assert status == 0, text
        receiver = ReceiverSimulator(
            Party(app_id=APP, secret=SECRET), key=PRIVATE,
            platform=Sm2PublicKey.parse(text.strip()), book=NoticeBook(folder / "notices"),
        )  # fmt: skip
        await receiver.start()
        yield Office(town, environment, receiver)
        await receiver.stop()


def _key(data: Path, environment: dict[str, str]) -> tuple[int, str]:
    ran = settlement(["mobile", "key", "--data-dir", str(data)], environment)
    return ran.returncode, ran.stdout or ran.stderr


async def nothing_owed(office: Office) -> bool:
    """What the receiver has is written down a moment later."""
    return await office.owed() == []


async def test_platform_is_told_by_the_running_server(office: Office) -> None:
    url = f"{office.receiver.url}/notify"
    status, text = await office.type(
        "outbox", "receiver", HOSPITAL.code, "mobile", "--url", url, "--access-key", APP, *WHO
    )
    assert status == 0, text
    status, text = await office.type("outbox", "receivers")
    assert url in text
    await office.town.catch_up()
    order = await paid(office)
    await until(lambda: told(office, 2))
    assert office.receiver.book.topics == ["6204", "6302"]
    assert not office.receiver.refused
    await until(lambda: nothing_owed(office))
    status, text = await office.type("outbox", "log", str(order.order_no))
    assert status == 0
    assert text.count("已送达") == 2


async def test_what_is_not_taken_is_listed_and_can_be_sent_again(office: Office) -> None:
    office.receiver.plan = [Fault.WRONG] * TRIES_MAX
    order = await paid(office)
    first, second = await until(lambda: tried(office))
    assert (first["topic"], first["came"]) == ("6204", "refused")
    assert (second["topic"], second["attempts"]) == ("6302", 0)
    status, text = await office.type("outbox")
    assert "院内记账失败" in text
    office.receiver.plan.clear()
    before = len(office.receiver.book.entries)
    status, text = await office.type("outbox", "resend", str(order.order_no), *WHO)
    assert status == 0, text
    await until(lambda: told(office, before + 2))
    await until(lambda: nothing_owed(office))
    assert office.receiver.book.topics[-2:] == ["6204", "6302"]


async def test_commands_that_cannot_be_say_why(office: Office) -> None:
    key = ("--access-key", "y")
    for line, status, mentions in (
        (("receiver", "P0", "mobile", "--url", "http://x", *key), 1, "no credential"),
        (("receiver", "P0", "mobile", "--url", "ftp://x", *key), 2, "no http"),
        (("receiver", "P0", "mobile", "--remove"), 1, "no receiver"),
        (("receiver", "P0", "mobile"), 2, "--remove"),
        (("resend", "1" * 19), 1, "no such notice"),
    ):
        got, text = await office.type("outbox", *line, *WHO)
        assert (got, mentions in text) == (status, True), text
    got, text = await office.type("outbox", "log", "1" * 19)
    assert got == 1


async def test_wallet_is_registered_and_confirms_over_http(
    office: Office, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "key.pem").write_text(public_pem())
    arguments = (
        "mobile", "wallet", "wechat", "--access-key", WALLET_APP,
        "--secret-file", str(tmp_path / "secret"), "--sm2-public", str(tmp_path / "key.pem"), *WHO,
    )  # fmt: skip
    status, text = await office.type(*arguments)
    assert status == 0, text
    town = office.town
    order = await office.platform.upload(town.someone(), some(DEAR, 2))

    async def placed() -> bool:
        reply = await order.pay(wallet="WECHAT")
        return reply.infcode == 0

    await until(placed)
    held = await order.ask()
    assert held.text("ordStas", "data") == "1"
    names = ("feeSumamt", "fundPay", "psnAcctPay", "ownPayAmt")
    said = {"payOrdId": order.number, **{n: held.money(n, "data") for n in names}}
    party = Party(app_id=WALLET_APP, secret=SECRET)
    stamp = f"{town.clock.local:%Y%m%d%H%M%S}"
    body = mobile_envelope.sealed(
        msgspec.json.Encoder(decimal_format="number").encode(said), party, PRIVATE, stamp=stamp,
        more={},
    )  # fmt: skip

    async def confirmed() -> HttpAnswer | None:
        """A process that has not read the new key yet refuses it."""
        answer = await town.gateway.post("/org/local/api/wallet/confirm", body, {})
        return None if b"ACCESS_KEY_UNKNOWN" in answer.body else answer

    came = await until(confirmed)
    assert came.status == 200, came.body
    opened = mobile_envelope.opened(came.body, party)
    assert opened.members["code"] == 0, opened.members
    assert await order.state() == "6"
    came = await town.gateway.post("/org/local/api/hos/pay_order", b"{}", {})
    assert came.status == 400
    came = await town.gateway.get("/org/local/api/hos/pay_order")
    assert came.status == 405


async def told(office: Office, count: int) -> bool:
    """The platform has taken so many."""
    return len(office.receiver.book.entries) >= count


async def tried(office: Office) -> list[dict[str, object]]:
    """What is owed, once the server has written down that one of it was not taken."""
    owed = await office.owed()
    return owed if any(one["attempts"] for one in owed) else []


async def paid(office: Office) -> Order:
    """An order that was uploaded and paid."""
    order = await office.platform.upload(office.town.someone(), some(DEAR, 2))
    assert_done(await order.pay())
    return order
