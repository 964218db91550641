"""A pharmacy's own file is taken and matched with what it settled here: the third side."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import cast

import pytest
import pytest_asyncio
import xlsxwriter
from asyncpg import Record

from ledger.money import yuan_text
from settlement.books.bill import BillError
from settlement.books.channel_matching import Class
from settlement.books.difference_states import Correction, State
from settlement.channels.registry import NO_TILLS
from settlement.finance import bill_books, books, differences, institutions
from settlement.finance.bill_import import Order
from settlement.finance.clearing_reports import overview
from settlement.finance.institution_desk import matched_text, taken_text
from settlement.finance.institution_import import Claim, TakenFile, take
from settlement.finance.matching import match as match_channels
from settlement.rows import RowKind
from settlement.storage import differences as store
from settlement.storage.clearing_accounts import Group
from settlement.storage.differences import Difference, Filter
from settlement.storage.lease import PlainConnection
from settlement.storage.statements import list_all
from settlement.who import Who
from tests.kit.counter import Message
from tests.kit.population import CLASS_A, HOSPITAL, PHARMACY, some
from tests.kit.reply import assert_done
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")
MONDAY, TUESDAY, WEDNESDAY = (date(2026, 11, day) for day in (23, 24, 25))
HEADER = ("结算ID", "医疗费总额", "基金支付总额", "个人账户支出", "退费结算标志")
Cells = list[str]


class Desk:
    """The town's finance desk, and what its pharmacy writes down."""

    def __init__(self, town: Town, folder: Path) -> None:
        self.town = town
        self.folder = folder

    async def sell(self, on: date, hour: int) -> Message:
        """Somebody buys something."""
        self.town.clock.move_to(datetime(on.year, on.month, on.day, hour))
        self.buyer = self.town.someone()
        message = self.town.pharmacy.sale(self.buyer, some(CLASS_A))
        reply = await self.town.pharmacy.send(message)
        assert_done(reply)
        return message

    async def lines(self, *days: date) -> list[Cells]:
        """What an honest pharmacy writes of days: what was reversed never existed."""
        rows = await self.town.owner.fetch(
            "select s.setl_id, s.kind, s.total_fen, s.fund_fen, s.account_fen"
            " from settlement.settlement s"
            " left join settlement.settlement u"
            "   on u.lane = s.lane and u.undoes_setl_id = s.setl_id"
            " where s.kind < 3 and u.kind is distinct from 3"
            "   and (s.setl_time at time zone interval '+08:00')::date = any($1)"
            " order by s.setl_id",
            list(days),
        )  # fmt: skip
        return [
            [
                str(row["setl_id"]), *(yuan_text(row[name]) for name in AMOUNTS),
                "1" if row["kind"] == RowKind.CANCEL else "0",
            ]
            for row in rows
        ]  # fmt: skip

    async def take(
        self, lines: Sequence[Cells], day: date, *, institution: str = PHARMACY.code,
        last: date | None = None, preview: bool = False,
    ) -> TakenFile:  # fmt: skip
        """Take a workbook with these lines."""
        path = self.folder / "pharmacy.xlsx"
        with xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy"}) as book:
            book.set_properties({"created": datetime(2026, 11, 26)})
            sheet = book.add_worksheet()
            for number, cells in enumerate((HEADER, *lines)):
                sheet.write_row(number, 0, cells)
        held = await bill_books.open_books(self.town.owner, NO_TILLS, clock=self.town.clock)
        claim = Claim(institution=institution, first=day, last=last or day)
        order = Order(actor="zhang", reason="对账", preview=preview)
        return await take(held, path, claim, order)

    async def match(self, first: date, last: date | None = None) -> institutions.Matched:
        """Match, and see that the sums explain each other."""
        held = await books.open_books(self.town.owner, clock=self.town.clock)
        matched = await institutions.match(held, first, last or first)
        print(matched_text(matched))
        assert matched.is_explained
        return matched

    async def known(self) -> dict[str, Difference]:
        """All differences, by number."""
        found = await store.listed(self.town.owner, Filter(all_states=True), 1_000)
        return {f"{one.name.order_no}/{one.name.nth}": one for one in found}

    async def classes(self) -> dict[str, Class]:
        """Their classes."""
        return {name: one.last.facts.found for name, one in (await self.known()).items()}


