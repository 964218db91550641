"""A HIS downloads the catalogue: it asks for a list (1301 and its like) and fetches the file."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from settlement.catalogue import Item
from settlement.storage.reference_import import keep_items
from tests.kit.clerk import ROW, Clerk, unzipped
from tests.kit.counter import Counter
from tests.kit.population import CLASS_B, ITEMS
from tests.kit.reply import Reply, assert_done, assert_refused
from tests.kit.town import Town, small_limits
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANY_DAY = "2026-11-23"


async def asked(counter: Counter, infno: str = "1301", ver: str = "v0000") -> Reply:
    """A list for who has this version."""
    return await counter.ask(infno, {"data": {"ver": ver}})


async def fetched(counter: Counter, reply: Reply) -> list[ROW]:
    """The rows of the file that was answered."""
    return unzipped(await clerk_of(counter).fetch(said(reply, "file_qury_no")))


def clerk_of(counter: Counter) -> Clerk:
    """Who fetches files there."""
    return Clerk(counter, begin=ANY_DAY, end=ANY_DAY)


def said(reply: Reply, name: str) -> str:
    """A field of the answer."""
    assert_done(reply)
    assert isinstance(reply.output, dict)
    return str(reply.output[name])


async def version(town: Town) -> int:
    """Of the catalogue, as the database has it."""
    found = await town.owner.fetchval(
        "select r.version from settlement.reference_version r where r.topic = 'catalogue'"
    )
    assert isinstance(found, int)
    return found


async def change(town: Town, item: Item) -> None:
    """An item is written, and the town's service has the new catalogue."""
    async with town.owner.transaction():
        await keep_items(town.owner, [item])
    wanted = await version(town)

    async def loaded() -> bool:
        await town.owner.fetchval("select 1")
        return town.service.reference.catalogue.version == wanted

    await until(loaded)


async def test_the_file_has_the_whole_catalogue(town: Town) -> None:
    reply = await asked(town.hospital)
    rows = await fetched(town.hospital, reply)
    assert said(reply, "data_cnt") == str(len(rows)) == str(len(ITEMS))
    ver = f"v{await version(town):04d}"
    assert said(reply, "filename") == f"1301_{ver}.zip"
    assert {row[0]: (row[1], row[2], row[3], row[4], row[8], row[9], row[10]) for row in rows} == {
        one.item.code: (
            one.item.name, "101", one.item.item_class, "09", "2020-01-01",
            one.item.effective_to.isoformat(), ver,
        )
        for one in ITEMS
    }  # fmt: skip
    [ratio, schemes, ceilings] = next(row[5:8] for row in rows if row[0] == "XB901TESTCEILING")
    assert (ratio, schemes) == ("0.2000", "null")
    assert ceilings == "1:15.000000;2:15.000000;3:15.000000"


async def test_who_has_the_newest_gets_nothing_until_the_catalogue_changes(town: Town) -> None:
    rows = await fetched(town.pharmacy, await asked(town.pharmacy))
    ver = max(row[-1] for row in rows)
    current = await asked(town.pharmacy, ver=ver)
    assert said(current, "data_cnt") == "0"
    assert await fetched(town.pharmacy, current) == []
    day = town.clock.local.date() + timedelta(days=2)
    added = replace(CLASS_B.item, code="XB910TESTADDED", name="测试\t新药", effective_from=day)
    await change(town, added)
    whole = await asked(town.pharmacy, ver=ver)
    after = await fetched(town.pharmacy, whole)
    assert [row[1] for row in after if row[0] == added.code] == ["测试 新药"]
    assert {row[:-1] for row in rows} < {row[:-1] for row in after}
    assert {row[-1] for row in after} == {f"v{await version(town):04d}"}
    assert said(whole, "data_cnt") == str(len(rows) + 1)


async def test_each_list_has_its_own_items(town: Town) -> None:
    service = replace(CLASS_B.item, code="110200001TEST", list_type="201")
    await change(town, service)
    kinds = {}
    for infno in ("1301", "1302", "1303", "1305", "1306", "1306A", "1320"):
        rows = await fetched(town.hospital, await asked(town.hospital, infno))
        kinds[infno] = {row[2] for row in rows}
    assert kinds.pop("1301") == {"101"}
    assert kinds.pop("1305") == {"201"}
    assert set(map(frozenset, kinds.values())) == {frozenset()}


@pytest.mark.parametrize("ver", ["v9999", "F002_20260101"])
async def test_version_that_we_never_gave_is_refused(town: Town, ver: str) -> None:
    reply = await asked(town.hospital, ver=ver)
    assert_refused(reply, "CATALOGUE_VERSION_UNKNOWN", field="input.data.ver", mentions=ver)
    assert "v0000" in reply.err_msg


async def test_list_that_nobody_numbers_is_unknown(town: Town) -> None:
    assert_refused(await asked(town.hospital, "1328"), "UNKNOWN_TRANSACTION", field="infno")


async def test_nobody_fetches_the_file_of_another_institution(town: Town) -> None:
    number = said(await asked(town.hospital), "file_qury_no")
    reply = await town.pharmacy.send(clerk_of(town.pharmacy).download(number))
    assert_refused(
        reply, "FILE_UNKNOWN", field="input.fsDownloadIn.file_qury_no", mentions=number
    )


async def test_file_is_there_until_the_day_that_is_told_is_over(town: Town) -> None:
    reply = await asked(town.hospital)
    clerk, number = clerk_of(town.hospital), said(reply, "file_qury_no")
    last_on = datetime.fromisoformat(said(reply, "dld_end_time"))
    assert last_on.date() == town.clock.local.date() + timedelta(days=1)
    town.clock.move_to(last_on + timedelta(hours=23, minutes=59))
    assert unzipped(await clerk.fetch(number))
    town.clock.pass_by(timedelta(minutes=1))
    assert_refused(
        await town.hospital.send(clerk.download(number)), "FILE_UNKNOWN",
        field="input.fsDownloadIn.file_qury_no",
    )  # fmt: skip


async def test_same_list_on_the_same_day_is_one_file(town: Town) -> None:
    first, again = await asked(town.hospital), await asked(town.hospital)
    assert said(again, "file_qury_no") == said(first, "file_qury_no")
    assert not again.warn_msg
    others = await asked(town.hospital, "1302"), await asked(town.pharmacy)
    numbers = {said(one, "file_qury_no") for one in (first, *others)}
    assert len(numbers) == 3
    town.clock.pass_by(timedelta(days=1))
    tomorrow = await asked(town.hospital)
    assert said(tomorrow, "file_qury_no") != said(first, "file_qury_no")
    assert said(tomorrow, "dld_end_time") > said(first, "dld_end_time")
    assert await fetched(town.hospital, first) == await fetched(town.hospital, tomorrow)


async def test_lists_that_are_synchronised_often_leave_room_for_other_files(town: Town) -> None:
    service = await town.start_service(small_limits(files_kept_max=3))
    town.clock.pass_by(timedelta(days=8))
    for _ in range(5):
        message = town.other_hospital.message("1301", {"data": {"ver": "v0000"}})
        assert_done(await message.to(service))
    await town.stop_service(service)


async def test_file_that_is_too_large_is_refused_with_its_size(town: Town) -> None:
    service = await town.start_service(small_limits(list_file_bytes_max=100))
    message = town.hospital.message("1301", {"data": {"ver": "v0000"}})
    reply = await message.to(service)
    assert_refused(reply, "LIST_FILE_TOO_LARGE", retry="later", mentions="超过100字节")
    await town.stop_service(service)
