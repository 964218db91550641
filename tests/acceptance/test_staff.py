"""Staff comes by import, and a region that looks at doctors warns or refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from settlement.policy import loader
from settlement.policy.loader import PolicySet, parse_policies
from tests.kit.importing import Cells, Office
from tests.kit.population import CLASS_A, some
from tests.kit.reply import assert_done, assert_refused
from tests.kit.town import Town
from tests.kit.waiting import until
from tests.kit.ward import admission, admit

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCTOR = "D0001"
"""Whom the counters name."""


def policies(doctor_check: str) -> PolicySet:
    """The shipped policies in a region that looks at doctors."""
    shelf = Path(loader.__file__).parent
    files = {path.name: path.read_text("utf-8") for path in shelf.glob("*.toml")}
    key = f'doctor_check = "{doctor_check}"\n'
    files["441900.toml"] = files["441900.toml"].replace("unknown_item = ", f"{key}unknown_item = ")
    return parse_policies({name: text.encode() for name, text in files.items()})


def row(town: Town, **changes: object) -> Cells:
    """The doctor at the town's hospital."""
    return {
        "fixmedins_code": town.hospital.code, "staff_code": DOCTOR, "staff_name": "测试医师",
        "staff_kind": "医师", "begndate": date(2020, 1, 1), "enddate": "", **changes,
    }  # fmt: skip


@pytest_asyncio.fixture(loop_scope="module")
async def office(town: Town, tmp_path: Path) -> AsyncIterator[Office]:
    """Who imports into the town, where nobody works yet."""
    yield Office(town=town, directory=tmp_path)
    await town.owner.execute("delete from settlement.staff")
    await town.bump("staff")


async def test_terms_are_imported_changed_and_ended(town: Town, office: Office) -> None:
    nurse = row(town, staff_code="N1", staff_kind="护士")
    imported = await office.bring("staff", [row(town), nurse])
    assert (imported.written, imported.counts.new) == (True, 2)
    again = await office.bring("staff", [row(town)])
    assert (again.counts.unchanged, again.counts.changed) == (1, 0)
    later = await office.bring("staff", [row(town, begndate=date(2027, 1, 1), staff_kind="药师")])
    assert (later.counts.new, later.counts.changed) == (1, 1)
    terms = await town.owner.fetch(
        "select s.effective_to, s.kind from settlement.staff s where s.code = $1"
        " order by s.effective_from", DOCTOR,
    )  # fmt: skip
    assert [(term["effective_to"], term["kind"]) for term in terms] == [
        (date(2026, 12, 31), "doctor"), (date(9999, 12, 31), "pharmacist"),
    ]  # fmt: skip
    whole = await office.bring("staff", [row(town)], whole=True, ends_on=date(2026, 12, 1))
    assert whole.counts.missing == 1


async def test_row_of_an_unknown_institution_is_refused(town: Town, office: Office) -> None:
    imported = await office.bring(
        "staff", [row(town), row(town, fixmedins_code="H99999999999"), row(town, staff_kind="院长")]
    )
    assert not imported.written
    assert {(f.row, f.column) for f in imported.faults} == {
        (3, "fixmedins_code"), (4, "staff_kind"),
    }  # fmt: skip


async def test_region_that_looks_refuses_care_of_no_doctor(town: Town, office: Office) -> None:
    await town.restart(policies("refuse"))
    hospital, person = town.hospital, town.someone()
    refused = await hospital.send(hospital.registration(person))
    assert_refused(refused, "DOCTOR_NOT_REGISTERED", field="input.data.atddr_no", mentions=DOCTOR)
    inpatient = town.someone()
    refused = await hospital.send(admission(hospital, inpatient))
    assert_refused(refused, "DOCTOR_NOT_REGISTERED", field="input.mdtrtinfo.atddr_no")
    await office.bring("staff", [row(town, staff_kind="nurse")])

    async def is_nurse() -> bool:
        reply = await hospital.send(hospital.registration(person))
        return reply.err_code == "DOCTOR_OF_OTHER_KIND" and "护士" in reply.err_msg

    await until(is_nurse)
    await office.bring("staff", [row(town)])

    async def known() -> bool:
        return (await hospital.send(hospital.registration(town.borrowed()))).infcode == 0

    await until(known)
    visit = await hospital.register(person)
    assert_done(await hospital.send(visit.lines(some(CLASS_A))))
    stay = await admit(hospital, inpatient)
    today = town.clock.local.date()
    await office.bring("staff", [row(town, enddate=today - timedelta(1))])

    async def lines_refused() -> bool:
        reply = await hospital.send(hospital.registration(town.borrowed()))
        return reply.err_code == "DOCTOR_NOT_IN_FORCE"

    await until(lines_refused)
    line = "input.feedetail[0].bilg_dr_codg"
    refused = await hospital.send(visit.lines(some(CLASS_A), batch="B9"))
    assert_refused(refused, "DOCTOR_NOT_IN_FORCE", field=line, mentions=today.isoformat())
    assert_refused(await stay.charge(some(CLASS_A)), "DOCTOR_NOT_IN_FORCE", field=line)
    await town.restart()


async def test_region_that_warns_takes_the_lines_and_says_so(town: Town, office: Office) -> None:
    await town.restart(policies("warn"))
    hospital, person = town.hospital, town.someone()
    visit = await hospital.register(person)
    reply = await hospital.send(visit.lines(some(CLASS_A)))
    assert_done(reply)
    assert DOCTOR in reply.warn_msg
    await town.restart()


async def test_region_that_does_not_look_takes_anybody(town: Town, office: Office) -> None:
    imported = await office.bring("staff", [row(town, staff_kind="nurse")])
    assert imported.written
    assert_done(await town.hospital.send(town.hospital.registration(town.someone())))
