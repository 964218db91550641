"""Days and months are closed, sealed and proven, and balances are known as they once were."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
import pytest_asyncio

from ledger.postgres.shape import Shape
from settlement.books.month_report import report_bytes
from settlement.books.monthly_statement import Level, StatementAsked, Tally
from settlement.books.seal_keys import PublicKey
from settlement.finance import balances, month_check, months, proofs
from settlement.finance.days import close_days
from settlement.finance.desk import act_on_month
from settlement.finance.office import Office
from settlement.said import Said
from settlement.storage import past
from settlement.storage.statement_sheets import read_details, read_groups
from settlement.who import Who
from settlement.workers.closing import DayCloser
from tests.kit.closing import CHEN, LIN, SIGNING, an_office
from tests.kit.counter import Message
from tests.kit.population import CLASS_A, CLASS_B, Citizen, some
from tests.kit.reply import Reply, assert_done
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOVEMBER = date(2026, 11, 1)
LAST = date(2026, 11, 30)


class Month:
    """What was settled in the town in November, in the order in which it happened."""

    def __init__(self, town: Town, office: Office) -> None:
        self.town = town
        self.office = office
        self.citizen: Citizen = town.someone()
        self.other: Citizen = town.someone()
        self.others: Message
        """the sale of the other one"""
        self.sold: list[tuple[datetime, int, Reply]] = []
        """when, what the citizen's account had afterwards, and the answer"""

    async def sell(self, at: datetime) -> Message:
        """The citizen buys something."""
        self.town.clock.move_to(at)
        message = self.town.pharmacy.sale(self.citizen, some(CLASS_A), some(CLASS_B))
        reply = await self.town.pharmacy.send(message)
        assert_done(reply)
        left = await self.town.balance_fen(self.citizen)
        self.sold.append((self.town.clock.local, left, reply))
        return message

    async def close_through(self, day: date) -> None:
        """The server closes every day up to one."""
        await close_days(
            self.office.connection, self.office.home, through=day, at=self.town.clock(),
            key=SIGNING,
        )  # fmt: skip

    async def act(self, act: str, *, by: Who = CHEN, confirm: bool = False) -> Said:
        """An act on November."""
        return await act_on_month(self.office, NOVEMBER, act, by, confirm=confirm)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def month(database: FreshDatabase) -> AsyncIterator[Month]:
    """A town whose November had a few sales; the tests go through its closing in order."""
    async with a_town(database, shape=Shape.ONE_MACHINE) as town:
        month = Month(town, await an_office(town))
        for day in (24, 25, 30):
            await month.sell(datetime(2026, 11, day, 10, 0))
        month.others = town.pharmacy.sale(month.other, some(CLASS_A))
        assert_done(await town.pharmacy.send(month.others))
        visit = await town.hospital.open_visit(town.someone(), some(CLASS_A))
        assert_done(await visit.settle(some(CLASS_A)))
        yield month


async def test_days_are_closed_by_themselves_an_hour_after_their_end(month: Month) -> None:
    town = month.town
    closer = DayCloser(SIGNING, clock=town.clock)
    town.clock.move_to(datetime(2026, 12, 1, 0, 59))
    assert await closer.step(town.owner) == 7
    assert await _closed(town) == date(2026, 11, 29)
    town.clock.move_to(datetime(2026, 12, 1, 1, 0))
    assert await closer.step(town.owner) == 1
    assert await _closed(town) == LAST
    assert await closer.step(town.owner) == 0


async def test_day_closed_late_still_ends_when_its_last_entry_was_booked(month: Month) -> None:
    """A boundary comes when somebody closes the day, days later where the server stood still: else
    no past sum would find a fold before it, and all entries would be read."""
    through = await month.town.owner.fetchval(
        "select max(d.booked_through) from settlement.day_end d where d.business_day = $1",
        date(2026, 11, 25),
    )
    assert through < datetime(2026, 11, 26, tzinfo=UTC)


