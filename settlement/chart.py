"""The chart of accounts (会计科目) and the numbers of the accounts.

Every account has an owner, and each owner has its own trial balance (DOMAIN 1). The agency keeps
funds, personal accounts and payables; each institution keeps what the agency owes it, what it
collected itself, and its revenue. Account numbers say what they are:

    1_310_102          fund 310102 of the agency: what it has spent
    2_000_001          the agency's bank account for contributions
    2_000_002          what relatives' accounts pay, on its way between two lanes
    2_000_003          the agency's bank account for what its merchants collect
    2_000_005          accounts of persons who move away, on their way out
    2_000_009          what the agency carried forward into this system
    2_000_010, _011    memorandum: settlements of the system before that can be cancelled here
    2_000_020 .. _024  paying institutions: bank, under way, deductions, differences, deposits' pool
    2_000_040 … _049   the agency's bank accounts of the schemes (`SCHEME_BANKS`)
    2_000_050 … _055   what is on its way into personal accounts or out of them (`MoneyAccount`)
    2_000_060, _061    what a channel has and nobody knows whose it is
    2_000_070 … _079   what persons are reimbursed (`ReimbursementAccount`)
    2_000_080          what channels keep of payments, where the agency bears it
    3_310_102          income of fund 310102 of the agency
    4_610_100          what the payer of fund 610100 owes the agency
    5_000_000 + 10·n   the ten accounts of the n-th other region (`RegionAccount`)
    10_000_000 + 10·n  the ten accounts of the n-th institution (`InstitutionAccount`)
    ten times that     the hundred accounts of its payment channels (`ChannelAccount`)
    10^12 + n          the personal account of the n-th person (guarded)
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, unique

from ledger.account import Account
from ledger.entry import GUARDED_FROM

AGENCY = "agency"
FUND_BASE = 1_000_000
CONTRIBUTIONS_BANK = 2_000_001
FAMILY_CLEARING = 2_000_002
"""家庭共济待转: zero but for payments of relatives that are under way (ADR 0023)"""
COLLECTIONS_BANK = 2_000_003
"""代收款存款: the agency's bank account for what its merchants collect; what a channel cannot give
back is paid out of it"""
TRANSFERS_OUT = 2_000_005
"""个账转移待付: taken out of accounts of persons who moved away, until the bank has paid it"""
CARRIED_FORWARD = 2_000_009
"""期初结转: the other side of what the agency owed when this system began"""
CARRIED_SETTLEMENTS = 2_000_010
"""备查：期初可撤销结算, a memorandum: what old settlements came to that were brought along"""
CARRIED_CONTRA = 2_000_011
"""备查对方"""
SUSPENSE_UNKNOWN = 2_000_060
"""待处理渠道差异—机构不明: what a channel has and nobody knows whose it is"""
CLEARING_UNKNOWN = 2_000_061
"""渠道在途—机构不明: the same money, as it lies with the channel"""
CHANNEL_FEES = 2_000_080
"""渠道手续费: what channels keep of payments, where the agency bears it"""
PAYOUT_BANK = 2_000_020
"""基金支出户存款: the agency's bank account that institutions are paid from"""
PAYOUT_UNDER_WAY = 2_000_021
"""拨付在途: what the bank was told to pay and has neither paid nor sent back"""
AUDIT_DEDUCTIONS = 2_000_022
"""审核扣款: claims that are not paid after all; it lessens what the funds spend"""
METHOD_DIFFERENCES = 2_000_023
"""支付方式差额: what DRG/DIP, bed-day and budget payment give more (结余留用) or less (超支分担)"""
DEPOSIT_POOL = 2_000_024
"""质保金奖励池: deposits that were not given back, for those who did better"""
CLEARING_BANK = 2_000_004
"""异地清算存款: the agency's bank account for what regions pay each other"""
INCOME_BASE = 3_000_000
PAYER_BASE = 4_000_000
SCHEME_BANKS = {
    "310": 2_000_040, "390": 2_000_041, "320": 2_000_042, "330": 2_000_043, "340": 2_000_044,
    "350": 2_000_045, "510": 2_000_046, "410": 2_000_047, "392": 2_000_048,
}  # fmt: skip
"""基金存款: where the income of a scheme (insutype) comes in; never changes."""
OTHER_SCHEMES_BANK = 2_000_049
REGION_BASE = 5_000_000
REGION_STRIDE = 10
INSTITUTION_BASE = 10_000_000
INSTITUTION_STRIDE = 10


