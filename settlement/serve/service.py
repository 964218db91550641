"""One gateway process's settlement core: from a message's bytes to the answer's bytes.

Puts the parts together: decode (protocol), translate, queue by journal, decide, encode. Knows no
HTTP; `settlement/web` calls `answer` and nothing else here on the settle path.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from http import HTTPStatus
from itertools import count

from msgspec import UNSET, Struct
from msgspec import json as msgspec_json
from msgspec.structs import replace

from ledger.postgres.schema import installed_shape
from ledger.postgres.shape import Shape
from protocol.nhsa import codec
from protocol.nhsa.envelope import NO_OUTPUT, Envelope, encode_failure, encode_success, refmsgid
from protocol.nhsa.errors import UNREADABLE, WireError
from protocol.nhsa.gm import Sm2PrivateKey
from protocol.nhsa.traces import as_named, as_printed
from settlement import numbers, refusals
from settlement.channels.registry import NO_TILLS, Tills
from settlement.clock import Clock, local_time, monotonic, system_clock
from settlement.commands import Command
from settlement.decision import Answer
from settlement.demo.page import DemoToken, DemoWorld
from settlement.desk import DecisionDesk
from settlement.gateway import (
    Caller,
    CredentialFact,
    HubDoor,
    NotYours,
    Overloaded,
    Readiness,
    Strain,
    Unavailable,
)
from settlement.institution import Institution
from settlement.keyring import ErasedError, Keyring
from settlement.limits import DEFAULT_LIMITS, Limits
from settlement.numbers import NumberBlock
from settlement.payments.wallets import wallets_among
from settlement.policy.loader import PolicySet
from settlement.refusal import Refusal
from settlement.refusals import REFUSALS
from settlement.region.decoder import NO_DECODERS, Decoders
from settlement.region.hub import HubLine
from settlement.seals import WithoutKey, key_is_missing
from settlement.serve.asking import Journals
from settlement.serve.enquiries import Download, Enquiries
from settlement.serve.expiring import expire_for_ever
from settlement.serve.family import FamilyDesk, may_use_family
from settlement.serve.hospital_pay import HospitalPayments
from settlement.serve.hub_desk import HomeDesk
from settlement.serve.hub_office import HubOffice
from settlement.serve.import_desk import ImportDesk
from settlement.serve.inbox import Inbox, Mail, Opened
from settlement.serve.list_files import ListFiles
from settlement.serve.mobile import MobileDesk, is_mobile
from settlement.serve.mobile_door import MobileDoor, mobile_door
from settlement.serve.my import MyDesk
from settlement.serve.queue_desk import QueueDesk
from settlement.serve.reconciling import Reconciling
from settlement.serve.reference_watch import ReferenceWatch
from settlement.serve.region_line import RegionLine
from settlement.serve.remote import RemoteDesk, concerns_others
from settlement.serve.remote_resolver import RemoteResolver
from settlement.serve.resolver import Resolver
from settlement.serve.saying import report_failure, warning_of
from settlement.serve.sealed import SealedMail
from settlement.serve.sessions import Sessions
from settlement.serve.strangers import StrangerDesk
from settlement.storage import reference
from settlement.storage.connect import (
    LOOKUP_NAME,
    SIDE_NAME,
    Reconnecting,
    Several,
    connect_settle_path,
)
from settlement.storage.errors import StorageError
from settlement.storage.journal import JournalQueue
from settlement.storage.lease import PlainConnection
from settlement.storage.policies import load_policy_set
from settlement.storage.queries import REFERENCE
from settlement.storage.reader import read_settlements
from settlement.telemetry.metrics import METRICS, Metrics
from settlement.translate import lists
from settlement.translate.history import FeeRows
from settlement.translate.makers import command_all
from settlement.translate.paths import wire_path
from settlement.translate.requests import Translator
from settlement.usecases.explain import explain
from settlement.view import View
from settlement.world import World

logger = logging.getLogger("settlement.service")
Walk = Coroutine[object, object, Answer | Refusal]
NUMBERS_LOW = 200_000
"""A new block is drawn in time: no process uses up so many between two looks."""
SERIALS_PER_BLOCK = 1_000_000
SERIAL_BLOCKS = 10_000
"""inf_refmsgid ends in 10 digits: which process, and its own count."""


class ServiceSettings(Struct, frozen=True, kw_only=True):
    """What a service is started with."""

    app_dsn: str
    keyring: Keyring
    limits: Limits = DEFAULT_LIMITS
    day_cut: timedelta = timedelta(0)
    clock: Clock = system_clock
    tills: Tills = NO_TILLS
    """the merchants that collect over payment channels"""
    decoders: Decoders = NO_DECODERS
    platform_key: Sm2PrivateKey | None = None
    """signs as the mobile-payment centre; None where this server is none"""
    hub: HubLine | None = None
    """the way to other regions; None where there is none"""


class Service:
    """The settlement core of one process. `start` makes a running one."""

    def __init__(self, settings: ServiceSettings) -> None:
        self.metrics: Metrics = METRICS
        self.demo_world: DemoWorld | None = None
        self.demo_token: DemoToken | None = None
        self.import_office: ImportDesk | None = None
        self.hub_office: HubOffice | None = None
        self.hub_door: HubDoor | None = None
        self._settings = settings
        self._side = Reconnecting(settings.app_dsn, SIDE_NAME)
        self._serial = count(1)
        self._numbers = NumberBlock(0)
        self.queues: list[JournalQueue] = []
        self._queue_of_lane: list[JournalQueue] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._inbox = Inbox(self._open_all, self._take)
        self._sealed = SealedMail(
            rules=lambda: self._desk.world.profile.seals,
            put=self._inbox.put,
            refuse=self._refuse_sealed,
            explain=self._explain_unread,
        )
        self._looking_up: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._desk: DecisionDesk
        self.reference: ReferenceWatch
        self._shape: Shape
        self._translator: Translator
        self._sessions: Sessions
        self._reconciling: Reconciling
        self._family: FamilyDesk
        self.mobile: MobileDesk
        self.mobile_centre: MobileDoor | None = None
        self.mine: MyDesk | None = None
        self.payments: HospitalPayments
        self.resolver: Resolver
        self.hub_desk: HomeDesk
        self.remote: RemoteDesk
        self.remote_resolver: RemoteResolver
        self._enquiries: Enquiries
        self._beside_regions: Several

    @classmethod
    async def start(cls, settings: ServiceSettings, policies: PolicySet | None = None) -> Service:
        """A service with its reference data loaded and its queues running; the policies are those
        in force, unless others are given."""
        self = cls(settings)
        async with self._side.use() as connection:
            installed = await reference.installation(connection)
            if installed is None:
                raise StorageError("the database is not prepared: start `settlement serve` first")
            await self._draw_numbers(connection)
            policies = policies or await load_policy_set(connection)
            self._shape = shape = await installed_shape(connection)
            profile = policies.region(installed.region)
            if profile is None:
                raise StorageError(f"there is no region profile for {installed.region}")
            versions = await reference.versions(connection)
            stopped = await reference.suspensions(connection)
            world = World(
                region=installed.region,
                lanes=installed.lanes,
                profile=profile,
                policies=policies,
                catalogue=await reference.catalogue(connection),
                institutions=await reference.institutions(connection),
                suspensions=stopped,
                staff=await reference.staff(connection, profile),
                cancel_approvals=await reference.cancel_approvals(connection, profile),
                receivers=await reference.receivers(connection),
                counterparts=await reference.counterparts(connection),
                keyring=settings.keyring,
                next_number=self._next_number,
            )
            credentials = await reference.credentials(connection, settings.keyring, stopped)
            self._desk = DecisionDesk(
                world, read_clock=settings.clock, day_cut=settings.day_cut, failed=report_failure
            )
            self._desk.closed_through = await reference.closed_through(connection)
            self._open_queues(dict(await reference.lanes(connection)), shape)
        self.reference = ReferenceWatch(
            dsn=settings.app_dsn, side=self._side, desk=self._desk, keyring=settings.keyring,
            versions=versions, credentials=credentials, also=self._keep_numbers,
            looked=self._knock,
        )  # fmt: skip
        self._translator = Translator(
            lanes=installed.lanes, keyring=settings.keyring,
            reads_mappings=lambda: self._desk.world.profile.reads_mappings,
            reads_traces=lambda: self._desk.world.profile.traces.are_read,
            region=installed.region,
        )  # fmt: skip
        self._sessions = Sessions(
            side=self._side, desk=self._desk, lanes=installed.lanes,
            next_number=self._next_number,
        )
        self._reconciling = Reconciling(
            dsn=settings.app_dsn, desk=self._desk, lanes=installed.lanes, limits=settings.limits,
            next_number=self._next_number, next_reference=self._next_reference,
            list_files=ListFiles(lambda: self.reference.catalogue),
        )  # fmt: skip
        self._open_desks(installed.lanes, shape)
        self._tasks = [asyncio.create_task(queue.run()) for queue in self.queues]
        self._tasks.append(asyncio.create_task(self.reference.run()))
        return self

    def _open_desks(self, lanes: int, shape: Shape) -> None:
        """What takes more than one batch: relatives who help to pay, payments over channels."""
        settings = self._settings
        journals = Journals(
            lambda command, said, reply: self._queue_of_lane[command.asked.lane].submit(
                command, said, reply
            )
        )
        self._family = FamilyDesk(
            journals=journals, side=Reconnecting(settings.app_dsn, LOOKUP_NAME), shape=shape,
            lanes=lanes, next_number=self._next_number, now=self._desk.now,
        )  # fmt: skip
        self.mobile = MobileDesk(
            journals=journals, dsn=settings.app_dsn, lanes=lanes, shape=shape, desk=self._desk,
            wallets=lambda: wallets_among(self.reference.credentials), tills=settings.tills,
        )  # fmt: skip
        self.mobile_centre = mobile_door(
            settings.platform_key, ask=self.ask, desk=self._desk, orders=self.mobile,
            credential=self.credential, read_clock=settings.clock,
        )  # fmt: skip
        self.mine = MyDesk(
            journals=journals, desk=self._desk, dsn=settings.app_dsn, lanes=lanes, shape=shape
        )
        self.hub_desk = HomeDesk(
            journals=journals, dsn=settings.app_dsn, lanes=lanes, shape=shape, desk=self._desk,
            limits=settings.limits,
        )  # fmt: skip
        line = RegionLine(settings.hub, self._desk, self._next_number)
        self._beside_regions = Several(settings.app_dsn, "settlement-remote", count=2)
        self.remote = RemoteDesk(
            line=line, journals=journals, desk=self._desk, side=self._beside_regions, shape=shape,
            read_clock=settings.clock,
        )  # fmt: skip
        strangers = StrangerDesk(
            line=line, journals=journals, desk=self._desk, side=self._beside_regions, lanes=lanes,
            read_clock=settings.clock,
        )  # fmt: skip
        self.remote_resolver = RemoteResolver(self.remote, settings.app_dsn, settings.clock)
        self.payments = HospitalPayments(
            desk=self._desk, journals=journals, dsn=settings.app_dsn, tills=settings.tills,
            translator=self._translator, shape=shape, lanes=lanes, decoders=settings.decoders,
            limits=settings.limits, read_clock=settings.clock, remote=self.remote,
            strangers=strangers,
        )  # fmt: skip
        self.resolver = Resolver(self.payments, settings.app_dsn, settings.clock)
        self._enquiries = Enquiries(
            sessions=self._sessions, reconciling=self._reconciling, strangers=strangers,
            desk=self._desk, translator=self._translator,
        )  # fmt: skip

    def resolve_payments(self) -> None:
        """Let this process help to bring payments, and cases of other regions, to their end."""
        loops = self.resolver.run(), self.remote_resolver.run(), expire_for_ever(self.payments)
        self._tasks += map(asyncio.create_task, loops)

    def _open_queues(self, lanes: dict[int, int], shape: Shape) -> None:
        by_journal: dict[int, JournalQueue] = {}
        for lane in sorted(lanes):
            journal = lanes[lane]
            if journal not in by_journal:
                by_journal[journal] = self._queue(journal, shape)
            self._queue_of_lane.append(by_journal[journal])
        self.queues += by_journal.values()

    def _queue(self, journal: int, shape: Shape) -> JournalQueue:
        limits, dsn = self._settings.limits, self._settings.app_dsn
        return JournalQueue(
            journal=journal,
            shape=shape,
            desk=QueueDesk(self._desk, self.queues, self.metrics, self.day_closed),
            connect=lambda: connect_settle_path(
                dsn, seconds=limits.database_write_seconds_max, shape=shape
            ),
            batch_size_max=limits.batch_size_max,
            queue_length_max=limits.queue_length_max,
            request_seconds_max=limits.request_seconds_max,
            read_seconds_max=limits.database_read_seconds_max,
        )

    def ask(self, infno: str | None, body: bytes, caller: Caller) -> asyncio.Future[bytes]:
        """The whole reply to a message, as `settlement.gateway.Gateway.ask` says.

        Messages that come in one turn of the event loop are opened together.
        """
        reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        mail = Mail(infno, body, caller, self._settings.clock(), reply)
        if caller.keys is None:
            self._inbox.put(mail)
        else:
            self._sealed.take(mail, caller.keys)
        return reply

    def _open_all(self, mail: Sequence[Mail]) -> list[Opened]:
        """Read, check and translate, a step at a time for all; what is refused is answered."""
        letters = [(one, letter) for one in mail if (letter := self._addressed(one)) is not None]
        decoded = codec.decode_all(
            [letter for _, letter in letters], self._desk.world.profile.wire
        )
        vouched_only = self._desk.world.profile.seals.without_key is WithoutKey.REFUSE
        accepted: list[Mail] = []
        requests: list[tuple[codec.Checked, Institution]] = []
        for (one, letter), checked in zip(letters, decoded, strict=True):
            if isinstance(checked, WireError):
                self._unread(one, letter.infno, checked)
                continue
            institution = self._institution(checked.request, one.caller)
            if institution is None:
                one.fail(NotYours("INSTITUTION_NOT_YOURS"))
                continue
            if vouched_only and checked.request.cainfo and one.caller.keys is None:
                self._refuse_sealed(one, Refusal(code="CAINFO_KEY_MISSING", field="cainfo"))
                continue
            accepted.append(one)
            requests.append((checked, institution))
        commands = command_all(self._translator, requests)
        return [
            Opened(one, checked.request, institution, command)
            for one, (checked, institution), command in zip(
                accepted, requests, commands, strict=True
            )
        ]

    def _take(self, opened: Opened) -> None:
        """Queue a command; what takes more than one step gets a task for it."""
        command = opened.command
        walked = None if command is None else self._walked(command, opened)
        if command is not None and walked is None:
            self._submit(command, opened.mail)
            return
        task = asyncio.ensure_future(
            self._look_up(opened) if walked is None else self._in_steps(walked, opened)
        )
        self._looking_up.add(task)
        task.add_done_callback(self._looking_up.discard)

    def _walked(self, command: Command, opened: Opened) -> Walk | None:
        """How a command is carried out that takes more than one batch, or a look-up first."""
        if is_mobile(command):
            return self.mobile.carry_out(command, opened.mail.caller)
        if concerns_others(command):
            return self.remote.carry_out(command)
        return self._family.carry_out(command) if may_use_family(command) else None

    def _addressed(self, mail: Mail) -> codec.Letter | None:
        """The message with its transaction, which may stand in the body only."""
        infno = mail.infno
        if infno is None:
            try:
                infno = codec.peek_infno(mail.body)
            except WireError as exc:
                mail.fail(exc)
                return None
        body = as_printed(infno, mail.body, self._desk.world.profile.traces.line_node)
        return codec.Letter(infno, body, self._settings.limits.lines_max(infno))

    def _unread(self, mail: Mail, infno: str, error: WireError) -> None:
        if error.code in UNREADABLE:
            mail.fail(error)
            return
        said = refusals.of_wire(error)
        if error.field == "input" and mail.caller.keys is None and key_is_missing(mail.body):
            said = Refusal(code="BODY_KEY_MISSING", field="enc_type")
        mail.answer(self._refused(infno, said, mail.received, path_is_wire=True))

    def _refuse_sealed(self, mail: Mail, refusal: Refusal) -> None:
        """A signature that is not right is as good as a stranger; the rest gets an answer."""
        if REFUSALS[refusal.code].http_status == HTTPStatus.UNAUTHORIZED:
            words = refusals.text(refusal, self._desk.world.profile).message
            mail.fail(NotYours(refusal.code, words))
        else:
            mail.answer(self._refused("", refusal, mail.received, path_is_wire=True))

    def _explain_unread(self, mail: Mail) -> None:
        """Answer what could not be taken apart as the decoder of messages would; if that can read
        it, then whatever was signed is not what would be carried out."""
        letter = self._addressed(mail)
        if letter is None:
            return
        (checked,) = codec.decode_all([letter], self._desk.world.profile.wire)
        if isinstance(checked, WireError):
            self._unread(mail, letter.infno, checked)
        else:
            self._refuse_sealed(mail, Refusal(code="CAINFO_WRONG", field="cainfo"))

    async def answer(self, infno: str | None, body: bytes, caller: Caller) -> bytes:
        """`ask`, for a caller that waits."""
        return await self.ask(infno, body, caller)

    def expect(self, arriving: Callable[[], int]) -> None:
        """The web layer's count of requests on their way: a batch waits for them."""
        for queue in self.queues:
            queue.arriving = lambda: arriving() + len(self._inbox)

    def _institution(self, request: Envelope, caller: Caller) -> Institution | None:
        """Headers do not sign the body, so the envelope's institution must be the credential's."""
        code = request.fixmedins_code
        return self._desk.world.institutions.get(code) if code == caller.institution_code else None

    async def _look_up(self, opened: Opened) -> None:
        """The transactions that ask the database for something before, or instead of, a batch."""
        mail = opened.mail
        try:
            found = await self._enquiries.found(opened.request, opened.institution)
        except StorageError:
            mail.fail(Unavailable("later"))
        except ErasedError:
            erased = Refusal(code="DATA_ERASED")
            mail.answer(self._said(opened.request.infno, mail.received, erased))
        except Exception as exc:
            mail.fail(exc)
        else:
            if isinstance(found, Command):
                self._submit(found, mail)
            elif isinstance(found, Download):
                mail.answer(found.content)
            else:
                mail.answer(self._said(opened.request.infno, mail.received, found))

    async def _in_steps(self, walked: Walk, opened: Opened) -> None:
        """Relatives may help to pay, or whose an order is must be found."""
        mail = opened.mail
        try:
            reply = await walked
        except Exception as exc:
            mail.fail(exc)
        else:
            mail.answer(self._said(opened.request.infno, mail.received, reply))

    def _submit(self, command: Command, mail: Mail) -> None:
        asked = command.asked
        said = partial(self._said, asked.infno, mail.received)
        if self._stopping or not self._queue_of_lane[asked.lane].submit(command, said, mail.reply):
            mail.fail(Overloaded())

    def _said(self, infno: str, received: datetime, reply: Answer | Refusal) -> bytes:
        """The bytes of a reply, when it may leave."""
        if isinstance(reply, Refusal):
            return self._refused(infno, reply, received)
        if reply.replayed:
            self.metrics.replayed += 1
        output = NO_OUTPUT if reply.output is None else reply.output
        local = local_time(received)
        return encode_success(
            refmsgid=reply.reference or self._next_reference(local),
            received_at=local,
            responded_at=local_time(self._settings.clock()),
            output=output.rows if isinstance(output, FeeRows | lists.ListRows) else output,
            warn_msg=warning_of(reply) or UNSET,
        )

    def _refused(
        self, infno: str, refusal: Refusal, received: datetime, *, path_is_wire: bool = False
    ) -> bytes:
        if refusal.code == "MESSAGE_CONFLICT":
            self.metrics.conflicting += 1
        profile = self._desk.world.profile
        field = refusal.field if path_is_wire else wire_path(infno, refusal.field)
        field = as_named(infno, field, profile.traces.line_node)
        said = refusals.text(replace(refusal, field=field) if path_is_wire else refusal, profile)
        local = local_time(received)
        return encode_failure(
            refmsgid=self._next_reference(local),
            received_at=local,
            responded_at=local_time(self._settings.clock()),
            err_code=refusal.code,
            err_msg=said.message,
            err_field=field,
            retry=said.retry,
        )

    def credential(self, access_key: str) -> CredentialFact | None:
        """What an access key belongs to."""
        return self.reference.credentials.get(access_key)

    async def explanation(self, setl_id: str, caller: Caller) -> bytes | None:
        """How a settlement came about, as `settlement.gateway.Gateway.explanation` says."""
        if (number := numbers.parse(setl_id)) is None:
            return None
        view, world = View(), self._desk.world
        try:
            async with self._side.use() as connection:
                await read_settlements(connection, [number], view, self._shape)
            fact = view.settlements.get(number)
            if fact is None or fact.row.institution != caller.institution_code:
                return None
            told = explain(fact, world.keyring, world.policies, world.counterparts)
        except (StorageError, LookupError) as exc:  # the latter where its policy is not loaded
            raise Unavailable("later") from exc
        return msgspec_json.encode(told)

    def readiness(self) -> Readiness:
        """Whether requests can be answered now, and what is degraded."""
        broken = [queue for queue in self.queues if queue.broken]
        degraded = () if self.reference.fresh else ("reference",)
        database = "ok" if not broken else "connection lost"
        return Readiness(
            ready=not self._stopping and not broken,
            degraded=degraded,
            checks={"database": database, "institutions": str(len(self._desk.world.institutions))},
        )

    def strain(self) -> Strain:
        """Whether it keeps up, as `settlement.gateway.Gateway.strain` says."""
        waited = max((queue.waited_seconds for queue in self.queues), default=0.0)
        return Strain(waited, len(self._looking_up))

    async def stop(self, drain_seconds: float) -> None:
        """Take no more, finish what was taken, leave the rest in doubt."""
        self._inbox.empty()
        self._sealed.stop()
        self._stopping = True
        until = monotonic() + drain_seconds
        await asyncio.gather(
            self._family.drain(drain_seconds / 2), self.payments.drain(drain_seconds / 2),
            self.remote.drain(drain_seconds / 2),
        )
        async with asyncio.TaskGroup() as group:
            for queue in self.queues:
                group.create_task(queue.drain(until - monotonic()))
        self._tasks += self.reference.tasks
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._side.close()
        if self.import_office is not None:
            self.import_office.close()
        if self.hub_office is not None:
            await self.hub_office.stop()
        self._reconciling.close()
        self._family.close()
        self.mobile.close()
        if self.mine is not None:
            self.mine.close()
        if self.mobile_centre is not None:
            self.mobile_centre.close()
        self.payments.close()
        self.hub_desk.close()
        self.remote.close()
        self._beside_regions.close()

    def _next_number(self, lane: int, day: date) -> int:
        return self._numbers.next(lane, day)

    def _next_reference(self, local: datetime) -> str:
        return refmsgid(self._desk.world.region, local, next(self._serial))

    async def _draw_numbers(self, connection: PlainConnection) -> None:
        block: int = await connection.fetchval(REFERENCE["number_block"])
        self._numbers = NumberBlock(block)
        self._serial = count(block % SERIAL_BLOCKS * SERIALS_PER_BLOCK + 1)

    async def _keep_numbers(self, connection: PlainConnection) -> None:
        if self._numbers.remaining < NUMBERS_LOW:
            await self._draw_numbers(connection)

    def _knock(self) -> None:
        for queue in self.queues:
            queue.knock()

    async def day_closed(self) -> None:
        """Learn which business day is open."""
        async with self._side.use() as connection:
            self._desk.closed_through = await reference.closed_through(connection)
