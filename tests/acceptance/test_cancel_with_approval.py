"""A region whose cancels need an approval record (退费备案), made by an operator beforehand."""

from __future__ import annotations

from datetime import datetime

import pytest

from settlement.storage.approvals import approve_cancel, withdraw_approval
from tests.kit.counter import Message
from tests.kit.population import CLASS_A, some
from tests.kit.profiles import policies_where
from tests.kit.reply import Reply, assert_done, assert_refused
from tests.kit.town import Town
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def approve(town: Town, settled: Reply) -> bool:
    """An operator files the approval."""
    return await approve_cancel(
        town.owner, int(settled.setl_id), reason="退费备案测试1号", actor="测试操作员",
        at=town.clock(),
    )  # fmt: skip


async def withdraw(town: Town, settled: Reply) -> bool:
    """The operator takes it back."""
    return await withdraw_approval(
        town.owner, int(settled.setl_id), reason="填错", actor="测试操作员", at=town.clock()
    )


async def done(town: Town, message: Message) -> bool:
    """Whether the message is no longer refused."""
    return not (await town.pharmacy.send(message)).infcode


async def test_cancel_waits_for_an_approval_and_may_then_come_in_any_year(town: Town) -> None:
    await town.restart(policies_where("cancel_window", "approval"))
    citizen = town.someone()
    settled = await town.pharmacy.sell(citizen, some(CLASS_A))
    message = town.pharmacy.cancel(settled)
    assert_refused(
        await town.pharmacy.send(message), "CANCEL_NOT_APPROVED", field="input.data.setl_id",
        mentions="退费备案",
    )  # fmt: skip
    town.clock.move_to(datetime(2027, 3, 1, 9, 0))
    assert await approve(town, settled)
    await until(lambda: done(town, message))
    assert await town.balance_fen(citizen) == 100_000
    assert not await withdraw(town, settled)
    assert not await approve(town, settled)


async def test_approval_is_in_force_in_a_process_that_starts_later(town: Town) -> None:
    await town.restart(policies_where("cancel_window", "approval"))
    settled = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    assert await approve(town, settled)
    await town.restart(policies_where("cancel_window", "approval"))
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(settled)))


async def test_withdrawn_approval_is_none(town: Town) -> None:
    await town.restart(policies_where("cancel_window", "approval"))
    settled = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    assert not await withdraw(town, settled)
    assert await approve(town, settled)
    assert await withdraw(town, settled)
    await town.restart(policies_where("cancel_window", "approval"))
    reply = await town.pharmacy.send(town.pharmacy.cancel(settled))
    assert_refused(reply, "CANCEL_NOT_APPROVED", field="input.data.setl_id")
    rows = await town.owner.fetch(
        "select a.actor, a.action, a.note from settlement.audit a where a.subject = $1"
        " order by a.audit_id",
        f"settlement {settled.setl_id}",
    )
    assert [tuple(row) for row in rows] == [
        ("测试操作员", "approve-cancel", "退费备案测试1号"),
        ("测试操作员", "withdraw-approval", "填错"),
    ]


async def test_only_a_settlement_that_stands_can_be_approved(town: Town) -> None:
    await town.restart()
    settled = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    cancelled = await town.pharmacy.send(town.pharmacy.cancel(settled))
    assert not await approve(town, settled)
    assert not await approve(town, cancelled)
