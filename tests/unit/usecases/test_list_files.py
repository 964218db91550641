"""Files of the catalogue: which rows are in them, how they are written, and for whom they are."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest
from msgspec.structs import replace

from protocol.nhsa.codes import CODE_LISTS
from protocol.nhsa.list_layouts import LAYOUTS
from protocol.nhsa.messages.catalogue import CatalogueFile
from protocol.nhsa.registry import TRANSACTIONS
from protocol.nhsa.textfile import rows_of, unpack
from settlement.catalogue import Catalogue, Item
from settlement.intake import items as intake
from settlement.refusal import Refusal
from settlement.serve.list_files import ListFile, ListFiles, Source, pack_list
from settlement.translate.list_files import (
    COLUMNS,
    LIST_TYPE_OF_FILE,
    PIECE,
    has_newest,
    pieces,
)

ITEM = Item(
    code="XA001TEST", name="测试药品", list_type="101", item_class="02", charge_kind="09",
    self_pay_bp=1000, self_pay_bp_by_scheme={"390": 2000, "310": 0},
    ceiling_e6={"2": 18_000_000, "1": 15_333_333}, effective_from=date(2020, 1, 1),
    effective_to=date(2026, 11, 30),
)  # fmt: skip
LATER = replace(
    ITEM, effective_from=date(2026, 12, 1), effective_to=date.max, self_pay_bp_by_scheme=None,
    ceiling_e6=None,
)  # fmt: skip
SERVICE = replace(ITEM, code="110200001", name="测试诊查费", list_type="201")


def rows(file: ListFile) -> list[list[str]]:
    """The rows of a file."""
    return rows_of(unpack(file.content, bytes_max=10**8), COLUMNS, rows_max=10**6)


def text(*items: Item) -> str:
    """The text of 1301."""
    return "".join(piece for piece, _ in pieces(items, "101", 7))


def test_a_row_is_written_as_the_reference_says() -> None:
    assert text(ITEM, SERVICE, LATER) == (
        "XA001TEST\t测试药品\t101\t02\t09\t0.1000\t310:0.0000;390:0.2000"
        "\t1:15.333333;2:18.000000\t2020-01-01\t2026-11-30\tv0007\n"
        "XA001TEST\t测试药品\t101\t02\t09\t0.1000\tnull\tnull\t2026-12-01\tnull\tv0007\n"
    )


def test_what_would_break_a_row_becomes_a_blank() -> None:
    broken = replace(ITEM, name="测试\t药\r\n品\u2028甲")
    [row] = rows_of(text(broken), COLUMNS, rows_max=10)
    assert row[1] == "测试 药  品 甲"


def test_rows_are_what_the_import_of_items_reads() -> None:
    told = rows_of(text(ITEM, LATER), COLUMNS, rows_max=10)
    read = intake.read_items([(n, row[:-1]) for n, row in enumerate(told, 2)], faults := [])
    assert ([one.item for one in read], faults) == ([ITEM, LATER], [])
    assert (*(column.name for column in intake.COLUMNS), "ver") == COLUMNS


def test_every_file_that_is_served_has_a_list() -> None:
    served = {n for n, entry in TRANSACTIONS.items() if entry.request is CatalogueFile}
    assert served == {*LIST_TYPE_OF_FILE, *LAYOUTS}
    assert not LIST_TYPE_OF_FILE.keys() & LAYOUTS.keys()
    assert CODE_LISTS["list_type"] - set(LIST_TYPE_OF_FILE.values()) == {"104", "105"}


VERSIONS = [
    # said,    current,  has the newest
    ("v0000",  7,        False),
    ("v0006",  7,        False),
    ("v0007",  7,        True),
    ("v7",     7,        True),
    ("v12345", 12345,    True),
    ("v0000",  0,        False),
    ("v0008",  7,        None),
    ("v0001",  0,        None),
    ("0007",   7,        None),
    ("V0007",  7,        None),
    ("v",      7,        None),
    ("v-1",    7,        None),
    ("v٧",     7,        None),
    ("v0007 ", 7,        None),
    ("F002_20260101", 7, None),
]  # fmt: skip


@pytest.mark.parametrize(("said", "current", "newest"), VERSIONS)
def test_version_is_the_newest_or_older_or_refused(
    said: str, current: int, newest: bool | None
) -> None:
    answer = has_newest(said, current)
    if newest is None:
        assert isinstance(answer, Refusal)
        assert (answer.code, answer.field) == ("CATALOGUE_VERSION_UNKNOWN", "ver")
        assert answer.params == {"value": said, "version": f"v{current:04d}"}
    else:
        assert answer is newest


async def test_a_large_file_lets_others_have_their_turn() -> None:
    count = 10 * PIECE + 1
    catalogue = Catalogue(replace(ITEM, code=f"XA{n:06d}TEST") for n in range(count))
    making = asyncio.create_task(pack_list("1301", Source(catalogue, 7)))
    turns = 0
    while not making.done():
        await asyncio.sleep(0)
        turns += 1
    made = await making
    assert turns > 10
    assert (made.row_count, made.name) == (count, "1301_v0007.zip")
    assert [row[0] for row in rows(made)] == [item.code for item in catalogue]


async def test_a_list_is_made_once_for_everybody_until_the_catalogue_changes() -> None:
    source = Source(Catalogue([ITEM, LATER, SERVICE]), 7)
    files = ListFiles(lambda: source)
    first, second = await asyncio.gather(files.file("1301", "v0000"), files.file("1301", "v0003"))
    assert isinstance(first, ListFile)
    assert first is second
    assert [row[8] for row in rows(first)] == ["2026-12-01", "2020-01-01"]
    source = Source(Catalogue([LATER, SERVICE]), 8)
    changed = await files.file("1301", "v0007")
    assert isinstance(changed, ListFile)
    assert [(row[8], row[10]) for row in rows(changed)] == [("2026-12-01", "v0008")]
    nothing = await files.file("1301", "v0008")
    assert isinstance(nothing, ListFile)
    assert (rows(nothing), nothing.row_count) == ([], 0)
