"""The server under every simulated channel: where an answer breaks, and notices that come again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from yarl import URL

from loadtest.simulators.channel import ChannelSimulator, Notice, Reply
from loadtest.simulators.channel_book import ChannelBook
from loadtest.simulators.channel_faults import Fault, Operation, Rule
from loadtest.simulators.payer_codes import PayerCodes
from loadtest.simulators.plain_http import Call
from loadtest.simulators.virtual_clock import VirtualClock

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)


class Echo(ChannelSimulator):
    """A channel that carries out whatever is posted, and says so."""

    name = "echo"
    codes = PayerCodes("99", 18)

    def __init__(self, book: ChannelBook) -> None:
        super().__init__(clock=VirtualClock(NOON), book=book)
        self.carried_out: list[str] = []

    def routes(self) -> tuple[tuple[str, str], ...]:
        return (("POST", "/pay/{order_no}"),)

    def classify(self, call: Call) -> tuple[Operation, str]:
        return Operation.PAY, call.parameters["order_no"]

    async def answer(self, call: Call, operation: Operation, fault: Fault | None) -> Reply:
        self.carried_out.append(call.parameters["order_no"])
        return Reply(body=call.body, headers={"signed": "yes"}, lost=call.body == b"lose it")

    async def refusal(self, call: Call, fault: Fault) -> Reply:
        return Reply(status=500, body=fault.encode())


@pytest_asyncio.fixture
async def echo(tmp_path: Path) -> AsyncIterator[Echo]:
    simulator = Echo(ChannelBook(tmp_path / "book"))
    await simulator.start()
    yield simulator
    await simulator.stop()


async def post(echo: Echo, path: str, body: bytes = b"0123456789") -> tuple[int, bytes]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(echo.url + path, data=body) as came,
    ):
        return came.status, await came.read()


@pytest.mark.parametrize(
    ("fault", "status", "carried_out"),
    [
        (Fault.BUSY, 500, False),
        (Fault.RATE_LIMITED, 500, False),
        (Fault.HTML_BEFORE, 502, False),
        (Fault.LOST_BEFORE, None, False),
        (Fault.ARRIVES_LATE, None, False),
        (Fault.LOST_AFTER, None, True),
        (Fault.HTML_AFTER, 502, True),
        (Fault.BUSY_AFTER, 500, True),
        (Fault.RESET, None, True),
    ],
)
async def test_fault_breaks_where_it_says(
    echo: Echo, fault: Fault, status: int | None, carried_out: bool
) -> None:
    echo.faults.add(Rule(fault=fault))
    try:
        came = (await post(echo, "/pay/A"))[0]
    except aiohttp.ClientError:
        came = None
    assert came == status
    assert echo.carried_out == (["A"] if carried_out else [])
    assert await post(echo, "/pay/B") == (200, b"0123456789")


async def test_request_in_an_unusual_form_is_answered_alike(echo: Echo) -> None:
    """Its body in pieces, and a path with an escape in it: not what is read here as a rule."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"01234"
        yield b"56789"

    async with aiohttp.ClientSession() as session:
        async with session.post(f"{echo.url}/pay/A", data=pieces()) as came:
            assert (came.status, await came.read()) == (200, b"0123456789")
        url = URL(f"{echo.url}/pay/%42", encoded=True)
        async with session.post(url, data=b"0123456789") as came:
            assert (came.status, await came.read()) == (200, b"0123456789")
        async with session.post(f"{echo.url}/elsewhere", data=b"") as came:
            assert came.status == 404
    assert echo.carried_out == ["A", "B"]


async def test_channel_may_lose_an_answer_itself(echo: Echo) -> None:
    with pytest.raises(aiohttp.ClientError):
        await post(echo, "/pay/A", b"lose it")
    assert echo.carried_out == ["A"]


async def test_late_request_is_carried_out_when_its_time_comes(echo: Echo) -> None:
    echo.faults.add(Rule(fault=Fault.ARRIVES_LATE, delay_seconds=90))
    with pytest.raises(aiohttp.ClientError):
        await post(echo, "/pay/A")
    await echo.clock.advance(89)
    assert echo.carried_out == []
    await echo.clock.advance(1)
    assert echo.carried_out == ["A"]


async def test_rest_of_a_dripping_answer_comes_when_its_time_comes(echo: Echo) -> None:
    echo.faults.add(Rule(fault=Fault.DRIP, delay_seconds=30))
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{echo.url}/pay/A", data=b"0123456789") as came,
    ):
        assert await came.content.readexactly(5) == b"01234"
        await echo.clock.advance(30)
        assert await came.content.read() == b"56789"


async def test_director_moves_time_posts_faults_and_reads_the_book(echo: Echo) -> None:
    assert (await post(echo, "/_sim/clock", b'{"advance_seconds": 60}'))[1] == (
        b'{"now":"2026-11-23T04:01:00Z"}'
    )
    plan = b'{"rules":[{"fault":"busy","operation":"pay"}],"seed":3}'
    assert (await post(echo, "/_sim/faults", plan))[0] == 200
    assert (await post(echo, "/_sim/faults", b'{"rules":[{"fault":"nonsense"}]}'))[0] == 400
    assert (await post(echo, "/pay/A"))[0] == 500
    status, body = await post(echo, "/_sim/codes", b'{"behaviour":"ok"}')
    assert status == 200 and body.startswith(b'{"code":"991')
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{echo.url}/_sim/book") as came:
            assert await came.json() == {"totals": {}, "entries": []}
        async with session.get(f"{echo.url}/_sim/faults") as came:
            assert (await came.json())["happened"] == {"busy": 1}


class Receiver:
    """Takes notices and acknowledges from the `after`-th on."""

    def __init__(self, after: int) -> None:
        self.bodies: list[bytes] = []
        self._after = after

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        return web.Response(status=200 if len(self.bodies) > self._after else 500)


async def receiving(receiver: Receiver) -> tuple[web.AppRunner, str]:
    application = web.Application()
    application.router.add_post("/notify", receiver.take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/notify"


@pytest.mark.parametrize(
    ("fault", "after", "taken"),
    [
        (None, 0, [b"true"]),
        (None, 2, [b"true", b"true", b"true"]),
        (None, 9, [b"true", b"true", b"true"]),
        (Fault.NOTICE_LOST, 0, [b"true"]),
        (Fault.NOTICE_NEVER, 0, []),
        (Fault.NOTICE_TWICE, 0, [b"true", b"true"]),
        (Fault.NOTICE_FORGED, 0, [b"false", b"true"]),
    ],
)
async def test_notice_is_told_until_it_is_acknowledged(
    echo: Echo, fault: Fault | None, after: int, taken: list[bytes]
) -> None:
    receiver = Receiver(after)
    runner, url = await receiving(receiver)

    async def render(fault: Fault | None) -> Reply:
        return Reply(body=b"true" if fault is None else b"false")

    if fault is not None:
        echo.faults.add(Rule(fault=fault))
    echo.tell(
        Notice(
            url=url, order_no="A", gaps=(15, 30), render=render,
            is_acknowledged=lambda status, _body: status == 200,
        )
    )  # fmt: skip
    await echo.clock.advance(3600)
    await runner.cleanup()
    assert receiver.bodies == taken
