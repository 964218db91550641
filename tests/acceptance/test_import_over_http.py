"""The agency's systems import over HTTP while institutions settle."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from yarl import URL

from settlement.clock import system_clock
from settlement.serve.import_desk import ImportDesk
from settlement.storage.import_spool import sealed_file, spool_directory
from tests.integration.web.client import Client, request
from tests.kit.import_desk import (
    KEY,
    AgencySystem,
    an_import_desk,
    an_importer,
    issue_keys,
    ndjson,
)
from tests.kit.importing import rows_of
from tests.kit.population import CLASS_A, newcomer, some
from tests.kit.reply import assert_done, assert_refused
from tests.kit.served import a_served_town
from tests.kit.town import Town, a_town, small_limits
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")

PSN = "input.druginfo.psn_no"
LIMITS = small_limits(
    import_bytes_max=40_000, import_workbook_bytes_max=30_000, body_bytes_max=20_000,
    head_bytes_max=8_000, imports_waiting_max=3, imports_arriving_max=2,
)  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A town whose agency has import keys."""
    async with a_town(database) as town:
        await issue_keys(town)
        yield town


@pytest_asyncio.fixture(loop_scope="module")
async def agency(town: Town, tmp_path: Path) -> AsyncIterator[AgencySystem]:
    """A system of the agency; nothing that it sends is imported."""
    async with an_import_desk(town, tmp_path, LIMITS) as agency:
        yield agency
    await town.owner.execute("delete from settlement.import_job")


@pytest_asyncio.fixture(loop_scope="module")
async def served(
    agency: AgencySystem, town: Town, tmp_path: Path
) -> AsyncIterator[AgencySystem]:
    """The same, and an importer."""
    async with an_importer(town, tmp_path):
        yield agency


async def test_file_is_imported_and_its_persons_settle(town: Town, served: AgencySystem) -> None:
    person = newcomer(1)
    assert_refused(await town.pharmacy.sell(person, some(CLASS_A)), "PERSON_UNKNOWN", field=PSN)
    job = await served.bring("persons", ndjson([rows_of(person)]), name="city.ndjson")
    assert (job["state"], job["rows_done"], job["operator"]) == ("done", 1, KEY.operator)
    assert job["result"]["counts"] == {
        "new": 1, "changed": 0, "unchanged": 0, "missing": 0, "skipped": 0,
    }  # fmt: skip
    assert_done(await town.pharmacy.sell(person, some(CLASS_A)))
    audit = await town.owner.fetch(
        "select a.actor, a.action, a.subject, a.note from settlement.audit a"
        " where a.subject like 'city.ndjson%' order by a.audit_id"
    )
    assert [row["action"] for row in audit] == [
        "receive-persons", "import-persons", "import-persons-done",
    ]  # fmt: skip
    assert all(
        row["actor"] == KEY.operator and row["subject"].endswith(job["sha256"]) for row in audit
    )
    assert "new 1" in audit[2]["note"] and KEY.access_key in audit[0]["note"]


async def test_preview_says_what_would_change_and_writes_nothing(
    town: Town, served: AgencySystem
) -> None:
    person = newcomer(2)
    body = ndjson([rows_of(person)])
    job = await served.bring("persons", body, preview=1)
    assert job["result"]["counts"]["new"] == 1 and not job["result"]["written"]
    assert_refused(await town.pharmacy.sell(person, some(CLASS_A)), "PERSON_UNKNOWN", field=PSN)
    assert (await served.bring("persons", body))["result"]["written"]


async def test_faults_are_told_by_row_and_nothing_is_written(served: AgencySystem) -> None:
    good, bad = newcomer(3), newcomer(4)
    rows = ndjson([rows_of(good), rows_of(bad, gend="男", brdy="昨天")])
    job = await served.bring("persons", rows)
    result = job["result"]
    assert (job["state"], result["written"], result["fault_count"]) == ("refused", False, 2)
    assert [(fault["row"], fault["column"]) for fault in result["faults"]] == [
        (2, "brdy"), (2, "gend"),
    ]  # fmt: skip
    assert result["faults"][1]["expected"]["en"] and "row 2" in result["text"]
    job = await served.bring("persons", rows, skip_bad=1)
    assert (job["state"], job["result"]["counts"]["skipped"]) == ("done", 1)


