"""A town in the cluster's shape: 64 lanes, a journal each, and all that is said keeps to one lane.

The database is a plain PostgreSQL. What Citus would make of it is not shown here, but what it would
get to hear is: the statements are read on their way to the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest
import pytest_asyncio
from msgspec import structs

from ledger.postgres.schema import installed_shape
from ledger.postgres.shape import Shape, ShapeError
from loadtest import institution_inputs as inputs
from protocol.my import FilingRequest, MatterReply
from settlement.clock import moment
from settlement.embedded.services import Services
from settlement.lanes import lane_of
from settlement.people.my_gateway import Who
from settlement.storage.install import InstallError, Region, ensure_schema
from settlement.storage.queries import SHAPED
from settlement.storage.writer import CALLS, write_batch
from settlement.view import Effects, View
from tests.kit import population
from tests.kit.abroad import Abroad
from tests.kit.counter import patient_of
from tests.kit.mobile import Platform
from tests.kit.one_lane import LANED, assert_one_lane
from tests.kit.population import CLASS_A, DEAR, some
from tests.kit.proxy import DatabaseLine, Fault, database_line
from tests.kit.registrar import disease, withdrawal
from tests.kit.reply import assert_done, assert_refused, assert_same_answer
from tests.kit.town import Town, a_town
from tests.kit.ward import admit
from tests.services import FreshDatabase, fresh_database, temporary_directory
from tests.tidy.tree import ROOT

pytestmark = pytest.mark.asyncio(loop_scope="module")
AT = datetime(2026, 1, 1, tzinfo=UTC)
DISTRIBUTE = "deploy/citus/distribute.sql"
NOT_HEARD = {
    "write_batch", "read_persons", "read_versions", "read_traces", "read_payments",
    "claim_orders", "find_orders", "find_attempts", "remember_tokens", "read_mobile_orders",
    "read_remote_cases",
}  # fmt: skip
"""A batch is written by the call that is made of the block; persons alone are read by operators;
versions only where a batch of several persons has a stale one; trace codes only where the region
looks at them (tests/acceptance/test_drug_traces.py hears that in this shape too), and payments
with their order numbers where something is paid over a channel (tests/acceptance/test_scan.py
does), orders of mobile payment (tests/acceptance/test_mobile_payment.py), and cases of people
insured elsewhere (tests/acceptance/test_strangers.py)."""


ACCOUNT_USE = "input.druginfo.acct_used_flag"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def line(database: FreshDatabase) -> AsyncIterator[DatabaseLine]:
    """The line on which a town speaks to its database."""
    with temporary_directory() as directory:
        async with database_line(database.app_dsn, directory) as line:
            yield line


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase, line: DatabaseLine) -> AsyncIterator[Town]:
    """A town in the cluster's shape."""
    behind = structs.replace(database, app_dsn=line.dsn)
    async with a_town(behind, employees=300, shape=Shape.CLUSTER, lanes=64) as town:
        yield town


async def test_every_lane_has_its_own_journal_and_block(town: Town) -> None:
    assert await installed_shape(town.owner) is Shape.CLUSTER
    assert [queue.journal for queue in town.service.queues] == list(range(1, 65))
    people = town.people(100)
    replies = await asyncio.gather(*(town.pharmacy.sell(one, some(CLASS_A)) for one in people))
    for reply in replies:
        assert_done(reply)
    lanes = {lane_of(one.number, 64) for one in people}
    rows = await town.owner.fetch(
        "select distinct e.lane, e.journal, b.lane as block_lane from ledger.entry e"
        " join ledger.block b on b.journal = e.journal and b.block_no = e.block_no"
        " where e.lane = any ($1::smallint[])",
        sorted(lanes),
    )
    assert {tuple(row) for row in rows} == {(lane, lane + 1, lane) for lane in lanes}


