"""The background loops of a server: what runs, how often, under which lease.

Each loop runs in one place at a time, however many nodes start it. A loop's work is a function of
a connection that does one step and says how much it did; waiting, leases, failures and stopping
are `runner`'s.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec import Struct

from protocol.nhsa.gm import Sm2PrivateKey
from settlement.books.seal_keys import SigningKey
from settlement.channels.registry import Tills
from settlement.keyring import Keyring
from settlement.storage.lease import PlainConnection
from settlement.workers.bills import BillRound
from settlement.workers.census import Census
from settlement.workers.closing import DayCloser
from settlement.workers.duplicates import DuplicateMessages
from settlement.workers.family import FamilyResolver
from settlement.workers.family_messages import FamilyMessages
from settlement.workers.folding import fold_all
from settlement.workers.listing import drop_files, list_all
from settlement.workers.mobile import OrderExpiry
from settlement.workers.outbox import OutboxSender
from settlement.workers.partitions import PartitionKeeper
from settlement.workers.tokens import drop_tokens

Step = Callable[[PlainConnection], Awaitable[int]]


class Showing(Protocol):
    """Work that shows operators what it found, as long as nobody else does it."""

    async def step(self, connection: PlainConnection) -> int:
        """Do one step; how much was done."""

    def forget(self) -> None:
        """Show nothing any more, and find out anew at the next step."""


def nothing_shown() -> None:
    """Of loops that show nothing but what they did."""


class Loop(Struct, frozen=True, kw_only=True):
    """One loop. `lease` is the number of its advisory lock and never changes; `forget` is called
    where another server has it, which shows what is so now."""

    name: str
    lease: int
    every_seconds: float
    step: Step
    forget: Callable[[], None] = nothing_shown


LOOPS = (
    Loop(name="ledger-fold", lease=1, every_seconds=5.0, step=fold_all),
    Loop(name="duplicate-messages", lease=2, every_seconds=20.0, step=DuplicateMessages().step),
    Loop(name="statement-rows", lease=21, every_seconds=5.0, step=list_all),
    Loop(name="expired-files", lease=22, every_seconds=600.0, step=drop_files),
    Loop(name="dead-tokens", lease=26, every_seconds=3_600.0, step=drop_tokens),
    Loop(name="partitions", lease=28, every_seconds=3_600.0, step=PartitionKeeper().step),
)
"""Those that need no key. A duplicate message is to be reported within a minute (ADR 0005)."""


def all_loops(
    keyring: Keyring, platform_key: Sm2PrivateKey | None = None,
    seal_key: SigningKey | None = None,
) -> tuple[Loop, ...]:  # fmt: skip
    """Every loop of a server; `platform_key` signs notices of mobile payment, `seal_key` the seals
    of closed days."""
    ending, expiry = FamilyResolver(keyring), OrderExpiry(keyring)
    sender = OutboxSender(keyring, platform_key)
    return (
        *LOOPS,
        Loop(name="family", lease=23, every_seconds=5.0, step=ending.step),
        Loop(
            name="family-messages", lease=29, every_seconds=2.0,
            step=FamilyMessages(keyring).step,
        ),
        Loop(name="mobile-expiry", lease=24, every_seconds=5.0, step=expiry.step),
        Loop(
            name="outbox", lease=25, every_seconds=0.25, step=sender.step, forget=sender.forget,
        ),
        Loop(name="census", lease=40, every_seconds=10.0, step=Census().step),
        Loop(name="day-close", lease=27, every_seconds=30.0, step=DayCloser(seal_key).step),
    )


def owner_loops(tills: Tills, regions: Showing) -> tuple[Loop, ...]:
    """Those that run as the schema's owner, beside the importer; `regions` compares days with
    other regions."""
    bills = BillRound(tills)
    return (
        Loop(name="bills", lease=31, every_seconds=15.0, step=bills.step, forget=bills.forget),
        Loop(
            name="regions", lease=32, every_seconds=15.0, step=regions.step,
            forget=regions.forget,
        ),
    )
