"""What is brought along once (期初): files that are checked, totalled, proposed by one person,
confirmed by another, and only then booked (DOMAIN 30).

The second person sends the same file and names its digest, so that both have seen the same totals.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct

from ledger.postgres.shape import Shape
from settlement.clock import moment
from settlement.intake.faults import Fault, FileError
from settlement.intake.order import Order
from settlement.intake.report import Counts
from settlement.storage import cutover as store
from settlement.storage import reference
from settlement.storage.lease import PlainConnection
from settlement.storage.opening_import import Book, begin


class CutOver(Protocol):
    """One kind of such a file. `check` first; then `write`, where it is confirmed."""

    counts: Counts
    faults: list[Fault]
    """rows that cannot be read"""
    conflicts: list[Fault]
    """what does not fit to what is known; these cannot be skipped"""

    async def check(self) -> None:
        """Read the file and compare it with what was booked."""
        ...

    def totals(self, digest: str) -> str:
        """The totals of the file, for two people to sign."""
        ...

    async def write(self, at: datetime, file_digest: str) -> None:
        """Book what is new."""
        ...


class Signed(Struct, frozen=True):
    """Whether a file may be booked, and what is to be said of that."""

    books: bool
    text: str = ""


async def sign(
    connection: PlainConnection, order: Order, kind: str, digest: str, totals: str, at: datetime
) -> Signed:
    """Propose a file, or confirm what somebody else proposed. Raises FileError where this person
    cannot confirm it."""
    known = await store.read(connection, kind, digest)
    if not order.confirms:
        if known is None or known.confirmed_by is None:
            await store.propose(
                connection, kind, digest, totals=totals, actor=order.actor, at=at
            )
        return Signed(False, await _waiting(connection, kind, digest))
    if order.confirms != digest:
        raise FileError(f"确认的不是此文件：{digest} | this is another file than the one confirmed")
    if known is None or known.totals != totals:
        raise FileError(
            "此文件尚未提出，或合计已有变化：请先不带确认导入 | these totals were not proposed: "
            "import the file without confirming first"
        )
    if known.confirmed_by is None and known.proposed_by == order.actor:
        raise FileError(
            f"须由 {order.actor} 以外的人确认 | somebody other than {order.actor} must confirm"
        )
    await store.confirm(connection, kind, digest, actor=order.actor, at=at)
    return Signed(True)


async def a_book(
    connection: PlainConnection, *, at: datetime, file_digest: str, shape: Shape
) -> Book:
    """A book for one file, on the first business day that is open."""
    closed = await reference.closed_through(connection)
    now = moment(lambda: at, not_before=None if closed is None else closed + timedelta(1))
    return await begin(connection, shape=shape, moment=now, file_digest=file_digest)


async def _waiting(connection: PlainConnection, kind: str, digest: str) -> str:
    known = await store.read(connection, kind, digest)
    if known is None:
        return ""
    if known.confirmed_by is not None:
        return (
            f"已由 {known.proposed_by} 提出、{known.confirmed_by} 确认；未再写入 | proposed by "
            f"{known.proposed_by} and confirmed by {known.confirmed_by}; nothing more was written"
        )
    return (
        f"由 {known.proposed_by} 提出，尚未入账。另一人核对合计后以 --confirm {digest} 确认 | "
        f"proposed by {known.proposed_by}, not booked: another person confirms these totals with "
        f"--confirm {digest}"
    )
