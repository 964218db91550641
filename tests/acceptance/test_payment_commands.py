"""`settlement payments` as an operator types it, beside a server whose WeChat has no money left."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from loadtest.simulators.channel_world import MCHID, Channels, open_channels
from settlement.embedded.services import Services
from settlement.serve.supervisor import CHANNELS_VARIABLE
from tests.kit.command import settlement
from tests.kit.population import CLASS_C
from tests.kit.served import ServedTown, a_served_town, signed
from tests.kit.waiting import until
from tests.services import FreshDatabase, chosen_environment

pytestmark = pytest.mark.asyncio(loop_scope="module")

AGREED = ("--reason", "现金退还", "--actor")


class Office:
    """The pharmacy's counter, and the operator's shell."""

    def __init__(
        self, town: ServedTown, channels: Channels, environment: dict[str, str]
    ) -> None:
        self.town = town
        self.wechat = channels.wechat
        self._environment = environment

    async def type(self, *arguments: str) -> tuple[int, str]:
        """Exit status and what was printed."""
        line = ["payments", *arguments, "--data-dir", str(self.town.data)]
        ran = await asyncio.to_thread(settlement, line, self._environment)
        assert "Traceback" not in ran.stderr, ran.stderr
        return ran.returncode, ran.stdout + ran.stderr

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """A signed request of the pharmacy."""
        headers = signed(self.town.pharmacy.caller)
        came = await self.town.gateway.post(path, json.dumps(body).encode(), headers)
        told: dict[str, Any] = json.loads(came.body)
        return told

    async def owes(self, order_no: str) -> str:
        """A sale is taken back that WeChat has no money for; the number of the return."""
        code = self.wechat.credentials(MCHID)["test_auth_codes"]["ok"]  # type: ignore[index]
        line = {
            "med_list_codg": CLASS_C.item.code, "medins_list_codg": "C900", "cnt": 1,
            "pric": "8.00",
        }  # fmt: skip
        order = {"order_no": order_no, "operator": "1", "pay_code": code, "lines": [line]}
        assert (await self.post("/pay/scan", order))["status"] == "settled"
        self.wechat.shop.orders.balance_fen[MCHID] = 0
        refund = {"refund_no": f"R{order_no}", "operator": "1"}
        back = await self.post(f"/pay/{order_no}/refund", refund)
        assert back["legs"][0]["status"] == "refund_due", back
        status, listed = await self.type("--json")
        assert status == 0
        (one,) = json.loads(listed)["payments"]
        assert (one["state"], one["order_no"]) == ("refund_due", f"R{order_no}")
        return str(one["pay_no"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(
    services: Services, database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Office]:
    """A served town where wallets pay; its books are right in the end."""
    folder = tmp_path_factory.mktemp("channels")
    environment = chosen_environment(services, database)
    environment[CHANNELS_VARIABLE] = str(folder / "channels.toml")
    async with (
        open_channels(folder, notify_base="") as channels,
        a_served_town(environment) as town,
    ):  # fmt: skip
        yield Office(town, channels, environment)


async def test_refund_goes_out_once_there_is_money_for_it(office: Office) -> None:
    pay_no = await office.owes("OP1")
    office.wechat.shop.orders.balance_fen.clear()
    status, said = await office.type("retry", pay_no, "--reason", "已充值", "--actor", "chen")
    assert status == 0, said

    async def is_back() -> bool:
        return "every payment is at its end" in (await office.type())[1]

    await until(is_back)
    shown = (await office.type("show", pay_no))[1]
    assert "人工重试 retried" in shown and "渠道已退款 returned" in shown
    assert "POST /v3/refund/domestic/refunds" in shown


async def test_two_people_end_what_the_channel_cannot(office: Office) -> None:
    pay_no = await office.owes("OP2")
    assert (await office.type("given-back", pay_no, *AGREED, "chen"))[0] == 0
    status, said = await office.type("given-back", pay_no, *AGREED, "chen", "--confirm")
    assert (status, "somebody other than chen" in said) == (1, True)
    assert (await office.type("given-back", pay_no, *AGREED, "wang", "--confirm"))[0] == 0
    assert "every payment is at its end" in (await office.type())[1]
    told = json.loads((await office.type("show", pay_no, "--json"))[1])
    assert told["state"] == "returned"
    assert [row["actor"] for row in told["audit"]] == ["chen", "wang"]
    status, said = await office.type("retry", pay_no, *AGREED, "chen")
    assert (status, "is returned" in said) == (1, True)
