"""From what we know of a person to the output of 1101 and 2001."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from protocol.nhsa.amounts import yuan
from protocol.nhsa.messages.person import (
    BaseInfo,
    EntitlementCheckReply,
    InsuranceInfo,
    PersonLookupReply,
    TreatmentInfo,
)
from protocol.nhsa.times import format_date
from settlement.entitlement import FundCheck
from settlement.person import Enrolment
from settlement.translate.answers import age
from settlement.view import PersonFacts

_FUND_CHECK = "01"
"""基金项检查"""


def person_reply(person: PersonFacts, on: date, region: str) -> PersonLookupReply:
    """Output of 1101: identity, and one row a scheme; only the employee scheme has an account."""
    identity = person.identity
    return PersonLookupReply(
        baseinfo=BaseInfo(
            psn_no=person.person_no,
            psn_cert_type=identity.certificate_type,
            certno=identity.certificate_no,
            psn_name=identity.name,
            gend=identity.sex,
            naty=identity.ethnic_group,
            brdy=format_date(identity.born_on),
            age=age(identity.born_on, on),
        ),
        insuinfo=tuple(
            InsuranceInfo(
                balc=yuan(person.balance_fen),
                insutype=e.scheme,
                psn_type=e.category,
                psn_insu_stas=e.status,
                psn_insu_date=format_date(e.enrolled_on),
                paus_insu_date=format_date(e.suspended_on) if e.suspended_on else "",
                cvlserv_flag="1" if e.civil_servant else "0",
                insuplc_admdvs=e.region or region,
                emp_name=identity.employer,
            )
            for e in present(person.enrolments, on)
        ),
    )


def present(enrolments: Iterable[Enrolment], on: date) -> list[Enrolment]:
    """One row a scheme: the version that holds on a date, or the first one to come."""
    rows: dict[str, Enrolment] = {}
    for each in sorted(enrolments, key=lambda enrolment: enrolment.starts_on):
        if each.scheme not in rows or each.starts_on <= on:
            rows[each.scheme] = each
    return list(rows.values())


def entitlement_reply(person_no: str, rows: Iterable[FundCheck]) -> EntitlementCheckReply:
    """Output of 2001: one row a fund."""
    return EntitlementCheckReply(
        trtinfo=tuple(
            TreatmentInfo(
                psn_no=person_no,
                trt_chk_type=_FUND_CHECK,
                fund_pay_type=row.fund_pay_type,
                trt_enjymnt_flag="1" if row.entitled else "0",
                begndate=format_date(row.begins_on),
                enddate=format_date(row.ends_on) if row.ends_on else "",
                trt_chk_rslt=row.reason_zh,
            )
            for row in rows
        )
    )
