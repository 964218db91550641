"""What is brought along once: proposed by one person, confirmed by another, and then it counts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio

from ledger.postgres.fold import trial_balance
from settlement.chart import CARRIED_FORWARD, InstitutionAccount
from settlement.intake.faults import FileError
from settlement.intake.source import digest_of
from tests.kit.counter import patient_of
from tests.kit.importing import Cells, Office
from tests.kit.population import CLASS_A, HOSPITAL, Citizen, newcomer, some
from tests.kit.reply import assert_done, assert_refused
from tests.kit.town import Town
from tests.kit.ward import StayInProgress, admission, admit

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIRST, SECOND = "测试经办甲", "测试经办乙"


@pytest_asyncio.fixture(loop_scope="module")
async def office(town: Town, tmp_path: Path) -> Office:
    """Who imports into the town."""
    return Office(town=town, directory=tmp_path)


def stay(town: Town, citizen: Citizen, number: str, **changes: object) -> Cells:
    """A stay at the town's hospital that began in the system before."""
    return {
        "fixmedins_code": town.hospital.code, "psn_no": citizen.number,
        "earlier_mdtrt_id": number, "ipt_no": f"Z-{number}", "insutype": "310",
        "med_type": "21", "begntime": town.clock.local - timedelta(20), "source": "旧系统在院",
        **changes,
    }  # fmt: skip


async def number_of(town: Town, earlier_no: str) -> str:
    """What a stay is called here."""
    found = await town.owner.fetchval(
        "select o.mdtrt_id from settlement.opening_stay o where o.earlier_no = $1", earlier_no
    )
    return str(found)


async def going_on(town: Town, citizen: Citizen, earlier_no: str) -> StayInProgress:
    """The stay as the hospital knows it after the cut-over."""
    return StayInProgress(
        hospital=town.hospital, patient=patient_of(citizen),
        mdtrt_id=await number_of(town, earlier_no), stay_no=f"Z-{earlier_no}",
    )  # fmt: skip


async def test_nothing_is_booked_until_somebody_else_confirms(town: Town, office: Office) -> None:
    citizen = town.someone()
    before = await town.balance_fen(citizen)
    rows = [{"psn_no": citizen.number, "year": 2026, "balance": "8.80", "source": "旧系统"}]
    proposed = await office.bring("openings", rows, actor=FIRST)
    assert (proposed.written, proposed.booked, proposed.counts.new) == (True, False, 1)
    assert FIRST in proposed.further and "8.80" in proposed.further
    assert await town.balance_fen(citizen) == before
    digest = digest_of(office.directory / "openings.csv")
    with pytest.raises(FileError, match="somebody other"):
        await office.bring("openings", rows, actor=FIRST, confirms=digest)
    with pytest.raises(FileError, match="another file"):
        await office.bring("openings", rows, actor=SECOND, confirms="0" * 64)
    assert await town.balance_fen(citizen) == before
    booked = await office.bring("openings", rows, actor=SECOND, confirms=digest)
    assert booked.booked and await town.balance_fen(citizen) == before + 880
    again = await office.bring("openings", rows, actor=SECOND, confirms=digest)
    assert (again.counts.new, again.counts.unchanged) == (0, 1)
    assert await town.balance_fen(citizen) == before + 880
    signed = await town.owner.fetchrow(
        "select c.proposed_by, c.confirmed_by from settlement.cutover_file c where c.digest = $1",
        digest,
    )
    assert tuple(signed) == (FIRST, SECOND)


async def test_totals_that_nobody_proposed_cannot_be_confirmed(
    town: Town, office: Office
) -> None:
    rows = [{"fixmedins_code": town.pharmacy.code, "funds": "1.00", "source": "旧系统"}]
    await office.bring("payables", rows, preview=True)
    digest = digest_of(office.directory / "payables.csv")
    with pytest.raises(FileError, match="not proposed"):
        await office.bring("payables", rows, actor=SECOND, confirms=digest)


async def test_unpaid_balances_stand_in_both_books_once(town: Town, office: Office) -> None:
    rows = [
        {"fixmedins_code": town.hospital.code, "funds": "1200.50", "accounts": "300",
         "source": "旧系统应付"},
        {"fixmedins_code": town.other_hospital.code, "funds": "0", "source": "旧系统应付"},
    ]  # fmt: skip
    base = HOSPITAL.account_base
    done = await office.carry("payables", rows)
    assert (done.booked, done.counts.new) == (True, 2)
    assert "1200.50" in done.further and "300.00" in done.further
    agency, hospital = await booked(town, "agency"), await booked(town, town.hospital.code)
    assert agency[CARRIED_FORWARD] == 150_050
    assert agency[base + InstitutionAccount.PAYABLE_FUNDS] == -120_050
    assert agency[base + InstitutionAccount.PAYABLE_ACCOUNTS] == -30_000
    assert hospital[base + InstitutionAccount.RECEIVABLE_FUNDS] == 120_050
    assert hospital[base + InstitutionAccount.CARRIED_FORWARD] == -150_050
    again = await office.bring("payables", rows)
    assert (again.counts.new, again.counts.unchanged) == (0, 2)
    other = await office.bring("payables", [{**rows[0], "funds": "1"}], skip_bad=True)
    assert [(f.row, f.column) for f in other.faults] == [(2, "funds")]
    nowhere = await office.bring("payables", [{**rows[0], "fixmedins_code": "H99999999999"}])
    assert [(f.row, f.column) for f in nowhere.faults] == [(2, "fixmedins_code")]
    assert (await town.verified()).ok


