"""Which transactions an institution of each kind sends in its examination, and why not the others.

What is registered is either sent or excused here, for both kinds: tests/tidy holds this against the
registry, so that a new transaction cannot be forgotten.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec
from msgspec import Struct

from protocol.nhsa.messages import catalogue, stored
from protocol.nhsa.registry import TRANSACTIONS
from settlement.client import Came
from settlement.client.wire import Passage

FILES: tuple[str, ...] = tuple(
    infno for infno, one in TRANSACTIONS.items() if one.request is catalogue.CatalogueFile
)
"""Catalogue files: they differ in nothing but the file."""
STORED: tuple[str, ...] = tuple(
    infno for infno, one in TRANSACTIONS.items() if one.request is stored.Stored
)
"""Uploads that are kept as sent: they differ in nothing but the number."""
RECORDS: frozenset[str] = frozenset(one for one in STORED if not one.startswith(("35", "49")))
"""of them, clinical records"""

_COUNTER = frozenset({
    "9001", "9002", "1101", "2001", "2601", "5201", "5203", "5204", "5205", "5206",
})  # fmt: skip
_LISTS = frozenset({
    "1304", "1312", "1316", "1317", "1318", "1319", "1901", "3301", "3302", *FILES,
})  # fmt: skip
_UPLOADS = frozenset({"4101", "4101A", *STORED}) - RECORDS
MOBILE = frozenset({"6201", "6202", "6203", "6301", "6401"})
_BOOKS = frozenset({"3201", "3202", "3203", "3204", "3260", "3261", "3262", "9101", "9102"})
_BOTH = _COUNTER | _LISTS | _UPLOADS | MOBILE | _BOOKS
_SALES = frozenset({"2101", "2102", "2103"})
_SHARED_VISITS = frozenset({"2201", "2202", "2203A"})
"""what a pharmacy sends of a visit, too"""
_VISITS = frozenset({
    "2201", "2202", "2203", "2203A", "2204", "2205", "2206", "2206A", "2207", "2207A", "2208",
})  # fmt: skip
_STAYS = frozenset({
    "2301", "2302", "2303", "2304", "2304A", "2305", "2401", "2402", "2403", "2404", "2405",
})  # fmt: skip
_FILINGS = frozenset({
    "2501", "2502", "2503", "2504", "2505", "2506", "5301", "5302", "5304",
})  # fmt: skip

SENT: Mapping[str, frozenset[str]] = {
    "pharmacy": _BOTH | _SALES | _SHARED_VISITS,
    "hospital": _BOTH | _VISITS | _STAYS | _FILINGS | RECORDS,
}
"""What each kind of institution sends."""


class Excuse(Struct, frozen=True, kw_only=True):
    """Why transactions are not carried out."""

    infnos: frozenset[str]
    reason: str


NOT_SENT: Mapping[str, tuple[Excuse, ...]] = {
    "pharmacy": (
        Excuse(infnos=_VISITS - _SHARED_VISITS, reason="门诊由医院办理 a hospital's visits"),
        Excuse(infnos=_STAYS, reason="住院由医院办理 a hospital's stays"),
        Excuse(infnos=_FILINGS, reason="备案及其查询由医院办理 filings are made by hospitals"),
        Excuse(infnos=RECORDS, reason="诊疗记录由医院上传 a hospital's clinical records"),
    ),
    "hospital": (Excuse(infnos=_SALES, reason="药店购药 sales of a pharmacy"),),
}
"""What the other kind sends, with the reason."""

REFUSED_ONLY: Mapping[str, str] = {
    "3261": "上月没有可确认的省内异地结算，只检查拒绝 "
            "last month has no settlement of another city's people to confirm",
    "3262": "须有已确认的清分结果，只检查拒绝 needs a confirmation of 3261",
}  # fmt: skip
"""What is sent and can only be refused where last month has no such settlement, with the reason."""

WITHOUT_TOKENS = "未提供电子凭证令牌，只检查拒绝 no e-credential tokens were given"
"""Why mobile payment is only refused where the agency hands out no tokens."""


FAILED = "检查未通过 its checks failed"
NOT_REACHED = "检查未进行到此 its checks ended before it"
UNKNOWN = "本清单没有检查 this checklist has no check of it"


def not_sent(kind: str) -> dict[str, str]:
    """What an institution of this kind does not send, and why."""
    return {
        infno: excuse.reason for excuse in NOT_SENT[kind] for infno in sorted(excuse.infnos)
    }


def refused_only(*, with_tokens: bool) -> dict[str, str]:
    """What is sent and need not be carried out, and why."""
    if with_tokens:
        return dict(REFUSED_ONLY)
    return {**REFUSED_ONLY, **dict.fromkeys(sorted(MOBILE), WITHOUT_TOKENS)}


def forgotten(kind: str, registered: Collection[str]) -> set[str]:
    """Registered transactions that are neither sent nor excused."""
    return set(registered) - SENT[kind] - set(not_sent(kind))


def served_by(page: Passage) -> frozenset[str]:
    """The transactions that /openapi.json lists; ours where there is no such page."""
    if isinstance(page, Came) and page.status == 200:
        try:
            paths = msgspec.json.decode(page.body, type=_OpenApi).paths
        except msgspec.DecodeError:
            paths = {}
        found = {path.rsplit("/", 1)[-1] for path in paths if path.startswith("/hsa/hgs/")}
        if found:
            return frozenset(found)
    return frozenset(TRANSACTIONS)


class _OpenApi(Struct):
    paths: dict[str, object]
