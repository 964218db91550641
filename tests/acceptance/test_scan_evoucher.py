"""Scan-to-pay with a 医保码 as person code: decoded at the (simulated) centre, over HTTP.

A code is good for once; whom it named is remembered for its order, and for no other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio

from loadtest.simulators.channel_faults import Fault, Plan, Rule
from loadtest.simulators.voucher_codes import FACE, PARTNER, SOCIAL_CARD, Decoding
from protocol.scan import ScanReply
from settlement.policy.loader import parse_policies, shipped_files
from settlement.serve.service import Service
from tests.kit import population
from tests.kit.population import CLASS_A, CLASS_C, DEAR, Citizen
from tests.kit.scanner import Scanner, leg, pending_fen
from tests.kit.till import OTHER_WALLET, WALLET, Play
from tests.kit.town import Town
from tests.kit.vouchers import Centre, a_centre

pytestmark = pytest.mark.asyncio(loop_scope="module")

EMPLOYEES = "dongguan-demo-employee.toml"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def centre(
    town: Town, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Centre]:
    """Decodes for the town."""
    folder: Path = tmp_path_factory.mktemp("centre")
    async with a_centre(town, folder) as centre:
        yield centre


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def processes(town: Town, centre: Centre) -> list[Service]:
    """Two processes that ask it."""
    return [await centre.process() for _ in range(2)]


@pytest_asyncio.fixture(loop_scope="module")
async def scanner(
    town: Town, centre: Centre, processes: list[Service]
) -> AsyncIterator[Scanner]:
    """The pharmacy's; faults are mended, and nothing stays held."""
    yield Scanner(population.PHARMACY, processes[0])
    centre.mend()
    await centre.pass_by(300, by=processes[0])
    assert await pending_fen(town) == 0


def an_order(
    scanner: Scanner, whom: Citizen, code: str, *, pay_code: str = WALLET, quantity: int = 3
) -> dict[str, object]:
    """Of medicine of which the fund pays a part."""
    order = scanner.order(whom, DEAR, quantity, pay_code=pay_code)
    return {**order, "person_code": code}


def asked(centre: Centre) -> int:
    """How many codes the centre has decoded."""
    return len(centre.decoder.handed)


def refusal(reply: ScanReply) -> tuple[str, str, str]:
    """Status, code and field of a refusal."""
    return reply.status, str(reply.err_code), str(reply.err_field)


@pytest.mark.parametrize("prefix", ["424", PARTNER, FACE, SOCIAL_CARD])
async def test_code_names_the_person_and_a_wallet_pays_the_rest(
    town: Town, centre: Centre, scanner: Scanner, prefix: str
) -> None:
    buyer = town.someone()
    reply = await scanner.scan(an_order(scanner, buyer, centre.code(buyer, prefix=prefix)))
    assert reply.status == "settled", reply
    assert reply.split
    assert leg(reply, "wechat") == (reply.split.psn_cash_pay, "paid")
    handed = centre.decoder.handed[-1]
    assert (handed.institution, handed.business) == (population.PHARMACY.code, "02121")
    kinds = await town.owner.fetch(
        "select s.credential_type from settlement.settlement s where s.setl_id = $1",
        int(str(reply.settlement_id)),
    )
    assert [row["credential_type"] for row in kinds] == ["03" if prefix == SOCIAL_CARD else "01"]


async def test_province_in_the_code_is_kept_with_the_settlement(
    town: Town, centre: Centre, scanner: Scanner
) -> None:
    buyer = town.someone()
    order = an_order(scanner, buyer, centre.code(buyer, province="13"))
    reply = await scanner.scan(order)
    detail = await town.detail_of_number(int(str(reply.settlement_id)))
    assert '"code_province":"13"' in detail.replace(": ", ":")
    assert str(order["person_code"]) not in detail


