"""Adjustments of what institutions are paid (拨付调整): by file or typed, by two people.

One person reads a batch in: every row names institution, kind, amount and source. Another gives the
same batch with --confirm: then it is booked, each row by an entry of its own. The same batch again
changes nothing; a source counts once in a period for one institution, kind and settlement.

A row may name a settlement (个案): it is the institution's own and stands, when the row is proposed
and when it is booked.

A batch is looked at as a whole first, so that all its faults are named. Then each lane's rows are
looked at again under the lock, where nobody else acts: what counts is what is there then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from msgspec import Struct, structs

from ledger.money import yuan_text
from settlement.books.payout import (
    CODE,
    KIND_ZH,
    SIGN,
    Act,
    Adjustment,
    Amounts,
    Kind,
    adjustment_transfers,
)
from settlement.books.payout_intake import Asked
from settlement.finance.payout_books import (
    Booking,
    PayoutBooks,
    SomebodyElseError,
    adjustment_commitment,
    book,
    in_lane,
    lock_pool,
)
from settlement.finance.payout_periods import Change, Found, apply, last_known, load, refused
from settlement.said import Said
from settlement.storage import payouts as store
from settlement.storage.payouts import Balances
from settlement.who import Who

_FOREVER = date(2100, 1, 1)
_DEPOSIT_USED = frozenset({Kind.DEPOSIT_RETURN, Kind.DEPOSIT_FORFEIT})


class Batch(Struct, frozen=True, kw_only=True):
    """Rows that came together, with their digest."""

    digest: bytes
    rows: tuple[Asked, ...]


async def adjust(
    books: PayoutBooks, first_on: date, batch: Batch, who: Who, *, confirm: bool
) -> Said:
    """Propose a batch, or book one that somebody else proposed."""
    last = last_known(books, first_on)
    known = await store.batch_of(books.connection, first_on, batch.digest)
    proposers = sorted({actor for _, actor, _ in known})
    if confirm and not known:
        return Said(1, "没有人提出过这一批（内容须相同） | nobody has proposed exactly this")
    own = [actor for actor in proposers if confirm and who.is_also(actor)]
    if own:
        return Said(1, f"须由 {own[0]} 以外的人确认 | somebody other than {own[0]} must confirm")
    if confirm:
        waiting = {_key(row) for row in await rows_of(books, first_on, batch.digest)}
        rows = [row for row in batch.rows if _key(row) in waiting]
    else:
        there = {code for code, _, _ in known}
        rows = [row for row in batch.rows if row.institution not in there]
    if not rows:
        return Said(
            0, f"这一批已由 {'、'.join(proposers)} 提出{'并已确认' if confirm else ''}，未再改动 | "
            "known already; nothing was changed"
        )  # fmt: skip
    faults = await _faults(books, first_on, last, rows, batch.digest if confirm else None)
    if faults:
        return _refusal(faults)
    done = 0
    for lane, some in _turns(books, rows, confirm=confirm):

        async def once(lane: int = lane, some: Sequence[Asked] = some) -> Said:
            found = await load(books, lane, _institutions(some), first_on, last)
            if confirm:
                return await _book(books, lane, found, some, batch.digest, who)
            return await _propose(books, lane, found, some, batch.digest, who)

        said = await in_lane(books, lane, once)
        if said.status:
            return said if not done else Said(
                1, f"已办 {done} 笔，其余未办 | {done} done, not the rest:\n{said.text}"
            )
        done += int(said.text)
    return Said(0, _told(rows, who, "、".join(proposers) if confirm else "", done))


async def rows_of(books: PayoutBooks, first_on: date, digest: bytes) -> tuple[Asked, ...]:
    """The open rows of a batch as they were asked for, so that whoever confirms need not bring the
    file again; none where nobody proposed it."""
    last = last_known(books, first_on)
    known = await store.batch_of(books.connection, first_on, digest)
    rows = []
    for lane, codes in books.by_lane({code for code, _, open_rows in known if open_rows}):
        for one in await load(books, lane, codes, first_on, last):
            rows += [
                Asked(
                    row=each.number, institution=one.institution, kind=each.kind,
                    amount_fen=each.amount_fen, source=each.source, note=each.note,
                    setl_id=each.setl_id,
                )
                for each in one.proposals
                if each.batch == digest
            ]  # fmt: skip
    return tuple(rows)


async def withdraw(
    books: PayoutBooks, first_on: date, institution: str, number: int, who: Who
) -> Said:
    """Take a proposed adjustment back: nothing is booked."""
    last = last_known(books, first_on)
    lane = books.lane_of(institution)

    async def act() -> Said:
        (found,) = await load(books, lane, [institution], first_on, last)
        one = next((each for each in found.proposals if each.number == number), None)
        if one is None:
            return Said(1, f"没有待确认的第 {number} 笔调整 | no such proposal is open")
        ended = structs.replace(one, ended_by=who.actor, booked=False)
        await _end(books, lane, first_on, who, [(institution, ended)])
        return Said(
            0, f"{books.name_of(institution)} 第 {number} 笔 {_text(one)} 已撤回 | withdrawn"
        )

    return await in_lane(books, lane, act)


async def _propose(
    books: PayoutBooks, lane: int, found: Sequence[Found], rows: Sequence[Asked], digest: bytes,
    who: Who,
) -> Said:  # fmt: skip
    faults = await _row_faults(books, rows, _by_institution(found), None)
    if faults:
        return _refusal(faults)
    proposed = [
        (
            one.institution,
            Adjustment(
                number=len(one.kept.adjustments) + place, kind=row.kind,
                amount_fen=row.amount_fen, source=row.source, note=row.note, batch=digest,
                proposed_by=who.actor, setl_id=row.setl_id,
            ),
        )
        for one in found
        for place, row in enumerate(
            (row for row in rows if row.institution == one.institution), 1
        )
    ]  # fmt: skip
    if not await store.propose_adjustments(
        books.connection, lane, found[0].period.first_on, books.moment.at, proposed
    ):
        raise SomebodyElseError
    return Said(0, str(len(proposed)))


async def _book(
    books: PayoutBooks, lane: int, found: Sequence[Found], rows: Sequence[Asked], digest: bytes,
    who: Who,
) -> Said:  # fmt: skip
    waiting = {
        (one.institution, each.kind, each.source, each.setl_id): each
        for one in found
        for each in one.proposals
        if each.batch == digest
    }
    if any(who.is_also(one.proposed_by) for one in waiting.values()):
        raise SomebodyElseError
    rows = [row for row in rows if _key(row) in waiting]
    faults = await _row_faults(books, rows, _by_institution(found), digest)
    faults += await _uncovered_now(books, rows)
    if faults:
        return _refusal(faults)
    changes, ended, bookings = [], [], []
    for one in found:
        open_ones = [waiting[_key(row)] for row in rows if row.institution == one.institution]
        if not open_ones:
            continue
        effect_fen = sum(SIGN[each.kind] * each.amount_fen for each in open_ones)
        changes.append(
            Change(found=one, amounts=Amounts(effect_fen), reference=digest.hex()[:16])
        )
        for each in open_ones:
            booked = structs.replace(
                each, ended_by=who.actor, booked=True, entry_id=books.number(lane)
            )
            ended.append((one.institution, booked))
            bookings.append(Booking(
                entry_id=booked.entry_id or 0, code=CODE[each.kind],
                transfers=adjustment_transfers(
                    each.kind, each.amount_fen, books.base_of(one.institution)
                ),
                commitment=adjustment_commitment(lane, one.period, booked),
            ))  # fmt: skip
    if ended:
        await apply(books, lane, Act.ADJUST, who, changes)
        await _end(books, lane, found[0].period.first_on, who, ended)
        await book(books, lane, [code for code, _ in ended], bookings)
    return Said(0, str(len(ended)))


async def _end(
    books: PayoutBooks, lane: int, first_on: date, who: Who,
    ended: list[tuple[str, Adjustment]],
) -> None:  # fmt: skip
    if not await store.end_adjustments(
        books.connection, lane, first_on, books.moment.at, books.moment.business_day,
        actor=who.actor, reason=who.reason, ended=ended,
    ):  # fmt: skip
        raise SomebodyElseError


async def _faults(
    books: PayoutBooks, first_on: date, last: date, rows: Sequence[Asked], own: bytes | None
) -> list[str]:
    """What is wrong with rows, each named: nothing of the batch is kept then. `own` is the digest
    of a batch that is confirmed."""
    faults = [
        f"  第 {row.row} 行 没有机构 {row.institution} | row {row.row}: no such institution"
        for row in rows
        if row.institution not in books.institutions
    ]
    if faults:
        return faults
    found: dict[str, Found] = {}
    for lane, codes in books.by_lane(_institutions(rows)):
        found |= _by_institution(await load(books, lane, codes, first_on, last))
    faults = await _row_faults(books, rows, found, own)
    balances = await store.ledger_at(books.connection, _FOREVER)
    return faults + _uncovered(rows, balances, await store.pool_fen(books.connection))


async def _row_faults(
    books: PayoutBooks, rows: Sequence[Asked], found: Mapping[str, Found], own: bytes | None
) -> list[str]:
    """Rows that their periods do not take, whose source is there already, whose settlement does not
    stand, or that pay back too much."""
    faults = []
    for row in rows:
        one = found[row.institution]
        no = refused(books, one, Act.ADJUST)
        if no is not None:
            faults.append(f"  第 {row.row} 行 {no}")
        elif _is_known(row, one.kept.adjustments, own):
            faults.append(
                f"  第 {row.row} 行 {row.institution} {KIND_ZH[row.kind]} {row.source} 已有 | row "
                f"{row.row}: this source is there already"
            )
    faults += await _case_faults(books, rows)
    return faults + _more_than_owed(rows, found)


async def _case_faults(books: PayoutBooks, rows: Sequence[Asked]) -> list[str]:
    """Rows about a settlement that is not there, is another institution's, or does not stand."""
    named = [(row, row.setl_id) for row in rows if row.setl_id is not None]
    if not named:
        return []
    cases = await store.cases_of(books.connection, (number for _, number in named))
    faults = []
    for row, number in named:
        case = cases.get(number)
        if case is None or case.institution != row.institution:
            what = f"{row.institution} 没有结算 {number} | it has no such settlement"
        elif not case.stands:
            what = f"结算 {number} 已撤销，或不是结算 | it was undone, or is no settlement"
        else:
            continue
        faults.append(f"  第 {row.row} 行 {what} (row {row.row})")
    return faults