STEPS_MAX = 40
AMOUNTS = ("total_fen", "fund_fen", "account_fen")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(
    database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Desk]:
    """Three days of a pharmacy: five sales, of which one was reversed and one cancelled."""
    async with a_town(database) as town:
        desk = Desk(town, tmp_path_factory.mktemp("files"))
        for hour in (9, 10, 11):
            await desk.sell(MONDAY, hour)
        undone = await desk.sell(MONDAY, 12)
        assert_done(await town.pharmacy.send(town.pharmacy.reversal(undone, desk.buyer)))
        late = await town.pharmacy.sell(town.someone(), some(CLASS_A))
        assert_done(late)
        assert_done(await town.pharmacy.send(town.pharmacy.cancel(late)))
        await desk.sell(TUESDAY, 9)
        town.clock.move_to(datetime(2026, 11, 26, 9))
        yield desk


async def test_honest_file_agrees_and_comes_once(desk: Desk) -> None:
    lines = await desk.lines(MONDAY)
    assert (await desk.take(lines, MONDAY, preview=True)).previewed
    taken = await desk.take(lines, MONDAY)
    assert (taken.file.rows, taken.file.faults, taken.came_before) == (len(lines), 0, False)
    assert str(taken.file.file_no) in taken_text(taken)
    again = await desk.take(lines, MONDAY)
    assert (again.came_before, again.file.file_no) == (True, taken.file.file_no)
    await desk.take(await desk.lines(TUESDAY), TUESDAY)
    matched = await desk.match(MONDAY, TUESDAY)
    agreed = matched.total("agreed").rows
    assert agreed == len(lines) + 1
    assert (await desk.classes(), matched.new) == ({}, 0)


async def test_what_differs_is_found_classed_and_ended_by_a_corrected_file(desk: Desk) -> None:
    """Only ours, only theirs, another amount, twice, cancelled at one side, on the next day."""
    honest = await desk.lines(MONDAY)
    plain = [one for one in honest if one[-1] == "0"]
    cancel = next(one for one in honest if one[-1] == "1")
    dropped, dearer, doubled, moved = plain[0], plain[1], plain[2], plain[3]
    wrong = [one for one in honest if one not in (dropped, dearer, moved, cancel)]
    wrong += [
        [dearer[0], "999.99", *dearer[2:]], doubled,
        ["2611000100000000009", "10.00", "8.00", "2.00", "0"],
    ]  # fmt: skip
    first = await desk.take(wrong, MONDAY)
    await desk.take([*(await desk.lines(TUESDAY)), moved], TUESDAY)
    await desk.match(MONDAY, TUESDAY)
    assert await desk.classes() == {
        f"{dropped[0]}/0": Class.ONLY_OURS,
        f"{dearer[0]}/0": Class.AMOUNT,
        f"{doubled[0]}/1": Class.DUPLICATE,
        "2611000100000000009/0": Class.ONLY_THEIRS,
        f"{moved[0]}/0": Class.DAY_EDGE,
        f"{cancel[0]}/0": Class.STATUS,
    }
    assert (await desk.match(MONDAY, TUESDAY)).new == 0
    cleared = await overview(
        desk.town.owner, Group(first=MONDAY, last=TUESDAY), lanes=desk.town.lanes,
        today=WEDNESDAY,
    )  # fmt: skip
    assert not cleared.held and not cleared.channels and not any(map(any, cleared.ages.values())), (
        "what institutions claim lies at no channel"
    )
    edge = (await desk.known())[f"{moved[0]}/0"]
    assert (edge.last.state, edge.last.rule) == (State.CLOSED, "day-edge")
    held = await books.open_books(desk.town.owner, clock=desk.town.clock)
    assert (await match_channels(held, MONDAY, TUESDAY)).new == 0, "channels close none of them"
    assert (await desk.take(honest, MONDAY)).came_before, "a replaced one does not count anew"
    fresh = [*honest[1:], honest[0]]
    assert (await desk.take(fresh, MONDAY)).replaces == [first.file.file_no]
    later = [["2611000100000000008", "1.00", "0.00", "0.00", "0"], *(await desk.lines(TUESDAY))]
    await desk.take(later, TUESDAY)
    await desk.match(MONDAY, TUESDAY)
    left = [name for name, one in (await desk.known()).items() if one.last.state is State.OPEN]
    assert left == ["2611000100000000008/0"]


