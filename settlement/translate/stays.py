"""From the wire's requests about stays to commands: 2301–2304, 2401–2405."""

from __future__ import annotations

from protocol.nhsa.messages import inpatient, inpatient_settle
from protocol.nhsa.times import parse_moment
from settlement.claim import AccountUse
from settlement.commands import (
    AdmitStay,
    ChangeStay,
    Credential,
    DischargeStay,
    History,
    SettleStay,
    UploadStayLines,
    WithdrawAdmission,
    WithdrawDischarge,
    WithdrawStayLines,
)
from settlement.trace import keys_of
from settlement.translate.pieces import (
    ALL_UNSETTLED,
    HEAD_USED,
    Sender,
    credential_of,
    kept_line,
    kept_of,
    lines_of,
    number_of,
)
from settlement.translate.requests import Translator

_MID_STAY = "1"
_ADMISSION_USED = HEAD_USED | {"begntime", "cert_type", "ipt_no"}
_CHANGE_USED = HEAD_USED | {"begntime", "ipt_otp_no"}
_DISCHARGE_USED = HEAD_USED | {"endtime"}
_SETTLEMENT_USED = HEAD_USED | {"mid_setl_flag"}


def admit(translator: Translator, request: inpatient.Admit, sender: Sender) -> AdmitStay:
    """2401."""
    head = request.input.mdtrtinfo
    credential = Credential(
        kind=head.mdtrt_cert_type, number=head.mdtrt_cert_no or "",
        card_serial=head.card_sn or None, certificate_no=head.certno or None, name=None,
    )  # fmt: skip
    kept = kept_of(head, _ADMISSION_USED)
    kept["diseinfo"] = [kept_of(row, frozenset()) for row in request.input.diseinfo]
    return AdmitStay(
        asked=translator.asked(request, sender, head.psn_no),
        token_key=translator.token_key(credential),
        history=History(settlements=False, stays_only=True),
        scheme=head.insutype,
        care_type=head.med_type,
        begun_at=parse_moment(head.begntime),
        inpatient_no=head.ipt_no,
        credential=credential,
        kept=kept,
    )


def change(translator: Translator, request: inpatient.StayChange, sender: Sender) -> ChangeStay:
    """2403."""
    head = request.input.adminfo
    mdtrt_id = number_of(head.mdtrt_id)
    kept = kept_of(head, _CHANGE_USED)
    kept["diseinfo"] = [kept_of(row, frozenset()) for row in request.input.diseinfo]
    return ChangeStay(
        asked=translator.asked(request, sender, head.psn_no),
        visit_ids=(mdtrt_id,),
        mdtrt_id=mdtrt_id,
        care_type=head.med_type,
        begun_at=parse_moment(head.begntime),
        inpatient_no=head.ipt_otp_no,
        kept=kept,
    )


def discharge(
    translator: Translator, request: inpatient.Discharge, sender: Sender
) -> DischargeStay:
    """2402."""
    head = request.input.dscginfo
    mdtrt_id = number_of(head.mdtrt_id)
    kept = kept_of(head, _DISCHARGE_USED)
    kept["diseinfo"] = [kept_of(row, frozenset()) for row in request.input.diseinfo]
    return DischargeStay(
        asked=translator.asked(request, sender, head.psn_no),
        visit_ids=(mdtrt_id,),
        mdtrt_id=mdtrt_id,
        scheme=head.insutype,
        ended_at=parse_moment(head.endtime),
        kept=kept,
    )


def withdraw_admission(
    translator: Translator, request: inpatient.AdmitCancel, sender: Sender
) -> WithdrawAdmission:
    """2404."""
    data = request.input.data
    mdtrt_id = number_of(data.mdtrt_id)
    asked = translator.asked(request, sender, data.psn_no)
    return WithdrawAdmission(asked=asked, visit_ids=(mdtrt_id,), mdtrt_id=mdtrt_id)


def withdraw_discharge(
    translator: Translator, request: inpatient.DischargeCancel, sender: Sender
) -> WithdrawDischarge:
    """2405."""
    data = request.input.data
    mdtrt_id = number_of(data.mdtrt_id)
    asked = translator.asked(request, sender, data.psn_no)
    return WithdrawDischarge(asked=asked, visit_ids=(mdtrt_id,), mdtrt_id=mdtrt_id)


def upload(
    translator: Translator, request: inpatient.StayFeeUpload, sender: Sender
) -> UploadStayLines:
    """2301: one message is about one stay of one person."""
    rows = request.input.feedetail
    first = rows[0]
    mdtrt_id = number_of(first.mdtrt_id)
    lines = lines_of(rows, sender.numbers, "feedetail")
    traces = translator.traces(rows)
    return UploadStayLines(
        asked=translator.asked(request, sender, first.psn_no),
        traces=traces,
        trace_keys=keys_of(traces),
        trace_lanes=translator.lanes,
        visit_ids=(mdtrt_id,),
        mapping_keys=translator.mapping_keys(sender, lines),
        mdtrt_id=mdtrt_id,
        lines=lines,
        originals=tuple([row.init_feedetl_sn or "" for row in rows]),
        kept_lines=tuple([kept_line(row) for row in rows]),
        same_visit=all(
            row.mdtrt_id == first.mdtrt_id and row.psn_no == first.psn_no for row in rows
        ),
    )


def withdraw_lines(
    translator: Translator, request: inpatient.StayFeeCancel, sender: Sender
) -> WithdrawStayLines:
    """2302: lines by number, or all that are not settled."""
    rows = request.input.data
    first = rows[0]
    mdtrt_id = number_of(first.mdtrt_id)
    names = tuple([str(row.feedetl_sn) for row in rows])
    return WithdrawStayLines(
        asked=translator.asked(request, sender, first.psn_no),
        visit_ids=(mdtrt_id,),
        mdtrt_id=mdtrt_id,
        line_nos=None if ALL_UNSETTLED in names else names,
        same_visit=all(
            row.mdtrt_id == first.mdtrt_id and row.psn_no == first.psn_no for row in rows
        ),
    )


def settle(
    translator: Translator,
    request: inpatient_settle.StaySettle | inpatient_settle.StayQuote,
    sender: Sender,
) -> SettleStay:
    """2303, 2304 and 2304A."""
    data = request.input.data
    mdtrt_id = number_of(data.mdtrt_id)
    numbers = sender.numbers
    credential = credential_of(data)
    full, over, pre, scope = (
        numbers["data", name][0] if getattr(data, name) is not None else None
        for name in ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
    )
    quote = isinstance(data, inpatient_settle.StayQuoteData)
    return SettleStay(
        asked=translator.asked(request, sender, data.psn_no),
        token_key=translator.token_key(credential),
        visit_ids=(mdtrt_id,),
        mdtrt_id=mdtrt_id,
        scheme=data.insutype,
        account_use=AccountUse(data.acct_used_flag or "0"),
        total_fen=numbers["data", "medfee_sumamt"][0],
        declared_split=(full, over, pre, scope),
        mid_stay=data.mid_setl_flag == _MID_STAY,
        credential=credential,
        invoice_no="" if isinstance(data, inpatient_settle.StayQuoteData) else data.invono or "",
        kept=kept_of(data, _SETTLEMENT_USED),
        quote=quote,
    )
