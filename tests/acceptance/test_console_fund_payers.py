"""付款单位 in the console: from what is due for medical aid down to a settlement, and the file with
what its payer sends."""

from __future__ import annotations

from datetime import datetime

import pytest

from settlement.console.rights import Role
from tests.kit import population
from tests.kit.aid import AID, aided
from tests.kit.console import NAMES, an_office
from tests.kit.population import CLASS_A, some
from tests.kit.town import a_town
from tests.services import FreshDatabase, temporary_directory

PERIOD = "/console/payouts/2026-11-01"
DUE = f"{PERIOD}/funds/{AID}"
HOSPITAL = population.HOSPITAL.code


@pytest.mark.asyncio
async def test_what_is_due_leads_to_its_settlements_and_what_came_to_its_file(
    database: FreshDatabase,
) -> None:
    with temporary_directory() as directory:
        async with a_town(database) as town, an_office(town, directory) as office:
            _, settled = await aided(town, directory)
            await town.pharmacy.sell(town.someone(), some(CLASS_A))
            await town.list_statements()
            town.clock.move_to(datetime(2026, 12, 8, 9, 0))
            clerk = await office.signed_in(NAMES[Role.CLERK])
            nothing = await clerk.get("/console/payouts/payers")
            assert "市财政局" in nothing.text and "核定拨付期时记账" in nothing.text
            assert (await clerk.get(DUE)).status == 404
            await clerk.get("/console/payouts")
            sent = await clerk.post("/console/payouts/state", period="2026-11", reason="拨付")
            stated = await office.over(sent, clerk)
            assert "应承担 610100 1440.00 元，已记应收" in stated.text
            listed = await clerk.get("/console/payouts")
            assert "由其他单位承担的基金" in listed.text and "1,440.00" in listed.text
            assert f'href="{DUE}"' in (await clerk.get(PERIOD)).text
            due = await clerk.get(DUE)
            assert f'href="{DUE}/{HOSPITAL}"' in due.text and "1,440.00" in due.text
            rows = await clerk.get(f"{DUE}/{HOSPITAL}")
            assert f'href="/console/settlements/{settled.setl_id}"' in rows.text

            head = "险种类型,基金支付类型,金额,来源,凭证号\n"
            text = f"{head}390,{AID},1000.00,付款单位拨入,拨1\n"
            await clerk.get("/console/money")
            sent = await clerk.bring(
                "/console/money/check", "来款.csv", text.encode(), reason="来款",
                subject="income", month="2026-12",
            )  # fmt: skip
            preview = await office.over(sent, clerk)
            assert "尚欠 1440.00，本次拨入 1000.00，余 440.00" in preview.text

            finance = await office.signed_in(NAMES[Role.INSTITUTION])
            for page in ("/console/payouts/payers", DUE, f"{DUE}/{HOSPITAL}"):
                assert (await finance.get(page)).status == 403
            assert "由其他单位承担" not in (await finance.get("/console/payouts")).text
