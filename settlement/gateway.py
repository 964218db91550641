"""What the web layer asks of the settlement core, and what it may be told.

A `Gateway` answers whole NHSA messages as bytes. Success and refusal are both a reply; the
exceptions here are the few cases that leave the NHSA envelope (HTTP 400, 401, 413, 429, 503).
Nothing here knows HTTP headers, sockets, SQL or Redis.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Mapping
from typing import Literal, Protocol

from msgspec import Struct

from settlement.people.my_gateway import PersonDesk
from settlement.refusal import Refusal
from settlement.seals import Keys

Retry = Literal["never", "same_msgid", "later"]
"""Advice to the sender: do not repeat; repeat the very same message; send again later."""


class Caller(Struct, frozen=True, kw_only=True, gc=False):
    """Who sent a request, as its headers proved. One object a credential, shared by requests."""

    institution_code: str
    access_key: str
    keys: Keys | None = None
    """what is registered for signed and encrypted bodies; None for nearly everybody"""
    through_centre: bool = False
    """the message came in the mobile-payment centre's envelope"""


class CredentialFact(Struct, frozen=True, kw_only=True, gc=False):
    """A credential (接入凭证) of an institution. `secret` is never logged."""

    institution_code: str
    secret: str
    suspended: bool
    keys: Keys | None = None

    @property
    def is_of_institution(self) -> bool:
        """Or of a wallet or an app (`WALLET:…`, `APP:…`), which have doors of their own."""
        return ":" not in self.institution_code


class Readiness(Struct, frozen=True, kw_only=True):
    """Whether requests should come here. `checks` is one short text a part, `degraded` names the
    parts that work with less than they should."""

    ready: bool
    degraded: tuple[str, ...] = ()
    checks: dict[str, str] = {}


class Strain(Struct, frozen=True):
    """How hard it is for the core to keep up, right now."""

    waited_seconds: float = 0.0
    """since when the first request in any journal's queue has been waiting"""
    elsewhere: int = 0
    """requests that wait for more than a journal: another region, a relative's account, a list"""


class NotYours(Exception):  # noqa: N818 - an answer, not an error
    """The envelope's fixmedins_code is not the credential's (HTTP 401). `code` is a row of the
    refusal table; `message` overrides its text where not empty."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message


class Unavailable(Exception):  # noqa: N818 - an answer, not an error
    """Cannot be answered now (HTTP 503). `later`: provably nothing was booked; `same_msgid`: the
    outcome is unknown and the very same message must be sent again."""

    def __init__(self, retry: Literal["later", "same_msgid"], seconds: int = 1) -> None:
        super().__init__(retry, seconds)
        self.retry: Literal["later", "same_msgid"] = retry
        self.seconds = seconds


class Overloaded(Exception):  # noqa: N818 - an answer, not an error
    """A limit is reached and nothing was booked (HTTP 503): come back in `seconds`."""

    def __init__(self, seconds: int = 1) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class PayReply(Struct, frozen=True):
    """What goes back to a counter: HTTP status and JSON."""

    status: int
    body: bytes


class PayDesk(Protocol):
    """Payments over channels as the web layer sees them. Everything raises Unavailable and
    Overloaded."""

    async def scan(self, body: bytes, caller: Caller) -> PayReply:
        """Settle a sale, and collect with the code that was shown."""
        ...

    async def find(self, order_no: str, caller: Caller) -> PayReply:
        """What stands of an order."""
        ...

    async def cancel(self, order_no: str, body: bytes, caller: Caller) -> PayReply:
        """Give up what is not settled yet."""
        ...

    async def refund(self, order_no: str, body: bytes, caller: Caller) -> PayReply:
        """Take a settled order back, all or part of it."""
        ...

    async def phone(self, order_no: str, body: bytes, caller: Caller) -> PayReply:
        """Hand an order to its payer's phone."""
        ...

    async def cashier(self, token: str) -> PayReply | None:
        """What a payer's page shows; None for a token that is not ours."""
        ...

    async def cashier_pay(self, token: str, body: bytes) -> PayReply | None:
        """The payer wants to pay on that page; None for a token that is not ours."""
        ...

    async def deposit(self, body: bytes, caller: Caller) -> PayReply:
        """Take a deposit of a stay."""
        ...

    async def visit(self, body: bytes, caller: Caller) -> PayReply:
        """Settle a visit or a stay, and collect what the patient owes."""
        ...

    async def admission(self, body: bytes, caller: Caller) -> PayReply:
        """Ask for a stay, with a first deposit."""
        ...

    async def admissions(self, caller: Caller) -> PayReply:
        """Requests of stays that the ward has to answer."""
        ...

    async def admit(self, order_no: str, body: bytes, caller: Caller) -> PayReply:
        """Admit whom an order asked for."""
        ...

    async def deposits(self, mdtrt_id: str, caller: Caller) -> PayReply:
        """The deposits of a stay."""
        ...

    async def notified(
        self, channel: str, merchant_no: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes, str] | None:
        """What a channel tells us: status, body and media of our answer; None for no merchant."""
        ...


class MobileCentre(Protocol):
    """The mobile-payment centre as the web layer sees it. Both answer None where there is no such
    address, and raise WireError, NotYours, Overloaded and Unavailable."""

    async def institution(self, operation: str, body: bytes) -> PayReply | None:
        """A message of an institution, or of a platform for it."""
        ...

    async def wallet(self, operation: str, body: bytes) -> PayReply | None:
        """A message of a wallet that confirms orders."""
        ...


class HubDoor(Protocol):
    """Where other regions ask, as the web layer sees it."""

    async def take(self, message: bytes) -> bytes | Refusal | None:
        """The answer's bytes, or why the message is worth nothing; None where nobody answers.
        Raises Unavailable, Overloaded."""
        ...


class Gateway(Protocol):
    """The settlement core as the web layer sees it."""

    payments: PayDesk | None
    """None where nothing is paid over channels"""
    mobile_centre: MobileCentre | None
    """None where there is no key to sign as the centre"""
    mine: PersonDesk | None
    """self-service of persons; None where there is none"""

    def ask(self, infno: str | None, body: bytes, caller: Caller) -> Future[bytes]:
        """The whole NHSA reply, done or refused. `infno` None: the envelope says which.

        The future raises WireError (only the unreadable codes), NotYours, Unavailable, Overloaded.
        Where it is cancelled, nobody is answered.
        """
        ...

    def expect(self, arriving: Callable[[], int]) -> None:
        """Told once by the web layer: how many requests are on their way to `ask` right now."""
        ...

    def credential(self, access_key: str) -> CredentialFact | None:
        """The credential behind a paasid or access key; None where there is none."""
        ...

    async def explanation(self, setl_id: str, caller: Caller) -> bytes | None:
        """How a settlement of the caller's institution came about, as JSON; None where the caller
        has no such settlement. Raises Unavailable, also where its policy is not loaded."""
        ...

    def readiness(self) -> Readiness:
        """How the parts are now; asks nobody."""
        ...

    def strain(self) -> Strain:
        """Whether it keeps up; asks nobody. Asked a few times a second."""
        ...