async def test_code_that_was_shown_first_is_still_good_when_the_wallet_follows(
    town: Town, centre: Centre, scanner: Scanner
) -> None:
    buyer = town.someone()
    order = an_order(scanner, buyer, centre.code(buyer), pay_code="")
    waiting = await scanner.scan(order)
    assert waiting.status == "payer_action"
    assert "请出示付款码" in waiting.message
    before = asked(centre)
    town.clock.pass_by(timedelta(seconds=60))
    paid = await scanner.scan({**order, "pay_code": WALLET})
    assert paid.status == "settled"
    assert asked(centre) == before


async def test_order_is_sent_again_after_its_answer_was_lost(
    town: Town, centre: Centre, scanner: Scanner, processes: list[Service]
) -> None:
    buyer = town.someone()
    order = an_order(scanner, buyer, centre.code(buyer))
    first = await scanner.scan(order)
    before = asked(centre)
    again = await Scanner(population.PHARMACY, processes[1]).scan(order)
    assert (again.status, again.replayed) == ("settled", True)
    assert again.settlement_id == first.settlement_id
    assert asked(centre) == before


async def test_order_is_told_with_a_fresh_code_of_the_same_person(
    town: Town, centre: Centre, scanner: Scanner
) -> None:
    buyer = town.someone()
    order = an_order(scanner, buyer, centre.code(buyer))
    first = await scanner.scan(order)
    again = await scanner.scan({**order, "person_code": centre.code(buyer)})
    assert (again.replayed, again.settlement_id) == (True, first.settlement_id)
    other = await scanner.scan({**order, "person_code": centre.code(town.someone())})
    assert refusal(other) == ("refused", "ORDER_CONFLICT", "order_no")


async def test_token_dies_with_its_time(town: Town, centre: Centre, scanner: Scanner) -> None:
    buyer = town.someone()
    order = an_order(scanner, buyer, centre.code(buyer), pay_code="")
    await scanner.scan(order)
    town.clock.pass_by(timedelta(seconds=301))
    late = await scanner.scan({**order, "pay_code": WALLET})
    assert refusal(late) == ("refused", "TOKEN_EXPIRED", "person_code")
    fresh = {**order, "pay_code": WALLET, "person_code": centre.code(buyer)}
    assert (await scanner.scan(fresh)).status == "settled"


async def test_code_is_good_for_one_order(town: Town, centre: Centre, scanner: Scanner) -> None:
    buyer = town.someone()
    code = centre.code(buyer)
    assert (await scanner.scan(an_order(scanner, buyer, code))).status == "settled"
    second = await scanner.scan(an_order(scanner, buyer, code))
    assert refusal(second) == ("payer_action", "PERSON_CODE_USED", "person_code")
    assert second.retry == "never"


async def test_code_is_good_at_the_institution_that_scanned_it(
    town: Town, centre: Centre, scanner: Scanner, processes: list[Service]
) -> None:
    buyer = town.someone()
    order = an_order(scanner, buyer, centre.code(buyer), pay_code="")
    await scanner.scan(order)
    elsewhere = await Scanner(population.OTHER_PHARMACY, processes[0]).scan(order)
    assert refusal(elsewhere) == ("payer_action", "PERSON_CODE_USED", "person_code")


async def test_test_code_is_good_as_often_as_one_likes(
    town: Town, centre: Centre, scanner: Scanner
) -> None:
    buyer = town.someone()
    code = centre.lasting_code(buyer)
    for _ in range(3):
        town.clock.tick()
        assert (await scanner.scan(an_order(scanner, buyer, code))).status == "settled"


