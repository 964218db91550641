"""Papers of cleared months over the wire: handed over until the other side has decided, and what
came decided on as if it had come as a file (ADR 0072).

The door keeps what comes, to the byte; the step here, which runs as the schema's owner, takes it. A
paper of which nothing is known is handed over again: under its number and digest it is the same.
One that the other side's program does not know rests, until somebody sends it again.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from datetime import date
from enum import Enum, unique
from hashlib import sha256
from http import HTTPStatus

import msgspec
from msgspec import Struct

from protocol.hub.clearing import (
    ClearingAnswer,
    ClearingFile,
    ClearingNotice,
    ClearingStatement,
    DayList,
)
from protocol.hub.messages import (
    KIND_UNKNOWN,
    PART_BYTES_MAX,
    PARTS_MAX,
    Kind,
    PaperAsked,
    PaperState,
    PaperTold,
    Refused,
)
from settlement.clock import local_time
from settlement.elsewhere.regional_clearing import Side
from settlement.elsewhere.regional_statements import month_text
from settlement.region.hub import HubLine, NoAnswer
from settlement.said import Said
from settlement.serve.regional_books import RegionalBooks
from settlement.serve.regional_paying import answers_of
from settlement.serve.regional_periods import Found
from settlement.serve.regional_stating import content_of, statement_of
from settlement.serve.regional_taking import Sent, refuse, take
from settlement.storage import regional_papers as store
from settlement.storage.audits import Audited, keep_audit
from settlement.storage.errors import StorageError, translate
from settlement.storage.regional_papers import End, Listed, Mark, Paper
from settlement.telemetry.metrics import METRICS
from settlement.who import Who

logger = logging.getLogger("settlement.workers")
BY_ITSELF = Who(actor="settlement serve", reason="经平台收到 | over the wire")
SENT = "clearing-paper-sent"
"""The action of the audit."""
ANSWER_SECONDS = 10.0
AT_A_TIME_MAX = 100
"""Papers that one step looks at."""
LISTED_MAX = 200
TEXT_MAX = 4_000
"""Of what the other side says of a paper."""
_KIND_OF: dict[type[msgspec.Struct], Kind] = {
    ClearingStatement: Kind.STATEMENT, ClearingAnswer: Kind.ANSWER, ClearingNotice: Kind.NOTICE,
}  # fmt: skip
KIND_ZH = {Kind.STATEMENT: "清算表", Kind.ANSWER: "答复", Kind.NOTICE: "通知"}
UNREAD_TIMES_MAX = 3
"""So often in a row somebody on the way says that a paper is no message; then it rests."""
Key = tuple[int, str, bool, str, str]


@unique
class Unread(Enum):
    """Why nothing will become of a paper by handing it over once more."""

    BY_THEM = "the other side says so, signed"
    BY_SOMEBODY = "somebody on the way says so, once"
    SURELY = "somebody on the way says so, again and again"


_UNREAD = {
    Unread.BY_THEM: "对方程序不识别此类文件 | the other side's program does not know such papers",
    Unread.SURELY: "平台或对方一再答复不是报文（HTTP 400），其程序可能较旧 | the hub or the other "
    "side says that it is no message: an older program?",
}
_FAILED = (
    "收取方程序处理时出错，见其日志 region.paper.failed | the receiver's program failed at it: its "
    "log says why"
)
_NUL = rb"\u0000"
"""As JSON has it, which is the only way."""
PaperMade = ClearingStatement | ClearingAnswer | ClearingNotice


class ToHandOver(Struct, frozen=True, kw_only=True):
    """A paper of ours, and who is to have it."""

    region: str
    number: str
    paper: PaperMade


async def send(books: RegionalBooks, found: Found, who: Who) -> Said:
    """Put our papers of a period into the box: the server hands them over. Put there again they are
    the same."""
    made = await _made(books, found)
    if isinstance(made, Said):
        return made
    lines = []
    for one in made:
        content = content_of(one.paper)
        paper = Paper(
            lane=books.lane_of(one.region), region=one.region, sent=True,
            kind=_KIND_OF[type(one.paper)], number=one.number, digest=sha256(content).hexdigest(),
        )  # fmt: skip
        name = f"{KIND_ZH[paper.kind]} {one.number}"
        if await store.digests_of(books.connection, paper):
            lines.append(f"{name} {await _again(books, paper, who)}")
            continue
        parts = _parts(content)
        if len(parts) > PARTS_MAX:
            return Said(
                1, f"{name} 超过 {PARTS_MAX} 段，请以文件交付 | too large: give it as a file"
            )
        for place, part in enumerate(parts, 1):
            await store.keep_part(
                books.connection, paper, place, len(parts), part, books.moment.at
            )
        await _audit_sent(books, paper, who)
        lines.append(
            f"{name} 经平台发往 {books.name_of(one.region)} [sha256 {paper.digest[:16]}] | to be "
            "sent"
        )
    return Said(0, "\n".join(lines))


async def _again(books: RegionalBooks, paper: Paper, who: Who) -> str:
    """One that was sent before is sent again where it rests."""
    if not await store.is_at_rest(books.connection, paper):
        return "已在发送之列，未再改动 | sent before"
    await store.keep_mark(
        books.connection, paper, Mark.AGAIN, at=books.moment.at, actor=who.actor, said=who.reason
    )
    await _audit_sent(books, paper, who)
    return f"重新发往 {books.name_of(paper.region)} | to be sent again"


async def _audit_sent(books: RegionalBooks, paper: Paper, who: Who) -> None:
    await keep_audit(
        books.connection,
        Audited(
            at=books.moment.at, actor=who.actor, action=SENT,
            subject=f"paper {paper.number} sha256 {paper.digest[:16]} to {paper.region}",
            note=who.reason,
        ),
    )  # fmt: skip


async def listed(books: RegionalBooks) -> Said:
    """Papers that went over the wire, with what became of them."""
    rows = await store.papers(books.connection, limit=LISTED_MAX)
    if not rows:
        return Said(0, "没有经平台收发的清算文件 | no paper went over the wire")
    return Said(0, "\n".join(_line(books, one) for one in rows))


async def decide(books: RegionalBooks) -> int:
    """Take what came and is whole, in the order in which it came; how many were decided on. Where
    the database did not do it, what else came from that region waits for the next step."""
    done = 0
    waiting: set[str] = set()
    for one in await _open(books, sent=False):
        if one.region in waiting:
            continue
        paper = _paper(books, one)
        said = await _decided(books, paper)
        if said is None:
            waiting.add(one.region)
            continue
        await store.keep_end(
            books.connection, paper, End(not said.status, said.text), books.moment.at
        )
        _log(paper, "region.paper.taken" if not said.status else "region.paper.refused", said.text)
        METRICS.papers_refused["theirs",] += bool(said.status)
        done += 1
    return done


async def hand_over(
    books: RegionalBooks, line: HubLine, unread: dict[Key, int] | None = None
) -> int:
    """Hand over what is in the box, to each region one after the other; how many ended. `unread` is
    how often in a row each was said, unsigned, to be no message; kept between steps."""
    done, times = 0, {} if unread is None else unread
    waiting: set[str] = set()
    for one in await _open(books, sent=True):
        if one.region in waiting:
            continue
        paper = _paper(books, one)
        end = await _handed_over(books, line, paper)
        if end is Unread.BY_SOMEBODY:
            times[paper.key] = times.get(paper.key, 0) + 1
            end = Unread.SURELY if times[paper.key] >= UNREAD_TIMES_MAX else None
        else:
            times.pop(paper.key, None)
        if end is None:
            waiting.add(one.region)
            continue
        await _ended(books, paper, end)
        times.pop(paper.key, None)
        done += 1
    return done


async def _ended(books: RegionalBooks, paper: Paper, end: End | Unread) -> None:
    """It is decided on, or rests."""
    taken = isinstance(end, End) and end.taken
    METRICS.papers_refused["ours",] += not taken
    if isinstance(end, End):
        await store.keep_end(books.connection, paper, end, books.moment.at)
        _log(paper, "region.paper.sent" if taken else "region.paper.returned", end.said)
        return
    said = _UNREAD[end]
    await store.keep_mark(
        books.connection, paper, Mark.UNKNOWN, at=books.moment.at, actor=BY_ITSELF.actor, said=said
    )
    _log(paper, "region.paper.unknown", said)


async def is_anything_to_send(books: RegionalBooks) -> bool:
    """Whether the line is needed."""
    return bool(await _open(books, sent=True))


async def _made(books: RegionalBooks, found: Found) -> list[ToHandOver] | Said:
    """Statement or answers, and the notice where there is one."""
    if found.period.side is Side.TREATMENT:
        statement = await statement_of(books, found)
        regions = sorted({row.insured_region for row in statement.rows})
        party = found.period.party
        if party not in books.counterparts and len(regions) > 1:
            return Said(
                1,
                f"{books.name_of(party)} 未登记，明细属于 {'、'.join(regions)}，请以文件交付 | the "
                "party is not registered and its rows are of several regions: give it as a file",
            )
        to = party if party in books.counterparts else regions[0]
        made = [ToHandOver(region=to, number=statement.statement_no, paper=statement)]
        stated = {to: statement.statement_no}
    else:
        answers = await answers_of(books, found)
        made = [
            ToHandOver(region=answer.creditor, number=number, paper=answer)
            for number, answer in answers
        ]
        stated = {answer.creditor: answer.statement_no for _, answer in answers}
    return made + _notice(books, found, stated)


def _notice(
    books: RegionalBooks, found: Found, stated: dict[str, str]
) -> list[ToHandOver]:
    """The notice, where the month has one statement: of several it is about their sum, and each
    region knows its own alone."""
    notice = found.now.notice
    if notice is None or len(stated) != 1:
        return []
    (region, statement_no), = stated.items()
    we_owe = found.period.side is Side.INSURANCE
    creditor, debtor = (region, books.region) if we_owe else (books.region, region)
    paper = ClearingNotice(
        notice_no=notice.reference, statement_no=statement_no,
        month=month_text(found.period.month), creditor=creditor, debtor=debtor,
        payer=debtor if notice.amount_fen >= 0 else creditor, amount_fen=abs(notice.amount_fen),
        notified_at=notice.at,
    )  # fmt: skip
    number = f"{statement_no}-notice-{books.region}"
    return [ToHandOver(region=region, number=number, paper=paper)]


async def _decided(books: RegionalBooks, paper: Paper) -> Said | None:
    """What is said of it, None where the database failed at it. At what our own program fails it
    would fail again: that is refused, and stops no other paper."""
    content = b"".join(part.content for part in await store.parts_of(books.connection, paper))
    sent = Sent(name=paper.number, content=content)
    try:
        return await _taken(books, paper, sent)
    except Exception as exc:
        if books.connection.is_closed():
            raise
        extra = {"event": "region.paper.failed", "region": paper.region, "paper": paper.number}
        logger.error("a paper could not be dealt with", exc_info=exc, extra=extra)
        if isinstance(exc, StorageError) or translate(exc) is not None:
            METRICS.background_failures += 1
            return None
        return await refuse(books, sent, BY_ITSELF, [_FAILED])


async def _taken(books: RegionalBooks, paper: Paper, sent: Sent) -> Said:
    """As the file of it would be, if it is what it says and from whom it says."""
    content, faults = sent.content, []
    if sha256(content).hexdigest() != paper.digest:
        faults.append("内容与摘要不符 | its bytes are not those of its digest")
    first = (await store.digests_of(books.connection, paper))[0]
    if first != paper.digest:
        faults.append(
            f"{paper.number} 已收过另一内容 | that number came with other content before"
        )
    if _NUL in content:
        faults.append("含有 NUL 字符 | it has a NUL in it, which is no text")
    try:
        told = msgspec.json.decode(content, type=ClearingFile)
    except msgspec.MsgspecError as exc:
        faults.append(f"不是清算文件 | no clearing file: {exc}")
        return await refuse(books, sent, BY_ITSELF, faults)
    faults += _not_theirs(paper, told)
    if faults or isinstance(told, DayList):
        return await refuse(books, sent, BY_ITSELF, faults)
    return await take(books, date.fromisoformat(f"{told.month}-01"), sent, BY_ITSELF)


def _not_theirs(paper: Paper, told: PaperMade | DayList) -> list[str]:
    """Whoever signed the message must be whose paper it is."""
    match told:
        case ClearingStatement():
            makers: Sequence[str] = (told.creditor,)
        case ClearingAnswer():
            makers = (told.debtor, f"{told.debtor[:2]}0000")
        case ClearingNotice():
            makers = (told.creditor, told.debtor)
        case DayList():
            return ["这是日对账清单 | a list of a day is no paper of a month"]
    faults = []
    if _KIND_OF[type(told)] is not paper.kind:
        faults.append(f"不是{KIND_ZH[paper.kind]} | its content is of another kind")
    if paper.region not in makers:
        faults.append(
            f"由 {paper.region} 交来，却不是它的文件 | {paper.region} handed it over, whose it is "
            "not"
        )
    return faults


async def _handed_over(
    books: RegionalBooks, line: HubLine, paper: Paper
) -> End | Unread | None:
    """What the other side says of it; None where that is not known, or not decided yet."""
    run_no = secrets.token_hex(8)
    for part in await store.parts_of(books.connection, paper):
        told = await line.ask(
            paper.region, paper.kind,
            PaperAsked(
                number=paper.number, digest=paper.digest, part=part.part, parts=part.parts,
                content=part.content,
            ),
            correlation=f"{run_no}-{part.part}", seconds=ANSWER_SECONDS,
        )  # fmt: skip
        if isinstance(told, NoAnswer | Refused):
            _log(paper, "region.paper.unanswered", told.text)
            if isinstance(told, Refused):
                # Any other refusal says nothing of the paper: it is handed over again.
                return Unread.BY_THEM if told.code == KIND_UNKNOWN else None
            return Unread.BY_SOMEBODY if told.status == HTTPStatus.BAD_REQUEST else None
        asked = paper.number, paper.digest
        if not isinstance(told, PaperTold) or (told.number, told.digest) != asked:
            _log(paper, "region.paper.unanswered", "an answer about another paper")
            return None
        if told.state is not PaperState.KEPT:
            return End(told.state is PaperState.TAKEN, _kept_text(told.text))
    return None


async def _open(books: RegionalBooks, *, sent: bool) -> list[Listed]:
    return await store.papers(books.connection, open_of=sent, limit=AT_A_TIME_MAX)


def _kept_text(text: str) -> str:
    """What the other side says, so that it can be kept."""
    return text.replace("\0", "")[:TEXT_MAX]


def _parts(content: bytes) -> list[bytes]:
    return [
        content[at : at + PART_BYTES_MAX] for at in range(0, len(content), PART_BYTES_MAX)
    ]


def _paper(books: RegionalBooks, one: Listed) -> Paper:
    return Paper(
        lane=books.lane_of(one.region), region=one.region, sent=one.sent, kind=one.kind,
        number=one.number, digest=one.digest,
    )  # fmt: skip


def _line(books: RegionalBooks, one: Listed) -> str:
    way = "发往" if one.sent else "来自"
    at = f"{local_time(one.kept_at):%Y-%m-%d %H:%M}"
    if one.end is None and one.rests is not None:
        state = (
            f"未送达：{one.rests}。请以文件交付；对方升级后可重新 send | give it as a file; "
            "it may be sent again"
        )
    elif one.end is None:
        theirs = "待处理 | waiting" if one.whole else "尚未收齐 | parts are missing"
        state = "待对方处理 | waiting" if one.sent else theirs
    else:
        state = "已接收 | taken" if one.end.taken else f"不予接收 | refused: {one.end.said}"
    return (
        f"{at} {way} {books.name_of(one.region)} {KIND_ZH[one.kind]} {one.number} [sha256 "
        f"{one.digest[:16]}] {state}"
    )


def _log(paper: Paper, event: str, text: str) -> None:
    extra = {
        "event": event, "region": paper.region, "paper": paper.number, "digest": paper.digest,
        "said": text,
    }  # fmt: skip
    refused = event in ("region.paper.refused", "region.paper.returned", "region.paper.unknown")
    logger.log(
        logging.WARNING if refused else logging.INFO, "a paper of a cleared month", extra=extra
    )
