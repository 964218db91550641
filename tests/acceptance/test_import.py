"""An agency imports persons, institutions and items while institutions settle."""

from __future__ import annotations

import csv
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from ledger.postgres.laned import fetch_keys
from ledger.postgres.queries import Queries
from settlement.person import FamilyLink
from settlement.serve import person_import
from settlement.storage import person_import as store
from settlement.storage.queries import REFERENCE
from settlement.storage.switches import switch
from tests.kit.counter import Pharmacy
from tests.kit.importing import Office, rows_of
from tests.kit.population import CLASS_A, CLASS_B, PHARMACY, Citizen, newcomer, some
from tests.kit.reply import Reply, assert_done, assert_money, assert_refused
from tests.kit.town import Town
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def office(town: Town, tmp_path: Path) -> Office:
    """Who imports into the town."""
    return Office(town=town, directory=tmp_path)


async def sold(town: Town, citizen: Citizen) -> Reply | None:
    """A sale that was done; None where it was refused."""
    reply = await town.pharmacy.sell(citizen, some(CLASS_A, 2))
    return None if reply.infcode else reply


async def test_imported_person_settles_within_a_second_and_by_card(
    town: Town, office: Office
) -> None:
    person = newcomer(1)
    refused = await town.pharmacy.sell(person, some(CLASS_A))
    assert_refused(refused, "PERSON_UNKNOWN", field="input.druginfo.psn_no")
    imported = await office.bring("persons", [rows_of(person)])
    assert (imported.written, imported.counts.new) == (True, 1)
    settled = await until(lambda: sold(town, person))
    assert_money(settled, total="25.00", fund="15.00", account="0.00", cash="10.00")
    assert_done(await town.pharmacy.sell(person.with_card(), some(CLASS_A)))


async def test_enrolment_that_ends_tomorrow_settles_today_and_not_tomorrow(
    town: Town, office: Office
) -> None:
    person = newcomer(2)
    tomorrow = town.clock.local.date() + timedelta(1)
    ending = rows_of(person, psn_insu_stas=4, paus_insu_date=tomorrow)
    await office.bring("persons", [rows_of(person)])
    imported = await office.bring("persons", [ending])
    assert imported.counts.changed == 1
    assert_done(await town.pharmacy.sell(person, some(CLASS_A)))
    town.clock.move_to(datetime.combine(tomorrow, datetime.min.time()) + timedelta(minutes=5))
    refused = await town.pharmacy.sell(person, some(CLASS_A))
    assert_refused(refused, "NOT_ENTITLED", field="input.druginfo.insutype", mentions="310")


async def test_change_of_a_membership_waits_for_its_date(town: Town, office: Office) -> None:
    """Suspended from a date on by a version of its own; benefits of the days before stay."""
    person = newcomer(3)
    today = town.clock.local.date()
    change = today + timedelta(2)
    later = rows_of(person, effective_from=change, closed_funds="310102", cvlserv_flag=1)
    await office.bring("persons", [rows_of(person), later])
    for days, fund, civil in ((0, "15.00", False), (1, "15.00", False), (2, "0.00", True)):
        town.clock.move_to(datetime.combine(today + timedelta(days), datetime.min.time()))
        town.clock.pass_by(timedelta(hours=9))
        settled = await town.pharmacy.sell(person, some(CLASS_A, 2))
        assert settled.money("fund_pay_sumamt") == Decimal(fund)
        assert (await town.rows_of(person))[-1]["civil_servant"] is civil
    looked_up = await town.pharmacy.ask(
        "1101", {"data": {"mdtrt_cert_type": "02",
                          "mdtrt_cert_no": person.insured.identity.certificate_no}}
    )  # fmt: skip
    [insured] = looked_up.rows("insuinfo")
    assert insured["cvlserv_flag"] == "1"


async def test_exchanged_card_is_known_and_the_old_one_no_longer(
    town: Town, office: Office
) -> None:
    person, heir = newcomer(4), newcomer(5)
    old_card = person.insured.identity.card_no
    await office.bring("persons", [rows_of(person)])
    changed = rows_of(person, card_no="T98000000001", card_sn="441900D156T98")
    await office.bring("persons", [changed])
    assert_refused(
        await town.pharmacy.sell(person.with_card(), some(CLASS_A)), "CREDENTIAL_MISMATCH",
        field="input.druginfo.mdtrt_cert_no",
    )  # fmt: skip
    imported = await office.bring("persons", [rows_of(heir, card_no=old_card)])
    assert (imported.written, imported.faults) == (True, [])