class MoneyAccount(IntEnum):
    """The agency's accounts between funds, banks and personal accounts (ADR 0042)."""

    OWED_BY_PERSONS = 2_000_050
    """应收个人追回款: what was clawed back and was no longer in the account; whose, rows say"""
    CLAWED_BACK = 2_000_051
    """追回待处理: what was clawed back, until it is where it belongs"""
    INTEREST_TO_ALLOT = 2_000_052
    """待分配个人账户利息: what the bank paid, until it is in the accounts"""
    TO_HEIRS = 2_000_053
    """继承待付: out of an account, until it is in those of the heirs or paid out"""
    TO_PAY_OUT = 2_000_054
    """清退待付"""
    FUNDS_CARRIED = 2_000_055
    """基金期初结余: what funds had when this system began; which fund, rows say"""


class ReimbursementAccount(IntEnum):
    """The agency's accounts of manual reimbursement (手工报销, ADR 0044); whose, rows say. What is
    owed and the memorandum lie as those of another region do (`RegionAccount`)."""

    PAYABLE_FUNDS = 2_000_070
    """应付个人报销—基金: what funds pay of bills that the person paid at the institution"""
    PAYABLE_ACCOUNTS = 2_000_071
    """应付个人报销—个人账户: what the personal account gives back of them"""
    UNDER_WAY = 2_000_072
    """报销款在途: what the bank was told to pay and has neither paid nor sent back"""
    MEMO_OWN_PART = 2_000_078
    """备查：报销医疗费本人负担, a memorandum: what the person has paid and nobody gives back"""
    MEMO_CONTRA = 2_000_079
    """备查对方"""


class RegionAccount(IntEnum):
    """Offsets of another region's accounts from its base, all in the agency's book (DOMAIN 6)."""

    PAYABLE_FUNDS = 0
    """应付异地—基金: what our funds pay for our people who were treated there"""
    PAYABLE_ACCOUNTS = 1
    """应付异地—个人账户: what our people's accounts pay there"""
    RECEIVABLE_FUNDS = 2
    """应收异地—基金: what its funds pay for its people who were treated here"""
    RECEIVABLE_ACCOUNTS = 3
    """应收异地—个人账户: what its people's accounts pay here"""
    PREPAID = 4
    """预付金: what lies with it in advance"""
    PREPAYMENT_HELD = 5
    """预收异地预付金: what it left with us in advance"""
    MEMO_OWN_PART = 8
    """备查：异地就医本人负担, a memorandum: what neither our funds nor an account pay there"""
    MEMO_CONTRA = 9
    """备查对方"""


class InstitutionAccount(IntEnum):
    """Offsets of an institution's accounts from its base."""

    PAYABLE_FUNDS = 0
    """应付定点机构—基金, in the agency's book"""
    PAYABLE_ACCOUNTS = 1
    """应付定点机构—个人账户, in the agency's book"""
    QUALITY_DEPOSIT = 2
    """质量保证金 withheld from it, a debt of the agency"""
    PREPAID = 3
    """预付定点机构: what it was paid in advance, in the agency's book"""
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


class ChannelAccount(IntEnum):
    """Offsets from ten times an institution's base; that of a channel is added where there is one
    account a channel (`CHANNEL_OFFSET`)."""

    CLEARING = 0
    """渠道在途: what its own merchants collected and the channel has not paid out"""
    COLLECTING = 9
    """待收款: what payments under way are to collect; zero once they are at their end"""
    TO_RETURN = 10
    """待退款: what it owes payers"""
    DEPOSITS = 11
    """住院预交金: what it owes patients until their stay is settled (DOMAIN 4)"""
    AGENCY_CLEARING = 20
    """渠道在途 of the agency's merchants, in the agency's book"""
    AGENCY_COLLECTED = 30
    """应付定点机构—代收, in the agency's book"""
    AGENCY_TO_RETURN = 31
    """待退款 of what the agency's merchants collected, in the agency's book"""
    RECEIVABLE_COLLECTED = 32
    """应收代收款, in the institution's book"""
    AGENCY_DEPOSITS = 33
    """代收住院预交金: deposits that the agency's merchants collected, in the agency's book"""
    MEMO_COLLECTED = 40
    """备查: collected under the institution's own custody, in the agency's book"""
    MEMO_CONTRA = 41
    """备查对方"""
    SUSPENSE = 50
    """待处理渠道差异: what it and a channel do not agree on, until that is clear"""
    AGENCY_SUSPENSE = 51
    """代收待处理渠道差异 of the agency's merchants, in the agency's book"""
    FEES = 60
    """渠道手续费: what channels keep of payments, where the institution bears it"""


