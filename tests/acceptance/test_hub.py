"""A town at the hub: asks another region and is asked, over real sockets, with papers that are
issued, follow each other and are withdrawn while it works."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from msgspec import Struct

from loadtest.simulators.hub import HubCarrier, HubSimulator, at_door
from loadtest.simulators.hub_server import HubServer
from loadtest.simulators.virtual_clock import VirtualClock
from protocol.hub.certificates import (
    SecretKeys,
    Withdrawal,
    read_certificate,
    read_request,
    request_of,
)
from protocol.hub.messages import Kind
from protocol.hub.post import Post, Written
from settlement.chart import REGION_BASE
from settlement.elsewhere.counterpart import Counterpart
from settlement.intake.counterparts import Kept
from settlement.region.hub import NoAnswer, Why
from settlement.region.hub_config import HubSettings
from settlement.region.hub_door import PostDoor
from settlement.region.hub_line import MESSAGES_PATH, PostLine
from settlement.region.hub_wire import Registry
from settlement.serve.hub_office import HubOffice
from settlement.storage import hub as store
from settlement.storage.reference_import import keep_counterparts
from settlement.telemetry.metrics import METRICS, Board
from settlement.web.app import WebServer, WebSettings, listen
from tests.kit.hub import AUTHORITY, INSURED, a_case, keys_of, person_asked, shared
from tests.kit.hub_desk import NOBODY, MemoryDesk
from tests.kit.population import REGION
from tests.kit.town import Town
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
CASE = a_case()
PATIENCE = 10.0
OPERATOR = "测试操作员"
US, THEM = Counterpart(region=REGION, name="测试统筹区", account_base=REGION_BASE), Counterpart(
    region=INSURED, name="测试统筹区甲", account_base=REGION_BASE + 9_990
)  # fmt: skip


class Wire(Struct):
    """What a test has: the town's office, the other region's line and desk, the town's door."""

    town: Town
    office: HubOffice
    url: str
    their_keys: list[SecretKeys]
    their_registry: Registry
    their_line: PostLine
    their_desk: MemoryDesk
    our_desk: MemoryDesk
    at_our_door: MemoryDesk | None
    """who answers there: our desk, or nobody"""

    async def ask_them(self) -> object:
        """The town asks the other region to settle."""
        return await self.office.line.ask(
            INSURED, Kind.SETTLE, CASE, correlation=CASE.case_no, seconds=PATIENCE
        )

    async def ask_us(self) -> object:
        """The other region asks the town who somebody is."""
        return await self.their_line.ask(
            REGION, Kind.PERSON, person_asked(), correlation="430100-1", seconds=PATIENCE
        )


def certified(town: Town, region: str, keys: SecretKeys, serial: str) -> str:
    """A certificate that began yesterday."""
    since = town.clock() - timedelta(days=1)
    return AUTHORITY.issue(
        read_request(request_of(keys, region, at=since)), serial=serial, not_before=since,
        not_after=since + timedelta(days=90),
    )  # fmt: skip


async def our_papers(town: Town, keys: SecretKeys, serial: str) -> str:
    """Keys of the town, made and certified."""
    at, content = town.clock(), certified(town, REGION, keys, serial)
    await store.keep_identity(
        town.owner, town.keyring, keys, at=at, actor=OPERATOR, reason="测试"
    )
    known = await store.certify_identity(
        town.owner, read_certificate(content, AUTHORITY.root), content, at=at, actor=OPERATOR,
        reason="测试",
    )  # fmt: skip
    assert known
    return content


