"""`settlement certify`: green against our server, red against one that breaks a single promise."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Collection
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio

from loadtest.population import make_credential
from protocol.nhsa.registry import TRANSACTIONS
from settlement.certify.candidate import Candidate
from settlement.certify.command import certification, write
from settlement.certify.plan import checklist
from settlement.certify.report import Report, as_html
from settlement.certify.scope import (
    FAILED,
    FILES,
    MOBILE,
    NOT_REACHED,
    REFUSED_ONLY,
    SENT,
    STORED,
    WITHOUT_TOKENS,
    not_sent,
)
from settlement.certify.sheet import Verdict
from settlement.client import Item, MemoryStore, Patience, Patient
from settlement.clock import local_time, system_clock
from settlement.embedded.services import Services
from settlement.institution import Institution
from tests.kit import broken, population
from tests.kit import broken_lists as lists
from tests.kit.broken import HonestServer
from tests.kit.broken_lists import throws_away
from tests.kit.elsewhere import insured_elsewhere
from tests.kit.intruder import Intruding, Way
from tests.kit.population import Citizen, some
from tests.kit.reply import assert_done, assert_refused
from tests.kit.served import SEED, ServedTown, a_served_town
from tests.services import FreshDatabase, chosen_environment

pytestmark = pytest.mark.asyncio(loop_scope="module")

ITEMS = (population.CLASS_B, *population.PLAIN[:6], population.CAPPED, population.CLASS_C)
PATIENCE = Patience(gap_seconds=0.01, deadline_seconds=60.0)
EMPLOYEES = 400
"""three for each run"""
SERIALS = count(1)
NUMBERS = MemoryStore()
"""One counter for all runs: two of them may fall into one second, under one institution code."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(services: Services, database: FreshDatabase) -> AsyncIterator[ServedTown]:
    """One server; its ledger is verified at the end, whatever was done to it."""
    async with a_served_town(
        chosen_environment(services, database), employees=EMPLOYEES
    ) as town:
        yield town


async def certified(
    town: ServedTown, of: Institution, url: str, *, only: Collection[str] = (),
    with_tokens: bool = True, without: Collection[str] = (),
) -> Report:  # fmt: skip
    """The checklist, or some of it, against this address, with people whom nobody has met."""
    people = town.people(3)
    tokens = (f"E{next(SERIALS)}", f"E{next(SERIALS)}") if with_tokens else ()
    for token in tokens:
        await town.issue_token(people[0], token, institution=of.code, seconds=600)
    kind = of.kind.value
    candidate = Candidate(
        url=url, code=of.code, name=of.name, kind=kind, paasid=f"test-{of.code}",
        secret=make_credential(of.code, seed=SEED).secret, region=population.REGION,
        patients=tuple(map(patient_of, people)), items=tuple(map(item_of, ITEMS)), tokens=tokens,
        without=frozenset(without),
    )  # fmt: skip
    chosen = tuple(check for check in checklist(kind) if check.id in only)
    assert len(chosen) == len(only)
    return await certification(
        candidate, tell=lambda line: None, numbers=NUMBERS, patience=PATIENCE,
        checks=chosen or None,
    )  # fmt: skip


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
    assert len(report.results) == len(checklist(of.kind.value)) >= 120
    assert report.counts["not applicable"] == 0
    assert_covers_all(report)
    as_data, page = write(report, tmp_path / "new")
    assert json.loads(as_data.read_bytes())["passed"] is True
    told = page.read_text("utf-8")
    assert f"接入认证报告 {of.code}" in told
    assert not re.search(r"(src|href)=\"(?!#)", told), "the page asks for something else"


