"""Counters of institutions: they make messages in the interface's words and send them.

A message is made once and may be sent again, unchanged, to the same or another service of the town.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Protocol

import msgspec
from msgspec import Struct

from loadtest import institution_inputs as inputs
from loadtest.institution_client import Input
from loadtest.institution_inputs import Bought, Patient
from settlement.gateway import Caller
from settlement.institution import Institution
from tests.kit.clock import TownClock
from tests.kit.population import Citizen
from tests.kit.reply import Reply, read_reply

_ENCODE = msgspec.json.Encoder(decimal_format="number").encode
_NUMBERS = count(1)
Whom = Citizen | Patient


class Answering(Protocol):
    """What answers messages: a service of this process, or a server."""

    async def answer(self, infno: str | None, body: bytes, caller: Caller) -> bytes:
        """The whole reply."""


class Message(Struct, frozen=True, kw_only=True):
    """A request (请求报文), ready to be sent as often as it takes."""

    envelope: dict[str, object]
    caller: Caller

    @property
    def infno(self) -> str:
        """The transaction."""
        return str(self.envelope["infno"])

    @property
    def msgid(self) -> str:
        """The sender's message id."""
        return str(self.envelope["msgid"])

    @property
    def body(self) -> bytes:
        """The bytes to send."""
        return _ENCODE(self.envelope)

    def edited(self, changes: Mapping[str, object]) -> Message:
        """The same message with other values at some paths, as `input.druginfo.psn_no`; a value
        of `ABSENT` takes the field out."""
        envelope = copy.deepcopy(self.envelope)
        for path, value in changes.items():
            *parents, last = _steps(path)
            node: object = envelope
            for step in parents:
                node = node[step]  # type: ignore[index]
            if value is ABSENT:
                del node[last]  # type: ignore[attr-defined]
            else:
                node[last] = value  # type: ignore[index]
        return Message(envelope=envelope, caller=self.caller)

    async def to(self, service: Answering) -> Reply:
        """Send it to a service."""
        return read_reply(await service.answer(self.infno, self.body, self.caller))


ABSENT = object()
"""In `Message.edited`: the field is not there."""


def _steps(path: str) -> list[str | int]:
    """`input.drugdetail[0].cnt` → input, drugdetail, 0, cnt."""
    names = path.replace("[", ".").replace("]", "").split(".")
    return [int(name) if name.isdigit() else name for name in names]


class Counter:
    """An institution's counter: numbers its messages, and sends them to the town's service."""

    def __init__(self, institution: Institution, clock: TownClock, service: Answering) -> None:
        self.institution = institution
        self.code = institution.code
        self.caller = Caller(institution_code=self.code, access_key=f"test-{self.code}")
        self.clock = clock
        self.service = service

    def message(self, infno: str, content: Input, *, msgid: str | None = None) -> Message:
        """A message with an id of its own, which no client of ours gives at the same counter."""
        at = self.clock.tick()
        stamp = f"{self.clock.local:%Y%m%d%H%M%S}"
        envelope: dict[str, object] = {
            "infno": infno,
            "msgid": msgid or f"{self.code}{stamp}T{next(_NUMBERS) % 0x1000:03x}",
            "mdtrtarea_admvs": self.institution.region,
            "insuplc_admdvs": self.institution.region,
            "recer_sys_code": "MBS_LOCAL",
            "infver": "V1.0",
            "opter_type": "1",
            "opter": "0001",
            "opter_name": "测试收费员",
            "inf_time": at,
            "fixmedins_code": self.code,
            "fixmedins_name": self.institution.name,
            "input": dict(content),
        }
        return Message(envelope=envelope, caller=self.caller)

    async def send(self, message: Message) -> Reply:
        """Send it and wait for the answer."""
        return await message.to(self.service)

    async def ask(self, infno: str, content: Input) -> Reply:
        """A new message, sent once."""
        return await self.send(self.message(infno, content))

    def reversal(self, of: Message, whom: Citizen) -> Message:
        """2601: whatever that message did, take it back."""
        content = inputs.reversal(psn_no=whom.number, omsgid=of.msgid, oinfno=of.infno)
        return self.message("2601", content)

    def cancel(self, of: Reply, *, psn_no: str | None = None) -> Message:
        """2103 or 2208, whichever this institution uses, of a settlement that was answered."""
        content = inputs.cancel(
            setl_id=of.setl_id, mdtrt_id=of.mdtrt_id, psn_no=psn_no or of.text("psn_no")
        )
        return self.message("2103" if "41" in self.institution.care_types else "2208", content)

    async def settlement(self, of: Reply) -> Reply:
        """5203: the settlement as booked."""
        return await self.ask("5203", _named(of))

    async def fees(self, of: Reply) -> Reply:
        """5204: its lines."""
        return await self.ask("5204", _named(of))

    async def visits(
        self, whom: Citizen, *, begin: str = "2026-01-01", end: str = "2026-12-31",
        care_type: str | None = None, msgid: str | None = None,
    ) -> Reply:  # fmt: skip
        """5201: what this person did here in a period, or what one message made."""
        own = "41" if "41" in self.institution.care_types else "11"
        data = {
            "psn_no": whom.number,
            "begntime": f"{begin} 00:00:00",
            "endtime": f"{end} 23:59:59",
            "med_type": care_type or own,
        }
        if msgid is not None:
            data["medins_setl_id"] = msgid
        return await self.ask("5201", {"data": data})


