"""A month is over, and the institution applies for what it is owed (3203), or takes it back (3204).
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from decimal import Decimal

import pytest

from settlement.books.clearing import last_day
from tests.kit.clerk import Clerk, Totals, added
from tests.kit.counter import Message
from tests.kit.population import CLASS_A, CLASS_B, some
from tests.kit.reply import Reply, assert_done, assert_refused, assert_same_answer
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

_MONTHS = iter([datetime(2026 + n // 12, n % 12 + 1, 5, 9, 0) for n in range(12, 40)])


class Month:
    """A month that nobody has settled in yet, and the pharmacy's accountant."""

    def __init__(self, town: Town) -> None:
        self.first = next(_MONTHS)
        town.clock.move_to(self.first)
        self.town = town
        self.name = f"{self.first:%Y%m}"
        self.clerk = Clerk(town.pharmacy, begin="", end="")

    def over(self) -> None:
        """It is the morning after."""
        year, month = divmod(self.first.year * 12 + self.first.month, 12)
        self.town.clock.move_to(datetime(year, month + 1, 1, 8, 0))

    def application(self, held: Totals, **changes: object) -> Message:
        """3203."""
        return self.clerk.application(
            self.name, str(last_day(self.first.date()).day), held, **changes
        )

    async def apply(self, held: Totals, **changes: object) -> Reply:
        """3203, sent."""
        return await self.town.pharmacy.send(self.application(held, **changes))


def number(reply: Reply) -> str:
    """clr_appy_evt_id."""
    return reply.text("clr_appy_evt_id", "result")


async def sell(town: Town) -> Reply:
    """A sale."""
    return await town.pharmacy.sell(town.someone(), some(CLASS_A), some(CLASS_B))


async def test_month_that_agrees_is_applied_for_once(town: Town) -> None:
    month = Month(town)
    held = added([await sell(town), await sell(town)])
    month.over()
    applied = await month.apply(held)
    assert_done(applied)
    assert_refused(
        await month.apply(held), "CLEARING_ALREADY_APPLIED", field="input.data.setlym",
        mentions=number(applied),
    )  # fmt: skip


async def test_application_is_kept_with_who_and_when(town: Town) -> None:
    month = Month(town)
    sold = await sell(town)
    month.over()
    applied = await month.apply(added([sold]), clr_way="1")
    row = await town.owner.fetchrow(
        "select a.* from settlement.clearing_application a where a.application_no = $1",
        int(number(applied)),
    )
    assert row is not None
    assert (row["operator"], row["operator_name"]) == ("0001", "测试收费员")
    assert (row["institution"], row["clearing_office"]) == (town.pharmacy.code, "441900")
    assert (row["month"], row["attempt"]) == (month.first.date().replace(day=1), 1)
    assert (row["applied_at"] - town.clock()).total_seconds() == 0
    assert row["total_fen"] == sold.money("medfee_sumamt") * 100


async def test_totals_that_differ_are_refused_naming_both_numbers(town: Town) -> None:
    month = Month(town)
    held = added([await sell(town)])
    month.over()
    wrong = {"psntime": 2, "cash_payamt": held.cash + 1}
    reply = await month.apply(held, **wrong)
    cash = f"现金支付金额：机构{held.cash + 1}、中心{held.cash}"
    assert_refused(
        reply, "CLEARING_TOTALS_DIFFER", mentions=f"清算人次：机构2、中心1；{cash}"
    )
    amounts = ("medfee_sumamt", "med_sumfee", "fund_appy_sum", "cash_payamt", "acct_pay")
    for value, named in (("9.00", 6), ("99999999999999.99", 4)):
        everything = {"psntime": 9, **dict.fromkeys(amounts, value)}
        text = (await month.apply(held, **everything)).err_msg
        assert text.count("：机构") == named
        assert ("等。" in text) == (named < 6)
    assert_done(await month.apply(held))


async def test_same_message_gets_the_first_number_again(town: Town) -> None:
    month = Month(town)
    held = added([await sell(town)])
    month.over()
    message = month.application(held)
    first = await town.pharmacy.send(message)
    assert_same_answer(first, await town.pharmacy.send(message))
    other = message.edited({"input.data.psntime": 7})
    assert_refused(await town.pharmacy.send(other), "MESSAGE_CONFLICT", field="msgid")
    assert_done(await town.pharmacy.send(month.clerk.withdrawal(number(first))))
    assert_same_answer(first, await town.pharmacy.send(message))
    assert_done(await month.apply(held))