async def test_what_was_left_half_closed_is_finished(month: Month) -> None:
    town = month.town
    for statement in (
        "delete from settlement.day_end where business_day = $1",
        "delete from settlement.day_total where business_day = $1",
        "delete from settlement.day_leaves where business_day = $1",
        "delete from settlement.seal where begins_on = $1",
        "delete from settlement.seal_list where begins_on = $1",
    ):
        await town.owner.execute(statement, LAST)
    assert await months.open_days(month.office, NOVEMBER) == [LAST]
    assert await DayCloser(SIGNING, clock=town.clock).step(town.owner) == 1
    ends = await town.owner.fetchval(
        "select count(*) from settlement.day_end where business_day = $1", LAST
    )
    assert ends == 2


async def test_late_claim_counts_in_the_next_month_with_its_service_date(month: Month) -> None:
    """DOMAIN 11: closed periods never change."""
    town = month.town
    town.clock.move_to(datetime(2026, 12, 1, 9, 0))
    late = await town.pharmacy.sell(
        month.citizen, some(CLASS_A), at=datetime(2026, 11, 28, 16, 0)
    )
    assert_done(late)
    row = (await town.rows_of(month.citizen))[-1]
    assert row["business_day"] == date(2026, 12, 1)
    assert row["service_at"] == datetime(2026, 11, 28, 16, 0)


async def test_statement_of_closed_days_is_that_of_their_rows(month: Month) -> None:
    """Also where what was settled on a closed day is reversed later: neither counts then."""
    town = month.town
    for reversed_rows in (0, 1):
        for institution, rows in ((town.pharmacy, 4 - reversed_rows), (town.hospital, 1)):
            asked = StatementAsked(
                scope=None, institution=institution.institution.code, month=NOVEMBER
            )
            tally = Tally()
            async for some_rows in read_details(town.owner, asked):
                for row in some_rows:
                    tally.add(row)  # type: ignore[arg-type]
            groups = await read_groups(town.owner, asked)
            assert sorted(groups, key=str) == sorted(tally.groups(), key=str)
            (everything,) = [one for one in groups if one.level is Level.ALL]
            assert everything.row_count == rows
        if not reversed_rows:
            reversal = town.pharmacy.reversal(month.others, month.other)
            assert_done(await town.pharmacy.send(reversal))


async def test_balance_of_a_person_is_known_at_any_past_moment(month: Month) -> None:
    before: int | None = None
    for at, left, _ in month.sold:
        if before is not None:
            assert await _balance(month, month.citizen.number, at - timedelta(seconds=1)) == before
        assert await _balance(month, month.citizen.number, at) == left
        before = left
    now = await month.town.balance_fen(month.citizen)
    assert await _balance(month, month.citizen.number, month.town.clock.local) == now


async def test_sums_at_any_moment_are_those_of_the_entries(month: Month) -> None:
    """Against a plain sum over all entries, at instants and days that are closed, open, and before
    anything was booked."""
    town = month.town
    for at in (
        datetime(2026, 11, 20), datetime(2026, 11, 24, 10, 0), datetime(2026, 11, 25, 23, 59, 59),
        datetime(2026, 12, 1, 0, 30), datetime(2026, 12, 1, 12, 0),
    ):  # fmt: skip
        instant = at.replace(tzinfo=town.clock().tzinfo) - timedelta(hours=8)
        plain = await town.owner.fetch(_PLAIN + " and b.booked_at <= $1 group by 1", instant)
        assert await _sums(month, at=instant) == {row["account"]: row["net"] for row in plain}
    for day in (date(2026, 11, 22), date(2026, 11, 25), LAST, date(2026, 12, 1)):
        plain = await town.owner.fetch(_PLAIN + " and b.business_day <= $1 group by 1", day)
        assert await _sums(month, day=day) == {row["account"]: row["net"] for row in plain}


async def test_statement_of_a_person_leads_from_one_balance_to_the_other(month: Month) -> None:
    said = await balances.statement(
        month.office, month.citizen.number, date(2026, 11, 25), LAST, None
    )
    rows = list(csv.reader(io.StringIO(said.text)))[1:]
    assert [row[3] for row in rows] == ["期初余额", "结算", "结算", "期末余额"]
    opening, *lines, closing = rows
    spent = sum(_fen(row[5]) for row in lines)
    assert _fen(opening[9]) == month.sold[0][1]
    assert _fen(opening[9]) - spent == _fen(closing[9]) == month.sold[2][1]
    assert [row[2] for row in lines] == [reply.setl_id for _, _, reply in month.sold[1:]]


