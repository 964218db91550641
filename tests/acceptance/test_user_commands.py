"""`settlement user` as it is typed beside a server, and the way in that it opens."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from settlement.embedded.services import Services
from tests.kit.command import settlement
from tests.kit.population import PHARMACY
from tests.kit.served import ServedTown, a_served_town
from tests.services import FreshDatabase, chosen_environment

pytestmark = pytest.mark.asyncio(loop_scope="module")

PACKAGED = {"checksums_off", "redis_eviction", "redis_unbounded", "redis_persists"}
WHO = ("--reason", "测试", "--actor", "测试操作员")


class Shell:
    """Of the machine that the server runs on."""

    def __init__(self, town: ServedTown, environment: dict[str, str]) -> None:
        self.town = town
        self._environment = environment

    async def type(self, *arguments: str) -> tuple[int, str]:
        """Exit status and what `settlement user` printed."""
        return await self.command("user", *arguments)

    async def command(self, *arguments: str) -> tuple[int, str]:
        """The same of any command."""
        line = [*arguments, "--data-dir", str(self.town.data)]
        ran = await asyncio.to_thread(settlement, line, self._environment)
        assert "Traceback" not in ran.stderr, ran.stderr
        return ran.returncode, ran.stdout + ran.stderr

    async def users(self) -> dict[str, dict[str, object]]:
        """`settlement user list --json`, by name."""
        status, text = await self.type("list", "--json")
        assert status == 0, text
        return {one["name"]: one for one in json.loads(text)["users"]}

    async def opens(self, name: str, password: str) -> bool:
        """Whether name and password open the console, over the server's own port."""
        jar = aiohttp.CookieJar(unsafe=True)
        url = f"{self.town.gateway.url}/console/sign-in"
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            page = await (await session.get(url)).text()
            token = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
            assert token is not None
            form = {"csrf": token.group(1), "name": name, "password": password}
            async with session.post(url, data=form, allow_redirects=False) as came:
                assert came.status in (303, 401, 429), came.status
                return came.status == 303


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shell(services: Services, database: FreshDatabase) -> AsyncIterator[Shell]:
    """The shell beside a served town."""
    environment = chosen_environment(services, database)
    async with a_served_town(environment, workers=1) as town:
        yield Shell(town, environment)


async def test_doctor_sees_a_server_at_work_and_nothing_wrong_but_what_was_never_set_up(
    shell: Shell,
) -> None:
    """Before a message came: the queues have not connected yet."""
    status, text = await shell.command("doctor", "--json", "--workers", "1")
    report = json.loads(text.splitlines()[0])
    found = {one["code"] for one in report["findings"]}
    # A site's own servers, as `make test-external` has them, are set up as their packages do it.
    assert "backup_none" in found and found - {"backup_none"} <= PACKAGED, text
    assert status == report["status"] == 2
    told = {one["what"]: one["told"] for one in report["examined"]}
    leases, sessions = told["租约 leases"].split("; ")
    assert "settlement-ledger-fold" in leases and not sessions.endswith(" 0"), told
    assert "Redis" in told


async def test_first_supervisor_is_made_locked_and_let_in_again(shell: Shell) -> None:
    assert "nobody may sign in" in (await shell.type())[1]
    add = ("add", "fu", "--display-name", "测试主管", "--role", "supervisor", *WHO)
    status, text = await shell.type(*add)
    assert status == 0
    password = text.splitlines()[-1]
    assert await shell.opens("fu", password)
    assert (await shell.users())["fu"]["must_change"] is True
    status, text = await shell.type(*add)
    assert (status, "is taken" in text) == (1, True)
    assert (await shell.type("lock", "fu", *WHO))[0] == 0
    assert not await shell.opens("fu", password)
    assert (await shell.type("unlock", "fu", *WHO))[0] == 0
    assert await shell.opens("fu", password)
    status, text = await shell.type("reset", "fu", *WHO)
    assert status == 0
    assert not await shell.opens("fu", password)
    assert await shell.opens("fu", text.splitlines()[-1])


async def test_finance_of_an_institution_has_exactly_one(shell: Shell) -> None:
    new = ("add", "ji", "--display-name", "测试财务", *WHO)
    for role, institution in (
        ("institution", ()), ("institution", ("--institution", "P00000000000")),
        ("clerk", ("--institution", PHARMACY.code)),
    ):  # fmt: skip
        status, text = await shell.type(*new, "--role", role, *institution)
        assert (status, "needs one institution" in text) == (1, True)
    own = ("--institution", PHARMACY.code)
    assert (await shell.type(*new, "--role", "institution", *own))[0] == 0
    assert (await shell.users())["ji"]["institution"] == PHARMACY.code
    assert (await shell.type("role", "ji", "--role", "auditor", *WHO))[0] == 0
    changed = (await shell.users())["ji"]
    assert (changed["role"], changed["institution"]) == ("auditor", None)


async def test_nobody_is_changed_who_is_not_there(shell: Shell) -> None:
    for action in ("lock", "unlock", "reset"):
        status, text = await shell.type(action, "niemand", *WHO)
        assert (status, "no such user" in text) == (1, True)
    status, text = await shell.type("add", "X!", "--display-name", "x", "--role", "clerk", *WHO)
    assert (status, "small letters" in text) == (1, True)
