"""The designated institution (定点医药机构) and what its agreement allows on a date."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from msgspec import Struct


class InstitutionKind(StrEnum):
    """机构类型"""

    HOSPITAL = "hospital"
    PHARMACY = "pharmacy"


class Institution(Struct, frozen=True, kw_only=True, gc=False):
    """An institution under agreement. Levels are NHSA codes, and the three may differ."""

    code: str
    name: str
    kind: InstitutionKind
    region: str
    hospital_level: str
    """hosp_lv"""
    deductible_level: str
    """dedc_hosp_lv: 1 first and below, 2 second, 3 third"""
    ceiling_level: str
    """lmtpric_hosp_lv: 1, 2, 3"""
    agreement_from: date
    agreement_to: date
    suspended: bool
    care_types: frozenset[str]
    """med_type codes the institution is approved for"""
    off_site: bool = True
    """approved for people insured in other regions (异地就医直接结算)"""
    account_base: int
    """first account number of the institution's block in the ledger (settlement/chart.py)"""
