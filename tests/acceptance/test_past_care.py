"""What a doctor asks before prescribing: medicines the person had here (5205), sums of the year
(5206)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from settlement.storage.queries import QUERIES
from tests.kit import ward
from tests.kit.counter import Counter
from tests.kit.population import CLASS_A, CLASS_B, DEAR, UNLISTED, Citizen, Kind, some
from tests.kit.reply import Reply, amount, assert_done, assert_refused
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def medicines(
    at: Counter, whom: Citizen, *, begin: str = "2026-01-01", end: str = "2027-12-31"
) -> list[dict[str, object]]:
    """5205."""
    data = {"psn_no": whom.number, "begntime": begin, "endtime": end}
    return (await at.ask("5205", {"data": data})).rows("feedetail")


async def sums(at: Counter, whom: Citizen, month: str | None = None) -> Reply:
    """5206."""
    data = {"psn_no": whom.number, **({"cum_ym": month} if month is not None else {})}
    return await at.ask("5206", {"data": data})


async def test_medicines_that_stand_are_found(town: Town) -> None:
    citizen = town.someone()
    await town.pharmacy.sell(citizen, some(CLASS_A, 2), some(UNLISTED))
    gone = await town.pharmacy.sell(citizen, some(CLASS_B))
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(gone)))
    lost = town.pharmacy.sale(citizen, some(CLASS_B))
    await town.pharmacy.send(lost)
    assert_done(await town.pharmacy.send(town.pharmacy.reversal(lost, citizen)))
    [row] = await medicines(town.pharmacy, citizen)
    assert (row["psn_no"], row["hilist_code"]) == (citizen.number, CLASS_A.item.code)
    assert (row["med_type"], row["list_type"]) == ("41", "101")
    assert (row["cnt"], row["pric"]) == (Decimal("2.0000"), Decimal("12.500000"))
    assert row["fixmedins_code"] == town.pharmacy.code
    assert await medicines(town.other_pharmacy, citizen) == []
    assert await medicines(town.pharmacy, citizen, begin="0001-01-01", end="9999-12-31") == [row]
    assert await medicines(town.pharmacy, citizen, begin="9999-12-31", end="9999-12-31") == []


async def test_medicines_are_found_by_the_time_of_their_line(town: Town) -> None:
    citizen = town.someone()
    day = town.clock.local
    await town.pharmacy.sell(citizen, some(CLASS_A), at=day - timedelta(days=3))
    await town.pharmacy.sell(citizen, some(CLASS_B))

    async def found(begin: datetime, end: datetime) -> list[object]:
        rows = await medicines(
            town.pharmacy, citizen, begin=f"{begin:%Y-%m-%d}", end=f"{end:%Y-%m-%d}"
        )
        return [row["hilist_code"] for row in rows]

    both = [CLASS_A.item.code, CLASS_B.item.code]
    assert await found(day - timedelta(days=3), day) == both
    assert await found(day - timedelta(days=3), day - timedelta(days=1)) == both[:1]
    assert await found(day, day) == both[1:]


async def test_medicines_of_visits_and_stays_are_found(town: Town) -> None:
    citizen = town.someone()
    visit = await town.hospital.open_visit(citizen, some(CLASS_A))
    assert_done(await visit.settle(some(CLASS_A)))
    stay = await ward.admit(town.hospital, citizen)
    assert_done(await stay.charge(some(DEAR), some(CLASS_B)))
    assert [row["med_type"] for row in await medicines(town.hospital, citizen)] == ["11"]
    assert_done(await town.hospital.send(stay.discharge()))
    assert_done(await stay.settle(Decimal("2010.00")))
    rows = await medicines(town.hospital, citizen)
    assert [(row["med_type"], row["hilist_code"]) for row in rows] == [
        ("11", CLASS_A.item.code), ("21", DEAR.item.code), ("21", CLASS_B.item.code),
    ]  # fmt: skip


async def test_sums_of_the_year_are_told_by_fund(town: Town) -> None:
    citizen = town.someone(Kind.RESIDENT)
    assert (await sums(town.pharmacy, citizen)).rows("cuminfo") == []
    settled = await town.pharmacy.sell(citizen, some(DEAR))
    [row] = (await sums(town.pharmacy, citizen)).rows("cuminfo")
    now = f"{town.clock.local:%Y%m}"
    assert (row["insutype"], row["year"], row["cum_ym"]) == ("390", now[:4], now)
    assert row["cum_type_code"] == "OTP390102"
    assert amount(row["cum"]) == settled.money("fund_pay_sumamt")
    assert (await sums(town.other_pharmacy, citizen)).rows("cuminfo") == [row]


async def test_sums_of_a_year_that_is_over_are_those_of_its_last_month(town: Town) -> None:
    citizen = town.someone(Kind.RESIDENT)
    town.clock.move_to(datetime(2026, 12, 30, 9, 0))
    await town.pharmacy.sell(citizen, some(DEAR))
    town.clock.move_to(datetime(2027, 1, 4, 9, 0))
    await town.pharmacy.sell(citizen, some(CLASS_A))
    rows = (await sums(town.pharmacy, citizen)).rows("cuminfo")
    assert [(row["year"], row["cum_ym"]) for row in rows] == [
        ("2026", "202612"), ("2027", "202701"),
    ]  # fmt: skip
    [row] = (await sums(town.pharmacy, citizen, "202603")).rows("cuminfo")
    assert row["year"] == "2026"
    assert (await sums(town.pharmacy, citizen, "202501")).rows("cuminfo") == []


@pytest.mark.parametrize("month", ["202613", "2026", "2026 1", "一二三四五六"])
async def test_month_that_is_none_is_refused(town: Town, month: str) -> None:
    reply = await sums(town.pharmacy, town.borrowed(), month)
    assert_refused(reply, "FIELD_FORMAT", field="input.data.cum_ym", mentions=month)


async def test_stranger_has_no_history(town: Town) -> None:
    for infno, more in (("5205", {"begntime": "2026-01-01"}), ("5206", {})):
        reply = await town.pharmacy.ask(infno, {"data": {"psn_no": "nobody", **more}})
        assert_refused(reply, "PERSON_UNKNOWN", field="input.data.psn_no")


@pytest.mark.parametrize(
    ("statement", "types", "rest", "step"),
    [
        ("list_settlements", "text, timestamptz, boolean", "'', '2000-01-01', false", "prior_row"),
        ("list_visits", "text, boolean", "'', false", "prior_visit"),
    ],
)
async def test_way_back_through_a_past_is_a_look_up_at_each_step(
    town: Town, statement: str, types: str, rest: str, step: str
) -> None:
    """Not a pass through the whole lane, which a join makes of it while tables are young."""
    citizen = town.someone()
    await town.pharmacy.sell(citizen, some(CLASS_A))
    name = f"way_{statement}"
    await town.owner.execute(
        f"prepare {name}(smallint, text, integer, {types}) as {QUERIES[statement]}"
    )
    rows = await town.owner.fetch(f"explain execute {name}(1, '{citizen.number}', 500, {rest})")
    plan = "\n".join(row[0] for row in rows)
    assert re.search(rf"Index Cond: .*lane = .*_id = \w+\.{step}\)", plan), plan
