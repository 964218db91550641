"""An operator stops a person, an institution, a fund or a credential: in force within a second."""

from __future__ import annotations

from datetime import timedelta

import pytest

from settlement.serve.reference_watch import POLL_SECONDS
from tests.kit.population import CLASS_A, Citizen, Kind, some
from tests.kit.reply import Reply, assert_done, assert_money, assert_refused
from tests.kit.town import Town
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_second_is_enough_for_two_looks_of_a_process() -> None:
    """One that has just begun when somebody is stopped, and the one that finds it. How long a look
    takes is a matter of the machine; the others here wait as long as theirs does."""
    assert 2 * POLL_SECONDS < 1.0


@pytest.mark.parametrize("kind", ["person", "institution"])
async def test_stopped_subject_is_refused_with_the_reason_until_it_goes_on(
    town: Town, kind: str
) -> None:
    citizen = town.someone()
    subject = {"person": citizen.number, "institution": town.pharmacy.code}[kind]
    code, field = {
        "person": ("PERSON_SUSPENDED", "input.druginfo.psn_no"),
        "institution": ("INSTITUTION_SUSPENDED", "fixmedins_code"),
    }[kind]
    assert_done(await quote(town, citizen))
    await town.switch(kind, subject, on=True)
    reply = await until(lambda: refusal(town, citizen))
    assert_refused(reply, code, field=field, mentions="测试停用")
    assert_refused(
        await town.pharmacy.sell(citizen, some(CLASS_A)), code, field=field, mentions="测试停用"
    )
    await town.switch(kind, subject, on=False)
    await until(lambda: done(town, citizen))


async def test_stopped_fund_pays_nothing_says_why_and_the_rest_falls_to_account_and_cash(
    town: Town,
) -> None:
    citizen, penniless = town.someone(), town.someone(Kind.PENNILESS)
    await town.switch("fund", "310102", on=True)
    await until(lambda: fund_pays_nothing(town, citizen))
    settled = await town.pharmacy.sell(citizen, some(CLASS_A, 2))
    assert_money(settled, total="25.00", fund="0.00", account="25.00", cash="0.00")
    [share] = [r for r in settled.rows("setldetail") if r["fund_pay_type"] == "310102"]
    assert "该基金已被经办机构暂停支付" in str(share["setl_proc_info"])
    [row] = await town.rows_of(citizen)
    assert "fund_stopped" in row["explanation"]
    in_cash = await town.pharmacy.sell(penniless, some(CLASS_A, 2))
    assert_money(in_cash, total="25.00", fund="0.00", account="0.00", cash="25.00")
    await town.switch("fund", "310102", on=False)
    await until(lambda: fund_pays(town, citizen))
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(settled)))
    assert await town.balance_fen(citizen) == 100_000


async def test_stopped_fund_refuses_a_claim_for_which_nothing_else_may_pay(town: Town) -> None:
    citizen = town.someone(Kind.RESIDENT)
    await town.switch("fund", "390102", on=True)
    reply = await until(lambda: refusal(town, citizen))
    assert_refused(reply, "FUND_SUSPENDED", mentions="390102")
    assert "测试停用" in reply.err_msg
    await town.switch("fund", "390102", on=False)
    await until(lambda: done(town, citizen))


async def test_stopped_credential_is_known_as_stopped(town: Town) -> None:
    key = town.pharmacy.caller.access_key

    async def is_stopped() -> bool:
        await quote(town, citizen)
        fact = town.service.credential(key)
        assert fact is not None
        return fact.suspended

    async def goes_on() -> bool:
        return not await is_stopped()

    citizen = town.someone()
    assert await goes_on()
    await town.switch("credential", key, on=True)
    await until(is_stopped)
    await town.switch("credential", key, on=False)
    await until(goes_on)


async def test_switch_is_in_force_in_every_process(town: Town) -> None:
    others = [await town.start_service(), await town.start_service()]
    citizen = town.someone()
    message = town.pharmacy.quote(citizen, some(CLASS_A))

    async def all_refuse() -> bool:
        return all([(await message.to(worker)).infcode for worker in (town.service, *others)])

    await town.switch("person", citizen.number, on=True)
    await until(all_refuse)


async def test_switch_works_while_other_reference_data_cannot_be_loaded(town: Town) -> None:
    citizen = town.someone()
    await town.owner.execute(
        "insert into settlement.catalogue_item (code, effective_from, effective_to, name,"
        " list_type, item_class, charge_kind, self_pay_bp, ceilings)"
        " select i.code, i.effective_from + 1, i.effective_to, i.name, i.list_type, i.item_class,"
        " i.charge_kind, i.self_pay_bp, i.ceilings from settlement.catalogue_item i"
        " where i.code = $1",
        CLASS_A.item.code,
    )
    await town.bump("catalogue")
    await town.switch("person", citizen.number, on=True)
    reply = await until(lambda: refusal(town, citizen))
    assert_refused(reply, "PERSON_SUSPENDED", field="input.druginfo.psn_no", mentions="测试停用")
    await town.switch("person", citizen.number, on=False)
    await until(lambda: done(town, citizen))
    await town.owner.execute(
        "delete from settlement.catalogue_item where code = $1 and effective_from = $2",
        CLASS_A.item.code, CLASS_A.item.effective_from + timedelta(1),
    )  # fmt: skip
    await town.bump("catalogue")


async def test_switches_are_audited(town: Town) -> None:
    citizen = town.someone()
    await town.switch("person", citizen.number, on=True)
    await town.switch("person", citizen.number, on=False)
    rows = await town.owner.fetch(
        "select a.actor, a.action, a.note from settlement.audit a where a.subject = $1"
        " order by a.audit_id",
        f"person {citizen.number}",
    )
    assert [tuple(row) for row in rows] == [
        ("测试操作员", "suspend", "测试停用"), ("测试操作员", "resume", "测试停用"),
    ]  # fmt: skip


async def quote(town: Town, citizen: Citizen) -> Reply:
    """A quote for the person: asks much and leaves nothing."""
    return await town.pharmacy.send(town.pharmacy.quote(citizen, some(CLASS_A)))


async def refusal(town: Town, citizen: Citizen) -> Reply | None:
    """The refusal, once there is one."""
    reply = await quote(town, citizen)
    return reply if reply.infcode else None


async def fund_pays(town: Town, citizen: Citizen) -> bool:
    """Whether a fund pays in a quote for the person."""
    return (await quote(town, citizen)).money("fund_pay_sumamt") > 0


async def fund_pays_nothing(town: Town, citizen: Citizen) -> bool:
    """Whether none does."""
    return not await fund_pays(town, citizen)


async def done(town: Town, citizen: Citizen) -> bool:
    """Whether it is no longer refused."""
    return not (await quote(town, citizen)).infcode
