"""An institution that reaches for what another one has: a proxy before a real server.

Whatever the honest institution sends, the intruder sends first: once in the honest one's name under
its own credential, and, where the message names something that the honest one was given or has, as
its own message. What the examination sends is complete by a test (settlement/certify/scope), so a
transaction that is new is tried here without a word in this file.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from itertools import count
from typing import Any

import msgspec
from asyncpg import Connection, Record
from msgspec import Struct

from loadtest.population import make_credential
from settlement.gateway import Caller
from settlement.institution import Institution
from tests.kit.broken import Answer, HonestServer, message_in
from tests.kit.served import SEED, ServedTown, signed

TRIES = 1
"""How often each transaction is tried each way, with a message that the other could have sent."""
_SERIALS = count(1)
_ENCODE = msgspec.json.Encoder(decimal_format="number").encode
_NUMBER = re.compile(r"[0-9A-Za-z_-]*[0-9]{8,}[0-9A-Za-z]*")
_ANYBODYS = ("13", "19", "1101")
"""Transactions whose answers are the same for every institution: what they name is nobody's own."""
_DIGEST = "coalesce(sum(hashtextextended(t::text, 0)), 0)::text"
_BEHIND = ["statement_row"]
"""Written after a while by the background process, from what was settled before."""
_OF_PERSONS = frozenset({"psn_no", "psnNo", "certno", "idNo", "mdtrt_cert_no", "donor_no"})
"""Who stands at the counter says these; whoever hears them may ask for that person."""


class Way(StrEnum):
    """How the intruder sends what the other one is about to send."""

    IN_ITS_NAME = "in its name"
    """under the intruder's credential, otherwise as it is"""
    AS_ITS_OWN = "as its own"
    """as a message of the intruder's about what is the other's"""
    WITH_ITS_CODE = "with its code"
    """the same, with the intruder's code wherever the other's was"""


class Attempt(Struct, kw_only=True):
    """What the intruder sent and what came of it."""

    infno: str
    way: Way
    infcode: int | None
    """None where it was not even read"""
    code: str
    told: frozenset[str]
    """what the answer says of the other's that the intruder had not said itself"""
    is_empty: bool
    """whether the answer has nothing in it"""
    changed: frozenset[str]
    """tables in which rows of the other became different"""
    was_sound: bool = False
    """whether the same message was carried out when the honest one sent it after this"""


