"""`settlement my` and `settlement matters` as operators and clerks type them, beside a server that
a city's app sends people to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from settlement.clock import system_clock
from settlement.embedded.services import Services
from tests.kit.citizen_app import APP, KEY, SECRET, CitizenApp
from tests.kit.command import settlement
from tests.kit.population import Kind
from tests.kit.served import ServedTown, a_served_town
from tests.services import FreshDatabase, chosen_environment

pytestmark = pytest.mark.asyncio(loop_scope="module")
ZHANG = ("--reason", "测试", "--actor", "zhang")
WANG = ("--reason", "测试核对", "--actor", "wang")
LETTER = ("--amount", "12.34", "--reference", "LX-1", "--months", "18")


class Desk:
    """The operator's shell beside a served town, and the app."""

    def __init__(
        self, town: ServedTown, environment: dict[str, str], app: CitizenApp, folder: Path
    ) -> None:
        self.town = town
        self.app = app
        self.secret = folder / "city.secret"
        self._environment = environment

    async def type(self, *arguments: str) -> tuple[int, str]:
        """Exit status and what was printed."""
        line = [*arguments, "--data-dir", str(self.town.data)]
        ran = await asyncio.to_thread(settlement, line, self._environment)
        assert "Traceback" not in ran.stderr, ran.stderr
        return ran.returncode, (ran.stdout + ran.stderr).strip()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(
    services: Services, database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Desk]:
    """A served town whose operator registers the app by the command."""
    environment = chosen_environment(services, database)
    folder = tmp_path_factory.mktemp("app")
    # A connection a request: with SO_REUSEPORT every request may meet any process.
    connector = aiohttp.TCPConnector(force_close=True)
    async with (
        a_served_town(environment) as town,
        aiohttp.ClientSession(connector=connector) as session,
    ):
        app = CitizenApp(town, session, town.gateway.url, system_clock)
        desk = Desk(town, environment, app, folder)
        desk.secret.write_text(SECRET + "\n")
        key = ("--access-key", KEY, "--secret-file", str(desk.secret))
        status, text = await desk.type("my", "app", APP, *key, *ZHANG)
        assert status == 0, text
        await town.catch_up()
        yield desk


async def test_clerk_sees_what_waits_and_decides_it(desk: Desk) -> None:
    who = desk.town.someone(Kind.RETIRED)
    filed = await desk.app.file(who, "retired")
    number = filed.said["matter_no"]
    status, text = await desk.type("matters", "--json")
    waits = json.loads(text)["matters"]
    assert (status, [one["matter_no"] for one in waits]) == (0, [number])
    assert number in (await desk.type("matters"))[1]
    status, text = await desk.type("matters", "accept", number, *ZHANG)
    assert status == 0 and "accepted" in text, text
    assert (await desk.app.get(who, f"matters/{number}")).said["in_force"]
    status, text = await desk.type("matters", "refuse", number, *ZHANG)
    assert status == 1 and "MATTER_ACCEPTED" in text


async def test_token_of_the_command_opens_the_door_once(desk: Desk) -> None:
    who = desk.town.someone()
    line = ["my", "token", who.number, "--access-key", KEY, "--secret-file", str(desk.secret)]
    ran = await asyncio.to_thread(settlement, line)
    token = ran.stdout.strip()
    told = await desk.app.get(who, "status", token=token)
    assert (told.status, told.said["person_no"]) == (200, who.number)
    assert (await desk.app.get(who, "status", token=token)).code == "APP_TOKEN_USED"


async def test_two_clerks_bring_an_account_in(desk: Desk) -> None:
    who = desk.town.someone()
    status, number = await desk.type(
        "matters", "bring-in", who.number, "--region", "430100", *ZHANG
    )
    assert status == 0, number
    assert (await desk.type("matters", "paid", number, *LETTER, *ZHANG))[0] == 0
    status, text = await desk.type("matters", "paid", number, *LETTER, *ZHANG, "--confirm")
    assert status == 1 and "somebody other than zhang" in text
    assert await desk.town.balance_fen(who) == 100_000
    status, text = await desk.type("matters", "paid", number, *LETTER, *WANG, "--confirm")
    assert status == 0, text
    assert await desk.town.balance_fen(who) == 101_234
    status = (await desk.app.get(who, "status")).said
    assert (status["balance"], status["transferred_coverage_months"]) == ("1012.34", 18)


@pytest.mark.parametrize(
    ("line", "status", "mentions"),
    [
        (("matters", "accept", "2611000300001000001", *ZHANG), 1, "there is no matter"),
        (("matters", "accept", "12", *ZHANG), 2, "19 digits"),
        (("matters", "paid", "2611000300001000001", "--amount", "1.234", "--reference", "x",
          *ZHANG), 2, "two decimals"),
        (("matters", "paid", "2611000300001000001", "--amount", "nan", "--reference", "x",
          *ZHANG), 2, "no amount"),
        (("matters", "bring-in", "T0", "--region", "430100", *ZHANG), 1, "PERSON_UNKNOWN"),
        (("my", "app", "city", "--access-key", KEY, "--secret-file", "/nonexistent", *ZHANG), 2,
         "nonexistent"),
    ],
)  # fmt: skip
async def test_commands_that_cannot_be_say_why(
    desk: Desk, line: tuple[str, ...], status: int, mentions: str
) -> None:
    code, text = await desk.type(*line)
    assert (code, mentions in text) == (status, True), text


async def test_key_of_somebody_else_or_a_short_secret_is_not_taken(desk: Desk) -> None:
    row = await desk.town.owner.fetchrow(
        "select c.access_key from settlement.credential c where c.institution = $1",
        desk.town.pharmacy.code,
    )
    assert row is not None
    line = ("my", "app", "other", "--secret-file", str(desk.secret), *ZHANG, "--access-key")
    status, text = await desk.type(*line, row["access_key"])
    assert status == 1 and "somebody else" in text
    short = desk.secret.with_name("short")
    short.write_text("x" * 31)
    line = ("my", "sms", "--secret-file", str(short), *ZHANG, "--access-key", "sms-1")
    status, text = await desk.type(*line)
    assert status == 2 and "32 bytes" in text