def _is_known(row: Asked, adjustments: Iterable[Adjustment], own: bytes | None) -> bool:
    """Whether a row's source is there already; of the batch itself one that was booked."""
    return any(
        (one.kind, one.source, one.setl_id) == (row.kind, row.source, row.setl_id)
        and (one.booked or (one.is_open and one.batch != own))
        for one in adjustments
    )


def _more_than_owed(rows: Sequence[Asked], found: Mapping[str, Found]) -> list[str]:
    """Nobody pays back more than the period says that they owe us, with what is booked of it."""
    back: Counter[str] = Counter()
    for row in rows:
        if row.kind is Kind.REPAID:
            back[row.institution] += row.amount_fen
    faults = []
    for code, fen in back.items():
        debt_fen = max(0, -found[code].due.total_fen)
        if fen > debt_fen:
            faults.append(
                f"  {code} 应收 {yuan_text(debt_fen)} 元，不足缴回 {yuan_text(fen)} 元 | it does "
                "not owe so much"
            )
    return faults


async def _uncovered_now(books: PayoutBooks, rows: Sequence[Asked]) -> list[str]:
    """The same when they are booked. Deposits and prepayments are under the lane's lock; the pool
    has its own."""
    kinds = {row.kind for row in rows}
    balances, pool_fen = dict[str, Balances](), 0
    if kinds & {Kind.PREPAID_USED, *_DEPOSIT_USED}:
        balances = await store.ledger_at(books.connection, _FOREVER)
    if Kind.REWARD in kinds:
        await lock_pool(books)
        pool_fen = await store.pool_fen(books.connection)
    return _uncovered(rows, balances, pool_fen)


