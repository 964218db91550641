"""Deposits that the platform's merchants collect (平台代收): the agency's debt to the patient.

A settlement makes of it the agency's debt to the hospital."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio

from settlement.chart import ChannelAccount
from settlement.payments.payment import Custody
from tests.kit.cashier import CASH, Cashier, owed_fen
from tests.kit.population import DEAR, some
from tests.kit.reply import assert_done
from tests.kit.scanner import pending_fen
from tests.kit.till import WALLET
from tests.kit.town import Town, a_town
from tests.kit.ward import admit
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")

AGENCY, OWN = ChannelAccount.AGENCY_DEPOSITS, ChannelAccount.DEPOSITS
COLLECTED, RECEIVABLE = ChannelAccount.AGENCY_COLLECTED, ChannelAccount.RECEIVABLE_COLLECTED


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """Whose channels pay the agency."""
    async with a_town(database, employees=20, custody=Custody.AGENCY) as town:
        yield town
        await town.resolve(seconds=300)
        assert await pending_fen(town) == 0


async def test_deposit_is_the_agency_s_debt_and_then_the_hospital_s_due(town: Town) -> None:
    cashier = Cashier(town.service)
    stay = await admit(town.hospital, town.someone(), some(DEAR, 2))
    first = await cashier.pay_in(stay.mdtrt_id, "1000", pay_code=WALLET)
    await cashier.pay_in(stay.mdtrt_id, "300", tender=CASH)
    await cashier.pay_in(stay.mdtrt_id, "200", pay_code=WALLET)
    assert (await owed_fen(town, AGENCY), await owed_fen(town, OWN)) == (120_000, 30_000)
    await cashier.refund(first["order_no"], "GR1", amount="100")
    assert await owed_fen(town, AGENCY) == 110_000
    assert_done(await town.hospital.send(stay.discharge()))
    settled = await stay.settle(Decimal("4000.00"), account=False)
    assert settled.warn_msg == "预交金抵扣1120.00元，退还预交金280.00元"
    await town.resolve(seconds=1)
    assert (await owed_fen(town, AGENCY), await owed_fen(town, OWN)) == (0, 0)
    assert await owed_fen(town, COLLECTED) == 90_000
    assert await owed_fen(town, RECEIVABLE) == -90_000
    clearing = await owed_fen(town, ChannelAccount.AGENCY_CLEARING, "wechat")
    assert -clearing == town.channels.wechat.book.balance_fen == 90_000
    assert_done(await town.hospital.send(stay.cancel(settled)))
    assert await owed_fen(town, AGENCY) == 90_000
    assert await owed_fen(town, COLLECTED) == 0