async def test_file_that_is_none_is_refused_in_both_languages(served: AgencySystem) -> None:
    job = await served.bring("items", b"\xff\xfe", content_type="text/csv")
    assert job["state"] == "refused"
    assert "UTF-8" in job["result"]["message"]["en"]


async def test_same_file_again_is_the_same_job_until_another_came_between(
    served: AgencySystem,
) -> None:
    first, second = ndjson([rows_of(newcomer(5))]), ndjson([rows_of(newcomer(6))])
    done = await served.bring("persons", first)
    status, told = await served.send("persons", first)
    assert (status, told["job"], told["again"]) == (200, done["job"], True)
    await served.bring("persons", second)
    later = await served.bring("persons", first)
    assert later["job"] != done["job"]
    assert later["result"]["counts"]["unchanged"] == 1


async def test_file_of_the_cut_over_needs_two_operators(
    town: Town, served: AgencySystem
) -> None:
    citizen = town.someone()
    before = await town.balance_fen(citizen)
    body = ndjson([{"psn_no": citizen.number, "year": 2026, "balance": "1", "source": "旧系统"}])
    proposed = await served.bring("openings", body)
    assert (proposed["state"], proposed["result"]["written"]) == ("done", False)
    assert proposed["sha256"] in proposed["result"]["text"]
    own = await served.bring("openings", body, confirm=proposed["sha256"])
    assert own["state"] == "refused" and "somebody other" in own["result"]["message"]["en"]
    assert await town.balance_fen(citizen) == before
    other = await served.as_other().bring("openings", body, confirm=proposed["sha256"])
    assert (other["state"], other["result"]["written"]) == ("done", True)
    assert await town.balance_fen(citizen) == before + 100


async def test_waiting_file_is_sealed_one_job_and_gone_when_it_is_over(
    town: Town, agency: AgencySystem, tmp_path: Path
) -> None:
    person = newcomer(7)
    body = ndjson([rows_of(person)])
    status, told = await agency.send("persons", body)
    again_status, again = await agency.send("persons", body)
    assert (status, again_status, again["job"]) == (202, 200, told["job"])
    assert (await agency.ask(told["job"]))[1]["state"] == "waiting"
    kept = sealed_file(spool_directory(tmp_path), int(told["job"]))
    assert person.insured.identity.certificate_no.encode() not in kept.read_bytes()
    assert kept.stat().st_mode & 0o777 == 0o600
    async with an_importer(town, tmp_path):
        assert (await agency.over(told["job"]))["state"] == "done"
    assert list(spool_directory(tmp_path).iterdir()) == []


async def test_job_that_was_cut_short_is_begun_again_but_not_for_ever(
    town: Town, agency: AgencySystem, tmp_path: Path
) -> None:
    _, cut = await agency.send("persons", ndjson([rows_of(newcomer(8))]))
    _, deadly = await agency.send("persons", ndjson([rows_of(newcomer(9))]))
    for job, attempts in ((cut, 1), (deadly, 3)):
        await town.owner.execute(
            "update settlement.import_job set state = 'running', attempts = $2"
            " where job_no = $1", int(job["job"]), attempts,
        )  # fmt: skip
    async with an_importer(town, tmp_path):
        assert (await agency.over(cut["job"]))["state"] == "done"
        assert (await agency.over(deadly["job"]))["state"] == "failed"


async def test_altered_waiting_file_is_not_imported(
    town: Town, agency: AgencySystem, tmp_path: Path
) -> None:
    _, told = await agency.send("persons", ndjson([rows_of(newcomer(10))]))
    kept = sealed_file(spool_directory(tmp_path), int(told["job"]))
    altered = bytearray(kept.read_bytes())
    altered[40] ^= 1
    kept.write_bytes(altered)
    async with an_importer(town, tmp_path):
        assert (await agency.over(told["job"]))["state"] == "failed"