def _uncovered(
    rows: Sequence[Asked], balances: Mapping[str, Balances], pool_fen: int
) -> list[str]:
    """Deposits and prepayments are used no further than they go, and the pool neither."""
    wanted: Counter[tuple[str, bool]] = Counter()
    for row in rows:
        if row.kind in _DEPOSIT_USED:
            wanted[row.institution, True] += row.amount_fen
        elif row.kind is Kind.PREPAID_USED:
            wanted[row.institution, False] += row.amount_fen
    faults = []
    for (code, is_deposit), fen in wanted.items():
        there = balances.get(code)
        held_fen = 0 if there is None else there.deposit_fen if is_deposit else there.prepaid_fen
        if fen > held_fen:
            what = "质保金" if is_deposit else "预付款"
            faults.append(
                f"  {code} {what}余额 {yuan_text(held_fen)} 元，不足 {yuan_text(fen)} 元 | there "
                "is not so much"
            )
    sums: Counter[Kind] = Counter()
    for row in rows:
        sums[row.kind] += row.amount_fen
    if sums[Kind.REWARD] > max(0, pool_fen + sums[Kind.DEPOSIT_FORFEIT]):
        faults.append(
            f"  质保金奖励池 {yuan_text(pool_fen + sums[Kind.DEPOSIT_FORFEIT])} 元，不足 "
            f"{yuan_text(sums[Kind.REWARD])} 元 | the pool has not so much"
        )
    return faults