async def test_all_that_is_said_on_the_settle_path_keeps_to_one_lane(
    town: Town, line: DatabaseLine
) -> None:
    citizen, stranger = town.strangers()
    sale = town.pharmacy.sale(citizen, some(CLASS_A))
    sold = await town.pharmacy.send(sale)
    assert_same_answer(sold, await town.pharmacy.send(sale))
    misnamed = await town.pharmacy.send(town.pharmacy.reversal(sale, stranger))
    assert_refused(misnamed, "REVERSAL_PERSON_DIFFERS", field="input.data.psn_no")
    visit = await town.hospital.open_visit(citizen, some(CLASS_A))
    settled = await visit.settle(some(CLASS_A))
    assert_done(await town.hospital.visits(citizen))
    stay = await admit(town.hospital, town.someone(), some(CLASS_A, 2))
    assert_done(await town.hospital.send(stay.upload(some(CLASS_A, -1), originals={2: "1"})))
    mapped = {
        "fixmedins_hilist_id": "M1", "fixmedins_hilist_name": "测试项目", "list_type": "101",
        "med_list_codg": CLASS_A.item.code, "begndate": "2026-01-01", "enddate": "2026-12-31",
    }  # fmt: skip
    assert_done(await town.hospital.ask("3301", {"catalogcompin": [mapped]}))
    filing = disease(town.hospital, citizen)
    back = withdrawal(town.hospital, citizen, filing, await town.hospital.send(filing))
    assert_done(await town.hospital.send(back))
    early = await town.pharmacy.send(town.pharmacy.cancel(sold))
    assert_refused(
        early, "LATER_SETTLEMENT_STANDS", field="input.data.setl_id", mentions=settled.setl_id
    )
    patient, donor = town.people(2)
    await town.bind(patient, donor)
    shared = town.pharmacy.sale(patient, some(DEAR, 3)).edited({ACCOUNT_USE: "2"})
    paid = await town.pharmacy.send(shared)
    assert paid.money("acct_mulaid_pay") > 0
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(paid)))
    await town.issue_token(citizen, "E1", institution=town.pharmacy.code)
    asked = town.pharmacy.message("1101", inputs.lookup(patient_of(citizen)))
    by_token = asked.edited(
        {
            "input.data.mdtrt_cert_type": "01",
            "input.data.mdtrt_cert_no": "E1",
            "input.data.certno": "",
        }
    )
    assert_done(await town.pharmacy.send(by_token))
    order = await Platform(town, town.hospital).upload(town.someone(), some(CLASS_A))
    assert_done(await order.pay())
    assert_done(await order.ask())
    abroad = Abroad(town.service, town.clock)
    case = abroad.case(town.someone())
    assert await abroad.settle(case) == (await abroad.status(case)).case
    assert (await abroad.reverse(case)).undone
    assert town.service.mine is not None
    myself = Who(by=citizen.number, app="test", person_no=citizen.number)
    wanted = FilingRequest(request_no="1", kind="other", place="510000")
    assert isinstance(await town.service.mine.file(myself, wanted), MatterReply)
    line.break_at_next_batch(Fault.AFTER_COMMIT)
    assert_done(await town.pharmacy.sell(town.someone(), some(CLASS_A)))
    assert line.broken.is_set()
    expected = {text for name, text in SHAPED[Shape.CLUSTER].items() if name not in NOT_HEARD}
    assert {CALLS[Shape.CLUSTER].statement, *expected} <= line.statements
    assert_one_lane(line.statements)


async def test_a_database_keeps_its_shape(town: Town) -> None:
    region = Region(code=population.REGION, shape=Shape.ONE_MACHINE)
    with pytest.raises(InstallError, match="has the shape cluster, not one_machine"):
        await ensure_schema(town.owner, region, app_role="settlement_app", at=AT)


async def test_a_cluster_without_a_journal_for_each_lane_is_refused(services: Services) -> None:
    region = Region(code=population.REGION, shape=Shape.CLUSTER, journals=2)
    with fresh_database(services) as fresh:
        owner = await asyncpg.connect(fresh.owner_dsn)
        with pytest.raises(InstallError, match="every lane has a journal: 64, not 2"):
            await ensure_schema(owner, region, app_role="settlement_app", at=AT)
        await owner.close()


async def test_rows_of_two_lanes_are_never_written_as_one(town: Town) -> None:
    """The function cannot see it, so the writer looks: else a row would lie in a wrong lane."""
    now = moment(town.clock)
    effects = [Effects(lane=lane, person_no="x", messages=()) for lane in (1, 2)]
    with pytest.raises(ShapeError, match=r"not \[1, 2\]"):
        await write_batch(
            town.owner, journal=2, moment=now, view=View(), effects=effects, shape=Shape.CLUSTER
        )


async def test_the_deployment_names_what_is_there(town: Town) -> None:
    """The extension is not here: stand-ins of its three functions check their arguments against
    the catalogue, so that at least no name in the file is wrong."""
    text = (ROOT / DISTRIBUTE).read_text("utf-8")
    stand_ins = (ROOT / "tests/integration/citus_stand_ins.sql").read_text("utf-8")
    transaction = town.owner.transaction()
    await transaction.start()
    try:
        await town.owner.execute(stand_ins)
        await town.owner.execute(text)
        called = await town.owner.fetch("select what, subject from public.called")
    finally:
        await transaction.rollback()
    tables = {row["subject"] for row in called if row["what"] == "distributed"}
    assert tables == LANED
    assert len(called) == text.count("select create_")
