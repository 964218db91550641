"""From rows to the wire's output nodes.

A first answer and every replay are rendered from the same rows by the same functions here.
Amounts are rendered by `protocol.nhsa.amounts`; nothing is computed but ages.

The answers of settling are written as JSON text directly, each wire name beside its value: as
structs they were two hundred objects a settlement, and the largest single cost of a decision
(docs/profile.md). The struct types of `protocol.nhsa.messages` stay the definition: a test decodes
what is rendered here and demands that encoding it again gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from json.encoder import encode_basestring as quoted

import msgspec
from msgspec import Raw

from protocol.nhsa.amounts import decimal_raw, price_json, quantity_json, ratio_json
from protocol.nhsa.amounts import yuan_json as y
from protocol.nhsa.times import format_date, format_datetime
from settlement.case import FundShare
from settlement.claim import PricedLine
from settlement.clock import local_time, years_between
from settlement.payers import Payers
from settlement.person import Identity
from settlement.policy.region import RegionProfile
from settlement.rows import SettledLine, SettlementRow
from settlement.translate.fund_total import fund_total_fen

_DECODE_SHARES = msgspec.json.Decoder(tuple[FundShare, ...]).decode
NO_CEILING = Raw(b"999999.000000")
"""How the interface prints an item without a price ceiling (policy.md 3)."""
_NO_CEILING = "999999.000000"
_NO_LIMIT = "99999999.00"
CLEARING_WAY = "1"
"""按项目"""


def purchase_reply(
    row: SettlementRow,
    lines: Iterable[SettledLine],
    identity: Identity,
    payers: Payers,
    profile: RegionProfile,
    shares: tuple[FundShare, ...] | None = None,
) -> Raw:
    """Output of 2101 and 2102 (`PharmacyReply`); `shares` where the caller has them decoded."""
    cuts = ",".join([_detail_cut(line.priced) for line in lines])
    return _output(
        _settle_info(row, identity, profile),
        settle_details(row, payers, shares),
        f',"detlcutinfo":[{cuts}]',
    )


def visit_reply(
    row: SettlementRow,
    identity: Identity,
    payers: Payers,
    profile: RegionProfile,
    shares: tuple[FundShare, ...] | None = None,
) -> Raw:
    """Output of 2206 and 2207 (`OutpatientReply`)."""
    return _output(_settle_info(row, identity, profile), settle_details(row, payers, shares))


def cancel_reply(
    row: SettlementRow, identity: Identity, payers: Payers, profile: RegionProfile
) -> Raw:
    """Output of 2103 and 2208 (`PharmacyCancelReply`, `OutpatientCancelReply`)."""
    return _output(_cancel_info(row, identity, profile), settle_details(row, payers))


def _output(info: tuple[str, str, str], details: str, more: str = "") -> Raw:
    """Encoded part by part: one Chinese character makes a text twice as wide as it need be."""
    before, person, after = info
    parts = ('{"setlinfo":', before, person, after, ',"setldetail":', details, more, "}")
    return Raw(b"".join([part.encode() for part in parts]))


def _settle_info(
    row: SettlementRow, identity: Identity, profile: RegionProfile
) -> tuple[str, str, str]:
    """`setlinfo` of a quote (number 0: no `setl_id`) or a settlement (`SettleInfo`), in parts."""
    setl_id = f',"setl_id":"{row.setl_id}"' if row.setl_id else ""
    return (
        f'{{{_money(row, profile)},"mdtrt_id":"{row.mdtrt_id or ""}"{setl_id},',
        _person(row, identity),
        f',"setl_time":"{format_datetime(local_time(row.setl_time))}"'
        f',"mdtrt_cert_type":{quoted(row.credential_type)}'
        f',"med_type":{quoted(row.care_type)}'
        f',"psn_part_amt":{y(row.personal_fen)}'
        f',"psn_cash_pay":{y(row.cash_fen)}'
        f',"hosp_part_amt":{y(row.hospital_fen)}'
        f',"medins_setl_id":{quoted(row.msgid)}'
        f',"clr_optins":"{profile.code}","clr_way":"{CLEARING_WAY}"'
        f',"clr_type":{quoted(row.clearing_type)},"exp_content":""}}',
    )


def _cancel_info(
    row: SettlementRow, identity: Identity, profile: RegionProfile
) -> tuple[str, str, str]:
    """`setlinfo` of a cancel: every amount negative, a number of its own (`CancelInfo`)."""
    cash = y(row.cash_fen)
    return (
        f'{{{_money(row, profile)},"mdtrt_id":"{row.mdtrt_id}","setl_id":"{row.setl_id}"'
        f',"clr_optins":"{profile.code}"'
        f',"setl_time":"{format_datetime(local_time(row.setl_time))}"'
        f',"psn_part_amt":{y(row.personal_fen)}'
        f',"hosp_part_amt":{y(row.hospital_fen)}'
        f',"medins_setl_id":{quoted(row.msgid)}'
        f',"psn_cash_pay":{cash},"pdn_cash_pay":{cash},',
        _person(row, identity),
        f',"mdtrt_cert_type":{quoted(row.credential_type)}'
        f',"med_type":{quoted(row.care_type)},"exp_content":""'
        f',"clr_type":{quoted(row.clearing_type)},"clr_way":"{CLEARING_WAY}"}}',
    )


def _money(row: SettlementRow, profile: RegionProfile) -> str:
    """The members of `Money`."""
    return (
        f'"medfee_sumamt":{y(row.total_fen)}'
        f',"fulamt_ownpay_amt":{y(row.full_self_pay_fen)}'
        f',"overlmt_selfpay":{y(row.over_ceiling_fen)}'
        f',"preselfpay_amt":{y(row.pre_self_pay_fen)}'
        f',"inscp_scp_amt":{y(row.in_scope_fen)}'
        f',"act_pay_dedc":{y(row.deductible_fen)}'
        f',"hifp_pay":{y(row.hifp_fen)}'
        f',"pool_prop_selfpay":{ratio_json(row.pool_ratio_bp)}'
        f',"cvlserv_pay":{y(row.cvlserv_fen)}'
        f',"hifes_pay":{y(row.hifes_fen)}'
        f',"hifmi_pay":{y(row.hifmi_fen)}'
        f',"hifob_pay":{y(row.hifob_fen)}'
        f',"maf_pay":{y(row.maf_fen)}'
        f',"oth_pay":{y(row.oth_fen)}'
        f',"hifdm_pay":{y(row.hifdm_fen)}'
        f',"fund_pay_sumamt":{y(fund_total_fen(row, profile))}'
        f',"acct_pay":{y(row.account_fen)}'
        f',"acct_mulaid_pay":{y(row.family_account_fen)}'
        f',"balc":{y(row.balance_fen)}'
    )


def _person(row: SettlementRow, identity: Identity) -> str:
    """Who it was about, from psn_no to cvlserv_flag."""
    born_on = identity.born_on
    return (
        f'"psn_no":{quoted(row.psn_no)}'
        f',"psn_name":{quoted(identity.name)}'
        f',"psn_cert_type":{quoted(identity.certificate_type)}'
        f',"certno":{quoted(identity.certificate_no)}'
        f',"gend":{quoted(identity.sex)}'
        f',"naty":{quoted(identity.ethnic_group)}'
        f',"brdy":"{format_date(born_on)}"'
        f',"age":{years_between(born_on, row.service_at)}.0'
        f',"insutype":{quoted(row.scheme)}'
        f',"psn_type":{quoted(row.category)}'
        f',"cvlserv_flag":"{1 if row.civil_servant else 0}"'
    )


def shares_of(row: SettlementRow) -> tuple[FundShare, ...]:
    """What each fund paid, as stored with the row (a cancel keeps the original's, positive)."""
    return _DECODE_SHARES(row.shares)


def settle_details(
    row: SettlementRow, payers: Payers, shares: tuple[FundShare, ...] | None = None
) -> str:
    """`setldetail`: a row a fund, then the account where it paid (money rule 7, `SettleDetail`)."""
    sign = 1 if row.undoes_setl_id is None else -1
    if shares is None:
        shares = shares_of(row)
    rows = [_fund_detail(share, payers, sign) for share in shares]
    if row.account_fen and payers.account is not None:
        fund = payers.account.fund
        rows.append(
            f'{{"fund_pay_type":{quoted(fund.code)},"inscp_scp_amt":0.00'
            f',"crt_payb_lmt_amt":{y(row.balance_fen + row.account_fen)}'
            f',"fund_payamt":{y(row.account_fen)}'
            f',"fund_pay_type_name":{quoted(fund.name)},"setl_proc_info":""}}'
        )
    return f"[{','.join(rows)}]"


def _fund_detail(share: FundShare, payers: Payers, sign: int) -> str:
    name = payers.funds[share.fund_pay_type].name
    limit = share.limit_before_fen
    process = share.process_zh(name) if share.ledger_code else ""  # told by another region
    return (
        f'{{"fund_pay_type":{quoted(share.fund_pay_type)}'
        f',"inscp_scp_amt":{y(sign * share.in_scope_fen)}'
        f',"crt_payb_lmt_amt":{_NO_LIMIT if limit is None else y(limit)}'
        f',"fund_payamt":{y(sign * share.amount_fen)}'
        f',"fund_pay_type_name":{quoted(name)}'
        f',"setl_proc_info":{quoted(process)}}}'
    )


def _detail_cut(priced: PricedLine) -> str:
    """One row of `detlcutinfo` (`DetailCut`)."""
    return (
        f'{{{_split(priced)}'
        ',"bas_medn_flag":"","hi_nego_drug_flag":"","chld_medc_flag":"","list_sp_item_flag":""'
        f',"drt_reim_flag":"","memo":{quoted(priced.note)}}}'
    )


def _split(priced: PricedLine) -> str:
    """A line and its four parts, from feedetl_sn to med_chrgitm_type."""
    line = priced.line
    ceiling = priced.ceiling_e6
    return (
        f'"feedetl_sn":{quoted(line.line_no)}'
        f',"det_item_fee_sumamt":{y(line.amount_fen)}'
        f',"cnt":{quantity_json(line.quantity_e4)}'
        f',"pric":{price_json(line.price_e6)}'
        f',"pric_uplmt_amt":{_NO_CEILING if ceiling is None else price_json(ceiling)}'
        f',"selfpay_prop":{ratio_json(priced.self_pay_bp)}'
        f',"fulamt_ownpay_amt":{y(priced.full_self_pay_fen)}'
        f',"overlmt_amt":{y(priced.over_ceiling_fen)}'
        f',"preselfpay_amt":{y(priced.pre_self_pay_fen)}'
        f',"inscp_scp_amt":{y(priced.in_scope_fen)}'
        f',"chrgitm_lv":{quoted(priced.item_class)}'
        f',"med_chrgitm_type":{quoted(priced.charge_kind)}'
    )


def upload_reply(lines: Iterable[PricedLine]) -> Raw:
    """Output of 2204 and 2301 (`FeeUploadReply`): how each line is split, as far as the line alone
    decides it."""
    results = ",".join([_fee_result(line) for line in lines])
    return Raw(f'{{"result":[{results}]}}'.encode())


def _fee_result(priced: PricedLine) -> str:
    """One row of `result` (`FeeResult`)."""
    return (
        f'{{{_split(priced)}'
        ',"bas_medn_flag":"","hi_nego_drug_flag":"","chld_medc_flag":"","list_sp_item_flag":""'
        f',"lmt_used_flag":"0","drt_reim_flag":"","memo":{quoted(priced.note)}'
        ',"exp_content":""}'
    )


def age(born_on: date, on: date) -> Raw:
    """Completed years, with the one decimal that the field has."""
    return decimal_raw(years_between(born_on, on) * 10, 1)
