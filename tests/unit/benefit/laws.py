"""Laws that a benefit keeps under any policy, and random cases to try them on.

Every law raises AssertionError where it is broken. The generator takes any `random.Random`, so that
hypothesis can drive it (and shrink what it finds) and a plain seeded one can be fast: see
test_policy_properties.py and tests/property_run.py.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from random import Random
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from ledger.money import BASIS_POINTS
from settlement.benefit import (
    Benefit,
    FamilyPayment,
    adjudicate,
    negative_of,
    payable_by_family,
)
from settlement.case import Case, FamilyAccount, Stay
from settlement.claim import AccountUse, ClaimLine
from settlement.entitlement import Entitlement
from settlement.explanation import Closure
from settlement.person import YearToDate
from settlement.policy.model import CareRules, DeductibleRule, FundKind, Policy, ShareRule
from settlement.policy.plan import FirstOff, Plan, Share, read
from settlement.policy.table import FILINGS, LEVELS, Facts
from settlement.pricing import LineTotals, price, totals_of
from settlement.refusal import Refusal
from tests.unit.benefit.builders import DONGGUAN, ON, a_catalogue, a_claim, an_institution, an_item
from tests.unit.benefit.contrived import contrived
from tests.unit.benefit.shipped import NAMED

_Value = TypeVar("_Value")
POLICIES: Mapping[str, Policy] = {**NAMED, "contrived": contrived()}
"""Every shipped policy, and one that uses what they do not"""
YEAR = ON.year
AMOUNT_MAX = 200_000_000
"""2 million yuan: above every bracket and cap that is shipped"""
_LEVELS = (*LEVELS, "9", "")
_PLACES = ("local", "local", "local", "in_province", "outside")
_USES = (AccountUse.NONE, AccountUse.OWN, AccountUse.FAMILY)
_ENCODER, _DECODER = msgspec.json.Encoder(), msgspec.json.Decoder(Case)
_CATALOGUE = a_catalogue(
    an_item("CLASSA"),
    an_item("CLASSB", item_class="02", self_pay_bp=500),
    an_item("IMPLANT", item_class="02", self_pay_bp=5_000, ceiling_e6={"1": 2_000_000_000}),
    an_item("CLASSC", item_class="03", self_pay_bp=10_000),
)
_RELATIVES = tuple(
    FamilyAccount(person_no=f"T{place}", relation=relation, balance_fen=balance_fen)
    for place, (relation, balance_fen) in enumerate(
        (("01", 10_000), ("02", 0), ("99", 30_000), ("03", 777), ("01", AMOUNT_MAX))
    )
)
_FAMILIES = ((), (), _RELATIVES[:1], _RELATIVES[:4], _RELATIVES, _RELATIVES[::-1])
"""relatives of several relations, some of whom may not pay, in several orders"""
_CODES = ("CLASSA", "CLASSB", "IMPLANT", "CLASSC", "UNKNOWN1")


# ---- random cases


def random_case(policy: Policy, rng: Random) -> Case:
    """Any case under a policy; amounts are often near a number that the policy names. What counts
    so far is such as can be: no more deductible than was in scope."""
    pick = _Picks(rng)
    care = policy.care[pick.one_of(tuple(policy.care))]
    near = _near(policy)
    tags = tuple(policy.tags)
    return Case(
        totals=_totals(random_amount(rng, near), pick, rng),
        entitlement=_entitlement(policy, care, pick),
        level=pick.one_of(_LEVELS),
        year_to_date=YearToDate(year=YEAR, values=_counted(care, near, pick, rng)),
        account_balance_fen=pick.one_of((0, 5_000, AMOUNT_MAX)),
        account_use=pick.one_of(_USES),
        credential_type=pick.one_of(("01", "02", "03", "09")),
        where=pick.one_of(_PLACES),
        filing=pick.one_of(FILINGS),
        transfer=pick.one_in(8),
        tags=(pick.one_of(tags), pick.one_of(("other", *tags))) if tags and pick.one_in(2) else (),
        age=pick.number(100),
        family=pick.one_of(_FAMILIES),
    )


def random_amount(rng: Random, near: tuple[int, ...]) -> int:
    """A number of fen of any length, or near one that matters."""
    rest, kind = divmod(rng.randrange(1 << 48), 5)
    if kind < 2:
        rest, gap = divmod(rest, 5)
        return max(near[rest % len(near)] + gap - 2, 0)
    rest, digits = divmod(rest, 8)
    return rest % 10 ** (digits + 1) * 2


def random_lines(rng: Random) -> list[ClaimLine]:
    """A few lines of every class, also out of the catalogue; numbered in order."""
    lines = []
    pick = _Picks(rng)
    for number in range(2 + pick.number(4)):
        rest, price_fen = divmod(rng.randrange(1 << 40), 400_000)
        quantity = 1 + rest % 20
        lines.append(
            ClaimLine(
                line_no=str(number),
                item_code=pick.one_of(_CODES),
                institution_item_code="T1",
                quantity_e4=quantity * 10_000,
                price_e6=price_fen * 10_000,
                amount_fen=price_fen * quantity,
                occurred_on=ON,
            )
        )
    return lines


class _Picks:
    """Many small choices out of one random number: a draw of its own for each would cost more than
    the settlement that is tried."""

    __slots__ = ("_left",)

    def __init__(self, rng: Random) -> None:
        self._left = rng.randrange(1 << 72)

    def number(self, below: int) -> int:
        """A number from 0."""
        self._left, number = divmod(self._left, below)
        return number

    def one_in(self, times: int) -> bool:
        """True once in so many times."""
        return self.number(times) == times - 1

    def one_of(self, values: Sequence[_Value]) -> _Value:
        """One of some values."""
        return values[self.number(len(values))]


def _totals(in_scope_fen: int, pick: _Picks, rng: Random) -> LineTotals:
    full = over = pre = 0
    if pick.one_in(2):
        rest, full = divmod(rng.randrange(1 << 60), 2_000_000)
        rest, over = divmod(rest, 2_000_000)
        pre = rest % 100_000
    return LineTotals(
        total_fen=in_scope_fen + full + over + pre, full_self_pay_fen=full, over_ceiling_fen=over,
        pre_self_pay_fen=pre, in_scope_fen=in_scope_fen,
    )  # fmt: skip


def _entitlement(policy: Policy, care: CareRules, pick: _Picks) -> Entitlement:
    closed: Mapping[str, str] = {}
    if pick.one_in(20):
        closed = {pick.one_of(care.fund_codes): Closure.FUND_STOPPED.value}
    return Entitlement(
        scheme=policy.scheme,
        person_type="",
        category=pick.one_of(tuple(policy.categories)),
        care_type=care.care_type,
        ruling_on=ON,
        closed=closed,
        account_closed="" if policy.account is not None else Closure.NO_ACCOUNT.value,
    )


def _counted(care: CareRules, near: tuple[int, ...], pick: _Picks, rng: Random) -> dict[str, int]:
    if pick.one_in(3):
        return {}
    values = {name: random_amount(rng, near) for name in _sorted(care.counted)}
    deductible = f"{care.group}.deductible"
    if deductible in values and f"{care.group}.in_scope" in values:
        values[deductible] = min(values[deductible], values[f"{care.group}.in_scope"])
    if care.admissions_accumulator:
        values[care.admissions_accumulator] = pick.number(15)
    return values


@cache
def _sorted(counted: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(counted))


_NEAR: dict[str, tuple[int, ...]] = {}


def _near(policy: Policy) -> tuple[int, ...]:
    """The amounts that a policy names, caps, brackets, thresholds, deductibles and limits of stays,
    and those of which a share reaches a cap."""
    known = _NEAR.get(policy.version)
    if known is None:
        known = _NEAR[policy.version] = tuple(sorted(set(_named_amounts(policy))))
    return known


def _named_amounts(policy: Policy) -> Iterable[int]:
    yield from (0, 1, 100)
    yield from policy.stay_total_breaks
    for care in policy.care.values():
        for rule in care.rules:
            if isinstance(rule, ShareRule):
                yield from (each.up_to_fen for each in rule.brackets if each.up_to_fen is not None)
                tables = [rule.threshold_fen, rule.case_cap_fen]
                tables += [] if rule.cap is None else [rule.cap.amount_fen]
                ratios = {v for bracket in rule.brackets for v in bracket.ratio_bp.values() if v}
                for amount_fen in (v for t in tables if t is not None for v in t.values()):
                    reaching = (amount_fen * BASIS_POINTS // ratio_bp for ratio_bp in ratios)
                    yield from (v for v in (amount_fen, *reaching) if v <= AMOUNT_MAX)
            elif isinstance(rule, DeductibleRule):
                yield from rule.standard_fen.values()


# ---- laws


def conserves_every_fen(case: Case, policy: Policy, benefit: Benefit) -> None:
    """The identities of the interface, and what a payer, the account and a ceiling may not pass."""
    totals, shares = benefit.totals, benefit.shares
    assert totals == case.totals
    assert totals.total_fen == sum(totals.parts())
    assert totals.total_fen == benefit.fund_fen + benefit.hospital_fen + benefit.person_fen
    assert benefit.person_fen == benefit.account_fen + benefit.cash_fen
    paid_fen = sum(share.amount_fen for share in shares)
    assert paid_fen == benefit.fund_fen + benefit.hospital_fen
    assert paid_fen == sum(benefit.by_amount_field().values())
    assert min(benefit.cash_fen, benefit.fund_fen, benefit.deductible_fen) >= 0
    assert min(benefit.account_fen, benefit.family_account_fen, benefit.hospital_fen) >= 0
    assert benefit.account_fen - benefit.family_account_fen <= max(case.account_balance_fen, 0)
    assert benefit.deductible_fen <= totals.in_scope_fen
    for share in shares:
        assert 0 <= share.amount_fen <= share.in_scope_fen
        assert share.limit_before_fen is None or share.amount_fen <= share.limit_before_fen
        assert share.fund_pay_type not in case.entitlement.closed or not share.amount_fen
    _keeps_below_ceilings(benefit, policy)
    _explains_every_fen(benefit)


def never_pays_less_for_more(case: Case, policy: Policy, benefit: Benefit) -> None:
    """One fen more in scope, all else equal: the funds together pay the same or one fen more, and
    so does the hospital.

    Not asked where the fen lifts the total of the stay over a number at which a table changes its
    answer: a policy may well pay less for a dearer stay.
    """
    totals = case.totals
    more = LineTotals(
        total_fen=totals.total_fen + 1, full_self_pay_fen=totals.full_self_pay_fen,
        over_ceiling_fen=totals.over_ceiling_fen, pre_self_pay_fen=totals.pre_self_pay_fen,
        in_scope_fen=totals.in_scope_fen + 1,
    )  # fmt: skip
    if not _alike(policy, totals.total_fen, more.total_fen):
        return
    dearer = adjudicate(replace(case, totals=more), policy)
    assert 0 <= dearer.fund_fen - benefit.fund_fen <= 1
    assert 0 <= dearer.hospital_fen - benefit.hospital_fen <= 1


def splits_evenly(case: Case, policy: Policy, benefit: Benefit, cut: int) -> bool:
    """A stay settled in two segments costs the funds what it costs in one, but for rounding: one
    fen at most for each share rule, and one for a first-off.

    True where it was asked. Not where the policy itself looks at segments: brackets counted by the
    case, a table by the total of the stay on whose other side a segment is, a ceiling that binds.
    """
    if not policy.care[case.entitlement.care_type].counts_admission:
        return False
    plan = _plan(case, policy)
    if not _additive(plan):
        return False
    totals = case.totals
    first_fen = cut % (totals.in_scope_fen + 1)
    first = LineTotals(
        total_fen=first_fen, full_self_pay_fen=0, over_ceiling_fen=0, pre_self_pay_fen=0,
        in_scope_fen=first_fen,
    )  # fmt: skip
    rest = replace(
        totals,
        total_fen=totals.total_fen - first_fen,
        in_scope_fen=totals.in_scope_fen - first_fen,
    )
    if not _alike(policy, totals.total_fen, first_fen, rest.total_fen):
        return False
    one = adjudicate(replace(case, totals=first), policy)
    stay = Stay(deductible_fen=one.deductible_fen, deductible_this_year_fen=one.deductible_fen)
    year = YearToDate(year=YEAR, values=_added(case.year_to_date.values, one.increments))
    two = adjudicate(replace(case, totals=rest, stay=stay, year_to_date=year), policy)
    notes = {share.note for each in (benefit, one, two) for share in each.shares}
    if Closure.CEILING_REACHED in notes:
        return False
    first_offs = sum(isinstance(step, FirstOff) for step in plan)
    allowed_fen = first_offs + sum(isinstance(step, Share) for step in plan)
    paid_fen = [each.fund_fen + each.hospital_fen for each in (benefit, one, two)]
    assert abs(paid_fen[1] + paid_fen[2] - paid_fen[0]) <= allowed_fen
    assert abs(one.deductible_fen + two.deductible_fen - benefit.deductible_fen) <= first_offs
    together = _added(one.increments, two.increments)
    for name in {*together, *benefit.increments}:
        gap = abs(together.get(name, 0) - benefit.increments.get(name, 0))
        counted = name.rpartition(".")[2]
        exact = {"admissions": 0, "in_scope": first_offs, "deductible": first_offs}
        assert gap <= exact.get(counted, allowed_fen), name
    return True


def cancel_restores_the_year(case: Case, benefit: Benefit) -> None:
    """A settlement and its cancel leave every accumulator and every amount where it was."""
    cancel = negative_of(benefit)
    before = {name: amount for name, amount in case.year_to_date.values.items() if amount}
    booked = _added(case.year_to_date.values, benefit.increments)
    undone = _added(booked, cancel.increments)
    assert {name: amount for name, amount in undone.items() if amount} == before
    assert cancel.year == benefit.year == case.year_to_date.year
    assert cancel.fund_fen == -benefit.fund_fen and cancel.cash_fen == -benefit.cash_fen
    assert negative_of(cancel) == benefit


def relatives_pay_what_is_held(case: Case, policy: Policy, benefit: Benefit) -> None:
    """Relatives pay after the own account and in their order. Holding what is wanted of them, of
    each as much as there is, and settling with what is held comes to the same (ADR 0023)."""
    wanted_fen = left_fen = payable_by_family(case, policy)
    rules = policy.account
    relations = rules.family.relations if rules is not None and rules.family is not None else ()
    held: list[FamilyAccount] = []
    for relative in case.family:
        amount_fen = min(left_fen, relative.balance_fen)
        if amount_fen and relative.relation in relations:
            held.append(replace(relative, balance_fen=amount_fen))
            left_fen -= amount_fen
    settled = adjudicate(replace(case, family=tuple(held)), policy)
    paid = tuple(FamilyPayment(each.person_no, each.balance_fen) for each in held)
    assert settled.family == benefit.family == paid
    assert settled.cash_fen == benefit.cash_fen
    assert benefit.family_account_fen == wanted_fen - left_fen
    if paid:
        [own] = [step for step in benefit.explanation if step.rule == "account"]
        assert own.result_fen == min(own.basis_fen, case.account_balance_fen)


def stored_case_gives_the_same(case: Case, policy: Policy, benefit: Benefit) -> None:
    """A case that went through JSON, as settlements keep it, gives the same benefit."""
    stored = _DECODER.decode(_ENCODER.encode(case))
    assert stored == case
    assert adjudicate(stored, policy) == benefit


def order_of_lines_does_not_matter(
    case: Case, policy: Policy, lines: list[ClaimLine], rng: Random
) -> None:
    """The same lines in another order give the same parts of each, and the same benefit."""
    shuffled = lines[:]
    rng.shuffle(shuffled)
    institution = an_institution()
    results = []
    for each in (lines, shuffled):
        priced = price(a_claim(*each, scheme=policy.scheme), _CATALOGUE, institution, DONGGUAN)
        assert not isinstance(priced, Refusal), priced
        totals = totals_of(priced)
        parts = sorted((line.line.line_no, line.in_scope_fen) for line in priced)
        results.append((parts, adjudicate(replace(case, totals=totals), policy)))
    assert results[0] == results[1]


def _keeps_below_ceilings(benefit: Benefit, policy: Policy) -> None:
    """What the funds pay after a ceiling is no more than it leaves, in the order of the rules."""
    left_fen = benefit.totals.total_fen
    for step in benefit.explanation:
        rule, fund = step.parts()
        if rule == "ceiling":
            left_fen = min(left_fen, step.result_fen)
        elif rule == "share" and policy.funds[fund].kind is not FundKind.HOSPITAL:
            left_fen -= step.result_fen
            assert left_fen >= 0


def _explains_every_fen(benefit: Benefit) -> None:
    """The steps of the explanation add up to what each payer pays, and its brackets to its base."""
    told = {"share": 0, "account": 0, "family_account": 0, "cash": 0, "deductible": 0}
    bases: dict[str, dict[str, int]] = {}
    for step in benefit.explanation:
        rule, fund = step.parts()
        told[rule] = told.get(rule, 0) + step.result_fen
        if rule == "share":
            by_rule = bases.setdefault(fund, {})
            by_rule[step.rule] = by_rule.get(step.rule, 0) + step.basis_fen
    for share in benefit.shares:
        by_rule = bases.get(share.fund_pay_type, {})
        assert len(by_rule) > 1 or share.in_scope_fen == sum(by_rule.values())
    assert told["share"] == benefit.fund_fen + benefit.hospital_fen
    assert told["account"] + told["family_account"] == benefit.account_fen
    assert told["cash"] == benefit.cash_fen
    assert told["deductible"] == benefit.deductible_fen


def _plan(case: Case, policy: Policy) -> Plan:
    """The rules that apply to a case, read."""
    entitlement = case.entitlement
    care = policy.care[entitlement.care_type]
    facts = Facts(
        level=policy.level(case.level),
        category=entitlement.category,
        where=case.where,
        filing=case.filing,
        transfer=case.transfer,
        tags=frozenset(case.tags),
        admission=case.year_to_date.values.get(care.admissions_accumulator, 0) + 1,
        age=case.age,
        stay_total_fen=case.totals.total_fen,
    )
    return read(care, facts)


def _additive(plan: Plan) -> bool:
    """Whether no share is counted by the case: one ratio, or brackets along the year."""
    return all(
        step.along_year or step.ratio_bp >= 0
        for step in plan
        if isinstance(step, Share) and step.case_cap_fen is None
    )


def _alike(policy: Policy, *stay_totals_fen: int) -> bool:
    """Whether a policy's tables by the total of a stay give these totals the same answers."""
    breaks = policy.stay_total_breaks
    return len({bisect_right(breaks, total_fen) for total_fen in stay_totals_fen}) == 1


def _added(values: Mapping[str, int], increments: Mapping[str, int]) -> dict[str, int]:
    added = dict(values)
    for name, amount in increments.items():
        added[name] = added.get(name, 0) + amount
    return added
