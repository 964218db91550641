"""The scenes of the demonstration story: what is sent to the server, and what is told about it.

Every figure is read from the server's own answers. A scene that does not go as the rules say ends
the story with a StoryError: a demonstration that glosses over is worth less than none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from loadtest import institution_inputs as inputs
from loadtest import stay_inputs as stays
from loadtest.institution_client import Clients, InstitutionClient, Message, Reply
from loadtest.institution_inputs import Bought, Card, Patient
from loadtest.population.persons import EMPLOYEE, RESIDENT, card_of, ordinal_in
from loadtest.world import World, WorldInstitution, WorldItem, WorldPerson
from settlement.demo.table import money

_PRICE_MAX = Decimal(60)
_BALANCE_MIN = Decimal(300)
_CLASSES = {"01": "甲", "02": "乙", "03": "丙"}
_AMOUNTS = ("medfee_sumamt", "fund_pay_sumamt", "acct_pay", "psn_cash_pay")


class StoryError(Exception):
    """The server did not do what the story says it does; the text says where."""


class Paid(Struct, frozen=True, kw_only=True):
    """Who paid what, in yuan, as one answer's setlinfo says."""

    setl_id: str
    mdtrt_id: str
    total: Decimal
    fund: Decimal
    account: Decimal
    cash: Decimal
    balance: Decimal


class Scene(Struct, frozen=True, kw_only=True):
    """One scene as it is told: titles, lines of prose, and what was paid where anything was."""

    infno: str
    chinese: str
    english: str
    lines: tuple[str, ...]
    paid: Paid | None = None


class Cast(Struct, frozen=True, kw_only=True):
    """Who plays: chosen from the world in its own order, so the same people every time."""

    pharmacy: InstitutionClient
    hospital: InstitutionClient
    employee: Patient
    colleague: Patient
    retired: Patient
    resident: Patient
    world: World
    drugs: tuple[Bought, ...]
    treatment: tuple[Bought, ...]


class Props(Struct, kw_only=True):
    """What earlier scenes leave for later ones."""

    sale: Message | None = None
    sale_paid: Paid | None = None
    resident_paid: Paid | None = None
    stay_paid: Paid | None = None
    scanned: str = ""
    """the order number of the first scan"""


SceneMaker = Callable[[Cast, Props], Awaitable[Scene]]


def cast_of(world: World, clients: Clients) -> Cast:
    """Choose the cast; raises StoryError where the world has nobody for a part."""
    employees = [
        person
        for person in world.persons
        if person.insutype == EMPLOYEE and person.balance >= _BALANCE_MIN
    ]
    active = [person for person in employees if person.psn_type == "11"]
    retired = [person for person in employees if person.psn_type == "12"]
    residents = [person for person in world.persons if person.insutype == RESIDENT]
    if len(active) < 2 or not retired or not residents:
        raise StoryError("the world has too few people for the story")
    return Cast(
        pharmacy=clients.of(_one_of(world, "pharmacy")),
        hospital=clients.of(_one_of(world, "hospital")),
        employee=_with_card(active[0], world.region),
        colleague=_with_card(active[1], world.region),
        retired=_with_card(retired[0], world.region),
        resident=Patient(person=residents[0]),
        world=world,
        drugs=_basket(world, ("09", "01", 2), ("11", "02", 1), ("09", "03", 1)),
        treatment=_basket(
            world, ("02", "01", 1), ("04", "01", 1), ("09", "01", 2), ("09", "02", 1)
        ),
    )


async def sale(cast: Cast, props: Props) -> Scene:
    """An employee buys at a pharmacy and pays from the account."""
    counter = cast.pharmacy
    content = inputs.purchase(cast.employee, cast.drugs, at=counter.now())
    props.sale = counter.message("2102", content)
    props.sale_paid = paid = _paid(_done(await counter.send(props.sale)))
    return Scene(
        infno="2102", chinese="药店购药", english="an employee buys at a pharmacy",
        lines=(_who(cast.employee, counter), *_bought(cast.drugs)), paid=paid,
    )  # fmt: skip


