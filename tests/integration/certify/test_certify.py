"""`settlement certify`: green against our server, red against one that breaks a single promise."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from loadtest.population import make_credential
from settlement.certify.candidate import Candidate
from settlement.certify.command import certification, write
from settlement.certify.plan import checklist
from settlement.certify.report import Report
from settlement.certify.sheet import Verdict
from settlement.client import Item, MemoryStore, Patience, Patient
from settlement.embedded.services import Services
from settlement.institution import Institution
from tests.kit import broken, population
from tests.kit.broken import HonestServer
from tests.kit.population import Citizen, some
from tests.kit.served import SEED, ServedTown, a_served_town
from tests.services import FreshDatabase, chosen_environment

pytestmark = pytest.mark.asyncio(loop_scope="module")

ITEMS = (population.CLASS_B, *population.PLAIN[:6], population.CAPPED, population.CLASS_C)
PATIENCE = Patience(gap_seconds=0.01, deadline_seconds=60.0)
NUMBERS = MemoryStore()
"""One counter for all runs: two of them may fall into one second, under one institution code."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(services: Services, database: FreshDatabase) -> AsyncIterator[ServedTown]:
    """One server; its ledger is verified at the end, whatever was done to it."""
    async with a_served_town(chosen_environment(services, database)) as town:
        yield town


async def certified(town: ServedTown, of: Institution, url: str) -> Report:
    """The checklist against this address, with people whom nobody has met."""
    candidate = Candidate(
        url=url, code=of.code, name=of.name, kind=of.kind.value, paasid=f"test-{of.code}",
        secret=make_credential(of.code, seed=SEED).secret, region=population.REGION,
        patients=tuple(map(patient_of, town.people(3))), items=tuple(map(item_of, ITEMS)),
    )  # fmt: skip
    return await certification(
        candidate, tell=lambda line: None, numbers=NUMBERS, patience=PATIENCE
    )


def patient_of(citizen: Citizen) -> Patient:
    person = citizen.patient.person
    return Patient(
        psn_no=person.psn_no, psn_name=person.psn_name, certno=person.certno,
        mdtrt_cert_no=person.mdtrt_cert_no, psn_type=person.psn_type, insutype=person.insutype,
    )  # fmt: skip


def item_of(item: population.DemoItem) -> Item:
    shown = some(item).item
    return Item(
        med_list_codg=shown.med_list_codg, medins_list_codg=shown.medins_list_codg,
        price=shown.price,
    )  # fmt: skip


def failed(report: Report) -> dict[str, str]:
    """Failed checks, with what came at their first wrong step."""
    return {
        result.id: next((step.came for step in result.steps if not step.passed), "no steps")
        for result in report.results
        if result.verdict is Verdict.FAILED
    }


@pytest.mark.parametrize("of", [population.PHARMACY, population.HOSPITAL])
async def test_our_own_server_passes_and_nothing_is_left_behind(
    town: ServedTown, of: Institution, tmp_path: Path
) -> None:
    report = await certified(town, of, town.gateway.url)
    assert failed(report) == {}
    assert report.passed
    assert len(report.results) == len(checklist(of.kind.value)) >= 60
    assert report.counts["not applicable"] <= 1
    as_data, page = write(report, tmp_path / "new")
    assert json.loads(as_data.read_bytes())["passed"] is True
    told = page.read_text("utf-8")
    assert f"接入认证报告 {of.code}" in told
    assert not re.search(r"(src|href)=\"(?!#)", told), "the page asks for something else"


async def test_report_names_no_person(town: ServedTown, tmp_path: Path) -> None:
    report = await certified(town, population.PHARMACY, town.gateway.url)
    for path in write(report, tmp_path):
        assert not re.search(r"99999919800101\d{4}|测试E\d{4}", path.read_text("utf-8"))


HARMLESS = (HonestServer, broken.Reordered, broken.BusyNowAndThen)


@pytest.mark.parametrize("server", HARMLESS)
async def test_what_breaks_no_promise_passes(
    town: ServedTown, server: type[HonestServer]
) -> None:
    assert failed(await _certified_through(town, server)) == {}


BREAKS = [
    # what is broken,                 the check that must name it
    (broken.SettlesDuplicatesTwice,   "duplicate"),
    (broken.SettlesRacersTwice,       "racing-duplicates"),
    (broken.DoesNotMarkReplays,       "duplicate"),
    (broken.LosesAFenOfAnAnswer,      "2101-2102"),
    (broken.LosesAFenOfTheBooks,      "daily-5203"),
    (broken.FindsNoVisits,            "5201-5203-5204"),
    (broken.AcceptsConflicts,         "conflict"),
    (broken.AcceptsLateArrivals,      "reversal-late"),
    (broken.CancelsTwice,             "cancel-twice"),
    (broken.CorrectsTotals,           "total-wrong"),
    (broken.ForgetsTheField,          "field-missing"),
    (broken.ReversesNothing,          "reversal-arrived"),
    (broken.LooksAtNoSignature,       "signature-wrong"),
    (broken.ForgetsNonces,            "nonce-reused"),
]  # fmt: skip


@pytest.mark.parametrize(("server", "check"), BREAKS)
async def test_broken_promise_is_named(
    town: ServedTown, server: type[HonestServer], check: str
) -> None:
    report = await _certified_through(town, server)
    assert check in failed(report), failed(report)
    assert not report.passed


async def _certified_through(town: ServedTown, server: type[HonestServer]) -> Report:
    of = population.PHARMACY
    proxy = server(
        town.gateway.url, paasid=f"test-{of.code}",
        secret=make_credential(of.code, seed=SEED).secret,
    )
    async with proxy.serving() as url:
        return await certified(town, of, url)
