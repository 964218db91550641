"""What a drill between regions calls lost, doubled, unresolved or different."""

from __future__ import annotations

import pytest

from loadtest.attach import RegionBalance
from loadtest.drills.audit import Findings
from loadtest.drills.away_counter import Believed
from loadtest.drills.hub_director import HubSays
from loadtest.drills.region_audit import compare, three_ways
from loadtest.simulators.hub_book import Ended, HubCase
from protocol.hub.envelope import Amounts

THERE, HOME = "611000", "441900"
FUND, ACCOUNT = 700, 200


def settled(setl_id: str = "1", **more: object) -> Believed:
    said: dict[str, object] = {
        "number": 1, "treated": THERE, "insured": HOME, "status": "settled", "setl_id": setl_id,
        "total_fen": 1_000, "fund_fen": FUND, "account_fen": ACCOUNT, **more,
    }  # fmt: skip
    return Believed(**said)  # type: ignore[arg-type]


def passed(setl_id: str = "1", *, fund_fen: int = FUND, ended: Ended = Ended.NO) -> HubCase:
    return HubCase(
        case=f"{THERE}-{setl_id}", treated=THERE, insured=HOME, ended=ended,
        amounts=Amounts(total_fen=1_000, fund_fen=fund_fen, account_fen=ACCOUNT),
    )  # fmt: skip


def found(
    believed: list[Believed], cases: list[HubCase], *, owed_fen: int, held_fen: int = 0
) -> Findings:
    """With `owed_fen` of funds in both ledgers and at the hub, and as many accounts as stand."""
    accounts_fen = ACCOUNT * sum(one.stands for one in believed)
    hub = {f"{THERE}>{HOME}": {"settled_fund_fen": owed_fen, "settled_account_fen": accounts_fen}}
    ledgers = {
        THERE: {
            f"1122.11.{HOME}": RegionBalance(balance_fen=owed_fen, held_fen=held_fen),
            f"1122.12.{HOME}": RegionBalance(balance_fen=accounts_fen, held_fen=0),
        },
        HOME: {
            f"2202.11.{THERE}": RegionBalance(balance_fen=owed_fen, held_fen=0),
            f"2202.12.{THERE}": RegionBalance(balance_fen=accounts_fen, held_fen=0),
        },
    }
    return compare(believed, HubSays(hub, cases), ledgers)


def test_books_that_agree_have_no_findings() -> None:
    assert found([settled()], [passed()], owed_fen=FUND).clean


def test_what_a_counter_was_told_and_the_hub_does_not_have_is_lost() -> None:
    assert len(found([settled()], [], owed_fen=FUND).lost) == 1
    assert len(found([settled()], [passed(ended=Ended.REVERSED)], owed_fen=FUND).lost) == 1
    assert len(found([settled()], [passed(fund_fen=FUND - 1)], owed_fen=FUND).lost) == 1


def test_what_stands_and_no_counter_has_is_doubled() -> None:
    findings = found([settled()], [passed(), passed("2")], owed_fen=FUND)
    assert len(findings.doubled) == 1
    given_up = settled(status="reversed")
    assert len(found([given_up], [passed()], owed_fen=0).doubled) == 1


def test_one_fen_between_the_counters_and_the_ledgers_is_a_difference() -> None:
    findings = found([settled()], [passed()], owed_fen=FUND + 1)
    assert len(findings.differences) == 1
    assert "counters 700" in findings.differences[0]


def test_what_is_open_or_held_is_unresolved() -> None:
    assert len(found([settled(status="open")], [], owed_fen=0).unresolved) == 1
    assert len(found([settled(trouble="odd")], [passed()], owed_fen=FUND).unresolved) == 1
    assert len(found([settled()], [passed()], owed_fen=FUND, held_fen=5).unresolved) == 1


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("对方 1 笔 7.00 元，平台 1 笔 7.00 元\n  全部一致 | everything agrees", ""),
        ("对方 1 笔 7.00 元，平台 未取，两方对账\n  全部一致 | everything agrees", "not there"),
        ("对方 1 笔 7.00 元，平台 1 笔 6.00 元\n  差异 1 项已列入清单", "differ"),
        ("对方没有得到清单", "not there"),
    ],
)
def test_days_are_compared_with_what_the_hub_itself_says(said: str, why: str) -> None:
    assert (why in three_ways(said)) if why else three_ways(said) == ""
