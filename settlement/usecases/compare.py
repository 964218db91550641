"""What a new policy would have done to claims that were settled (政策对比测算).

Each claim is computed again under both policies, from its stored case. A person's claims are taken
in their order: what one policy adds to the year or takes from the account differs from what was
booked, and that difference follows the person to their next claim. Nothing is written.
"""

from __future__ import annotations

import heapq

from msgspec import Struct, structs

from settlement.benefit import Benefit, adjudicate
from settlement.case import Case
from settlement.person import YearToDate
from settlement.policy.model import AmountField, Policy

LOSERS_SHOWN = 10


class Sums(Struct, kw_only=True):
    """What one policy pays for all claims compared, in fen."""

    funds: dict[str, int] = {}
    """by national amount field"""
    fund_fen: int = 0
    account_fen: int = 0
    cash_fen: int = 0

    def add(self, benefit: Benefit) -> None:
        """Count one claim."""
        for field, amount_fen in benefit.by_amount_field().items():
            self.funds[field] = self.funds.get(field, 0) + amount_fen
        self.fund_fen += benefit.fund_fen
        self.account_fen += benefit.account_fen
        self.cash_fen += benefit.cash_fen


class Change(Struct, frozen=True, kw_only=True, order=True):
    """What changes for one person: positive is more to pay, by account and cash."""

    more_fen: int
    person_no: str
    before_fen: int
    after_fen: int
    claims: int


class Settled(Struct, frozen=True, kw_only=True, gc=False):
    """A claim as it was settled: its case, and what it added and took."""

    person_no: str
    case: Case
    increments: dict[str, int]
    account_fen: int
    """of the own account"""


class Comparison:
    """Two policies over the same claims; feed `add` person by person, then `finish`."""

    def __init__(self, old: Policy, new: Policy) -> None:
        self.old, self.new = old, new
        self.before, self.after = Sums(), Sums()
        self.claims = self.changed_claims = 0
        self.persons = self.changed_persons = 0
        self.losing_persons = 0
        self.not_covered = 0
        """claims that one of the two has no rules for: they are in no sum"""
        self._courses = _Course(old), _Course(new)
        self._person_no = ""
        self._person_before = self._person_after = self._person_claims = 0
        self._losers: list[Change] = []

    def add(self, settled: Settled) -> None:
        """One more claim; those of a person come together, in the order of their settlement."""
        if settled.person_no != self._person_no:
            self.finish()
            self._person_no = settled.person_no
            self._courses = _Course(self.old), _Course(self.new)
        before, after = (course.decide(settled) for course in self._courses)
        if before is None or after is None:
            self.not_covered += 1
            return
        self.claims += 1
        self.before.add(before)
        self.after.add(after)
        self._person_claims += 1
        self._person_before += before.person_fen
        self._person_after += after.person_fen
        if before.by_amount_field() != after.by_amount_field():
            self.changed_claims += 1

    def finish(self) -> None:
        """The last person's claims are all there."""
        if self._person_claims:
            self.persons += 1
            more_fen = self._person_after - self._person_before
            self.changed_persons += more_fen != 0
            self.losing_persons += more_fen > 0
            if more_fen > 0:
                self._remember(more_fen)
        self._person_before = self._person_after = self._person_claims = 0

    def losers(self) -> list[Change]:
        """Who would pay most more, the most first."""
        return sorted(self._losers, reverse=True)

    def _remember(self, more_fen: int) -> None:
        change = Change(
            more_fen=more_fen, person_no=self._person_no, before_fen=self._person_before,
            after_fen=self._person_after, claims=self._person_claims,
        )  # fmt: skip
        if len(self._losers) < LOSERS_SHOWN:
            heapq.heappush(self._losers, change)
        else:
            heapq.heappushpop(self._losers, change)


class _Course:
    """One person's claims under one policy, each on what the earlier ones left."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._drift: dict[tuple[int, str], int] = {}
        """by year and accumulator: how far this policy's count is from what was booked"""
        self._spent_more_fen = 0

    def decide(self, settled: Settled) -> Benefit | None:
        """Compute one claim; None where the policy has no rules for it."""
        policy, case = self._policy, settled.case
        entitlement = case.entitlement
        category = policy.category(entitlement.person_type)
        if category is None or entitlement.care_type not in policy.care:
            return None
        year = policy.fiscal_year(entitlement.ruling_on)
        counted = dict(case.year_to_date.values)
        for (of_year, name), fen in self._drift.items():
            if of_year == year:
                counted[name] = counted.get(name, 0) + fen
        balance_fen = max(case.account_balance_fen - self._spent_more_fen, 0)
        benefit = adjudicate(
            structs.replace(
                case,
                entitlement=structs.replace(entitlement, category=category),
                year_to_date=YearToDate(year=year, values=counted),
                account_balance_fen=balance_fen,
            ),
            policy,
        )
        for name in benefit.increments.keys() | settled.increments.keys():
            more_fen = benefit.increments.get(name, 0) - settled.increments.get(name, 0)
            if more_fen:
                self._drift[year, name] = self._drift.get((year, name), 0) + more_fen
        own_fen = benefit.account_fen - benefit.family_account_fen
        self._spent_more_fen += own_fen - settled.account_fen
        return benefit


FUND_TITLES = {
    AmountField.POOL: "统筹基金 pool",
    AmountField.CRITICAL_ILLNESS: "大病保险 critical illness",
    AmountField.LARGE_AMOUNT: "大额补助 large amount",
    AmountField.CIVIL_SERVANT: "公务员补助 civil servant",
    AmountField.ENTERPRISE: "企业补充 enterprise",
    AmountField.MEDICAL_AID: "医疗救助 medical aid",
    AmountField.DISABLED_VETERANS: "伤残军人 veterans",
    AmountField.OTHER: "其他 other",
}
"""What the table of a comparison calls the funds."""
