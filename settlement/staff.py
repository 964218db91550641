"""Staff of institutions (医护人员): who works where, from when to when, and as what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum

from msgspec import Struct


class StaffKind(StrEnum):
    """人员类别"""

    DOCTOR = "doctor"
    """医师"""
    PHARMACIST = "pharmacist"
    """药师"""
    NURSE = "nurse"
    """护士"""


STAFF_ZH = {StaffKind.DOCTOR: "医师", StaffKind.PHARMACIST: "药师", StaffKind.NURSE: "护士"}


class Staff(Struct, frozen=True, kw_only=True, gc=False):
    """One term of somebody at one institution; both days are among it."""

    institution: str
    code: str
    """医护人员编码, as bilg_dr_codg and atddr_no say it"""
    kind: StaffKind
    name: str
    effective_from: date
    effective_to: date


Staffing = Mapping[tuple[str, str], tuple[Staff, ...]]
"""Terms by institution and code, the earliest first."""


def staffing_of(terms: Iterable[Staff]) -> Staffing:
    """Terms, so that a line finds its doctor's; they come in the order of their first day."""
    found: dict[tuple[str, str], tuple[Staff, ...]] = {}
    for term in terms:
        key = (term.institution, term.code)
        found[key] = (*found.get(key, ()), term)
    return found
