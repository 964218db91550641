"""Bills of a million rows, taken as `settlement bills import` takes them.

`python -m loadtest.drills.bill_import --rows 1000000`: writes a trade bill of each channel with so
many rows (seeded), takes it into a new database of its own, embedded, and holds what was read
against what was written. Prints one JSON object a bill; exit status 1 where the two differ.

A row has the fields and lengths of a real one; every fiftieth is a refund; order numbers are ours,
spread over all lanes. Seconds are from opening the file to the last commit, by the clock, on a
database without other work; the peak is that of this process, which does all but the database.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import resource
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from protocol.alipay.bills import LIST_END, TRADE_COLUMNS, TRADE_LIST, TRADE_TITLE
from protocol.unionpay.archive import StatementKind, statement_name
from protocol.unionpay.layouts import ZM
from protocol.unionpay.statement import line_of, signed, unsigned
from protocol.wechat import bills as wechat
from protocol.wechat.yuan import yuan_text
from settlement.channels.registry import NO_TILLS
from settlement.clock import monotonic
from settlement.embedded.services import start_services
from settlement.finance.bill_books import open_books
from settlement.finance.bill_import import Order, take
from settlement.finance.bill_sources import Claimed, Received
from settlement.storage.connect import connect_plain
from settlement.storage.install import LANES, Region, ensure_schema

DAY = date(2026, 11, 23)
MERCHANTS = {"wechat": "1900000001", "alipay": "2088000000000001", "unionpay": "777290058110048"}
REFUND_EVERY = 50
FEE_E5_PER_FEN = 6


class Row(Struct, frozen=True, gc=False):
    """A payment, or a refund of one."""

    number: int
    order_no: str
    refund_no: str
    """empty: a payment"""
    at: str
    amount_fen: int


class Sums(Struct):
    """What was written."""

    rows: int = 0
    paid_fen: int = 0
    refunded_fen: int = 0


class Result(Struct, frozen=True, kw_only=True):
    """What is printed of one bill."""

    ok: bool
    channel: str
    rows: int
    bytes: int
    seconds: float
    processor_seconds: float
    """of this process; the database's are not in it"""
    peak_bytes: int
    """of this process so far"""


def written(rows: int, seed: int, sums: Sums) -> Iterator[Row]:
    """So many rows; the same seed gives the same ones."""
    draw = random.Random(seed)
    for number in range(1, rows + 1):
        is_refund = number % REFUND_EVERY == 0
        amount_fen = draw.randrange(1, 50_000)
        second = number * 80_000 // rows
        lane = draw.randrange(LANES)
        own_no = f"2611{lane:04d}{1:05d}{number % 1_000_000:06d}"
        sums.rows += 1
        if is_refund:
            sums.refunded_fen += amount_fen
        else:
            sums.paid_fen += amount_fen
        yield Row(
            number, own_no, f"2611{lane:04d}{2:05d}{number % 1_000_000:06d}" if is_refund else "",
            f"{DAY} {second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}", amount_fen,
        )  # fmt: skip


def write_wechat(path: Path, rows: Iterator[Row], sums: Sums) -> None:
    """A trade bill of all kinds."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(wechat.TRADE_COLUMNS) + "\r\n")
        for row in rows:
            amount, zero = yuan_text(row.amount_fen), "0.00"
            paid = not row.refund_no
            fee_e5 = row.amount_fen * FEE_E5_PER_FEN * (1 if paid else -1)
            sign = "-" if fee_e5 < 0 else ""
            fee = f"{sign}{abs(fee_e5) // 100_000}.{abs(fee_e5) % 100_000:05d}"
            file.write(
                f"`{row.at},`wx9999999999999999,`{MERCHANTS['wechat']},`0,`POS01,"
                f"`42000{row.number:023d},`{row.order_no},`oTEST{row.number:023d},`MICROPAY,"
                f"`{'SUCCESS' if paid else 'REFUND'},"
                f"`OTHERS,`CNY,`{amount if paid else zero},`0.00,"
                f"`{'0' if paid else f'50000{row.number:023d}'},`{row.refund_no or '0'},"
                f"`{zero if paid else amount},`0.00,`{'' if paid else 'ORIGINAL'},"
                f"`{'' if paid else 'SUCCESS'},`测试药店,`,`{fee},`0.60%,"
                f"`{amount if paid else zero},`{zero if paid else amount},`\r\n"
            )
        paid_text, back = yuan_text(sums.paid_fen), yuan_text(sums.refunded_fen)
        file.write(",".join(wechat.TRADE_SUMMARY) + "\r\n")
        file.write(f"`{sums.rows},`{paid_text},`{back},`0.00,`0.00000,`{paid_text},`{back}\r\n")


def write_alipay(path: Path, rows: Iterator[Row], sums: Sums) -> None:
    """A ZIP with the details of a 业务账单."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("details.csv", "w", force_zip64=True) as file,
    ):
        frame = "-" * 40
        file.write(
            f"{TRADE_TITLE}\r\n#账号：[{MERCHANTS['alipay']}]\r\n"
            f"#起始日期：[2026年11月23日 00:00:00]   终止日期：[2026年11月24日 00:00:00]\r\n"
            f"#{frame}{TRADE_LIST}{frame}\r\n"
            f"{','.join(TRADE_COLUMNS)}\r\n".encode("gb18030")
        )
        for row in rows:
            paid = not row.refund_no
            amount = yuan_text(row.amount_fen if paid else -row.amount_fen)
            file.write(
                f"2026112322001400{row.number:012d}\t,{row.order_no}\t,"
                f"{'交易' if paid else '退款'},"
                f"测试药店\t,{row.at},{row.at},S001\t,测试药店\t,\t,POS01\t,测*甲(139******00)\t,"
                f"{amount},{amount},0.00,0.00,0.00,0.00,0.00,\t,0.00,0.00,{row.refund_no}\t,"
                f"{'-0.05' if paid else '0.00'},0.00,\t\r\n".encode("gb18030")
            )
        refunds = sums.rows // REFUND_EVERY
        file.write(
            f"#{frame}{TRADE_LIST}{LIST_END}{frame}\r\n"
            f"#交易合计：{sums.rows - refunds}笔，商家实收共{yuan_text(sums.paid_fen)}元，"
            f"商家优惠共0.00元\r\n#退款合计：{refunds}笔，商家实收退款共"
            f"-{yuan_text(sums.refunded_fen)}元，商家优惠退款共0.00元\r\n".encode("gb18030")
        )


