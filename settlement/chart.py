"""The chart of accounts (会计科目) and the numbers of the accounts.

Every account has an owner, and each owner has its own trial balance (DOMAIN 1). The agency keeps
funds, personal accounts and payables; each institution keeps what the agency owes it, what it
collected itself, and its revenue. Account numbers say what they are:

    1_310_102          fund 310102 of the agency: what it has spent
    2_000_001          the agency's bank account for contributions
    2_000_009          what the agency carried forward into this system
    10_000_000 + 10·n  the ten accounts of the n-th institution (`InstitutionAccount`)
    10^12 + n          the personal account of the n-th person (guarded)
"""

from __future__ import annotations

from enum import IntEnum

from ledger.account import Account
from ledger.entry import GUARDED_FROM

AGENCY = "agency"
FUND_BASE = 1_000_000
CONTRIBUTIONS_BANK = 2_000_001
CARRIED_FORWARD = 2_000_009
"""期初结转: the other side of what the agency owed when this system began"""
INSTITUTION_BASE = 10_000_000
INSTITUTION_STRIDE = 10


class InstitutionAccount(IntEnum):
    """Offsets of an institution's accounts from its base."""

    PAYABLE_FUNDS = 0
    """应付定点机构—基金, in the agency's book"""
    PAYABLE_ACCOUNTS = 1
    """应付定点机构—个人账户, in the agency's book"""
    RECEIVABLE_FUNDS = 4
    """应收医保—基金, in the institution's book"""
    RECEIVABLE_ACCOUNTS = 5
    """应收医保—个人账户, in the institution's book"""
    SELF_COLLECTED = 6
    """机构自收现金"""
    BORNE = 7
    """医院负担"""
    REVENUE = 8
    """医药收入"""
    CARRIED_FORWARD = 9
    """期初结转, in the institution's book: the other side of what it was owed at the cut-over"""


class EntryCode(IntEnum):
    """What an entry is for (业务类型)."""

    SETTLEMENT = 1
    CANCEL = 2
    REVERSAL = 3
    ACCOUNT_CONTRIBUTION = 11
    """个人缴费划入 or opening balance by import"""
    PAYABLE_CARRIED = 12
    """期初应付: unpaid balance of an institution by import"""


def fund_account(fund_code: int) -> int:
    """The expenditure account of a fund (fund_pay_type as a number, six digits)."""
    return FUND_BASE + fund_code


def personal_account(ordinal: int) -> int:
    """The personal account of the n-th person."""
    return GUARDED_FROM + ordinal


def institution_accounts(code: str, name: str, base: int) -> tuple[Account, ...]:
    """The accounts of an institution, the agency's and its own."""
    rows = (
        (InstitutionAccount.PAYABLE_FUNDS, AGENCY, "2202.01", "应付定点机构—基金", False),
        (InstitutionAccount.PAYABLE_ACCOUNTS, AGENCY, "2202.02", "应付定点机构—个人账户", False),
        (InstitutionAccount.RECEIVABLE_FUNDS, code, "1122.01", "应收医保—基金", True),
        (InstitutionAccount.RECEIVABLE_ACCOUNTS, code, "1122.02", "应收医保—个人账户", True),
        (InstitutionAccount.SELF_COLLECTED, code, "1001", "机构自收", True),
        (InstitutionAccount.BORNE, code, "6602", "医院负担", True),
        (InstitutionAccount.REVENUE, code, "6001", "医药收入", False),
        (InstitutionAccount.CARRIED_FORWARD, code, "4104", "期初结转", False),
    )
    return tuple(
        Account(number=base + offset, owner=owner, code=account_code,
                name=f"{title} {name}", debit_normal=debit)
        for offset, owner, account_code, title, debit in rows
    )  # fmt: skip


def fund_accounts(funds: dict[int, str]) -> tuple[Account, ...]:
    """The agency's expenditure accounts of its funds, by number and name."""
    return tuple(
        Account(number=fund_account(number), owner=AGENCY, code=f"5001.{number}", name=name,
                debit_normal=True)
        for number, name in sorted(funds.items())
    )  # fmt: skip


def carried_forward() -> Account:
    """The other side of what the agency owed when this system began."""
    return Account(
        number=CARRIED_FORWARD, owner=AGENCY, code="4104", name="期初结转", debit_normal=False
    )


def bank_account() -> Account:
    """The agency's bank account for contributions to personal accounts."""
    return Account(
        number=CONTRIBUTIONS_BANK, owner=AGENCY, code="1002.01", name="个人账户基金存款",
        debit_normal=True,
    )  # fmt: skip