async def test_nothing_is_written_where_a_row_is_bad_unless_it_is_to_be_skipped(
    town: Town, office: Office
) -> None:
    good, bad = newcomer(6), newcomer(7)
    rows = [rows_of(good), rows_of(bad, gend="男")]
    imported = await office.bring("persons", rows)
    assert (imported.written, [(f.row, f.column) for f in imported.faults]) == (
        False, [(3, "gend")],
    )  # fmt: skip
    assert not await sold(town, good)
    imported = await office.bring("persons", rows, skip_bad=True)
    assert (imported.written, imported.counts.new, imported.counts.skipped) == (True, 1, 1)
    assert await sold(town, good)
    assert not await sold(town, bad)


async def test_large_file_is_worked_by_several_processes_in_pieces(
    town: Town, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(person_import, "SMALL_FILE_BYTES", 0)
    monkeypatch.setattr(person_import, "CHUNK_ROWS", 3)
    people = [newcomer(100 + n) for n in range(20)]
    second = {"insutype": "510", "psn_type": "11"}
    rows = [row for one in people for row in (rows_of(one), rows_of(one, **second))]
    imported = await office.bring("persons", [*rows, rows_of(newcomer(7), gend="x")])
    assert (imported.written, [f.row for f in imported.faults]) == (False, [42])
    imported = await office.bring("persons", rows)
    assert (imported.counts.new, imported.faults) == (20, [])
    changed = [{**row, "emp_name": "测试单位乙"} for row in rows]
    imported = await office.bring("persons", [*changed, rows_of(newcomer(120))])
    assert (imported.counts.new, imported.counts.changed) == (1, 20)
    for person in (people[0], people[-1], newcomer(120)):
        assert await sold(town, person)


@pytest.mark.parametrize("cut_before", ["drop_keys", "change_persons"])
async def test_change_of_a_person_that_was_cut_short_is_completed_by_the_same_file(
    town: Town, office: Office, monkeypatch: pytest.MonkeyPatch, cut_before: str
) -> None:
    first = 20 if cut_before == "drop_keys" else 24
    person, heir, unused = newcomer(first), newcomer(first + 1), newcomer(first + 2)
    old = person.insured.identity.certificate_no
    await office.bring("persons", [rows_of(person)])
    changed = [rows_of(person, certno=unused.insured.identity.certificate_no)]
    with monkeypatch.context() as cutting:
        cut_off(cutting, cut_before)
        with pytest.raises(BaseExceptionGroup) as ended:
            await office.bring("persons", changed)
    assert ended.group_contains(CutOffError)
    imported = await office.bring("persons", changed)
    assert (imported.counts.changed, imported.faults) == (1, [])
    imported = await office.bring("persons", [rows_of(heir, certno=old)])
    assert (imported.written, imported.faults) == (True, [])


class CutOffError(Exception):
    """The import ends here."""


def cut_off(cutting: pytest.MonkeyPatch, statement: str) -> None:
    """End the next import before it sends a statement about known persons."""

    async def cut(
        connection: asyncpg.Connection[asyncpg.Record], queries: Queries, name: str, *columns: Any
    ) -> Any:
        if name == statement:
            raise CutOffError
        return await fetch_keys(connection, queries, name, *columns)

    def multirange(_days: object) -> str | None:
        raise CutOffError

    cutting.setattr(store, "fetch_keys", cut)
    if statement == "change_persons":
        cutting.setattr(store, "_multirange", multirange)


async def test_certificate_of_somebody_else_is_refused_with_both_places(
    town: Town, office: Office
) -> None:
    known, first, second = town.someone(), newcomer(8), newcomer(9)
    theirs = known.insured.identity.certificate_no
    imported = await office.bring("persons", [rows_of(first, certno=theirs)], skip_bad=True)
    assert not imported.written
    assert [(f.row, f.column) for f in imported.faults] == [(2, "certno")]
    assert known.number not in str(imported.faults[0])
    rows = [rows_of(first), rows_of(second), rows_of(first), rows_of(newcomer(10), certno=theirs)]
    imported = await office.bring("persons", rows)
    assert not imported.written
    assert {(f.row, f.column) for f in imported.faults} >= {(4, "psn_no"), (5, "certno")}


async def test_preview_says_what_would_change_and_writes_nothing(
    town: Town, office: Office
) -> None:
    citizen = town.someone()
    rows = [rows_of(citizen, psn_type=12), rows_of(newcomer(11))]
    seen = await office.bring("persons", rows, preview=True)
    assert (seen.counts.new, seen.counts.changed) == (1, 1)
    assert seen.counts.samples[0].fields == ("310 2015-01-01 category: 11 → 12",)
    assert not await sold(town, newcomer(11))
    again = await office.bring("persons", rows, preview=True)
    assert again.counts == seen.counts


async def test_same_file_again_changes_nothing_and_every_import_is_audited(
    town: Town, office: Office
) -> None:
    citizen = town.someone()
    row = rows_of(citizen, tags="low_income", family=f"{town.someone().number}:01:1:2026-01-01")
    version = "select p.version, p.family from settlement.person p where p.psn_no = $1"
    first = await office.bring("persons", [row])
    after_first = await town.owner.fetchrow(version, citizen.number)
    second = await office.bring("persons", [row])
    after_second = await town.owner.fetchrow(version, citizen.number)
    assert (first.counts.changed, second.counts.changed, second.counts.unchanged) == (1, 0, 1)
    assert after_first == after_second and after_first["version"] == 1
    [link] = msgspec.json.decode(after_first["family"], type=tuple[FamilyLink, ...])
    assert (link.relation, link.order) == ("01", 1)
    rows = await town.owner.fetch(
        "select a.actor, a.action, a.subject, a.note from settlement.audit a"
        " where a.action like 'import-persons%' order by a.audit_id desc limit 4"
    )
    assert [row["action"] for row in reversed(rows)] == [
        "import-persons", "import-persons-done",
    ] * 2  # fmt: skip
    assert {row["actor"] for row in rows} == {"测试操作员"}
    assert len({row["subject"] for row in rows}) == 1
    assert rows[0]["subject"].startswith("persons.csv sha256:")
    assert rows[0]["note"].startswith("测试〔2026〕3号 (new 0, changed 0, unchanged 1")


async def test_openings_count_in_the_year_and_stand_in_the_ledger_once(
    town: Town, office: Office
) -> None:
    first, second = town.someone(), newcomer(12)
    await office.bring("persons", [rows_of(second)])
    before = await town.balance_fen(first)
    assert_done(await town.pharmacy.sell(first, some(CLASS_A, 2)))
    spent = (await town.accumulators(first))["2026"]
    name = next(iter(spent))
    rows = [
        {"psn_no": first.number, "year": 2026, "accumulators": f"{name}:12.34",
         "balance": "100.50", "source": "旧系统期初"},
        {"psn_no": second.number, "year": 2026, "accumulators": "", "balance": "20",
         "source": "旧系统期初"},
    ]  # fmt: skip
    seen = await office.bring("openings", rows, preview=True)
    assert "个人账户余额 balances  120.50" in seen.further
    assert f"{name}  12.34" in seen.further
    done = await office.carry("openings", rows)
    assert (done.counts.new, done.further) == (2, seen.further)
    assert await town.balance_fen(first) == before - 1000 + 10_050
    assert await town.balance_fen(second) == 2000
    assert (await town.accumulators(first))["2026"] == {**spent, name: spent[name] + 1234}
    settled = await town.pharmacy.sell(second, some(CLASS_A, 2))
    assert_money(settled, total="25.00", fund="15.00", account="10.00", cash="0.00")
    again = await office.bring("openings", rows)
    assert "nothing more was written" in again.further
    assert (again.counts.new, again.counts.unchanged) == (0, 2)
    other = await office.bring("openings", [{**rows[0], "balance": "1"}], skip_bad=True)
    assert [(f.row, f.column) for f in other.faults] == [(2, "year")]
    stranger = await office.bring("openings", [{**rows[0], "psn_no": newcomer(99).number}])
    assert [(f.row, f.column) for f in stranger.faults] == [(2, "psn_no")]
    assert (await town.verified()).ok


async def test_item_whose_ratio_changes_on_a_date(town: Town, office: Office) -> None:
    change = town.clock.local.date() + timedelta(1)
    row = {
        "med_list_codg": CLASS_B.item.code, "hilist_name": CLASS_B.item.name, "list_type": "101",
        "chrgitm_lv": "02", "med_chrgitm_type": "09", "selfpay_prop": "0.3",
        "scheme_props": "390:0.5", "begndate": change,
    }  # fmt: skip
    imported = await office.bring("items", [row])
    assert (imported.counts.new, imported.counts.unchanged) == (1, 0)
    version = await town.owner.fetchval(
        "select r.version from settlement.reference_version r where r.topic = 'catalogue'"
    )

    async def loaded() -> bool:
        await town.owner.fetchval("select 1")
        return town.service.reference.catalogue.version == version

    await until(loaded)
    for days, pre_self_pay in ((0, "1.00"), (1, "3.00")):
        at = datetime.combine(change - timedelta(1), datetime.min.time())
        town.clock.move_to(at + timedelta(days=days, hours=9))
        settled = await town.pharmacy.sell(town.someone(), some(CLASS_B))
        assert settled.money("preselfpay_amt") == Decimal(pre_self_pay)
    again = await office.bring("items", [row])
    assert (again.counts.new, again.counts.changed, again.counts.unchanged) == (0, 0, 1)


async def test_stop_switch_does_not_wait_for_a_catalogue_that_takes_long(town: Town) -> None:
    citizen = town.someone()

    async def stopped() -> bool:
        reply = await town.pharmacy.send(town.pharmacy.quote(citizen, some(CLASS_A)))
        return reply.err_code == "PERSON_SUSPENDED"

    async def loading() -> bool:
        await town.owner.fetchval("select 1")
        return town.service.reference.loads_catalogue

    async def loaded() -> bool:
        return not await loading()

    other = await asyncpg.connect(town.owner_dsn)
    async with town.owner.transaction():
        await town.owner.execute("lock table settlement.catalogue_item in access exclusive mode")
        await other.execute(REFERENCE["bump"], "catalogue")
        await until(loading)
        await switch(
            other, kind="person", subject=citizen.number, reason="测试停用", actor="测试操作员",
            suspended=True, at=town.clock(),
        )  # fmt: skip
        await other.close()
        await until(stopped)
        assert await loading()
    await until(loaded)
    assert town.service.readiness().degraded == ()


async def test_new_institution_with_an_issued_credential_settles_within_a_second(
    town: Town, office: Office, tmp_path: Path
) -> None:
    code = "P44190099777"
    row = {
        "fixmedins_code": code, "fixmedins_name": "测试药店新", "fixmedins_type": 2, "hosp_lv": 11,
        "dedc_hosp_lv": 1, "lmtpric_hosp_lv": 1, "agreement_from": "2026-01-01",
        "agreement_to": "2099-12-31", "care_types": "41",
    }  # fmt: skip
    issued = tmp_path / "issued.csv"
    imported = await office.bring("institutions", [row], issue_to=issued)
    assert imported.counts.new == 1
    assert issued.stat().st_mode & 0o777 == 0o600
    [given] = csv.DictReader(issued.read_text().splitlines())

    async def known() -> bool:
        await town.owner.fetchval("select 1")
        fact = town.service.credential(given["access_key"])
        return fact is not None and (fact.institution_code, fact.secret) == (code, given["secret"])

    await until(known)
    institution = msgspec.structs.replace(PHARMACY, code=code, name="测试药店新")
    counter = Pharmacy(institution, town.clock, town.service)
    assert_done(await counter.sell(town.someone(), some(CLASS_A, 2)))
    again = await office.bring("institutions", [row], issue_to=tmp_path / "none.csv")
    assert (again.counts.unchanged, (tmp_path / "none.csv").exists()) == (1, False)
    suspended = await office.bring("institutions", [{**row, "suspended": 1}])
    assert suspended.counts.samples[0].fields == ("suspended: False → True",)

    buyer = town.someone()

    async def refused() -> Reply | None:
        reply = await counter.sell(buyer, some(CLASS_A))
        return reply if reply.infcode else None

    reply = await until(refused)
    assert_refused(reply, "INSTITUTION_AGREEMENT_SUSPENDED", field="fixmedins_code")


async def test_whole_file_ends_whom_it_leaves_out_on_the_day_and_only_once(
    town: Town, office: Office
) -> None:
    """The last test of the module: the town is empty afterwards."""
    staying, leaving = town.someone(), town.someone()
    ends_on = town.clock.local.date() + timedelta(1)
    rows = [rows_of(staying)]
    seen = await office.bring("persons", rows, whole=True, preview=True, ends_on=ends_on)
    done = await office.bring("persons", rows, whole=True, ends_on=ends_on)
    assert done.counts == seen.counts and done.counts.missing > 100
    assert await sold(town, leaving)
    town.clock.pass_by(timedelta(1))
    assert await sold(town, staying)
    reply = await town.pharmacy.sell(leaving, some(CLASS_A))
    assert_refused(reply, "NOT_ENTITLED", field="input.druginfo.insutype", mentions="310")
    again = await office.bring("persons", rows, whole=True, ends_on=date(2030, 1, 1))
    assert (again.counts.missing, again.counts.changed) == (0, 0)
