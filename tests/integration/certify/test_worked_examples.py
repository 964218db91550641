"""The worked request and answer that /docs and /openapi.json show of each transaction are what a
server answers: all of them are sent again here, and come out the same.

`SETTLEMENT_WRITE_EXAMPLES=1` writes the file instead.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from loadtest.population import make_credential
from protocol.nhsa.registry import TRANSACTIONS
from settlement.embedded.services import Services
from settlement.institution import Institution
from settlement.web import examples
from tests.integration.certify.test_certify import certified, failed
from tests.kit import population
from tests.kit.elsewhere import insured_elsewhere
from tests.kit.population import CLASS_A, some
from tests.kit.reply import Reply
from tests.kit.served import SEED, ServedTown, a_served_town
from tests.kit.town import a_town
from tests.kit.worked import Notes, Tree, worked, written
from tests.services import FreshDatabase, chosen_environment, fresh_database

pytestmark = pytest.mark.asyncio(loop_scope="module")

FILE = Path(examples.__file__).parent / "docs" / "examples.json"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(services: Services, database: FreshDatabase) -> AsyncIterator[ServedTown]:
    """A server to which nobody has spoken yet."""
    async with a_served_town(chosen_environment(services, database), employees=200) as town:
        yield town


async def certification_of(town: ServedTown, of: Institution) -> dict[str, Tree]:
    """What an institution that is examined sends, and is answered."""
    secret = make_credential(of.code, seed=SEED).secret
    notes = Notes(town.gateway.url, paasid=f"test-{of.code}", secret=secret)
    async with notes.serving() as url:
        assert failed(await certified(town, of, url)) == {}
    return {infno: worked(infno, *exchange) for infno, exchange in notes.kept.items()}


async def month_between_cities(services: Services) -> dict[str, Tree]:
    """3260 to 3262: a month is over, in which somebody from another city was at a pharmacy."""
    with fresh_database(services) as database:
        async with a_town(database) as town:
            town.clock.move_to(datetime(2026, 10, 5, 9, 0))
            sold = await town.pharmacy.sell(town.someone(), some(CLASS_A, 2))
            await insured_elsewhere(town, sold, number=1)
            town.clock.move_to(datetime(2026, 11, 1, 8, 0))
            made: dict[str, Tree] = {}

            async def ask(infno: str, content: Tree) -> Reply:
                message = town.pharmacy.message(infno, content)
                reply = await town.pharmacy.send(message)
                assert reply.infcode == 0, reply
                made[infno] = worked(infno, message.envelope, told(reply))
                return reply

            month = {"trt_year": "2026", "trt_month": "10"}
            [row] = (await ask("3260", {"data": {**month, "startrow": 1}})).rows("data")
            names = (
                "certno", "mdtrt_id", "mdtrt_setl_time", "setl_sn", "medfee_sumamt",
                "optins_pay_sumamt",
            )  # fmt: skip
            detail = [{**{name: row[name] for name in names}, "cnfm_flag": "1"}]
            await ask("3261", {"data": {**month, "totalrow": 1}, "detail": detail})
            await ask("3262", {"data": {**month, "otransid": "0"}})
            return made


def told(reply: Reply) -> Tree:
    """A reply as the tree that came."""
    tree = msgspec.to_builtins(reply)
    names = ("infcode", "inf_refmsgid", "refmsg_time", "respond_time", "err_msg", "output")
    return {name: tree[name] for name in names}


async def test_every_transaction_has_a_worked_exchange_that_comes_out_the_same(
    town: ServedTown, services: Services
) -> None:
    made = await certification_of(town, population.HOSPITAL)
    made = {**await certification_of(town, population.PHARMACY), **made}
    made |= await month_between_cities(services)
    assert set(made) == set(TRANSACTIONS)
    if os.environ.get("SETTLEMENT_WRITE_EXAMPLES"):
        FILE.write_bytes(written(made))
    kept = msgspec.json.decode(FILE.read_bytes())
    again = msgspec.json.decode(written(made))
    for infno, exchange in again.items():
        assert exchange == kept[infno], infno
    assert list(kept) == list(TRANSACTIONS)
