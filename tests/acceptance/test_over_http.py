"""The whole way: signed HTTP requests to `settlement serve` with two worker processes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio

from settlement.embedded.services import Services
from settlement.gateway import NotYours
from tests.kit.clerk import Clerk, added, result, row_of, zipped
from tests.kit.population import BALANCE_FEN, CLASS_A, CLASS_B, DEAR, PLAIN, some
from tests.kit.reply import (
    assert_done,
    assert_money,
    assert_refused,
    assert_same_answer,
    read_reply,
)
from tests.kit.served import ServedTown, a_served_town, signed
from tests.services import FreshDatabase, chosen_environment

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACCOUNT_USE = "input.druginfo.acct_used_flag"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(services: Services, database: FreshDatabase) -> AsyncIterator[ServedTown]:
    """One server for the module, on the site's database and Redis where the run has them."""
    async with a_served_town(chosen_environment(services, database)) as town:
        yield town


async def test_pharmacy_sells_cancels_and_sells_again(town: ServedTown) -> None:
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A, 2))
    settled = await town.pharmacy.send(message)
    assert_money(settled, total="25.00", fund="15.00", account="10.00", cash="0.00")
    assert_same_answer(settled, await town.pharmacy.send(message))
    cancelled = await town.pharmacy.send(town.pharmacy.cancel(settled))
    assert cancelled.money("medfee_sumamt") == Decimal("-25.00")
    assert_done(await town.pharmacy.sell(citizen, some(CLASS_B)))
    assert [row["kind"] for row in await town.rows_of(citizen)] == [1, 2, 1]


async def test_hospital_takes_a_visit_from_registration_to_settlement(town: ServedTown) -> None:
    basket = [some(CLASS_A, 2), *(some(item) for item in PLAIN[:7])]
    visit = await town.hospital.open_visit(town.someone(), *basket)
    settled = await visit.settle(*basket)
    assert_money(settled, total="81.00", fund="48.60", account="32.40", cash="0.00")
    assert_done(await town.hospital.settlement(settled))


async def test_lost_answer_is_reversed(town: ServedTown) -> None:
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A))
    assert_done(await town.pharmacy.send(message))
    assert_done(await town.pharmacy.send(town.pharmacy.reversal(message, citizen)))
    assert_refused(await town.pharmacy.send(message), "MESSAGE_REVERSED", field="msgid")


async def test_relatives_pay_and_get_back_what_was_theirs(town: ServedTown) -> None:
    patient, *donors = town.people(3)
    await town.bind(patient, *donors)
    family = (patient, *donors)
    message = town.pharmacy.sale(patient, some(DEAR, 4)).edited({ACCOUNT_USE: "2"})
    settled = await town.pharmacy.send(message)
    assert_money(settled, total="8000.00", fund="3000.00", account="3000.00", cash="2000.00")
    assert settled.money("acct_mulaid_pay") == Decimal("2000.00")
    assert [await town.balance_fen(one) for one in family] == [0, 0, 0]
    assert_same_answer(settled, await town.pharmacy.send(message))
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(settled)))
    assert [await town.balance_fen(one) for one in family] == [BALANCE_FEN] * 3


async def test_reversal_before_its_message_leaves_relatives_alone(town: ServedTown) -> None:
    patient, donor = town.people(2)
    await town.bind(patient, donor)
    message = town.pharmacy.sale(patient, some(DEAR, 4)).edited({ACCOUNT_USE: "2"})
    assert_done(await town.pharmacy.send(town.pharmacy.reversal(message, patient)))
    assert_refused(await town.pharmacy.send(message), "MESSAGE_REVERSED", field="msgid")
    assert await town.moves_of(donor) == []


async def test_duplicates_over_two_processes_are_booked_once(town: ServedTown) -> None:
    people = town.people(20)
    for citizen in people:
        message = town.pharmacy.sale(citizen, some(CLASS_A))
        replies = await asyncio.gather(*[town.pharmacy.send(message) for _ in range(4)])
        assert [reply.output for reply in replies] == [replies[0].output] * 4
    assert [len(await town.rows_of(citizen)) for citizen in people] == [1] * 20


