"""`settlement matters`: what clerks decide and book about what persons asked for (个人办件).

Beside a server, under the head of the matter's journal, as other work by hand
(storage/under_head.py). One person accepts, refuses or ends. Money moves when one person proposes a
step with its amount and another confirms the same; the audit is part of the same commit.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path

from msgspec import Struct

from ledger.money import yuan_text
from ledger.postgres.laned import fetch_keys
from ledger.postgres.schema import installed_shape
from ledger.postgres.shape import Shape
from settlement.clock import Clock, Moment, moment, system_clock
from settlement.commands import WHOLE_HISTORY, Asked, Command
from settlement.decision import Decision
from settlement.embedded.errors import ServiceError
from settlement.embedded.services import open_database
from settlement.keyring import Keyring
from settlement.lanes import lane_of, lane_of_key
from settlement.numbers import lane_in
from settlement.people.matter_states import Happening, MatterKind
from settlement.people.my_commands import (
    Acting,
    AskTransfer,
    ChangeMatter,
    MoveAccount,
    MyCommand,
    TransferAsked,
)
from settlement.policy.errors import PolicyError
from settlement.refusal import Refusal
from settlement.refusals import text
from settlement.said import UNUSABLE, Said
from settlement.serve.my import DESK
from settlement.storage import reference
from settlement.storage.audits import Audited, audited, keep_audit
from settlement.storage.connect import connect_plain
from settlement.storage.errors import StorageError
from settlement.storage.keyfile import KeyFileError, key_file, load_keyring
from settlement.storage.lease import PlainConnection
from settlement.storage.matter_lists import owner_of_matter
from settlement.storage.queries import SHAPED
from settlement.storage.reference_import import open_agency_accounts
from settlement.storage.under_head import book_under_head
from settlement.storage.world import load_world
from settlement.translate.matters import STEP_ZH
from settlement.usecases import account_transfers, matter_changes
from settlement.usecases.matters import NO_KEY, MatterAnswer
from settlement.view import View
from settlement.who import same_person
from settlement.world import World

PROPOSE, CONFIRM = "propose", "confirm"


class Ruling(Struct, frozen=True, kw_only=True):
    """A clerk accepts, refuses or ends a matter."""

    matter_no: int
    happening: Happening
    actor: str
    reason: str


class Step(Struct, frozen=True, kw_only=True):
    """A step of a transfer that moves money."""

    matter_no: int
    happening: Happening
    amount_fen: int
    reference: str
    coverage_months: int
    actor: str
    reason: str

    @property
    def subject(self) -> str:
        """What the audit rows of its proposal and confirmation are about."""
        return f"matter {self.matter_no}/{self.happening.name.lower()}"

    @property
    def terms(self) -> str:
        """What both persons must say alike; the audit's note begins with it."""
        return f"{yuan_text(self.amount_fen)} {self.reference} {self.coverage_months}m"


class BroughtIn(Struct, frozen=True, kw_only=True):
    """A transfer in that the other region announced and nobody applied for."""

    person_no: str
    region: str
    actor: str
    reason: str


