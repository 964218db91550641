"""Real payments become channel rows; what a bill says otherwise is corrected by two people, booked,
and held by `settlement verify`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime, timedelta

import pytest
import pytest_asyncio
from asyncpg import Record

from ledger.postgres.fold import balance
from ledger.postgres.shape import Shape
from settlement.books.channel_matching import Class
from settlement.books.difference_states import Correction, State
from settlement.chart import ChannelAccount, channel_account
from settlement.finance import difference_desk as desk
from settlement.finance import differences as acts
from settlement.finance.books import Books, open_books
from settlement.finance.matching import Matched, match
from settlement.numbers import lane_in
from settlement.storage import differences as store
from settlement.storage.channel_rows import list_days
from settlement.storage.differences import Difference, Filter
from settlement.who import Who
from tests.kit import population
from tests.kit.population import DEAR
from tests.kit.scanner import Scanner
from tests.kit.tampering import found, tampered
from tests.kit.till import MERCHANT, OTHER_WALLET, WALLET, Play
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")

SOLD_ON = date(2026, 11, 23)
CHEN, LIN = Who(actor="陈会计", reason="渠道对账"), Who(actor="林科长", reason="复核")
BASE = population.PHARMACY.account_base
STEPS = "settlement.difference_step"
_FILES = {"wechat": 501, "alipay": 502}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A pharmacy that sold over two channels yesterday, and the bills of that day: WeChat lacks one
    payment, and has one that nobody here knows; Alipay has another amount."""
    async with a_town(database, shape=Shape.ONE_MACHINE) as town:
        scanner = Scanner(population.PHARMACY, town.service)
        for _ in range(3):
            await sold(town, scanner, WALLET)
        taken_back = await sold(town, scanner, WALLET)
        await scanner.refund(taken_back, "R1", lines=[{"feedetl_sn": "1", "cnt": 1}])
        await sold(town, scanner, OTHER_WALLET)
        await undone(town, scanner)
        town.clock.move_to(datetime(2026, 11, 26, 9, 0))
        books = await an_operator(town)
        await list_days(town.owner, SOLD_ON, SOLD_ON, books.moment.at)
        await bill(town)
        yield town


async def sold(town: Town, scanner: Scanner, wallet: str) -> object:
    order = scanner.order(town.someone(), DEAR, 3, pay_code=wallet)
    assert (await scanner.scan(order)).status == "settled"
    return order["order_no"]


async def undone(town: Town, scanner: Scanner) -> None:
    """It was paid, and undone at the channel after the cashier had given up."""
    town.channels.wechat.plays.append(Play.LOST_AFTER)
    town.channels.wechat.silent = True
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    await scanner.scan(order)
    await scanner.cancel(order["order_no"])
    town.channels.wechat.silent = False
    await town.resolve(seconds=300)


async def an_operator(town: Town) -> Books:
    return await open_books(town.owner, clock=town.clock)


async def rows_of(town: Town) -> list[Record]:
    return list(
        await town.owner.fetch(
            "select c.lane, c.order_no, c.refund_no, c.kind, c.channel, c.merchant, c.amount_fen,"
            " c.channel_no, c.institution, c.custody, c.business_day, c.paid_day"
            " from settlement.channel_row c order by c.channel desc, c.kind, c.at"
        )
    )


async def bill(town: Town) -> None:
    """What the channels say: all but the first payment, one of Alipay's a fen more, and one that
    nobody knows."""
    for channel, number in _FILES.items():
        for n in range(4):
            await town.owner.execute(
                "insert into settlement.bill_file (file_no, received_at, bill_day, lane, channel,"
                " merchant, kind, sha256) values ($1, $2, $3, 0, $4, $5, 'trade', '')",
                number + 10 * n, town.clock(), SOLD_ON + timedelta(days=n), channel, MERCHANT,
            )  # fmt: skip
    rows = [row for row in await rows_of(town) if row["kind"] < 3][1:]
    for row in rows:
        more = 1 if row["channel"] == "alipay" else 0
        await bill_row(town, row, row["amount_fen"] + more)
    stranger = f"2611{lane_in(int(rows[0]['order_no'])):04d}00099000001"
    await bill_row(town, {**rows[0], "order_no": stranger, "channel_no": "w-unknown"}, 7_700)


_ROWS = iter(range(1, 1_000))


