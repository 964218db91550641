"""The offline calculator (待遇试算): a case as JSON to who pays what, by the live code path.

`settlement adjudicate --json` reads cases here. A case names a policy by its file name and states
what the live path would read from the database; amounts are yuan as text. What is absent is zero.
Nothing is stored, and no database is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

from ledger.money import BASIS_POINTS, yuan_text
from settlement.benefit import Benefit, adjudicate
from settlement.case import Case, FamilyAccount, Stay
from settlement.catalogue import Item
from settlement.claim import PRICE_SCALE, QUANTITY_SCALE, AccountUse, CareKind, ClaimLine
from settlement.entitlement import Entitlement
from settlement.explanation import told
from settlement.person import YearToDate
from settlement.policy.loader import PolicySet
from settlement.policy.model import AmountField, CareRules, Policy
from settlement.pricing import LineTotals, line_amount, price_line, totals_of

FUND_NAMES: Mapping[AmountField, str] = {
    AmountField.POOL: "pool",
    AmountField.CRITICAL_ILLNESS: "critical_illness",
    AmountField.LARGE_AMOUNT: "large_amount",
    AmountField.CIVIL_SERVANT: "civil_servant",
    AmountField.MEDICAL_AID: "medical_aid",
    AmountField.ENTERPRISE: "other",
    AmountField.DISABLED_VETERANS: "other",
    AmountField.OTHER: "other",
}
"""What the calculator calls the funds of each national amount field."""

_CLASSES = {
    "a": "01", "01": "01", "1": "01", "甲": "01",
    "b": "02", "02": "02", "2": "02", "乙": "02",
    "c": "03", "03": "03", "3": "03", "丙": "03",
}  # fmt: skip
_CREDENTIAL = "01"
_PERSON = "self"


class CaseError(ValueError):
    """A case cannot be computed; the text says what to correct, `path` where."""

    def __init__(self, code: str, path: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.path = path


class _Strict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every part of a case: a misspelt key is an error, not a zero."""


class PersonIn(_Strict, frozen=True, kw_only=True):
    """Who: `status` as the policy's categories are named."""

    status: str
    age: Annotated[int, Meta(ge=0, le=150)] = 0
    tags: tuple[str, ...] = ()


class InstitutionIn(_Strict, frozen=True, kw_only=True):
    """Where, and how the person came there."""

    level: str = "3"
    deductible_level: str | None = None
    price_level: str | None = None
    where: Literal["local", "in_province", "outside"] = "local"
    filing: Literal["long_term", "referral", "emergency", "temporary", "none"] = "none"
    referred: bool = False
    transfer: bool = False


class AmountsIn(_Strict, frozen=True, kw_only=True):
    """A bill already split; `total` may be left out."""

    total: Decimal | None = None
    full_self: Decimal = Decimal(0)
    over_ceiling: Decimal = Decimal(0)
    pre_self: Decimal = Decimal(0)
    in_scope: Decimal = Decimal(0)


class LineIn(_Strict, frozen=True, kw_only=True):
    """One line of a bill; `price` and `quantity` default to the amount, once."""

    amount: Decimal
    class_: str = field(name="class", default="A")
    pre_self_ratio: Decimal | None = None
    price_ceiling: Decimal | None = None
    quantity: Decimal = Decimal(1)
    price: Decimal | None = None


class YearIn(_Strict, frozen=True, kw_only=True):
    """What counts so far in the year, for this kind of care, before this case."""

    admissions: Annotated[int, Meta(ge=0)] = 0
    in_scope: Decimal = Decimal(0)
    deductible_paid: Decimal = Decimal(0)
    pool_paid: Decimal = Decimal(0)
    own_share: Decimal = Decimal(0)
    funds_paid: dict[str, Decimal] = field(default_factory=dict)


class StayIn(_Strict, frozen=True, kw_only=True):
    """What earlier segments of the same stay bore of the deductible."""

    deductible_paid: Decimal = Decimal(0)
    deductible_paid_this_year: Decimal | None = None


class FamilyIn(_Strict, frozen=True, kw_only=True):
    """A relative's account that may pay after the own one."""

    relation: str
    balance: Decimal
    person: str = ""