class Clerk:
    """One command's work. `connection` is the schema's owner's."""

    def __init__(
        self, connection: PlainConnection, world: World, *, shape: Shape,
        journal_of: dict[int, int], now: Moment,
    ) -> None:  # fmt: skip
        self._connection = connection
        self._world = world
        self._shape = shape
        self._journal_of = journal_of
        self._now = now

    async def rule(self, ruling: Ruling) -> Said:
        """Accept, refuse or end."""
        asked = await self._asked(ruling.matter_no, ruling.actor)
        if asked is None:
            return _unknown(ruling.matter_no)
        command = ChangeMatter(
            asked=asked, acting=Acting(staff=ruling.actor), matter_no=ruling.matter_no,
            happening=ruling.happening, note=ruling.reason, history=WHOLE_HISTORY,
            filing_ids=(ruling.matter_no,),
        )  # fmt: skip
        async with self._connection.transaction():
            subject = f"matter {ruling.matter_no}/{ruling.happening.name.lower()}"
            await self._audit(ruling.actor, "rule-matter", subject, ruling.reason)
            reply = await self._book(command)
        return self._told(reply, ruling.matter_no, ruling.happening)

    async def propose(self, step: Step) -> Said:
        """One person says what is to be booked; nothing is yet."""
        if await self._asked(step.matter_no, step.actor) is None:
            return _unknown(step.matter_no)
        await self._audit(step.actor, PROPOSE, step.subject, f"{step.terms}: {step.reason}")
        return Said(
            0,
            f"由 {step.actor} 提出 {step.matter_no} {STEP_ZH[step.happening]} {step.terms}，"
            "尚待另一人确认 | proposed, not booked: another person confirms with --confirm",
        )

    async def confirm(self, step: Step) -> Said:
        """Another person says the same, and it is booked."""
        asked = await self._asked(step.matter_no, step.actor)
        if asked is None:
            return _unknown(step.matter_no)
        others = await self._proposers(step)
        if isinstance(others, Said):
            return others
        command = MoveAccount(
            asked=asked, acting=Acting(staff=step.actor), matter_no=step.matter_no,
            happening=step.happening, amount_fen=step.amount_fen, reference=step.reference,
            coverage_months=step.coverage_months, note=step.reason,
        )  # fmt: skip
        async with self._connection.transaction():
            await open_agency_accounts(self._connection)
            used = await self._claimed(command)
            if used is not None:
                return used
            await self._audit(
                step.actor, CONFIRM, step.subject, f"{step.terms}: {step.reason}"
            )
            reply = await self._book(command)
        return self._told(reply, step.matter_no, step.happening)

    async def bring_in(self, told: BroughtIn) -> Said:
        """Open the matter; its money is booked as that of any other."""
        lane = lane_of(told.person_no, self._world.lanes)
        command = AskTransfer(
            asked=asked_of(told.person_no, lane, told.actor), acting=Acting(staff=told.actor),
            kind=MatterKind.TRANSFER_IN,
            wanted=TransferAsked(region=told.region, reason=told.reason, phone=""),
        )  # fmt: skip
        async with self._connection.transaction():
            await self._audit(
                told.actor, "open-matter", f"person {told.person_no}",
                f"transfer in from {told.region}: {told.reason}",
            )  # fmt: skip
            reply = await self._book(command)
        if isinstance(reply, MatterAnswer):
            number = str(reply.fact.row.matter_no)
            return Said(0, number)
        return self._told(reply, 0, Happening.APPLIED)

    async def _asked(self, matter_no: int, actor: str) -> Asked | None:
        """In the lane of whose it is."""
        person_no = await owner_of_matter(self._connection, matter_no)
        return None if person_no is None else asked_of(person_no, lane_in(matter_no), actor)

    async def _proposers(self, step: Step) -> list[str] | Said:
        """Who proposed just this, other than who confirms it."""
        rows = await audited(self._connection, step.subject)
        actors = [
            row.actor
            for row in rows
            if (row.action, row.subject) == (PROPOSE, step.subject)
            and row.note.startswith(f"{step.terms}: ")
        ]
        if not actors:
            return Said(
                1, f"{step.matter_no} 尚无人按此金额提出 | nobody has proposed this: {step.terms}"
            )
        others = [one for one in actors if not same_person(one, step.actor)]
        return others or Said(
            1, f"须由 {step.actor} 以外的人确认 | somebody other than {step.actor} must confirm"
        )

    async def _claimed(self, command: MoveAccount) -> Said | None:
        """A letter of another region brings money to one matter, whoever's it is."""
        if command.happening is not Happening.PAID or not command.amount_fen:
            return None
        told = f"account-transfer\n{command.reference}".encode()
        key = blake2b(told, digest_size=16, key=self._world.keyring.digest_key).digest()
        owner = f"{command.asked.person_no}/{command.matter_no}"
        lane = lane_of_key(key, self._world.lanes)
        queries = SHAPED[self._shape]
        made = await fetch_keys(
            self._connection, queries, "claim_orders", [lane], [key], [command.asked.lane],
            [owner],
        )  # fmt: skip
        standing = await fetch_keys(self._connection, queries, "find_orders", [lane], [key])
        if made or any(row["psn_no"] == owner for row in standing):
            return None
        return Said(
            1,
            f"凭证号 {command.reference} 已用于另一笔转移 | the reference was used for another "
            "transfer",
        )

    async def _book(self, command: MyCommand) -> MatterAnswer | Refusal:
        replies: list[MatterAnswer | Refusal] = []

        def decide(one: Command, view: View, at: Moment) -> Decision:
            match one:
                case ChangeMatter():
                    decision = matter_changes.change(one, view, self._world, at)
                case MoveAccount():
                    decision = account_transfers.move(one, view, self._world, at)
                case AskTransfer():
                    decision = account_transfers.ask(one, view, self._world, at)
                case _:
                    raise TypeError(f"{type(one).__name__} is not for a clerk")
            reply = decision.reply
            if not isinstance(reply, MatterAnswer | Refusal):
                raise TypeError(f"{type(reply).__name__} is no matter")
            replies.append(reply)
            return decision

        await book_under_head(
            self._connection, [command], journal=self._journal_of[command.asked.lane],
            shape=self._shape, keyring=self._world.keyring, moment=self._now, decide=decide,
        )  # fmt: skip
        return replies[0]

    async def _audit(self, actor: str, action: str, subject: str, note: str) -> None:
        await keep_audit(
            self._connection,
            Audited(at=self._now.at, actor=actor, action=action, subject=subject, note=note),
        )

    def _told(
        self, reply: MatterAnswer | Refusal, matter_no: int, happening: Happening
    ) -> Said:
        if isinstance(reply, Refusal):
            return Said(1, f"{text(reply, self._world.profile).message} | {reply.code}")
        again = "（此前已办）" if reply.replayed else ""
        state = reply.fact.state.value
        return Said(0, f"{matter_no} {STEP_ZH[happening]}{again} | {state}")