class Pharmacy(Counter):
    """A pharmacy's counter."""

    def sale(
        self, whom: Whom, *basket: Bought, at: datetime | None = None, total: str | None = None,
        infno: str = "2102",
    ) -> Message:  # fmt: skip
        """2102: everything in one message."""
        when = self.clock.tick() if at is None else f"{at:%Y-%m-%d %H:%M:%S}"
        content = inputs.purchase(patient_of(whom), basket, at=when)
        message = self.message(infno, content)
        if total is None:
            return message
        return message.edited({"input.druginfo.medfee_sumamt": msgspec.Raw(total.encode())})

    def quote(self, whom: Whom, *basket: Bought) -> Message:
        """2101: the same without effect."""
        return self.sale(whom, *basket, infno="2101")

    async def sell(self, whom: Whom, *basket: Bought, at: datetime | None = None) -> Reply:
        """A sale, sent once."""
        return await self.send(self.sale(whom, *basket, at=at))


class Hospital(Counter):
    """A hospital's outpatient counter."""

    async def open_visit(
        self, whom: Whom, *basket: Bought, batch: str = "B1", diagnosed: bool = True
    ) -> Visit:
        """2201, 2203 and 2204: registered, diagnosed, and its lines uploaded."""
        visit = await self.register(whom)
        if diagnosed:
            assert (await self.send(visit.diagnosis())).infcode == 0
        if basket:
            assert (await self.send(visit.lines(*basket, batch=batch))).infcode == 0
        return visit

    def registration(self, whom: Whom) -> Message:
        """2201."""
        at = self.clock.tick()
        content = inputs.registration(patient_of(whom), visit_no=f"O{next(_NUMBERS)}", at=at)
        return self.message("2201", content)

    async def register(self, whom: Whom) -> Visit:
        """2201, sent once."""
        reply = await self.send(self.registration(whom))
        return Visit(
            hospital=self, patient=patient_of(whom), mdtrt_id=reply.text("mdtrt_id", "data"),
            outpatient_no=reply.text("ipt_otp_no", "data"),
        )  # fmt: skip


class Visit(Struct, frozen=True, kw_only=True):
    """A visit in progress at a hospital: makes the messages that belong to it."""

    hospital: Hospital
    patient: Patient
    mdtrt_id: str
    outpatient_no: str

    def diagnosis(self) -> Message:
        """2203."""
        at = self.hospital.clock.tick()
        content = inputs.diagnosis(self.patient, mdtrt_id=self.mdtrt_id, at=at)
        return self.hospital.message("2203", content)

    def lines(self, *basket: Bought, batch: str = "B1", first: int = 0) -> Message:
        """2204. `first` moves the line numbers, for a second upload into one batch."""
        at = self.hospital.clock.tick()
        content = inputs.fee_lines(
            self.patient, basket, mdtrt_id=self.mdtrt_id, batch_no=f"{batch}-{first}", at=at
        )
        rows = content["feedetail"]
        assert isinstance(rows, Sequence)
        return self.hospital.message(
            "2204", {"feedetail": [{**row, "chrg_bchno": batch} for row in rows]}
        )

    def withdrawal_of_lines(self, batch: str = "0000") -> Message:
        """2205: one batch, or all that is not settled."""
        data = {"mdtrt_id": self.mdtrt_id, "chrg_bchno": batch, "psn_no": self._number}
        return self.hospital.message("2205", {"data": data})

    def withdrawal(self) -> Message:
        """2202."""
        data = {
            "psn_no": self._number, "mdtrt_id": self.mdtrt_id, "ipt_otp_no": self.outpatient_no,
        }  # fmt: skip
        return self.hospital.message("2202", {"data": data})

    def quote(self, *basket: Bought, batch: str = "B1") -> Message:
        """2206."""
        content = inputs.visit_quote(self.patient, basket, mdtrt_id=self.mdtrt_id, batch_no=batch)
        return self.hospital.message("2206", content)

    def settlement(self, quoted: Message, quote: Reply) -> Message:
        """2207: what was quoted, for good."""
        body = quoted.envelope["input"]
        assert isinstance(body, dict)
        return self.hospital.message("2207", inputs.visit_settlement(body, quote.node("setlinfo")))

    async def settle(self, *basket: Bought, batch: str = "B1") -> Reply:
        """Quote and settle, each sent once."""
        quoted = self.quote(*basket, batch=batch)
        quote = await self.hospital.send(quoted)
        return await self.hospital.send(self.settlement(quoted, quote))

    @property
    def _number(self) -> str:
        return self.patient.person.psn_no


def patient_of(whom: Whom) -> Patient:
    """The person at the counter."""
    return whom.patient if isinstance(whom, Citizen) else whom


def _named(of: Reply) -> Input:
    return {
        "data": {
            "psn_no": of.text("psn_no"), "setl_id": of.setl_id, "mdtrt_id": of.mdtrt_id,
        }
    }  # fmt: skip