def write_unionpay(path: Path, rows: Iterator[Row], sums: Sums) -> None:
    """A ZIP with the transactions of a clearing day."""
    name = statement_name(StatementKind.NORMAL, f"{DAY:%y%m%d}", MERCHANTS["unionpay"])
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(name, "w", force_zip64=True) as file,
    ):
        for row in rows:
            paid = not row.refund_no
            amount_fen = row.amount_fen if paid else -row.amount_fen
            line = {
                "transCode": "S01", "acqInsCode": "99999999", "sendInsCode": "99999999",
                "traceNo": f"{row.number % 1_000_000:06d}",
                "txnTime": f"1123{row.at[11:13]}{row.at[14:16]}{row.at[17:]}",
                "accNo": "6299990000000000001", "txnAmt": unsigned(row.amount_fen),
                "merCatCode": "5912", "queryId": f"2026{row.number:017d}",
                "orderId": row.refund_no or row.order_no, "fee": signed(0),
                "settleAmt": signed(amount_fen), "txnType": "01" if paid else "04",
                "bizType": "000000", "merId": MERCHANTS["unionpay"],
                "origOrderId": "" if paid else row.order_no,
            }  # fmt: skip
            file.write(line_of(line, ZM))


WRITERS: dict[str, Callable[[Path, Iterator[Row], Sums], None]] = {
    "wechat": write_wechat, "alipay": write_alipay, "unionpay": write_unionpay,
}  # fmt: skip


async def drill(folder: Path, channels: list[str], rows: int, seed: int) -> list[Result]:
    """One bill of each channel, after the other."""
    services = await start_services(folder / "data", os.environ)
    try:
        connection = await connect_plain(services.owner_dsn, name="drill")
        try:
            await ensure_schema(
                connection, Region(code="441900"), app_role=services.app_role, at=datetime.now(UTC)
            )
            return [
                await taken(folder, channel, rows, seed, services.owner_dsn)
                for channel in channels
            ]
        finally:
            await connection.close()
    finally:
        await services.stop()


async def taken(folder: Path, channel: str, rows: int, seed: int, dsn: str) -> Result:
    """A bill of one channel, written and taken into the database of an owner's URL."""
    path, sums = folder / f"{channel}.bill", Sums()
    WRITERS[channel](path, written(rows, seed, sums), sums)
    connection = await connect_plain(dsn, name="drill")
    try:
        books = await open_books(connection, NO_TILLS)
        received = Received(name=path.name, open=lambda: path.open("rb"))
        claimed = Claimed(channel=channel, merchant=MERCHANTS[channel])
        began, processor = monotonic(), _processor_seconds()
        [one] = await take(books, received, claimed, Order(actor="drill", reason="drill"))
        took = monotonic() - began
    finally:
        await connection.close()
    found = one.file.totals
    return Result(
        ok=(found.rows, found.paid_fen, found.refunded_fen)
        == (sums.rows, sums.paid_fen, sums.refunded_fen),
        channel=channel, rows=found.rows, bytes=path.stat().st_size, seconds=round(took, 2),
        processor_seconds=round(_processor_seconds() - processor, 2), peak_bytes=_peak_bytes(),
    )  # fmt: skip


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=20_261_123)
    parser.add_argument("--channel", action="append", choices=tuple(WRITERS))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bills-", dir="/tmp") as folder:
        channels = arguments.channel or list(WRITERS)
        results = asyncio.run(drill(Path(folder), channels, arguments.rows, arguments.seed))
    for result in results:
        print(msgspec.json.encode(result).decode())
    return 0 if all(result.ok for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
