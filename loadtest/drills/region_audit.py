"""Holds four books against each other: the counters', two ledgers, and the hub's own. Pure.

Nothing that a counter was told is gone, nothing stands that no counter has, nothing is open, and
what either region owes the other is the same in both ledgers and at the hub, to the fen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import permutations

from loadtest.attach import RegionBalance
from loadtest.drills.audit import Findings
from loadtest.drills.away_counter import Believed
from loadtest.drills.hub_director import HubSays
from loadtest.simulators.hub_book import HubCase

OWED = {"fund": ("1122.11", "2202.11"), "account": ("1122.12", "2202.12")}
"""Receivable where somebody was treated, payable where they are insured."""
_HUB_ROWS = re.compile(r"平台 [0-9]+ 笔")
_VERDICTS = ("settled", "refused", "cancelled", "reversed")
Ledgers = Mapping[str, Mapping[str, RegionBalance]]
"""By region and code of the account."""


def compare(believed: Sequence[Believed], hub: HubSays, ledgers: Ledgers) -> Findings:
    """What does not fit."""
    findings = Findings()
    cases = {one.case: one for one in hub.cases}
    for one in believed:
        _counter_is_right(one, cases, findings)
    standing = {one.case for one in believed if one.stands}
    for case in hub.cases:
        if case.stands and case.case not in standing:
            findings.doubled.append(f"{case.case} stands at the hub, and at no counter")
    for treated, insured in permutations(ledgers, 2):
        for what in OWED:
            _owed_is_equal(what, treated, insured, believed, hub, ledgers, findings)
    return findings


def three_ways(said: str) -> str:
    """What does not fit in what `settlement reconcile-regions --day` says; empty where both regions
    and the hub, which was asked over the wire, agree on every row."""
    rows = _HUB_ROWS.search(said)
    if rows is None:
        return f"the hub's rows were not there: {said}"
    return "" if "everything agrees" in said else f"rows of a day differ: {said}"


def _counter_is_right(
    one: Believed, cases: Mapping[str, HubCase], findings: Findings
) -> None:
    """What a counter was told is what the hub passed on."""
    if one.trouble or one.status not in _VERDICTS:
        findings.unresolved.append(f"{one.number}: {one.trouble or one.status}")
    if not one.stands:
        return
    case = cases.get(one.case)
    if case is None or case.amounts is None or not case.stands:
        findings.lost.append(f"{one.number}: {one.case} does not stand at the hub")
        return
    told = one.total_fen, one.fund_fen, one.account_fen
    passed = case.amounts.total_fen, case.amounts.fund_fen, case.amounts.account_fen
    if told != passed:
        findings.lost.append(f"{one.number}: {one.case}: told {told}, the hub passed {passed}")


def _owed_is_equal(
    what: str, treated: str, insured: str, believed: Sequence[Believed], hub: HubSays,
    ledgers: Ledgers, findings: Findings,
) -> None:  # fmt: skip
    counters = sum(
        one.fund_fen if what == "fund" else one.account_fen
        for one in believed
        if one.stands and one.treated == treated
    )
    by_book = owed_by_book(what, treated, insured, counters, hub, ledgers)
    if len(set(by_book.values())) > 1:
        shown = ", ".join(f"{book} {fen}" for book, fen in by_book.items())
        findings.differences.append(f"{what}s that {insured} owes {treated}, in fen: {shown}")
    there, here = _accounts(what, treated, insured, ledgers)
    if there.held_fen or here.held_fen:
        findings.unresolved.append(f"{treated} holds {there.held_fen} fen for {insured}")


def owed_by_book(
    what: str, treated: str, insured: str, counters_fen: int, hub: HubSays, ledgers: Ledgers
) -> dict[str, int]:
    """What each book says that a region of insurance owes, of its funds or of accounts, in fen."""
    there, here = _accounts(what, treated, insured, ledgers)
    counted = hub.totals.get(f"{treated}>{insured}", {})
    return {
        "counters": counters_fen,
        f"ledger of {treated}": there.balance_fen,
        f"ledger of {insured}": here.balance_fen,
        "hub": counted.get(f"settled_{what}_fen", 0) - counted.get(f"taken_back_{what}_fen", 0),
    }


def _accounts(
    what: str, treated: str, insured: str, ledgers: Ledgers
) -> tuple[RegionBalance, RegionBalance]:
    """The receivable where somebody was treated, the payable where they are insured."""
    receivable, payable = OWED[what]
    nothing = RegionBalance(balance_fen=0, held_fen=0)
    return (
        ledgers[treated].get(f"{receivable}.{insured}", nothing),
        ledgers[insured].get(f"{payable}.{treated}", nothing),
    )
