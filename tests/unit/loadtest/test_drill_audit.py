"""What a drill of payments calls lost, doubled or different."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from loadtest.attach import Clearing
from loadtest.drills.audit import Findings, compare
from loadtest.drills.bills import fetched_at, last_billed
from loadtest.drills.simulators import ChannelBooks
from loadtest.drills.till import Believed
from loadtest.simulators.channel_book import BookEntry, Movement

AT = datetime(2026, 11, 26, tzinfo=UTC)
ATTEMPTS = {"1": ("P1", "A"), "2": ("P1", "A"), "3": ("P1", "B")}
"""Order A has two attempts at the channel, B one."""


def moved(movement: Movement, order_no: str, fen: int) -> BookEntry:
    return BookEntry(
        seq=1, at=AT, day="2026-11-26", movement=movement, merchant_no="M", order_no=order_no,
        reference=f"R{order_no}", amount_fen=fen,
    )  # fmt: skip


def paid(order_no: str, fen: int) -> BookEntry:
    return moved(Movement.PAID, order_no, fen)


def settled(order_no: str = "A", reference: str = "R1", **more: object) -> Believed:
    said: dict[str, object] = {
        "order_no": order_no, "institution": "P1", "status": "settled", "channel": "wechat",
        "amount_fen": 500, "reference": reference, **more,
    }  # fmt: skip
    return Believed(**said)  # type: ignore[arg-type]


def refused(order_no: str = "B") -> Believed:
    return Believed(order_no=order_no, institution="P1", status="refused")


def found(
    believed: list[Believed], entries: list[BookEntry], *, kept_fen: int, to_return_fen: int = 0
) -> Findings:
    signs = {Movement.PAID: 1, Movement.UNDONE: -1, Movement.REFUNDED: -1, Movement.CLOSED: 0}
    net_fen = sum(signs[one.movement] * one.amount_fen for one in entries)
    ledger = Clearing(
        kept_fen={"wechat": kept_fen}, collecting_fen=0, to_return_fen=to_return_fen
    )
    books = {"wechat": ChannelBooks(net_fen, {}, entries, {})}
    return compare(believed, books, ATTEMPTS, ledger)


def test_books_that_agree_have_no_findings() -> None:
    entries = [paid("1", 500), paid("3", 300), moved(Movement.UNDONE, "3", 300)]
    assert found([settled(), refused()], entries, kept_fen=500).clean


def test_money_that_came_too_late_and_went_back_is_nobodys_loss() -> None:
    entries = [paid("1", 500), paid("2", 500), moved(Movement.REFUNDED, "2", 500)]
    assert found([settled()], entries, kept_fen=500).clean


def test_second_payment_of_an_order_that_stays_is_a_double_charge() -> None:
    findings = found([settled()], [paid("1", 500), paid("2", 500)], kept_fen=1_000)
    assert len(findings.doubled) == 1 and not findings.lost


@pytest.mark.parametrize("order_no", ["3", "stranger"])
def test_money_kept_of_a_refused_order_or_of_nobodys_is_a_double_charge(order_no: str) -> None:
    findings = found([refused()], [paid(order_no, 300)], kept_fen=300)
    assert len(findings.doubled) == 1


def test_acknowledged_payment_that_the_channel_does_not_know_is_lost() -> None:
    findings = found([settled()], [], kept_fen=0)
    assert len(findings.lost) == 1


def test_acknowledged_refund_that_the_channel_did_not_make_is_lost() -> None:
    findings = found([settled(returned_fen=200)], [paid("1", 500)], kept_fen=500)
    assert len(findings.lost) == 1


def test_ledger_that_is_a_fen_off_differs() -> None:
    findings = found([settled()], [paid("1", 500)], kept_fen=499)
    assert len(findings.differences) == 1 and not findings.clean


def test_refund_that_people_must_make_is_owed_by_the_ledger() -> None:
    believed = [settled(due_fen=200)]
    assert found(believed, [paid("1", 500)], kept_fen=500, to_return_fen=200).clean
    assert found(believed, [paid("1", 500)], kept_fen=500).differences


@pytest.mark.parametrize(
    "one",
    [
        Believed(order_no="A", institution="P1"),
        settled(status="unknown"),
        settled(trouble="still open after 300 s"),
    ],
)
def test_order_without_an_end_is_unresolved(one: Believed) -> None:
    assert found([one], [paid("1", 500)], kept_fen=500).unresolved


@pytest.mark.parametrize(("hour", "day"), [(22, 26), (23, 27)])
def test_what_moves_after_unionpay_s_day_is_on_the_next_day_s_bill(hour: int, day: int) -> None:
    assert last_billed(datetime(2026, 11, 26, hour, 59)) == date(2026, 11, day)


@pytest.mark.parametrize("now", [datetime(2026, 11, 27, 0, 15), datetime(2026, 11, 27, 22, 59)])
def test_bills_are_fetched_when_channels_have_made_them(now: datetime) -> None:
    fetched = fetched_at(last_billed(now))
    assert fetched.hour >= 10 and fetched.date() > now.date()