CHANNEL_OFFSET = {"wechat": 0, "alipay": 1, "unionpay": 2, "onecode": 3}
"""Of the accounts that there are one a channel; never changes."""
CHANNEL_ZH = {"wechat": "微信支付", "alipay": "支付宝", "unionpay": "银联", "onecode": "一码付"}


@unique
class EntryCode(IntEnum):
    """What an entry is for (业务类型)."""

    SETTLEMENT = 1
    CANCEL = 2
    REVERSAL = 3
    FAMILY_HELD = 4
    """a relative's account is held for a settlement (共济冻结)"""
    FAMILY_PAID = 5
    """it has paid (共济支付)"""
    FAMILY_RELEASED = 6
    """it pays nothing after all (共济解冻)"""
    FAMILY_RETURNED = 7
    """what it paid comes back: the settlement was undone (共济退回)"""
    ACCOUNT_CONTRIBUTION = 11
    """个人缴费划入 or opening balance by import"""
    PAYABLE_CARRIED = 12
    """期初应付: unpaid balance of an institution by import"""
    SETTLEMENT_CARRIED = 13
    """期初可撤销结算: a settlement of the system before, noted and not moved"""
    HOLD = 21
    """what a payment over a channel holds (预占), or gives free again"""
    PLAIN_SALE = 22
    """a sale without an insurance leg (自费)"""
    COLLECTED = 25
    """a channel collected what was held (渠道收款)"""
    OWED_BACK = 23
    """money came that must go back (待退款)"""
    GIVEN_BACK = 24
    """it went back (退款)"""
    GIVEN_BACK_BY_HAND = 26
    """people gave it back outside the channel (线下退款)"""
    DEPOSIT = 31
    """a deposit of a stay was paid (住院预交金)"""
    DEPOSIT_HANDED_BACK = 32
    """the institution gave one back itself (预交金退现)"""
    MOBILE_COLLECTED = 27
    """a channel collected the own part of an order of mobile payment (移动支付收款)"""
    MOBILE_GIVEN_BACK = 28
    """it went back (移动支付退款)"""
    MOBILE_HOLD = 29
    """what an order of mobile payment holds until its payer confirms (移动支付预占)"""
    REST_COLLECTED = 30
    """a channel collected what an institution would have collected itself of somebody insured
    elsewhere (异地余款收取)"""
    ACCOUNT_TAKEN_OUT = 40
    """个人账户转出: taken out of the account of somebody who moves away"""
    ACCOUNT_PAID_OUT = 41
    """转出付讫: the bank has paid it to the other region"""
    ACCOUNT_PUT_BACK = 42
    """转出退汇: the bank sent it back, and it is in the account again"""
    ACCOUNT_TAKEN_IN = 43
    """个人账户转入: arrived from another region"""
    ACCOUNT_SENT_BACK = 44
    """转入退回: what should not have come goes back"""
    REGION_HOLD = 51
    """what a settlement holds until the region of insurance has told its share (异地预占)"""
    TREATED_ELSEWHERE = 52
    """what our funds and a person's account pay for care in another region (异地就医支付)"""
    REGION_CLEARED = 53
    """what another region paid us, or we paid it, for a cleared month (异地清算)"""
    REGION_PREPAID = 54
    """money left with another region in advance, or taken back (异地预付金)"""
    DIFFERENCE_MADE_UP = 61
    """a channel has money that was not in the books (补记)"""
    DIFFERENCE_REFUNDED = 62
    """a channel gave money back, and it was not in the books (补退)"""
    DIFFERENCE_VOIDED = 63
    """what the books had and no channel has is taken back (撤记)"""
    DIFFERENCE_WRITTEN_OFF = 64
    """a difference is put aside until it is clear (转待处理)"""
    CHANNEL_FEE = 65
    """what a channel kept of a day's payments (渠道手续费)"""
    CHANNEL_FEE_CORRECTED = 66
    """it was more or less by a corrected bill (手续费更正)"""
    PAYOUT_DEDUCTED = 71
    """审核扣款: a claim is not paid after all"""
    QUALITY_DEPOSIT = 72
    """质保金预留: withheld from what an institution is paid"""
    QUALITY_DEPOSIT_ENDED = 73
    """质保金返还、不予返还、奖励: it is given back, or goes to those who did better"""
    INSTITUTION_PREPAID = 74
    """预付: an institution is paid in advance"""
    PREPAYMENT_USED = 75
    """预付抵扣: what was paid in advance is set off"""
    PAYMENT_METHOD_DIFFERENCE = 76
    """支付方式差额: 结余留用, 超支分担"""
    PAYOUT_ORDERED = 77
    """下达拨付: the bank is told to pay an institution"""
    PAYOUT_PAID = 78
    """付讫: the bank has paid it"""
    PAYOUT_RETURNED = 79
    """退汇: the bank sent it back, and it is owed again"""
    INSTITUTION_REPAID = 80
    """欠款缴回: an institution pays back what it owes"""
    FUND_INCOME = 81
    """income of a fund, or what it brings along (基金收入)"""
    ACCOUNTS_MOVED = 82
    """what came into personal accounts, or went out, by a file (个人账户划拨)"""
    FUND_PAYER_OWES = 83
    """what a fund paid in a period is owed by its payer (付款单位应付)"""
    FUND_PAYER_PAID = 84
    """the payer of a fund has paid, or was paid back (付款单位拨入)"""
    REIMBURSED = 91
    """what funds and the own account pay of a bill that the person had paid, or that taken back
    (手工报销)"""
    REIMBURSEMENT_ORDERED = 92
    """下达报销款: the bank is told to pay a person"""
    REIMBURSEMENT_PAID = 93
    """报销款付讫"""
    REIMBURSEMENT_RETURNED = 94
    """报销款退汇: the bank sent it back, and it is owed again"""


