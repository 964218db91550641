"""A day with another region and the hub, three ways: what differs is classed, listed and worked."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec
import pytest
import pytest_asyncio
from msgspec import structs

from protocol.hub.clearing import DayList, HubRow
from protocol.hub.messages import (
    Kind,
    Question,
    ReconcileAsked,
    ReconcileTold,
    Refused,
    RowTold,
    Told,
)
from settlement.elsewhere.regional_clearing import Side
from settlement.region.hub import NoAnswer, Why
from settlement.said import Said
from settlement.serve import regional_reconciling as reconciling
from settlement.serve.regional_ending import end
from settlement.serve.regional_lists import ask_lists
from settlement.who import Who
from tests.kit.population import CLASS_A, REGION, some
from tests.kit.regions import (
    CHANGSHA,
    CHENGDU,
    KitLeg,
    an_operator,
    treated_here,
    treated_there,
)
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHEN = Who(actor="陈会计", reason="日对账")
_DAYS = iter([date(2027, 1, 4) + timedelta(7 * n) for n in range(40)])


@pytest_asyncio.fixture(loop_scope="module")
async def day(town: Town) -> date:
    """A day that nobody has settled on."""
    found = next(_DAYS)
    at_noon(town, found)
    return found


def at_noon(town: Town, day: date) -> None:
    """It is noon of a day."""
    town.clock.move_to(datetime(day.year, day.month, day.day, 12, 0))


async def visitor(town: Town) -> KitLeg:
    """Somebody from Changsha buys here."""
    sold = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    return await treated_here(town, sold.setl_id, CHANGSHA)


def told(day: date, *legs: KitLeg, by: str = CHANGSHA, fen: int = 0) -> DayList:
    """A list of a day; each row by `fen` more than ours."""
    return DayList(
        told_by=by, treated=REGION, insured=CHANGSHA, day=day,
        rows=tuple(
            HubRow(
                case_no=leg.case_no, reversal=leg.total_fen < 0, total_fen=leg.total_fen,
                fund_fen=leg.fund_fen + fen, account_fen=leg.account_fen,
            )
            for leg in legs
        ),
    )  # fmt: skip


async def reconcile(town: Town, day: date, *lists: DayList) -> Said:
    """The command."""
    books = await an_operator(town)
    files = {f"{n}.json": msgspec.json.encode(one) for n, one in enumerate(lists)}
    found = reconciling.read_lists(books, day, files)
    return found if isinstance(found, Said) else await reconciling.reconcile(books, found, CHEN)


async def listed(town: Town, day: date) -> str:
    """The lines of the worklist about a day."""
    said = await reconciling.worklist(await an_operator(town))
    return "\n".join(line for line in said.text.splitlines() if line.startswith(f"{day}"))


async def test_a_day_on_which_all_three_agree(town: Town, day: date) -> None:
    legs = [await visitor(town), await visitor(town)]
    said = await reconcile(town, day, told(day, *legs), told(day, *legs, by="hub"))
    assert said.status == 0 and "全部一致" in said.text, said.text
    assert await listed(town, day) == ""


async def test_each_difference_is_listed_and_ends(town: Town, day: date) -> None:
    ours, less, lost = await visitor(town), await visitor(town), await visitor(town)
    ghost = structs.replace(ours, case_no="441900-ghost")
    carried = structs.replace(ours, case_no="441900-carried")
    theirs = told(day, ours, less, ghost)
    rows = tuple(
        structs.replace(row, fund_fen=row.fund_fen + 5) if row.case_no == less.case_no else row
        for row in theirs.rows
    )
    theirs = structs.replace(theirs, rows=rows)
    hub = told(day, less, lost, ghost, carried, by="hub")
    said = await reconcile(town, day, theirs, hub)
    for part in ("平台无记录 1 笔", "金额不符 1 笔，本方多 -0.05", "仅本方有 1 笔", "仅对方有 1 笔",
                 "仅平台有 1 笔"):  # fmt: skip
        assert part in said.text, said.text
    lines = await listed(town, day)
    assert lines.count("\n") == 4
    for leg in (ours, less, lost, ghost, carried):
        assert leg.case_no in lines
    assert "0 天" in lines

    again = await reconcile(town, day, theirs, hub)
    assert (await listed(town, day)) == lines, again.text
    at_noon(town, day + timedelta(3))
    assert "3 天" in await listed(town, day)
    right = told(day, ours, less, lost)
    said = await reconcile(town, day, right, told(day, ours, less, lost, by="hub"))
    assert "此前差异 5 项已消除" in said.text
    assert await listed(town, day) == ""


async def test_people_end_a_difference_with_what_they_found(town: Town, day: date) -> None:
    leg = await visitor(town)
    await reconcile(town, day, told(day))
    books = await an_operator(town)
    where = (books, CHANGSHA, Side.TREATMENT, day)
    lin = Who(actor="林科长", reason="已核对")
    assert (await end(*where, "propose", ["nothing"], CHEN)).status == 1
    assert (await end(*where, "propose", [], CHEN)).status == 1
    assert (await end(*where, "confirm", [leg.case_no], lin)).status == 1, "nobody proposed it"
    proposed = await end(*where, "propose", [leg.case_no], CHEN)
    assert proposed.status == 0, proposed.text
    assert "陈会计 已提出结束，待复核" in await listed(town, day)
    assert (await end(*where, "propose", [leg.case_no], lin)).status == 1, "it is proposed"
    assert (await end(*where, "confirm", [leg.case_no], CHEN)).status == 1, "their own"
    assert (await end(*where, "send-back", [leg.case_no], lin)).status == 0
    assert "待复核" not in await listed(town, day)
    assert (await end(*where, "propose", [leg.case_no], CHEN)).status == 0
    ended = await end(*where, "confirm", [leg.case_no], lin)
    assert ended.status == 0 and "陈会计 提出，林科长 确认" in ended.text, ended.text
    assert await listed(town, day) == ""
    assert (await end(*where, "propose", [leg.case_no], CHEN)).status == 1


async def test_a_difference_that_had_gone_and_comes_again_is_listed_again(
    town: Town, day: date
) -> None:
    gone, explained = await visitor(town), await visitor(town)
    right = told(day, gone, explained)
    for n in range(3):
        await reconcile(town, day, told(day))
        assert (await listed(town, day)).count("仅本方有") == (2 if n == 0 else 1), n
        if n == 0:
            args = (await an_operator(town), CHANGSHA, Side.TREATMENT, day)
            assert (await end(*args, "propose", [explained.case_no], CHEN)).status == 0
            lin = Who(actor="林科长", reason="已核对")
            assert (await end(*args, "confirm", [explained.case_no], lin)).status == 0
        assert gone.case_no in await listed(town, day)
        await reconcile(town, day, told(day))
        assert (await listed(town, day)).count("仅本方有") == 1, "it is the same one"
        await reconcile(town, day, right)
        assert await listed(town, day) == ""


async def test_a_row_on_the_other_side_of_midnight_agrees(town: Town, day: date) -> None:
    leg = await visitor(town)
    tomorrow = told(day + timedelta(1), leg)
    said = await reconcile(town, day, told(day), tomorrow)
    assert "跨日 1 笔" in said.text and "全部一致" in said.text
    said = await reconcile(town, day + timedelta(1), tomorrow, told(day))
    assert "跨日 1 笔" in said.text and "全部一致" in said.text


async def test_where_our_people_were_treated_we_are_the_other_half(
    town: Town, day: date
) -> None:
    leg = await treated_there(town, CHENGDU)
    theirs = DayList(
        told_by=CHENGDU, treated=CHENGDU, insured=REGION, day=day,
        rows=(HubRow(case_no=leg.case_no, reversal=False, total_fen=leg.total_fen,
                     fund_fen=leg.fund_fen, account_fen=leg.account_fen),),
    )  # fmt: skip
    said = await reconcile(town, day, theirs)
    assert "全部一致" in said.text and "应付" in said.text


async def test_lists_that_do_not_fit_are_refused(town: Town, day: date) -> None:
    leg = await visitor(town)
    good = told(day, leg)
    for lists, why in (
        ((told(day + timedelta(1), leg),), "is needed"),
        ((good, good), "is needed"),
        ((good, told(day + timedelta(2), leg)), "is needed"),
        ((structs.replace(good, treated="110100", insured="120100"),), "between us"),
        ((structs.replace(good, rows=good.rows * 2),), "there twice"),
    ):
        said = await reconcile(town, day, *lists)
        assert said.status == 1 and why in said.text, said.text
    assert await listed(town, day) == ""


class ScriptedLine:
    """The port to the hub: what another region says, a row a page; or nothing."""

    def __init__(self, rows: dict[date, list[RowTold]], *, silent: bool = False) -> None:
        self._rows = rows
        self._silent = silent
        self.asked: list[str] = []

    async def ask(
        self, to: str, kind: Kind, question: Question, *, correlation: str, seconds: float
    ) -> Told | Refused | NoAnswer:
        """One page."""
        assert isinstance(question, ReconcileAsked) and kind is Kind.RECONCILE
        self.asked.append(correlation)
        if self._silent:
            return NoAnswer(why=Why.NO_ANSWER, text="nobody answers")
        rows = self._rows.get(question.day, [])
        left = [row for row in rows if row.settlement_no > question.after]
        return ReconcileTold(day=question.day, rows=tuple(left[:1]), more=len(left) > 1)


async def test_rows_are_asked_through_the_hub_page_by_page(town: Town, day: date) -> None:
    legs = [await visitor(town) for _ in range(3)]
    line = ScriptedLine(
        {
            day: [
                RowTold(
                    case_no=leg.case_no, settlement_no=f"I{n}", reversal=False,
                    total_fen=leg.total_fen, fund_fen=leg.fund_fen, account_fen=leg.account_fen,
                )
                for n, leg in enumerate(legs)
            ]
        }
    )  # fmt: skip
    books = await an_operator(town)
    found = await ask_lists(line, CHANGSHA, day, correlation="R1")
    assert not isinstance(found, Said)
    assert len(line.asked) == 5 and len(set(line.asked)) == 5, "a number is one question"
    said = await reconciling.reconcile(books, found, CHEN)
    assert "全部一致" in said.text, said.text
    silent = await ask_lists(
        ScriptedLine({}, silent=True), CHANGSHA, day, correlation="R2"
    )
    assert isinstance(silent, Said) and "nobody answers" in silent.text