async def test_institution_cannot_import(town: Town, agency: AgencySystem) -> None:
    status, told = await agency.send(
        "persons", b"{}", headers={"x_import_key": town.pharmacy.caller.access_key}
    )
    assert (status, told["err_code"]) == (403, "IMPORT_NOT_FOR_INSTITUTIONS")
    headers = {"x-tif-paasid": town.pharmacy.caller.access_key, "Content-Type": "text/csv"}
    came = await agency.post("/imports/persons?reason=x", b"", headers)
    assert (came.status, json.loads(came.body)["err_code"]) == (403, "IMPORT_NOT_FOR_INSTITUTIONS")


async def test_sender_that_waits_is_asked_for_the_file_once_the_signature_is_right(
    agency: AgencySystem,
) -> None:
    """aiohttp's own client waits for the 100 without end, as no other does."""
    body = ndjson([rows_of(newcomer(11))])
    status, _ = await agency.send("persons", body, expect100=True)
    assert status == 202
    status, told = await agency.send("persons", body, expect100=True)
    assert (status, told["again"]) == (200, True)


async def test_sender_that_waits_and_signed_wrongly_is_never_asked(agency: AgencySystem) -> None:
    client = await Client.to(URL(agency.url).port or 0)
    target = "/imports/persons?reason=x"
    headers = agency.headers("POST", target, "0" * 64, x_import_signature="0" * 64)
    whole = request(b"{}", target, {**headers, "Expect": "100-continue"})
    client.writer.write(whole.removesuffix(b"{}"))
    reply = await client.read()
    assert (reply.status, json.loads(reply.body)["err_code"]) == (401, "SIGNATURE_WRONG")
    assert reply.headers["connection"] == "close"
    client.close()


async def test_file_that_is_not_compressed_as_its_headers_say_is_400(agency: AgencySystem) -> None:
    status, told = await agency.send("persons", b"{}", content_encoding="gzip")
    assert (status, told["err_code"], told["retry"]) == (400, "MALFORMED_JSON", "never")


async def test_import_key_opens_nothing_else(town: Town, agency: AgencySystem) -> None:
    headers = {"x-tif-paasid": KEY.access_key, "x-tif-timestamp": "1", "x-tif-nonce": "n",
               "x-tif-signature": "s"}  # fmt: skip
    headers["x-tif-timestamp"] = str(int(town.clock().timestamp()))
    came = await agency.post("/hsa/hgs/2102", b"{}", headers)
    assert came.status == 401


Spoil = Callable[[AgencySystem], dict[str, Any]]
_NDJSON = {"kind": "persons", "body": b"{}"}
REFUSED: list[tuple[int, str, Spoil]] = [
    (401, "IMPORT_HEADERS_MISSING", lambda _: {**_NDJSON, "headers": {"x_import_sha256": "no"}}),
    (401, "TIMESTAMP_REFUSED", lambda _: {**_NDJSON, "headers": {"timestamp": "1000000000"}}),
    (401, "IMPORT_KEY_UNKNOWN", lambda _: {**_NDJSON, "headers": {"x_import_key": "nobody"}}),
    (401, "SIGNATURE_WRONG", lambda _: {**_NDJSON, "headers": {"x_import_signature": "0" * 64}}),
    (404, "NOT_FOUND", lambda _: {**_NDJSON, "kind": "doctors"}),
    (415, "IMPORT_FORMAT_UNKNOWN", lambda _: {**_NDJSON, "content_type": "text/html"}),
    (400, "IMPORT_OPTION_WRONG", lambda _: {**_NDJSON, "preview": "yes"}),
    (400, "IMPORT_OPTION_WRONG", lambda _: {**_NDJSON, "reason": ""}),
    (400, "IMPORT_OPTION_WRONG", lambda _: {**_NDJSON, "ends_on": "morgen"}),
    (400, "IMPORT_OPTION_WRONG", lambda _: {**_NDJSON, "whole": 1, "skip_bad": 1}),
    (400, "IMPORT_OPTION_WRONG", lambda _: {**_NDJSON, "name": "../x"}),
    (400, "IMPORT_OPTION_WRONG", lambda _: {**_NDJSON, "confirm": "0" * 64}),
    (400, "IMPORT_OPTION_WRONG", lambda _: {**_NDJSON, "kind": "stays", "confirm": "x"}),
    (400, "IMPORT_OPTION_WRONG", lambda _: {**_NDJSON, "kind": "openings", "whole": 1}),
    (400, "IMPORT_OPTION_WRONG", lambda _: {**_NDJSON, "colour": "red"}),
    (413, "IMPORT_TOO_LARGE", lambda _: {**_NDJSON, "body": b" " * 40_001}),
]  # fmt: skip


