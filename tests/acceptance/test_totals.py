"""The accountant adds up a day and asks whether we have the same (3201)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from tests.kit.clerk import Clerk, Totals, added, result
from tests.kit.counter import Counter
from tests.kit.population import CLASS_A, CLASS_B, CLASS_C, Kind, some
from tests.kit.reply import Reply, assert_done, assert_refused
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOTHING = Totals(Decimal(0), Decimal(0), Decimal(0), Decimal(0), 0)


def a_day(town: Town) -> str:
    """A day on which nobody has settled yet; it is evening."""
    tomorrow = town.clock.local + timedelta(days=1)
    town.clock.move_to(tomorrow.replace(hour=18, minute=0, second=0))
    return f"{town.clock.local:%Y-%m-%d}"


def clerk_of(town: Town, day: str, *, scheme: str = "310") -> Clerk:
    """The pharmacy's accountant, for one day."""
    return Clerk(town.pharmacy, begin=day, end=day, scheme=scheme)


async def ask(clerk: Clerk, held: Totals, **changes: object) -> tuple[str, str]:
    """3201, sent."""
    return result(await clerk.counter.send(clerk.totals(held, **changes)))


async def sales(town: Town, number: int = 3) -> list[Reply]:
    """Some sales to different people."""
    return [
        await town.pharmacy.sell(town.someone(), some(CLASS_A, n + 1), some(CLASS_B))
        for n in range(number)
    ]


async def test_day_agrees_with_what_was_answered_at_the_counter(town: Town) -> None:
    clerk = clerk_of(town, a_day(town))
    assert await ask(clerk, NOTHING) == ("0", "对账一致")
    sold = await sales(town)
    assert await ask(clerk, added(sold)) == ("0", "对账一致")


async def test_each_figure_that_differs_is_named_with_both_numbers(town: Town) -> None:
    clerk = clerk_of(town, a_day(town))
    held = added(await sales(town, 2))
    assert held.total == Decimal("57.50")
    told = await ask(clerk, held._replace(total=Decimal("60.00"), count=3))
    assert told == (
        "1", "医疗费总额：机构60.00、中心57.50，差2.50；结算笔数：机构3、中心2，差1",
    )  # fmt: skip


async def test_largest_figures_leave_room_for_both_numbers(town: Town) -> None:
    clerk = clerk_of(town, a_day(town))
    most = Decimal("-99999999999999.99")
    held = Totals(most, most, most, most, 9_999_999_999)
    verdict, text = await ask(clerk, held)
    assert verdict == "1"
    assert len(text) <= 200
    assert text.count("机构") == text.count("中心") == 4


async def test_cancel_counts_as_a_second_row_or_not_at_all(town: Town) -> None:
    clerk = clerk_of(town, a_day(town))
    first, second = await sales(town, 2)
    cancelled = await town.pharmacy.send(town.pharmacy.cancel(second))
    with_refunds = added([first, second, cancelled])
    assert with_refunds.count == 3
    assert with_refunds[:4] == added([first])[:4]
    for flags in (
        {}, {"refd_setl_flag": "1"}, {"refd_setl_flag": ""}, {"fixmedins_refd_setl_flag": "1"},
    ):  # fmt: skip
        assert (await ask(clerk, with_refunds, **flags))[0] == "0", flags
    for flags in ({"refd_setl_flag": "0"}, {"fixmedins_refd_setl_flag": "0"}):
        assert (await ask(clerk, added([first]), **flags))[0] == "0", flags
        assert (await ask(clerk, with_refunds, **flags))[1] == "结算笔数：机构3、中心1，差2"


async def test_cancel_of_another_day_counts_on_its_own_day(town: Town) -> None:
    yesterday = a_day(town)
    [sold] = await sales(town, 1)
    today = a_day(town)
    cancelled = await town.pharmacy.send(town.pharmacy.cancel(sold))
    assert (await ask(clerk_of(town, yesterday), added([sold])))[0] == "0"
    assert (await ask(clerk_of(town, today), added([cancelled])))[0] == "0"
    both = Clerk(town.pharmacy, begin=yesterday, end=today)
    assert (await ask(both, added([sold, cancelled])))[0] == "0"
    for day in (yesterday, today):
        assert (await ask(clerk_of(town, day), NOTHING, refd_setl_flag="0"))[0] == "0"


async def test_what_was_reversed_is_nowhere(town: Town) -> None:
    yesterday = a_day(town)
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A))
    sold = await town.pharmacy.send(message)
    assert (await ask(clerk_of(town, yesterday), added([sold])))[0] == "0"
    today = a_day(town)
    assert_done(await town.pharmacy.send(town.pharmacy.reversal(message, citizen)))
    for flag in ("0", "1"):
        for day in (yesterday, today):
            told = await ask(clerk_of(town, day), NOTHING, refd_setl_flag=flag)
            assert told[0] == "0", (day, flag)