@pytest.mark.parametrize(
    ("decoding", "status", "code", "retry"),
    [
        (Decoding.EXPIRED,     "payer_action", "PERSON_CODE_EXPIRED",   "never"),
        (Decoding.NOT_ONE,     "refused",      "PERSON_CODE_INVALID",   "never"),
        (Decoding.ELSEWHERE,   "refused",      "PERSON_CODE_ELSEWHERE", "never"),
        (Decoding.BROKEN,      "refused",      "PERSON_CODE_UNDECODED", "later"),
        (Decoding.LOST_ANSWER, "refused",      "PERSON_CODE_UNDECODED", "later"),
    ],
)  # fmt: skip
async def test_code_that_says_nothing_charges_nothing(
    town: Town, centre: Centre, scanner: Scanner, decoding: Decoding, status: str, code: str,
    retry: str,
) -> None:  # fmt: skip
    buyer = town.borrowed()
    calls = len(town.channels.wechat.book.calls)
    order = an_order(scanner, buyer, centre.code(buyer, decoding=decoding))
    refused = await scanner.scan(order)
    assert refusal(refused) == (status, code, "person_code")
    assert refused.retry == retry
    assert len(town.channels.wechat.book.calls) == calls
    assert (await scanner.find(order["order_no"])).err_code == "ORDER_UNKNOWN"


@pytest.mark.parametrize(
    "fault",
    [
        Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.HTML_BEFORE, Fault.HTML_AFTER, Fault.BUSY,
        Fault.RATE_LIMITED, Fault.RESET, Fault.DRIP, Fault.ANSWERS_LATE, Fault.NOT_JSON,
    ],
)  # fmt: skip
async def test_decoder_that_fails_is_never_a_guess(
    town: Town, centre: Centre, scanner: Scanner, fault: Fault
) -> None:
    centre.decoder.faults.replace(Plan(rules=(Rule(fault=fault),)))
    buyer = town.someone()
    order = an_order(scanner, buyer, centre.code(buyer))
    refused = await scanner.scan(order)
    assert refusal(refused) == ("refused", "PERSON_CODE_UNDECODED", "person_code")
    assert refused.retry == "later"
    fresh = {**order, "person_code": centre.code(buyer)}
    assert (await scanner.scan(fresh)).status == "settled"


async def test_order_that_stands_is_told_though_its_code_is_not_decoded(
    town: Town, centre: Centre, scanner: Scanner
) -> None:
    buyer = town.someone()
    town.channels.wechat.plays.append(Play.CONFIRM)
    order = an_order(scanner, buyer, centre.code(buyer))
    assert (await scanner.scan(order)).status == "payer_action"
    undecoded = {**order, "person_code": centre.code(buyer, decoding=Decoding.BROKEN)}
    assert (await scanner.scan(undecoded)).status == "payer_action"
    other = scanner.order(buyer, DEAR, 4, pay_code=WALLET)
    conflict = await scanner.scan({**undecoded, "lines": other["lines"]})
    assert refusal(conflict) == ("refused", "ORDER_CONFLICT", "order_no")


@pytest.mark.parametrize("rounds", range(6))
async def test_same_order_at_several_processes_at_once_is_one_order(
    town: Town, centre: Centre, scanner: Scanner, processes: list[Service], rounds: int
) -> None:
    buyer = town.someone()
    order = an_order(scanner, buyer, centre.code(buyer))
    scanners = [Scanner(population.PHARMACY, one) for one in (*processes, *processes)]
    calls = town.channels.wechat.book.calls.count("pay")
    replies = await asyncio.gather(*(one.scan(order) for one in scanners))
    assert town.channels.wechat.book.calls.count("pay") == calls + 1
    # Who asked the centre a moment later may hear that the code is used, and to show a fresh one
    # under the same number; nobody is told that there is no order.
    assert {one.status for one in replies} <= {"settled", "unknown", "payer_action"}
    fresh = await scanner.scan({**order, "person_code": centre.code(buyer)})
    assert (fresh.status, fresh.replayed) == ("settled", True)


async def test_poor_wallet_is_followed_by_another_under_the_same_code(
    town: Town, centre: Centre, scanner: Scanner
) -> None:
    buyer = town.someone()
    town.channels.wechat.plays.append(Play.POOR)
    order = {**an_order(scanner, buyer, centre.code(buyer)), "allow_second_code": True}
    assert (await scanner.scan(order)).status == "payer_action"
    paid = await scanner.scan({**order, "pay_code": OTHER_WALLET})
    assert leg(paid, "alipay")[1] == "paid"


