"""At the end of a month an institution confirms what it settled for people from other cities of the
province: it is shown the list (3260), confirms it row by row (3261), and may take that back (3262).
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from settlement.policy import loader
from settlement.policy.loader import PolicySet, parse_policies
from tests.kit.counter import Counter, Message
from tests.kit.elsewhere import CHANGSHA, SAME_CITY, Listed, insured_elsewhere
from tests.kit.population import CLASS_A, CLASS_B, some
from tests.kit.reply import Reply, assert_done, assert_refused, assert_same_answer
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

_MONTHS = iter([(2027 + n // 12, n % 12 + 1) for n in range(40)])


class Month:
    """A month that nobody has settled in yet, and what a pharmacy says of it."""

    def __init__(self, town: Town) -> None:
        self.year, self.month = next(_MONTHS)
        self.town = town
        self.counter: Counter = town.pharmacy
        town.clock.move_to(datetime(self.year, self.month, 5, 9, 0))

    @property
    def named(self) -> dict[str, object]:
        """The month as messages name it."""
        return {"trt_year": f"{self.year}", "trt_month": f"{self.month:02d}"}

    def over(self, *, hour: int = 8, minute: int = 0) -> None:
        """It is the morning after."""
        years, month = divmod(self.year * 12 + self.month, 12)
        self.town.clock.move_to(datetime(years, month + 1, 1, hour, minute))

    async def visitors(self, number: int) -> list[Listed]:
        """So many settlements of people from Guangzhou, a minute apart."""
        rows = []
        for _ in range(number):
            sold = await self.town.pharmacy.sell(self.town.someone(), some(CLASS_A), some(CLASS_B))
            rows.append(await insured_elsewhere(self.town, sold))
        return rows

    async def listed(self, start: int = 1) -> Reply:
        """3260."""
        return await self.counter.ask("3260", {"data": {**self.named, "startrow": start}})

    async def rows(self, start: int = 1) -> list[Listed]:
        """What 3260 lists."""
        return list((await self.listed(start)).rows("data"))

    def confirmation(self, rows: list[Listed], flag: str | None = "1", **data: object) -> Message:
        """3261 of rows as they were listed."""
        names = (
            "certno", "mdtrt_id", "mdtrt_setl_time", "setl_sn", "medfee_sumamt",
            "optins_pay_sumamt",
        )  # fmt: skip
        marked = {} if flag is None else {"cnfm_flag": flag}
        detail = [{**{name: row[name] for name in names}, **marked} for row in rows]
        head = {**self.named, "totalrow": len(rows), **data}
        return self.counter.message("3261", {"data": head, "detail": detail})

    async def confirm(self, rows: list[Listed], flag: str | None = "1", **data: object) -> Reply:
        """3261, sent."""
        return await self.counter.send(self.confirmation(rows, flag, **data))

    def withdrawal(self, reference: str = "0") -> Message:
        """3262: of one confirmation, or of all."""
        return self.counter.message("3262", {"data": {**self.named, "otransid": reference}})

    async def withdraw(self, reference: str = "0") -> Reply:
        """3262, sent."""
        return await self.counter.send(self.withdrawal(reference))

    async def steps(self) -> list[tuple[int, int, int]]:
        """What is kept of the month: kind, rows included and left out, in order."""
        rows = await self.town.owner.fetch(
            "select c.kind, cardinality(c.included) as a, cardinality(c.left_out) as b"
            " from settlement.cross_city_step c where c.institution = $1"
            " and to_char(c.month, 'YYYYMM') = $2 order by c.step_no",
            self.counter.code, f"{self.year}{self.month:02d}",
        )  # fmt: skip
        return [(row["kind"], row["a"], row["b"]) for row in rows]


def profile(*lines: str) -> PolicySet:
    """The shipped policies in a region that clears between cities in its own way."""
    shelf = Path(loader.__file__).parent
    files = {path.name: path.read_text("utf-8") for path in shelf.glob("*.toml")}
    keys = {line.split(" = ")[0] for line in lines}
    told = files["441900.toml"].splitlines()
    kept = [line for line in told if line.split(" = ")[0] not in keys]
    at = kept.index("[cross_city]") + 1
    files["441900.toml"] = "\n".join([*kept[:at], *lines, *kept[at:]])
    return parse_policies({name: text.encode() for name, text in files.items()})


def at(row: int, field: str = "setl_sn") -> str:
    """The path of a field of a row, counted from 0."""
    return f"input.detail[{row}].{field}"


async def test_month_without_visitors_has_an_empty_list(town: Town) -> None:
    month = Month(town)
    await town.pharmacy.sell(town.someone(), some(CLASS_A))
    reply = await month.listed()
    assert_done(reply)
    assert reply.output == {"data": []}


async def test_list_has_the_visitors_of_the_province_with_what_was_settled(town: Town) -> None:
    month = Month(town)
    local = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    assert_done(local)
    near, second = await month.visitors(2)
    for region in (CHANGSHA, SAME_CITY):
        far = await town.pharmacy.sell(town.someone(), some(CLASS_A))
        await insured_elsewhere(town, far, region=region)
    paid = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    advance = await insured_elsewhere(town, paid, paid_in_advance=True)
    expected = [near, second, advance]
    rows = await month.rows()
    assert rows == [{"seqno": str(n), **row} for n, row in enumerate(expected, start=1)]
    month.counter = town.other_pharmacy
    assert await month.rows() == []


async def test_cancel_is_a_row_of_its_own_and_what_was_reversed_is_nowhere(town: Town) -> None:
    month = Month(town)
    citizen, other = town.people(2)
    sold = await town.pharmacy.sell(citizen, some(CLASS_A))
    first = await insured_elsewhere(town, sold)
    cancelled = await town.pharmacy.send(town.pharmacy.cancel(sold))
    negative = await insured_elsewhere(town, cancelled)
    sale = town.pharmacy.sale(other, some(CLASS_A))
    gone = await insured_elsewhere(town, await town.pharmacy.send(sale))
    assert_done(await town.pharmacy.send(town.pharmacy.reversal(sale, other)))
    rows = await month.rows()
    assert [row["setl_sn"] for row in rows] == [first["setl_sn"], negative["setl_sn"]]
    assert rows[1]["medfee_sumamt"] == -Decimal(str(rows[0]["medfee_sumamt"]))
    month.over()
    assert_refused(
        await month.confirm([gone]), "CROSS_CITY_ROW_UNKNOWN", field=at(0),
        mentions=str(gone["setl_sn"]),
    )  # fmt: skip
    assert_done(await month.confirm(rows))


async def test_list_comes_in_pages_counted_from_one(town: Town) -> None:
    await town.restart(profile("rows_max = 2"))
    month = Month(town)
    every = [row["setl_sn"] for row in await month.visitors(5)]
    pages = [await month.rows(start) for start in (1, 3, 5, 7)]
    assert [[row["setl_sn"] for row in page] for page in pages] == [
        every[:2], every[2:4], every[4:], [],
    ]  # fmt: skip
    assert [row["seqno"] for page in pages for row in page] == ["1", "2", "3", "4", "5"]
    assert_refused(
        await month.listed(0), "CROSS_CITY_START_WRONG", field="input.data.startrow", mentions="1"
    )
    month.over()
    assert_refused(
        await month.confirm([*pages[0], *pages[2]]), "CROSS_CITY_ROWS_TOO_MANY",
        field="input.detail", mentions="共3行，超过每次2行",
    )  # fmt: skip
    await town.restart(profile("first_row = 0", "account_counts = false"))
    month.counter = town.pharmacy
    [first, *_] = await month.rows(0)
    assert first["seqno"] == "0"
    held = await town.owner.fetchval(
        "select t.fund_fen from settlement.settlement t join settlement.insured_elsewhere e"
        " on e.lane = t.lane and e.setl_id = t.setl_id where e.settlement_no = $1",
        every[0],
    )
    assert Decimal(str(first["optins_pay_sumamt"])) * 100 == held
    await town.restart()


async def test_month_is_confirmed_row_by_row_once(town: Town) -> None:
    month = Month(town)
    await month.visitors(3)
    month.over()
    rows = await month.rows()
    confirmed = await month.confirm(rows[:2])
    assert_done(confirmed)
    assert confirmed.output == {}
    assert_refused(
        await month.confirm(rows[1:]), "CROSS_CITY_ALREADY_CONFIRMED", field=at(0),
        mentions=confirmed.inf_refmsgid,
    )  # fmt: skip
    assert_done(await month.confirm(rows[2:], "0"))
    assert_refused(await month.confirm(rows[2:], "1"), "CROSS_CITY_ALREADY_CONFIRMED", field=at(0))
    assert await month.steps() == [(1, 2, 0), (1, 0, 1)]


async def test_row_without_a_mark_says_what_the_region_takes_it_for(town: Town) -> None:
    month = Month(town)
    await month.visitors(1)
    month.over()
    rows = await month.rows()
    assert_done(await month.confirm(rows, None))
    assert_done(await month.withdraw())
    await town.restart(profile('unmarked = "leave_out"'))
    month.counter = town.pharmacy
    assert_done(await month.confirm(rows, None))
    assert await month.steps() == [(1, 1, 0), (2, 0, 0), (1, 0, 1)]
    await town.restart()


async def test_same_confirmation_again_gets_the_first_answer_and_its_number(town: Town) -> None:
    month = Month(town)
    await month.visitors(2)
    month.over()
    rows = await month.rows()
    message = month.confirmation(rows[:1])
    first = await month.counter.send(message)
    again = await month.counter.send(message)
    assert_same_answer(first, again)
    assert again.inf_refmsgid == first.inf_refmsgid
    for path, value, part in (
        ("input.detail[0].cnfm_flag", "0", "第1行明细"),
        ("input.detail[0].certno", "999999198001010001", "第1行明细"),
        ("input.data.totalrow", 2, "单据信息"),
        ("input.data.trt_month", f"{month.month % 12 + 1:02d}", "单据信息"),
    ):
        assert_refused(
            await month.counter.send(message.edited({path: value})), "MESSAGE_CONFLICT",
            field="msgid", mentions=part,
        )  # fmt: skip
    same = message.edited({"input.detail[0].medfee_sumamt": str(rows[0]["medfee_sumamt"])})
    assert_same_answer(first, await month.counter.send(same))
    assert_done(await month.withdraw(first.inf_refmsgid))
    assert_same_answer(first, await month.counter.send(message))
    assert await month.steps() == [(1, 1, 0), (2, 0, 0)]
    assert_done(await month.confirm(rows))


async def test_confirmation_is_withdrawn_by_its_number_once(town: Town) -> None:
    month = Month(town)
    await month.visitors(2)
    month.over()
    rows = await month.rows()
    one, other = [await month.confirm([row]) for row in rows]
    withdrawal = month.withdrawal(one.inf_refmsgid)
    first = await month.counter.send(withdrawal)
    assert_same_answer(first, await month.counter.send(withdrawal))
    field = "input.data.otransid"
    assert_refused(
        await month.withdraw(one.inf_refmsgid), "CROSS_CITY_CONFIRMATION_WITHDRAWN", field=field,
        mentions=one.inf_refmsgid,
    )  # fmt: skip
    assert_refused(
        await month.counter.send(withdrawal.edited({field: "0"})), "MESSAGE_CONFLICT", field="msgid"
    )
    for unknown in ("1", first.inf_refmsgid, other.inf_refmsgid[:-1] + "x"):
        assert_refused(
            await month.withdraw(unknown), "CROSS_CITY_CONFIRMATION_UNKNOWN", field=field,
            mentions=unknown,
        )  # fmt: skip
    assert_done(await month.confirm(rows[:1]))
    assert_refused(await month.confirm(rows[1:]), "CROSS_CITY_ALREADY_CONFIRMED", field=at(0))


async def test_all_confirmations_of_a_month_are_withdrawn_together(town: Town) -> None:
    month = Month(town)
    await month.visitors(2)
    month.over()
    rows = await month.rows()
    for row in rows:
        assert_done(await month.confirm([row]))
    withdrawal = month.withdrawal()
    first = await month.counter.send(withdrawal)
    assert_done(first)
    assert_refused(
        await month.withdraw(), "CROSS_CITY_NOTHING_CONFIRMED", field="input.data.trt_month"
    )
    assert_done(await month.confirm(rows))
    assert_same_answer(first, await month.counter.send(withdrawal))
    assert_refused(await month.confirm(rows), "CROSS_CITY_ALREADY_CONFIRMED", field=at(0))


async def test_nobody_confirms_or_withdraws_for_another_institution(town: Town) -> None:
    month = Month(town)
    await month.visitors(1)
    month.over()
    rows = await month.rows()
    confirmed = await month.confirm(rows)
    month.counter = town.other_pharmacy
    assert_refused(await month.confirm(rows), "CROSS_CITY_ROW_UNKNOWN", field=at(0))
    assert_refused(
        await month.withdraw(confirmed.inf_refmsgid), "CROSS_CITY_CONFIRMATION_UNKNOWN",
        field="input.data.otransid",
    )  # fmt: skip
    assert_refused(
        await month.withdraw(), "CROSS_CITY_NOTHING_CONFIRMED", field="input.data.trt_month"
    )


async def test_row_that_is_not_what_was_listed_is_refused_naming_the_field(town: Town) -> None:
    month = Month(town)
    await month.visitors(2)
    month.over()
    rows = await month.rows()
    total = rows[1]["medfee_sumamt"]
    for field, value, told in (
        ("certno", "999999198001010001", "证件号码"),
        ("mdtrt_id", "S0", "就诊登记号"),
        ("mdtrt_setl_time", "2027-01-05 00:00:00", "就诊结算时间"),
        ("medfee_sumamt", "0.01", f"总费用，机构0.01、中心{total}"),
        ("optins_pay_sumamt", "-1.00", "经办机构支付总额，机构-1.00、中心"),
    ):
        reply = await month.counter.send(month.confirmation(rows).edited({at(1, field): value}))
        assert_refused(reply, "CROSS_CITY_ROW_DIFFERS", field=at(1, field), mentions=told)
        assert "明细第2行" in reply.err_msg
    wrong = month.confirmation(rows).edited({at(1): "A0"})
    assert_refused(
        await month.counter.send(wrong), "CROSS_CITY_ROW_UNKNOWN", field=at(1), mentions="A0"
    )
    assert_refused(
        await month.confirm([rows[0], rows[0]]), "CROSS_CITY_ROW_REPEATED", field=at(1),
        mentions="与第1行重复",
    )  # fmt: skip
    assert_refused(
        await month.confirm(rows, totalrow=3), "CROSS_CITY_COUNT_DIFFERS",
        field="input.data.totalrow", mentions="总行数3与明细的2行",
    )  # fmt: skip
    assert_refused(await month.confirm(rows, "2"), "CODE_UNKNOWN", field=at(0, "cnfm_flag"))
    assert_refused(await month.confirm([]), "LINES_NONE", field="input.detail")
    assert await month.steps() == []
    assert_done(await month.confirm(rows))


async def test_month_must_be_one_and_be_over(town: Town) -> None:
    month = Month(town)
    await month.visitors(1)
    rows = await month.rows()
    month.over(hour=0, minute=9)
    field = "input.data.trt_month"
    assert_refused(await month.confirm(rows), "CROSS_CITY_MONTH_OPEN", field=field)
    month.over(hour=0, minute=10)
    assert_done(await month.confirm(rows))
    for year, name in (("2026", "13"), ("2026", "00"), ("0000", "01"), ("26", "01"), ("2026", "x")):
        data = {"trt_year": year, "trt_month": name}
        asked = {"3260": {"startrow": 1}, "3262": {"otransid": "0"}}
        for infno, more in asked.items():
            reply = await town.pharmacy.ask(infno, {"data": {**data, **more}})
            assert_refused(reply, "CROSS_CITY_MONTH_WRONG", field=field, mentions=year + name)
        reply = await month.confirm(rows, **data)
        assert_refused(reply, "CROSS_CITY_MONTH_WRONG", field=field)


async def test_settlement_that_is_undone_later_changes_no_confirmation(town: Town) -> None:
    month = Month(town)
    citizen = town.someone()
    sale = town.pharmacy.sale(citizen, some(CLASS_A))
    await insured_elsewhere(town, await town.pharmacy.send(sale))
    month.over()
    message = month.confirmation(await month.rows())
    first = await month.counter.send(message)
    assert_done(await town.pharmacy.send(town.pharmacy.reversal(sale, citizen)))
    assert await month.rows() == []
    assert_same_answer(first, await month.counter.send(message))
    assert await month.steps() == [(1, 1, 0)]


async def test_of_confirmations_sent_at_once_each_row_has_one(town: Town) -> None:
    month = Month(town)
    await month.visitors(2)
    month.over()
    rows = await month.rows()
    services = [town.service, await town.start_service(), await town.start_service()]
    for _ in range(5):
        messages = [month.confirmation([row]) for row in rows for _ in services]
        sent = [(m, services[n % 3]) for n, m in enumerate(messages)]
        sent.append((messages[0], services[1]))
        replies = await asyncio.gather(*[m.to(s) for m, s in sent])
        done = {reply.inf_refmsgid for reply in replies if reply.infcode == 0}
        assert len(done) == len(rows), replies
        for reply in replies:
            assert reply.infcode == 0 or reply.err_code == "CROSS_CITY_ALREADY_CONFIRMED", reply
        assert_done(await month.withdraw())
    for service in services[1:]:
        await town.stop_service(service)
