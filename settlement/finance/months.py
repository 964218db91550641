"""Closing a month (月结): what stands in the way, the report that two people sign, and its seals.

A month is begun, verified, proposed, closed by another person, and sealed. Everything the report is
made of was booked on closed days, so it does not change while people look at it, and it can be made
again at any time: the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import date
from pathlib import Path

from msgspec import Struct

from settlement.books.month_report import MonthReport, report_bytes, report_digest
from settlement.books.month_states import (
    ACT_ZH,
    STATE_ZH,
    MonthAct,
    MonthStanding,
    MonthStep,
    allows,
    days_of,
    last_day,
    month_text,
    standing,
)
from settlement.books.sealing import Span
from settlement.clock import local_time
from settlement.finance.office import Office, written
from settlement.said import Said
from settlement.storage import closing as store
from settlement.storage import seals
from settlement.storage.audits import Audited, keep_audit
from settlement.storage.closing import Place
from settlement.storage.month_reports import month_report
from settlement.who import Who


class Found(Struct, frozen=True, kw_only=True):
    """A month, and what became of it."""

    place: Place
    steps: list[MonthStep]
    now: MonthStanding

    @property
    def name(self) -> str:
        """As 2026-10."""
        return month_text(self.place.month)


async def find(office: Office, month: date) -> Found:
    """A month as it stands."""
    place = Place(lane=office.home.lane, month=month)
    steps = await store.steps_of(office.connection, place)
    return Found(place=place, steps=steps, now=standing(steps))


async def report_of(office: Office, month: date) -> MonthReport:
    """The report of a month whose days are closed."""
    return await month_report(office.connection, office.home.region, month)


async def write_report(office: Office, month: date, out: Path) -> Said:
    """Write the report, and say whether it is the one that the month was closed by."""
    found = await find(office, month)
    if not await _days_are_closed(office, month):
        return Said(1, f"{found.name} 尚有业务日未日结 | days of the month are still open")
    report = await report_of(office, month)
    said = written(out, report_bytes(report), f"sha256 {report_digest(report)}")
    if said.status or found.now.closed is None:
        return said
    if found.now.closed.reference == report_digest(report):
        return Said(0, f"{said.text}\n与结账时一致 | the same as when it was closed")
    return Said(
        1, f"{said.text}\n与结账时不一致 | NOT the same as when it was closed: settlement verify"
    )


async def begin(office: Office, found: Found, who: Who) -> Said:
    """The month is over and somebody begins to close it."""
    over = local_time(office.clock()).date() > last_day(found.place.month)
    if not over:
        return Said(1, f"{found.name} 尚未结束 | the month is not over yet")
    await _keep(office, found, MonthAct.BEGIN, who)
    return Said(0, f"{found.name} 开始结账 | closing has begun")


async def propose(office: Office, found: Found, who: Who, stands: list[str]) -> Said:
    """One person says that the report is right; nothing may stand in the way."""
    if stands:
        return _in_the_way(found, stands)
    digest = report_digest(await report_of(office, found.place.month))
    await _keep(office, found, MonthAct.PROPOSE, who, digest)
    return Said(
        0,
        f"{found.name} 已提出结账，报告 sha256 {digest}；请另一人以 --confirm 确认 | proposed: "
        "another person confirms",
    )


async def close(office: Office, found: Found, who: Who, stands: list[str]) -> Said:
    """Another person says so of the same report."""
    proposal = found.now.proposal
    if proposal is None:
        return Said(1, f"{found.name} 尚无人提出结账 | nobody has proposed it yet")
    if who.is_also(proposal.actor):
        return Said(
            1, f"提出人 {proposal.actor} 不能确认自己提出的结账 | nobody confirms their own"
        )
    if stands:
        return _in_the_way(found, stands)
    digest = report_digest(await report_of(office, found.place.month))
    if digest != proposal.reference:
        return Said(
            1,
            f"{found.name} 报告与提出时不同（{proposal.reference[:12]}… → {digest[:12]}…），请重新"
            "提出并运行 settlement verify | the report is not the proposed one",
        )
    await _keep(office, found, MonthAct.CLOSE, who, digest)
    return Said(0, f"{found.name} 已结，报告 sha256 {digest} | closed")


async def seal(office: Office, found: Found, who: Who) -> Said:
    """Seal what every institution settled in the month, signed."""
    if office.keys is None:
        return Said(
            1, "没有封存签名密钥，请先运行 settlement seal-key | there is no key to sign with"
        )
    month = found.place.month
    span = Span(begins_on=month, ends_on=last_day(month))
    leaves = await seals.leaves_of_span(
        office.connection, span, lambda day: office.tell(day.day, span.ends_on.day)
    )
    if isinstance(leaves, str):
        return Said(1, f"{found.name} {leaves}: settlement verify")
    roots = await seals.roots_at_rest(office.connection, leaves)
    async with office.connection.transaction():
        digest = await seals.keep_seals(
            office.connection, office.home, span, roots, office.keys.signing, office.clock()
        )
        if digest is None:
            raise SomebodyElseError
        await _keep(office, found, MonthAct.SEAL, who, digest.hex())
    rows = sum(one.settlements for one in roots)
    return Said(
        0,
        f"{found.name} 已封存：{len(roots)} 家机构 {rows} 笔，密钥 "
        f"{office.keys.signing.public.fingerprint} | sealed",
    )


async def acting(
    office: Office, month: date, act: MonthAct,
    once: Callable[[Found], Coroutine[None, None, Said]],
) -> Said:  # fmt: skip
    """One act on a month that takes it: all of it or nothing. Reading comes before, in statements
    of their own; whoever comes second finds the number of the step taken."""
    found = await find(office, month)
    if not allows(found.now.state, act):
        return _refused(found, act)
    try:
        return await once(found)
    except SomebodyElseError:
        return Said(1, "别人刚处理过这个月，请重新查看 | somebody else has just acted: look again")


class SomebodyElseError(Exception):
    """Somebody else took the number of the step; the transaction is taken back."""


async def keep_verified(office: Office, found: Found, who: Who, entries: int) -> None:
    """Keep that everything was recomputed."""
    await _keep(office, found, MonthAct.VERIFY, who, f"{entries}")


async def _keep(
    office: Office, found: Found, act: MonthAct, who: Who, reference: str = ""
) -> None:
    at = office.clock()
    step = MonthStep(
        step_no=len(found.steps) + 1, act=act, at=at, actor=who.actor, reason=who.reason,
        reference=reference,
    )  # fmt: skip
    standing([*found.steps, step])
    async with office.connection.transaction():
        if not await store.keep_step(office.connection, found.place, step):
            raise SomebodyElseError
        await keep_audit(
            office.connection,
            Audited(at=at, actor=who.actor, action=f"month-{act.name.lower()}",
                    subject=f"month {found.name}", note=who.reason),
        )  # fmt: skip


async def _days_are_closed(office: Office, month: date) -> bool:
    return not await open_days(office, month)


async def open_days(office: Office, month: date) -> list[date]:
    """Days of a month that are not closed; those before anything was booked do not count."""
    ends_on = last_day(month)
    closed = await store.days_closed(office.connection, month, ends_on)
    first = await store.first_open_day(office.connection)
    since = min(closed, default=first)
    if since is None:
        return []
    return [day for day in days_of(month) if day >= since and day not in closed]


def _refused(found: Found, act: MonthAct) -> Said:
    last = found.now.last
    by = (
        "" if last is None
        else f"（{last.actor} 于 {local_time(last.at):%Y-%m-%d} {ACT_ZH[last.act]}）"
    )
    return Said(
        1,
        f"{found.name} 现为「{STATE_ZH[found.now.state]}」{by}，不能{ACT_ZH[act]} | it is "
        f"{found.now.state.value}: {act.name.lower()} is not possible",
    )


def _in_the_way(found: Found, stands: list[str]) -> Said:
    return Said(
        1, "\n".join([f"{found.name} 还不能结账 | it cannot be closed yet", *stands])
    )
