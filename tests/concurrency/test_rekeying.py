"""Keys are changed beside running settlements: everything is under the new one at the end, the old
one is used by nothing, and no chain notices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from ledger.postgres.shape import Shape
from settlement.keyring import Keyring, UndecipherableError, new_material
from settlement.serve.rekey_desk import added, put_in_use, retired, rewrite, run_to_the_end
from settlement.storage import reference
from settlement.storage.keyfile import (
    KeyFile,
    make_key_file,
    read_materials,
    replace_materials,
)
from settlement.storage.rekeying import Rewriter
from tests.kit.population import CLASS_A, DEAR, PHARMACY, some
from tests.kit.scanner import Scanner
from tests.kit.till import WALLET
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A town whose books are checked at the end."""
    async with a_town(database) as town:
        yield town


@pytest_asyncio.fixture(loop_scope="module")
async def connection(town: Town) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    found = await asyncpg.connect(town.owner_dsn)
    yield found
    await found.close()


async def rewriter(town: Town, connection: asyncpg.Connection[asyncpg.Record]) -> Rewriter:
    """What a command of its own would be."""
    return Rewriter(
        connection, town.keyring, lanes=town.lanes, shape=Shape.ONE_MACHINE,
        journal_of=await reference.lanes(connection),
    )  # fmt: skip


class KilledError(Exception):
    """Stands for the end of a process between two steps; a step itself is one transaction."""


async def test_key_is_changed_under_running_settlements(
    town: Town, connection: asyncpg.Connection[asyncpg.Record]
) -> None:
    who, at_till = town.someone(), town.someone()
    settled = await town.pharmacy.sell(who, some(CLASS_A, 3))
    before = await town.detail_of(settled)
    scanner = Scanner(PHARMACY, town.service)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    assert (await scanner.scan(order)).status == "settled"
    first = town.key_material
    waiting = added((first,))
    town.keyring.renew(waiting)
    assert town.keyring.version == first.version, "known, and not in use"
    await town.pharmacy.sell(who, some(CLASS_A, 1))
    newer = put_in_use(waiting)
    town.keyring.renew(newer)
    work = await rewriter(town, connection)
    uses = await work.uses_of_earlier()
    assert {"settlement_detail", "payment", "person", "credential"} <= set(uses)
    steps = 0

    async def killed_soon() -> None:
        nonlocal steps
        steps += 1
        if steps > 2:
            raise KilledError

    with pytest.raises(KilledError):
        await rewrite(work, lambda _: None, killed_soon, town.lanes)
    told = await (await rewriter(town, connection)).progress()
    assert sum(one.rows_done for one in told.values()) >= 3, "it goes on there"
    left, *sold = await asyncio.gather(
        run_to_the_end(await rewriter(town, connection), lambda _: None, town.lanes),
        *(town.pharmacy.sell(town.someone(), some(CLASS_A, 2)) for _ in range(20)),
        town.other_pharmacy.sell(at_till, some(CLASS_A, 1)),
    )
    assert left == {}
    assert all(one.infcode == 0 for one in sold)
    town.keyring.renew(retired(newer))
    assert town.keyring.versions == {2}
    assert await town.detail_of(settled) == before
    assert (await town.pharmacy.sell(who, some(CLASS_A, 1))).infcode == 0
    assert (await scanner.scan(order)).status == "settled", "told again"
    assert (await town.verified()).ok


async def test_process_that_does_not_know_a_key_looks_for_it() -> None:
    """It meets what another process wrote before it looked at the file itself."""
    first = new_material(1)
    newer = put_in_use(added((first,)))
    sealed = Keyring(newer).seal(b"x", b"record")
    late = Keyring((first,))
    with pytest.raises(UndecipherableError):
        late.open(sealed, b"record", 2)
    late.asked_anew = lambda: late.renew(newer) is None
    assert late.open(sealed, b"record", 2) == b"x"


async def test_followed_key_file_is_loaded_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    make_key_file(path)
    followed = KeyFile(path)
    replace_materials(path, put_in_use(added(read_materials(path))))
    assert followed.keyring.version == 1
    followed.follow(asyncio.get_running_loop())
    assert followed.keyring.version == 2
    path.write_text("[]")
    followed.follow(asyncio.get_running_loop())
    assert followed.keyring.version == 2, "what cannot be used changes nothing"