async def test_cancelled_application_makes_room_for_another(town: Town) -> None:
    month = Month(town)
    held = added([await sell(town)])
    month.over()
    first = number(await month.apply(held))
    withdrawal = month.clerk.withdrawal(first)
    assert_done(await town.pharmacy.send(withdrawal))
    assert_done(await town.pharmacy.send(withdrawal))
    assert_refused(
        await town.pharmacy.send(month.clerk.withdrawal(first)), "CLEARING_APPLICATION_CANCELLED",
        field="input.data.clr_appy_evt_id", mentions=first,
    )  # fmt: skip
    second = number(await month.apply(held))
    assert second != first
    attempts = await town.owner.fetch(
        "select a.attempt from settlement.clearing_application a where a.month = $1"
        " order by a.attempt",
        month.first.date().replace(day=1),
    )
    assert [row["attempt"] for row in attempts] == [1, 2]


async def test_nobody_cancels_the_application_of_another_institution(town: Town) -> None:
    month = Month(town)
    held = added([await sell(town)])
    month.over()
    applied = number(await month.apply(held))
    stranger = Clerk(town.other_pharmacy, begin="", end="")
    for name in (applied, "no-number", "2701000000001999999"):
        assert_refused(
            await town.other_pharmacy.send(stranger.withdrawal(name)),
            "CLEARING_APPLICATION_UNKNOWN", field="input.data.clr_appy_evt_id", mentions=name,
        )  # fmt: skip


async def test_later_cancel_of_a_settlement_does_not_change_the_application(town: Town) -> None:
    month = Month(town)
    sold = await sell(town)
    month.over()
    held = added([sold])
    message = month.application(held)
    first = await town.pharmacy.send(message)
    cancelled = await town.pharmacy.send(town.pharmacy.cancel(sold))
    assert_done(cancelled)
    assert_same_answer(first, await town.pharmacy.send(message))
    following = Month(town)
    following.over()
    assert_done(await following.apply(added([cancelled])))


async def test_month_is_applied_for_when_it_is_over(town: Town) -> None:
    month = Month(town)
    held = added([await sell(town)])
    month.over()
    town.clock.move_to(town.clock.local.replace(hour=0, minute=9))
    assert_refused(
        await month.apply(held), "CLEARING_MONTH_OPEN", field="input.data.setlym",
        mentions=month.name,
    )  # fmt: skip
    town.clock.move_to(town.clock.local.replace(minute=10))
    assert_done(await month.apply(held))


async def test_period_is_the_month(town: Town) -> None:
    month = Month(town)
    month.over()
    nothing = Totals(Decimal(0), Decimal(0), Decimal(0), Decimal(0), 0)
    for changes in (
        {"begndate": f"{month.first:%Y-%m}-02"},
        {"enddate": f"{month.first:%Y-%m}-05"},
        {"setlym": "202613"},
        {"setlym": "2026"},
        {"setlym": "2026 1"},
        {"setlym": "000001"},
    ):
        assert_refused(
            await month.apply(nothing, **changes), "CLEARING_PERIOD_WRONG",
            field="input.data.begndate",
        )  # fmt: skip


async def test_of_applications_sent_at_once_one_stands(town: Town) -> None:
    month = Month(town)
    held = added([await sell(town)])
    month.over()
    services = [town.service, await town.start_service(), await town.start_service()]
    for _ in range(10):
        messages = [month.application(held) for _ in services]
        twice = [(m, s) for m, s in zip(messages, services, strict=True)] + [
            (messages[0], services[1])
        ]
        replies = await asyncio.gather(*[m.to(s) for m, s in twice])
        done = {number(r) for r in replies if r.infcode == 0}
        assert len(done) == 1, replies
        for reply in replies:
            assert reply.infcode == 0 or reply.err_code == "CLEARING_ALREADY_APPLIED", reply
        assert_done(await town.pharmacy.send(month.clerk.withdrawal(done.pop())))
    for service in services[1:]:
        await town.stop_service(service)
