"""Clearing accounts are what ledger and bills come to, whatever differs; fees are booked once, by
what bills say now, and held by `settlement verify`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, time
from random import Random

import asyncpg
import pytest
import pytest_asyncio
from msgspec.structs import replace

from ledger.postgres.fold import balance
from loadtest.channel_days import (
    DAY,
    INSTITUTION,
    NEXT,
    OURS,
    Recipe,
    a_day,
    keep_day,
)
from settlement import chart
from settlement.books.channel_matching import Class, Joined
from settlement.books.clearing_accounts import Account
from settlement.books.difference_states import Correction
from settlement.chart import ChannelAccount, channel_account, institution_accounts
from settlement.clock import local_time
from settlement.finance import differences as acts
from settlement.finance.books import Books, open_books
from settlement.finance.clearing_reports import overview
from settlement.finance.matching import Matched, match
from settlement.storage import differences as store
from settlement.storage.clearing_accounts import Group
from settlement.storage.differences import Filter
from settlement.storage.reference_import import open_accounts
from settlement.storage.verify import verify
from settlement.who import Who
from tests.integration.test_matching import LANES, NOW, TABLES, a_desk
from tests.kit import population
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")
FIRST, LAST = DAY - 3 * NEXT, DAY + 8 * NEXT
ZHANG, LIN = Who(actor="zhang", reason="测试"), Who(actor="lin", reason="复核")
BASE = 10_000_000 + 10 * 7
STEPS = "settlement.channel_clearing_step"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(database: FreshDatabase) -> AsyncIterator[Books]:
    """The books of an operator, with one institution and no day."""
    async with a_desk(database) as books:
        accounts = institution_accounts(INSTITUTION, "测试药店", BASE)
        await open_accounts(books.connection, accounts)
        shop = replace(population.PHARMACY, code=INSTITUTION, account_base=BASE)
        yield replace(books, institutions={INSTITUTION: shop})


async def emptied(books: Books) -> None:
    """Days on which nothing was; what was kept and booked is taken back."""
    names = ", ".join(f"settlement.{one}" for one in (*TABLES, "bill_movement"))
    await books.connection.execute(f"truncate {names}")
    await match(books, FIRST, LAST)


async def loaded(books: Books, *recipes: tuple[Recipe, int]) -> Matched:
    """Days with these orders and no others."""
    await emptied(books)
    await keep_day(books.connection, a_day(recipes, lanes=LANES), LANES)
    return await match(books, FIRST, LAST)


async def whole(books: Books) -> Account:
    """All accounts of the days together, which every way to look at them comes to."""
    found = await overview(
        books.connection, Group(first=FIRST, last=LAST), lanes=LANES,
        today=local_time(books.moment.at).date(),
    )  # fmt: skip
    for side in (found.channels, found.institutions, found.days):
        assert sum(one.remainder_fen for one in side.values()) == found.total.remainder_fen
        assert sum(one.open_fen for one in side.values()) == found.total.open_fen
    assert sum(map(sum, found.ages.values())) == found.total.open_fen
    return found.total


async def fees_fen(books: Books) -> dict[str, int]:
    """What the ledger has of fees, and of the clearing account that they were taken from."""
    numbers = {
        "fees": channel_account(BASE, ChannelAccount.FEES),
        "clearing": channel_account(BASE, ChannelAccount.CLEARING, "wechat"),
        "unknown": chart.SUSPENSE_UNKNOWN,
    }
    found = {}
    for name, number in numbers.items():
        one = await balance(books.connection, number)
        found[name] = one.debits_fen - one.credits_fen
    return found


async def entries(books: Books) -> int:
    """How many entries booked a fee."""
    found: int = await books.connection.fetchval(
        "select count(*) from ledger.entry e where e.code in (65, 66)"
    )
    return found


async def corrected_bill(books: Books, *, fee_more_fen: int) -> None:
    """The bill of the day comes again, with other fees."""
    connection = books.connection
    former, number = await connection.fetchrow(
        "select f.file_no, 10000 + f.file_no as number from settlement.bill_file f"
        " where f.bill_day = $1 and f.merchant = $2 and f.kind = 'trade' and not exists ("
        " select 1 from settlement.bill_replaced r where r.file_no = f.file_no)",
        DAY, OURS,
    )  # fmt: skip
    await connection.execute(
        "insert into settlement.bill_file (file_no, received_at, bill_day, lane, channel,"
        " merchant, kind, sha256) select $2, received_at, bill_day, lane, channel, merchant,"
        " kind, $3 from settlement.bill_file where file_no = $1",
        former, number, f"{number}".encode(),
    )  # fmt: skip
    await connection.execute(
        "insert into settlement.bill_row (file_no, amount_fen, fee_fen, at, bill_day, row_no,"
        " lane, kind, channel, merchant, order_no, refund_no, channel_no, channel_refund_no,"
        " status) select $2, amount_fen, fee_fen + $3, at, bill_day, row_no, lane, kind, channel,"
        " merchant, order_no, refund_no, channel_no, channel_refund_no, status"
        " from settlement.bill_row where file_no = $1",
        former, number, fee_more_fen,
    )  # fmt: skip
    await connection.execute(
        "insert into settlement.bill_replaced (lane, file_no, replaced_by) values (1, $1, $2)",
        former, number,
    )  # fmt: skip


async def fund_bill(books: Books, *, orders: int) -> None:
    """The merchant's fund bill of the day, which has so many of its payments."""
    await books.connection.execute(
        "insert into settlement.bill_file (file_no, received_at, bill_day, lane, channel,"
        " merchant, kind, in_fen, sha256) values ($1, $2, $3, 1, 'wechat', $4, 'funds', 1, $5)",
        50_000 + orders, NOW, DAY, OURS, f"funds {orders}".encode(),
    )  # fmt: skip
    await books.connection.execute(
        "insert into settlement.bill_movement (file_no, amount_fen, at, bill_day, row_no, lane,"
        " why, direction, channel, merchant, flow_no, business_no, order_no, said)"
        " select $1, c.amount_fen, $2, $3, row_number() over (order by c.order_no), c.lane, 1, 1,"
        " 'wechat', c.merchant, '', '', c.order_no, '交易' from settlement.channel_row c"
        " where c.kind = 1 order by c.order_no limit $4",
        50_000 + orders, datetime.combine(DAY, time(12)), DAY, orders,
    )  # fmt: skip


