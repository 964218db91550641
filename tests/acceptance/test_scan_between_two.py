"""Scan-to-pay of somebody insured in the other of two real regions, over the simulated hub: both
ledgers have it in the end, or neither.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime

import pytest
import pytest_asyncio

from loadtest.simulators.hub_faults import Fault, Faults, Plan, Rule
from protocol.hub.messages import Kind
from settlement.chart import RegionAccount
from settlement.embedded.services import Services
from settlement.serve.regional_asking import Wanted, compare_over_line
from settlement.serve.regional_books import open_books
from settlement.who import Who
from tests.kit.pair import OTHER, OURS, Pair, a_pair
from tests.kit.population import CLASS_B, Citizen
from tests.kit.scanner import Scanner, leg, pending_fen
from tests.kit.till import WALLET, Play

HERE, HOME = OTHER, OURS
"""Where it is sold, and where the buyer is insured: its policy pays for what pharmacies sell."""
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(services: Services) -> AsyncIterator[Pair]:
    """Both; the books of both are checked in the end."""
    async with a_pair(
        services, begins=datetime(2026, 11, 23, 9), faults=Faults(), ahead_seconds=(0.0, 40.0)
    ) as pair:
        yield pair
        assert await pending_fen(pair.towns[HERE]) == 0
        assert await owed_fen(pair) == await owes_fen(pair)


async def owed_fen(pair: Pair) -> int:
    """What their region owes, by the books of where it was sold."""
    accounts = RegionAccount.RECEIVABLE_FUNDS, RegionAccount.RECEIVABLE_ACCOUNTS
    return -sum([await pair.credit_fen(HERE, one) for one in accounts])


async def owes_fen(pair: Pair) -> int:
    """The same by its own books."""
    accounts = RegionAccount.PAYABLE_FUNDS, RegionAccount.PAYABLE_ACCOUNTS
    return sum([await pair.credit_fen(HOME, one) for one in accounts])


def a_guest(pair: Pair, number: int) -> tuple[Citizen, Scanner, dict[str, object]]:
    """Somebody from the other region in a pharmacy."""
    town = pair.towns[HERE]
    guest = pair.towns[HOME].people(number + 1)[number]
    scanner = Scanner(town.place.institutions[0], town.service)
    order = scanner.order(
        None, CLASS_B, 10, pay_code=WALLET, person_code=guest.patient.person.certno,
        insuplc_admdvs=HOME, acct_used_flag="0",
    )  # fmt: skip
    return guest, scanner, order


async def test_sale_and_its_refund_are_in_both_ledgers(pair: Pair) -> None:
    guest, scanner, order = a_guest(pair, 0)
    reply = await scanner.scan(order)
    assert (reply.status, leg(reply, "wechat")[1]) == ("settled", "paid"), reply
    assert await owed_fen(pair) == await owes_fen(pair) > 0
    back = await scanner.refund(order["order_no"], "BACK-B1")
    assert back.status == "refunded", back
    assert await owed_fen(pair) == await owes_fen(pair) == 0
    assert [row["kind"] for row in await pair.towns[HOME].rows_of(guest)] == [1, 2]


async def test_poor_wallet_leaves_nothing_in_either_ledger(pair: Pair) -> None:
    guest, scanner, order = a_guest(pair, 1)
    pair.towns[HERE].channels.wechat.plays.append(Play.POOR)
    reply = await scanner.scan(order)
    assert (reply.status, leg(reply, "fund")[1]) == ("refused", "undone"), reply
    assert await owed_fen(pair) == await owes_fen(pair) == 0
    assert [row["kind"] for row in await pair.towns[HOME].rows_of(guest)] == [1, 3]


async def test_answer_that_the_hub_lost_is_heard_of_later(pair: Pair) -> None:
    _, scanner, order = a_guest(pair, 2)
    pair.hub.faults.replace(Plan(rules=(Rule(fault=Fault.LOST_AFTER, kind=Kind.SETTLE),)))
    assert (await scanner.scan(order)).status == "unknown"
    pair.hub.faults.replace(Plan())
    await pair.advance(13)
    assert (await scanner.find(order["order_no"])).status == "payer_action"
    assert (await scanner.scan(order)).status == "settled"
    assert await owed_fen(pair) == await owes_fen(pair) > 0




async def test_day_agrees_with_what_the_other_region_tells(pair: Pair) -> None:
    """One that stands, one that was taken back, and one that nobody paid."""
    town = pair.towns[HERE]
    for number, play in ((3, Play.PAID), (4, Play.PAID), (5, Play.POOR)):
        _, scanner, order = a_guest(pair, number)
        town.channels.wechat.plays.append(play)
        await scanner.scan(order)
        if number == 4:
            assert (await scanner.refund(order["order_no"], "BACK-B2")).status == "refunded"
    rows = await town.owner.fetchval("select count(*) from settlement.insured_elsewhere")
    assert rows >= 5
    books = await open_books(town.owner, clock=town.clock)
    said = await compare_over_line(
        books, pair.regions[HERE].line, Wanted(day=date(2026, 11, 23), region=HOME),
        Who(actor="陈会计", reason="日对账"),
    )  # fmt: skip
    assert said.status == 0, said.text
    assert "全部一致" in said.text, said.text
    assert f"一致 {rows} 笔" in said.text, said.text
