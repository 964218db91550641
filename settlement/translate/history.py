"""From what was booked to the outputs of 5201, 5203 and 5204."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from protocol.nhsa.amounts import decimal_raw, yuan
from protocol.nhsa.messages.enquiry import (
    FeeRow,
    FoundVisit,
    SettlementEnquiryReply,
    StoredSettleInfo,
    VisitEnquiryReply,
)
from protocol.nhsa.messages.money import SettleDetail
from protocol.nhsa.times import format_date, format_datetime
from settlement.catalogue import Item
from settlement.clock import local_time
from settlement.entitlement import enrolment_on
from settlement.institution import Institution
from settlement.payers import Payers
from settlement.person import Identity
from settlement.policy.region import RegionProfile
from settlement.rows import Detail, SettledLine, SettlementRow, VisitRow
from settlement.translate.answers import CLEARING_WAY, NO_CEILING, age, settle_details
from settlement.translate.fund_total import fund_total_fen
from settlement.view import PersonFacts

_DECODE_DETAILS = msgspec.json.Decoder(tuple[SettleDetail, ...]).decode
_PAID_AT_INSTITUTION = "2"
"""pay_loc: 医疗机构"""


class FeeRows(Struct, frozen=True, kw_only=True, gc=False):
    """The bare array that 5204 answers with."""

    rows: tuple[FeeRow, ...]


def settlement_reply(
    row: SettlementRow, identity: Identity, institution: Institution, payers: Payers,
    profile: RegionProfile, *, refunded: bool,
) -> SettlementEnquiryReply:  # fmt: skip
    """Output of 5203. A cancel and what it cancelled are both refunded."""
    on = row.service_at.date()
    info = StoredSettleInfo(
        setl_id=str(row.setl_id),
        mdtrt_id=str(row.mdtrt_id),
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
        insu_optins=profile.code,
        emp_name=identity.employer,
        pay_loc=_PAID_AT_INSTITUTION,
        fixmedins_code=row.institution,
        fixmedins_name=institution.name,
        hosp_lv=institution.hospital_level,
        fixmedins_poolarea=institution.region,
        lmtpric_hosp_lv=institution.ceiling_level,
        dedc_hosp_lv=institution.deductible_level,
        begndate=format_date(on),
        enddate=format_date(on),
        setl_time=format_datetime(local_time(row.setl_time)),
        mdtrt_cert_type=row.credential_type,
        med_type=row.care_type,
        clr_type=row.clearing_type,
        clr_way=CLEARING_WAY,
        clr_optins=profile.code,
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
        fund_pay_sumamt=yuan(fund_total_fen(row, profile)),
        psn_pay=yuan(row.personal_fen),
        acct_pay=yuan(row.account_fen),
        cash_payamt=yuan(row.cash_fen),
        balc=yuan(row.balance_fen),
        acct_mulaid_pay=yuan(row.family_account_fen),
        medins_setl_id=row.msgid,
        refd_setl_flag="1" if refunded else "0",
        year=str(row.year),
        invono=row.invoice_no,
        opter_id=row.operator,
        opt_time=format_datetime(local_time(row.setl_time)),
    )
    details = _DECODE_DETAILS(settle_details(row, payers))
    return SettlementEnquiryReply(setlinfo=info, setldetail=details)


def fee_rows(row: SettlementRow, detail: Detail, items: Mapping[str, Item]) -> FeeRows:
    """Output of 5204; empty once the lines were erased."""
    return FeeRows(rows=tuple(_fee_row(row, line, items) for line in detail.lines))


def _fee_row(row: SettlementRow, settled: SettledLine, items: Mapping[str, Item]) -> FeeRow:
    priced, kept = settled.priced, settled.kept
    line = priced.line
    item = items.get(line.item_code)
    name = "" if item is None else item.name
    ceiling = priced.ceiling_e6
    said = {key: value for key, value in kept.extra.items() if isinstance(value, str)}
    return FeeRow(
        mdtrt_id=str(row.mdtrt_id),
        setl_id=str(row.setl_id),
        feedetl_sn=line.line_no,
        rx_drord_no=said.get("rxno", ""),
        med_type=row.care_type,
        fee_ocur_time=kept.occurred_at,
        cnt=decimal_raw(line.quantity_e4, 4),
        pric=decimal_raw(line.price_e6, 6),
        sin_dos_dscr=said.get("sin_dos_dscr", ""),
        used_frqu_dscr=said.get("used_frqu_dscr", ""),
        medc_way_dscr=said.get("medc_way_dscr", ""),
        det_item_fee_sumamt=yuan(line.amount_fen),
        pric_uplmt_amt=NO_CEILING if ceiling is None else decimal_raw(ceiling, 6),
        selfpay_prop=decimal_raw(priced.self_pay_bp, 4),
        fulamt_ownpay_amt=yuan(priced.full_self_pay_fen),
        overlmt_amt=yuan(priced.over_ceiling_fen),
        preselfpay_amt=yuan(priced.pre_self_pay_fen),
        inscp_scp_amt=yuan(priced.in_scope_fen),
        chrgitm_lv=priced.item_class,
        hilist_code=line.item_code,
        hilist_name=name,
        list_type="" if item is None else item.list_type,
        med_list_codg=line.item_code,
        medins_list_codg=line.institution_item_code,
        medins_list_name=name,
        med_chrgitm_type=priced.charge_kind,
        dosform_name="",
        bilg_dept_codg=said.get("bilg_dept_codg", ""),
        bilg_dept_name=said.get("bilg_dept_name", ""),
        bilg_dr_codg=said.get("bilg_dr_codg", ""),
        bilg_dr_name=said.get("bilg_dr_name", ""),
        hosp_appr_flag=said.get("hosp_appr_flag", ""),
        tcmdrug_used_way=said.get("tcmdrug_used_way", ""),
        memo=priced.note,
        opter_id=row.operator,
        opt_time=format_datetime(local_time(row.setl_time)),
    )


def visits_reply(rows: Iterable[FoundVisit]) -> VisitEnquiryReply:
    """Output of 5201, oldest first."""
    return VisitEnquiryReply(mdtrtinfo=tuple(sorted(rows, key=lambda row: row.begntime)))


def purchase_visit(
    row: SettlementRow, person: PersonFacts, region: str, *, stands: bool
) -> FoundVisit:
    """A pharmacy sale as a visit; without its settlement once that was cancelled."""
    return _visit(
        person, region, mdtrt_id=row.mdtrt_id, begun_at=row.service_at, scheme=row.scheme,
        category=row.category, civil_servant=row.civil_servant, care_type=row.care_type,
        settled=row if stands else None,
    )  # fmt: skip


def registered_visit(
    visit: VisitRow, care_type: str, settled: Sequence[SettlementRow], person: PersonFacts,
    region: str,
) -> FoundVisit:  # fmt: skip
    """A registered visit, with its newest standing settlement."""
    enrolment = enrolment_on(person.enrolments, visit.scheme, visit.begun_at.date())
    return _visit(
        person, region, mdtrt_id=visit.mdtrt_id, begun_at=visit.begun_at, scheme=visit.scheme,
        category="" if enrolment is None else enrolment.category,
        civil_servant=enrolment is not None and enrolment.civil_servant, care_type=care_type,
        settled=settled[-1] if settled else None,
    )  # fmt: skip


def _visit(
    person: PersonFacts, region: str, *, mdtrt_id: int, begun_at: datetime, scheme: str,
    category: str, civil_servant: bool, care_type: str, settled: SettlementRow | None,
) -> FoundVisit:  # fmt: skip
    identity = person.identity
    at = format_datetime(begun_at)
    return FoundVisit(
        mdtrt_id=str(mdtrt_id),
        psn_no=person.person_no,
        psn_cert_type=identity.certificate_type,
        certno=identity.certificate_no,
        psn_name=identity.name,
        gend=identity.sex,
        naty=identity.ethnic_group,
        brdy=format_date(identity.born_on),
        insutype=scheme,
        psn_type=category,
        cvlserv_flag="1" if civil_servant else "0",
        insu_optins=region,
        emp_name=identity.employer,
        begntime=at,
        endtime=at,
        med_type=care_type,
        setl_id="" if settled is None else str(settled.setl_id),
        medins_setl_id="" if settled is None else settled.msgid,
    )
