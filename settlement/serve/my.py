"""Self-service in one gateway process (`/my`, ADR 0034): what a person sees and has done.

What is asked is read beside the journals, on connections of its own, so that nobody at a counter
waits for it; what is done goes through the person's journal as everything else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ledger.postgres.shape import Shape
from protocol.my import (
    AccountReply,
    AuthorisationRequest,
    AuthorisationsReply,
    CancelMatterRequest,
    FilingRequest,
    MatterReply,
    MattersReply,
    Principal,
    ReimbursementRequest,
    ReimbursementsReply,
    SettlementReply,
    SettlementsReply,
    StatusReply,
    TransferRequest,
)
from settlement import keys
from settlement.clock import Moment
from settlement.commands import HISTORY_ROWS_MAX, WHOLE_HISTORY, Asked, Sought
from settlement.decision import Answer
from settlement.desk import DecisionDesk
from settlement.elsewhere.off_site import OffSiteKind
from settlement.gateway import Unavailable
from settlement.institution import Institution, InstitutionKind
from settlement.keyring import LookupKind
from settlement.lanes import lane_of, lane_of_key
from settlement.numbers import lane_in, parse
from settlement.people.matter_rows import MatterFact
from settlement.people.matter_states import Happening, MatterKind
from settlement.people.my_commands import (
    Acting,
    ApplyOffSite,
    AskTransfer,
    AuthorisationAsked,
    Authorise,
    ChangeMatter,
    MyCommand,
    OffSiteAsked,
    PapersTold,
    Relation,
    ShowMine,
    TellPapers,
    TransferAsked,
)
from settlement.people.my_gateway import Who
from settlement.people.my_session import SESSION_SECONDS, Session, form_key, kept, opened
from settlement.refusal import Refusal
from settlement.serve.asking import Journals
from settlement.storage import reimbursements as reimbursement_rows
from settlement.storage.audits import Audited, keep_audit
from settlement.storage.connect import Several
from settlement.storage.errors import StorageError
from settlement.storage.lookups import PersonFinder
from settlement.storage.matter_lists import account_moves, principals_of
from settlement.storage.reader import read_view
from settlement.translate import matters as shown_matters
from settlement.translate import mine
from settlement.translate import reimbursements as shown_reimbursements
from settlement.usecases.authorisations import stands
from settlement.usecases.enquire import lines_of
from settlement.usecases.explain import explain
from settlement.usecases.filing_payloads import standing_filings
from settlement.usecases.matter_payloads import open_authorisation
from settlement.usecases.matters import NO_KEY, MatterAnswer, MineAnswer, show
from settlement.view import SettlementFact, View

logger = logging.getLogger("settlement.my")
SIDE_CONNECTIONS = 3
SHOWN_MAX = 100
"""Settlements and movements of one answer."""
DESK = Institution(
    code="MY", name="个人网办", kind=InstitutionKind.HOSPITAL, region="", hospital_level="",
    deductible_level="", ceiling_level="", agreement_from=date.min, agreement_to=date.max,
    suspended=False, care_types=frozenset(), account_base=0,
)  # fmt: skip
"""What stands in the place of an institution where a person acts: it has no accounts."""
READ_FOR_ANOTHER = "my-read"


class MyDesk:
    """One a process. Everything raises Unavailable; what is done raises Overloaded too."""

    def __init__(
        self, *, journals: Journals, desk: DecisionDesk, dsn: str, lanes: int, shape: Shape
    ) -> None:
        self._submit = journals.ask
        self._desk = desk
        self._side = Several(dsn, "settlement-my", count=SIDE_CONNECTIONS)
        self._finder = PersonFinder(self._side, shape)
        self._lanes = lanes
        self._shape = shape

    def close(self) -> None:
        """Drop the connections."""
        self._side.close()

    def begin_session(self, who: Who, access_key: str) -> str:
        """What a browser keeps for who was sent here by an app."""
        ends_at = int(self._desk.now().at.timestamp()) + SESSION_SECONDS
        session = Session(
            person_no=who.by, app=who.app, access_key=access_key, ends_at=ends_at
        )
        return kept(session, self._desk.world.keyring)

    def session(self, kept: str) -> tuple[Who, str] | None:
        """Whom a browser was kept for, and the app's key."""
        now_seconds = int(self._desk.now().at.timestamp())
        found = opened(kept, self._desk.world.keyring, now_seconds)
        if found is None:
            return None
        who = Who(by=found.person_no, app=found.app, person_no=found.person_no)
        return who, found.access_key

    def form_key(self, kept: str) -> str:
        """What a form of a session must carry."""
        return form_key(kept, self._desk.world.keyring)

    async def person_with(self, certificate_no: str) -> str | None:
        """Whose a certificate number is, by the key and by what their identity says."""
        key = self._desk.world.keyring.lookup_key(LookupKind.CERTIFICATE, certificate_no)
        try:
            person_no = await self._finder.find(
                Sought(lane_of_key(key, self._lanes), LookupKind.CERTIFICATE, key)
            )
        except StorageError as exc:
            raise Unavailable("later") from exc
        if person_no is None:
            return None
        _, found, _ = await self._look(Who(by=person_no, app="", person_no=person_no))
        if isinstance(found, Refusal):
            return None
        return person_no if found.person.identity.certificate_no == certificate_no else None

    async def status(self, who: Who) -> StatusReply | Refusal:
        """Memberships, balance, what is in force."""
        _, found, now = await self._look(who)
        if isinstance(found, Refusal):
            return found
        world = self._desk.world
        return mine.status(
            found.person, found.matters, standing_filings(found.person, world.keyring),
            found.relation, world, now.local.date(),
        )  # fmt: skip

    async def matters(self, who: Who, *kinds: MatterKind) -> MattersReply | Refusal:
        """Matters of some kinds, the newest first."""
        _, found, now = await self._look(who)
        if isinstance(found, Refusal):
            return found
        return MattersReply(
            matters=tuple(
                self._shown(fact, now.local.date())
                for fact in reversed(found.matters)
                if fact.row.kind in kinds
            )
        )

    async def matter(self, who: Who, matter_no: str) -> MatterReply | Refusal:
        """One of them."""
        _, found, now = await self._look(who)
        if isinstance(found, Refusal):
            return found
        for fact in found.matters:
            if str(fact.row.matter_no) == matter_no:
                return self._shown(fact, now.local.date())
        return Refusal(code="MATTER_UNKNOWN", field="matter_no")

    async def settlements(self, who: Who) -> SettlementsReply | Refusal:
        """The newest of them."""
        view, found, _ = await self._look(who, history=True)
        if isinstance(found, Refusal):
            return found
        facts = [fact for fact in _newest(view) if mine.is_listed(fact)]
        return SettlementsReply(
            settlements=tuple(mine.settled(one, self._desk.world) for one in facts[:SHOWN_MAX]),
            more=len(facts) > SHOWN_MAX or len(view.settlements) >= HISTORY_ROWS_MAX,
        )

    async def settlement(self, who: Who, settlement_id: str) -> SettlementReply | Refusal:
        """One of them, explained."""
        unknown = Refusal(
            code="SETTLEMENT_UNKNOWN", field="settlement_id",
            params={"setl_id": settlement_id},
        )  # fmt: skip
        number = parse(settlement_id)
        if number is None or lane_in(number) != lane_of(who.person_no, self._lanes):
            return unknown
        view, found, _ = await self._look(who, settlement=number)
        if isinstance(found, Refusal):
            return found
        fact, world = view.settlements.get(number), self._desk.world
        if fact is None or fact.row.psn_no != who.person_no or not mine.is_listed(fact):
            return unknown
        try:
            told = explain(fact, world.keyring, world.policies, world.counterparts)
        except LookupError as exc:
            raise Unavailable("later") from exc
        detail = lines_of(fact, view, world)
        on = fact.row.service_at.date()
        names = {
            code: item.name
            for code in {one.priced.line.item_code for one in detail.lines}
            if (item := world.catalogue.find(code, on)) is not None
        }
        return mine.explained(fact, told, detail, names, world)

    async def account(self, who: Who) -> AccountReply | Refusal:
        """Balance and movements."""
        view, found, _ = await self._look(who, history=True)
        if isinstance(found, Refusal):
            return found
        try:
            async with self._side.use() as connection:
                moves = await account_moves(
                    connection, lane=found.person.lane, person_no=who.person_no,
                    settlements=list(view.settlements),
                )  # fmt: skip
        except StorageError as exc:
            raise Unavailable("later") from exc
        noted = {one.entry_id for one in moves if one.kind == -1}
        moved = [
            mine.Moved(
                at=fact.row.setl_time, amount_fen=fact.row.family_account_fen - own_fen,
                what="settlement" if fact.row.undoes_setl_id is None else "cancelled",
                settlement_id=fact.row.undoes_setl_id or fact.row.setl_id,
            )
            for fact in view.settlements.values()
            if (own_fen := fact.row.account_fen) != fact.row.family_account_fen
            and fact.row.setl_id not in noted
        ]  # fmt: skip
        moved += mine.moved_by_matters(found.matters)
        for one in moves:
            told = _MOVES.get(one.kind)
            if told is not None:
                amount_fen = one.amount_fen * told[1]
                moved.append(mine.Moved(at=one.moved_at, what=told[0], amount_fen=amount_fen))
        held_fen = sum(one.amount_fen for one in moves if one.kind == -2)
        return mine.account(found.person.balance_fen, held_fen, moved, newest=SHOWN_MAX)

    async def authorisations(self, who: Who) -> AuthorisationsReply | Refusal:
        """Those that the person gave, and for whom they may act themselves."""
        _, found, now = await self._look(who)
        if isinstance(found, Refusal):
            return found
        today = now.local.date()
        given = tuple(
            self._shown(fact, today)
            for fact in reversed(found.matters)
            if fact.row.kind is MatterKind.AUTHORISATION
        )
        return AuthorisationsReply(
            given=given, may_act_for=await self._principals(who.person_no, today)
        )

    async def file(self, who: Who, request: FilingRequest) -> MatterReply | Refusal:
        """File care outside the region."""
        wanted = OffSiteAsked(
            kind=OffSiteKind(request.kind), place=request.place,
            begins_on=request.begins_on or self._desk.now().local.date(), ends_on=request.ends_on,
            reason=request.reason, phone=request.phone,
        )  # fmt: skip
        return await self._do(
            lambda asked, acting: ApplyOffSite(asked=asked, acting=acting, wanted=wanted),
            who, "MY01", request.request_no, request,
        )  # fmt: skip

    async def authorise(
        self, who: Who, request: AuthorisationRequest
    ) -> MatterReply | Refusal:
        """Let somebody act, who must be insured here."""
        wanted = AuthorisationAsked(
            relation=Relation(request.relation),
            begins_on=request.begins_on or self._desk.now().local.date(), ends_on=request.ends_on,
            phone=request.phone,
        )  # fmt: skip
        if not await self._is_known(request.agent_no):
            return Refusal(code="PERSON_UNKNOWN", field="agent_no")
        return await self._do(
            lambda asked, acting: Authorise(
                asked=asked, acting=acting, agent_no=request.agent_no, wanted=wanted
            ),
            who, "MY02", request.request_no, request,
        )  # fmt: skip

    async def transfer(self, who: Who, request: TransferRequest) -> MatterReply | Refusal:
        """Have the account moved."""
        kind = MatterKind.TRANSFER_OUT if request.direction == "out" else MatterKind.TRANSFER_IN
        wanted = TransferAsked(
            region=request.region, reason=request.reason, phone=request.phone
        )
        return await self._do(
            lambda asked, acting: AskTransfer(
                asked=asked, acting=acting, kind=kind, wanted=wanted
            ),
            who, "MY03", request.request_no, request,
        )  # fmt: skip

    async def tell_papers(
        self, who: Who, request: ReimbursementRequest
    ) -> MatterReply | Refusal:
        """Say what will be brought to be reimbursed."""
        wanted = PapersTold(
            institution=request.institution, invoice_no=request.invoice_no,
            total_fen=int(request.total.replace(".", "")), begins_on=request.begins_on,
            ends_on=request.ends_on, reason=request.reason, phone=request.phone,
        )  # fmt: skip
        return await self._do(
            lambda asked, acting: TellPapers(asked=asked, acting=acting, wanted=wanted),
            who, "MY06", request.request_no, request,
        )  # fmt: skip

    async def reimbursements(self, who: Who) -> ReimbursementsReply | Refusal:
        """What was told in advance, and what the counter has of the person's."""
        told = await self.matters(who, MatterKind.REIMBURSEMENT)
        if isinstance(told, Refusal):
            return told
        lane = lane_of(who.person_no, self._lanes)
        try:
            async with self._side.use() as connection:
                numbers = await reimbursement_rows.numbers_of_person(
                    connection, lane, who.person_no
                )
                kept = await reimbursement_rows.kept_of(connection, lane, numbers[-SHOWN_MAX:])
        except StorageError as exc:
            raise Unavailable("later") from exc
        world = self._desk.world
        return ReimbursementsReply(
            told=told.matters,
            reimbursements=tuple(
                shown_reimbursements.shown(one.filed, one.steps, world)
                for one in reversed(kept)
            ),
        )

    async def cancel(
        self, who: Who, matter_no: str, request: CancelMatterRequest
    ) -> MatterReply | Refusal:
        """Take a matter back."""
        number = parse(matter_no)
        if number is None or lane_in(number) != lane_of(who.person_no, self._lanes):
            return Refusal(code="MATTER_UNKNOWN", field="matter_no")
        return await self._do(
            lambda asked, acting: ChangeMatter(
                asked=asked, acting=acting, matter_no=number, happening=Happening.CANCELLED,
                note=request.note, history=WHOLE_HISTORY, filing_ids=(number,),
            ),
            who, "MY04", request.request_no, request, matter_no,
        )  # fmt: skip

    async def _do(
        self, command: Callable[[Asked, Acting], MyCommand], who: Who, infno: str,
        request_no: str, request: Struct, about: str = "",
    ) -> MatterReply | Refusal:  # fmt: skip
        """Through the person's journal. The key is of the app, who acts, and their request."""
        sender = f"{who.app}/{who.by}/{who.person_no}"
        asked = replace(
            self._asked(who, infno), msgid=request_no,
            message_key=keys.message_key(sender, infno, request_no, 0),
            fingerprint=keys.request_digest(
                msgspec.json.encode([who.person_no, about, request]),
                self._desk.world.keyring.digest_key,
            ),
        )  # fmt: skip
        reply = await self._submit(command(asked, Acting(person_no=who.by, app=who.app)))
        if isinstance(reply, Refusal):
            return reply
        if not isinstance(reply, MatterAnswer):
            raise TypeError(f"{type(reply).__name__} is no matter")
        return self._shown(reply.fact, self._desk.now().local.date())

    async def _look(
        self, who: Who, *, history: bool = False, settlement: int | None = None
    ) -> tuple[View, MineAnswer | Refusal, Moment]:
        """What a person may see, read now; that somebody looked for another is written down."""
        command = ShowMine(
            asked=self._asked(who, "MY00"), acting=Acting(person_no=who.by, app=who.app),
            history=WHOLE_HISTORY if history else None,
            setl_ids=() if settlement is None else (settlement,),
        )  # fmt: skip
        world, now = self._desk.world, self._desk.now()
        try:
            async with self._side.use() as connection:
                view = await read_view(connection, [command], world.keyring, self._shape)
                reply = show(command, view, world, now).reply
                if isinstance(reply, Answer) and who.by != who.person_no:
                    row = Audited(
                        at=now.at, actor=f"{who.app}/{who.by}", action=READ_FOR_ANOTHER,
                        subject=f"person {who.person_no}", note="代办查询",
                    )  # fmt: skip
                    await keep_audit(connection, row)
        except StorageError as exc:
            raise Unavailable("later") from exc
        if isinstance(reply, MineAnswer | Refusal):
            return view, reply, now
        raise TypeError(f"{type(reply).__name__} is nobody")

    async def _is_known(self, person_no: str) -> bool:
        """Whether there is such a person here."""
        himself = Who(by=person_no, app="", person_no=person_no)
        _, found, _ = await self._look(himself)
        return not isinstance(found, Refusal)

    async def _principals(self, agent_no: str, today: date) -> tuple[Principal, ...]:
        """For whom somebody may act today. Each is asked in their own lane."""
        try:
            async with self._side.use() as connection:
                persons = await principals_of(connection, agent_no)
                view = await self._of(persons, agent_no)
        except StorageError as exc:
            raise Unavailable("later") from exc
        keyring, found = self._desk.world.keyring, []
        for person_no in persons:
            for fact in view.matters.get(person_no, {}).values():
                about = fact.row.agent_no == agent_no and (
                    fact.row.kind is MatterKind.AUTHORISATION
                )
                if about and stands(fact, keyring, today) and person_no in view.persons:
                    wanted = open_authorisation(fact.row, keyring)
                    found.append(
                        Principal(
                            person_no=person_no,
                            name=mine.masked(view.persons[person_no].identity.name),
                            relation=wanted.relation.value,
                            relation_zh=shown_matters.RELATION_ZH[wanted.relation],
                            ends_on=str(wanted.ends_on),
                        )
                    )  # fmt: skip
        return tuple(found)

    async def _of(self, persons: list[str], agent_no: str) -> View:
        """Persons of several lanes with their matters, a lane at a time."""
        view = View()
        by_lane: dict[int, list[ShowMine]] = {}
        for person_no in persons:
            asked = self._asked(Who(by=agent_no, app="", person_no=person_no), "MY00")
            by_lane.setdefault(asked.lane, []).append(
                ShowMine(asked=asked, acting=Acting(person_no=agent_no))
            )
        async with self._side.use() as connection:
            for commands in by_lane.values():
                part = await read_view(
                    connection, commands, self._desk.world.keyring, self._shape
                )
                view.persons |= part.persons
                view.matters |= part.matters
        return view

    def _asked(self, who: Who, infno: str) -> Asked:
        return Asked(
            infno=infno, institution=DESK, msgid="", operator=who.by,
            lane=lane_of(who.person_no, self._lanes), person_no=who.person_no,
            message_key=NO_KEY, fingerprint=b"",
        )  # fmt: skip

    def _shown(self, fact: MatterFact, today: date) -> MatterReply:
        world = self._desk.world
        return shown_matters.shown(fact, world.keyring, world.profile.off_site, today)


_MOVES = {2: ("for_relative", -1), 4: ("from_relative", 1), 0: ("opening", 1)}
"""What `account_moves` calls its kinds, and which way they go."""


def _newest(view: View) -> list[SettlementFact]:
    return sorted(view.settlements.values(), key=lambda fact: fact.row.setl_time, reverse=True)
