"""What an account of the ledger is called, in both languages: read off its number, which says what
it is (settlement/chart.py). Accounts with a name of their own keep it in Chinese."""

from __future__ import annotations

from collections.abc import Mapping

from ledger.entry import GUARDED_FROM
from settlement.chart import (
    CHANNEL_FEES,
    CHANNEL_OFFSET,
    COLLECTIONS_BANK,
    CONTRIBUTIONS_BANK,
    FAMILY_CLEARING,
    FUND_BASE,
    INSTITUTION_BASE,
    PAYER_BASE,
    ChannelAccount,
    InstitutionAccount,
)

_PERSONAL = ("个人账户", "personal account")
_SINGLE: Mapping[int, str] = {
    CONTRIBUTIONS_BANK: "bank of account contributions",
    FAMILY_CLEARING: "relatives' payments on their way",
    COLLECTIONS_BANK: "bank of collections",
    CHANNEL_FEES: "channels' fees of the agency",
}
_OF_INSTITUTION: Mapping[int, str] = {
    InstitutionAccount.PAYABLE_FUNDS: "payable to institution, funds",
    InstitutionAccount.PAYABLE_ACCOUNTS: "payable to institution, accounts",
    InstitutionAccount.QUALITY_DEPOSIT: "quality deposit withheld",
    InstitutionAccount.PREPAID: "prepaid to institution",
    InstitutionAccount.RECEIVABLE_FUNDS: "receivable from insurance, funds",
    InstitutionAccount.RECEIVABLE_ACCOUNTS: "receivable from insurance, accounts",
    InstitutionAccount.SELF_COLLECTED: "collected by the institution",
    InstitutionAccount.BORNE: "borne by the institution",
    InstitutionAccount.REVENUE: "revenue",
    InstitutionAccount.CARRIED_FORWARD: "carried forward",
}
_OF_CHANNEL: Mapping[int, str] = {
    ChannelAccount.COLLECTING: "to be collected",
    ChannelAccount.TO_RETURN: "to be given back",
    ChannelAccount.DEPOSITS: "deposits of stays",
    ChannelAccount.AGENCY_COLLECTED: "payable to institution, collected",
    ChannelAccount.AGENCY_TO_RETURN: "to be given back by the agency",
    ChannelAccount.AGENCY_DEPOSITS: "deposits collected by the agency",
    ChannelAccount.RECEIVABLE_COLLECTED: "receivable, collected by the agency",
    ChannelAccount.MEMO_COLLECTED: "memorandum: collected",
    ChannelAccount.MEMO_CONTRA: "memorandum: contra",
    ChannelAccount.SUSPENSE: "differences with channels",
    ChannelAccount.AGENCY_SUSPENSE: "agency's differences with channels",
    ChannelAccount.FEES: "channels' fees",
    **{ChannelAccount.CLEARING + n: f"with {name}" for name, n in CHANNEL_OFFSET.items()},
    **{
        ChannelAccount.AGENCY_CLEARING + n: f"agency's, with {name}"
        for name, n in CHANNEL_OFFSET.items()
    },
}


def account_words(account: int, name: str, language: str) -> str:
    """What an account is called; `name` is what the ledger calls it, empty for a person's."""
    if account >= GUARDED_FROM:
        return _PERSONAL[1] if language == "en" else _PERSONAL[0]
    if language != "en":
        return name or str(account)
    return _english(account) or name or str(account)


def _english(account: int) -> str:
    if account in _SINGLE:
        return _SINGLE[account]
    if FUND_BASE <= account < 2 * FUND_BASE:
        return f"fund {account - FUND_BASE}"
    if PAYER_BASE <= account < PAYER_BASE + FUND_BASE:
        return f"owed by the payer of fund {account - PAYER_BASE}"
    if account >= 10 * INSTITUTION_BASE:
        return _OF_CHANNEL.get(account % 100, "")
    if account >= INSTITUTION_BASE:
        return _OF_INSTITUTION.get(account % 10, "")
    return ""