async def bill_row(town: Town, row: Mapping[str, object] | Record, amount_fen: int) -> None:
    refund = row["kind"] == 2
    await town.owner.execute(
        "insert into settlement.bill_row (lane, file_no, row_no, bill_day, at, kind, channel,"
        " merchant, order_no, refund_no, channel_no, channel_refund_no, amount_fen, fee_fen,"
        " status) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, $14)",
        row["lane"], _FILES[str(row["channel"])], next(_ROWS), SOLD_ON,
        datetime(2026, 11, 23, 10, 0), row["kind"], row["channel"], row["merchant"],
        row["order_no"], row["refund_no"], "" if refund else row["channel_no"],
        row["channel_no"] if refund else "", amount_fen,
        "REFUND/SUCCESS" if refund else "SUCCESS",
    )  # fmt: skip


async def matched(town: Town) -> Matched:
    found = await match(await an_operator(town), SOLD_ON, SOLD_ON)
    assert found.is_explained
    return found


async def difference(town: Town, found: Class) -> Difference:
    which = Filter(found=found.value, all_states=True)
    return (await store.listed(town.owner, which, 10))[0]


async def clearing_fen(town: Town, channel: str) -> int:
    found = await balance(town.owner, channel_account(BASE, ChannelAccount.CLEARING, channel))
    return found.debits_fen - found.credits_fen


async def test_payments_refunds_and_undone_ones_are_listed(town: Town) -> None:
    rows = await rows_of(town)
    assert [(row["channel"], row["kind"]) for row in rows] == [
        *[("wechat", 1)] * 4, ("wechat", 2), ("wechat", 3), ("alipay", 1),
    ]  # fmt: skip
    assert all(
        (row["merchant"], row["custody"], row["institution"], row["business_day"])
        == (MERCHANT, "own", population.PHARMACY.code, SOLD_ON)
        for row in rows
    )
    assert all(lane_in(int(row["order_no"])) == row["lane"] for row in rows)
    refund = rows[4]
    assert refund["refund_no"] in town.channels.wechat.book.refunds
    assert refund["paid_day"] == SOLD_ON
    assert refund["order_no"] == rows[3]["order_no"]
    booked = {row["order_no"]: row["amount_fen"] for row in rows[:4]}
    assert booked == town.channels.wechat.book.paid


async def test_listing_again_lists_nothing(town: Town) -> None:
    before = await rows_of(town)
    assert await list_days(town.owner, SOLD_ON, SOLD_ON, town.clock()) == 0
    assert await rows_of(town) == before


async def test_differences_are_found_once(town: Town) -> None:
    assert (await matched(town)).new == 3
    assert (await matched(town)).new == 0
    found = await store.listed(town.owner, Filter(), 10)
    assert sorted(one.last.facts.found for one in found) == sorted(
        [Class.ONLY_OURS, Class.ONLY_THEIRS, Class.AMOUNT]
    )
    text = desk.list_text(await an_operator(town), found)
    assert text.count("\n") == 3
    assert "3 天" in text


async def test_shown_with_the_entry_that_each_correction_would_book(town: Town) -> None:
    one = await difference(town, Class.ONLY_OURS)
    books = await an_operator(town)
    found = await acts.find(books.connection, one.number)
    assert isinstance(found, acts.Found)
    text = desk.shown_text(books, found)
    assert "可以撤记" in text
    assert "借 待收款" in text
    assert "可以转待处理" in text


async def test_one_person_proposes_and_another_confirms(town: Town) -> None:
    one = await difference(town, Class.ONLY_OURS)
    books = await an_operator(town)
    before = await clearing_fen(town, "wechat")
    proposed = await acts.propose(books, one.number, Correction.WRITE_OFF, CHEN)
    assert proposed.status == 0, proposed.text
    assert await clearing_fen(town, "wechat") == before
    alone = await acts.confirm(books, one.number, Who(actor=" 陈会计 ", reason="自己"))
    assert "以外的人确认" in alone.text
    confirmed = await acts.confirm(books, one.number, LIN)
    assert confirmed.status == 0, confirmed.text
    assert await clearing_fen(town, "wechat") == before + one.last.due_fen
    after = await difference(town, Class.ONLY_OURS)
    assert (after.last.state, after.last.due_fen) == (State.CORRECTED, 0)
    again = await acts.confirm(books, one.number, LIN)
    assert again.status == 1
    assert "已更正" in again.text
    assert (await matched(town)).new == 0


async def test_the_second_of_two_clerks_is_told(town: Town) -> None:
    one = await difference(town, Class.AMOUNT)
    books = await an_operator(town)
    assert (await acts.assign(books, one.number, "陈会计", CHEN)).status == 0
    second = await acts.assign(books, one.number, "王会计", Who(actor="王会计", reason="我来"))
    assert (second.status, "由 陈会计 负责" in second.text) == (1, True)
    stale = await acts.note(books, one.number, LIN, seen=one.last.step_no)
    assert "已有变化：陈会计" in stale.text
    taken = await acts.assign(books, one.number, "王会计", LIN, taken_from="陈会计")
    assert taken.status == 0
    assert (await difference(town, Class.AMOUNT)).last.owner == "王会计"


