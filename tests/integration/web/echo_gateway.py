"""A small real gateway for tests of the HTTP behaviour: answers, refuses, fails as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from protocol.nhsa.errors import WireError, WireErrorCode
from settlement.gateway import (
    Caller,
    CredentialFact,
    HubDoor,
    MobileCentre,
    NotYours,
    Overloaded,
    PayDesk,
    Readiness,
    Strain,
    Unavailable,
)
from settlement.import_job import ImportOffice
from settlement.people.my_gateway import PersonDesk
from settlement.serve.config import WorkerConfig

SECRET = "test-secret-of-the-echo"
DONE = b'{"infcode":0,"echo":true}'
REFUSED = b'{"infcode":-1,"err_code":"PERSON_UNKNOWN"}'


class EchoGateway:
    """The body is the order: refuse, unreadable, not-yours, later, crash, wait …"""

    import_office: ImportOffice | None = None
    payments: PayDesk | None = None
    mobile_centre: MobileCentre | None = None
    mine: PersonDesk | None = None
    hub_door: HubDoor | None = None

    def __init__(self) -> None:
        self.seen: list[tuple[str | None, bytes, Caller]] = []
        self.released = asyncio.Event()
        self.entered = asyncio.Event()

    async def demo_token(self, person_no: str, institution: str) -> bytes:
        return b'{"mdtrt_cert_no":"%s-%s"}' % (person_no.encode(), institution.encode())

    async def demo_world(self, persons: int | None) -> bytes:
        return b'{"persons":%d}' % (persons or 1000)

    def ask(self, infno: str | None, body: bytes, caller: Caller) -> asyncio.Future[bytes]:
        self.seen.append((infno, body, caller))
        return asyncio.ensure_future(self._answer(body))

    async def _answer(self, body: bytes) -> bytes:
        match body:
            case b"refuse":
                return REFUSED
            case b"unreadable":
                raise WireError(WireErrorCode.MALFORMED_JSON)
            case b"not-yours":
                raise NotYours("INSTITUTION_NOT_YOURS")
            case b"later":
                raise Unavailable("later", 3)
            case b"unknown":
                raise Unavailable("same_msgid", 2)
            case b"overloaded":
                raise Overloaded(7)
            case b"crash":
                raise RuntimeError("a bug")
            case b"wait":
                self.entered.set()
                await self.released.wait()
        return DONE

    def expect(self, arriving: Callable[[], int]) -> None:
        """An echo does not plan ahead."""

    def credential(self, access_key: str) -> CredentialFact | None:
        if access_key not in ("good", "stopped"):
            return None
        return CredentialFact(
            institution_code="H44190000001", secret=SECRET, suspended=access_key == "stopped"
        )

    async def explanation(self, setl_id: str, caller: Caller) -> bytes | None:
        """One settlement is known: 1."""
        return caller.institution_code.encode() if setl_id == "1" else None

    def readiness(self) -> Readiness:
        return Readiness(ready=True, checks={"database": "ok"})

    def strain(self) -> Strain:
        """An echo never falls behind."""
        return Strain()

    async def stop(self, drain_seconds: float) -> None:
        self.released.set()


async def start_gateway(_config: WorkerConfig) -> EchoGateway:
    """What a worker process starts in tests of the supervisor."""
    return EchoGateway()
