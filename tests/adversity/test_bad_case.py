"""One case that cannot be decided or written stands alone: those beside it go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec import Raw

from settlement.rows import SettlementRow
from settlement.translate import answers
from tests.kit.population import CLASS_A, Citizen, some
from tests.kit.reply import Reply, assert_done, assert_refused
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

OTHERS = 40


@asynccontextmanager
async def the_database_refuses(town: Town, citizen: Citizen) -> AsyncIterator[None]:
    """A check of the database lets no settlement of this person through."""
    await town.owner.execute(
        "alter table settlement.settlement add constraint not_this_one"
        f" check (psn_no <> '{citizen.number}') not valid"
    )
    yield
    await town.owner.execute("alter table settlement.settlement drop constraint not_this_one")


async def send_with_others(town: Town, citizen: Citizen) -> None:
    """The bad case among good ones: it is refused as our own fault, they are booked."""
    people = town.people(OTHERS)
    messages = [town.pharmacy.sale(who, some(CLASS_A)) for who in (*people, citizen)]
    async with asyncio.timeout(60):
        replies = await asyncio.gather(*map(town.pharmacy.send, reversed(messages)))
    bad, *good = replies
    assert_refused(bad, "INTERNAL", retry="same_msgid")
    for reply in good:
        assert_done(reply)
    assert [len(await town.rows_of(who)) for who in people] == [1] * OTHERS
    assert await town.rows_of(citizen) == []


async def test_case_that_the_database_refuses_stands_alone(town: Town) -> None:
    citizen = town.someone()
    async with the_database_refuses(town, citizen):
        await send_with_others(town, citizen)
    assert_done(await town.pharmacy.sell(citizen, some(CLASS_A)))


async def test_person_whose_record_is_damaged_stands_alone(town: Town) -> None:
    citizen = town.someone()
    sealed = await town.owner.fetchval(
        "select p.identity from settlement.person p where p.psn_no = $1", citizen.number
    )
    await _replace_identity(town, citizen, bytes(len(sealed)))
    await send_with_others(town, citizen)
    await _replace_identity(town, citizen, sealed)
    assert_done(await town.pharmacy.sell(citizen, some(CLASS_A)))


async def _replace_identity(town: Town, citizen: Citizen, sealed: bytes) -> None:
    await town.owner.execute(
        "update settlement.person set identity = $2 where psn_no = $1", citizen.number, sealed
    )


async def test_answer_that_cannot_be_written_stands_alone(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is written after the batch was sent, so its case is booked: the sender asks again."""
    citizen, other = town.people(2)
    write = answers.purchase_reply

    def fail_for_one(row: SettlementRow, *facts: Any) -> Raw:
        if row.psn_no == citizen.number:
            raise RuntimeError("cannot be written")
        return write(row, *facts)

    sale = town.pharmacy.sale(citizen, some(CLASS_A))
    with monkeypatch.context() as patch:
        patch.setattr(answers, "purchase_reply", fail_for_one)
        failed, good = await asyncio.gather(
            town.pharmacy.send(sale), town.pharmacy.sell(other, some(CLASS_A)),
            return_exceptions=True,
        )  # fmt: skip
    assert isinstance(failed, RuntimeError)
    assert isinstance(good, Reply)
    assert_done(good)
    again = await town.pharmacy.send(sale)
    assert again.warn_msg
    assert [str(row["setl_id"]) for row in await town.rows_of(citizen)] == [again.setl_id]
