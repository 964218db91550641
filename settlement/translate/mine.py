"""What persons see of themselves in `/my`: status, settlements, the account (protocol/my.py)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime

from msgspec import Struct

from ledger.money import yuan_text
from protocol.my import (
    AccountReply,
    Item,
    Membership,
    Movement,
    Reason,
    Settled,
    SettlementReply,
    StatusReply,
)
from protocol.nhsa.dictionary import LISTS
from settlement.clock import local_time
from settlement.people.filing import Filing, FilingKind
from settlement.people.matter_rows import MatterFact, coverage_in
from settlement.people.matter_states import Happening, MatterKind
from settlement.people.my_commands import Relation
from settlement.person import Enrolment
from settlement.rows import Detail, RowKind
from settlement.usecases.explain import Explained
from settlement.usecases.reimburse import OFFICE
from settlement.view import PersonFacts, SettlementFact
from settlement.world import World

_STATES = {"1": ("normal", "正常参保"), "2": ("suspended", "暂停参保"), "4": ("ended", "终止参保")}


_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


class Moved(Struct, frozen=True, kw_only=True):
    """A movement of an account before it is told."""

    at: datetime | None
    what: str
    amount_fen: int
    settlement_id: int = 0
    matter_no: int = 0


MOVED_ZH: Mapping[str, str] = {
    "before": "期初余额及划入",
    "settlement": "就医购药支付",
    "cancelled": "结算撤销退回",
    "for_relative": "为亲属共济支付",
    "from_relative": "共济支付退回",
    "opening": "期初结转",
    "taken_out": "个人账户转出",
    "put_back": "转出退回",
    "taken_in": "个人账户转入",
    "sent_back": "转入退回",
}
_OF_MATTERS: Mapping[tuple[MatterKind, Happening], tuple[str, int]] = {
    (MatterKind.TRANSFER_OUT, Happening.TAKEN_OUT): ("taken_out", -1),
    (MatterKind.TRANSFER_OUT, Happening.RETURNED): ("put_back", 1),
    (MatterKind.TRANSFER_IN, Happening.PAID): ("taken_in", 1),
    (MatterKind.TRANSFER_IN, Happening.RETURNED): ("sent_back", -1),
}


def masked(name: str) -> str:
    """The first character, and stars."""
    return name[:1] + "*" * (len(name) - 1)


def status(
    person: PersonFacts, matters: Sequence[MatterFact], standing: Iterable[Filing],
    relation: Relation | None, world: World, today: date,
) -> StatusReply:  # fmt: skip
    """Who the person is here."""
    in_force = sum(
        filing.kind is FilingKind.OFF_SITE and filing.covers(today) for filing in standing
    )
    return StatusReply(
        person_no=person.person_no, name=masked(person.identity.name),
        acting_as="self" if relation is None else relation.value,
        region=world.region, region_zh=world.profile.name,
        memberships=tuple(_membership(one, world, today) for one in _now(person, today)),
        balance=yuan_text(person.balance_fen), in_hospital=person.open_stay is not None,
        filings_in_force=in_force, transferred_coverage_months=coverage_in(matters),
    )  # fmt: skip


def _now(person: PersonFacts, today: date) -> list[Enrolment]:
    """Of each scheme the version that holds today, or else the first to come."""
    found: dict[str, Enrolment] = {}
    for one in sorted(person.enrolments, key=lambda one: one.starts_on):
        if one.scheme not in found or one.starts_on <= today:
            found[one.scheme] = one
    return list(found.values())


def _membership(one: Enrolment, world: World, today: date) -> Membership:
    state, state_zh = _STATES.get(one.status, ("ended", "未知状态"))
    policy = world.policies.find(world.region, one.scheme, today)
    category = None if policy is None else policy.category(one.category)
    title = "" if policy is None or category is None else policy.categories.get(category, "")
    return Membership(
        scheme=one.scheme, scheme_zh=LISTS["insutype"].labels.get(one.scheme, one.scheme),
        category=one.category, category_zh=title or one.category,
        state=state, state_zh=state_zh,  # type: ignore[arg-type]
        enrolled_on=str(one.enrolled_on), benefit_from=str(one.benefit_from), region=one.region,
    )  # fmt: skip


def settled(fact: SettlementFact, world: World) -> Settled:
    """A settlement in a list."""
    row = fact.row
    code, name = _treated_by(fact, world)
    return Settled(
        settlement_id=str(row.setl_id), on=str(row.service_at.date()), institution=code,
        institution_zh=name,
        care_type=row.care_type,
        care_type_zh=LISTS["med_type"].labels.get(row.care_type, row.care_type),
        total=yuan_text(row.total_fen), funds=yuan_text(row.fund_fen),
        account=yuan_text(row.account_fen), cash=yuan_text(row.cash_fen),
        hospital_borne=yuan_text(row.hospital_fen), cancelled=fact.undone_by is not None,
    )  # fmt: skip


def _treated_by(fact: SettlementFact, world: World) -> tuple[str, str]:
    """Who treated, in another region by its code there, and the name."""
    if fact.home is not None:
        return fact.home.institution, fact.home.institution_name
    code = fact.row.institution
    known = OFFICE if code == OFFICE.code else world.institutions.get(code)
    return code, code if known is None else known.name


def is_listed(fact: SettlementFact) -> bool:
    """Cancels are told with what they cancel; what was reversed never was (DOMAIN 9)."""
    return fact.row.kind is RowKind.SETTLE and fact.undone_kind is not RowKind.REVERSE


def explained(
    fact: SettlementFact, told: Explained, detail: Detail, names: Mapping[str, str], world: World
) -> SettlementReply:
    """How every fen came about."""
    return SettlementReply(
        settlement=settled(fact, world), policy=told.policy_version, policy_zh=told.policy_title,
        policy_verified=told.policy_verified, recomputed=told.recomputed.value,
        reasons=tuple(
            Reason(
                text=step["text_zh"], base=step["base"], ratio=step["ratio"],
                amount=step["amount"], source=step["source"],
            )
            for step in told.steps
        ),
        items=tuple(
            Item(
                name=names.get(one.priced.line.item_code, one.priced.line.institution_item_code),
                quantity=_quantity(one.priced.line.quantity_e4),
                amount=yuan_text(one.priced.line.amount_fen),
                full_self_pay=yuan_text(one.priced.full_self_pay_fen),
                over_ceiling=yuan_text(one.priced.over_ceiling_fen),
                pre_self_pay=yuan_text(one.priced.pre_self_pay_fen),
                in_scope=yuan_text(one.priced.in_scope_fen),
            )
            for one in detail.lines
        ),
    )  # fmt: skip


def moved_by_matters(matters: Iterable[MatterFact]) -> list[Moved]:
    """What transfers moved."""
    return [
        Moved(
            at=event.recorded_at, what=_OF_MATTERS[fact.row.kind, event.kind][0],
            amount_fen=event.amount_fen * _OF_MATTERS[fact.row.kind, event.kind][1],
            matter_no=fact.row.matter_no,
        )
        for fact in matters
        for event in fact.events
        if event.amount_fen and (fact.row.kind, event.kind) in _OF_MATTERS
    ]  # fmt: skip


def account(
    balance_fen: int, held_fen: int, moved: Iterable[Moved], *, newest: int
) -> AccountReply:
    """The movements with what was there after each. What came in before, or by the insurer's files,
    is what is there and none of them explains; it comes first."""
    listed = sorted(moved, key=lambda one: one.at or _FIRST)
    before_fen = balance_fen + held_fen - sum(one.amount_fen for one in listed)
    rows, after_fen = [], 0
    if before_fen:
        listed.insert(0, Moved(at=None, what="before", amount_fen=before_fen))
    for one in listed:
        after_fen += one.amount_fen
        rows.append(_movement(one, after_fen))
    return AccountReply(
        balance=yuan_text(balance_fen), held=yuan_text(held_fen),
        movements=tuple(reversed(rows))[:newest],
    )  # fmt: skip


def _movement(one: Moved, after_fen: int) -> Movement:
    return Movement(
        at="" if one.at is None else f"{local_time(one.at):%Y-%m-%d %H:%M}", what=one.what,
        what_zh=MOVED_ZH[one.what], amount=yuan_text(one.amount_fen),
        balance=yuan_text(after_fen),
        settlement_id=str(one.settlement_id) if one.settlement_id else "",
        matter_no=str(one.matter_no) if one.matter_no else "",
    )  # fmt: skip


def _quantity(quantity_e4: int) -> str:
    whole, rest = divmod(abs(quantity_e4), 10_000)
    text = f"{whole}.{rest:04d}".rstrip("0").rstrip(".")
    return f"-{text}" if quantity_e4 < 0 else text
