"""Taking what the other side sends about a month: its statement, its answer to ours, its notice.

What does not add up, is of another month, or comes twice with other content is refused as a whole;
the reason is said and kept in the audit, and nothing is booked. Rows that we do not have, or have
with other amounts, are disputed at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import sha256
from typing import assert_never

import msgspec
from msgspec import Struct

from ledger.money import yuan_text
from protocol.hub.clearing import (
    ClearingAnswer,
    ClearingFile,
    ClearingNotice,
    ClearingRow,
    ClearingStatement,
    DayList,
    MarkedRow,
)
from settlement.elsewhere.regional_clearing import Act, Mark, Period, Side, party_of
from settlement.elsewhere.regional_matching import Key, Row
from settlement.elsewhere.regional_netting import Sums
from settlement.elsewhere.regional_statements import Place as Expected
from settlement.elsewhere.regional_statements import faults_of
from settlement.said import Said
from settlement.serve.regional_books import RegionalBooks
from settlement.serve.regional_marks import mark_rows
from settlement.serve.regional_paying import notify
from settlement.serve.regional_periods import (
    Found,
    acting,
    day_of,
    find,
    keep,
    name_of,
    refused,
    sums_of,
    sums_of_legs,
    text_of,
)
from settlement.storage import regional_clearing as store
from settlement.storage.audits import Audited, keep_audit
from settlement.storage.regional_clearing import Leg
from settlement.who import Who

REFUSED = "clearing-file-refused"
"""The action of the audit."""
SHOWN_MAX = 20
_UNKNOWN = "本区无此结算"
_DIFFERS = "金额与本区不符"
_Disputes = dict[str, list[Leg]]
"""Rows that cannot be confirmed, by why."""


class Sent(Struct, frozen=True, kw_only=True):
    """A file that came from the other side."""

    name: str
    content: bytes

    @property
    def digest(self) -> str:
        """What it is known by."""
        return sha256(self.content).hexdigest()[:16]


async def take(books: RegionalBooks, month: date, sent: Sent, who: Who) -> Said:
    """Take a file for a month; 1 where it was refused."""
    told: ClearingStatement | ClearingAnswer | ClearingNotice | DayList
    try:
        told = msgspec.json.decode(sent.content, type=ClearingFile)
    except msgspec.MsgspecError as exc:
        return await refuse(books, sent, who, [f"不是清算文件 | no clearing file: {exc}"])
    match told:
        case ClearingStatement():
            return await _take_statement(books, month, sent, told, who)
        case ClearingAnswer():
            return await _take_answer(books, month, sent, told, who)
        case ClearingNotice():
            return await _take_notice(books, month, sent, told, who)
        case DayList():
            reason = "这是日对账清单，请用 reconcile-regions | a list of a day is no statement"
            return await refuse(books, sent, who, [reason])
        case _:
            assert_never(told)


async def _take_statement(
    books: RegionalBooks, month: date, sent: Sent, told: ClearingStatement, who: Who
) -> Said:
    expected = Expected(
        month=month, own=frozenset({books.region, books.province}),
        creditors=frozenset(books.counterparts),
    )  # fmt: skip
    faults = faults_of(told, expected)
    if faults:
        return await refuse(books, sent, who, faults)
    party = party_of(told.creditor, books.region)
    period = Period(party=party, month=month, side=Side.INSURANCE)

    async def act() -> Said:
        return await _statement(books, period, told, f"sha256 {sent.digest}", who)

    said = await acting(books, party, act)
    return said if not said.status else await refuse(books, sent, who, [said.text])


async def _statement(
    books: RegionalBooks, period: Period, told: ClearingStatement, digest: str, who: Who
) -> Said:
    found = await find(books, period)
    same = [step for step in found.steps if step.reference == told.statement_no]
    name = name_of(books, found)
    if same and digest in same[0].reason:
        taken_on = day_of(same[0])
        return Said(0, f"{told.statement_no} 已于 {taken_on} 收下，未再改动 | taken before")
    earlier = await store.taken_in(books.connection, found.place, told.statement_no)
    if earlier is not None:
        return Said(
            1,
            f"{told.statement_no} 已收过另一内容（{earlier:%Y-%m}）| that number was taken with "
            "other content",
        )
    act = Act.JOIN if found.steps else Act.STATE
    no = refused(books, found, act)
    if no is not None:
        return no
    if found.steps and await _has_stated(books, found, told.creditor):
        return Said(
            1,
            f"{told.creditor} 本月已有清算表 | that region has stated this month already",
        )
    legs, disputes = await _matched(books, found, told)
    if isinstance(legs, Said):
        return legs
    await store.keep_legs(books.connection, found.place, legs)
    noted = Who(actor=who.actor, reason=f"{who.reason} [{digest}]")
    sums = sums_of_legs(legs)
    found = await keep(books, found, act, noted, sums, reference=told.statement_no)
    lines = [f"{name} 收下 {told.statement_no}：{text_of(sums)} | taken"]
    found = await _dispute(books, found, disputes, who)
    lines += [
        f"  有异议 {_DISPUTE_ZH[why]}：{text_of(sums_of_legs(rows))}" for why, rows in
        disputes.items()
    ]  # fmt: skip
    return Said(0, "\n".join(lines))


_DISPUTE_ZH = {_UNKNOWN: "本区无此结算（not ours）", _DIFFERS: "金额不符（amounts differ）"}


async def _matched(
    books: RegionalBooks, found: Found, told: ClearingStatement
) -> tuple[list[Leg] | Said, _Disputes]:
    """The rows as legs with our settlements, and those to be disputed; or why none is taken."""
    legs: list[Leg] = []
    disputes: _Disputes = {}
    in_file = {(row.case_no, row.reversal): row for row in told.rows}
    for first in range(0, len(told.rows), store.BUNDLE):
        bundle = told.rows[first : first + store.BUNDLE]
        cases = [row.case_no for row in bundle]
        ours = await our_rows(books, told.creditor, cases)
        known = await store.stated_among(books.connection, found.place, cases)
        books.tell(first + len(bundle), len(told.rows))
        for row in bundle:
            key = row.case_no, row.reversal
            if key in known and known[key].taken:
                return Said(
                    1, f"{row.case_no} 已在以前的月份申报 | a row was claimed before: doubled"
                ), {}
            own = ours.get(key)
            leg = _leg(row, told.creditor, None if own is None else own[0])
            legs.append(leg)
            why = _objection(row, own, in_file)
            if why:
                disputes.setdefault(why, []).append(leg)
    return legs, disputes


async def our_rows(
    books: RegionalBooks, creditor: str, cases: Sequence[str]
) -> dict[Key, tuple[int, Row]]:
    """What we have of cases of a region, with our settlement numbers."""
    rows = await store.rows_home(books.connection, creditor, case_nos=cases)
    return {row.key: (setl_id, row) for setl_id, row in rows}


def _objection(
    row: ClearingRow, own: tuple[int, Row] | None, in_file: dict[Key, ClearingRow]
) -> str:
    """Why a row cannot stand; empty where it can. A case that the same statement takes back and
    that we never had comes to nothing."""
    amounts = row.total_fen, row.fund_fen, row.account_fen
    if own is not None:
        return "" if own[1].amounts == amounts else _DIFFERS
    mirror = in_file.get((row.case_no, not row.reversal))
    undone = mirror is not None and amounts == (
        -mirror.total_fen, -mirror.fund_fen, -mirror.account_fen
    )
    return "" if undone else _UNKNOWN


async def _dispute(
    books: RegionalBooks, found: Found, disputes: _Disputes, who: Who
) -> Found:
    for why, legs in disputes.items():
        step_no = len(found.steps) + 1
        await store.keep_marks(
            books.connection, found.place, step_no, Mark.OBJECTED, months=0, reason=why,
            keys=[leg.key for leg in legs],
        )  # fmt: skip
        automatic = Who(actor=who.actor, reason=why)
        found = await keep(books, found, Act.OBJECT, automatic, sums_of_legs(legs))
    return found


async def _take_answer(
    books: RegionalBooks, month: date, sent: Sent, told: ClearingAnswer, who: Who
) -> Said:
    party = party_of(told.debtor, books.region)
    period = Period(party=party, month=month, side=Side.TREATMENT)
    faults = []
    if told.month != f"{month:%Y-%m}":
        faults.append(f"月份为 {told.month} | it is of {told.month}, not {month:%Y-%m}")
    if told.creditor != books.region:
        faults.append(f"申报方 {told.creditor} 不是本区 | it answers {told.creditor}, not us")
    keys = [(row.case_no, row.reversal) for row in told.rows]
    if len(set(keys)) < len(keys):
        faults.append("同一明细出现两次 | a row is there twice")
    if faults:
        return await refuse(books, sent, who, faults)

    async def act() -> Said:
        return await _answer(books, period, told, f"answer {sent.digest}", who)

    said = await acting(books, period.party, act)
    return said if not said.status else await refuse(books, sent, who, [said.text])


async def _answer(
    books: RegionalBooks, period: Period, told: ClearingAnswer, reference: str, who: Who
) -> Said:
    found = await find(books, period)
    if any(step.reference == reference for step in found.steps):
        return Said(0, "这份答复已收下，未再改动 | taken before")
    if not found.steps or told.statement_no != found.statement_no:
        return Said(
            1,
            f"答复的清算表 {told.statement_no} 不是本期的（{found.statement_no or '未申报'}）| it "
            "answers another statement",
        )
    said_before = await _said_before(books, found, told)
    lines = []
    gone = frozenset(key for key, mark in said_before.items() if mark is Mark.OBJECTED) - {
        (row.case_no, row.reversal) for row in told.rows
    }
    if gone:
        withdrawn = Who(actor=who.actor, reason="对方已撤回异议")
        said = await mark_rows(
            books, found, Mark.WITHDRAWN, gone, months=0, who=withdrawn, reference=reference
        )
        if said.status:
            return said
        lines.append(said.text)
        found = await find(books, period)
    for months, reason, rows in _alike(_not_said(told.rows, said_before)):
        mark = Mark.POSTPONED if months else Mark.OBJECTED
        keys = frozenset((row.case_no, row.reversal) for row in rows)
        said = await mark_rows(
            books, found, mark, keys, months=months, who=Who(actor=who.actor, reason=reason),
            reference=reference,
        )  # fmt: skip
        if said.status:
            return said
        lines.append(said.text)
        found = await find(books, period)
    if told.confirmed:
        said = await _confirmed(books, found, told, reference, who)
        if said.status:
            return said
        lines.append(said.text)
    return Said(0, "\n".join(lines) or "答复没有内容 | the answer says nothing")


async def _said_before(
    books: RegionalBooks, found: Found, told: ClearingAnswer
) -> dict[Key, Mark]:
    """What stands of earlier answers: each has all that is disputed or postponed, so a dispute that
    it does not have any more is withdrawn."""
    whole = told.debtor == found.period.party
    return {
        leg.key: leg.mark
        async for leg in store.legs_of(books.connection, found.place)
        if leg.mark in (Mark.OBJECTED, Mark.POSTPONED) and (whole or leg.region == told.debtor)
    }


def _not_said(
    rows: Sequence[MarkedRow], said_before: Mapping[Key, Mark]
) -> list[MarkedRow]:
    return [
        row for row in rows
        if said_before.get((row.case_no, row.reversal))
        is not (Mark.POSTPONED if row.months else Mark.OBJECTED)
    ]  # fmt: skip


async def _take_notice(
    books: RegionalBooks, month: date, sent: Sent, told: ClearingNotice, who: Who
) -> Said:
    """It must be about what was confirmed here, and by whom it is paid here."""
    side = Side.TREATMENT if told.creditor == books.region else Side.INSURANCE
    own = told.creditor if side is Side.TREATMENT else told.debtor
    faults = []
    if told.month != f"{month:%Y-%m}":
        faults.append(f"月份为 {told.month} | it is of {told.month}, not {month:%Y-%m}")
    if own not in (books.region, books.province):
        faults.append("通知与本区无关 | it is about two others")
    if told.payer not in (told.creditor, told.debtor):
        faults.append(f"付款方 {told.payer} 与本期无关 | its payer is neither of the two")
    if faults:
        return await refuse(books, sent, who, faults)
    other = told.debtor if side is Side.TREATMENT else told.creditor
    period = Period(party=party_of(other, books.region), month=month, side=side)
    amount_fen = told.amount_fen if told.payer == told.debtor else -told.amount_fen

    async def act() -> Said:
        return await _noticed(books, period, told, amount_fen, who)

    said = await acting(books, period.party, act)
    return said if not said.status else await refuse(books, sent, who, [said.text])


async def _noticed(
    books: RegionalBooks, period: Period, told: ClearingNotice, amount_fen: int, who: Who
) -> Said:
    found = await find(books, period)
    if told.statement_no not in [step.reference for step in found.steps]:
        return Said(
            1, f"通知的清算表 {told.statement_no} 不是本期的 | it is about another statement"
        )
    notice = found.now.notice
    if notice is None:
        return await notify(books, found, told.notice_no, amount_fen, who)
    if notice.amount_fen == amount_fen:
        return Said(
            0, f"{name_of(books, found)} 已有通知 {notice.reference}，金额相同 | known already"
        )
    return Said(
        1,
        f"{name_of(books, found)} 已有通知 {notice.reference}：{yuan_text(notice.amount_fen)} 元，"
        f"对方通知写 {yuan_text(amount_fen)} 元 | it is about another sum than our notice",
    )


async def _confirmed(
    books: RegionalBooks, found: Found, told: ClearingAnswer, reference: str, who: Who
) -> Said:
    no = refused(books, found, Act.CONFIRM)
    if no is not None:
        return no
    ours = (await sums_of(books.connection, found.place)).standing
    theirs = told.legs, told.fund_fen, told.account_fen
    if theirs != (ours.legs, ours.fund_fen, ours.account_fen):
        confirmed = Sums(legs=told.legs, fund_fen=told.fund_fen, account_fen=told.account_fen)
        return Said(
            1,
            f"对方确认 {text_of(confirmed)}，本区为 {text_of(ours)} | it confirms another sum than "
            "what stands here",
        )
    await keep(books, found, Act.CONFIRM, who, ours, reference=reference)
    return Said(0, f"{name_of(books, found)} 对方已确认 {text_of(ours)} | confirmed")


def _alike(rows: Sequence[MarkedRow]) -> list[tuple[int, str, list[MarkedRow]]]:
    """Rows of which the same is said, objections last: a postponement settles earlier ones."""
    found: dict[tuple[int, str], list[MarkedRow]] = {}
    for row in rows:
        found.setdefault((row.months, row.reason), []).append(row)
    return [(months, reason, alike) for (months, reason), alike in sorted(found.items())][::-1]


async def _has_stated(books: RegionalBooks, found: Found, creditor: str) -> bool:
    return any(
        leg.region == creditor
        for leg in [one async for one in store.legs_of(books.connection, found.place)]
    )


async def refuse(
    books: RegionalBooks, sent: Sent, who: Who, faults: Sequence[str]
) -> Said:
    """Refuse a file, and keep why."""
    told = "\n".join(f"  {fault}" for fault in faults[:SHOWN_MAX])
    if not books.keeps:
        return Said(1, f"{sent.name} 将不予接收 | it would be refused:\n{told}")
    await keep_audit(
        books.connection,
        Audited(
            at=books.moment.at, actor=who.actor, action=REFUSED,
            subject=f"file {sent.name} sha256 {sent.digest}", note=told.strip(),
        ),
    )  # fmt: skip
    return Said(1, f"{sent.name} 不予接收，未入账 | refused, nothing was booked:\n{told}")


def _leg(row: ClearingRow, region: str, setl_id: int | None) -> Leg:
    return Leg(
        case_no=row.case_no, reversal=row.reversal, region=region, institution=row.institution,
        clearing_type=row.clearing_type, scheme=row.scheme, settled_on=row.settled_on,
        total_fen=row.total_fen, fund_fen=row.fund_fen, account_fen=row.account_fen,
        setl_id=setl_id,
    )  # fmt: skip

