"""What is heard at a full door: by rank and share, over HTTP, and what the log and metrics keep."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import msgspec
import pytest

from settlement.gate import Gate, Rank, Reason
from settlement.gateway import Strain
from settlement.limits import DEFAULT_LIMITS
from settlement.telemetry.metrics import METRICS, Metrics
from settlement.web.entrance import Entrance, Entrances
from tests.integration.web.client import Client, Reply, signed
from tests.integration.web.echo_gateway import DONE
from tests.integration.web.echo_server import LIMITS, Server

PLACES = 32
SMALL = msgspec.structs.replace(
    LIMITS, in_flight_max=PLACES, queue_length_max=PLACES, batch_size_max=PLACES
)


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def crowded(server: Server, places: int) -> None:
    """So many places are held, each by somebody else."""
    room = server.web.exchange.entrance.gate.room
    for number in range(places):
        room.enter(f"H{number}")


async def heard(server: Server, infno: str, headers: dict[str, str], body: bytes = b"x") -> Reply:
    client = await Client.to(server.port)
    path = f"/hsa/hgs/{infno}" if infno else "/hsa/hgs"
    reply = await client.post(body, path=path, headers=headers)
    client.close()
    return reply


async def test_a_filling_room_turns_quotes_away_first_and_cancels_last(tmp_path: Path) -> None:
    async with Server(tmp_path, SMALL) as server:
        crowded(server, PLACES * 3 // 4)
        quote = await heard(server, "2101", signed())
        assert (quote.status, json.loads(quote.body)["err_code"]) == (503, "OVERLOADED")
        assert quote.headers["retry-after"] == "3"
        assert (await heard(server, "2102", signed())).body == DONE
        crowded(server, PLACES // 4 - 1)
        sale = await heard(server, "2102", signed())
        assert (sale.status, sale.headers["retry-after"]) == (503, "1")
        assert (await heard(server, "2103", signed())).body == DONE
        assert (await heard(server, "5203", signed())).body == DONE
        assert (await heard(server, "", signed(), b'{"infno":"2601"}')).body == DONE
        assert (await heard(server, "", signed(), b'{"infno":"2102"}')).status == 503
        assert (await heard(server, "", signed(), b"{")).status == 503


async def test_who_was_turned_away_may_send_the_same_again_under_its_nonce(tmp_path: Path) -> None:
    async with Server(tmp_path, SMALL) as server:
        room, headers = server.web.exchange.entrance.gate.room, signed()
        room.resize(1)
        room.enter("H1")
        assert (await heard(server, "2102", headers, b"one")).status == 503
        assert server.gateway.seen == []
        room.leave("H1")
        assert (await heard(server, "2102", headers, b"another")).body == DONE


async def test_a_forged_signature_takes_nobodys_place(tmp_path: Path) -> None:
    async with Server(tmp_path, SMALL) as server:
        for _ in range(PLACES):
            assert (await heard(server, "2102", signed(secret="wrong"))).status == 401
        assert server.web.exchange.entrance.gate.room.taken == 0
        assert (await heard(server, "2102", signed())).body == DONE


async def test_full_house_is_told_of_on_the_head_whoever_signed(tmp_path: Path) -> None:
    """Nothing is spent on who it is where nobody would be let in."""
    async with Server(tmp_path, SMALL) as server:
        crowded(server, PLACES)
        full = METRICS.turned_away[Rank.CLAIM.value, Reason.FULL.value]
        reply = await heard(server, "2102", signed(secret="wrong"))
        assert (reply.status, reply.headers["retry-after"]) == (503, "1")
        assert METRICS.turned_away[Rank.CLAIM.value, Reason.FULL.value] == full + 1
        assert (await heard(server, "2102", signed(key="unknown"))).status == 401
        assert (await heard(server, "2102", {})).status == 401


async def test_only_a_signature_is_told_that_it_asks_too_much(tmp_path: Path) -> None:
    """Who asks in another's name gets nobody into the log."""
    async with Server(tmp_path, SMALL) as server:
        room = server.web.exchange.entrance.gate.room
        for _ in range(PLACES // 2):
            room.enter("H44190000001")
        crowded(server, 4)
        assert (await heard(server, "2102", signed(secret="wrong"))).status == 401
        assert server.web.exchange.entrance.gate.turned_away == {}
        assert (await heard(server, "2102", signed())).status == 429
        assert server.web.exchange.entrance.gate.turned_away == {"H44190000001": 1}


async def test_one_that_loops_hears_429_and_leaves_room(tmp_path: Path) -> None:
    async with Server(tmp_path, SMALL) as server:
        crowded(server, 6)
        loop = [await Client.to(server.port) for _ in range(PLACES)]
        for client in loop:
            client.send(b"wait", "/hsa/hgs/2102", signed())
        replies = [asyncio.create_task(client.read()) for client in loop]
        away, _ = await asyncio.wait(replies, return_when=asyncio.FIRST_COMPLETED)
        told = away.pop().result()
        assert (told.status, json.loads(told.body)["err_code"]) == (429, "TOO_MANY_AT_ONCE")
        assert (told.headers["retry-after"], json.loads(told.body)["retry"]) == ("5", "later")
        assert server.web.exchange.entrance.gate.enter("H99", Rank.CLAIM) is None
        server.gateway.released.set()
        statuses = sorted([(await one).status for one in replies])
        assert set(statuses) == {200, 429}
        for client in loop:
            client.close()


def test_what_was_turned_away_is_counted_and_goes_on_after_a_restart() -> None:
    entrance = Entrance(Gate(1), DEFAULT_LIMITS)
    labels = (Rank.QUOTE.value, Reason.FULL.value)
    before = METRICS.turned_away[labels]
    entrance.gate.room.enter("H1")
    assert entrance.admit("H2", Rank.QUOTE) is not None
    assert METRICS.turned_away[labels] == before + 1
    successor = Metrics()
    successor.resume(METRICS.numbers())
    assert successor.turned_away[labels] == before + 1


def test_log_names_who_was_turned_away_for_their_share_and_nobody_twice(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Hand()
    entrances = Entrances(DEFAULT_LIMITS, clock)
    entrances.messages.gate.turned_away = {"H44190000001": 7}
    with caplog.at_level(logging.WARNING, "settlement.web"):
        entrances.keep(Strain())
        assert caplog.records == []
        for at in (11.0, 22.0):
            clock.now = at
            entrances.keep(Strain())
    (said,) = caplog.records
    assert (vars(said)["event"], vars(said)["institution"], vars(said)["times"]) == (
        "admission.share", "H44190000001", 7,
    )  # fmt: skip


def test_strain_makes_the_room_smaller() -> None:
    entrances = Entrances(DEFAULT_LIMITS, Hand())
    entrances.keep(Strain(waited_seconds=DEFAULT_LIMITS.journal_wait_seconds_max * 2))
    assert entrances.messages.gate.room.size < DEFAULT_LIMITS.in_flight_max
    assert entrances.payments.gate.room.size == DEFAULT_LIMITS.payments_in_flight_max
    assert METRICS.admission_places == entrances.messages.gate.room.size