TAMPERED = {
    "set fee_fen = fee_fen + 1": "fee of a channel was changed",
    "set booked_fee_fen = booked_fee_fen + 1": "fee of a channel was changed",
    "set borne_by = 'agency'": "fee of a channel was changed",
    "set rule = 'another'": "fee of a channel was changed",
    "set day = day + 1": "fee of a channel was changed",
    "set entry_id = 7": "fee of a channel is missing",
}


async def test_verify_tells_what_was_done_to_a_fee(
    desk: Books, database: FreshDatabase
) -> None:
    """Changed, gone, or said to be booked and not; and a bill's fee that nothing was booked of."""
    await loaded(desk, (Recipe.PLAIN, 10_000))
    await desk.connection.execute("create table kept as table settlement.channel_clearing_step")
    async with asyncpg.create_pool(database.owner_dsn, min_size=1, max_size=4) as pool:
        report = await verify(pool, year=2026, keyring=None, hurried=True)
        assert report.ok, report.first_bad
        for change, what in TAMPERED.items():
            await tampered(desk, f"update {STEPS} {change} where entry_id is not null")
            report = await verify(pool, year=2026, keyring=None, hurried=True)
            assert report.first_bad is not None, change
            assert report.first_bad.what == what
        await tampered(desk, _STRAY)
        report = await verify(pool, year=2026, keyring=None, hurried=True)
        assert report.first_bad is not None
        assert report.first_bad.what == "fee of a channel without a ledger entry"
        await tampered(desk, _FORMER)
        report = await verify(pool, year=2026, keyring=None, hurried=True)
        assert report.first_bad is not None
        assert "another amount than its bills" in report.first_bad.what
        await tampered(desk, _PAID)
        report = await verify(pool, year=2026, keyring=None, hurried=True)
        assert report.first_bad is not None
        assert "do not add up" in report.first_bad.what
    await tampered(desk, "analyze settlement.channel_clearing_step")


