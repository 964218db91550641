"""What the web layer asks of self-service (`/my`), and may be told: as settlement/gateway.py.

Everything answers what stands or a refusal, and raises Unavailable where it cannot be said now;
what is done raises Overloaded too.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from protocol.my import (
    AccountReply,
    AuthorisationRequest,
    AuthorisationsReply,
    CancelMatterRequest,
    FilingRequest,
    MatterReply,
    MattersReply,
    ReimbursementRequest,
    ReimbursementsReply,
    SettlementReply,
    SettlementsReply,
    StatusReply,
    TransferRequest,
)
from settlement.people.matter_states import MatterKind
from settlement.refusal import Refusal


class Who(Struct, frozen=True, kw_only=True):
    """Who asks, through which app, and about whom."""

    by: str
    """psn_no of who was signed in"""
    app: str
    person_no: str
    """whose data it is about; the same where it is about oneself"""


class PersonDesk(Protocol):
    """Self-service as the web layer sees it."""

    async def person_with(self, certificate_no: str) -> str | None:
        """Whose a certificate number is."""
        ...

    def begin_session(self, who: Who, access_key: str) -> str:
        """What a browser keeps for who was sent here by an app: opaque, for some minutes."""
        ...

    def session(self, kept: str) -> tuple[Who, str] | None:
        """Whom a browser was kept for, and the app's key; None where it is no session, or over."""
        ...

    def form_key(self, kept: str) -> str:
        """What a form of a session must carry, so that no other site can send it."""
        ...

    async def status(self, who: Who) -> StatusReply | Refusal:
        """Memberships, balance, what is in force."""
        ...

    async def matters(self, who: Who, *kinds: MatterKind) -> MattersReply | Refusal:
        """Matters of some kinds, the newest first."""
        ...

    async def matter(self, who: Who, matter_no: str) -> MatterReply | Refusal:
        """One of them."""
        ...

    async def settlements(self, who: Who) -> SettlementsReply | Refusal:
        """The newest of them."""
        ...

    async def settlement(self, who: Who, settlement_id: str) -> SettlementReply | Refusal:
        """One of them, explained."""
        ...

    async def account(self, who: Who) -> AccountReply | Refusal:
        """Balance and movements."""
        ...

    async def authorisations(self, who: Who) -> AuthorisationsReply | Refusal:
        """Those that the person gave, and for whom they may act themselves."""
        ...

    async def file(self, who: Who, request: FilingRequest) -> MatterReply | Refusal:
        """File care outside the region."""
        ...

    async def authorise(self, who: Who, request: AuthorisationRequest) -> MatterReply | Refusal:
        """Let somebody act."""
        ...

    async def transfer(self, who: Who, request: TransferRequest) -> MatterReply | Refusal:
        """Have the account moved."""
        ...

    async def reimbursements(self, who: Who) -> ReimbursementsReply | Refusal:
        """Papers told in advance, and what the counter has."""
        ...

    async def tell_papers(
        self, who: Who, request: ReimbursementRequest
    ) -> MatterReply | Refusal:
        """Say what will be brought to be reimbursed."""
        ...

    async def cancel(
        self, who: Who, matter_no: str, request: CancelMatterRequest
    ) -> MatterReply | Refusal:
        """Take a matter back."""
        ...
