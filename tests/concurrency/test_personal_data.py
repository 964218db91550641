"""A person's data is told and erased beside running settlements: what may go is gone, what must be
kept is kept, and every chain and proof holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio
from msgspec import structs

from settlement.lanes import lane_of
from settlement.people.personal_data import Act
from settlement.serve.personal_desk import (
    ERASURES_FILE,
    Desk,
    confirm,
    expire,
    exported,
    finish,
    noted,
    propose,
    repeat,
    write_down,
)
from settlement.storage import personal
from tests.kit.erasing import OTHER, WHO, YEARS, a_desk, erased
from tests.kit.population import CLASS_A, DEAR, PHARMACY, Citizen, some
from tests.kit.rewriting import rewrite_person
from tests.kit.scanner import Scanner
from tests.kit.tampering import first_bad, found, tampered
from tests.kit.till import WALLET
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A town whose books are checked at the end."""
    async with a_town(database) as town:
        yield town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(town: Town, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """An operator's desk six years later: what was settled in the town is older than it is kept."""
    async with a_desk(town, tmp_path_factory.mktemp("personal")) as desk:
        yield desk


def today(desk: Desk, town: Town) -> Desk:
    """The same desk today: everything is young."""
    return structs.replace(desk, clock=town.clock)


async def keys_of(town: Town, who: Citizen) -> set[int]:
    """The kinds of keys that the person is found by."""
    rows = await town.owner.fetch(
        "select l.kind from settlement.lookup l where l.psn_no = $1 and l.kind <> 3", who.number
    )
    return {row["kind"] for row in rows}


async def details_of(town: Town, who: Citizen) -> int:
    found = await town.owner.fetchval(
        "select count(*) from settlement.settlement_detail d join settlement.settlement t"
        " on t.lane = d.lane and t.setl_id = d.setl_id where t.psn_no = $1",
        who.number,
    )
    assert isinstance(found, int)
    return found


async def test_copy_has_every_line_and_every_name(town: Town, desk: Desk) -> None:
    who = town.someone()
    await town.pharmacy.sell(who, some(CLASS_A, 3))
    told = await exported(desk, who.number, **WHO)
    assert told is not None
    again = msgspec.json.decode(msgspec.json.encode(told))
    assert again["identity"]["certificate_no"] == who.insured.identity.certificate_no
    detail = again["rows"]["settlement_detail"][0]["sealed_content"]
    assert "XA900TESTCLASSA" in msgspec.json.encode(detail).decode()
    assert again["rows"]["audit"][-1]["action"] == "export-personal-data"


async def test_what_must_be_kept_is_refused_with_the_reason(town: Town, desk: Desk) -> None:
    who = town.someone()
    await town.pharmacy.sell(who, some(CLASS_A, 3))
    said = await propose(today(desk, town), who.number, **WHO)
    assert said.status == 1
    assert f"保存 {YEARS} 年" in said.text
    assert "仍在参保" in said.text
    assert await details_of(town, who) == 1


async def test_one_person_alone_erases_nothing(town: Town, desk: Desk) -> None:
    who = town.someone()
    await town.pharmacy.sell(who, some(CLASS_A, 3))
    await propose(desk, who.number, **WHO)
    assert (await confirm(desk, who.number, **{**WHO, "actor": " 测试经办甲 "})).status == 1
    assert await details_of(town, who) == 1


async def test_lines_go_while_others_settle_and_every_chain_holds(town: Town, desk: Desk) -> None:
    who, others = town.someone(), [town.someone() for _ in range(6)]
    settled = await town.pharmacy.sell(who, some(CLASS_A, 3))
    said, *sold = await asyncio.gather(
        erased(desk, who),
        *(town.pharmacy.sell(other, some(CLASS_A, 2)) for other in others),
        town.other_pharmacy.sell(who, some(CLASS_A, 1)),
    )
    assert said.status == 0
    assert all(one.infcode == 0 for one in sold)
    assert "仍在参保" in said.text
    row = await town.owner.fetchrow(
        "select count(*) from settlement.settlement_detail d where d.setl_id = $1",
        int(settled.setl_id),
    )
    assert row is not None
    assert row[0] == 0
    assert (await town.verified()).ok
    told = await exported(desk, who.number, **WHO)
    assert told is not None
    assert len(told["rows"]["settlement"]) == 2  # type: ignore[index]


async def test_who_is_not_insured_any_more_is_a_number_that_nobody_finds(
    town: Town, desk: Desk
) -> None:
    who = town.someone()
    await town.pharmacy.sell(who, some(CLASS_A, 3))
    await rewrite_person(town.owner, town.keyring, who.number, enrolments="[]")
    balance = await town.balance_fen(who)
    assert await keys_of(town, who) == {1, 2, 4}
    said = await erased(desk, who)
    assert f"余额 {balance} 分" in said.text
    lane = lane_of(who.number, desk.lanes)
    await personal.erase_identity(
        desk.connection, desk.keyring, lane=lane, person_no=who.number,
        journal=desk.journal_of[lane], shape=desk.shape,
    )  # fmt: skip
    told = await exported(desk, who.number, **WHO)
    assert told is not None
    assert told["identity"]["name"] == ""  # type: ignore[index]
    assert await keys_of(town, who) == set(), "certificate, card and name find nobody"
    refused = await town.pharmacy.sell(who, some(CLASS_A, 1))
    assert refused.infcode == -1
    assert (await town.verified()).ok


async def test_what_was_interrupted_is_finished(town: Town, desk: Desk) -> None:
    """As after kill -9: it was confirmed, and some rows are gone."""
    who = town.someone()
    for count in (1, 2, 3):
        await town.pharmacy.sell(who, some(CLASS_A, count))

    await propose(desk, who.number, **WHO)
    await write_down(desk, who.number, Act.CONFIRMED, desk.before(), **OTHER)
    await town.owner.execute(
        "delete from settlement.settlement_detail where setl_id ="
        " (select min(setl_id) from settlement.settlement where psn_no = $1)",
        who.number,
    )
    assert await details_of(town, who) == 2
    assert await finish(desk) == [who.number]
    assert await details_of(town, who) == 0
    assert await finish(desk) == []
    assert (await town.verified()).ok


async def test_restored_database_hears_of_erasures_and_does_them_again(
    town: Town, desk: Desk
) -> None:
    who = town.someone()
    await town.pharmacy.sell(who, some(CLASS_A, 3))
    kept = await town.owner.fetch("select d.* from settlement.settlement_detail d")
    await erased(desk, who)
    before = await details_of(town, who)
    await town.owner.execute("delete from settlement.settlement_detail")
    await town.owner.copy_records_to_table(
        "settlement_detail", schema_name="settlement", records=[tuple(row) for row in kept]
    )
    known = [one for one in noted(desk.files[0]) if one.psn_no == who.number]
    assert len(known) == 1
    assert desk.files[0].name == ERASURES_FILE
    assert await repeat(desk, known) == []
    await town.owner.execute("delete from settlement.erasure where psn_no = $1", who.number)
    assert await repeat(desk, known) == known
    assert (before, await details_of(town, who)) == (0, 0)
    assert noted(desk.files[0]).count(known[0]) == 1


async def test_what_is_older_than_it_is_kept_goes_by_itself(town: Town, desk: Desk) -> None:
    who = town.someone()
    await town.pharmacy.sell(who, some(CLASS_A, 3))
    said = await expire(desk, **WHO, preview=True)
    assert "将删除" in said.text
    assert await details_of(town, who) == 1
    young = await expire(today(desk, town), **WHO, preview=False)
    assert young.text.startswith("已删除 erased：0 人")
    await expire(desk, **WHO, preview=False)
    assert await details_of(town, who) == 0
    assert (await town.verified()).ok


async def test_who_asks_for_erased_lines_is_told_so(town: Town, desk: Desk) -> None:
    who = town.someone()
    visit = await town.hospital.open_visit(who, some(CLASS_A, 2))
    assert (await erased(desk, who)).status == 0
    quote = await town.hospital.send(visit.quote(some(CLASS_A, 2)))
    assert quote.err_code == "DATA_ERASED"
    assert "保存期限" in quote.err_msg
    again = await town.hospital.open_visit(who, some(CLASS_A, 2))
    assert (await again.settle(some(CLASS_A, 2))).infcode == 0


async def test_payment_keeps_its_proof_when_what_it_held_goes(town: Town, desk: Desk) -> None:
    """Its entry commits to a commitment, of which the salt goes; a changed byte is found before."""
    who, scanner = town.someone(), Scanner(PHARMACY, town.service)
    paid = await scanner.scan(scanner.order(who, DEAR, 3, pay_code=WALLET))
    assert paid.status == "settled"
    async with tampered(
        town, "settlement.payment",
        "update settlement.payment set plan = plan || '\\x00' where psn_no = $1", who.number,
    ):  # fmt: skip
        assert await found(town) == "payment was changed"
    assert "渠道支付 payment: 1" in (await erased(desk, who)).text
    sizes = await town.owner.fetch(
        "select octet_length(y.plan) as size from settlement.payment y where y.psn_no = $1",
        who.number,
    )
    assert [row["size"] for row in sizes] == [34], "a version that is none, and the commitment"
    assert (await town.verified()).ok
    told = await exported(desk, who.number, **WHO)
    assert told is not None
    assert told["rows"]["payment"][0]["sealed_content"] is None  # type: ignore[index]


async def test_detail_that_nobody_erased_is_missed(town: Town, desk: Desk) -> None:
    """Somebody with all rights deletes it behind the ledger's back."""
    who = town.someone()
    settled = await town.pharmacy.sell(who, some(CLASS_A, 3))
    async with tampered(
        town, "settlement.settlement_detail",
        "delete from settlement.settlement_detail where setl_id = $1", int(settled.setl_id),
    ):  # fmt: skip
        bad = await first_bad(town)
        assert (bad.entry_id, bad.what) == (
            int(settled.setl_id), "detail is missing, and nobody erased or archived it"
        )  # fmt: skip
    assert (await town.verified()).ok