class CaseIn(_Strict, frozen=True, kw_only=True):
    """One case, as the outside contract of the calculator says."""

    id: str | int | None = None
    """any name for the case; comes back with the answer"""
    policy: str
    care: CareKind
    on: date
    person: PersonIn
    institution: InstitutionIn = InstitutionIn()
    amounts: AmountsIn | None = None
    lines: tuple[LineIn, ...] = ()
    year_to_date: YearIn = YearIn()
    account_balance: Decimal = Decimal(0)
    family: tuple[FamilyIn, ...] = ()
    stay: StayIn | None = None


class Calculated(Struct, frozen=True):
    """The answers, in the order of the cases; `single` where one case came without an array."""

    answers: list[dict[str, object]]
    single: bool

    @property
    def fine(self) -> bool:
        """Whether every case could be computed."""
        return all("error" not in answer for answer in self.answers)


def calculate(text: bytes, policies: PolicySet) -> Calculated:
    """Compute one case, or an array of them.

    A case that cannot be computed has `{"error": {code, path, message}}` in its place. Raises
    CaseError where `text` is not JSON at all.
    """
    try:
        whole = msgspec.json.decode(text)
        single = not isinstance(whole, list)
        cases = [msgspec.Raw(text)] if single else msgspec.json.decode(text, type=list[msgspec.Raw])
    except msgspec.DecodeError as error:
        raise CaseError("NOT_JSON", "$", str(error)) from error
    return Calculated([_answer(case, policies) for case in cases], single)


def _answer(text: msgspec.Raw, policies: PolicySet) -> dict[str, object]:
    try:
        asked = msgspec.json.decode(text, type=CaseIn)
    except msgspec.ValidationError as error:
        said, _, path = str(error).partition(" - at ")
        return _error("INVALID", path.strip("`") or "$", said)
    named = {} if asked.id is None else {"id": asked.id}
    try:
        policy, care, case = case_of(asked, policies)
    except CaseError as error:
        return {**named, **_error(error.code, error.path, str(error))}
    return {**named, **answer_of(adjudicate(case, policy), policy, care)}


def _error(code: str, path: str, text: str) -> dict[str, object]:
    return {"error": {"code": code, "path": path, "message": text}}


def case_of(asked: CaseIn, policies: PolicySet) -> tuple[Policy, CareRules, Case]:
    """Turn a case as stated into what the engine computes. Raises CaseError."""
    policy = _policy(asked, policies)
    care = next((each for each in policy.care.values() if each.kind is asked.care), None)
    if care is None:
        kinds = sorted({each.kind.value for each in policy.care.values()})
        raise CaseError(
            "NO_RULE", "$.care", f"{policy.name} has no rules for {asked.care}: {kinds}"
        )
    if asked.person.status not in policy.categories:
        known = sorted(policy.categories)
        raise CaseError(
            "NO_RULE", "$.person.status",
            f"{policy.name} has no rules for status {asked.person.status!r}: {known}",
        )  # fmt: skip
    institution = asked.institution
    filing = institution.filing
    if institution.referred and filing == "none":
        filing = "referral"
    balance_fen = _fen(asked.account_balance, "$.account_balance")
    use = AccountUse.OWN if balance_fen else AccountUse.NONE
    case = Case(
        totals=_totals(asked, policy),
        entitlement=Entitlement(
            scheme=policy.scheme, person_type="", category=asked.person.status,
            care_type=care.care_type, ruling_on=asked.on, closed={}, account_closed="",
        ),
        level=institution.deductible_level or institution.level,
        year_to_date=_year(asked, policy, care),
        account_balance_fen=balance_fen,
        account_use=AccountUse.FAMILY if asked.family else use,
        credential_type=_CREDENTIAL,
        where=institution.where,
        filing=filing,
        transfer=institution.transfer,
        tags=asked.person.tags,
        age=asked.person.age,
        stay=_stay(asked.stay),
        family=tuple(
            FamilyAccount(
                person_no=each.person or f"relative-{number}", relation=each.relation,
                balance_fen=_fen(each.balance, f"$.family[{number}].balance"),
            )
            for number, each in enumerate(asked.family)
        ),
    )  # fmt: skip
    return policy, care, case


