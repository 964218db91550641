"""`settlement regions cases` and `case`: strangers' cases that are not at their end, and one case
by its number, of either direction."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from ledger.money import yuan_text
from settlement.clock import local_time, system_clock
from settlement.elsewhere.remote_worklist import HAPPENING, Waiting, waiting
from settlement.embedded.errors import ServiceError
from settlement.embedded.services import open_database
from settlement.numbers import lane_in, parse
from settlement.rows import RowKind
from settlement.said import UNUSABLE, Said
from settlement.storage import console_regions as store
from settlement.storage import reference
from settlement.storage.connect import connect_plain
from settlement.storage.console_regions import HomeRow
from settlement.storage.errors import StorageError
from settlement.storage.lease import PlainConnection

SHOWN_MAX = 1_000
_KINDS = {RowKind.SETTLE: "结算", RowKind.CANCEL: "撤销", RowKind.REVERSE: "冲正"}
Work = Callable[[PlainConnection], Awaitable[Said]]


class Listed(Struct, frozen=True, kw_only=True):
    """A page of what is not at its end."""

    cases: Sequence[Waiting]
    total: int
    """of all pages"""
    goes_on: bool

    @property
    def next_after(self) -> int | None:
        """After which case the next page begins; None where this is the last."""
        return self.cases[-1].case.case_no if self.goes_on else None


def cases(
    data_dir: Path, region: str | None, *, after: int | None = None, as_json: bool
) -> Said:
    """What is not at its end, the oldest first: so many at a time, from after a case on."""

    async def work(connection: PlainConnection) -> Said:
        found = await store.cases_open(
            connection, None, region, after=after, limit=SHOWN_MAX + 1
        )
        total = await store.cases_open_count(connection, None, region)
        at = system_clock()
        told = Listed(
            cases=[waiting(one, at) for one in found[:SHOWN_MAX]], total=total,
            goes_on=len(found) > SHOWN_MAX,
        )  # fmt: skip
        return Said(0, cases_json(told) if as_json else cases_text(told, at))

    return _run(data_dir, work)


def case(data_dir: Path, number: str) -> Said:
    """One case by the number that both regions and the hub have; 1 where there is none."""

    async def work(connection: PlainConnection) -> Said:
        installed = await reference.installation(connection)
        if installed is None:
            return Said(UNUSABLE, "settlement: the database is not prepared")
        treated, _, rest = number.partition("-")
        if treated != installed.region:
            rows = await store.home_case(connection, None, treated, number)
            return Said(0, home_text(number, rows)) if rows else _missing(number)
        ours = parse(rest)
        known = ours is not None and lane_in(ours) < installed.lanes
        found = await store.remote_case(connection, None, ours) if ours and known else None
        if found is None:
            return _missing(number)
        at = system_clock()
        told = waiting(found, at)
        steps = [
            f"  {_time(when)} {HAPPENING[happening]}"
            for happening, when in told.steps
        ]  # fmt: skip
        return Said(0, "\n".join([*_lines(told, at), *steps]))

    return _run(data_dir, work)


def cases_text(listed: Listed, at: datetime) -> str:
    """For people: a case in a few lines, and where the list goes on."""
    found = listed.cases
    if not found:
        return "没有未完结的异地参保人业务 | every case of another region is at its end"
    shown = "" if len(found) == listed.total else f"，列出 {len(found)} 笔"
    head = f"未完结 {listed.total} 笔{shown}，最早的在前 | not at their end, the oldest first"
    lines = [head, *(line for one in found for line in _lines(one, at))]
    if listed.next_after is not None:
        lines.append(f"未列完，接着列：--after {listed.next_after} | the list goes on")
    return "\n".join(lines)


def cases_json(listed: Listed) -> str:
    """For programs; `next_after` is where the list goes on, null at its end."""
    after = listed.next_after
    return msgspec.json.encode(
        {
            "total": listed.total, "next_after": None if after is None else str(after),
            "cases": [
                {
                    "case_no": str(one.case.case_no), "insured_region": one.case.insured_region,
                    "institution": one.case.institution, "infno": one.case.infno,
                    "msgid": one.case.msgid, "total": yuan_text(one.case.total_fen),
                    "opened_at": one.case.opened_at, "state": one.state, "since": one.since,
                    "tries": one.tries, "asked_next": one.errand, "due_at": one.case.due_at,
                    "stuck": one.stuck,
                }
                for one in listed.cases
            ],
        }
    ).decode()  # fmt: skip


def home_text(number: str, rows: Sequence[HomeRow]) -> str:
    """Somebody of ours who was treated elsewhere: the settlement, and what took it back."""
    first = rows[0]
    return "\n".join([
        f"{number} 本区参保人在 {first.treated_region} {first.institution_name}"
        f"（{first.institution}）就医 | somebody of ours, treated there",
        *(
            f"  {one.setl_on} {_KINDS[RowKind(one.kind)]} {one.setl_id} 总费用 "
            f"{yuan_text(one.total_fen)} 元，基金 {yuan_text(one.fund_fen)}、账户 "
            f"{yuan_text(one.account_fen)}"
            for one in rows
        ),
        f"  明细 in full: settlement explain {first.setl_id}",
    ])  # fmt: skip


def _lines(one: Waiting, at: datetime) -> list[str]:
    held = one.case
    lines = [
        f"{held.case_no}  参保地 {held.insured_region}  机构 {held.institution}  "
        f"{held.infno} {held.msgid}  {yuan_text(held.total_fen)} 元  "
        f"{_time(held.opened_at)}（{int((at - held.opened_at).total_seconds()) // 60} 分钟 min）",
        f"  {one.state_told}；最近 last {_time(one.last_at)} {one.last_told}，"
        f"无答复 unanswered {one.tries}",
    ]
    if one.next_told is not None and held.due_at is not None:
        lines.append(f"  下次 next {_time(held.due_at)} {one.next_told}")
    if one.advice is not None:
        lines.append(f"  可做 to do: {one.advice}")
    return lines


def _time(at: datetime) -> str:
    return f"{local_time(at):%m-%d %H:%M:%S}"


def _missing(number: str) -> Said:
    return Said(1, f"没有异地业务 {number} | there is no such case")


def _run(data_dir: Path, work: Work) -> Said:
    async def run() -> Said:
        async with open_database(data_dir, os.environ) as database:
            connection = await connect_plain(database.app_dsn, name="settlement-operator")
            try:
                return await work(connection)
            finally:
                await connection.close()

    try:
        return asyncio.run(run())
    except (ServiceError, StorageError) as exc:
        return Said(UNUSABLE, f"settlement: {exc}")
