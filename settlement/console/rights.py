"""Who may do what in the console: one table, walked by a test that tries every address with every
role from outside.

A right is a page or an action; `routes.py` gives each address exactly one. Whose cases a role sees
is no right but a scope, which is part of every statement (storage/sql/console.sql).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """What somebody is at the console (角色); also stored."""

    CLERK = "clerk"
    """经办: looks, searches, proposes"""
    SUPERVISOR = "supervisor"
    """复核: confirms what others proposed, keeps the users"""
    AUDITOR = "auditor"
    """审计: reads everything, changes nothing"""
    OPERATOR = "operator"
    """运维: stop switches, notices; sees no person's case"""
    INSTITUTION = "institution"
    """机构财务: sees its own institution's cases alone"""


class Right(StrEnum):
    """A page or an action."""

    ANYBODY = "anybody"
    """what is there before anybody has signed in"""
    OWN = "own"
    """one's own password, second factor and sessions"""
    TODAY = "today"
    DOUBT = "doubt"
    PAYMENT = "payment"
    RETRY = "retry"
    PROPOSE = "propose"
    CONFIRM = "confirm"
    RESEND = "resend"
    DIFFERENCES = "differences"
    CLEARING = "clearing"
    """clearing accounts of channels"""
    CORRECT = "correct"
    """take a difference, propose, send back, note"""
    CONFIRM_CORRECTION = "confirm-correction"
    SEARCH = "search"
    CASE = "case"
    PERSON = "person"
    INSTITUTIONS = "institutions"
    SWITCHES = "switches"
    SWITCH = "switch"
    STATEMENT = "statement"
    SHEET = "sheet"
    """settlement sheets, and whether a verification code is right"""
    PRINT = "print"
    CLOSE = "close"
    """closing of months, to look at"""
    CLOSE_MONTH = "close-month"
    """begin, verify, propose"""
    CONFIRM_CLOSE = "confirm-close"
    """close what somebody else proposed, and seal it"""
    SEALS = "seals"
    """what is published of sealed months, and proofs"""
    PAYOUTS = "payouts"
    """periods with institutions; an institution's finance sees its own"""
    PAY = "pay"
    """state, adjust, confirm, propose, close; propose where an institution is paid to"""
    CONFIRM_PAY = "confirm-pay"
    """order, book adjustments and bank statements, confirm an account: of what others proposed"""
    PAY_FILES = "pay-files"
    """files for banks and for the accounting system"""
    REIMBURSEMENTS = "reimbursements"
    """what persons are reimbursed, with their papers"""
    REIMBURSE = "reimburse"
    """take papers in, calculate, send back, propose to pay, ask to take back"""
    CONFIRM_REIMBURSE = "confirm-reimburse"
    """confirm what somebody else calculated, order, take back"""
    MONEY = "money"
    """files of money in, to look at"""
    MONEY_FILE = "money-file"
    """bring one, propose it, reject it"""
    CONFIRM_MONEY = "confirm-money"
    REGIONS = "regions"
    """clearing with other regions, to look at"""
    CLEAR_REGIONS = "clear-regions"
    """state, take, object, postpone, confirm, send, notify, propose, close; quotas"""
    CONFIRM_REGIONS = "confirm-regions"
    """book money that somebody else proposed"""
    WORKS = "works"
    """how far long work is"""
    CANCEL_WORK = "cancel-work"
    AUDIT = "audit"
    BILLS = "bills"
    BILL_FILE = "bill-file"
    """a bill as it came: it has every payer's order in it"""
    TAKE_BILL = "take-bill"
    """bring a bill by hand, where a channel's own way does not work"""
    INSTITUTION_FILES = "institution-files"
    """what institutions say that they settled; an institution's finance sees its own"""
    TAKE_INSTITUTION_FILE = "take-institution-file"
    POLICY = "policy"
    CATALOGUE = "catalogue"
    FILINGS = "filings"
    NOTICES = "notices"
    SEE_USERS = "see-users"
    USERS = "users"


