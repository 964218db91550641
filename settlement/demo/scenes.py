"""The scenes of the demonstration story: what is sent to the server, and what is told about it."""

from __future__ import annotations

from decimal import Decimal

from loadtest import institution_inputs as inputs
from loadtest import stay_inputs as stays
from loadtest.institution_inputs import Bought
from settlement.demo.cast import Cast, Props, SceneMaker
from settlement.demo.outpatient import quoted_visit
from settlement.demo.scene import (
    Scene,
    StoryError,
    amount_of,
    bought_lines,
    done,
    paid_of,
    refused,
    who,
)
from settlement.demo.table import money


async def sale(cast: Cast, props: Props) -> Scene:
    """An employee buys at a pharmacy and pays from the account."""
    counter = cast.pharmacy
    content = inputs.purchase(cast.employee, cast.drugs, at=counter.now())
    props.sale = counter.message("2102", content)
    props.sale_paid = paid = paid_of(done(await counter.send(props.sale)))
    return Scene(
        infno="2102", chinese="药店购药", english="an employee buys at a pharmacy",
        lines=(who(cast.employee, counter), *bought_lines(cast.drugs)), paid=paid,
    )  # fmt: skip


async def lost_answer(cast: Cast, props: Props) -> Scene:
    """The same message again: the same settlement, not a second one."""
    if props.sale is None or props.sale_paid is None:
        raise StoryError("there was no sale to send again")
    reply = done(await cast.pharmacy.send(props.sale))
    again = paid_of(reply)
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
    """A pensioner's outpatient visit."""
    counter, patient, basket = cast.hospital, cast.retired, cast.treatment
    begun = await quoted_visit(counter, patient, basket)
    paid = begun.settled(await counter.send(begun.settlement))
    return Scene(
        infno="1101 → 2201 → 2203 → 2204 → 2206 → 2207",
        chinese="门诊就诊", english="an outpatient visit",
        lines=(
            who(patient, counter),
            f"挂号 registered {begun.mdtrt_id}，年龄 age {begun.age}，"
            "诊断 diagnosis J06.900 急性上呼吸道感染",
            *bought_lines(basket),
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
    opened = done(await counter.ask("2401", stays.admission(patient, stay_no="Z0001", at=at)))
    mdtrt_id = str(opened.node("result")["mdtrt_id"])
    for number, bought in enumerate(days, 1):
        lines = stays.fee_lines(patient, [bought], mdtrt_id=mdtrt_id, at=at, first=number)
        done(await counter.ask("2301", lines))
    returned = stays.fee_lines(
        patient, [back], mdtrt_id=mdtrt_id, at=at, first=4, originals={4: "3"}
    )
    done(await counter.ask("2301", returned))
    leaving = stays.discharge(patient, mdtrt_id=mdtrt_id, at=counter.now())
    done(await counter.ask("2402", leaving))
    asked = stays.quote(patient, inputs.total([*days, back]), mdtrt_id=mdtrt_id)
    quote = done(await counter.ask("2303", asked)).node("setlinfo")
    answer = done(await counter.ask("2304", stays.settlement(asked, quote)))
    props.stay_paid = paid = paid_of(answer)
    return Scene(
        infno="2401 → 2301 → 2402 → 2303 → 2304",
        chinese="住院", english="a stay in hospital",
        lines=(
            who(patient, counter),
            f"入院 admitted {mdtrt_id}",
            *bought_lines([*days, back]),
            f"起付线 deductible {money(amount_of(quote, 'act_pay_dedc'))}，"
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
    props.resident_paid = paid = paid_of(done(await counter.ask("2102", content)))
    return Scene(
        infno="2102", chinese="居民购药，无个人账户", english="a resident has no account",
        lines=(who(cast.resident, counter),), paid=paid,
    )  # fmt: skip


async def cancelled(cast: Cast, props: Props) -> Scene:
    """The resident brings everything back: a second settlement, the exact negatives."""
    original = props.resident_paid
    if original is None:
        raise StoryError("there was no purchase to cancel")
    content = inputs.cancel(
        setl_id=original.setl_id, mdtrt_id=original.mdtrt_id, psn_no=cast.resident.person.psn_no
    )
    paid = paid_of(done(await cast.pharmacy.ask("2103", content)))
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
    done(await counter.ask("2601", content))
    answer = refused(await counter.send(late))
    return Scene(
        infno="2601, 2102", chinese="冲正在先，原报文迟到", english="reversed before it arrived",
        lines=(
            who(patient, counter),
            f"2601 冲正 {late.msgid}：成功 done, nothing was booked",
            f"2102 迟到 arrives late：拒绝 refused, {answer.err_code}",
            f"“{answer.err_msg}”",
        ),
    )  # fmt: skip


async def wrong_total(cast: Cast, _props: Props) -> Scene:
    """A header that is not the sum of its lines is refused with both numbers."""
    counter, patient = cast.pharmacy, cast.colleague
    claimed = inputs.total(cast.drugs) + 1
    content = inputs.purchase(patient, cast.drugs, at=counter.now(), amount=claimed)
    answer = refused(await counter.ask("2102", content))
    return Scene(
        infno="2102", chinese="总额与明细不符", english="a total that is not the sum of its lines",
        lines=(
            f"报 claimed {money(claimed)}，明细合计 lines add up to "
            f"{money(inputs.total(cast.drugs))}：拒绝 refused, {answer.err_code}",
            f"“{answer.err_msg}”",
        ),
    )  # fmt: skip


SCENES: tuple[SceneMaker, ...] = (
    sale, lost_answer, visit, stay, explained, resident_sale, cancelled, never_arrived,
    wrong_total,
)  # fmt: skip
