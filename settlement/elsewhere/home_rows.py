"""What lies beside a settlement of somebody of ours who was treated in another region (异地就医).

The settlement row is as any other: in the person's lane and year, with their accumulators. Where an
institution of ours would stand it has the code of the region of treatment, to which we owe what we
pay; who treated is here. Knows no SQL and no wire names.
"""

from __future__ import annotations

from datetime import date

from msgspec import Struct

HUB = "HUB"
"""`infno` of such rows: no transaction of the interface made them"""


class HomeCaseRow(Struct, frozen=True, kw_only=True, gc=False):
    """One row of settlement.home_case."""

    lane: int
    setl_id: int
    setl_on: date
    """its business day"""
    treated_region: str
    case_no: str
    """of a cancel that of what it takes back"""
    institution: str
    """who treated, by its code there"""
    institution_name: str
    visit_no: str
    filing: str
    """by which kind of filing it was shared (settlement/policy/table.py, FILINGS)"""
