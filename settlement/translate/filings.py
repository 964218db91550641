"""From filings to the outputs of 2501, 2503, 2505 and of the enquiries 5301, 5302, 5304."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct

from protocol.nhsa.messages.filing import (
    ChosenInstitutionFiled,
    ChosenInstitutionFilingReply,
    ChronicFiled,
    ChronicFilingReply,
    TransferFiled,
    TransferFilingReply,
)
from protocol.nhsa.messages.filing_enquiry import (
    ChosenInstitutionEnquiryReply,
    ChosenInstitutionRow,
    ChronicEnquiryReply,
    ChronicRow,
    TransferEnquiryReply,
    TransferRow,
)
from protocol.nhsa.times import format_date, format_datetime
from settlement.clock import local_time
from settlement.people.filing import Filing, FilingKind
from settlement.view import PersonFacts

_IN_THE_CITY = "1"
"""refl_type: 市内转院"""
Found = tuple[Filing, datetime, Mapping[str, object]]
"""A filing, when it came, and what was sent, by its wire names."""


def filed_reply(infno: str, filing_no: int) -> Struct:
    """Output of a filing: its number."""
    number = str(filing_no)
    match infno:
        case "2501":
            return TransferFilingReply(result=TransferFiled(trt_dcla_detl_sn=number))
        case "2503":
            return ChronicFilingReply(result=ChronicFiled(trt_dcla_detl_sn=number))
        case _:
            filed = ChosenInstitutionFiled(trt_dcla_detl_sn=number)
            return ChosenInstitutionFilingReply(result=filed)


def found_reply(kind: FilingKind, found: Iterable[Found], person: PersonFacts) -> Struct:
    """Output of an enquiry: one row a filing."""
    match kind:
        case FilingKind.CHRONIC:
            return ChronicEnquiryReply(feedetail=tuple([_disease(one) for one in found]))
        case FilingKind.CHOSEN:
            rows = tuple([_chosen(one, person) for one in found])
            return ChosenInstitutionEnquiryReply(psnfixmedin=rows)
        case FilingKind.TRANSFER:
            return TransferEnquiryReply(refmedin=tuple([_transfer(one, person) for one in found]))
        case FilingKind.OFF_SITE:
            raise ValueError("no transaction asks for filings of care outside")


def _disease(found: Found) -> ChronicRow:
    filing, _, sent = found
    return ChronicRow(
        opsp_dise_code=filing.subject,
        opsp_dise_name=_text(sent, "opsp_dise_name"),
        begndate=format_date(filing.begins_on),
        enddate=_end(filing),
    )


def _chosen(found: Found, person: PersonFacts) -> ChosenInstitutionRow:
    filing, _, sent = found
    return ChosenInstitutionRow(
        psn_no=person.person_no,
        insutype=filing.scheme,
        fix_srt_no=filing.order,
        fixmedins_code=filing.institution,
        fixmedins_name=_text(sent, "fixmedins_name"),
        begndate=format_date(filing.begins_on),
        enddate=_end(filing),
        memo=_text(sent, "memo"),
    )


def _transfer(found: Found, person: PersonFacts) -> TransferRow:
    filing, recorded_at, sent = found
    identity = person.identity
    as_sent = {
        name: _text(sent, name)
        for name in (
            "tel", "addr", "insu_optins", "diag_code", "diag_name", "dise_cond_dscr",
            "reflin_medins_name", "refl_date", "refl_rea", "hosp_agre_refl_flag",
        )
    }  # fmt: skip
    return TransferRow(
        insutype=filing.scheme or person.enrolments[0].scheme,
        psn_no=person.person_no,
        psn_cert_type=identity.certificate_type,
        certno=identity.certificate_no,
        psn_name=identity.name,
        gend=identity.sex,
        brdy=format_date(identity.born_on),
        emp_name=identity.employer,
        reflin_medins_no=filing.institution,
        out_flag="0" if sent.get("refl_type") == _IN_THE_CITY else "1",
        begndate=format_date(filing.begins_on),
        enddate=_end(filing),
        opt_time=format_datetime(local_time(recorded_at)),
        **as_sent,
    )


def _end(filing: Filing) -> str:
    return "" if filing.ends_on is None else format_date(filing.ends_on)


def _text(sent: Mapping[str, object], name: str) -> str:
    """What was sent under a name; empty where it was left out."""
    return str(sent.get(name, ""))
