"""Other regions and their legs: settlements that are on the books of a town, as of somebody from
elsewhere, or of somebody of ours who was treated elsewhere.

The settlement is a real one. What it owed to our pharmacy or from our funds is moved, by an entry
of the kit, to where it belongs when another region pays or is paid; the row beside it is put there
by hand. Whoever settles with other regions writes both in one commit.
"""

from __future__ import annotations

from datetime import date
from itertools import count

from msgspec import Struct

from ledger.entry import NOTHING, Entry, EntryKind, Transfer
from ledger.postgres.arrays import append_arguments, for_shape
from ledger.postgres.fold import balance
from ledger.postgres.schema import SHAPED as LEDGER
from settlement import chart
from settlement.chart import EntryCode, RegionAccount
from settlement.clock import moment
from settlement.numbers import NumberBlock
from settlement.serve.regional_books import RegionalBooks, open_books
from settlement.storage.cross_city import certificate_record
from settlement.storage.queries import REFERENCE
from settlement.storage.writer import lock_head
from tests.kit import population
from tests.kit.abroad import Abroad
from tests.kit.population import REGION
from tests.kit.town import Town

CHANGSHA, ZHUZHOU, HUNAN, GUANGZHOU = "430100", "430200", "430000", "440100"
CHENGDU, SICHUAN = "510100", "510000"
COUNTERPARTS = {one.region: one for one in population.COUNTERPARTS}
CERTIFICATE = b"999999198001019999"
_NUMBERS = count(1)


class KitLeg(Struct, frozen=True, kw_only=True):
    """A leg of the kit."""

    case_no: str
    setl_id: int
    total_fen: int
    fund_fen: int
    account_fen: int
    settled_on: date

    @property
    def owed_fen(self) -> int:
        """Funds and account."""
        return self.fund_fen + self.account_fen


async def an_operator(town: Town) -> RegionalBooks:
    """The books, as a command opens them."""
    return await open_books(town.owner, clock=town.clock)


async def treated_here(
    town: Town, setl_id: int | str, region: str, *, case_no: str | None = None,
    paid_in_advance: bool = False,
) -> KitLeg:  # fmt: skip
    """The person of a settlement is insured in `region`, which owes what was paid; of a cancel or
    a reversal the case is named."""
    leg = await _leg(town, int(setl_id), case_no or f"{REGION}-{setl_id}")
    lane, institution = await _place(town, leg.setl_id)
    sealed = town.keyring.seal(CERTIFICATE, certificate_record(lane, leg.setl_id))
    number = leg.case_no if case_no is None else f"{case_no}-back"
    await town.owner.execute(
        "insert into settlement.insured_elsewhere (setl_id, setl_on, lane, paid_in_advance,"
        " institution, insured_region, visit_no, settlement_no, certificate)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        leg.setl_id, leg.settled_on, lane, paid_in_advance, institution, region, number,
        f"A{next(_NUMBERS)}", town.keyring.version.to_bytes(2, "big") + sealed,
    )  # fmt: skip
    base = COUNTERPARTS[region].account_base
    await _move(town, lane, [
        (base + RegionAccount.RECEIVABLE_FUNDS, chart.fund_account(310102), leg.fund_fen),
        (base + RegionAccount.RECEIVABLE_ACCOUNTS, chart.CONTRIBUTIONS_BANK, leg.account_fen),
    ])  # fmt: skip
    return leg


async def treated_there(town: Town, region: str, *, case_no: str | None = None) -> KitLeg:
    """Somebody of ours was treated in `region`, which asked us to settle the case."""
    abroad = Abroad(town.service, town.clock, COUNTERPARTS[region])
    named = {} if case_no is None else {"case_no": case_no}
    told = await abroad.settle(abroad.case(town.someone(), **named))
    return await _leg(town, int(told.settlement_no), told.case_no)


async def credit_of(town: Town, account: int) -> int:
    """Credits less debits of an account."""
    found = await balance(town.owner, account)
    return found.credits_fen - found.debits_fen


async def region_balances(town: Town, region: str) -> dict[RegionAccount, int]:
    """The accounts of a region, as credits less debits; those at zero are left out."""
    base = COUNTERPARTS[region].account_base
    found = {one: await credit_of(town, base + one) for one in RegionAccount}
    return {account: fen for account, fen in found.items() if fen}


async def _leg(town: Town, setl_id: int, case_no: str) -> KitLeg:
    row = await town.owner.fetchrow(
        "select (t.setl_time + interval '8 hours')::date as settled_on, t.total_fen, t.fund_fen,"
        " t.account_fen from settlement.settlement t where t.setl_id = $1",
        setl_id,
    )
    assert row is not None
    return KitLeg(
        case_no=case_no, setl_id=setl_id, total_fen=row["total_fen"], fund_fen=row["fund_fen"],
        account_fen=row["account_fen"], settled_on=row["settled_on"],
    )  # fmt: skip


async def _place(town: Town, setl_id: int) -> tuple[int, str]:
    row = await town.owner.fetchrow(
        "select t.lane, t.institution from settlement.settlement t where t.setl_id = $1", setl_id
    )
    assert row is not None
    return row["lane"], row["institution"]


async def _move(town: Town, lane: int, moves: list[tuple[int, int, int]]) -> None:
    """An entry of the kit: (debit, credit, fen), the other way round where negative. Its code is
    one that commits to no row."""
    transfers = tuple(
        Transfer(debit, credit, fen) if fen > 0 else Transfer(credit, debit, -fen)
        for debit, credit, fen in moves
        if fen
    )
    if not transfers:
        return
    now = moment(town.clock)
    numbers = NumberBlock(await town.owner.fetchval(REFERENCE["number_block"]))
    journal = await town.owner.fetchval(
        "select max(l.journal) from ledger.lane l where l.lane = $1", lane
    )
    entry = Entry(
        lane=lane, entry_id=numbers.next(lane, now.business_day), kind=EntryKind.SINGLE,
        code=EntryCode.ACCOUNT_CONTRIBUTION, transfers=transfers, commitment=NOTHING,
    )  # fmt: skip
    arguments = append_arguments(
        journal=journal, business_day=now.business_day, booked_at=now.at, entries=[entry],
        resolved={},
    )  # fmt: skip
    async with town.owner.transaction():
        await lock_head(town.owner, journal=journal, lane=lane, shape=town.shape)
        await town.owner.execute(
            LEDGER[town.shape]["append_block"], *for_shape(arguments, town.shape, lane)
        )