_ADDED = f"insert into {STEPS} select (jsonb_populate_record(k, jsonb_build_object("
_PAID = f"update {STEPS} set paid_fen = paid_fen + 1 where rows > 0"  # noqa: S608
_STRAY = (
    f"{_ADDED} 'step_no', 900, 'entry_id', 7,"
    " 'fee_fen', 0, 'booked_fee_fen', 1))).* from kept k"
    " where k.entry_id is not null limit 1"
)
"""A step that says it booked something, and no entry did."""
_FORMER = (
    f"{_ADDED} 'step_no', 0, 'entry_id', null,"
    " 'fee_fen', 5, 'booked_fee_fen', 0, 'borne_by', '', 'rule', ''))).*"
    " from kept k where k.entry_id is not null limit 1"
)
"""A fee that a bill had before, of which nothing was booked."""


async def tampered(books: Books, change: str) -> None:
    """Steps as they were kept, but for one change."""
    await books.connection.execute(f"truncate {STEPS}")
    await books.connection.execute(f"insert into {STEPS} table kept")
    await books.connection.execute(change)


async def test_accounts_explain_books_less_bills(desk: Books, rng: Random) -> None:
    """Whatever the days hold: what the accounts confirm is what the bills have, what they have as
    due is what the books have, and the remainder is what differs; nothing moves when it is matched
    again, and fees are what bills say."""
    for _ in range(2):
        recipes = [(rng.choice(list(Recipe)), rng.randrange(3, 10**7)) for _ in range(60)]
        matched = await loaded(desk, *recipes)
        found = await whole(desk)
        assert matched.is_explained
        assert found.sums.due_fen == matched.total("ours").fen
        assert found.confirmed_fen == matched.total("theirs").fen
        assert found.remainder_fen == found.sums.due_fen - found.confirmed_fen
        billed_fen = sum(one.fee_fen for one in a_day(recipes, lanes=LANES).theirs)
        assert found.sums.fee_fen == billed_fen
        booked = await fees_fen(desk)
        assert booked["fees"] + booked["unknown"] == found.sums.booked_fee_fen
        assert booked["clearing"] == -booked["fees"]
        assert (found.fee_open_fen != 0) == any(one is Recipe.FEE for one, _ in recipes)
        again = await match(desk, FIRST, LAST)
        assert (again.cleared.steps, again.cleared.fees) == (0, 0)


async def test_what_was_merged_or_split_is_cleared(desk: Books) -> None:
    """Nothing is open of payments that agree together, whoever has the row that they are in."""
    came = await loaded(
        desk, (Recipe.MERGED, 700), (Recipe.SPLIT_OVER_NUMBERS, 900),
        (Recipe.MERGED_AT_SHOP, 500), (Recipe.MERGED_NEXT_DAY, 300), (Recipe.SPLIT_AT_SHOP, 400),
    )  # fmt: skip
    assert came.groups == {Joined.MERGED: 3, Joined.SPLIT: 2} and not came.new
    total = await whole(desk)
    assert (total.sums.due_fen, total.remainder_fen, total.open_fen) == (2_800, 0, 0)
    await loaded(desk, (Recipe.SEVERAL_WAYS, 600))
    total = await whole(desk)
    assert (total.remainder_fen, total.open_fen) == (0, 2_400), "six differences"


async def test_what_agrees_is_cleared_and_what_has_no_bill_is_open(desk: Books) -> None:
    """Money without a bill of its day waits, and is cleared with the bill: late, as known then."""
    await loaded(desk, (Recipe.PLAIN, 10_000), (Recipe.REFUNDED, 3_000))
    found = await whole(desk)
    assert (found.remainder_fen, found.cleared_bp) == (0, 10_000)
    assert found.in_time_bp == (0, 0, None)
    await desk.connection.execute("delete from settlement.bill_file where bill_day = $1", DAY)
    await desk.connection.execute("delete from settlement.bill_row")
    await match(desk, FIRST, LAST)
    found = await whole(desk)
    assert (found.sums.due_fen, found.remainder_fen) == (10_000, 10_000)
    assert (found.open_fen, found.cleared_bp) == (16_000, 0)