async def test_what_a_channel_has_and_we_lack_is_owed_to_its_payer(town: Town) -> None:
    one = await difference(town, Class.AMOUNT)
    books = await an_operator(town)
    not_so = await acts.propose(books, one.number, Correction.VOID, CHEN)
    assert "不能撤记" in not_so.text
    assert (await acts.propose(books, one.number, Correction.MAKE_UP, CHEN)).status == 0
    assert (await acts.reject(books, one.number, LIN)).status == 0
    assert (await acts.propose(books, one.number, Correction.MAKE_UP, CHEN)).status == 0
    assert (await acts.confirm(books, one.number, LIN)).status == 0
    assert await clearing_fen(town, "alipay") == one.last.facts.theirs_fen


async def test_money_of_nobody_known_goes_to_the_agencys_suspense(town: Town) -> None:
    one = await difference(town, Class.ONLY_THEIRS)
    books = await an_operator(town)
    assert (await acts.propose(books, one.number, Correction.MAKE_UP, CHEN)).status == 1
    assert (await acts.propose(books, one.number, Correction.WRITE_OFF, CHEN)).status == 0
    assert (await acts.note(books, one.number, CHEN)).status == 0
    said = await acts.confirm(books, one.number, LIN)
    assert said.status == 0, said.text
    report = await town.verified()
    assert report.ok, report.first_bad


async def test_no_such_difference(town: Town) -> None:
    said = await acts.note(await an_operator(town), 2611000000099000001, CHEN)
    assert "没有差异" in said.text


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("set amount_fen = amount_fen + 1 where act = 4",
         "correction of a difference was changed"),
        ("set actor = 'somebody' where act = 4", "correction of a difference was changed"),
        ("set entry_id = 7 where act = 4", "correction of a difference is missing"),
        ("set booked_fen = booked_fen + 1 where act = 4",
         "correction of a difference books another amount than it says"),
        ("set booked_fen = 1 where act = 1",
         "correction of a difference books another amount than it says"),
    ],
)  # fmt: skip
async def test_what_was_touched_is_named(town: Town, statement: str, what: str) -> None:
    async with tampered(town, STEPS, f"update {STEPS} {statement}"):
        assert await found(town) == what
    assert await found(town) == ""


ADDED = "insert into settlement.difference_step select (jsonb_populate_record(s, {})).* from"
RULE = "difference_step_books_what_it_corrects"


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ("jsonb_build_object('step_no', s.step_no + 1, 'entry_id', 7)",
         "correction of a difference without a ledger entry"),
        ("jsonb_build_object('step_no', s.step_no + 1, 'entry_id', null, 'amount_fen', 0,"
         " 'proposer', ' ' || upper(s.actor))",
         "difference was proposed and confirmed by one person"),
    ],
)  # fmt: skip
async def test_what_was_added_is_named(town: Town, more: str, what: str) -> None:
    """A step that says it booked and did not; one that its own proposer confirmed, by somebody who
    dropped the rule that every confirmed step books."""
    rule = await town.owner.fetchval(
        "select pg_get_constraintdef(oid) from pg_constraint where conname = $1", RULE
    )
    await town.owner.execute(f"alter table {STEPS} drop constraint {RULE}")
    async with tampered(town, STEPS, f"{ADDED.format(more)} {STEPS} s where s.act = 4"):
        assert await found(town) == what
    await town.owner.execute(f"alter table {STEPS} add constraint {RULE} {rule}")
    assert await found(town) == ""


async def test_a_row_that_comes_late_opens_again_what_was_written_off(town: Town) -> None:
    one = await difference(town, Class.ONLY_OURS)
    row = next(row for row in await rows_of(town) if row["order_no"] == one.name.order_no)
    await bill_row(town, row, row["amount_fen"])
    assert (await matched(town)).new == 1
    after = await difference(town, Class.ONLY_OURS)
    assert (after.last.state, after.last.due_fen) == (State.OPEN, row["amount_fen"])
    books = await an_operator(town)
    assert (await acts.propose(books, one.number, Correction.WRITE_OFF, CHEN)).status == 0
    assert (await acts.confirm(books, one.number, LIN)).status == 0
    assert await clearing_fen(town, "wechat") == town.channels.wechat.book.balance_fen
    assert (await matched(town)).new == 0
