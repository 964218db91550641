"""The reference data that decisions read: one snapshot, replaced as a whole."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from settlement.catalogue import Catalogue
from settlement.elsewhere.counterpart import Counterpart
from settlement.institution import Institution
from settlement.keyring import Keyring
from settlement.numbers import NumberSource
from settlement.policy.loader import PolicySet
from settlement.policy.region import RegionProfile
from settlement.staff import Staffing


class Suspensions(Struct, frozen=True, kw_only=True):
    """Operators' stop switches (暂停), by kind of subject: subject to reason."""

    persons: Mapping[str, str] = {}
    institutions: Mapping[str, str] = {}
    funds: Mapping[str, str] = {}
    channels: Mapping[str, str] = {}
    credentials: Mapping[str, str] = {}


class World(Struct, frozen=True, kw_only=True):
    """Everything but the facts of the persons themselves that a decision depends on."""

    region: str
    lanes: int
    profile: RegionProfile
    policies: PolicySet
    catalogue: Catalogue
    institutions: Mapping[str, Institution]
    suspensions: Suspensions
    staff: Staffing = {}
    """doctors and others of institutions, where the region looks at them (`doctor_check`)"""
    cancel_approvals: frozenset[int] = frozenset()
    """settlements that may be cancelled with an approval (退费备案)"""
    receivers: frozenset[tuple[str, str]] = frozenset()
    """institutions that are told of things, with the kind of notice (settlement/outbox.py)"""
    counterparts: Mapping[str, Counterpart] = {}
    """other regions that people come from or go to, by their code"""
    keyring: Keyring
    next_number: NumberSource