async def test_a_fund_bill_is_waited_for_where_the_merchant_has_such(desk: Books) -> None:
    """A trade bill alone does not clear then; the movement of each order does."""
    await loaded(desk, (Recipe.PLAIN, 10_000), (Recipe.PLAIN, 4_000), (Recipe.ONLY_OURS, 700))
    assert (await whole(desk)).remainder_fen == 700
    await fund_bill(desk, orders=1)
    await match(desk, FIRST, LAST)
    found = await whole(desk)
    assert found.confirmed_fen == 14_000
    assert found.received_fen in (10_000, 4_000)
    assert found.remainder_fen == 14_700 - found.received_fen
    await fund_bill(desk, orders=3)
    await match(desk, FIRST, LAST)
    assert (await whole(desk)).remainder_fen == 700


async def test_a_correction_by_two_people_ends_the_remainder(desk: Books) -> None:
    """At once, without another matching; and the ledger's account is what the bills have."""
    await loaded(desk, (Recipe.PLAIN, 10_000), (Recipe.ONLY_THEIRS, 900))
    (one,) = await store.listed(desk.connection, Filter(found=Class.ONLY_THEIRS), 10)
    assert (await whole(desk)).remainder_fen == -900
    assert (await acts.propose(desk, one.number, Correction.WRITE_OFF, ZHANG)).status == 0
    assert (await acts.confirm(desk, one.number, LIN)).status == 0
    found = await whole(desk)
    assert (found.corrected_fen, found.remainder_fen, found.open_fen) == (900, 0, 0)
    assert (found.balance_fen, found.cleared_bp) == (10_900, 10_000)
    assert (await match(desk, FIRST, LAST)).cleared.steps == 0


async def test_a_corrected_bill_books_what_its_fees_differ_by(desk: Books) -> None:
    """Once: what was booked stays, and one more entry makes it what the bill says now."""
    await loaded(desk, (Recipe.PLAIN, 10_000))
    before = await fees_fen(desk), await entries(desk)
    assert before[0]["fees"] == 60
    await desk.connection.execute("truncate settlement.merchant_fee")
    await corrected_bill(desk, fee_more_fen=-15)
    await match(desk, FIRST, LAST)
    await match(desk, FIRST, LAST)
    assert ((await fees_fen(desk))["fees"], await entries(desk)) == (45, before[1] + 1)
    code = await desk.connection.fetchval("select e.code from ledger.entry e order by e.block_no"
                                          " desc, e.ordinal desc limit 1")  # fmt: skip
    assert code == chart.EntryCode.CHANNEL_FEE_CORRECTED


async def test_a_fee_that_is_not_as_agreed_waits_for_two_people(desk: Books) -> None:
    """Its account's fees are booked once its difference is ended, by proposing and confirming."""
    matched = await loaded(desk, (Recipe.FEE, 10_000), (Recipe.PLAIN, 10_000))
    assert (matched.cleared.fees, matched.cleared.disputed) == (0, 1)
    (one,) = await store.listed(desk.connection, Filter(found=Class.FEE), 10)
    await acts.propose(desk, one.number, Correction.NOTE, ZHANG)
    await acts.confirm(desk, one.number, LIN)
    matched = await match(desk, FIRST, LAST)
    assert (matched.cleared.fees, matched.cleared.disputed) == (1, 0)
    assert (await fees_fen(desk))["fees"] == 121


async def test_a_matching_that_is_cut_off_books_the_rest_and_nothing_twice(
    desk: Books, database: FreshDatabase
) -> None:
    """Killed in the transaction of a lane: the next one begins where that one would have."""
    await emptied(desk)
    await keep_day(desk.connection, a_day([(Recipe.PLAIN, 10_000)], lanes=LANES), LANES)
    before = await entries(desk)
    doomed = await asyncpg.connect(database.owner_dsn)
    books = replace(await open_books(doomed, clock=lambda: NOW), institutions=desk.institutions)
    await doomed.execute(f"alter table {STEPS} add constraint cut check (fee_fen = 0) not valid")
    with pytest.raises(asyncpg.CheckViolationError):
        await match(books, FIRST, LAST)
    doomed.terminate()
    await desk.connection.execute(f"alter table {STEPS} drop constraint cut")
    assert await entries(desk) == before
    await match(desk, FIRST, LAST)
    await match(desk, FIRST, LAST)
    assert await entries(desk) == before + 1
    assert (await whole(desk)).fee_open_fen == 0