def scheme_bank(scheme: str) -> int:
    """The agency's bank account of a scheme."""
    return SCHEME_BANKS.get(scheme, OTHER_SCHEMES_BANK)


def income_account(fund_code: int) -> int:
    """The income account of a fund (fund_pay_type as a number, six digits)."""
    return INCOME_BASE + fund_code


def payer_account(fund_code: int) -> int:
    """What the payer of a fund owes (fund_pay_type as a number, six digits)."""
    return PAYER_BASE + fund_code


def fund_account(fund_code: int) -> int:
    """The expenditure account of a fund (fund_pay_type as a number, six digits)."""
    return FUND_BASE + fund_code


def personal_account(ordinal: int) -> int:
    """The personal account of the n-th person."""
    return GUARDED_FROM + ordinal


def channel_account(base: int, account: ChannelAccount, channel: str = "") -> int:
    """A channel account of the institution whose block begins at `base`."""
    return 10 * base + account + (CHANNEL_OFFSET[channel] if channel else 0)


def channel_accounts(code: str, name: str, base: int) -> tuple[Account, ...]:
    """The accounts of an institution's payment channels, the agency's and its own."""
    one_each = (
        (ChannelAccount.CLEARING, code, "1012.01", "渠道在途", True),
        (ChannelAccount.AGENCY_CLEARING, AGENCY, "1012.02", "代收渠道在途", True),
    )
    rows = (
        (ChannelAccount.COLLECTING, code, "1122.04", "待收款", True),
        (ChannelAccount.TO_RETURN, code, "2241.01", "待退款", False),
        (ChannelAccount.DEPOSITS, code, "2203.01", "住院预交金", False),
        (ChannelAccount.AGENCY_COLLECTED, AGENCY, "2202.03", "应付定点机构—代收", False),
        (ChannelAccount.AGENCY_TO_RETURN, AGENCY, "2241.02", "代收待退款", False),
        (ChannelAccount.AGENCY_DEPOSITS, AGENCY, "2203.02", "代收住院预交金", False),
        (ChannelAccount.RECEIVABLE_COLLECTED, code, "1122.03", "应收代收款", True),
        (ChannelAccount.MEMO_COLLECTED, AGENCY, "9001.01", "备查：机构自收", True),
        (ChannelAccount.MEMO_CONTRA, AGENCY, "9001.02", "备查：机构自收对方", False),
        (ChannelAccount.SUSPENSE, code, "1901.01", "待处理渠道差异", True),
        (ChannelAccount.AGENCY_SUSPENSE, AGENCY, "1901.02", "代收待处理渠道差异", True),
        (ChannelAccount.FEES, code, "6603.01", "渠道手续费", True),
    )
    by_channel = tuple(
        Account(number=channel_account(base, account, channel), owner=owner,
                code=f"{account_code}.{channel}", name=f"{title}—{CHANNEL_ZH[channel]} {name}",
                debit_normal=debit)
        for account, owner, account_code, title, debit in one_each
        for channel in CHANNEL_OFFSET
    )  # fmt: skip
    return by_channel + tuple(
        Account(number=channel_account(base, account), owner=owner, code=account_code,
                name=f"{title} {name}", debit_normal=debit)
        for account, owner, account_code, title, debit in rows
    )  # fmt: skip