async def test_schemes_clearing_types_and_institutions_are_kept_apart(town: Town) -> None:
    day = a_day(town)
    [employee] = await sales(town, 1)
    resident = await town.pharmacy.sell(town.someone(Kind.RESIDENT), some(CLASS_C))
    assert (await ask(clerk_of(town, day), added([employee])))[0] == "0"
    assert (await ask(clerk_of(town, day, scheme="390"), added([resident])))[0] == "0"
    assert (await ask(clerk_of(town, day), NOTHING, clr_type="11"))[0] == "0"
    other = Clerk(town.other_pharmacy, begin=day, end=day)
    assert (await ask(other, NOTHING))[0] == "0"
    visit = await town.hospital.open_visit(town.someone(), some(CLASS_A))
    settled = await visit.settle(some(CLASS_A))
    hospital = Clerk(
        town.hospital, begin=day, end=day, clearing_type=settled.text("clr_type")
    )
    assert (await ask(hospital, added([settled])))[0] == "0"


async def test_listing_changes_no_figure(town: Town) -> None:
    """What the background loop has listed, and what it has not, are one sum."""
    day = a_day(town)
    clerk = clerk_of(town, day)
    first, second = await sales(town, 2)
    await town.list_statements()
    assert (await ask(clerk, added([first, second])))[0] == "0"
    citizen = town.someone()
    lost = town.pharmacy.sale(citizen, some(CLASS_A))
    sold = await town.pharmacy.send(lost)
    cancelled = await town.pharmacy.send(town.pharmacy.cancel(second))
    assert (await ask(clerk, added([first, second, sold, cancelled])))[0] == "0"
    assert_done(await town.pharmacy.send(town.pharmacy.reversal(lost, citizen)))
    for _ in range(2):
        assert (await ask(clerk, added([first, second, cancelled])))[0] == "0"
        assert (await ask(clerk, added([first]), refd_setl_flag="0"))[0] == "0"
        await town.list_statements()


async def test_sums_are_those_of_every_settlement_that_can_be_found(
    town: Town, rng: random.Random
) -> None:
    """Whatever happens in three days: 3201 says what 5203 adds up to, settlement by settlement."""
    found: list[tuple[str, Counter, Reply]] = []
    days = []
    for _ in range(3):
        days.append(a_day(town))
        found += [(days[-1], *one) for one in await busy_hour(town, rng)]
        if rng.random() < 0.5:
            await town.list_statements()
    groups = {(town.pharmacy, "310"), (town.pharmacy, "390"), (town.other_pharmacy, "310")}
    for counter, scheme in groups:
        stored = [
            (day, reply)
            for day, at, settled in found
            if at is counter and (reply := await counter.settlement(settled)).infcode == 0
        ]
        for begin, end in [(day, day) for day in days] + [(days[0], days[2])]:
            rows = [
                reply
                for day, reply in stored
                if begin <= day <= end and reply.text("insutype") == scheme
            ]
            held = stored_sums(rows)
            clerk = Clerk(counter, begin=begin, end=end, scheme=scheme)
            assert (await ask(clerk, held)) == ("0", "对账一致"), (begin, end, scheme)


async def busy_hour(town: Town, rng: random.Random) -> list[tuple[Counter, Reply]]:
    """Sales, cancels and reversals by chance, in two pharmacies."""
    happened: list[tuple[Counter, Reply]] = []
    for number in range(12):
        at = rng.choice([town.pharmacy, town.other_pharmacy])
        citizen = town.someone(Kind.EMPLOYEE if number else Kind.RESIDENT)
        message = at.sale(citizen, some(rng.choice([CLASS_A, CLASS_B, CLASS_C]), rng.randint(1, 4)))
        sold = await at.send(message)
        happened.append((at, sold))
        match rng.randrange(4):
            case 0:
                happened.append((at, await at.send(at.cancel(sold))))
            case 1:
                assert_done(await at.send(at.reversal(message, citizen)))
    return happened


def stored_sums(rows: Sequence[Reply]) -> Totals:
    """What 5203 answered, added up."""
    names = ("medfee_sumamt", "fund_pay_sumamt", "acct_pay", "cash_payamt")
    sums = [sum((row.money(name) for row in rows), Decimal("0.00")) for name in names]
    return Totals(*sums, len(rows))


async def test_midnight_is_that_of_the_region(town: Town) -> None:
    first_day = a_day(town)
    town.clock.move_to(datetime.fromisoformat(f"{first_day} 23:59:30"))
    [late] = await sales(town, 1)
    second_day = a_day(town)
    town.clock.move_to(datetime.fromisoformat(f"{second_day} 23:59:50"))
    assert (await ask(clerk_of(town, first_day), added([late])))[0] == "0"
    assert (await ask(clerk_of(town, second_day), NOTHING))[0] == "0"


REFUSED = [
    # changes,                                      code,                       field
    ({"setl_optins": "440300"},                     "CLEARING_OFFICE_UNKNOWN", "setl_optins"),
    ({"stmt_begndate": "2027-01-02", "stmt_enddate": "2027-01-01"}, "PERIOD_WRONG",
     "stmt_begndate"),
    ({"stmt_begndate": "2026-01-01", "stmt_enddate": "2027-01-02"}, "PERIOD_WRONG",
     "stmt_begndate"),
    ({"stmt_begndate": "9999-12-31", "stmt_enddate": "2027-01-02"}, "PERIOD_WRONG",
     "stmt_begndate"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "code", "field"), REFUSED)
async def test_what_cannot_be_compared_is_refused(
    town: Town, changes: dict[str, object], code: str, field: str
) -> None:
    clerk = Clerk(town.pharmacy, begin="2027-01-01", end="2027-01-01")
    reply = await town.pharmacy.send(clerk.totals(NOTHING, **changes))
    assert_refused(reply, code, field=f"input.data.{field}")


