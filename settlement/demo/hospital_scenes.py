"""The scenes of a hospital that collects: deposits of a stay, from the phone to what is left."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal

from loadtest import institution_inputs as inputs
from loadtest import stay_inputs as stays
from loadtest.institution_client import InstitutionClient
from loadtest.institution_inputs import Bought
from settlement.demo import till
from settlement.demo.cast import Admitted, Cast, Props, SceneMaker
from settlement.demo.scene import Scene, StoryError, bought_lines, done, paid_of, who
from settlement.demo.table import money

FIRST, SECOND = Decimal("300.00"), Decimal("500.00")
_DAYS = 20


async def admitted(cast: Cast, props: Props) -> Scene:
    """A pensioner asks for a bed on the phone and pays a first deposit; the ward admits."""
    hospital, patient = cast.hospital, cast.retired
    number = till.order_no(hospital, 8)
    reply = till.expect(await hospital.pay("POST", "/pay/admission", {
        "order_no": number, "operator": "MINI", "insutype": patient.person.insutype,
        "person_code": patient.person.person_code or patient.person.certno, "ward": "测试病区",
        "amount": FIRST, "pay_code": till.pay_code(cast.world, "wechat", "ok"),
    }), "settled")  # fmt: skip
    waiting = _rows(await hospital.look("/pay/admissions"), "requests")
    request = next((one for one in waiting if one["order_no"] == number), None)
    if request is None:
        raise StoryError("the ward does not see the request")
    content = stays.admission(patient, stay_no=f"Z{number}", at=hospital.now())
    welcome = till.expect(
        await hospital.pay("POST", f"/pay/{number}/admit", {"operator": "0001", "input": content}),
        "settled",
    )
    props.admitted = Admitted(mdtrt_id=str(welcome.mdtrt_id), order_no=number)
    return Scene(
        infno="POST /pay/admission → 2401",
        chinese="手机申请入院，先交预交金", english="admitted from the phone",
        lines=(
            who(patient, hospital),
            *till.leg_lines(reply.legs),
            f"病区看到申请 the ward sees: {request['ward']}，已交 paid {request['paid']}",
            f"入院 admitted {welcome.mdtrt_id}：{welcome.message}",
        ),
    )  # fmt: skip


async def settled(cast: Cast, props: Props) -> Scene:
    """A second deposit, fee lines, discharge: 2304 uses the deposits, what is left goes back."""
    stay = props.admitted
    if stay is None:
        raise StoryError("nobody was admitted")
    hospital, patient = cast.hospital, cast.retired
    reply = await hospital.pay("POST", "/pay/deposit", {
        "order_no": till.order_no(hospital, 9), "operator": "0001", "mdtrt_id": stay.mdtrt_id,
        "amount": SECOND, "pay_code": till.pay_code(cast.world, "alipay", "ok"),
    })  # fmt: skip
    second = await till.until(hospital, reply, "settled")
    basket = [Bought(item=one.item, quantity=Decimal(_DAYS)) for one in cast.treatment[:3]]
    lines = stays.fee_lines(patient, basket, mdtrt_id=stay.mdtrt_id, at=hospital.now())
    done(await hospital.ask("2301", lines))
    leaving = stays.discharge(patient, mdtrt_id=stay.mdtrt_id, at=hospital.now())
    done(await hospital.ask("2402", leaving))
    asked = stays.quote(patient, inputs.total(basket), mdtrt_id=stay.mdtrt_id, account=False)
    quote = done(await hospital.ask("2303", asked)).node("setlinfo")
    answer = done(await hospital.ask("2304", stays.settlement(asked, quote)))
    return Scene(
        infno="/pay/deposit → 2301 → 2402 → 2304",
        chinese="预交金抵扣，余额原路退回", english="deposits used, the rest back",
        lines=(
            "再交 one more deposit: " + " ".join(till.leg_lines(second.legs)[:1]),
            *bought_lines(basket),
            f"2304 提示 note: {answer.warn_msg}",
            *await _deposits(hospital, stay.mdtrt_id, paid_of(answer).cash),
        ),
        paid=paid_of(answer),
    )  # fmt: skip


HOSPITAL_SCENES: tuple[SceneMaker, ...] = (admitted, settled)


async def _deposits(hospital: InstitutionClient, mdtrt_id: str, cash: Decimal) -> list[str]:
    """What became of each, once nothing is left of any."""
    for _ in range(till.POLLS_MAX):
        found = await hospital.look(f"/pay/deposits/{mdtrt_id}")
        deposits = _rows(found, "deposits")
        if Decimal(str(found["left"])) == 0 and all(map(_is_back, deposits)):
            break
        await asyncio.sleep(till.POLL_SECONDS)
    else:
        raise StoryError(f"of the deposits {found['left']} are left")
    applied, returned = (Decimal(str(found[name])) for name in ("applied", "returned"))
    if (applied, returned) != (cash, FIRST + SECOND - cash):
        raise StoryError(f"of the deposits {applied} were used and {returned} went back")
    return [
        f"{till.kind_name(str(one['kind']))} {money(Decimal(str(one['amount'])))} = "
        f"抵扣 used {one['applied']} + 退回 back {one['returned']}"
        for one in deposits
    ]


def _is_back(deposit: Mapping[str, object]) -> bool:
    return all(one["status"] == "returned" for one in _rows(deposit, "returns"))


def _rows(answer: Mapping[str, object], name: str) -> Sequence[Mapping[str, object]]:
    rows = answer.get(name)
    if not isinstance(rows, list):
        raise StoryError(f"no {name} in the answer: {answer}")
    return rows