async def test_statement_of_a_fund_goes_to_a_file(month: Month, tmp_path: Path) -> None:
    """A line a day, which is what its entries come to."""
    out = tmp_path / "fund.csv"
    told = {}
    for entries in (False, True):
        said = await balances.statement(
            month.office, "1310102", NOVEMBER, LAST, out, entries=entries
        )
        assert said.status == 0, said.text
        told[entries] = list(csv.reader(io.StringIO(out.read_text("utf-8-sig"))))[1:]
    days, entries_ = told[False], told[True]
    assert [row[1] for row in days[1:-1]] == ["2026-11-24", "2026-11-25", "2026-11-30"]
    assert len(entries_) > len(days)
    assert (days[0], days[-1]) == (entries_[0], entries_[-1])
    for row in days[1:-1]:
        of_day = [one for one in entries_[1:-1] if one[1] == row[1]]
        assert _fen(row[5]) == sum(_fen(one[5]) for one in of_day)
        assert row[9] == of_day[-1][9]


async def test_account_that_nobody_has_is_said_to_be_none(month: Month) -> None:
    for asked in ("1999999", "9" * 18, "nobody"):
        said = await balances.balance(month.office, asked, datetime(2026, 12, 1), as_json=False)
        assert said.status == 1


async def test_check_says_what_stands_in_the_way(month: Month) -> None:
    said = await month_check.show(month.office, NOVEMBER)
    assert said.status == 1
    assert "✗ 核验 verified：未核验 → 财务：settlement close month 2026-11 verify" in said.text
    assert "✗ 机构对账单已列全" in said.text
    assert "✓ 试算平衡" in said.text
    assert "仅列支出" in said.text


async def test_month_is_closed_by_two_people_and_sealed(month: Month, tmp_path: Path) -> None:
    assert (await month.act("close")).status == 1  # nobody has begun
    assert (await month.act("begin")).status == 0
    assert (await month.act("begin")).status == 1
    assert "✗" in (await month.act("close")).text
    assert (await month.act("verify")).status == 0
    await month.town.list_statements()
    assert (await month_check.show(month.office, NOVEMBER)).status == 0
    assert (await month.act("close", confirm=True)).status == 1  # nobody has proposed
    assert (await month.act("seal")).status == 1
    assert (await month.act("close")).status == 0
    again = Who(actor=f" {CHEN.actor}　", reason="测试")
    for by in (CHEN, again):
        assert "不能确认自己" in (await month.act("close", by=by, confirm=True)).text
    closed = await month.act("close", by=LIN, confirm=True)
    assert closed.status == 0, closed.text
    sealed = await month.act("seal")
    assert sealed.status == 0, sealed.text
    assert (await month.act("seal")).status == 1
    audited = await month.town.owner.fetch(
        "select a.actor, a.action from settlement.audit a where a.subject = 'month 2026-11'"
        " order by a.audit_id"
    )
    assert [tuple(row) for row in audited] == [
        ("陈会计", "month-begin"), ("陈会计", "month-verify"), ("陈会计", "month-propose"),
        ("林科长", "month-close"), ("陈会计", "month-seal"),
    ]  # fmt: skip


async def test_report_made_again_is_the_same_to_the_byte(month: Month, tmp_path: Path) -> None:
    await month.sell(datetime(2026, 12, 2, 10, 0))
    out = tmp_path / "report.json"
    said = await months.write_report(month.office, NOVEMBER, out)
    assert said.status == 0, said.text
    assert "the same as when it was closed" in said.text
    found = await months.find(month.office, NOVEMBER)
    assert found.now.closed is not None
    assert sha256(out.read_bytes()).hexdigest() == found.now.closed.reference
    report = await months.report_of(month.office, NOVEMBER)
    assert report_bytes(report) == out.read_bytes()
    assert report.balanced
    assert sum(line.rows for line in report.settled) == 5
    assert sum(line.spent for line in report.funds) == sum(line.fund for line in report.settled)
    assert {line.income for line in report.funds} == {None}