_C, _S, _A, _O, _I = (
    Role.CLERK, Role.SUPERVISOR, Role.AUDITOR, Role.OPERATOR, Role.INSTITUTION,
)  # fmt: skip

GRANTED: Mapping[Right, frozenset[Role]] = {
    Right.OWN:          frozenset({_C, _S, _A, _O, _I}),
    Right.TODAY:        frozenset({_C, _S, _A, _O, _I}),
    Right.DOUBT:        frozenset({_C, _S, _A, _O, _I}),
    Right.PAYMENT:      frozenset({_C, _S, _A, _O, _I}),
    Right.RETRY:        frozenset({_C, _S}),
    Right.PROPOSE:      frozenset({_C, _S}),
    Right.CONFIRM:      frozenset({_S}),
    Right.RESEND:       frozenset({_O}),
    Right.DIFFERENCES:  frozenset({_C, _S, _A, _I}),
    Right.CLEARING:     frozenset({_C, _S, _A, _I}),
    Right.CORRECT:      frozenset({_C, _S}),
    Right.CONFIRM_CORRECTION: frozenset({_S}),
    Right.SEARCH:       frozenset({_C, _S, _A, _I}),
    Right.CASE:         frozenset({_C, _S, _A, _I}),
    Right.PERSON:       frozenset({_C, _S, _A, _I}),
    Right.INSTITUTIONS: frozenset({_C, _S, _A, _O, _I}),
    Right.SWITCHES:     frozenset({_S, _A, _O}),
    Right.SWITCH:       frozenset({_O}),
    Right.STATEMENT:    frozenset({_C, _S, _A, _I}),
    Right.SHEET:        frozenset({_C, _S, _A, _I}),
    Right.PRINT:        frozenset({_C, _S, _I}),
    Right.CLOSE:        frozenset({_C, _S, _A}),
    Right.CLOSE_MONTH:  frozenset({_C, _S}),
    Right.CONFIRM_CLOSE: frozenset({_S}),
    Right.SEALS:        frozenset({_C, _S, _A, _I}),
    Right.PAYOUTS:      frozenset({_C, _S, _A, _I}),
    Right.PAY:          frozenset({_C, _S}),
    Right.CONFIRM_PAY:  frozenset({_S}),
    Right.PAY_FILES:    frozenset({_C, _S, _A}),
    Right.REIMBURSEMENTS: frozenset({_C, _S, _A}),
    Right.REIMBURSE:    frozenset({_C, _S}),
    Right.CONFIRM_REIMBURSE: frozenset({_S}),
    Right.MONEY:        frozenset({_C, _S, _A}),
    Right.MONEY_FILE:   frozenset({_C, _S}),
    Right.CONFIRM_MONEY: frozenset({_S}),
    Right.REGIONS:      frozenset({_C, _S, _A}),
    Right.CLEAR_REGIONS: frozenset({_C, _S}),
    Right.CONFIRM_REGIONS: frozenset({_S}),
    Right.WORKS:        frozenset({_C, _S, _A}),
    Right.CANCEL_WORK:  frozenset({_C, _S}),
    Right.AUDIT:        frozenset({_S, _A}),

    Right.BILLS:        frozenset({_C, _S, _A, _O}),
    Right.BILL_FILE:    frozenset({_C, _S, _A}),
    Right.TAKE_BILL:    frozenset({_C, _S}),
    Right.INSTITUTION_FILES: frozenset({_C, _S, _A, _I}),
    Right.TAKE_INSTITUTION_FILE: frozenset({_C, _S}),
    Right.POLICY:       frozenset({_C, _S, _A, _O}),
    Right.CATALOGUE:    frozenset({_C, _S, _A, _O, _I}),
    Right.FILINGS:      frozenset({_C, _S, _A, _I}),
    Right.NOTICES:      frozenset({_C, _S, _A, _O, _I}),

    Right.SEE_USERS:    frozenset({_S, _A}),
    Right.USERS:        frozenset({_S}),
}  # fmt: skip
"""Everything but `ANYBODY`, which needs no role."""


def may(role: Role, right: Right) -> bool:
    """Whether a role has a right."""
    return right is Right.ANYBODY or role in GRANTED[right]