@pytest.mark.parametrize(("status", "code", "spoil"), REFUSED)
async def test_request_that_is_not_right_is_refused(
    agency: AgencySystem, status: int, code: str, spoil: Spoil
) -> None:
    assert_told(await agency.send(**spoil(agency)), status, code)


async def test_file_other_than_announced_is_refused_and_leaves_nothing(
    agency: AgencySystem, tmp_path: Path
) -> None:
    target = "/imports/persons?reason=x"
    headers = agency.headers("POST", target, sha256(b"what was signed").hexdigest())
    came = await agency.post(target, b"what came", {**headers, "Content-Type": "text/csv"})
    assert_told((came.status, json.loads(came.body)), 400, "IMPORT_DIGEST_DIFFERS")
    assert list(spool_directory(tmp_path).iterdir()) == []


async def test_parameters_are_signed_too(agency: AgencySystem) -> None:
    body = ndjson([rows_of(newcomer(11))])
    signed = agency.headers("POST", "/imports/persons?reason=x&preview=1", sha256(body).hexdigest())
    came = await agency.post(
        "/imports/persons?reason=x&preview=0", body, {**signed, "Content-Type": "text/csv"}
    )
    assert_told((came.status, json.loads(came.body)), 401, "SIGNATURE_WRONG")


async def test_key_of_other_kinds_and_stopped_key_are_refused(
    town: Town, agency: AgencySystem
) -> None:
    await town.owner.execute(
        "update settlement.import_key set kinds = '{items}' where access_key = $1", KEY.access_key
    )
    assert_told(await agency.send("persons", b"{}"), 403, "IMPORT_KIND_NOT_ALLOWED")
    await town.owner.execute(
        "update settlement.import_key set kinds = $2 where access_key = $1", KEY.access_key,
        sorted(KEY.kinds),
    )  # fmt: skip
    await town.switch("credential", KEY.access_key, on=True)
    assert_told(await agency.send("persons", b"{}"), 401, "CREDENTIAL_SUSPENDED")
    await town.switch("credential", KEY.access_key, on=False)


async def test_more_files_than_may_wait_are_refused(agency: AgencySystem) -> None:
    for number in range(3):
        status, _ = await agency.send("persons", b" " * (number + 1))
        assert status == 202
    assert_told(await agency.send("persons", b" " * 9), 503, "IMPORTS_TOO_MANY")


async def test_unknown_job_and_other_methods_are_told(agency: AgencySystem) -> None:
    assert_told(await agency.ask("999999"), 404, "IMPORT_JOB_UNKNOWN")
    async with agency.session.get(f"{agency.url}/imports/persons") as response:
        assert response.status == 405


async def test_desk_has_the_rights_of_the_application_only(town: Town, tmp_path: Path) -> None:
    desk = ImportDesk(
        dsn=town.app_dsn, keyring=town.keyring, data_dir=tmp_path, limits=LIMITS
    )
    assert await desk.key(KEY.access_key) == KEY
    desk.close()


async def test_whole_server_imports_what_it_is_sent() -> None:
    """Gateways, importer and all, as `settlement serve` starts them."""
    async with a_served_town(workers=1) as town:
        await issue_keys(town)
        async with aiohttp.ClientSession() as session:
            agency = AgencySystem(session, town.gateway.url, system_clock)
            person = newcomer(12)
            job = await agency.bring("persons", ndjson([rows_of(person)]))
            assert job["state"] == "done"
            assert_done(await town.pharmacy.sell(person, some(CLASS_A)))


def assert_told(answer: tuple[int, dict[str, Any]], status: int, code: str) -> None:
    """A refusal outside the envelope."""
    told = answer[1]
    assert (answer[0], told.get("err_code")) == (status, code), told
    assert told["message"].endswith("。")
