"""The parts of a simulated channel: payers' codes, faults by rule and seed, a clock, a book."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loadtest.simulators.channel_book import ChannelBook, Movement
from loadtest.simulators.channel_faults import Fault, Faults, Operation, Plan, Rule, fits
from loadtest.simulators.payer_codes import Behaviour, PayerCodes
from loadtest.simulators.virtual_clock import VirtualClock

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
CODES = PayerCodes("13", 18)


@pytest.fixture
def codes() -> PayerCodes:
    return PayerCodes("13", 18)


def test_code_says_who_shows_it_and_pays_once_within_its_minute(codes: PayerCodes) -> None:
    code = codes.make(Behaviour.USERPAYING, at=NOON, serial=7, seconds=25)
    read = codes.read(code)
    assert len(code) == 18 and code.startswith("13")
    assert read is not None and (read.behaviour, read.seconds) == (Behaviour.USERPAYING, 25)
    assert codes.take(code, at=NOON + timedelta(seconds=60)) is Behaviour.USERPAYING
    assert codes.take(code, at=NOON + timedelta(seconds=60)) is Behaviour.EXPIRED


def test_code_is_dead_after_a_minute(codes: PayerCodes) -> None:
    code = codes.make(Behaviour.OK, at=NOON, serial=1)
    assert codes.take(code, at=NOON + timedelta(seconds=61)) is Behaviour.EXPIRED


@pytest.mark.parametrize("behaviour", list(Behaviour))
def test_test_code_may_be_used_any_number_of_times(
    codes: PayerCodes, behaviour: Behaviour
) -> None:
    code = codes.test_code(behaviour)
    for day in range(3):
        assert codes.take(code, at=NOON + timedelta(days=day)) is behaviour


@pytest.mark.parametrize(
    "code", ["", "13" + "0" * 15, "131100000000000001", "28" + "1" * 16, "1300000000000000９１"]
)
def test_what_no_simulated_phone_shows_is_no_code(code: str) -> None:
    assert CODES.read(code) is None


def test_rules_are_met_in_order_and_so_many_times() -> None:
    faults = Faults()
    faults.add(
        Rule(fault=Fault.LOST_AFTER, operation=Operation.PAY, order_no="A"),
        Rule(fault=Fault.BUSY, operation=Operation.QUERY, times=2),
    )
    met = [
        faults.meet(operation, order_no)
        for operation, order_no in (
            (Operation.PAY, "B"), (Operation.PAY, "A"), (Operation.PAY, "A"),
            (Operation.QUERY, "B"), (Operation.QUERY, "B"), (Operation.QUERY, "B"),
        )
    ]  # fmt: skip
    assert [one and one.fault for one in met] == [
        None, Fault.LOST_AFTER, None, Fault.BUSY, Fault.BUSY, None,
    ]  # fmt: skip
    assert faults.happened == {Fault.LOST_AFTER: 1, Fault.BUSY: 2}


def test_seed_deals_the_same_faults_in_whatever_order_calls_come() -> None:
    numbers = [f"ORDER{n}" for n in range(2_000)]

    def dealt(order: list[str]) -> dict[str, Fault | None]:
        faults = Faults(Plan(seed=5, share_ppm=20_000))
        met = {one: faults.meet(Operation.PAY, one) for one in order}
        return {one: m.fault if m else None for one, m in met.items()}

    first, second = dealt(numbers), dealt(numbers[::-1])
    assert first == second
    hit = Counter(fault for fault in first.values() if fault)
    assert 20 <= hit.total() <= 70
    assert all(fits(fault, Operation.PAY) for fault in hit)


def test_header_asks_for_a_fault() -> None:
    met = Faults().meet(Operation.PAY, "A", asked="reset")
    assert met is not None and met.fault is Fault.RESET
    assert Faults().meet(Operation.PAY, "A", asked="nonsense") is None


async def test_standing_clock_does_what_falls_due_in_order_at_its_own_time() -> None:
    clock = VirtualClock(NOON)
    seen: list[tuple[str, datetime]] = []

    async def late() -> None:
        seen.append(("late", clock()))

    async def soon() -> None:
        seen.append(("soon", clock()))
        clock.after(5, late)

    clock.after(10, soon)
    await clock.advance(9)
    assert seen == []
    await clock.advance(10)
    assert seen == [
        ("soon", NOON + timedelta(seconds=10)), ("late", NOON + timedelta(seconds=15)),
    ]  # fmt: skip
    assert clock() == NOON + timedelta(seconds=19)


async def test_running_clock_rings_by_itself() -> None:
    clock = VirtualClock()
    before = clock()
    await clock.wait(0.01)
    assert clock() >= before + timedelta(seconds=0.01)
    await clock.advance(3600)
    assert clock() >= before + timedelta(hours=1)
    await clock.close()


def test_book_is_read_again_after_a_restart_and_sums_what_stays(tmp_path: Path) -> None:
    book = ChannelBook(tmp_path / "book")
    for movement, amount_fen in (
        (Movement.PAID, 1200), (Movement.REFUNDED, 200), (Movement.UNDONE, 300), (
            Movement.CLOSED, 0)
    ):  # fmt: skip
        book.write(
            movement, at=NOON, day="2026-11-23", merchant_no="1900000001", order_no="A",
            reference="R", amount_fen=amount_fen,
        )  # fmt: skip
    book.close()
    again = ChannelBook(tmp_path / "book")
    assert again.entries == book.entries
    assert again.totals("2026-11-23")["net_fen"] == 700
    assert again.totals("2026-11-24") == {}
    again.close()
