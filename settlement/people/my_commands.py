"""What persons have done for them (个人办件, ADR 0034): as settlement/commands.py.

Every one names who acts, which may be somebody else than whose it is. Staff act by the same
commands, so that there is one table of states and one way into the books.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from msgspec import Struct

from settlement.commands import Command
from settlement.elsewhere.off_site import OffSiteKind
from settlement.people.matter_rows import PERSON, STAFF
from settlement.people.matter_states import Happening, MatterKind


class Acting(Struct, frozen=True, kw_only=True, gc=False):
    """Who acts: a person through an app, or somebody of the agency."""

    person_no: str = ""
    app: str = ""
    staff: str = ""

    @property
    def name(self) -> str:
        """As events keep it."""
        return STAFF + self.staff if self.staff else PERSON + self.person_no


class Relation(StrEnum):
    """Why somebody may act for another (代办关系)."""

    RELATIVE = "relative"
    """亲属: the person says so"""
    WARD = "ward"
    """被监护人: the guardian says so, and the agency looks at the papers"""


class OffSiteAsked(Struct, frozen=True, kw_only=True, array_like=True):
    """What is filed (异地就医备案申请)."""

    kind: OffSiteKind
    place: str
    begins_on: date
    ends_on: date | None
    reason: str
    phone: str
    """where the person wants to be told; empty: nowhere"""


class AuthorisationAsked(Struct, frozen=True, kw_only=True, array_like=True):
    """Who may act, how long (代办授权)."""

    relation: Relation
    begins_on: date
    ends_on: date
    phone: str


class TransferAsked(Struct, frozen=True, kw_only=True, array_like=True):
    """Where the account goes, or comes from (医保关系转移)."""

    region: str
    reason: str
    phone: str


class PapersTold(Struct, frozen=True, kw_only=True, array_like=True):
    """What a person will bring to the counter (报销预受理)."""

    institution: str
    invoice_no: str
    total_fen: int
    begins_on: date
    ends_on: date
    reason: str
    phone: str


Wanted = OffSiteAsked | AuthorisationAsked | TransferAsked | PapersTold


class MyCommand(Command, frozen=True, kw_only=True, gc=False):
    """Base: all of them read the matters of the person."""

    acting: Acting
    matters: bool = True


class ApplyOffSite(MyCommand, frozen=True, kw_only=True, gc=False):
    """File care outside the region (异地就医备案)."""

    wanted: OffSiteAsked


class Authorise(MyCommand, frozen=True, kw_only=True, gc=False):
    """Let somebody act for the person, or ask to act for a ward (代办授权)."""

    agent_no: str
    wanted: AuthorisationAsked


class AskTransfer(MyCommand, frozen=True, kw_only=True, gc=False):
    """Ask for the account to be moved out or in (个人账户转移)."""

    kind: MatterKind
    wanted: TransferAsked


class TellPapers(MyCommand, frozen=True, kw_only=True, gc=False):
    """Say what will be brought to be reimbursed (报销预受理)."""

    wanted: PapersTold


class ChangeMatter(MyCommand, frozen=True, kw_only=True, gc=False):
    """Accept, refuse, cancel or end a matter."""

    matter_no: int
    happening: Happening
    note: str


class MoveAccount(MyCommand, frozen=True, kw_only=True, gc=False):
    """Book a step of a transfer (转移入账)."""

    matter_no: int
    happening: Happening
    amount_fen: int
    reference: str
    coverage_months: int
    note: str


class ShowMine(MyCommand, frozen=True, kw_only=True, gc=False):
    """What a person may see of themselves."""
