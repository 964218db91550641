"""The hub's own book: what cases come to, folded from the outside of messages alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from loadtest.simulators.hub_book import Ended, HubBook
from loadtest.simulators.hub_faults import Fault, Faults, Plan, Rule
from protocol.hub.envelope import Amounts, Envelope, Says
from protocol.hub.messages import Kind
from tests.kit.hub import AT, INSURED, TREATED

CASE = "441900-1"
AMOUNTS = Amounts(total_fen=1200, fund_fen=500, account_fen=120)
PAIR = f"{TREATED}>{INSURED}"
NEXT_DAY = AT + timedelta(days=1)


def outside(
    kind: Kind, says: Says, *, case: str = CASE, amounts: Amounts | None = None, answers: str = ""
) -> Envelope:
    """A message between the two."""
    asked = says is Says.ASKED
    return Envelope(
        version=1, kind=kind, says=says, correlation=case or "1", case=case,
        origin=TREATED if asked else INSURED, to=INSURED if asked else TREATED, sent_at=AT,
        answers=answers, amounts=amounts, certificate="1", sealed_for="2", body="",
    )  # fmt: skip


ASK_SETTLE = outside(Kind.SETTLE, Says.ASKED, amounts=Amounts(total_fen=1200))
ASK_STATUS = outside(Kind.STATUS, Says.ASKED)
SETTLED = outside(Kind.SETTLE, Says.TOLD, amounts=AMOUNTS)
REFUSED = outside(Kind.SETTLE, Says.REFUSED)
CANCELLED = outside(Kind.CANCEL, Says.TOLD)
CANCEL_REFUSED = outside(Kind.CANCEL, Says.REFUSED)
REVERSED = outside(Kind.REVERSE, Says.TOLD)
STATUS_SETTLED = outside(Kind.STATUS, Says.TOLD, amounts=AMOUNTS, answers="d2")
STATUS_NOT = outside(Kind.STATUS, Says.TOLD, answers="d2")

STORIES = [
    # what passed, in order,                                         stands, how it ended
    ([ASK_SETTLE],                                                   False, None),
    ([ASK_SETTLE, SETTLED],                                          True,  Ended.NO),
    ([ASK_SETTLE, REFUSED],                                          False, None),
    ([ASK_SETTLE, SETTLED, SETTLED],                                 True,  Ended.NO),
    ([ASK_SETTLE, SETTLED, CANCELLED],                               False, Ended.CANCELLED),
    ([ASK_SETTLE, SETTLED, CANCEL_REFUSED],                          True,  Ended.NO),
    ([ASK_SETTLE, SETTLED, CANCELLED, SETTLED],                      False, Ended.CANCELLED),
    ([ASK_SETTLE, SETTLED, REVERSED],                                False, Ended.REVERSED),
    ([ASK_SETTLE, REVERSED, SETTLED],                                False, Ended.REVERSED),
    ([ASK_SETTLE, ASK_STATUS, STATUS_SETTLED],                       True,  Ended.NO),
    ([ASK_SETTLE, ASK_STATUS, STATUS_NOT, SETTLED],                  True,  Ended.NO),
    ([ASK_SETTLE, SETTLED, ASK_STATUS, STATUS_NOT],                  False, Ended.STATUS),
    ([ASK_SETTLE, ASK_STATUS, SETTLED, STATUS_NOT],                  True,  Ended.NO),
]  # fmt: skip


def told(book: HubBook, *passed: Envelope, at: datetime = AT) -> None:
    """These messages pass; questions have the digests d1, d2 …"""
    for one in passed:
        number = 1 + sum(entry.says is Says.ASKED for entry in book.entries)
        book.write(one, at=at, digest=f"d{number if one.says is Says.ASKED else 'x'}")


@pytest.mark.parametrize(("passed", "stands", "ended"), STORIES)
def test_case_is_what_the_answers_say(
    passed: list[Envelope], stands: bool, ended: Ended | None
) -> None:
    book = HubBook()
    told(book, *passed)
    case = book.cases.get(CASE)
    assert (case is not None and case.stands) is stands
    assert (None if case is None else case.ended) == ended


def test_totals_are_by_pair_and_day() -> None:
    book = HubBook()
    told(book, ASK_SETTLE, SETTLED)
    told(book, CANCELLED, at=NEXT_DAY)
    assert book.totals("2026-11-26") == {
        PAIR: {
            "settled_count": 1, "settled_total_fen": 1200, "settled_fund_fen": 500,
            "settled_account_fen": 120,
        }
    }  # fmt: skip
    assert book.totals()[PAIR]["taken_back_fund_fen"] == 500
    [settled], [back] = book.rows_of("2026-11-26"), book.rows_of("2026-11-27")
    assert (settled.fund_fen, settled.reversal) == (500, False)
    assert (back.fund_fen, back.account_fen, back.reversal) == (-500, -120, True)


def test_a_day_between_two_regions_comes_in_pages_by_the_numbers_of_the_entries() -> None:
    book = HubBook()
    for n in (3, 1, 2):
        told(book, outside(Kind.SETTLE, Says.TOLD, case=f"441900-{n}", amounts=AMOUNTS))
    told(book, outside(Kind.CANCEL, Says.TOLD, case="441900-1"), SETTLED, at=NEXT_DAY)

    def page(day: str, after: int = 0, limit: int = 9) -> list[tuple[int, str, int]]:
        rows = book.page(TREATED, INSURED, day, after=after, limit=limit)
        return [(row.number, row.case, row.fund_fen) for row in rows]

    assert page("2026-11-26") == [
        (1, "441900-3", 500), (2, "441900-1", 500), (3, "441900-2", 500)
    ]  # fmt: skip
    assert page("2026-11-26", limit=2) == page("2026-11-26")[:2]
    assert page("2026-11-26", after=2) == page("2026-11-26")[2:]
    assert page("2026-11-27") == [(4, "441900-1", -500)], "a case that came again is settled once"
    assert book.page(INSURED, TREATED, "2026-11-26", after=0, limit=9) == []


def test_book_goes_on_where_its_file_ends(tmp_path: Path) -> None:
    path = tmp_path / "hub.jsonl"
    book = HubBook(path)
    told(book, ASK_SETTLE, SETTLED)
    book.close()
    again = HubBook(path)
    told(again, CANCELLED)
    assert (again.cases[CASE].ended, again.entries[-1].seq) == (Ended.CANCELLED, 3)
    assert again.entries[:2] == book.entries
    again.close()


def test_seed_gives_every_question_one_fate_whatever_the_order() -> None:
    questions = [outside(Kind.SETTLE, Says.ASKED, case=f"441900-{n}") for n in range(1, 2_001)]
    plan = Plan(seed=7, share_ppm=200_000)
    fates = [Faults(plan).meet(one) for one in questions]
    backwards = Faults(plan)
    assert [backwards.meet(one) for one in reversed(questions)][::-1] == fates
    share = sum(fate is not None for fate in fates) / len(fates)
    assert 0.15 < share < 0.25
    assert {fate.fault for fate in fates if fate} == set(Fault)


def test_rule_concerns_what_it_names_and_only_so_often() -> None:
    faults = Faults(Plan(rules=(Rule(fault=Fault.BUSY, kind=Kind.SETTLE, case=CASE, times=1),)))
    assert faults.meet(ASK_STATUS) is None
    assert faults.meet(outside(Kind.SETTLE, Says.ASKED, case="441900-2")) is None
    met = faults.meet(ASK_SETTLE)
    assert met is not None and met.fault is Fault.BUSY
    assert faults.meet(ASK_SETTLE) is None
    assert faults.happened == {Fault.BUSY: 1}
