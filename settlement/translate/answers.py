"""From rows to the wire's output nodes.

A first answer and every replay are rendered from the same rows by the same functions here.
Amounts are rendered by `protocol.nhsa.amounts`; nothing is computed but ages.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import msgspec
from msgspec import Raw

from protocol.nhsa.amounts import decimal_raw, yuan
from protocol.nhsa.messages.money import CancelInfo, SettleDetail, SettleInfo
from protocol.nhsa.messages.outpatient import FeeResult, FeeUploadReply
from protocol.nhsa.messages.outpatient_settle import OutpatientCancelReply, OutpatientReply
from protocol.nhsa.messages.pharmacy import DetailCut, PharmacyCancelReply, PharmacyReply
from protocol.nhsa.times import format_date, format_datetime
from settlement.benefit import FundShare
from settlement.claim import PricedLine
from settlement.clock import local_time
from settlement.person import Identity
from settlement.policy.model import Policy
from settlement.rows import SettledLine, SettlementRow

_DECODE_SHARES = msgspec.json.Decoder(tuple[FundShare, ...]).decode
NO_CEILING = Raw(b"999999.000000")
"""How the interface prints an item without a price ceiling (policy.md 3)."""
NO_LIMIT = Raw(b"99999999.00")
CLEARING_WAY = "1"
"""按项目"""


def settle_info(row: SettlementRow, identity: Identity, region: str) -> SettleInfo:
    """`setlinfo` of a quote (number 0: no `setl_id`) or a settlement."""
    on = row.service_at.date()
    return SettleInfo(
        mdtrt_id=str(row.mdtrt_id) if row.mdtrt_id else "",
        setl_id=str(row.setl_id) if row.setl_id else msgspec.UNSET,
        psn_no=row.psn_no,
        psn_name=identity.name,
        psn_cert_type=identity.certificate_type,
        certno=identity.certificate_no,
        gend=identity.sex,
        naty=identity.ethnic_group,
        brdy=format_date(identity.born_on),
        age=age(identity.born_on, on),
        insutype=row.scheme,
        psn_type=row.category,
        cvlserv_flag="1" if row.civil_servant else "0",
        setl_time=format_datetime(local_time(row.setl_time)),
        mdtrt_cert_type=row.credential_type,
        med_type=row.care_type,
        medfee_sumamt=yuan(row.total_fen),
        fulamt_ownpay_amt=yuan(row.full_self_pay_fen),
        overlmt_selfpay=yuan(row.over_ceiling_fen),
        preselfpay_amt=yuan(row.pre_self_pay_fen),
        inscp_scp_amt=yuan(row.in_scope_fen),
        act_pay_dedc=yuan(row.deductible_fen),
        hifp_pay=yuan(row.hifp_fen),
        pool_prop_selfpay=decimal_raw(row.pool_ratio_bp, 4),
        cvlserv_pay=yuan(row.cvlserv_fen),
        hifes_pay=yuan(row.hifes_fen),
        hifmi_pay=yuan(row.hifmi_fen),
        hifob_pay=yuan(row.hifob_fen),
        maf_pay=yuan(row.maf_fen),
        oth_pay=yuan(row.oth_fen),
        hifdm_pay=yuan(row.hifdm_fen),
        fund_pay_sumamt=yuan(row.fund_fen),
        psn_part_amt=yuan(row.personal_fen),
        acct_pay=yuan(row.account_fen),
        psn_cash_pay=yuan(row.cash_fen),
        hosp_part_amt=yuan(row.hospital_fen),
        balc=yuan(row.balance_fen),
        acct_mulaid_pay=yuan(row.family_account_fen),
        medins_setl_id=row.msgid,
        clr_optins=region,
        clr_way=CLEARING_WAY,
        clr_type=row.clearing_type,
    )


def cancel_info(row: SettlementRow, identity: Identity, region: str) -> CancelInfo:
    """`setlinfo` of a cancel: every amount negative, a number of its own."""
    on = row.service_at.date()
    cash = yuan(row.cash_fen)
    return CancelInfo(
        mdtrt_id=str(row.mdtrt_id),
        setl_id=str(row.setl_id),
        clr_optins=region,
        setl_time=format_datetime(local_time(row.setl_time)),
        medfee_sumamt=yuan(row.total_fen),
        fulamt_ownpay_amt=yuan(row.full_self_pay_fen),
        overlmt_selfpay=yuan(row.over_ceiling_fen),
        preselfpay_amt=yuan(row.pre_self_pay_fen),
        inscp_scp_amt=yuan(row.in_scope_fen),
        act_pay_dedc=yuan(row.deductible_fen),
        hifp_pay=yuan(row.hifp_fen),
        pool_prop_selfpay=decimal_raw(row.pool_ratio_bp, 4),
        cvlserv_pay=yuan(row.cvlserv_fen),
        hifes_pay=yuan(row.hifes_fen),
        hifmi_pay=yuan(row.hifmi_fen),
        hifob_pay=yuan(row.hifob_fen),
        maf_pay=yuan(row.maf_fen),
        oth_pay=yuan(row.oth_fen),
        hifdm_pay=yuan(row.hifdm_fen),
        fund_pay_sumamt=yuan(row.fund_fen),
        psn_part_amt=yuan(row.personal_fen),
        acct_pay=yuan(row.account_fen),
        psn_cash_pay=cash,
        pdn_cash_pay=cash,
        hosp_part_amt=yuan(row.hospital_fen),
        balc=yuan(row.balance_fen),
        acct_mulaid_pay=yuan(row.family_account_fen),
        medins_setl_id=row.msgid,
        psn_no=row.psn_no,
        psn_name=identity.name,
        psn_cert_type=identity.certificate_type,
        certno=identity.certificate_no,
        gend=identity.sex,
        naty=identity.ethnic_group,
        brdy=format_date(identity.born_on),
        age=age(identity.born_on, on),
        insutype=row.scheme,
        psn_type=row.category,
        cvlserv_flag="1" if row.civil_servant else "0",
        mdtrt_cert_type=row.credential_type,
        med_type=row.care_type,
        clr_type=row.clearing_type,
        clr_way=CLEARING_WAY,
    )


def purchase_reply(
    row: SettlementRow,
    lines: Iterable[SettledLine],
    identity: Identity,
    policy: Policy,
    region: str,
) -> PharmacyReply:
    """Output of 2101 and 2102."""
    return PharmacyReply(
        setlinfo=settle_info(row, identity, region),
        setldetail=settle_details(row, policy),
        detlcutinfo=tuple([detail_cut(line.priced) for line in lines]),
    )


def visit_reply(
    row: SettlementRow, identity: Identity, policy: Policy, region: str
) -> OutpatientReply:
    """Output of 2206 and 2207."""
    return OutpatientReply(
        setlinfo=settle_info(row, identity, region), setldetail=settle_details(row, policy)
    )


def purchase_cancel_reply(
    row: SettlementRow, identity: Identity, policy: Policy, region: str
) -> PharmacyCancelReply:
    """Output of 2103."""
    return PharmacyCancelReply(
        setlinfo=cancel_info(row, identity, region), setldetail=settle_details(row, policy)
    )


def visit_cancel_reply(
    row: SettlementRow, identity: Identity, policy: Policy, region: str
) -> OutpatientCancelReply:
    """Output of 2208."""
    return OutpatientCancelReply(
        setlinfo=cancel_info(row, identity, region), setldetail=settle_details(row, policy)
    )


def shares_of(row: SettlementRow) -> tuple[FundShare, ...]:
    """What each fund paid, as stored with the row (a cancel keeps the original's, positive)."""
    return _DECODE_SHARES(row.shares)


def settle_details(row: SettlementRow, policy: Policy) -> tuple[SettleDetail, ...]:
    """`setldetail`: a row a fund, then the personal account where it paid (money rule 7)."""
    sign = 1 if row.undoes_setl_id is None else -1
    rows = [_fund_detail(share, policy, sign) for share in shares_of(row)]
    if row.account_fen and policy.account is not None:
        fund = policy.account.fund
        rows.append(
            SettleDetail(
                fund_pay_type=fund.code,
                inscp_scp_amt=yuan(0),
                crt_payb_lmt_amt=yuan(row.balance_fen + row.account_fen),
                fund_payamt=yuan(row.account_fen),
                fund_pay_type_name=fund.name,
            )
        )
    return tuple(rows)


def _fund_detail(share: FundShare, policy: Policy, sign: int) -> SettleDetail:
    name = policy.funds[share.fund_pay_type].name
    limit = share.limit_before_fen
    return SettleDetail(
        fund_pay_type=share.fund_pay_type,
        inscp_scp_amt=yuan(sign * share.in_scope_fen),
        crt_payb_lmt_amt=NO_LIMIT if limit is None else yuan(limit),
        fund_payamt=yuan(sign * share.amount_fen),
        fund_pay_type_name=name,
        setl_proc_info=share.process_zh(name),
    )


def detail_cut(priced: PricedLine) -> DetailCut:
    """One row of `detlcutinfo`."""
    line = priced.line
    ceiling = priced.ceiling_e6
    return DetailCut(
        feedetl_sn=line.line_no,
        det_item_fee_sumamt=yuan(line.amount_fen),
        cnt=decimal_raw(line.quantity_e4, 4),
        pric=decimal_raw(line.price_e6, 6),
        pric_uplmt_amt=NO_CEILING if ceiling is None else decimal_raw(ceiling, 6),
        selfpay_prop=decimal_raw(priced.self_pay_bp, 4),
        fulamt_ownpay_amt=yuan(priced.full_self_pay_fen),
        overlmt_amt=yuan(priced.over_ceiling_fen),
        preselfpay_amt=yuan(priced.pre_self_pay_fen),
        inscp_scp_amt=yuan(priced.in_scope_fen),
        chrgitm_lv=priced.item_class,
        med_chrgitm_type=priced.charge_kind,
        memo=priced.note,
    )


def upload_reply(lines: Iterable[PricedLine]) -> FeeUploadReply:
    """Output of 2204: how each line is split, as far as the line alone decides it."""
    return FeeUploadReply(result=tuple([_fee_result(line) for line in lines]))


def _fee_result(priced: PricedLine) -> FeeResult:
    line = priced.line
    ceiling = priced.ceiling_e6
    return FeeResult(
        feedetl_sn=line.line_no,
        det_item_fee_sumamt=yuan(line.amount_fen),
        cnt=decimal_raw(line.quantity_e4, 4),
        pric=decimal_raw(line.price_e6, 6),
        pric_uplmt_amt=NO_CEILING if ceiling is None else decimal_raw(ceiling, 6),
        selfpay_prop=decimal_raw(priced.self_pay_bp, 4),
        fulamt_ownpay_amt=yuan(priced.full_self_pay_fen),
        overlmt_amt=yuan(priced.over_ceiling_fen),
        preselfpay_amt=yuan(priced.pre_self_pay_fen),
        inscp_scp_amt=yuan(priced.in_scope_fen),
        chrgitm_lv=priced.item_class,
        med_chrgitm_type=priced.charge_kind,
        lmt_used_flag="0",
        memo=priced.note,
    )


def age(born_on: date, on: date) -> Raw:
    """Completed years, with the one decimal that the field has."""
    before_birthday = (on.month, on.day) < (born_on.month, born_on.day)
    return decimal_raw((on.year - born_on.year - before_birthday) * 10, 1)