async def test_row_of_another_city_is_confirmed_and_taken_back(town: ServedTown) -> None:
    """Somebody of another city was here last month; a row that the institution itself confirmed
    stays confirmed. Not at the pharmacy whose days other tests reconcile."""
    last = local_time(system_clock()).date().replace(day=1) - timedelta(1)
    month = {"trt_year": f"{last:%Y}", "trt_month": f"{last:%m}"}
    sales = []
    for citizen in town.people(2):
        sales.append((citizen, town.other_pharmacy.sale(citizen, some(population.CLASS_A))))
        sold = await town.other_pharmacy.send(sales[-1][1])
        await insured_elsewhere(town, sold)
        await town.owner.execute(
            "update settlement.insured_elsewhere set setl_on = $1 where setl_id = $2", last,
            int(sold.setl_id),
        )  # fmt: skip
    asked = {"data": {**month, "startrow": 1}}
    rows = (await town.other_pharmacy.ask("3260", asked)).rows("data")
    own = {name: str(value) for name, value in rows[0].items()} | {"cnfm_flag": "1"}
    content = {"data": {**month, "totalrow": 1}, "detail": [own]}
    assert (await town.other_pharmacy.ask("3261", content)).infcode == 0
    for _ in range(2):
        report = await certified(
            town, population.OTHER_PHARMACY, town.gateway.url, only=("3260-3262",)
        )
        assert failed(report) == {}
        assert {"3260", "3261", "3262"} <= set(report.transactions)
    assert_refused(
        await town.other_pharmacy.ask("3261", content), "CROSS_CITY_ALREADY_CONFIRMED",
        field="input.detail[0].setl_sn",
    )  # fmt: skip
    await town.owner.execute("truncate settlement.insured_elsewhere")
    for citizen, sale in sales:
        assert_done(await town.other_pharmacy.send(town.other_pharmacy.reversal(sale, citizen)))


async def test_report_names_no_person(town: ServedTown, tmp_path: Path) -> None:
    report = await certified(town, population.PHARMACY, town.gateway.url)
    for path in write(report, tmp_path):
        assert not re.search(r"99999919800101\d{4}|测试E\d{4}", path.read_text("utf-8"))


def assert_covers_all(report: Report) -> None:
    """What the plan says is what was sent, and nothing served is left without a word."""
    sent = {*report.transactions, *report.transactions_refused}
    assert sent == SENT[report.kind]
    assert report.transactions_refused == REFUSED_ONLY
    assert report.transactions_not_sent == not_sent(report.kind)
    assert sent | set(report.transactions_not_sent) == set(TRANSACTIONS)


async def test_without_tokens_mobile_payment_is_only_refused_and_the_report_says_why(
    town: ServedTown,
) -> None:
    report = await certified(town, population.PHARMACY, town.gateway.url, with_tokens=False)
    assert failed(report) == {}
    assert report.counts["not applicable"] == 2
    reasons = {report.transactions_refused[infno] for infno in MOBILE}
    assert reasons == {WITHOUT_TOKENS}
    assert WITHOUT_TOKENS in as_html(report)


async def test_region_that_takes_mobile_messages_sealed_only_passes(town: ServedTown) -> None:
    sealed_only = lists.refuses("MOBILE_PLAIN_REFUSED", *MOBILE)
    chosen = ("mobile-refusals", "6201-6401", "6202-6203")
    report = await _certified_through(town, sealed_only, only=chosen)
    assert failed(report) == {}
    assert report.counts["not applicable"] == 2
    assert {report.transactions_refused[infno] for infno in MOBILE} == {"测试"}


async def test_what_the_region_leaves_out_does_not_apply(town: ServedTown) -> None:
    report = await certified(
        town, population.PHARMACY, town.gateway.url, only=("4101A", "4101"), without=("4101A",)
    )
    assert failed(report) == {}
    verdicts = {result.id: result.verdict for result in report.results}
    assert verdicts == {"4101A": Verdict.NOT_APPLICABLE, "4101": Verdict.PASSED}


async def test_failed_run_leaves_nothing_in_the_way_of_the_next(town: ServedTown) -> None:
    of = population.HOSPITAL
    for server in (throws_away("6401"), throws_away("5301", {"feedetail": []})):
        assert failed(await _certified_through(town, server, of=of, only=()))
    assert failed(await certified(town, of, town.gateway.url)) == {}


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
    # What is reconciled must have been settled first.
    before = ("2101-2102",) if check.startswith("daily") else ()
    report = await _certified_through(town, server, only=(*before, check))
    assert check in failed(report), failed(report)
    assert not report.passed