class Intruding(HonestServer):
    """See the module. `attempts` is everything that was tried."""

    def __init__(
        self, town: ServedTown, *, victim: Institution, intruder: Institution,
        anybodys: Collection[str],
    ) -> None:  # fmt: skip
        """`anybodys`: transactions that may say an institution's code and mean no more by it."""
        super().__init__(
            town.gateway.url, paasid=f"test-{victim.code}",
            secret=make_credential(victim.code, seed=SEED).secret,
        )  # fmt: skip
        self._owner = town.owner
        self._victim = victim.code
        self._intruder = intruder
        self._caller = Caller(institution_code=intruder.code, access_key=f"test-{intruder.code}")
        self._anybodys = anybodys
        self._given: set[str] = set()
        self._statement = ""
        self._turn = asyncio.Lock()
        """one at a time, so that what changed is the intruder's doing"""
        self.attempts: list[Attempt] = []

    async def answer(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """First the intruder, then the honest one, who must not notice."""
        message = message_in(body)
        if message.get("fixmedins_code") != self._victim or not self.is_signed_well(headers):
            return await self.forward(path, body, headers)
        async with self._turn:
            tried = [
                await self._try(way, path, each) for way, each in self._stolen(message).items()
            ]
            status, came = await self.forward(path, body, headers)
        told = message_in(came)
        for each in tried:
            each.was_sound = told.get("infcode") == 0 or came.startswith(b"PK")
        self._remember(message, told)
        return status, came

    def _stolen(self, message: dict[str, Any]) -> dict[Way, dict[str, Any]]:
        """What the intruder makes of a message, as long as it is worth trying."""
        infno = str(message.get("infno"))
        made = {Way.IN_ITS_NAME: message}
        said = set(texts_of(message.get("input")))
        if self._given & said or (self._victim in said and infno not in self._anybodys):
            own = {
                **message, "fixmedins_code": self._intruder.code,
                "fixmedins_name": self._intruder.name,
            }  # fmt: skip
            made[Way.AS_ITS_OWN] = {**own, "msgid": self._msgid(message)}
            inside = _ENCODE(own["input"]).decode()
            if self._victim in inside:
                swapped = msgspec.Raw(inside.replace(self._victim, self._intruder.code).encode())
                made[Way.WITH_ITS_CODE] = {**own, "msgid": self._msgid(message), "input": swapped}
        return {way: each for way, each in made.items() if self._sound(infno, way) < TRIES}

    def _sound(self, infno: str, way: Way) -> int:
        return sum(
            each.was_sound for each in self.attempts if (each.infno, each.way) == (infno, way)
        )

    def _msgid(self, message: dict[str, Any]) -> str:
        stamp = str(message.get("msgid"))[12:26]
        return f"{self._intruder.code}{stamp}{next(_SERIALS) % 10_000:04d}"

    async def _try(self, way: Way, path: str, message: dict[str, Any]) -> Attempt:
        before = await self._digests()
        _, came = await self.forward(path, _ENCODE(message), signed(self._caller))
        after = await self._digests()
        told, said = message_in(came), set(texts_of(message))
        infcode = 0 if came.startswith(b"PK") else told.get("infcode")
        attempt = Attempt(
            infno=str(message.get("infno")), way=way,
            infcode=infcode if isinstance(infcode, int) else None,
            code=str(told.get("err_code", "")),
            told=frozenset((self._given & set(texts_of(told))) - said),
            is_empty=not came.startswith(b"PK") and not any(texts_of(told.get("output"))),
            changed=frozenset(name for name in after if after[name] != before[name]),
        )  # fmt: skip
        self.attempts.append(attempt)
        return attempt

    def _remember(self, message: dict[str, Any], told: dict[str, Any]) -> None:
        """What the honest one was given: numbers that it had not said itself, and its messages."""
        if told.get("infcode") != 0 or str(message.get("infno")).startswith(_ANYBODYS):
            return
        said = {self._victim, *texts_of(message.get("input"))}
        given = {one for one in texts_of(told.get("output")) if _NUMBER.fullmatch(one)}
        self._given |= {*(given - said), str(message.get("msgid"))}

    async def _digests(self) -> dict[str, str]:
        """One digest a table over the rows of the honest institution."""
        if not self._statement:
            self._statement = await _statement(self._owner)
        rows = await self._owner.fetch(self._statement, self._victim)
        return {row["name"]: row["digest"] for row in rows}


def texts_of(node: object, name: str = "") -> Iterator[str]:
    """Every text and number inside, but those that name a person."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from texts_of(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from texts_of(value, name)
    elif node not in (None, "") and name not in _OF_PERSONS:
        yield str(node)


async def _statement(owner: Connection[Record]) -> str:
    """A digest of the rows that belong to one institution, in every table that says whose a row
    is; and of the events of its visits, which say it through their visit."""
    tables = await owner.fetch(
        "select c.table_name from information_schema.columns c"
        " join information_schema.tables t using (table_schema, table_name)"
        " where c.table_schema = 'settlement' and c.column_name = 'institution'"
        " and t.table_type = 'BASE TABLE' and c.table_name <> all ($1)",
        _BEHIND,
    )
    parts = [
        f"select '{name}' as name, {_DIGEST} as digest"  # noqa: S608 - names of the catalogue
        f" from settlement.{name} t where t.institution = $1"
        for (name,) in tables
    ]
    parts.append(
        f"select 'visit_event', {_DIGEST} from settlement.visit_event t"  # noqa: S608 - likewise
        " join settlement.visit v on v.lane = t.lane and v.mdtrt_id = t.mdtrt_id"
        " where v.institution = $1"
    )
    return " union all ".join(parts)