def _policy(asked: CaseIn, policies: PolicySet) -> Policy:
    periods = policies.named(asked.policy)
    if not periods:
        known = sorted({policy.name for policy in policies.policies()})
        raise CaseError("NO_POLICY", "$.policy", f"no policy is called {asked.policy!r}: {known}")
    for policy in periods:
        if policy.effective_from <= asked.on <= policy.effective_to:
            return policy
    begun = periods[-1].effective_from
    raise CaseError(
        "NO_POLICY", "$.on",
        f"{asked.policy} is not in force on {asked.on}; it is from {begun} on",
    )  # fmt: skip


def _totals(asked: CaseIn, policy: Policy) -> LineTotals:
    if asked.amounts is not None and asked.lines:
        raise CaseError("INVALID", "$.lines", "give amounts or lines, not both")
    if asked.lines:
        return _line_totals(asked, policy)
    given = asked.amounts or AmountsIn()
    parts = {
        name: _fen(getattr(given, name), f"$.amounts.{name}")
        for name in ("full_self", "over_ceiling", "pre_self", "in_scope")
    }
    sum_fen = sum(parts.values())
    total_fen = sum_fen if given.total is None else _fen(given.total, "$.amounts.total")
    if total_fen != sum_fen:
        raise CaseError(
            "TOTAL_MISMATCH", "$.amounts.total",
            f"total is {yuan_text(total_fen)}, its four parts add up to {yuan_text(sum_fen)}",
        )  # fmt: skip
    return LineTotals(
        total_fen=total_fen,
        full_self_pay_fen=parts["full_self"],
        over_ceiling_fen=parts["over_ceiling"],
        pre_self_pay_fen=parts["pre_self"],
        in_scope_fen=parts["in_scope"],
    )


def _line_totals(asked: CaseIn, policy: Policy) -> LineTotals:
    level = asked.institution.price_level or asked.institution.level
    lines = [_line(line, f"$.lines[{number}]", asked.on) for number, line in enumerate(asked.lines)]
    for number, line in enumerate(lines):
        if abs(line_amount(line) - line.amount_fen) > 1:
            raise CaseError(
                "LINE_AMOUNT_MISMATCH", f"$.lines[{number}].amount",
                f"amount is {yuan_text(line.amount_fen)}, price x quantity is "
                f"{yuan_text(line_amount(line))}",
            )  # fmt: skip
    priced = [
        price_line(line, _item(given, level, asked.on, policy, number), level, policy.scheme)
        for number, (line, given) in enumerate(zip(lines, asked.lines, strict=True))
    ]
    totals = totals_of(priced)
    if min(totals.parts()) < 0:
        raise CaseError("REFUND_EXCEEDS_CHARGES", "$.lines", "negative lines exceed the others")
    return totals


def _line(given: LineIn, path: str, on: date) -> ClaimLine:
    price = given.amount / given.quantity if given.price is None and given.quantity else given.price
    return ClaimLine(
        line_no=path,
        item_code=path,
        institution_item_code=path,
        quantity_e4=_scaled(given.quantity, QUANTITY_SCALE, f"{path}.quantity"),
        price_e6=_scaled(
            given.amount if price is None else round(price, 6), PRICE_SCALE, f"{path}.price"
        ),
        amount_fen=_fen(given.amount, f"{path}.amount", negative=True),
        occurred_on=on,
    )


def _item(given: LineIn, level: str, on: date, policy: Policy, number: int) -> Item:
    """The catalogue item that a line says it is."""
    path = f"$.lines[{number}]"
    named = given.class_.strip().lower()
    item_class = _CLASSES.get(named, "" if named in policy.line_classes else None)
    if item_class is None:
        known = sorted({"A", "B", "C", *policy.line_classes})
        raise CaseError("INVALID", f"{path}.class", f"class {given.class_!r} is none of {known}")
    if given.pre_self_ratio is not None:
        ratio_bp = _scaled(given.pre_self_ratio, BASIS_POINTS, f"{path}.pre_self_ratio")
        if not 0 <= ratio_bp <= BASIS_POINTS:
            raise CaseError("INVALID", f"{path}.pre_self_ratio", "a ratio is from 0 to 1")
    else:
        ratio_bp = policy.line_classes.get(named, 0)
    ceiling = given.price_ceiling
    return Item(
        code=path,
        name=path,
        list_type="",
        item_class=item_class or "02",
        charge_kind="",
        self_pay_bp=ratio_bp,
        ceiling_e6=None
        if ceiling is None
        else {level: _scaled(ceiling, PRICE_SCALE, f"{path}.price_ceiling")},
        effective_from=on,
    )


