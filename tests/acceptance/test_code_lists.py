"""An agency imports lists of codes, and a HIS downloads them (1307 and its like)."""

from __future__ import annotations

import csv
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from protocol.nhsa.list_layouts import LAYOUTS
from protocol.nhsa.textfile import unpack
from settlement.policy import loader
from settlement.policy.loader import PolicySet, parse_policies
from tests.kit.clerk import ROW, Clerk, unzipped
from tests.kit.counter import Counter
from tests.kit.importing import Cells, Office
from tests.kit.reply import Reply, assert_done, assert_refused
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/interface.md"
ANY_DAY = "2026-11-23"
SYNDROME = {"list": "1315", "sds_type_code": "Z01", "sds_type_name": "测试证候"}


@pytest_asyncio.fixture(loop_scope="module")
async def office(town: Town, tmp_path: Path) -> Office:
    """Who imports into the town."""
    return Office(town=town, directory=tmp_path)


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def restored(town: Town) -> AsyncIterator[None]:
    """The town's own rules at the end."""
    yield
    await town.restart()


async def asked(counter: Counter, infno: str, ver: str = "v0000") -> Reply:
    """A list for who has this version."""
    return await counter.ask(infno, {"data": {"ver": ver}})


async def content_of(counter: Counter, reply: Reply) -> bytes:
    """The file that was answered."""
    assert_done(reply)
    assert isinstance(reply.output, dict)
    clerk = Clerk(counter, begin=ANY_DAY, end=ANY_DAY)
    return await clerk.fetch(str(reply.output["file_qury_no"]))


async def fetched(counter: Counter, infno: str, ver: str = "v0000") -> list[ROW]:
    """The rows of a list."""
    return unzipped(await content_of(counter, await asked(counter, infno, ver)))


async def test_list_that_was_never_imported_is_an_empty_file(town: Town) -> None:
    for infno in LAYOUTS:
        reply = await asked(town.hospital, infno)
        content = await content_of(town.hospital, reply)
        assert isinstance(reply.output, dict)
        assert (reply.output["filename"], reply.output["data_cnt"]) == (f"{infno}_v0000.zip", 0)
        assert unpack(content, bytes_max=1) == ""


async def test_worked_example_of_the_interface_page_comes_out(town: Town, office: Office) -> None:
    section = PAGE.read_text("utf-8").partition("### Files of lists of codes\n")[2]
    [given] = re.findall(r"```csv\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    [shown] = re.findall(r"```text\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    time = f"{town.clock.local:%Y-%m-%d %H:%M:%S}"
    imported = await office.bring("lists", list(csv.DictReader(given.splitlines())))
    assert (imported.written, imported.counts.new) == (True, 2)
    reply = await asked(town.hospital, "1307")
    assert isinstance(reply.output, dict)
    assert (reply.output["filename"], reply.output["data_cnt"]) == ("1307_v0001.zip", 2)
    text = unpack(await content_of(town.hospital, reply), bytes_max=10_000)
    assert text.replace("\t", " ¦ ").replace(time, "2026-11-23 09:00:00") == shown


async def test_who_has_the_newest_gets_nothing_until_a_list_changes(
    town: Town, office: Office
) -> None:
    await office.bring("lists", [SYNDROME])
    [row] = await fetched(town.pharmacy, "1315")
    ver = row[-2]
    assert await fetched(town.pharmacy, "1315", ver) == []
    unchanged = await office.bring("lists", [SYNDROME])
    assert (unchanged.counts.unchanged, await fetched(town.pharmacy, "1315", ver)) == (1, [])
    gone = await office.bring("lists", [{**SYNDROME, "sds_type_code": "Z02"}], whole=True)
    assert (gone.counts.new, gone.counts.missing) == (1, 1)
    rows = await fetched(town.pharmacy, "1315", ver)
    assert [(row[5], row[8]) for row in rows] == [("Z01", "0"), ("Z02", "1")]
    refused = await asked(town.pharmacy, "1315", "v9999")
    assert_refused(refused, "CATALOGUE_VERSION_UNKNOWN", field="input.data.ver", mentions="v9999")


async def test_preview_and_bad_rows_write_nothing(town: Town, office: Office) -> None:
    before = await fetched(town.hospital, "1309")
    disease: Cells = {"list": "1309", "opsp_dise_code": "M01", "opsp_dise_name": "测试慢病"}
    seen = await office.bring("lists", [disease], preview=True)
    assert (seen.written, seen.counts.new) == (True, 1)
    bad = {**disease, "opsp_dise_code": "M02", "opsp_dise_name": ""}
    imported = await office.bring("lists", [disease, bad])
    assert (imported.written, [(f.row, f.column) for f in imported.faults]) == (
        False, [(3, "opsp_dise_name")],
    )  # fmt: skip
    assert await fetched(town.hospital, "1309") == before == []
    skipped = await office.bring("lists", [disease, bad], skip_bad=True)
    assert (skipped.counts.new, skipped.counts.skipped) == (1, 1)
    assert [row[0] for row in await fetched(town.hospital, "1309")] == ["M01"]


def policies_with(columns: str) -> PolicySet:
    """The shipped policies under a region whose lists have these columns."""
    shelf = Path(loader.__file__).parent
    files = {path.name: path.read_bytes() for path in shelf.glob("*.toml")}
    files["441900.toml"] += f"\n[list_columns]\n{columns}\n".encode()
    return parse_policies(files)


async def test_region_says_which_columns_a_file_has(town: Town, office: Office) -> None:
    await office.bring("lists", [{"list": "1321", "list_code": "S1", "list_name": "测试服务"}])
    [plain] = await fetched(town.hospital, "1321")
    await town.restart(policies_with('1321 = ["ver", "list_name", "price_unit", "list_code"]'))
    [row] = await fetched(town.hospital, "1321")
    assert row == (plain[-2], "测试服务", "null", "S1")
