"""Payments of a hospital in one gateway process: deposits of stays, visits and stays that are
settled and paid in one call (ADR 0030).

What `Payments` is for a till; the channel, the reports and the resolver are the same.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from msgspec import structs
from msgspec.structs import replace

from protocol.evoucher import BusinessType
from protocol.hospital import (
    AdmissionAsked,
    AdmissionsReply,
    AdmitRequest,
    DepositRequest,
    VisitRequest,
)
from protocol.nhsa.amounts import scaled
from protocol.nhsa.codec import Letter, decode_all
from protocol.nhsa.errors import WireError
from protocol.nhsa.times import format_datetime
from protocol.scan import Tender, Ways
from settlement import refusals
from settlement.claim import AccountUse
from settlement.clock import local_time
from settlement.commands import AdmitStay, Asked, Command, SettleStay, SettleVisit
from settlement.deposit import fold_deposits, left_of
from settlement.gateway import Caller, PayReply
from settlement.institution import Institution
from settlement.numbers import lane_in, parse
from settlement.payments.admission import REQUEST_LIVES, expires_at
from settlement.payments.pay_commands import (
    ConfirmAdmission,
    Counter,
    ExpireRequest,
    FindDeposits,
    FindOrder,
    HoldDeposit,
    HoldStay,
    HoldVisit,
    RequestAdmission,
    Till,
)
from settlement.payments.payment_rows import PaymentFact
from settlement.refusal import Refusal
from settlement.serve.asking import Reply
from settlement.serve.pay_pieces import asked_of, message_key_of, reader
from settlement.serve.paying import unreadable
from settlement.serve.phone_pay import PhonePayments
from settlement.storage.payment_finder import Claim
from settlement.storage.payments import Owner
from settlement.storage.reader import read_visits
from settlement.storage.requests import open_requests
from settlement.translate import deposits, scans
from settlement.translate.makers import command_all
from settlement.translate.paths import wire_path
from settlement.usecases.paying import Ordered, PayAnswer
from settlement.usecases.visit_payloads import open_request
from settlement.view import View

LOOK_BACK = timedelta(days=30)
"""How old a request may be that is ended for its age: the system may have been down."""
_DECODE_DEPOSIT = reader(DepositRequest)
_DECODE_ASKED = reader(AdmissionAsked)
_DECODE_ADMIT = reader(AdmitRequest)
_DECODE_VISIT = reader(VisitRequest)
_ENCODE = msgspec.json.Encoder().encode


class HospitalPayments(PhonePayments):
    """Everything under /pay of one process, with what only hospitals ask for."""

    async def deposit(self, body: bytes, caller: Caller) -> PayReply:
        """POST /pay/deposit. Raises StorageError, Overloaded, Unavailable."""
        try:
            request = _DECODE_DEPOSIT(body)
            amount_fen = scaled(request.amount, 2, "amount")
        except (msgspec.MsgspecError, UnicodeDecodeError, ArithmeticError, WireError) as exc:
            return unreadable(exc)
        return await self._to_its_end(self._deposit(request, amount_fen, caller))

    async def _deposit(
        self, request: DepositRequest, amount_fen: int, caller: Caller
    ) -> PayReply:
        order_no = request.order_no
        opened = self._opened(request, caller)
        if isinstance(opened, Refusal):
            return self._refused(order_no, opened)
        institution, till = opened
        owner = await self._patient(request.mdtrt_id)
        if isinstance(owner, Refusal):
            return self._refused(order_no, owner)
        refused = await self._number_of(institution, order_no, owner)
        if refused is not None:
            return self._refused(order_no, refused)
        mdtrt_id, counter = int(request.mdtrt_id), _counter(request)
        fingerprint = deposits.fingerprint(str(mdtrt_id), amount_fen, counter.tender)
        asked = asked_of(
            institution, owner.lane, owner.person_no, order_no, request.operator, fingerprint
        )
        command = HoldDeposit(
            asked=asked, visit_ids=(mdtrt_id,), counter=counter, till=till, mdtrt_id=mdtrt_id,
            amount_fen=amount_fen,
        )  # fmt: skip
        return await self._carried_out(command, request.pay_code)

    async def visit(self, body: bytes, caller: Caller) -> PayReply:
        """POST /pay/visit. Raises StorageError, Overloaded, Unavailable."""
        try:
            request = _DECODE_VISIT(body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
            return unreadable(exc)
        return await self._to_its_end(self._visit(request, caller))

    async def _visit(self, request: VisitRequest, caller: Caller) -> PayReply:
        order_no = request.order_no
        opened = self._opened(request, caller)
        if isinstance(opened, Refusal):
            return self._refused(order_no, opened)
        institution, till = opened
        settle = self._transaction(request.infno, order_no, request, institution)
        if isinstance(settle, Refusal):
            return self._refused(order_no, settle)
        if not isinstance(settle, SettleVisit | SettleStay):
            raise TypeError(f"{request.infno} settles nothing")
        if settle.account_use is AccountUse.FAMILY:
            refusal = Refusal(code="VISIT_FAMILY_ACCOUNT", field="input.data.acct_used_flag")
            return self._refused(order_no, refusal)
        owner = Owner(settle.asked.lane, settle.asked.person_no)
        refused = await self._number_of(institution, order_no, owner)
        if refused is not None:
            return self._refused(order_no, refused)
        command = _held(settle, request, institution, till)
        return await self._carried_out(command, request.pay_code, infno=request.infno)

    async def admission(self, body: bytes, caller: Caller) -> PayReply:
        """POST /pay/admission. Raises StorageError, Overloaded, Unavailable."""
        try:
            request = _DECODE_ASKED(body)
            amount_fen = scaled(request.amount, 2, "amount")
        except (msgspec.MsgspecError, UnicodeDecodeError, ArithmeticError, WireError) as exc:
            return unreadable(exc)
        return await self._to_its_end(self._admission(request, amount_fen, caller))

    async def _admission(
        self, request: AdmissionAsked, amount_fen: int, caller: Caller
    ) -> PayReply:
        order_no = request.order_no
        opened = self._opened(request, caller)
        if isinstance(opened, Refusal):
            return self._refused(order_no, opened)
        institution, till = opened
        shown = await self._codes.read(
            request, institution, business=BusinessType.ADMISSION
        )
        if shown is None:
            shown = Refusal(code="PERSON_CODE_UNKNOWN", field="person_code")
        if isinstance(shown, Refusal):
            return self._refused(order_no, shown)
        owner = await self._owner(order_no, institution, shown)
        if isinstance(owner, Refusal):
            return self._refused(order_no, owner)
        command = RequestAdmission(
            asked=asked_of(
                institution, owner.lane, owner.person_no, order_no, request.operator,
                deposits.fingerprint(owner.person_no, amount_fen, request.insutype),
            ),
            token_key=shown.token_key, counter=_counter(request),
            till=till, credential=shown.credential, scheme=request.insutype, amount_fen=amount_fen,
            ward=request.ward, note=request.note,
        )  # fmt: skip
        return await self._carried_out(command, request.pay_code)

    async def admissions(self, caller: Caller) -> PayReply:
        """GET /pay/admissions: what the ward has to answer, once its deposit is there."""
        institution = self._desk.world.institutions.get(caller.institution_code)
        if institution is None:
            return self._refused("", Refusal(code="INSTITUTION_NOT_YOURS"))
        now, view = local_time(self._clock()), View()
        async with self._side.use() as connection:
            numbers = await open_requests(
                connection, after=now - REQUEST_LIVES, until=now, institution=institution.code
            )
            if numbers:
                await read_visits(connection, numbers, view, self._shape)
        keyring = self._desk.world.keyring
        lines = [
            deposits.requested(fact.row, open_request(fact.row, keyring), expires_at(fact), left)
            for fact in (view.visits[number] for number in numbers)
            if (left := left_of(fold_deposits(fact)))
        ]
        return PayReply(200, _ENCODE(AdmissionsReply(requests=lines)))

    async def admit(self, order_no: str, body: bytes, caller: Caller) -> PayReply:
        """POST /pay/{order_no}/admit."""
        try:
            request = _DECODE_ADMIT(body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
            return unreadable(exc)
        asked = await self._asked_of(order_no, caller, scans.SCAN)
        if isinstance(asked, Refusal):
            return self._refused(order_no, asked)
        found = await self._submit(FindOrder(asked=asked))
        fact = found.fact if isinstance(found, PayAnswer) else None
        if fact is None or fact.row.mdtrt_id is None:
            refusal = found if isinstance(found, Refusal) else Refusal(code="ORDER_UNKNOWN")
            return self._refused(order_no, refusal)
        command = self._transaction("2401", order_no, request, asked.institution)
        if isinstance(command, Refusal):
            return self._refused(order_no, command)
        if not isinstance(command, AdmitStay):
            raise TypeError("2401 admits nobody")
        reply = await self._submit(_admitted(command, fact, asked))
        return self._told(order_no, _named(reply, "2401"))

    async def expire_requests(self) -> int:
        """End the requests that no ward answered in time, and say how many there were; the resolver
        gives back what was paid. Raises StorageError, Unavailable, Overloaded."""
        until = local_time(self._clock()) - REQUEST_LIVES
        view = View()
        async with self._side.use() as connection:
            numbers = await open_requests(
                connection, after=until - LOOK_BACK, until=until, institution=None
            )
            if numbers:
                await read_visits(connection, numbers, view, self._shape)
        for row in (view.visits[number].row for number in numbers):
            institution = self._desk.world.institutions[row.institution]
            await self._submit(
                ExpireRequest(
                    asked=asked_of(institution, row.lane, row.psn_no, ""),
                    visit_ids=(row.mdtrt_id,), request_no=row.mdtrt_id,
                )
            )  # fmt: skip
        return len(numbers)

    async def deposits(self, mdtrt_id: str, caller: Caller) -> PayReply:
        """GET /pay/deposits/{mdtrt_id}."""
        institution = self._desk.world.institutions.get(caller.institution_code)
        if institution is None:
            return self._refused("", Refusal(code="INSTITUTION_NOT_YOURS"))
        owner = await self._patient(mdtrt_id)
        if isinstance(owner, Refusal):
            return self._refused("", owner)
        number = int(mdtrt_id)
        asked = asked_of(institution, owner.lane, owner.person_no, "")
        reply = await self._submit(
            FindDeposits(asked=asked, visit_ids=(number,), mdtrt_id=number)
        )
        return self._told("", reply)

    def _opened(
        self, request: Ways, caller: Caller
    ) -> tuple[Institution, Till | None] | Refusal:
        """Who asks, and which merchant collects what the code pays."""
        institution = self._desk.world.institutions.get(caller.institution_code)
        if institution is None:
            return Refusal(code="INSTITUTION_NOT_YOURS")
        till = self._way(request, institution)
        return till if isinstance(till, Refusal) else (institution, till)

    async def _carried_out(
        self, command: Ordered, pay_code: str, *, infno: str = ""
    ) -> PayReply:
        """Commit, speak to the channel, commit what came of it."""
        order_no = command.counter.order_no
        reply = await self._as_it_stands(await self._submit(command), command.asked)
        if isinstance(reply, PayAnswer) and reply.began is not None and reply.fact is not None:
            reply = await self._collect(reply.fact, reply.began, pay_code, command)
        return self._told(order_no, _named(reply, infno) if infno else reply)

    async def _patient(self, mdtrt_id: str) -> Owner | Refusal:
        """Whose visit it is, and in which lane."""
        number = parse(mdtrt_id)
        unknown = Refusal(code="VISIT_UNKNOWN", field="mdtrt_id", params={"value": mdtrt_id[:30]})
        if number is None or lane_in(number) >= self._lanes:
            return unknown
        view = View()
        async with self._side.use() as connection:
            await read_visits(connection, [number], view, self._shape)
        visit = view.visits.get(number)
        return unknown if visit is None else Owner(visit.row.lane, visit.row.psn_no)

    async def _number_of(
        self, institution: Institution, order_no: str, owner: Owner
    ) -> Refusal | None:
        """Whether the order number is this person's, from now on or before."""
        order = self._order_name(message_key_of(institution.code, scans.SCAN, order_no))
        if owner == await self.finder.claim(Claim(order, owner)):
            return None
        return Refusal(code="ORDER_CONFLICT", field="order_no", params={"part": "person"})

    def _transaction(
        self, infno: str, order_no: str, request: VisitRequest | AdmitRequest,
        institution: Institution,
    ) -> Command | Refusal | None:  # fmt: skip
        """The command of the transaction whose input stands in a request."""
        body = _ENCODE(
            {
                "infno": infno, "msgid": order_no[:30],
                "mdtrtarea_admvs": institution.region, "recer_sys_code": scans.SCAN,
                "infver": "V1.0", "opter_type": request.opter_type, "opter": request.operator,
                "opter_name": request.operator,
                "inf_time": format_datetime(local_time(self._clock())),
                "fixmedins_code": institution.code, "fixmedins_name": institution.name,
                "input": request.input,
            }
        )  # fmt: skip
        letter = Letter(infno, body, self._limits.lines_per_claim_max)
        (read,) = decode_all([letter], self._desk.world.profile.wire)
        if isinstance(read, WireError):
            return refusals.of_wire(read)
        (command,) = command_all(self._translator, [(read, institution)])
        return command


