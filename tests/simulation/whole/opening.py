"""What two regions begin with: the people, shops and rules of tests/kit/population.py, as rows.

Made once; every story begins with a copy. tests/contract/database builds the same with the
product's own installer in PostgreSQL and compares.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

import msgspec

from ledger.entry import NOTHING, Entry, EntryKind, Transfer
from loadtest.population import make_credential
from settlement import chart
from settlement.chart import CONTRIBUTIONS_BANK, EntryCode
from settlement.clock import CHINA
from settlement.demo import loader, neighbour
from settlement.elsewhere.counterpart import Counterpart
from settlement.keyring import KeyMaterial, Keyring, LookupKind
from settlement.lanes import lane_of, lane_of_key
from settlement.numbers import NumberBlock
from settlement.payments.wallets import owner_of
from settlement.person import FamilyLink, person_record
from settlement.policy.loader import PolicySet, policies_over_time, shipped_files
from settlement.policy.model import FundKind
from settlement.storage.install import SCHEMA_VERSION
from settlement.storage.reference import credential_record
from tests.kit import population
from tests.kit.pair import BASE, OTHER, OURS
from tests.kit.population import HOME, Citizen, Kind, Place, institutions_of
from tests.simulation.database import closing
from tests.simulation.database.records import record
from tests.simulation.database.tables import Person, Tables

OPENED = datetime(2026, 11, 1, 9, 0, tzinfo=CHINA).astimezone(UTC)
LANES, JOURNALS = 4, 2
"""Few lanes: people meet in them, and journals have several."""
LIVING = {Kind.EMPLOYEE: 8, Kind.RETIRED: 1, Kind.PENNILESS: 1, Kind.RESIDENT: 2}
"""Few people: what happens to one meets what happens to the same."""
_HELPED = {0: (1, 2), 8: (2, 3), 9: (3, 1)}
"""Whose relatives pay, an employee, one who is retired and one whose account is empty; which of the
others pay for them, in this order. Only where the policy has relatives."""
_SPOUSE = "01"
WALLET = "WECHAT"
"""thdPayType of the wallet that may confirm orders of mobile payment"""
WALLETS_KEY = "wallet"
_TOKENS_EACH = 8
_LASTING = datetime(2031, 1, 1, tzinfo=UTC)


_PLACES = {
    OURS: Place(
        region=OURS, institutions=HOME.institutions,
        counterparts=(Counterpart(region=OTHER, name="测试商洛", account_base=BASE),),
    ),
    OTHER: Place(
        region=OTHER, institutions=institutions_of(OTHER), persons_after=4_000,
        counterparts=(Counterpart(region=OURS, name="测试东莞", account_base=BASE),),
        profile=neighbour.PROFILE.read_bytes(),
    ),
}  # fmt: skip
_INSTITUTION = record(
    "code", "name", "kind", "region", "hospital_level", "deductible_level", "ceiling_level",
    "agreement_from", "agreement_to", "suspended", "care_types", "off_site",
    "account_base",
)  # fmt: skip
_COUNTERPART = record("region", "name", "account_base", "active", "route")


class Region:
    """A region as it is before anything happens. `tables` gives a copy."""

    def __init__(self, code: str) -> None:
        self.place = _PLACES[code]
        self.keyring = Keyring((_material(code),))
        self.policies = policies_of(code)
        self.people = list(_living(self.place))
        self.helped: list[Citizen]
        """whose relatives pay"""
        self._tables = Tables(
            region=code, lanes=LANES, journals=JOURNALS, opened_at=OPENED,
            schema_version=SCHEMA_VERSION,
        )  # fmt: skip
        self._open_accounts()
        self._open_shops()
        self._move_in()
        self._tables.log.clear()

    def tables(self) -> Tables:
        """A database of its own for a story."""
        return _copied(self._tables)

    def _open_accounts(self) -> None:
        funds = {
            fund.ledger_code: fund.name
            for policy in self.policies.in_force()
            if policy.region == self.place.region
            for fund in policy.funds.values()
            if fund.kind in (FundKind.FUND, FundKind.OTHER)
        }
        accounts = [*chart.fund_accounts(funds), *chart.agency_accounts()]
        for one in self.place.institutions:
            accounts += chart.institution_accounts(one.code, one.name, one.account_base)
        for other in self.place.counterparts:
            accounts += chart.region_accounts(other.region, other.name, other.account_base)
        for account in accounts:
            self._tables.ledger.open(account)

    def _open_shops(self) -> None:
        tables = self._tables
        for one in self.place.institutions:
            tables.institutions[one.code] = _INSTITUTION(
                (one.code, one.name, one.kind.value, one.region, one.hospital_level,
                 one.deductible_level, one.ceiling_level, one.agreement_from, one.agreement_to,
                 one.suspended, sorted(one.care_types), one.off_site, one.account_base)
            )  # fmt: skip
            row = loader._credential_row(self.keyring, one.code, make_credential(one.code, seed=1))
            tables.credentials[str(row[0])] = (*row, None)
        tables.credentials[WALLETS_KEY] = self._wallet_credential()
        for other in self.place.counterparts:
            tables.counterparts[other.region] = _COUNTERPART(
                (other.region, other.name, other.account_base, other.active, other.route)
            )
        for item in population.ITEMS:
            (code, since, until, name, list_type, item_class, charge, ratio, ceilings,
             _) = loader._item_row(item)  # fmt: skip
            tables.items.append(
                (code, name, list_type, item_class, charge, ratio, ceilings, "{}", since, until)
            )
        tables.items.sort(key=lambda row: (row[0], row[8]))
        tables.versions |= {"institutions": 1, "catalogue": 1}

    def _wallet_credential(self) -> tuple[Any, ...]:
        """Of a wallet, which the centre knows by its credential."""
        sealed = self.keyring.seal(b"secret", credential_record(WALLETS_KEY))
        return WALLETS_KEY, owner_of(WALLET), self.keyring.version, sealed, None

    def _move_in(self) -> None:
        tables, openings = self._tables, []
        families = _families(self.people) if self.place.region == OURS else {}
        self.helped = [one for one in self.people if one.number in families]
        for citizen in self.people:
            one = citizen.insured
            lane = lane_of(one.person_no, LANES)
            account, _, version, _, identity, enrolments = loader._person_row(
                self.keyring, lane, one
            )
            family = families.get(one.person_no, "[]")
            if family != "[]":
                record = person_record(
                    lane, one.person_no, account=account, home_region="", enrolments=enrolments,
                    family=family,
                )  # type: ignore[arg-type]  # fmt: skip
                identity = self.keyring.seal(msgspec.json.encode(one.identity), record)
            tables.persons[lane, one.person_no] = Person(
                lane=lane, psn_no=one.person_no, account=account, key_version=version,
                identity=identity, enrolments=enrolments, family=family,
            )  # type: ignore[arg-type]  # fmt: skip
            for _, key_lane, kind, key, _ in loader._keys(self.keyring, lane, one, LANES):
                tables.lookup[key_lane, kind, key] = one.person_no  # type: ignore[index]
            for key in map(self._token_key, tokens_of(one.person_no)):
                hospital = self.place.institutions[2].code
                tables.tokens[lane, one.person_no, key] = hospital, _LASTING
                where = lane_of_key(key, LANES), LookupKind.TOKEN, key
                tables.lookup[where] = one.person_no  # type: ignore[index]
            if one.opening_balance_fen is not None:
                tables.ledger.open_guarded_at_once(lane=lane, account=account)
                if one.opening_balance_fen:
                    openings.append((lane, account, one.opening_balance_fen))
        self._book(openings)

    def _token_key(self, token: str) -> bytes:
        return self.keyring.lookup_key(LookupKind.TOKEN, token)

    def _book(self, openings: Iterable[tuple[int, int, int]]) -> None:
        """As settlement/demo/opening.py does it."""
        tables = self._tables
        tables.number_block += 1
        numbers = NumberBlock(tables.number_block)
        by_lane: dict[int, list[Transfer]] = {}
        for lane, account, fen in openings:
            by_lane.setdefault(lane, []).append(Transfer(CONTRIBUTIONS_BANK, account, fen))
        by_journal: dict[int, list[Entry]] = {}
        day = OPENED.astimezone(CHINA).date()
        for lane, legs in sorted(by_lane.items()):
            entry = Entry(
                lane=lane, entry_id=numbers.next(lane, day), kind=EntryKind.SINGLE,
                code=EntryCode.ACCOUNT_CONTRIBUTION, transfers=tuple(legs), commitment=NOTHING,
            )  # fmt: skip
            by_journal.setdefault(tables.journal_of[lane], []).append(entry)
        for journal, entries in sorted(by_journal.items()):
            booked = tables.ledger.book(
                journal=journal, business_day=day, booked_at=OPENED, entries=entries
            )
            closing.fold(tables, journal, 0, booked.block_no)


def tokens_of(person_no: str) -> list[str]:
    """The e-credential of a person, and authorisations to pay."""
    return [f"EC{person_no[-6:]}{place:02d}" for place in range(_TOKENS_EACH)]


@lru_cache
def region(code: str) -> Region:
    """The region, made once."""
    return Region(code)


@lru_cache
def policies_of(code: str) -> PolicySet:
    """What is in force in a region."""
    profile = _PLACES[code].profile
    return policies_over_time(shipped_files(), [(f"{code}.toml", profile)] if profile else [])


def _living(place: Place) -> Iterable[Citizen]:
    left = dict(LIVING)
    for kind, citizen in population.citizens(0, region=place.region, after=place.persons_after):
        if left.get(kind, 0):
            left[kind] -= 1
            yield citizen


def _families(people: list[Citizen]) -> dict[str, str]:
    """Who has relatives whose accounts may pay: number, and what the row says."""
    found = {}
    for helped, donors in _HELPED.items():
        links = [
            FamilyLink(
                donor_no=people[place].number, relation=_SPOUSE, order=order,
                consented_on=date(2020, 1, 1),
            )
            for order, place in enumerate(donors, 1)
        ]  # fmt: skip
        found[people[helped].number] = msgspec.json.encode(links).decode()
    return found


def _material(code: str) -> KeyMaterial:
    def key(use: str) -> bytes:
        return sha256(f"{use} {code}".encode()).digest()

    return KeyMaterial(version=1, encryption=key("encryption"), lookup=key("lookup"))


def _copied(tables: Tables) -> Tables:
    twin = _with_own_tables(tables)
    twin.ledger = tables.ledger.copy()
    return twin


def _with_own_tables(tables: Tables) -> Tables:
    twin = copy.copy(tables)
    for name, value in list(vars(twin).items()):
        if isinstance(value, dict | list):
            own: Any = value.copy()
            setattr(twin, name, own)
    return twin