async def test_institution_checks_its_proof_offline(month: Month, tmp_path: Path) -> None:
    code = month.town.pharmacy.institution.code
    out = tmp_path / "proof.json"
    said = await proofs.prove(month.office, code, NOVEMBER, None, out)
    assert said.status == 0, said.text
    assert month.citizen.number not in out.read_text()
    checked = proofs.verify_proof(out, SIGNING.public)
    assert checked.status == 0, checked.text
    for _, _, reply in month.sold[:3]:
        assert f"{reply.setl_id} 在内，未改动 included" in checked.text


async def test_proof_of_one_settlement_shows_no_other(month: Month, tmp_path: Path) -> None:
    code, out = month.town.pharmacy.institution.code, tmp_path / "one.json"
    mine, others = month.sold[0][2].setl_id, [one[2].setl_id for one in month.sold[1:3]]
    said = await proofs.prove(month.office, code, NOVEMBER, int(mine), out)
    assert said.status == 0, said.text
    assert not any(other in out.read_text() for other in others)
    assert proofs.verify_proof(out, SIGNING.public).status == 0
    late = await proofs.prove(month.office, code, NOVEMBER, int(month.sold[3][2].setl_id), out)
    assert late.status == 1


async def test_altered_proof_is_found_out(month: Month, tmp_path: Path) -> None:
    code, out = month.town.pharmacy.institution.code, tmp_path / "altered.json"
    await proofs.prove(month.office, code, NOVEMBER, None, out)
    told = json.loads(out.read_text())
    told["entries"][0]["transfers"][0][2] += 100
    out.write_text(json.dumps(told))
    said = proofs.verify_proof(out, None)
    assert said.status == 1
    assert f"✗ {told['entries'][0]['setl_id']} 已被改动 altered" in said.text
    told["entries"].pop(0)
    out.write_text(json.dumps(told))
    assert "不在封存之内 absent" in proofs.verify_proof(out, None).text
    other = PublicKey(algorithm=SIGNING.algorithm, public="22" * 32)
    assert "✗ 签名" in proofs.verify_proof(out, other).text


async def test_published_seals_have_no_figures_and_fit_the_proofs(
    month: Month, tmp_path: Path
) -> None:
    said = await proofs.publish(month.office, NOVEMBER, tmp_path)
    assert said.status == 0, said.text
    told = json.loads((tmp_path / "seals-2026-11.json").read_text())
    assert {tuple(one) for one in told["seals"]} == {("institution", "seal", "signature")}
    await proofs.prove(
        month.office, month.town.pharmacy.institution.code, NOVEMBER, None, tmp_path / "p.json"
    )
    proof = json.loads((tmp_path / "p.json").read_text())
    published = {one["institution"]: one["seal"] for one in told["seals"]}
    assert published[proof["institution"]] == proof["seal"]
    assert len(published) == 2


_PLAIN = (
    "select case when m.account < 1000000000000 then m.account else 0 end as account,"
    " sum(m.debits - m.credits)::bigint as net"
    " from ledger.movement m join ledger.block b on b.journal = m.journal"
    " and b.block_no = m.block_no where true"
)


async def _sums(month: Month, **cut: object) -> dict[int, int]:
    found = await past.sums_at(month.office.connection, **cut)  # type: ignore[arg-type]
    return {account: one.debits_fen - one.credits_fen for account, one in found.items()}


async def _balance(month: Month, asked: str, at: datetime) -> int:
    said = await balances.balance(month.office, asked, at, as_json=True)
    assert said.status == 0, said.text
    return int(json.loads(said.text)["balance_fen"])


async def _closed(town: Town) -> date:
    closed: date = await town.owner.fetchval("select max(business_day) from ledger.closed_day")
    return closed


def _fen(yuan: str) -> int:
    return round(int(yuan.replace(".", "").replace("-", "")) * (-1 if "-" in yuan else 1))