def _year(asked: CaseIn, policy: Policy, care: CareRules) -> YearToDate:
    given = asked.year_to_date
    path = "$.year_to_date"
    group = care.group
    values = {
        f"{group}.admissions": given.admissions,
        f"{group}.in_scope": _fen(given.in_scope, f"{path}.in_scope"),
        f"{group}.deductible": _fen(given.deductible_paid, f"{path}.deductible_paid"),
        f"{group}.own_share": _fen(given.own_share, f"{path}.own_share"),
    }
    paid = dict(given.funds_paid)
    if given.pool_paid:
        paid.setdefault("pool", given.pool_paid)
    for name, amount in paid.items():
        code = _fund_code(name, policy, care)
        if code is not None:
            values[f"{group}.paid.{code}"] = _fen(amount, f"{path}.funds_paid.{name}")
    return YearToDate(
        year=policy.fiscal_year(asked.on),
        values={name: value for name, value in values.items() if value},
    )


def _fund_code(name: str, policy: Policy, care: CareRules) -> str | None:
    """The fund that a name means in this kind of care; None where this care has no such fund."""
    if name in policy.funds:
        return name
    if name not in FUND_NAMES.values():
        known = sorted({*FUND_NAMES.values(), *policy.funds})
        path = f"$.year_to_date.funds_paid.{name}"
        raise CaseError("INVALID", path, f"no fund is called {name!r}: {known}")
    for code in care.fund_codes:
        if FUND_NAMES.get(policy.funds[code].amount_field) == name:
            return code
    return None


def _stay(given: StayIn | None) -> Stay | None:
    if given is None:
        return None
    this_year = given.deductible_paid_this_year
    return Stay(
        deductible_fen=_fen(given.deductible_paid, "$.stay.deductible_paid"),
        deductible_this_year_fen=_fen(
            given.deductible_paid if this_year is None else this_year,
            "$.stay.deductible_paid_this_year",
        ),
    )


def answer_of(benefit: Benefit, policy: Policy, care: CareRules) -> dict[str, object]:
    """The answer as JSON fields, amounts as yuan text."""
    funds = dict.fromkeys(FUND_NAMES.values(), 0)
    for amount_field, amount_fen in benefit.by_amount_field().items():
        name = FUND_NAMES.get(AmountField(amount_field))
        if name is not None:
            funds[name] += amount_fen
    return {
        "deductible": yuan_text(benefit.deductible_fen),
        "funds": {name: yuan_text(amount_fen) for name, amount_fen in funds.items()},
        "hospital_borne": yuan_text(benefit.hospital_fen),
        "account": yuan_text(benefit.account_fen),
        "family_account": yuan_text(benefit.family_account_fen),
        "cash": yuan_text(benefit.cash_fen),
        "person_total": yuan_text(benefit.person_fen),
        "policy_version": benefit.policy_version,
        "explanation": told(benefit.explanation, policy, care),
    }


def explained(answers: Iterable[Mapping[str, object]]) -> str:
    """Answers as text for a person: each step in Chinese and English."""
    blocks = []
    for answer in answers:
        error = answer.get("error")
        if isinstance(error, dict):
            blocks.append(f"{error['path']}: {error['message']}")
            continue
        steps = answer["explanation"]
        lines = [f"{answer['policy_version']}"]
        if isinstance(steps, list):
            lines += [f"  {each['text_zh']}\n    {each['text_en']}" for each in steps]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _fen(amount: Decimal, path: str, *, negative: bool = False) -> int:
    fen = _scaled(amount, 100, path)
    if fen < 0 and not negative:
        raise CaseError("INVALID", path, f"{amount} is negative")
    return fen


def _scaled(amount: Decimal, scale: int, path: str) -> int:
    """A decimal as a whole number of its scale's units; more decimals than that are refused."""
    scaled = amount * scale if amount.is_finite() else amount
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        raise CaseError("INVALID", path, f"{amount} has more decimals than this field")
    return int(scaled)