async def test_two_people_end_a_difference_by_a_note_and_nothing_is_booked(desk: Desk) -> None:
    lines = await desk.lines(TUESDAY)
    await desk.take([[lines[0][0], "0.01", "0.01", "0.00", "0"]], TUESDAY)
    await desk.match(TUESDAY)
    number = (await desk.known())[f"{lines[0][0]}/0"].number
    held = await books.open_books(desk.town.owner, clock=desk.town.clock)
    zhang, lin = (Who(actor=name, reason="已请机构核对") for name in ("zhang", "lin"))
    refused = await differences.propose(held, number, Correction.WRITE_OFF, zhang)
    assert refused.status == 1 and "说明" in refused.text
    before = await desk.town.owner.fetchval("select count(*) from ledger.entry")
    assert (await differences.propose(held, number, Correction.NOTE, zhang)).status == 0
    said = await differences.confirm(held, number, lin)
    assert said.status == 0 and "无需记账" in said.text
    assert before == await desk.town.owner.fetchval("select count(*) from ledger.entry")


async def test_file_of_others_or_of_other_days_is_refused(desk: Desk) -> None:
    lines = await desk.lines(MONDAY)
    with pytest.raises(BillError, match=f"多数行是机构 {PHARMACY.code}"):
        await desk.take(lines, MONDAY, institution=HOSPITAL.code)
    with pytest.raises(BillError, match="多数行是 2026-11-23 的"):
        await desk.take(lines, WEDNESDAY)
    with pytest.raises(BillError, match="请按同样的期间更正"):
        await desk.take(lines, MONDAY, last=TUESDAY)
    with pytest.raises(BillError, match="还没有到"):
        await desk.take(lines, date(2026, 11, 30))
    with pytest.raises(BillError, match="没有机构"):
        await desk.take(lines, MONDAY, institution="P99990000009")
    left = await desk.town.owner.fetchval("select count(*) from settlement.bill_begun")
    assert left == 0


class WhileOthersSettle:
    """A connection on which every step of listing finds that somebody has settled meanwhile."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.sales = 0

    async def fetch(self, statement: str, *arguments: object) -> list[Record]:
        """What is waiting."""
        return list(await self._desk.town.owner.fetch(statement, *arguments))

    async def execute(self, statement: str, *arguments: object) -> None:
        """One step, and one more sale."""
        await self._desk.town.owner.execute(statement, *arguments)
        self.sales += 1
        assert self.sales < STEPS_MAX, "it runs after those who settle"
        await self._desk.sell(WEDNESDAY, 9)


async def test_listing_before_a_match_ends_however_many_settle(desk: Desk) -> None:
    await desk.sell(WEDNESDAY, 8)
    busy = WhileOthersSettle(desk)
    await list_all(cast("PlainConnection", busy))
    assert busy.sales
    await list_all(desk.town.owner)
    listed = await desk.town.owner.fetchval("select count(*) from settlement.statement_row")
    rows = await desk.town.owner.fetchval("select count(*) from settlement.settlement")
    assert listed == rows