BREAKS_OF_A_HOSPITAL = [
    # what is broken,                                              the check that must name it
    (lists.throws_away("2504"),                                    "2503-2504"),
    (lists.throws_away("2504"),                                    "filing-entitlement"),
    (lists.throws_away("2503", {"result": {"trt_dcla_detl_sn": "1"}}), "2503-2504"),
    (lists.answers_otherwise("2001", lists.every_fund_pays),       "filing-entitlement"),
    (lists.accepts("DISEASE_NOT_FILED"),                           "filing-claim"),
    (lists.accepts("FILING_OVERLAPS", {"result": {"trt_dcla_detl_sn": "1"}}), "2501-2502"),
    (lists.accepts("FILING_OF_OTHER_PERSON"),                      "filing-refusals"),
    (lists.takes_resends_for_new("2503", "2504"),                  "filing-again"),
    (lists.takes_resends_for_new("4401"),                          "4401"),
]  # fmt: skip
BREAKS_OF_A_PHARMACY = [
    (lists.changes_files(lists.without_the_last),                  "1301"),
    (lists.DamagesFiles,                                           "1301"),
    (lists.answers_otherwise("1301", lambda told: {**told, "data_cnt": 1}), "1301"),
    (lists.asks_otherwise("1301", lists.from_the_beginning),       "catalogue-current"),
    (lists.asks_otherwise("1319", lists.page_one),                 "catalogue-pages"),
    (lists.answers_otherwise("1316", lambda rows: rows[:0]),       "1312-1316"),
    (lists.answers_otherwise("1901", lists.nameless),              "1901"),
    (lists.accepts("CATALOGUE_VERSION_UNKNOWN"),                   "catalogue-refusals"),
    (lists.throws_away("3301"),                                    "3301-3302"),
    (lists.throws_away("3302"),                                    "3301-3302"),
    (lists.accepts("MAPPING_OVERLAPS"),                            "mapping-refusals"),
    (lists.never_forgets("5205", "feedetail"),                     "5205"),
    (lists.never_forgets("5206", "cuminfo"),                       "5206"),
    (lists.takes_resends_for_new("3501"),                          "3501"),
    (lists.takes_resends_for_new("4101"),                          "4101"),
    (lists.accepts("LIST_OF_CANCELLED", {"setl_list_id": "1"}),    "4101"),
    (lists.accepts("LIST_AMOUNT_DIFFERS", {"setl_list_id": "1"}),  "list-refusals"),
    (lists.accepts("MESSAGE_CONFLICT"),                            "4901"),
    (lists.changes_files(lists.all_level),                         "3202-differing"),
    (lists.changes_files(lists.first_differs),                     "3202-level"),
    (lists.changes_files(lists.without_the_last),                  "3202-level"),
    (lists.accepts("FILE_TOTALS_DIFFER"),                          "file-refusals"),
    (lists.throws_away("3204"),                                    "3203-3204"),
    (lists.accepts("CLEARING_ALREADY_APPLIED", {"result": {"clr_appy_evt_id": "1"}}), "3203-3204"),
    (lists.accepts("CLEARING_TOTALS_DIFFER", {"result": {"clr_appy_evt_id": "1"}}),
     "clearing-refusals"),
    (lists.throws_away("6401", {"data": {"success": True}}),       "6201-6401"),
    (lists.answers_otherwise("6301", lists.always_saved),          "6202-6203"),
    (lists.throws_away("6203", {"data": {"refStatus": "SUCC"}}),   "6202-6203"),
    (lists.accepts("MOBILE_ORDER_UNKNOWN"),                        "mobile-refusals"),
]  # fmt: skip


@pytest.mark.parametrize(("server", "check"), BREAKS_OF_A_PHARMACY)
async def test_broken_promise_beside_the_counter_is_named(
    town: ServedTown, server: type[HonestServer], check: str
) -> None:
    report = await _certified_through(town, server, only=(check,))
    assert list(failed(report)) == [check]


@pytest.mark.parametrize(("server", "check"), BREAKS_OF_A_HOSPITAL)
async def test_broken_promise_of_a_hospital_is_named(
    town: ServedTown, server: type[HonestServer], check: str
) -> None:
    report = await _certified_through(town, server, of=population.HOSPITAL, only=(check,))
    assert list(failed(report)) == [check]