async def clerk_of(
    connection: PlainConnection, keyring: Keyring, *, clock: Clock = system_clock
) -> Clerk:
    """With what a decision about a matter reads."""
    world = await load_world(connection, keyring)
    closed = await reference.closed_through(connection)
    not_before = None if closed is None else closed + timedelta(days=1)
    return Clerk(
        connection, world, shape=await installed_shape(connection),
        journal_of=dict(await reference.lanes(connection)),
        now=moment(clock, not_before=not_before),
    )  # fmt: skip


def run(data_dir: Path, act: Callable[[Clerk], Awaitable[Said]]) -> Said:
    """One command of a clerk."""
    try:
        return asyncio.run(_with_clerk(data_dir, act))
    except (ServiceError, KeyFileError, StorageError, PolicyError) as exc:
        return Said(UNUSABLE, f"settlement: {exc}")


async def _with_clerk(data_dir: Path, act: Callable[[Clerk], Awaitable[Said]]) -> Said:
    keyring = load_keyring(key_file(data_dir / "secrets", os.environ))
    async with open_database(data_dir, os.environ) as database:
        connection = await connect_plain(database.owner_dsn, name="settlement-operator")
        try:
            return await act(await clerk_of(connection, keyring))
        finally:
            await connection.close()


def asked_of(person_no: str, lane: int, actor: str) -> Asked:
    """Somebody of the agency asks, about a matter of a person."""
    return Asked(
        infno="MY05", institution=DESK, msgid="", operator=actor, lane=lane,
        person_no=person_no, message_key=NO_KEY, fingerprint=b"",
    )  # fmt: skip


def _unknown(matter_no: int) -> Said:
    return Said(1, f"没有办件 {matter_no} | there is no matter {matter_no}")
