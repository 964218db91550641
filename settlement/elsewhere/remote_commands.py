"""What is asked of the settlement core about people insured in another region (异地就医)."""

from __future__ import annotations

from msgspec import Struct

from protocol.hub.messages import CancelTold, CaseTold, Refused
from settlement.commands import Command, Credential
from settlement.elsewhere.remote_states import Happening
from settlement.payments.pay_commands import Till
from settlement.person import Enrolment, Identity


class KeepStranger(Command, frozen=True, kw_only=True, gc=False):
    """Somebody is known here from now on, as their region of insurance tells of them (1101)."""

    credential: Credential
    region: str
    """the counterpart's code"""
    identity: Identity
    enrolments: tuple[Enrolment, ...]
    balance_fen: int
    """of the account at home, to be shown"""


class Heard(Struct, frozen=True, kw_only=True):
    """What was heard of a case; at most one of the three."""

    case: CaseTold | None = None
    cancel: CancelTold | None = None
    refused: Refused | None = None


class ReportCase(Command, frozen=True, kw_only=True, gc=False):
    """What became of a case at the region of insurance, or that it is given up."""

    case_no: int
    happening: Happening
    heard: Heard = Heard()
    till: Till | None = None
    """of an order: the merchant that collects the rest with the code that was shown"""
    operator: str = ""
    """who gave an order up at the counter"""
