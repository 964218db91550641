"""What other regions and the hub send as files, kept as it came (原始文件): lists of days that were
compared, statements, answers and notices that were taken.

What was refused is not kept. These files hold case numbers, dates and amounts, and nothing else can
be in them, but for what somebody writes into the reason of a dispute (protocol/hub/clearing.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Mapping
from contextlib import ExitStack
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import IO, assert_never

import msgspec
from msgspec import Struct

from protocol.hub.clearing import (
    ClearingAnswer,
    ClearingFile,
    ClearingNotice,
    ClearingStatement,
    DayList,
)
from settlement.books.month_states import last_day
from settlement.clock import local_time
from settlement.said import UNUSABLE, Said
from settlement.serve.regional_books import RegionalBooks, run
from settlement.storage.bills import content_of
from settlement.storage.region_files import RegionFile, file_of, files_of, keep_file
from settlement.who import Who

SHOWN_MAX = 500
KIND_ZH: Mapping[str, str] = {
    "day": "日清单", "statement": "清算表", "answer": "答复", "notice": "通知",
}  # fmt: skip


class About(Struct, frozen=True, kw_only=True):
    """What a file is."""

    kind: str
    region: str
    day: date
    told_by: str


def about(content: bytes, own: frozenset[str]) -> About:
    """What a file that was taken says that it is; `own` are the codes under which we clear."""
    told: ClearingFile = msgspec.json.decode(content, type=ClearingFile)
    match told:
        case DayList():
            other = told.insured if told.treated in own else told.treated
            return About(kind="day", region=other, day=told.day, told_by=told.told_by)
        case ClearingStatement():
            kind, by = "statement", told.creditor
        case ClearingAnswer():
            kind, by = "answer", told.debtor
        case ClearingNotice():
            kind, by = "notice", told.debtor if told.creditor in own else told.creditor
        case _:
            assert_never(told)
    return About(kind=kind, region=by, day=date.fromisoformat(f"{told.month}-01"), told_by=by)


async def keep_as_it_came(
    books: RegionalBooks, said: Said, files: Mapping[str, bytes], who: Who
) -> Said:
    """What was said, once the files that it was said of are kept; those that came before are, and
    those of what was refused are not."""
    if said.status:
        return said
    own = frozenset({books.region, books.province})
    for name, content in files.items():
        told = about(content, own)
        lane = books.lane_of(told.region)
        file = RegionFile(
            lane=lane, file_no=books.number(lane), received_at=books.moment.at,
            size_bytes=len(content), day=told.day, region=told.region, kind=told.kind,
            told_by=told.told_by, name=name, actor=who.actor, sha256=sha256(content).digest(),
        )  # fmt: skip
        await keep_file(books.connection, file, content)
    return said


def listing(data_dir: Path, month: date) -> Said:
    """The files of a month: of its days, and about the month."""

    async def act(books: RegionalBooks) -> Said:
        files, in_all = await files_of(books.connection, month, last_day(month), limit=SHOWN_MAX)
        if not files:
            return Said(0, f"{month:%Y-%m} 没有收下的文件 | no file was taken")
        lines = [_line(books, one) for one in files]
        if in_all > len(files):
            lines.append(f"…共 {in_all} 份 | of so many")
        return Said(0, "\n".join(lines))

    return run(data_dir, act)


def write(data_dir: Path, number: int, out: Path) -> Said:
    """One file to a path, byte by byte as it came."""

    def act_with(target: IO[bytes]) -> Callable[[RegionalBooks], Coroutine[None, None, Said]]:
        async def act(books: RegionalBooks) -> Said:
            file = await file_of(books.connection, number)
            if file is None:
                return Said(1, f"没有文件 {number} | there is no such file")
            async for piece in content_of(books.connection, file.lane, file.sha256):
                target.write(piece)
            return Said(0, f"{_line(books, file)}\n{out}")

        return act

    with ExitStack() as held:
        try:
            descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            said = run(data_dir, act_with(held.enter_context(open(descriptor, "wb"))))
        except FileExistsError:
            return Said(UNUSABLE, f"settlement: {out} 已存在 | exists already")
    if said.status:
        out.unlink()
    return said


def _line(books: RegionalBooks, file: RegionFile) -> str:
    by = "平台" if file.told_by == "hub" else books.name_of(file.told_by)
    about_day = f"{file.day}" if file.kind == "day" else f"{file.day:%Y-%m}"
    return (
        f"{file.file_no} {about_day} {KIND_ZH[file.kind]}（{by}"
        f"{f'，关于 {books.name_of(file.region)}' if file.told_by == 'hub' else ''}）"
        f"{file.name} {file.size_bytes} 字节，{local_time(file.received_at):%m-%d %H:%M} "
        f"{file.actor} 收下 | sha256 {file.sha256.hex()[:16]}"
    )
