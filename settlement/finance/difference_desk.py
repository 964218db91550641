"""`settlement match` and `settlement differences`, each opened on a data directory for one act, and
what they say."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import msgspec
from msgspec.structs import replace

from ledger.money import yuan_text
from settlement import chart
from settlement.books.channel_fees import AS_BILLED
from settlement.books.channel_matching import CLASS_ZH, Joined
from settlement.books.difference_states import ACT_ZH, CORRECTION_ZH, STATE_ZH, State, Step
from settlement.clock import local_time
from settlement.finance import differences as acts
from settlement.finance.books import Books, run
from settlement.finance.differences import PROPOSABLE, Found
from settlement.finance.matching import Matched, by_channel, match
from settlement.said import Said
from settlement.storage import differences as store
from settlement.storage.audits import Audited, keep_audit
from settlement.storage.channel_rows import Sum
from settlement.storage.differences import Difference, Filter
from settlement.storage.lease import connection_for
from settlement.who import Who

SHOWN_MAX = 1_000
CHANNEL_ZH = {**chart.CHANNEL_ZH, "institution": "机构对账"}


def who(parsed: argparse.Namespace) -> Who:
    """Who gives the command, and why."""
    return Who(actor=parsed.actor, reason=parsed.reason)


def match_days(data_dir: Path, first: date, last: date, *, as_json: bool) -> Said:
    """Match a period; 1 where the sums do not explain each other."""

    async def act(books: Books) -> Said:
        async with connection_for(books.dsn, "settlement-matching") as second:
            matched = await match(books, first, last, beside=[second])
        text = _matched_json(matched) if as_json else matched_text(matched)
        return Said(0 if matched.is_explained else 1, text)

    return run(data_dir, act)


def list_all(data_dir: Path, which: Filter, *, age_days: int | None, as_json: bool) -> Said:
    """The worklist."""

    async def act(books: Books) -> Said:
        until = None if age_days is None else _today(books) - timedelta(days=age_days)
        found = await store.listed(books.connection, replace(which, until=until), SHOWN_MAX)
        return Said(0, _list_json(books, found) if as_json else list_text(books, found))

    return run(data_dir, act)


def show(data_dir: Path, number: int) -> Said:
    """A difference with its steps and previews."""

    async def act(books: Books) -> Said:
        found = await acts.find(books.connection, number)
        return found if isinstance(found, Said) else Said(0, shown_text(books, found))

    return run(data_dir, act)


def assign(data_dir: Path, number: int, owner: str, who: Who, *, taken_from: str) -> Said:
    """Somebody looks after it."""
    return run(
        data_dir, lambda books: acts.assign(books, number, owner, who, taken_from=taken_from)
    )


def propose(data_dir: Path, number: int, correction: str, who: Who) -> Said:
    """Propose a correction."""
    return run(data_dir, lambda books: acts.propose(books, number, PROPOSABLE[correction], who))


def confirm(data_dir: Path, number: int, who: Who) -> Said:
    """Confirm what another proposed."""
    return run(data_dir, lambda books: acts.confirm(books, number, who))


def reject(data_dir: Path, number: int, who: Who) -> Said:
    """Send a proposal back."""
    return run(data_dir, lambda books: acts.reject(books, number, who))


def note(data_dir: Path, number: int, who: Who) -> Said:
    """Say something about it."""
    return run(data_dir, lambda books: acts.note(books, number, who))


def fee(
    data_dir: Path, channel: str, merchant: str, since: date, *, rate_bp: int,
    tolerance_fen: int, who: Who,
) -> Said:  # fmt: skip
    """Tell what a channel keeps of payments."""

    async def act(books: Books) -> Said:
        at = books.moment.at
        async with books.connection.transaction():
            await store.keep_fee_rate(
                books.connection, channel=channel, merchant=merchant, since=since,
                rate_bp=rate_bp, tolerance_fen=tolerance_fen, at=at, actor=who.actor,
                reason=who.reason,
            )  # fmt: skip
            await keep_audit(
                books.connection,
                Audited(
                    at=at, actor=who.actor, action="merchant-fee",
                    subject=f"merchant {channel}/{merchant}/{since}", note=who.reason,
                ),
            )  # fmt: skip
        return Said(
            0,
            f"{CHANNEL_ZH[channel]} {merchant} 自 {since} 起手续费率 {rate_bp} 个基点 | kept",
        )

    return run(data_dir, act)


def matched_text(matched: Matched) -> str:
    """What a matching came to, for people."""
    period = f"{matched.first}" if matched.first == matched.last else (
        f"{matched.first} 至 {matched.last}"
    )  # fmt: skip
    lines = [f"{period} 渠道对账 | matched"]
    for channel, sums in by_channel(matched).items():
        lines.append(
            f"  {CHANNEL_ZH.get(channel, channel)}：本方 {_sum(sums, 'ours')}，账单 "
            f"{_sum(sums, 'theirs')}，相符 {_sum(sums, 'agreed')}"
        )
    for found, (n, ours_fen, theirs_fen) in sorted(matched.classes.items()):
        lines.append(
            f"  {CLASS_ZH[found]} {found.value}：{n} 项，本方 {yuan_text(ours_fen)}，账单 "
            f"{yuan_text(theirs_fen)} 元"
        )
    lines += _together_text(matched)
    for channel, merchant, day in matched.missing[:20]:
        lines.append(f"  账单未到：{CHANNEL_ZH.get(channel, channel)} {merchant} {day} | no bill")
    if len(matched.missing) > 20:
        lines.append(f"  …另有 {len(matched.missing) - 20} 份账单未到 | and more")
    cleared = matched.cleared
    if cleared.fees:
        lines.append(
            f"  手续费记账 {cleared.fees} 笔 {yuan_text(cleared.fee_fen)} 元（规则 {AS_BILLED}） | "
            "fees booked"
        )
    if cleared.disputed:
        lines.append(
            f"  手续费有差异、待处理后再记账：{cleared.disputed} 户 | fees wait"
        )
    lines.append(
        "  两边合计由相符与各类差异完全说明 | the sums explain each other"
        if matched.is_explained
        else "  两边合计不能由各类差异说明，请核查 | the sums do not explain each other"
    )
    return "\n".join(lines)


def _together_text(matched: Matched) -> list[str]:
    """What agrees together only, or does not."""
    lines = []
    if matched.groups:
        merged, split = (matched.groups.get(one, 0) for one in Joined)
        lines.append(f"  合计相符：合并 {merged} 组，拆分 {split} 组 | merged, split")
    if matched.undecided:
        lines.append(
            f"  另有 {matched.undecided} 组合计相符，但合并拆分方式不止一种，仍列为差异 | "
            "several ways to join them, left as differences"
        )
    if matched.too_many:
        lines.append("  差异过多，未查找合并与拆分 | too many differences to look for joined rows")
    return lines


def list_text(books: Books, found: Sequence[Difference]) -> str:
    """The worklist, a line each."""
    if not found:
        return "没有待处理的差异 | no difference is under way"
    today = _today(books)
    lines = ["差异 number, class, state, day, age, channel, order, institution, owner, yuan due"]
    for one in found:
        last, name = one.last, one.name
        lines.append(
            f"{one.number}  {acts.class_zh(name, last.facts.found)}  {STATE_ZH[last.state]}"
            f"  {last.facts.day}  {(today - last.facts.day).days} 天  {name.channel}"
            f"  {acts.kind_zh(name)} {name.number}  {last.facts.institution or '机构不明'}"
            f"  {last.owner or '-'}  {yuan_text(last.due_fen)}"
        )
    return "\n".join(lines)


def shown_text(books: Books, found: Found) -> str:
    """A difference with everything about it."""
    last, facts, name = found.last, found.last.facts, found.name
    lines = [
        f"{found.number} {acts.class_zh(name, facts.found)}（{facts.found.value}）："
        f"{STATE_ZH[last.state]}",
        f"  {CHANNEL_ZH.get(name.channel, name.channel)} {acts.kind_zh(name)} "
        f"{name.number}，{books.name_of(facts.institution)}，负责人 {last.owner or '无'}，"
        f"{(_today(books) - facts.day).days} 天",
        f"  本方 {yuan_text(facts.ours_fen)} 元（{facts.day}，商户 {facts.merchant or '-'}），"
        f"账单 {yuan_text(facts.theirs_fen)} 元（{facts.their_day or '-'}，商户 "
        f"{facts.their_merchant or '-'}），应更正 {yuan_text(last.due_fen)} 元",
        *(f"  {_step_text(one)}" for one in found.steps),
    ]
    if last.state in (State.OPEN, State.PROPOSED):
        title = "待复核" if last.state is State.PROPOSED else "可以"
        for preview in acts.previews(found, books.institutions.get(facts.institution)):
            lines.append(f"  {title}{CORRECTION_ZH[preview.correction]}：")
            lines += [f"    {line}" for line in preview.lines or ("不记账",)]
    return "\n".join(lines)


def _step_text(step: Step) -> str:
    entry = "" if step.entry_id is None else f" 记账 {step.entry_id}"
    correction = CORRECTION_ZH[step.correction]
    return " ".join(
        part
        for part in (
            f"{step.step_no}. {local_time(step.at):%Y-%m-%d %H:%M}", step.actor or "系统",
            ACT_ZH[step.act], f"{CLASS_ZH[step.facts.found]}", correction, step.reason,
            f"[{step.rule}]" if step.rule else "", entry,
        )
        if part
    )  # fmt: skip


def _sum(sums: dict[str, Sum], side: str) -> str:
    one = sums.get(side, Sum())
    return f"{one.rows} 笔 {yuan_text(one.fen)} 元"


def _today(books: Books) -> date:
    return books.moment.local.date()


def _matched_json(matched: Matched) -> str:
    shown = {
        "first": matched.first, "last": matched.last, "explained": matched.is_explained,
        "missing_bills": [list(one) for one in matched.missing],
        "sums": {
            channel: {
                side: {"rows": one.rows, "amount": yuan_text(one.fen)}
                for side, one in sums.items()
            }
            for channel, sums in by_channel(matched).items()
        },
        "classes": {
            found.value: {
                "rows": n, "ours": yuan_text(ours_fen), "theirs": yuan_text(theirs_fen)
            }
            for found, (n, ours_fen, theirs_fen) in matched.classes.items()
        },
        "joined": {one.value: matched.groups.get(one, 0) for one in Joined},
        "joined_in_several_ways": matched.undecided, "too_many_to_join": matched.too_many,
    }  # fmt: skip
    return msgspec.json.encode(shown).decode()


def _list_json(books: Books, found: Sequence[Difference]) -> str:
    today = _today(books)
    shown = [
        {
            "number": str(one.number), "class": one.last.facts.found.value,
            "state": one.last.state.name.lower(), "day": one.last.facts.day,
            "age_days": (today - one.last.facts.day).days, "channel": one.name.channel,
            "kind": one.name.kind.name.lower(), "order_no": one.name.order_no,
            "refund_no": one.name.refund_no, "institution": one.last.facts.institution,
            "owner": one.last.owner, "ours": yuan_text(one.last.facts.ours_fen),
            "theirs": yuan_text(one.last.facts.theirs_fen), "due": yuan_text(one.last.due_fen),
        }
        for one in found
    ]  # fmt: skip
    return msgspec.json.encode(shown).decode()