def _named(reply: Reply, infno: str) -> Reply:
    """A refusal with the path of its field in the transaction that stood in the request."""
    if not isinstance(reply, Refusal) or reply.field in scans.OF_SCANS:
        return reply
    return replace(reply, field=wire_path(infno, reply.field))


def _held(
    settle: SettleVisit | SettleStay, request: VisitRequest, institution: Institution,
    till: Till | None,
) -> HoldVisit | HoldStay:  # fmt: skip
    """The same, with what a channel is to collect. Its settlement is told apart by its transaction,
    as that of a scan."""
    counter = _counter(request)
    asked = asked_of(
        institution, settle.asked.lane, settle.asked.person_no, request.order_no,
        request.operator, settle.asked.fingerprint,
    )  # fmt: skip
    kept = {
        **settle.kept, "tender": counter.tender, "tender_note": counter.tender_note,
        "opter_type": request.opter_type,
    }  # fmt: skip
    said: dict[str, Any] = {**structs.asdict(settle), "asked": asked, "kept": kept}
    held = HoldVisit if isinstance(settle, SettleVisit) else HoldStay
    return held(**said, counter=counter, till=till)


def _admitted(command: AdmitStay, fact: PaymentFact, asked: Asked) -> ConfirmAdmission:
    """The same, of the request that an order paid for. Its key is the order's, as an admission."""
    number, order_no = fact.row.mdtrt_id or 0, fact.row.order_no
    key = message_key_of(asked.institution.code, command.asked.infno, order_no)
    said: dict[str, Any] = {
        **structs.asdict(command),
        "asked": replace(command.asked, msgid=order_no, message_key=key),
        "visit_ids": (number,),
    }
    return ConfirmAdmission(**said, order_no=order_no, request_no=number)


def _counter(request: DepositRequest | VisitRequest | AdmissionAsked) -> Counter:
    tender = None if isinstance(request, AdmissionAsked) else request.tender
    return Counter(
        order_no=request.order_no, terminal_id=request.terminal_id, operator=request.operator,
        tender="scan" if tender is None else tender.kind,
        tender_note=_note_of(tender) if tender is not None else "",
        second_code=request.allow_second_code or request.pay_on_phone,
        on_phone=request.pay_on_phone,
    )  # fmt: skip


def _note_of(tender: Tender) -> str:
    """What the slip of a card terminal says; of cash nothing."""
    return "/".join(filter(None, (tender.rrn, tender.terminal, tender.batch)))