def _turns(
    books: PayoutBooks, rows: Sequence[Asked], *, confirm: bool
) -> list[tuple[int, list[Asked]]]:
    """The rows of a lane that are done together. Rewards are booked last: what the batch brings
    into the pool is in it by then."""
    turns = []
    for last in (False, True):
        by_institution: dict[str, list[Asked]] = {}
        for row in rows:
            if (confirm and row.kind is Kind.REWARD) is last:
                by_institution.setdefault(row.institution, []).append(row)
        turns += [
            (lane, [row for code in codes for row in by_institution[code]])
            for lane, codes in books.by_lane(by_institution)
        ]
    return turns


def _institutions(rows: Iterable[Asked]) -> list[str]:
    return sorted({row.institution for row in rows})


def _by_institution(found: Iterable[Found]) -> dict[str, Found]:
    return {one.institution: one for one in found}


def _key(row: Asked) -> tuple[str, Kind, str, int | None]:
    """What a row is in its batch."""
    return row.institution, row.kind, row.source, row.setl_id


def _refusal(faults: Sequence[str]) -> Said:
    return Said(1, "\n".join(["未入账 | nothing was booked:", *faults]))


def _told(rows: Sequence[Asked], who: Who, proposed_by: str, done: int) -> str:
    by_kind: dict[Kind, list[int]] = {}
    for row in rows:
        by_kind.setdefault(row.kind, []).append(row.amount_fen)
    lines = [
        f"  {KIND_ZH[kind]} {len(amounts)} 笔 {yuan_text(sum(amounts))} 元"
        for kind, amounts in sorted(by_kind.items())
    ]
    if proposed_by:
        first = f"已入账 {done} 笔：{proposed_by} 提出，{who.actor} 确认 | booked"
    else:
        first = (
            f"由 {who.actor} 提出 {done} 笔，尚待另一人以 --confirm 确认 | proposed, not booked"
        )
    return "\n".join([first, *lines])


def _text(one: Adjustment) -> str:
    return f"{KIND_ZH[one.kind]} {yuan_text(one.amount_fen)} 元（{one.source}）"