async def lost_answer(cast: Cast, props: Props) -> Scene:
    """The same message again: the same settlement, not a second one."""
    if props.sale is None or props.sale_paid is None:
        raise StoryError("there was no sale to send again")
    reply = _done(await cast.pharmacy.send(props.sale))
    again = _paid(reply)
    if again != props.sale_paid:
        raise StoryError(f"the resent sale became {again.setl_id}, not {props.sale_paid.setl_id}")
    return Scene(
        infno="2102", chinese="答复丢失，原报文重发", english="the answer was lost: sent again",
        lines=(
            f"msgid {props.sale.msgid}",
            f"结算号相同 same setl_id {again.setl_id}，未重复扣款 nothing was charged twice",
            *([f"提示 note: {reply.warn_msg}"] if reply.warn_msg else []),
        ),
    )  # fmt: skip


async def visit(cast: Cast, _props: Props) -> Scene:
    """A pensioner's outpatient visit in six messages, from registration to settlement."""
    counter, patient, basket = cast.hospital, cast.retired, cast.treatment
    at = counter.now()
    batch_no = "".join(filter(str.isdigit, at)) + "0001"
    found = _done(await counter.ask("1101", inputs.lookup(patient))).node("baseinfo")
    opened = _done(
        await counter.ask("2201", inputs.registration(patient, visit_no=f"T{batch_no}", at=at))
    )
    mdtrt_id = str(opened.node("data")["mdtrt_id"])
    _done(await counter.ask("2203", inputs.diagnosis(patient, mdtrt_id=mdtrt_id, at=at)))
    lines = inputs.fee_lines(patient, basket, mdtrt_id=mdtrt_id, batch_no=batch_no, at=at)
    _done(await counter.ask("2204", lines))
    asked = inputs.visit_quote(patient, basket, mdtrt_id=mdtrt_id, batch_no=batch_no)
    quote = _done(await counter.ask("2206", asked)).node("setlinfo")
    paid = _paid(_done(await counter.ask("2207", inputs.visit_settlement(asked, quote))))
    if _yuan(quote, "fund_pay_sumamt") != paid.fund:
        raise StoryError("the settlement does not pay what the quote promised")
    return Scene(
        infno="1101 → 2201 → 2203 → 2204 → 2206 → 2207",
        chinese="门诊就诊", english="an outpatient visit",
        lines=(
            _who(patient, counter),
            f"挂号 registered {mdtrt_id}，年龄 age {found['age']}，"
            "诊断 diagnosis J06.900 急性上呼吸道感染",
            *_bought(basket),
            f"预结算 quoted: 基金 fund {money(paid.fund)} — 结算一致 settled as quoted",
        ),
        paid=paid,
    )  # fmt: skip


async def stay(cast: Cast, props: Props) -> Scene:
    """A resident in hospital: lines day by day, one brought back, discharged and settled."""
    counter, patient, (first, second, third, _) = cast.hospital, cast.resident, cast.treatment
    days = [Bought(item=each.item, quantity=Decimal(20)) for each in (first, second, third)]
    back = Bought(item=third.item, quantity=Decimal(-2))
    at = counter.now()
    opened = _done(await counter.ask("2401", stays.admission(patient, stay_no="Z0001", at=at)))
    mdtrt_id = str(opened.node("result")["mdtrt_id"])
    for number, bought in enumerate(days, 1):
        lines = stays.fee_lines(patient, [bought], mdtrt_id=mdtrt_id, at=at, first=number)
        _done(await counter.ask("2301", lines))
    returned = stays.fee_lines(
        patient, [back], mdtrt_id=mdtrt_id, at=at, first=4, originals={4: "3"}
    )
    _done(await counter.ask("2301", returned))
    leaving = stays.discharge(patient, mdtrt_id=mdtrt_id, at=counter.now())
    _done(await counter.ask("2402", leaving))
    asked = stays.quote(patient, inputs.total([*days, back]), mdtrt_id=mdtrt_id)
    quote = _done(await counter.ask("2303", asked)).node("setlinfo")
    props.stay_paid = paid = _paid(_done(await counter.ask("2304", stays.settlement(asked, quote))))
    return Scene(
        infno="2401 → 2301 → 2402 → 2303 → 2304",
        chinese="住院", english="a stay in hospital",
        lines=(
            _who(patient, counter),
            f"入院 admitted {mdtrt_id}",
            *_bought([*days, back]),
            f"起付线 deductible {money(_yuan(quote, 'act_pay_dedc'))}，"
            f"预结算 quoted: 基金 fund {money(paid.fund)} — 结算一致 settled as quoted",
        ),
        paid=paid,
    )  # fmt: skip