async def test_stay_goes_on_here_and_is_settled(town: Town, office: Office) -> None:
    citizen = town.someone()
    rows = [stay(town, citizen, "OLD-1")]
    issued = office.directory / "numbers.csv"
    await office.bring("stays", rows, actor=FIRST)
    refused = await town.hospital.send(admission(town.hospital, citizen))
    assert_done(refused)  # not in hospital yet: nothing was confirmed
    other = town.someone()
    rows = [stay(town, other, "OLD-2")]
    done = await office.carry("stays", rows)
    assert (done.booked, done.counts.new) == (True, 1)
    digest = digest_of(office.directory / "stays.csv")
    await office.bring("stays", rows, actor=SECOND, confirms=digest, issue_to=issued)
    goes_on = await going_on(town, other, "OLD-2")
    assert issued.read_text().splitlines()[1].split(",") == [
        town.hospital.code, "OLD-2", other.number, goes_on.mdtrt_id,
    ]  # fmt: skip
    assert issued.stat().st_mode & 0o777 == 0o600
    second = await town.hospital.send(admission(town.hospital, other))
    assert_refused(second, "STAY_OVERLAPS", mentions=goes_on.mdtrt_id)
    assert_done(await goes_on.charge(some(CLASS_A, 100)))
    assert_done(await town.hospital.send(goes_on.change()))
    assert_done(await town.hospital.send(goes_on.discharge()))
    settled = await goes_on.settle(Decimal("1250.00"))
    assert_done(settled)
    assert_done(await town.hospital.send(goes_on.cancel(settled)))
    assert (await town.verified()).ok


async def test_deductible_that_was_borne_is_not_borne_again(town: Town, office: Office) -> None:
    fresh, carried = town.someone(), town.someone()
    await office.carry(
        "stays", [stay(town, fresh, "OLD-3"), stay(town, carried, "OLD-4", borne_deductible="100")]
    )
    borne = []
    for citizen, number in ((fresh, "OLD-3"), (carried, "OLD-4")):
        goes_on = await going_on(town, citizen, number)
        assert_done(await goes_on.charge(some(CLASS_A, 400)))
        assert_done(await town.hospital.send(goes_on.discharge()))
        settled = await goes_on.settle(Decimal("5000.00"))
        borne.append(settled.money("act_pay_dedc"))
    assert borne[0] - borne[1] == Decimal("100.00")


async def test_stays_that_do_not_fit_are_told_by_row(town: Town, office: Office) -> None:
    inside, outside = town.someone(), town.someone()
    await admit(town.hospital, inside)
    rows = [
        stay(town, inside, "N1"),
        stay(town, newcomer(98), "N2"),
        stay(town, outside, "N3", insutype="390"),
        stay(town, outside, "N4"),
        stay(town, town.someone(), "N5", med_type="41"),
        stay(town, town.someone(), "N6", fixmedins_code="H99999999999"),
        stay(town, town.someone(), "N7", begntime="gestern"),
    ]
    imported = await office.bring("stays", rows)
    assert not imported.written
    assert {(f.row, f.column) for f in imported.faults} == {
        (2, "psn_no"), (3, "psn_no"), (4, "insutype"), (5, "psn_no"), (6, "med_type"),
        (7, "fixmedins_code"), (8, "begntime"),
    }  # fmt: skip


async def test_stay_that_was_brought_along_otherwise_is_refused(
    town: Town, office: Office
) -> None:
    citizen = town.someone()
    await office.carry("stays", [stay(town, citizen, "OLD-5")])
    changed = await office.bring("stays", [stay(town, citizen, "OLD-5", ipt_no="other")])
    assert [(f.row, f.column) for f in changed.faults] == [(2, "earlier_mdtrt_id")]


async def booked(town: Town, owner: str) -> dict[int, int]:
    """Debits less credits of every account of an owner."""
    rows = (await trial_balance(town.owner, owner)).rows
    return {
        row.account: row.balance.debits_fen - row.balance.credits_fen for row in rows
    }


async def test_verify_misses_the_entry_of_what_was_brought_along(
    town: Town, office: Office
) -> None:
    rows = [{"fixmedins_code": town.pharmacy.code, "funds": "5.00", "source": "旧系统应付"}]
    await office.carry("payables", rows)
    entry = await town.owner.fetchval(
        "update settlement.opening_payable p set entry_id = p.entry_id + 1"
        " where p.institution = $1 returning p.entry_id", town.pharmacy.code,
    )  # fmt: skip
    report = await town.verified()
    assert report.first_bad is not None and report.first_bad.what.startswith("opening without")
    await town.owner.execute(
        "update settlement.opening_payable p set entry_id = p.entry_id - 1 where p.entry_id = $1",
        entry,
    )
    assert (await town.verified()).ok