async def test_address_without_transaction_reads_it_from_the_envelope(town: ServedTown) -> None:
    message = town.pharmacy.sale(town.someone(), some(CLASS_A))
    came = await town.gateway.post("/hsa/hgs", message.body, signed(message.caller))
    assert_done(read_reply(came.body))


async def in_pieces(body: bytes) -> AsyncIterator[bytes]:
    """A body whose length is not known when it begins."""
    yield body[:100]
    yield body[100:]


async def test_day_is_reconciled_with_files_over_http(town: ServedTown) -> None:
    shop = town.other_pharmacy
    sold = [await shop.sell(citizen, some(CLASS_A)) for citizen in town.people(5)]
    day = sold[0].text("setl_time")[:10]
    clerk = Clerk(shop, begin=day, end=sold[-1].text("setl_time")[:10])
    assert result(await shop.send(clerk.totals(added(sold)))) == ("0", "对账一致")
    rows = await clerk.compare([row_of(one) for one in sold[1:]], added(sold[1:]))
    assert [row[4] for row in rows] == ["0"] * 4 + ["1"]
    uploaded = await clerk.upload(zipped([]))
    assert isinstance(uploaded.output, dict)
    message = clerk.download(uploaded.output["file_qury_no"])
    came = await town.gateway.post("/hsa/hgs/9102", message.body, signed(message.caller))
    assert (came.status, came.headers["Content-Type"]) == (200, "application/zip")
    assert came.body == zipped([])
    # In pieces: not the plain case of the server, which hands it to aiohttp.
    pieces = in_pieces(message.body)
    came = await town.gateway.post("/hsa/hgs/9102", pieces, signed(message.caller))
    assert (came.headers["Content-Type"], came.body) == ("application/zip", zipped([]))


UNREADABLE = [
    # body,                              status, code
    (b"{", 400, "MALFORMED_JSON"),
    ("测试".encode("gbk"), 400, "NOT_UTF8"),
    (b"[" * 10_000 + b"]" * 10_000, 400, "TOO_DEEP"),
    (b'{"input":"' + b"x" * 2_000_000 + b'"}', 413, "BODY_TOO_LARGE"),
]


@pytest.mark.parametrize(("body", "status", "code"), UNREADABLE, ids=lambda value: str(value)[:16])
async def test_unreadable_body_has_its_status_and_a_stable_code(
    town: ServedTown, body: bytes, status: int, code: str
) -> None:
    came = await town.gateway.post("/hsa/hgs/2102", body, signed(town.pharmacy.caller))
    assert (came.status, json.loads(came.body)["err_code"]) == (status, code)


async def test_nobody_speaks_for_another_institution(town: ServedTown) -> None:
    message = town.pharmacy.sale(town.someone(), some(CLASS_A))
    with pytest.raises(NotYours) as refused:
        await town.gateway.answer("2102", message.body, town.hospital.caller)
    assert refused.value.code == "INSTITUTION_NOT_YOURS"


async def test_header_that_is_too_old_or_wrongly_signed_is_401(town: ServedTown) -> None:
    message = town.pharmacy.sale(town.someone(), some(CLASS_A))
    for headers in (
        signed(message.caller, late_seconds=3_600),
        signed(message.caller) | {"x-tif-signature": "0" * 64},
    ):
        came = await town.gateway.post("/hsa/hgs/2102", message.body, headers)
        assert came.status == 401
        assert set(json.loads(came.body)) >= {"code", "message"}


async def test_repeated_nonce_with_other_content_is_401(town: ServedTown) -> None:
    first = town.pharmacy.sale(town.someone(), some(CLASS_A))
    headers = signed(first.caller, nonce=first.msgid)
    assert (await town.gateway.post("/hsa/hgs/2102", first.body, headers)).status == 200
    assert (await town.gateway.post("/hsa/hgs/2102", first.body, headers)).status == 200
    other = town.pharmacy.sale(town.someone(), some(CLASS_A))
    assert (await town.gateway.post("/hsa/hgs/2102", other.body, headers)).status == 401


async def test_no_process_of_the_server_leaves_its_memory_in_a_file(town: ServedTown) -> None:
    """Keys and opened names are in it; nobody looks after what a crash would write."""
    limits = town.dump_limits()
    assert len(limits) >= 5, limits
    assert {tuple(limit.split()) for limit in limits.values()} == {("0", "0")}
