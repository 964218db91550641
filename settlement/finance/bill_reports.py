"""What people read of bills: what was taken, what came for which day, what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import msgspec
from msgspec import Struct

from ledger.money import yuan_text
from settlement.books.bill import BillKind, RowFault
from settlement.clock import local_time
from settlement.finance.bill_books import BillBooks
from settlement.finance.bill_fetch import Fetched, Wanted, expected
from settlement.finance.bill_import import Taken
from settlement.said import Said
from settlement.storage import bills as store
from settlement.storage.bills import BillFile, BillKey

KIND_ZH = {BillKind.TRADE: "交易账单", BillKind.FUNDS: "资金账单"}
FAULTS_SHOWN = 20


class Missing(Struct, frozen=True, kw_only=True):
    """A bill that a configured merchant should have, and what the last try came to."""

    key: BillKey
    said: str = ""


async def listing(
    books: BillBooks, first: date, last: date, *, as_json: bool
) -> Said:
    """Files of these days and what is missing. Status 1 where anything is."""
    files = await store.bills_between(books.connection, first, last)
    missing = await missing_between(books, files, first, last)
    if as_json:
        return Said(bool(missing), _listing_json(files, missing))
    lacking = len(missing) if books.merchants else "?"
    lines = [f"{first} — {last}: {len(files)} 份账单，缺 {lacking} 份 | bills, missing"]
    lines += [f"  {line_of(file)}" for file in files]
    lines += [f"  缺 {_name(one.key)} {one.said}".rstrip() for one in missing]
    if not books.merchants:
        lines.append("  未配置商户，无从得知缺哪些 | no merchants are configured: missing unknown")
    return Said(bool(missing), "\n".join(lines))


async def missing_between(
    books: BillBooks, files: Iterable[BillFile], first: date, last: date
) -> list[Missing]:
    """Bills of days that are over and that no file says anything of."""
    there = {file.key for file in files}
    asked = {
        one.key: f"{local_time(one.at):%m-%d %H:%M} {one.said}"
        for one in await store.asked_between(books.connection, first, last)
    }
    end = min(last, books.moment.local.date() - timedelta(days=1))
    return [
        Missing(key=key, said=asked.get(key, "还没有取过 | nobody asked yet"))
        for offset in range((end - first).days + 1)
        for key, _ in expected(books, Wanted(day=first + timedelta(days=offset)))
        if key not in there
    ]


async def show(books: BillBooks, file: BillFile, *, with_faults: bool) -> Said:
    """One file."""
    lines = [
        line_of(file),
        f"  文件 {file.name or '-'}，{file.size_bytes} 字节，sha256 {file.sha256.hex()}",
        f"  {local_time(file.received_at):%Y-%m-%d %H:%M:%S} "
        f"{'取自渠道' if file.fetched else '人工导入'}，{file.actor}",
    ]
    if file.fee_told:
        lines.append(
            f"  手续费：逐行 {yuan_text(file.totals.fee_fen)}，账单汇总 {file.fee_told} | fees row "
            "by row, and as the bill has it"
        )
    for former in file.replaces:
        lines.append(f"  取代 {former} | replaces {former}")
    faults = await store.faults_of(books.connection, file.key.lane, file.file_no)
    lines += _fault_lines(faults, None if with_faults else FAULTS_SHOWN)
    return Said(0, "\n".join(lines))


def taken_text(taken: Taken) -> str:
    """What became of a bill that was taken."""
    file = taken.file
    if taken.came_before:
        replaced = f"，已被 {file.replaced_by} 取代" if file.replaced_by else ""
        return (
            f"{line_of(file)}\n  同一文件已收过{replaced}，未作改动 | came before, nothing changed"
        )
    lines = [line_of(file)]
    lines += [f"  取代 {former} | replaces {former}" for former in file.replaces]
    lines += _fault_lines(taken.faults, FAULTS_SHOWN)
    if taken.previewed:
        lines.append("  仅预览，未入库 | previewed, nothing was kept")
    return "\n".join(lines)


def fetched_text(fetched: Fetched) -> str:
    """What became of a bill that was asked for."""
    if fetched.said:
        return f"{_name(fetched.key)}：{fetched.said}"
    return "\n".join(map(taken_text, fetched.taken))


def line_of(file: BillFile) -> str:
    """A file in a line."""
    sums = file.totals
    told = (
        f"收 {sums.paid_rows} 笔 {yuan_text(sums.paid_fen)}，退 {sums.refund_rows} 笔 "
        f"{yuan_text(sums.refunded_fen)}，手续费 {yuan_text(sums.fee_fen)}"
        if file.key.kind is BillKind.TRADE
        else f"{sums.moved_rows} 笔，进 {yuan_text(sums.in_fen)}，出 {yuan_text(sums.out_fen)}"
    )
    if not file.size_bytes:
        told = "当日无账单 | no bill that day"
    number = f"{file.file_no} " if file.file_no else ""
    faults = f"，{file.faults} 行无法识别" if file.faults else ""
    replaced = f"，已被 {file.replaced_by} 取代" if file.replaced_by else ""
    return f"{number}{_name(file.key)}：{told}{faults}{replaced}"


def english_of(file: BillFile) -> str:
    """The same as `line_of`, in English, of a file that has rows."""
    sums, key = file.totals, file.key
    told = (
        f"payments: {sums.paid_rows} paid {yuan_text(sums.paid_fen)}, {sums.refund_rows} refunded "
        f"{yuan_text(sums.refunded_fen)}, fees {yuan_text(sums.fee_fen)}"
        if key.kind is BillKind.TRADE
        else f"movements: {sums.moved_rows}, in {yuan_text(sums.in_fen)}, out "
        f"{yuan_text(sums.out_fen)}"
    )
    number = f"{file.file_no} " if file.file_no else ""
    faults = f"; {file.faults} rows could not be read" if file.faults else ""
    replaced = f"; replaced by {file.replaced_by}" if file.replaced_by else ""
    return f"{number}{key.day} {key.channel} {key.merchant} {told}{faults}{replaced}"


def _name(key: BillKey) -> str:
    return f"{key.day} {key.channel} {key.merchant} {KIND_ZH[key.kind]}"


def _fault_lines(faults: Sequence[RowFault], shown: int | None) -> list[str]:
    lines = [f"  第 {row} 行 {place} {reason}" for row, place, reason in faults[:shown]]
    if len(lines) < len(faults):
        lines.append(f"  … 共 {len(faults)} 行 | rows in all; --faults lists them")
    return lines


def _listing_json(files: Sequence[BillFile], missing: Sequence[Missing]) -> str:
    told = {
        "files": [
            {
                "file_no": str(file.file_no), **_key_json(file.key),
                "received_at": local_time(file.received_at).isoformat(sep=" "),
                "sha256": file.sha256.hex(), **msgspec.to_builtins(file.totals),
                "faults": file.faults, "fetched": file.fetched, "actor": file.actor,
                "replaced_by": None if file.replaced_by is None else str(file.replaced_by),
            }
            for file in files
        ],
        "missing": [{**_key_json(one.key), "said": one.said} for one in missing],
    }  # fmt: skip
    return msgspec.json.encode(told).decode()


def _key_json(key: BillKey) -> dict[str, str]:
    return {
        "day": str(key.day), "channel": key.channel, "merchant": key.merchant,
        "kind": key.kind.value,
    }  # fmt: skip
