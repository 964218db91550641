"""Encrypting anew what lies under earlier keys: place by place, lane by lane, in small steps.

Each step is one transaction that also says how far it came, so whoever is killed goes on there.
Rows of settlements, visits and payments nobody else changes; a person's own row is changed under
the head of the lane's journal, a few at a time.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping

from asyncpg import Connection, Record
from msgspec import Struct

from ledger.postgres.shape import Shape
from settlement.bank_account import account_record
from settlement.committed import erased, seal_again
from settlement.keyring import Keyring, UndecipherableError
from settlement.lanes import lane_of
from settlement.person import person_record
from settlement.storage.console_users import totp_record
from settlement.storage.hub import hub_record
from settlement.storage.import_jobs import import_key_record
from settlement.storage.queries import PERSONAL, REFERENCE
from settlement.storage.reference import body_keys_record, credential_record
from settlement.storage.sealed_places import PLACES, Form, Place
from settlement.storage.writer import lock_head
from settlement.usecases.filing_payloads import list_record
from settlement.usecases.home_tombstones import tombstone_record

PAGE = 500
"""Rows of one step."""
PERSONS = 100
"""Persons of one step: so long others of the journal wait."""
OWN_ROWS = "person"
TOMBSTONES = "message"
SECRETS = "secrets"
VERSION_COLUMN = "key_version"


class Progress(Struct, frozen=True, kw_only=True):
    """How far a place is in one lane."""

    number: int = -1
    part: int = -1
    rows_done: int = 0
    done: bool = False


class Rewriter:
    """Encrypts anew in one database."""

    def __init__(
        self, connection: Connection[Record], keyring: Keyring, *, lanes: int, shape: Shape,
        journal_of: Mapping[int, int],
    ) -> None:  # fmt: skip
        self._connection = connection
        self._keyring = keyring
        self._lanes = lanes
        self._shape = shape
        self._journal_of = journal_of

    async def progress(self) -> dict[tuple[str, int], Progress]:
        """By place and lane."""
        rows = await self._connection.fetch(PERSONAL["rewriting_of"], self._keyring.version)
        return {
            (row["place"], row["lane"]): Progress(
                number=row["number"], part=row["part"], rows_done=row["rows_done"],
                done=row["done"],
            )
            for row in rows
        }  # fmt: skip

    async def forget(self) -> None:
        """The next run looks at everything once more."""
        await self._connection.execute(PERSONAL["forget_rewriting"], self._keyring.version)

    async def step(self, place: Place, lane: int, after: Progress) -> Progress:
        """The next page of a place."""
        page = await self._page(place, lane, after)
        changes = [
            (number, part, sealed, self._anew(place, lane, number, part, sealed, version))
            for number, part, version, sealed in page
            if 0 < version < self._keyring.version
        ]
        async with self._connection.transaction():
            changed = 0
            if changes:
                changed = await self._connection.fetchval(
                    PERSONAL["reseal_rows"], place.table, place.column, place.number, place.part,
                    VERSION_COLUMN if place.form is Form.DETAIL else "", lane,
                    *map(list, zip(*changes, strict=True)), self._keyring.version,
                )  # fmt: skip
            last = page[-1] if page else None
            now = Progress(
                number=after.number if last is None else last[0],
                part=after.part if last is None else last[1],
                rows_done=changed, done=len(page) < PAGE,
            )  # fmt: skip
            await self._keep(place.table, lane, now)
        return now

    async def persons(self, lane: int, pause: Callable[[], Awaitable[None]]) -> int:
        """Everybody of a lane; how many were encrypted anew."""
        last, changed = "", 0
        while True:
            async with self._connection.transaction():
                await lock_head(
                    self._connection, journal=self._journal_of[lane], lane=lane, shape=self._shape
                )
                rows = await self._connection.fetch(PERSONAL["persons_page"], lane, last, PERSONS)
                anew = [one for row in rows if (one := self._person(lane, row)) is not None]
                if anew:
                    await self._connection.execute(
                        PERSONAL["reseal_persons"], lane, *map(list, zip(*anew, strict=True)),
                        self._keyring.version,
                    )  # fmt: skip
            changed += len(anew)
            if len(rows) < PERSONS:
                await self._keep(OWN_ROWS, lane, Progress(rows_done=changed, done=True))
                return changed
            last = rows[-1]["psn_no"]
            if anew:
                await pause()

    async def tombstones(self, lane: int) -> int:
        """Why messages may have no effect, as other regions are told; how many."""
        changed = 0
        async with self._connection.transaction():
            for row in await self._connection.fetch(PERSONAL["tombstones_page"], lane):
                sealed, record = row["fingerprint"], tombstone_record(lane, row["key"])
                if not 0 < int.from_bytes(sealed[:2], "big") < self._keyring.version:
                    continue
                try:
                    anew = self._led(sealed, record)
                except UndecipherableError:
                    continue  # a digest of parts, which begins like a version
                await self._connection.execute(
                    PERSONAL["reseal_tombstone"], lane, row["key"], anew
                )
                changed += 1
            await self._keep(TOMBSTONES, lane, Progress(rows_done=changed, done=True))
        return changed

    async def secrets(self) -> int:
        """Secrets and bank accounts; how many."""
        changed = 0
        async with self._connection.transaction():
            for row in await self._connection.fetch(PERSONAL["sealed_secrets"]):
                if row["key_version"] < self._keyring.version:
                    await self._secret(row)
                    changed += 1
        return changed

    async def uses_of_earlier(self) -> dict[str, int]:
        """What lies under earlier versions, by place: every row is looked at."""
        uses: dict[str, int] = {}

        def count(place: str, version: int) -> None:
            if 0 < version < self._keyring.version:
                uses[place] = uses.get(place, 0) + 1

        for place in PLACES:
            for lane in range(self._lanes):
                after = Progress()
                while page := await self._page(place, lane, after):
                    for _, _, version, _ in page:
                        count(place.table, version)
                    after = Progress(number=page[-1][0], part=page[-1][1])
        for lane in range(self._lanes):
            last = ""
            while rows := await self._connection.fetch(
                PERSONAL["persons_page"], lane, last, PAGE
            ):
                for row in rows:
                    count(OWN_ROWS, min(row["key_version"], _of_filings(row["filings"])))
                last = rows[-1]["psn_no"]
        for row in await self._connection.fetch(PERSONAL["sealed_secrets"]):
            count(row["place"], row["key_version"])
        drafts = await self._connection.fetchval(PERSONAL["drafts_under"], self._keyring.version)
        return uses | ({"console_session": drafts} if drafts else {})

    async def _page(
        self, place: Place, lane: int, after: Progress
    ) -> list[tuple[int, int, int, bytes]]:
        rows = await self._connection.fetch(
            PERSONAL["sealed_page"], place.table, place.column, place.number, place.part,
            VERSION_COLUMN if place.form is Form.DETAIL else "", lane, after.number, after.part,
            PAGE,
        )  # fmt: skip
        return [(n, part, version, sealed) for n, part, version, sealed in rows]

    def _anew(
        self, place: Place, lane: int, number: int, part: int, sealed: bytes, version: int
    ) -> bytes:
        record = place.record(lane, number, part)
        if place.form is Form.DETAIL:
            return self._keyring.seal(self._keyring.open(sealed, record, version), record)
        if place.form is Form.COMMITTED:
            return sealed if sealed == erased(sealed) else seal_again(sealed, self._keyring, record)
        return self._led(sealed, record)

    def _led(self, sealed: bytes, record: bytes) -> bytes:
        plain = self._keyring.open(sealed[2:], record, int.from_bytes(sealed[:2], "big"))
        return self._keyring.version.to_bytes(2, "big") + self._keyring.seal(plain, record)

    def _person(self, lane: int, row: Record) -> tuple[str, bytes, str] | None:
        """Number, identity and filings of somebody under an earlier key; else None."""
        version, now = row["key_version"], self._keyring.version
        if version >= now and _of_filings(row["filings"]) >= now:
            return None
        number, filings = row["psn_no"], row["filings"]
        record = person_record(
            lane, number, account=row["account"], home_region=row["home_region"],
            enrolments=row["enrolments"], family=row["family"],
        )  # fmt: skip
        identity = self._again(row["identity"], record, version)
        if filings:
            sealed = self._led(base64.b64decode(filings), list_record(lane, number))
            filings = base64.b64encode(sealed).decode()
        return number, identity, filings

    async def _secret(self, row: Record) -> None:
        place, name, version, now = row["place"], row["name"], row["key_version"], self._keyring
        if place == "credential":
            await self._connection.execute(
                REFERENCE["set_body_keys"], name, now.version,
                self._again(row["sealed"], credential_record(name), version),
                None if row["second"] is None
                else self._again(row["second"], body_keys_record(name), version),
            )  # fmt: skip
            return
        number = row["number"]
        match place:
            case "import_key":
                statement, record = "reseal_import_key", import_key_record(name)
            case "hub_identity":
                statement, record = "reseal_hub_identity", hub_record(bytes.fromhex(name))
            case "payout_account":
                lane = lane_of(name, self._lanes)
                statement = "reseal_payout_account"
                record = account_record(lane, name, number)
            case _:
                statement, record = "reseal_totp", totp_record(name)
        sealed = self._again(row["sealed"], record, version)
        more = (number,) if place == "payout_account" else ()
        await self._connection.execute(PERSONAL[statement], name, now.version, sealed, *more)

    def _again(self, sealed: bytes, record: bytes, version: int) -> bytes:
        return self._keyring.seal(self._keyring.open(sealed, record, version), record)

    async def _keep(self, place: str, lane: int, now: Progress) -> None:
        await self._connection.execute(
            PERSONAL["keep_rewriting"], lane, place, self._keyring.version, now.number, now.part,
            now.rows_done, now.done,
        )  # fmt: skip


def _of_filings(filings: str) -> int:
    """The version of the key of a person's list; as if the newest where there is none."""
    return int.from_bytes(base64.b64decode(filings[:4])[:2], "big") if filings else 1 << 16
