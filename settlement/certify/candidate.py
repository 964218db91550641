"""Who is examined and with what: an institution with its credential, test persons, test items.

From files that the agency hands out, or from a demo server's `/demo/world.json`; both have the same
names, so the file may be a cut-out of that page.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from zlib import crc32

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from settlement.client import Came, HttpWire, Item, Patient

PERSONS_NEEDED, ITEMS_NEEDED, TOKENS_WANTED = 3, 4, 2
BALANCE_WANTED = Decimal(300)
PRICE_MAX = Decimal(100)
_DEMO_PERSONS = 2_000
_EMPLOYEES = "310"


class CandidateError(Exception):
    """The examination cannot begin; the text says what is missing."""


class TestPerson(Struct, frozen=True, kw_only=True):
    """A test person, as world.json names them."""

    psn_no: str
    psn_name: str
    certno: str
    mdtrt_cert_no: str
    mdtrt_cert_type: str = "02"
    card_sn: str | None = None
    psn_cert_type: str = "01"
    psn_type: str = "11"
    insutype: str = _EMPLOYEES
    balance: Decimal = BALANCE_WANTED
    tokens: list[str] = []
    """e-credential tokens of this person at the institution, for mobile payment"""

    def patient(self) -> Patient:
        """The same for the client."""
        return Patient(**{name: getattr(self, name) for name in Patient.__struct_fields__})


class TestItem(Struct, frozen=True, kw_only=True):
    """A catalogue item."""

    med_list_codg: str
    medins_list_codg: str
    price: Decimal


class _Institution(Struct, frozen=True, kw_only=True):
    code: str
    name: str
    kind: str
    paasid: str
    secret: str


class _Token(Struct, frozen=True, kw_only=True):
    mdtrt_cert_no: str


class TestData(Struct, frozen=True, kw_only=True):
    """A person file, or the page of a demo server."""

    persons: list[TestPerson]
    catalogue: list[TestItem]
    region: str = "441900"
    fund_total_includes_account: bool = False
    """as the region's profile says"""
    without: list[str] = []
    """transactions that the region's profile leaves out"""
    institutions: list[_Institution] = []


class Candidate(Struct, frozen=True, kw_only=True):
    """Everything an examination needs."""

    url: str
    code: str
    name: str
    kind: str
    """pharmacy or hospital"""
    paasid: str
    secret: str
    region: str
    fund_total_includes_account: bool = False
    without: frozenset[str] = frozenset()
    """transactions that the region leaves out, whatever the server lists"""
    patients: tuple[Patient, ...]
    """at least three who may settle: a buyer, another, one for the ward"""
    items: tuple[Item, ...]
    tokens: tuple[str, ...] = ()
    """e-credential tokens of the first patient here; without two, mobile payment is only refused"""


def from_files(
    url: str, code: str, *, name: str, kind: str, paasid: str, secret_file: Path, person_file: Path
) -> Candidate:
    """A candidate with what the agency handed out. Raises CandidateError."""
    try:
        secret = secret_file.read_text("utf-8").strip()
        data = msgspec.json.decode(person_file.read_bytes(), type=TestData, strict=False)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as exc:
        raise CandidateError(f"{exc}") from exc
    return _candidate(
        url, data, _Institution(code=code, name=name, kind=kind, paasid=paasid, secret=secret)
    )


async def from_demo(url: str, code: str) -> Candidate:
    """A candidate of a demo server's own world. Raises CandidateError."""
    wire = HttpWire(url, connect_seconds=5, answer_seconds=60)
    try:
        candidate = await _from_world(wire, url, code)
        buyer = candidate.patients[0].psn_no
        tokens = [await _token(wire, buyer, code) for _ in range(TOKENS_WANTED)]
        return replace(candidate, tokens=tuple(filter(None, tokens)))
    finally:
        await wire.close()


async def _from_world(wire: HttpWire, url: str, code: str) -> Candidate:
    came = await wire.get(f"/demo/world.json?persons={_DEMO_PERSONS}")
    if not isinstance(came, Came) or came.status != 200:
        raise CandidateError(f"{url} shows no /demo/world.json; is it served with --demo?")
    try:
        data = msgspec.json.decode(came.body, type=TestData, strict=False)
    except msgspec.DecodeError as exc:
        raise CandidateError(f"{url}/demo/world.json: {exc}") from exc
    found = next((one for one in data.institutions if one.code == code), None)
    if found is None:
        some = ", ".join(one.code for one in data.institutions[:3])
        raise CandidateError(f"no institution {code} in the demo world; there are {some}, …")
    return _candidate(url, data, found)


async def _token(wire: HttpWire, psn_no: str, code: str) -> str:
    """An e-credential token of a demo server; empty where it gives none."""
    came = await wire.post(f"/demo/token?psn_no={psn_no}&fixmedins_code={code}", b"", {})
    if not isinstance(came, Came) or came.status != 200:
        return ""
    try:
        return msgspec.json.decode(came.body, type=_Token).mdtrt_cert_no
    except msgspec.DecodeError as exc:
        raise CandidateError(f"/demo/token: {exc}") from exc


def kind_of(code: str) -> str:
    """pharmacy or hospital, by the first letter of the national code."""
    return "pharmacy" if code.startswith("P") else "hospital"


def _candidate(url: str, data: TestData, institution: _Institution) -> Candidate:
    persons = _usable(data.persons, institution.code)
    items = [item for item in data.catalogue if 0 < item.price <= PRICE_MAX]
    if len(persons) < PERSONS_NEEDED or len(items) < ITEMS_NEEDED:
        raise CandidateError(
            f"{PERSONS_NEEDED} employees (insutype 310) with {BALANCE_WANTED} in their account and"
            f" {ITEMS_NEEDED} items of at most {PRICE_MAX} are needed; there are {len(persons)} and"
            f" {len(items)}"
        )
    return Candidate(
        url=url, code=institution.code, name=institution.name, kind=institution.kind,
        paasid=institution.paasid, secret=institution.secret, region=data.region,
        fund_total_includes_account=data.fund_total_includes_account,
        without=frozenset(data.without),
        patients=tuple(one.patient() for one in persons[:PERSONS_NEEDED]),
        tokens=tuple(persons[0].tokens),
        items=tuple(
            Item(med_list_codg=i.med_list_codg, medins_list_codg=i.medins_list_codg, price=i.price)
            for i in items[: 3 * ITEMS_NEEDED]
        ),
    )  # fmt: skip


def _usable(persons: Sequence[TestPerson], code: str) -> list[TestPerson]:
    """Those for whom money can move; another institution begins with others."""
    able = [
        one for one in persons if one.insutype == _EMPLOYEES and one.balance >= BALANCE_WANTED
    ]
    if not able:
        return []
    first = crc32(code.encode()) % max(len(able) - PERSONS_NEEDED, 1)
    return able[first:] + able[:first]