async def their_papers(town: Town, content: str) -> None:
    """A certificate of the other region is imported."""
    told = read_certificate(content, AUTHORITY.root)
    async with town.owner.transaction():
        await keep_counterparts(town.owner, [THEM])
        await store.keep_signed(town.owner, [Kept(told=told, content=content)], [])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wire(town: Town, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Wire]:
    """The town's server and the other region's door around a hub that listens."""
    ours, theirs = keys_of("town"), keys_of("them")
    our_content = await our_papers(town, ours, f"{REGION}-1")
    their_content = certified(town, INSURED, theirs, f"{INSURED}-1")
    await their_papers(town, their_content)
    hub = HubSimulator(clock=VirtualClock(town.clock()))
    server, desk = HubServer(hub), MemoryDesk()
    async with AsyncExitStack() as stack:
        settings = HubSettings(address=await server.start(), root=AUTHORITY.root.hex())
        stack.push_async_callback(server.stop)
        office = await HubOffice.open(
            settings, dsn=town.app_dsn, keyring=town.keyring, clock=town.clock
        )
        stack.push_async_callback(office.stop)
        our_desk = MemoryDesk()
        directory: Path = tmp_path_factory.mktemp("web")
        web = WebServer(
            town.service, Board(directory, "gateway-0"),
            WebSettings(hub_door=office.door(lambda: made.at_our_door)),
        )  # fmt: skip
        listener = listen("127.0.0.1", 0)
        await web.start(listener)
        stack.push_async_callback(web.stop, 1.0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        registry = Registry(
            post=Post(
                INSURED, identities=[(theirs, read_certificate(their_content, AUTHORITY.root))],
                certificates=[read_certificate(our_content, AUTHORITY.root)],
            ),
            counterparts={REGION: US},
        )  # fmt: skip
        made = Wire(
            town=town, office=office, url=url, their_keys=[theirs], their_registry=registry,
            their_desk=desk, our_desk=our_desk, at_our_door=our_desk,
            their_line=PostLine(lambda: made.their_registry, HubCarrier(hub), town.clock),
        )  # fmt: skip
        door = PostDoor(lambda: made.their_registry, lambda: desk, town.clock)
        hub.connect(INSURED, at_door(door))
        server.connect(REGION, url)
        yield made


async def test_town_asks_and_is_asked(wire: Wire) -> None:
    asked, answered = METRICS.hub_asked, METRICS.hub_answered
    assert await wire.ask_them() == shared(CASE)
    assert await wire.ask_us() == NOBODY
    assert wire.our_desk.asked == [(INSURED, Kind.PERSON, person_asked())]
    # Both sides are in this process: two questions, two answers.
    assert (METRICS.hub_asked - asked, METRICS.hub_answered - answered) == (2, 2)


async def posted(wire: Wire, body: bytes) -> tuple[int, bytes]:
    """What the town's door says to bytes."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(wire.url + MESSAGES_PATH, data=body) as came,
    ):
        return came.status, await came.read()


def a_question(wire: Wire) -> bytes:
    """A question of the other region, as it is sent."""
    written = wire.their_registry.post.ask(
        person_asked(), to=REGION, kind=Kind.PERSON, correlation="430100-2", at=wire.town.clock()
    )
    assert isinstance(written, Written)
    return written.message


async def test_what_is_not_right_is_refused_at_the_door_and_nobody_is_asked(wire: Wire) -> None:
    before, message = len(wire.our_desk.asked), a_question(wire)
    alarms = METRICS.hub_alarms
    at = len(message) // 2
    forged = message[:at] + bytes([message[at] ^ 1]) + message[at + 1 :]
    for body, status, code in (
        (b"{}", 400, b"HUB_MALFORMED"),
        (message.replace(b'"version":1', b'"version":9'), 400, b"HUB_VERSION_UNKNOWN"),
        (forged, 401, b"HUB_SIGNATURE_WRONG"),
        (b"x" * (1024 * 1024 + 1), 413, b"BODY_TOO_LARGE"),
    ):
        answer = await posted(wire, body)
        assert answer[0] == status and code in answer[1], answer
    assert (len(wire.our_desk.asked), METRICS.hub_alarms) == (before, alarms + 1)
    assert (await posted(wire, message))[0] == 200


async def test_only_posts_are_taken(wire: Wire) -> None:
    async with (
        aiohttp.ClientSession() as session, session.get(wire.url + MESSAGES_PATH) as came
    ):
        assert (came.status, b"METHOD_NOT_ALLOWED" in await came.read()) == (405, True)


async def test_where_nobody_answers_there_is_no_such_address(wire: Wire) -> None:
    wire.at_our_door = None
    assert (await posted(wire, a_question(wire)))[0] == 404
    wire.at_our_door = wire.our_desk


async def test_papers_are_swapped_and_withdrawn_while_both_work(wire: Wire) -> None:
    town, theirs = wire.town, keys_of("them, later")
    # The town gets new papers, and learns of new ones of the other region.
    our_content = await our_papers(town, keys_of("town, later"), f"{REGION}-2")
    their_content = certified(town, INSURED, theirs, f"{INSURED}-2")
    told = read_certificate(their_content, AUTHORITY.root)
    before = wire.their_registry.post
    await their_papers(town, their_content)
    # It uses its own as soon as it has read them; the other region does not know them yet.
    await until(lambda: changes(wire, Why.NO_ANSWER))
    old = wire.their_keys[0], read_certificate(
        certified(town, INSURED, wire.their_keys[0], f"{INSURED}-1"), AUTHORITY.root
    )  # fmt: skip
    wire.their_registry = Registry(
        post=Post(
            INSURED, identities=[old, (theirs, told)],
            certificates=[read_certificate(our_content, AUTHORITY.root)],
        ),
        counterparts={REGION: US},
    )  # fmt: skip
    assert await wire.ask_them() == shared(CASE)
    # The others' were kept after its own, and may be read at the next look only.
    await until(lambda: is_believed(wire))
    # Whoever still speaks with the old papers is believed until they are withdrawn.
    new = wire.their_registry
    wire.their_registry = Registry(post=before, counterparts={REGION: US})
    assert await wire.ask_us() == NOBODY
    withdrawn = Withdrawal(serial=f"{INSURED}-1", withdrawn_at=town.clock(), reason="测试：遗失")
    assert await store.withdraw_by_hand(town.owner, withdrawn, actor=OPERATOR)
    assert not await store.withdraw_by_hand(town.owner, withdrawn, actor=OPERATOR)
    await until(lambda: is_refused(wire))
    wire.their_registry = new
    assert await wire.ask_us() == NOBODY


async def changes(wire: Wire, why: Why) -> bool:
    """Whether the town gets no answer by now."""
    said = await wire.ask_them()
    return isinstance(said, NoAnswer) and said.why is why


async def is_believed(wire: Wire) -> bool:
    """Whether the town answers the other region by now."""
    return await wire.ask_us() == NOBODY


async def is_refused(wire: Wire) -> bool:
    """Whether the town's door refuses the other region by now, and says why."""
    status, body = await posted(wire, a_question(wire))
    return status == 401 and b"HUB_CERTIFICATE_WITHDRAWN" in body


async def test_under_another_root_nobody_is_believed(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    town = wire.town
    settings = HubSettings(address="http://127.0.0.1:1", root="ab" * 32)
    with caplog.at_level(logging.ERROR, logger="settlement.hub"):
        office = await HubOffice.open(
            settings, dsn=town.app_dsn, keyring=town.keyring, clock=town.clock
        )
    said = await office.line.ask(
        INSURED, Kind.SETTLE, CASE, correlation=CASE.case_no, seconds=PATIENCE
    )
    await office.stop()
    assert isinstance(said, NoAnswer) and said.why is Why.NOT_SENT
    events = {vars(record)["event"] for record in caplog.records}
    assert events == {"hub.certificate.unproved"}