async def test_totals_that_are_always_level_are_named(town: ServedTown) -> None:
    server = lists.answers_otherwise("3201", lists.always_level)
    report = await _certified_through(town, server, only=("2101-2102", "daily-3201"))
    assert list(failed(report)) == ["daily-3201"]


async def test_item_that_no_file_has_is_named(town: ServedTown) -> None:
    server = lists.changes_files(lambda rows: [["other", *row[1:]] for row in rows])
    report = await _certified_through(town, server, only=("1301", "items-listed"))
    assert list(failed(report)) == ["items-listed"]


async def test_transaction_that_is_served_and_fails_is_missed(town: ServedTown) -> None:
    report = await _certified_through(town, _refuses("3202"))
    assert "3202" in failed(report)["coverage"]
    assert report.transactions_refused["3202"] == FAILED


async def test_transaction_that_no_check_got_to_is_said_to_be_so(town: ServedTown) -> None:
    report = await certified(town, population.PHARMACY, town.gateway.url, only=("2101-2102",))
    assert report.transactions == ("2101", "2102")
    assert report.transactions_not_sent["5205"] == NOT_REACHED
    assert report.transactions_not_sent["2304"] == not_sent("pharmacy")["2304"]


def _refuses(infno: str) -> type[HonestServer]:
    return lists.asks_otherwise(infno, lambda data: data.clear())


async def _certified_through(
    town: ServedTown, server: type[HonestServer], *, of: Institution = population.PHARMACY,
    only: Collection[str] = (),
) -> Report:  # fmt: skip
    proxy = server(
        town.gateway.url, paasid=f"test-{of.code}",
        secret=make_credential(of.code, seed=SEED).secret,
    )
    async with proxy.serving() as url:
        return await certified(town, of, url, only=only)


NAMES_NOTHING = frozenset({
    "9001", "1101", "2001", "2101", "2102", "2201", "2401", "2501", "2503", "2505", "3201", "3203",
    "3260", "3301", "5205", "5206", "5301", "5302", "5304", "1304", "1312", "1316", "1317",
    "1318", "1319", "1901", *FILES, *STORED,
})  # fmt: skip
"""Transactions that ask for nothing by a number that only its institution was given: what anybody
may begin or ask for, and what is kept as it was sent."""
MAY_BE_DONE = {
    (Way.AS_ITS_OWN, "2601"): "a tombstone under the intruder's own message key",
    (Way.WITH_ITS_CODE, "2601"): "likewise",
    (Way.AS_ITS_OWN, "5201"): "its own visits of the person: none",
    (Way.WITH_ITS_CODE, "5201"): "likewise",
    (Way.WITH_ITS_CODE, "9101"): "a file of its own with the same content",
}
"""What the intruder is not refused, because it reaches nothing of the other's."""


@pytest.mark.parametrize(
    ("victim", "intruder"),
    [(population.OTHER_PHARMACY, population.PHARMACY),
     (population.HOSPITAL, population.OTHER_HOSPITAL)],
)  # fmt: skip
async def test_institution_reaches_nothing_that_another_one_has(
    town: ServedTown, victim: Institution, intruder: Institution
) -> None:
    proxy = Intruding(town, victim=victim, intruder=intruder, anybodys=NAMES_NOTHING)
    async with proxy.serving() as url:
        report = await certified(town, victim, url)
    assert failed(report) == {}, "the honest institution noticed"
    for one in proxy.attempts:
        assert not one.told and not one.changed, one
        assert one.infcode != 0 or (one.way, one.infno) in MAY_BE_DONE, one
        assert one.infcode != 0 or one.infno == "9101" or one.is_empty, one
    sound = {(one.way, one.infno) for one in proxy.attempts if one.was_sound}
    carried_out = SENT[victim.kind.value] - set(REFUSED_ONLY)
    assert {infno for way, infno in sound if way is Way.IN_ITS_NAME} == carried_out
    assert {infno for way, infno in sound if way is Way.AS_ITS_OWN} == carried_out - NAMES_NOTHING
