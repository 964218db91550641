"""What other regions ask about people of ours who were treated there, as commands (ADR 0033).

As settlement/commands.py is for institutions. Who asks stands in `asked.institution`: the region,
under its code. A case keeps the form in which it came (protocol/hub/messages.py), which speaks of
fen and dates as we do.
"""

from __future__ import annotations

from datetime import date

from protocol.hub.messages import Case
from settlement.commands import Command, Credential


class HomeCommand(Command, frozen=True, kw_only=True, gc=False):
    """Base: a question of another region. `case_key` is the message key of the case it is about."""

    case_key: bytes = b""
    case_no: str = ""


class LookUpInsured(HomeCommand, frozen=True, kw_only=True, gc=False):
    """Who a credential belongs to, with memberships and filings (1101 of another region)."""

    credential: Credential
    on: date


class ShareCase(HomeCommand, frozen=True, kw_only=True, gc=False):
    """Share a priced case (异地结算), or quote it."""

    case: Case
    quote: bool


class CancelCase(HomeCommand, frozen=True, kw_only=True, gc=False):
    """Take a settled case back (异地结算撤销)."""

    cancel_no: str
    setl_id: int


class ReverseCase(HomeCommand, frozen=True, kw_only=True, gc=False):
    """Undo a case whose answer never came, or see to it that it never happens (异地冲正)."""


class FindCase(HomeCommand, frozen=True, kw_only=True, gc=False):
    """What became of a case (异地结算状态查询)."""