async def test_nothing_left_to_collect_needs_no_wallet(
    town: Town, centre: Centre, scanner: Scanner
) -> None:
    buyer = town.someone()
    order = {**scanner.order(buyer, CLASS_A, 1), "person_code": centre.code(buyer)}
    reply = await scanner.scan(order)
    assert reply.status == "settled", reply
    assert reply.split
    assert Decimal(reply.split.psn_cash_pay) == 0


async def test_order_of_one_code_is_taken_back_without_it(
    town: Town, centre: Centre, scanner: Scanner
) -> None:
    buyer = town.someone()
    order = an_order(scanner, buyer, centre.code(buyer))
    await scanner.scan(order)
    town.clock.pass_by(timedelta(hours=1))
    back = await scanner.refund(
        order["order_no"], "RV1", lines=[{"feedetl_sn": "1", "cnt": 1}]
    )
    assert back.status == "refunded", back


async def test_codes_for_paying_are_told_from_those_of_people(
    town: Town, centre: Centre, scanner: Scanner
) -> None:
    buyer = town.borrowed()
    for code, refused in (
        (centre.code(buyer, prefix=SOCIAL_CARD), "PAY_CODE_IS_PERSON"),
        (buyer.patient.person.certno[:-1] + "X", "PAY_CODE_UNKNOWN"),
        ("999999198001010011", "PAY_CODE_IS_PERSON"),
    ):
        plain = await scanner.scan(scanner.order(None, CLASS_C, 1, pay_code=code))
        assert (plain.status, plain.err_code) == ("refused", refused)


async def test_policy_says_whether_a_number_alone_spends_the_account(
    town: Town, centre: Centre
) -> None:
    files = shipped_files()
    every = b'credential_types = ["01", "02", "03"]'
    assert files[EMPLOYEES].count(every) == 1
    files[EMPLOYEES] = files[EMPLOYEES].replace(every, b'credential_types = ["01", "03"]')
    process = await centre.process(policies=parse_policies(files))
    counter = Scanner(population.PHARMACY, process)
    buyer = town.someone()
    order = counter.order(buyer, CLASS_A, 1)
    by_number = await counter.scan(order)
    assert by_number.status == "payer_action", by_number
    assert not leg(by_number, "account")[0]
    by_code = await counter.scan({**order, "person_code": centre.code(buyer)})
    assert (by_code.status, leg(by_code, "account")[1]) == ("settled", "paid")


async def test_no_code_is_logged_or_stored_whole(
    town: Town, centre: Centre, scanner: Scanner, caplog: pytest.LogCaptureFixture
) -> None:
    buyer = town.someone()
    codes = [centre.code(buyer), centre.code(buyer, decoding=Decoding.BROKEN)]
    with caplog.at_level(logging.DEBUG):
        for code in codes:
            await scanner.scan(an_order(scanner, buyer, code))
    said = " ".join(str(vars(record)) for record in caplog.records if record.name != "aiohttp")
    for code in codes:
        assert code not in said
    token = centre.decoder.handed[-1].token
    assert token not in said
    rows = await town.owner.fetch(
        "select t.*::text as row from settlement.token t"
        " union all select o.*::text from settlement.pay_order o"
    )
    assert not any(code in row["row"] or token in row["row"] for row in rows for code in codes)


async def test_without_a_decoder_a_code_says_nothing(town: Town, centre: Centre) -> None:
    buyer = town.borrowed()
    alone = Scanner(population.PHARMACY, town.service)
    refused = await alone.scan(an_order(alone, buyer, centre.code(buyer)))
    assert refusal(refused) == ("refused", "PERSON_CODE_NO_DECODER", "person_code")