async def explained(cast: Cast, props: Props) -> Scene:
    """Why each fen went where it went, and whether computing it again says the same."""
    paid = props.stay_paid
    if paid is None:
        raise StoryError("there was no stay to explain")
    told = await cast.hospital.explanation(paid.setl_id)
    if told["recomputed"] != "same":
        raise StoryError(f"computed again the stay is not the same: {told['recomputed']}")
    steps = str(told["text_zh"]).splitlines()[2:]
    return Scene(
        infno="GET /settlements/…/explanation",
        chinese="这笔住院是怎么算的", english="how the stay was computed",
        lines=(*steps, "重新计算结果一致 computed again: the same to the fen"),
    )  # fmt: skip


async def resident_sale(cast: Cast, props: Props) -> Scene:
    """A resident has no personal account: fund and cash only."""
    counter = cast.pharmacy
    content = inputs.purchase(cast.resident, cast.drugs, at=counter.now())
    props.resident_paid = paid = _paid(_done(await counter.ask("2102", content)))
    return Scene(
        infno="2102", chinese="居民购药，无个人账户", english="a resident has no account",
        lines=(_who(cast.resident, counter),), paid=paid,
    )  # fmt: skip


async def cancelled(cast: Cast, props: Props) -> Scene:
    """The resident brings everything back: a second settlement, the exact negatives."""
    original = props.resident_paid
    if original is None:
        raise StoryError("there was no purchase to cancel")
    content = inputs.cancel(
        setl_id=original.setl_id, mdtrt_id=original.mdtrt_id, psn_no=cast.resident.person.psn_no
    )
    paid = _paid(_done(await cast.pharmacy.ask("2103", content)))
    exact = (-original.total, -original.fund, -original.account, -original.cash)
    if (paid.total, paid.fund, paid.account, paid.cash) != exact:
        raise StoryError("the cancel is not the exact negative of its settlement")
    return Scene(
        infno="2103", chinese="退药撤销", english="and brings everything back",
        lines=(
            f"原结算 original {original.setl_id}",
            f"撤销号 cancel   {paid.setl_id}，金额逐分相反 exact negatives, both rows stay",
        ),
        paid=paid,
    )  # fmt: skip


async def never_arrived(cast: Cast, _props: Props) -> Scene:
    """A reversal overtakes its message: the late message is refused and books nothing."""
    counter, patient = cast.pharmacy, cast.colleague
    late = counter.message("2102", inputs.purchase(patient, cast.drugs, at=counter.now()))
    content = inputs.reversal(psn_no=patient.person.psn_no, omsgid=late.msgid, oinfno=late.infno)
    _done(await counter.ask("2601", content))
    refused = _refused(await counter.send(late))
    return Scene(
        infno="2601, 2102", chinese="冲正在先，原报文迟到", english="reversed before it arrived",
        lines=(
            _who(patient, counter),
            f"2601 冲正 {late.msgid}：成功 done, nothing was booked",
            f"2102 迟到 arrives late：拒绝 refused, {refused.err_code}",
            f"“{refused.err_msg}”",
        ),
    )  # fmt: skip