def institution_accounts(code: str, name: str, base: int) -> tuple[Account, ...]:
    """The accounts of an institution, the agency's and its own, those of its channels too."""
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
    ) + payout_accounts(name, base) + channel_accounts(code, name, base)  # fmt: skip


def payout_accounts(name: str, base: int) -> tuple[Account, ...]:
    """The agency's accounts of an institution beside what it owes for claims."""
    return (
        Account(number=base + InstitutionAccount.QUALITY_DEPOSIT, owner=AGENCY, code="2241.11",
                name=f"质量保证金 {name}", debit_normal=False),
        Account(number=base + InstitutionAccount.PREPAID, owner=AGENCY, code="1123.01",
                name=f"预付定点机构 {name}", debit_normal=True),
    )  # fmt: skip


def region_accounts(region: str, name: str, base: int) -> tuple[Account, ...]:
    """The accounts of another region."""
    rows = (
        (RegionAccount.PAYABLE_FUNDS, "2202.11", "应付异地—基金", False),
        (RegionAccount.PAYABLE_ACCOUNTS, "2202.12", "应付异地—个人账户", False),
        (RegionAccount.RECEIVABLE_FUNDS, "1122.11", "应收异地—基金", True),
        (RegionAccount.RECEIVABLE_ACCOUNTS, "1122.12", "应收异地—个人账户", True),
        (RegionAccount.PREPAID, "1123.11", "异地预付金", True),
        (RegionAccount.PREPAYMENT_HELD, "2203.11", "预收异地预付金", False),
        (RegionAccount.MEMO_OWN_PART, "9003.01", "备查：异地就医本人负担", True),
        (RegionAccount.MEMO_CONTRA, "9003.02", "备查：异地就医对方", False),
    )
    return tuple(
        Account(number=base + offset, owner=AGENCY, code=f"{code}.{region}",
                name=f"{title} {name}", debit_normal=debit)
        for offset, code, title, debit in rows
    )  # fmt: skip


def fund_accounts(funds: dict[int, str]) -> tuple[Account, ...]:
    """The agency's expenditure accounts of its funds, by number and name."""
    return tuple(
        Account(number=fund_account(number), owner=AGENCY, code=f"5001.{number}", name=name,
                debit_normal=True)
        for number, name in sorted(funds.items())
    )  # fmt: skip


def agency_accounts() -> tuple[Account, ...]:
    """The agency's accounts beside its funds: its bank accounts, family clearing, and what
    is on its way to other regions."""
    return (
        Account(number=CONTRIBUTIONS_BANK, owner=AGENCY, code="1002.01",
                name="个人账户基金存款", debit_normal=True),
        Account(number=FAMILY_CLEARING, owner=AGENCY, code="2241.01",
                name="家庭共济待转", debit_normal=False),
        Account(number=COLLECTIONS_BANK, owner=AGENCY, code="1002.02",
                name="代收款存款", debit_normal=True),
        Account(number=CLEARING_BANK, owner=AGENCY, code="1002.03",
                name="异地清算存款", debit_normal=True),
        Account(number=TRANSFERS_OUT, owner=AGENCY, code="2241.03",
                name="个账转移待付", debit_normal=False),
        Account(number=SUSPENSE_UNKNOWN, owner=AGENCY, code="1901.03",
                name="待处理渠道差异—机构不明", debit_normal=True),
        Account(number=CLEARING_UNKNOWN, owner=AGENCY, code="1012.03",
                name="渠道在途—机构不明", debit_normal=True),
        Account(number=CHANNEL_FEES, owner=AGENCY, code="5401.01",
                name="渠道手续费", debit_normal=True),
        Account(number=PAYOUT_BANK, owner=AGENCY, code="1002.04",
                name="基金支出户存款", debit_normal=True),
        Account(number=PAYOUT_UNDER_WAY, owner=AGENCY, code="2241.12",
                name="拨付在途", debit_normal=False),
        Account(number=AUDIT_DEDUCTIONS, owner=AGENCY, code="5002.01",
                name="审核扣款", debit_normal=False),
        Account(number=METHOD_DIFFERENCES, owner=AGENCY, code="5002.02",
                name="支付方式差额", debit_normal=True),
        Account(number=DEPOSIT_POOL, owner=AGENCY, code="2241.13",
                name="质保金奖励池", debit_normal=False),
        *_reimbursement_accounts(),
    )  # fmt: skip


