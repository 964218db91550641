"""A person connects a region to the hub: `settlement hub`, `import counterparts`, `regions`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec import Struct

from loadtest.simulators.hub_authority import Issuer
from protocol.hub.certificates import HUB, request_of
from protocol.hub.messages import Kind
from protocol.hub.post import Post, Written
from settlement.clock import system_clock
from settlement.embedded.services import Services
from settlement.region.hub_config import VARIABLE
from settlement.region.hub_line import MESSAGES_PATH
from tests.kit.command import settlement
from tests.kit.hub import keys_of, person_asked
from tests.kit.population import REGION
from tests.kit.served import ServedTown, a_served_town
from tests.kit.waiting import until
from tests.services import FreshDatabase, chosen_environment

pytestmark = pytest.mark.asyncio(loop_scope="module")
WHO = ("--reason", "测试", "--actor", "测试操作员")
THEM, THEIRS = "630100", keys_of("them")
"""A region that the town does not know before, and its keys."""


class Office(Struct, frozen=True, kw_only=True):
    """The operator's shell, and the authority on the other end of a mail."""

    town: ServedTown
    environment: dict[str, str]
    authority: Issuer
    folder: Path

    async def type(self, *arguments: str) -> tuple[int, str]:
        """Exit status and what was printed."""
        line = [*arguments, "--data-dir", str(self.town.data)]
        ran = await asyncio.to_thread(settlement, line, self.environment)
        assert "Traceback" not in ran.stderr, ran.stderr
        return ran.returncode, (ran.stdout + ran.stderr).strip()

    def file(self, name: str, text: str) -> str:
        """A file with this text."""
        path = self.folder / name
        path.write_text(text, "utf-8")
        return str(path)

    def issue(self, request: str, days: int = 365) -> str:
        """The authority's certificate, from an hour ago on."""
        since = system_clock() - timedelta(hours=1)
        return self.authority.issue(
            request, not_before=since, not_after=since + timedelta(days=days)
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(
    services: Services, database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Office]:
    """A served town whose hub is configured, without papers yet."""
    folder = tmp_path_factory.mktemp("hub")
    authority = Issuer(folder / "authority")
    config = folder / "hub.toml"
    config.write_text(f'address = "http://127.0.0.1:1"\nroot = "{authority.root.hex()}"\n')
    environment = {**chosen_environment(services, database), VARIABLE: str(config)}
    async with a_served_town(environment) as town:
        yield Office(town=town, environment=environment, authority=authority, folder=folder)


async def test_region_is_connected_in_four_commands(office: Office) -> None:
    status, request = await office.type("hub", "new-identity", *WHO)
    assert (status, request.startswith("HUBREQ1.")) == (0, True), request
    certificate = office.file("own.txt", office.issue(request))
    status, told = await office.type("hub", "certificate", certificate, *WHO)
    assert (status, f"{REGION}-1" in told) == (0, True), told

    office.issue(request_of(THEIRS, THEM, at=system_clock()), days=20)
    office.authority.certify_hub(system_clock())
    regions = office.file("regions.toml", office.authority.counterparts(REGION))
    status, told = await office.type("import", "counterparts", regions, "--preview", *WHO)
    assert (status, "新增 new 1" in told) == (0, True), told
    status, told = await office.type("import", "counterparts", regions, *WHO)
    assert status == 0, told

    _, told = await office.type("regions")
    assert f"{THEM}-1  即将到期 soon" in told and f"{REGION}-1  有效 valid" in told
    assert f"{HUB}-1  有效 valid" in told
    status, told = await office.type("regions", "--json")
    shown = json.loads(told)
    assert shown["own"]["certificates"][0]["days_left"] == 364
    assert shown["hub"]["certificates"][0]["serial"] == f"{HUB}-1"
    assert HUB not in [one["region"] for one in shown["others"]], "nobody to clear with"
    [them] = [one for one in shown["others"] if one["region"] == THEM]
    assert (them["route"], them["certificates"][0]["state"]) == ("http://127.0.0.1:1", "soon")
    alone = all(one["region"] == THEM or not one["active"] for one in shown["others"])
    assert (status == 0) is alone  # 1: an active region has no certificate


def a_question(office: Office) -> bytes:
    """What the other region sends."""
    issued = {told.region: told for _, told in office.authority.issued()}
    post = Post(THEM, identities=[(THEIRS, issued[THEM])], certificates=[issued[REGION]])
    written = post.ask(
        person_asked(), to=REGION, kind=Kind.PERSON, correlation="1", at=system_clock()
    )
    assert isinstance(written, Written)
    return written.message


async def test_running_server_has_the_door(office: Office) -> None:
    came = await office.town.gateway.get(MESSAGES_PATH)
    assert came.status == 405
    junk = await office.town.gateway.post(MESSAGES_PATH, b"{}", {})
    assert junk.status in (400, 404), junk.body


async def test_certificate_that_is_not_ours_is_not_put_in_force(office: Office) -> None:
    theirs = office.issue(request_of(THEIRS, THEM, at=system_clock()))
    status, told = await office.type("hub", "certificate", office.file("x", theirs), *WHO)
    assert (status, THEM in told) == (1, True), told
    strange = office.issue(request_of(keys_of("nobody"), REGION, at=system_clock()))
    status, told = await office.type("hub", "certificate", office.file("y", strange), *WHO)
    assert (status, "not ours" in told) == (1, True), told
    status, told = await office.type("hub", "certificate", office.file("z", "HUBCERT1.x"), *WHO)
    assert (status, "not proved" in told) == (1, True), told
    status, told = await office.type("hub", "certificate", str(office.folder / "none"), *WHO)
    assert status == 2


async def test_withdrawn_certificate_cuts_a_region_off_and_is_shown(office: Office) -> None:
    serial = f"{THEM}-1"
    status, told = await office.type("hub", "withdraw", serial, *WHO)
    assert status == 0, told
    status, told = await office.type("hub", "withdraw", serial, *WHO)
    assert (status, "already" in told) == (1, True)
    status, told = await office.type("hub", "withdraw", f"{HUB}-1", *WHO)
    assert status == 0, told
    status, told = await office.type("regions")
    assert f"{HUB}-1  已撤销 withdrawn" in told
    assert (status, f"{serial}  已撤销 withdrawn" in told) == (1, True), told
    audited = await office.town.owner.fetch(
        "select a.action from settlement.audit a where starts_with(a.subject, 'hub ')"
        " order by a.audit_id"
    )
    assert [row["action"] for row in audited] == [
        "new-identity", "certify-identity", "withdraw-certificate", "withdraw-certificate",
    ]  # fmt: skip


async def test_private_keys_are_not_readable_in_the_database(office: Office) -> None:
    rows = await office.town.owner.fetch("select i.secret from settlement.hub_identity i")
    assert rows and all(b"signing" not in row["secret"] for row in rows)


async def refused(office: Office) -> bool:
    """Whether the running server knows of the withdrawal."""
    came = await office.town.gateway.post(MESSAGES_PATH, a_question(office), {})
    return came.status in (401, 404)


async def test_running_server_refuses_what_was_withdrawn(office: Office) -> None:
    assert await until(lambda: refused(office))
