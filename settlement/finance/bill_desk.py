"""The actions of `settlement bills`, each opened on a data directory for one act."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Sequence
from datetime import date
from pathlib import Path
from typing import IO

from settlement.books.bill import BillError
from settlement.finance import bill_fetch, bill_reports
from settlement.finance.bill_books import BillBooks, run
from settlement.finance.bill_import import Order, take
from settlement.finance.bill_sources import Claimed, Received
from settlement.numbers import lane_in
from settlement.said import UNUSABLE, Said
from settlement.storage import bills as store


def take_files(
    data_dir: Path, paths: Sequence[Path], claimed: Claimed, order: Order
) -> Said:
    """Take files of operators, each for itself: what is refused does not stop the others."""
    unread = [path for path in paths if not path.is_file()]
    if unread:
        return Said(UNUSABLE, f"settlement: {unread[0]} 不是文件 | is no file")

    async def act(books: BillBooks) -> Said:
        lines: list[str] = []
        status = 0
        for path in paths:
            try:
                taken = await take(books, _received(path), claimed, order)
                lines += map(bill_reports.taken_text, taken)
            except (BillError, OSError) as exc:
                lines.append(f"{path.name} 未收：{exc} | refused as a whole, nothing of it is kept")
                status = 1
        return Said(status, "\n".join(lines))

    return run(data_dir, act)


def fetch(data_dir: Path, wanted: bill_fetch.Wanted, order: Order) -> Said:
    """Ask channels for the bills of a day."""

    async def act(books: BillBooks) -> Said:
        if not books.merchants:
            return Said(UNUSABLE, "settlement: 未配置商户 | no merchants are configured")
        fetched = await bill_fetch.fetch(books, wanted, order)
        if not fetched:
            return Said(0, f"{wanted.day} 的账单已齐 | every bill of that day is there")
        text = "\n".join(map(bill_reports.fetched_text, fetched))
        return Said(int(any(one.said for one in fetched)), text)

    return run(data_dir, act)


def listing(data_dir: Path, first: date, last: date, *, as_json: bool) -> Said:
    """What came for some days, and what is missing."""
    return run(
        data_dir, lambda books: bill_reports.listing(books, first, last, as_json=as_json)
    )


def show(data_dir: Path, file_no: int, *, with_faults: bool, out: Path | None) -> Said:
    """One file; with `out`, also its bytes as they came."""

    def act_with(target: IO[bytes] | None) -> Callable[[BillBooks], Coroutine[None, None, Said]]:
        async def act(books: BillBooks) -> Said:
            file = await store.bill_file(books.connection, lane_in(file_no), file_no)
            if file is None:
                return Said(1, f"没有账单 {file_no} | there is no such bill")
            if target is not None:
                key = file.key
                async for piece in store.content_of(books.connection, key.lane, file.sha256):
                    target.write(piece)
            return await bill_reports.show(books, file, with_faults=with_faults)

        return act

    if out is None:
        return run(data_dir, act_with(None))
    try:
        with open(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
            return run(data_dir, act_with(target))
    except FileExistsError:
        return Said(UNUSABLE, f"settlement: {out} 已存在 | exists already")


def _received(path: Path) -> Received:
    return Received(name=path.name, open=lambda: path.open("rb"))
