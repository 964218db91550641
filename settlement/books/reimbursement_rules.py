"""What a region decides about manual reimbursement (手工报销). Pure."""

from __future__ import annotations

from msgspec import Struct


class ReimbursementRules(Struct, frozen=True, kw_only=True):
    """See the module."""

    claim_days_max: int = 365
    """how many days after the care, of a stay after its discharge, papers are taken"""
