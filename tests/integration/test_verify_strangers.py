"""Verification finds what is wrong with cases of people insured elsewhere."""

from __future__ import annotations

import asyncpg
import msgspec
import pytest

from loadtest.simulators.insured_region import Fault
from protocol.hub.messages import Kind
from settlement.embedded.services import Services
from tests.kit.population import PLAIN, some
from tests.kit.reply import assert_done
from tests.kit.strangers import CHANGSHA, Elsewhere
from tests.kit.town import a_town
from tests.services import fresh_database

pytestmark = pytest.mark.asyncio


async def test_cases_belong_to_their_holds_settlements_and_worklist(services: Services) -> None:
    with fresh_database(services) as database:
        async with a_town(database) as town:
            there = Elsewhere(town, CHANGSHA)
            await there.open()
            _, shown = await there.arrives()
            settled = await there.pharmacy.sell(shown, some(PLAIN[3]))
            assert_done(settled)
            _, waiting = await there.arrives()
            there.region.fail(Kind.SETTLE, Fault.LOST)
            assert (await there.pharmacy.sell(waiting, some(PLAIN[3]))).err_code
            await found(there, "settlement.remote_case", "total_fen = total_fen + 1",
                        "total_fen = total_fen - 1", "hold for a case")  # fmt: skip
            await found(there, "settlement.remote_case", "hold_id = -hold_id",
                        "hold_id = -hold_id", "hold for a case")  # fmt: skip
            await found(there, "settlement.remote_due", "lane = lane + 100",
                        "lane = lane - 100", "on no worklist")  # fmt: skip
            await found(there, "settlement.insured_elsewhere", "setl_id = -setl_id",
                        "setl_id = -setl_id", "insured elsewhere")  # fmt: skip
            await there.resolve(seconds=600)


async def test_application_may_write_no_identity_but_a_strangers(services: Services) -> None:
    with fresh_database(services) as database:
        async with a_town(database) as town:
            ours = town.someone()
            row = {
                "lane": 0, "key_version": 1, "psn_no": ours.number, "identity": "AAAA",
                "enrolments": "[]", "home_region": CHANGSHA,
            }  # fmt: skip
            lane, before = await town.owner.fetchrow(
                "select lane, identity from settlement.person where psn_no = $1", ours.number
            )
            application = await asyncpg.connect(town.app_dsn)
            for told in (row | {"lane": lane}, row | {"lane": lane, "home_region": ""}):
                await application.execute(
                    "select settlement.keep_strangers($1)", msgspec.json.encode([told]).decode()
                )
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await application.execute("update settlement.person set identity = '\\x00'")
            await application.close()
            after = await town.owner.fetchval(
                "select identity from settlement.person where psn_no = $1", ours.number
            )
            assert after == before


async def found(there: Elsewhere, table: str, breach: str, mended: str, what: str) -> None:
    """While the rows of a table are touched like that, verification says what is wrong."""
    owner = there.town.owner
    assert (await there.town.verified()).ok
    await owner.execute(f"update {table} set {breach}")  # noqa: S608 -- a test's own words
    report = await there.town.verified()
    assert not report.ok and report.first_bad is not None
    assert what in report.first_bad.what
    await owner.execute(f"update {table} set {mended}")  # noqa: S608