def _reimbursement_accounts() -> tuple[Account, ...]:
    rows = (
        (ReimbursementAccount.PAYABLE_FUNDS, "2202.11", "应付个人报销—基金", False),
        (ReimbursementAccount.PAYABLE_ACCOUNTS, "2202.12", "应付个人报销—个人账户", False),
        (ReimbursementAccount.UNDER_WAY, "2241.14", "报销款在途", False),
        (ReimbursementAccount.MEMO_OWN_PART, "9004.01", "备查：报销医疗费本人负担", True),
        (ReimbursementAccount.MEMO_CONTRA, "9004.02", "备查：报销医疗费本人负担对方", False),
    )
    return tuple(
        Account(number=number, owner=AGENCY, code=code, name=name, debit_normal=debit)
        for number, code, name, debit in rows
    )


def income_accounts(funds: dict[int, str]) -> tuple[Account, ...]:
    """The agency's income accounts of its funds, by number and name."""
    return tuple(
        Account(number=income_account(number), owner=AGENCY, code=f"4001.{number}",
                name=f"{name}收入", debit_normal=False)
        for number, name in sorted(funds.items())
    )  # fmt: skip


def payer_accounts(funds: Mapping[int, str]) -> tuple[Account, ...]:
    """What payers of funds owe the agency, by number and name of the fund."""
    return tuple(
        Account(number=payer_account(number), owner=AGENCY, code=f"1122.21.{number}",
                name=f"应收{name}", debit_normal=True)
        for number, name in sorted(funds.items())
    )  # fmt: skip


def money_accounts(schemes: Mapping[str, str]) -> tuple[Account, ...]:
    """The bank accounts of the schemes, by code and name, and what is under way between funds,
    banks and personal accounts."""
    banks = tuple(
        Account(number=number, owner=AGENCY, code=f"1002.1{place}",
                name=f"{schemes.get(scheme, scheme)}基金存款", debit_normal=True)
        for place, (scheme, number) in enumerate(SCHEME_BANKS.items())
    )  # fmt: skip
    rows = (
        (MoneyAccount.OWED_BY_PERSONS, "1221.01", "应收个人追回款", True),
        (MoneyAccount.CLAWED_BACK, "2241.04", "追回待处理", False),
        (MoneyAccount.INTEREST_TO_ALLOT, "2241.05", "待分配个人账户利息", False),
        (MoneyAccount.TO_HEIRS, "2241.06", "继承待付", False),
        (MoneyAccount.TO_PAY_OUT, "2241.07", "清退待付", False),
        (MoneyAccount.FUNDS_CARRIED, "4104.01", "基金期初结余", False),
    )
    other = Account(
        number=OTHER_SCHEMES_BANK, owner=AGENCY, code="1002.19", name="其他险种基金存款",
        debit_normal=True,
    )  # fmt: skip
    under_way = tuple(
        Account(number=number, owner=AGENCY, code=code, name=name, debit_normal=debit)
        for number, code, name, debit in rows
    )
    return (*banks, other, *under_way)


def carried_forward() -> Account:
    """The other side of what the agency owed when this system began."""
    return Account(
        number=CARRIED_FORWARD, owner=AGENCY, code="4104", name="期初结转", debit_normal=False
    )


def carried_settlements() -> tuple[Account, ...]:
    """The memorandum of old settlements that can still be cancelled."""
    return (
        Account(number=CARRIED_SETTLEMENTS, owner=AGENCY, code="9002.01",
                name="备查：期初可撤销结算", debit_normal=True),
        Account(number=CARRIED_CONTRA, owner=AGENCY, code="9002.02",
                name="备查：期初可撤销结算对方", debit_normal=False),
    )  # fmt: skip
