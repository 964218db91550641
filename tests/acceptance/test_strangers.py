"""Somebody insured in another region is treated here, in the words of our hospital and pharmacy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio

from tests.kit.population import CLASS_B, CLASS_C, PLAIN, some
from tests.kit.reply import assert_done
from tests.kit.strangers import CHANGSHA, Elsewhere
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")
BASKET = (some(PLAIN[5], 10), some(CLASS_B, 10), some(CLASS_C))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(town: Town) -> AsyncIterator[Elsewhere]:
    """Another region, with a line to it; in the end nothing is held for it."""
    there = Elsewhere(town, CHANGSHA)
    await there.open()
    yield there
    await there.resolve(seconds=600)
    assert await there.pending() == 0


async def test_visit_of_a_stranger_is_quoted_settled_and_cancelled(there: Elsewhere) -> None:
    one, shown = await there.arrives()
    visit = await there.hospital.open_visit(shown, *BASKET)
    quoted = visit.quote(*BASKET)
    quote = await there.hospital.send(quoted)
    assert_done(quote)
    # 198.00 in scope: 100.00 of 甲, 90.00 of 乙; 10.00 pre-self-pay, 8.00 丙
    assert quote.money("inscp_scp_amt") == Decimal("190.00")
    assert quote.money("fund_pay_sumamt") == Decimal("114.00")
    settled = await there.hospital.send(visit.settlement(quoted, quote))
    assert settled.money("hifp_pay") == Decimal("114.00")
    assert await there.owed_fen() == 11_400 + 7_600
    (row,) = await there.rows_of(one)
    assert row["insured_region"] == CHANGSHA and row["clearing_type"] == "99963"
    assert await there.undertaking(one) is None
    cancelled = await there.hospital.send(there.hospital.cancel(settled))
    assert cancelled.money("hifp_pay") == Decimal("-114.00")
    assert await there.owed_fen() == 0
    assert not there.region.standing