async def wrong_total(cast: Cast, _props: Props) -> Scene:
    """A header that is not the sum of its lines is refused with both numbers."""
    counter, patient = cast.pharmacy, cast.colleague
    claimed = inputs.total(cast.drugs) + 1
    content = inputs.purchase(patient, cast.drugs, at=counter.now(), amount=claimed)
    refused = _refused(await counter.ask("2102", content))
    return Scene(
        infno="2102", chinese="总额与明细不符", english="a total that is not the sum of its lines",
        lines=(
            f"报 claimed {money(claimed)}，明细合计 lines add up to "
            f"{money(inputs.total(cast.drugs))}：拒绝 refused, {refused.err_code}",
            f"“{refused.err_msg}”",
        ),
    )  # fmt: skip


SCENES: tuple[SceneMaker, ...] = (
    sale, lost_answer, visit, stay, explained, resident_sale, cancelled, never_arrived,
    wrong_total,
)  # fmt: skip


def _one_of(world: World, kind: str) -> WorldInstitution:
    return world.of_kind(kind)[0]


def _with_card(person: WorldPerson, region: str) -> Patient:
    number, serial = card_of(ordinal_in(person.psn_no), region)
    return Patient(person=person, card=Card(number=number, serial=serial))


def _basket(world: World, *wanted: tuple[str, str, int]) -> tuple[Bought, ...]:
    """Items by charge kind and class, each another one, and how many of it."""
    left = [item for item in world.catalogue if item.price <= _PRICE_MAX]
    basket = []
    for charge_kind, item_class, quantity in wanted:
        item = _first(left, charge_kind, item_class)
        left.remove(item)
        basket.append(Bought(item=item, quantity=Decimal(quantity)))
    return tuple(basket)


def _first(items: Sequence[WorldItem], charge_kind: str, item_class: str) -> WorldItem:
    """The first that fits, or at least is of the kind, or is there at all."""
    return min(
        items,
        key=lambda item: (item.med_chrgitm_type != charge_kind, item.chrgitm_lv != item_class),
    )


def _who(patient: Patient, counter: InstitutionClient) -> str:
    person = patient.person
    scheme = "职工 employee" if person.insutype == EMPLOYEE else "居民 resident"
    shown = "社保卡 card" if patient.card else "身份证号 identity number"
    return f"{counter.institution.name} · {person.psn_name}，{scheme} {person.psn_type}，{shown}"


def _bought(basket: Sequence[Bought]) -> list[str]:
    return [
        f"{bought.item.name}（{_CLASSES.get(bought.item.chrgitm_lv, '?')}） "
        f"{bought.item.price:f} × {bought.quantity:f} = {money(bought.amount)}"
        for bought in basket
    ]


def _done(reply: Reply) -> Reply:
    if not reply.is_done:
        raise StoryError(f"refused: {reply.err_code} {reply.err_msg} {reply.err_field}".rstrip())
    return reply


def _refused(reply: Reply) -> Reply:
    if reply.is_done:
        raise StoryError("accepted, though the rules refuse it")
    return reply


def _paid(reply: Reply) -> Paid:
    info = reply.node("setlinfo")
    total, fund, account, cash = (_yuan(info, name) for name in _AMOUNTS)
    return Paid(
        setl_id=str(info["setl_id"]), mdtrt_id=str(info["mdtrt_id"]), total=total, fund=fund,
        account=account, cash=cash, balance=_yuan(info, "balc"),
    )  # fmt: skip


def _yuan(info: Mapping[str, object], name: str) -> Decimal:
    value = info.get(name)
    if not isinstance(value, Decimal | int):
        raise StoryError(f"{name} is no amount: {value!r}")
    return Decimal(value)
