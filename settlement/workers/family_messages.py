"""Tells by messages whose accounts paid for relatives, or got that back (DOMAIN 24).

The settle path writes what moved and nothing more; this loop looks behind it and owes the messages,
which the outbox delivers (settlement/workers/outbox.py). A message has the number of its move: owed
twice it is owed once. Told is who gave a telephone with something they asked for themselves under
`/my`; nobody else's account is anybody's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from msgspec.structs import replace

from ledger.postgres.schema import installed_shape
from settlement.clock import Clock, system_clock
from settlement.keyring import Keyring, UndecipherableError
from settlement.outbox import notice_no
from settlement.payments.mobile_rows import OutboxRow
from settlement.people.matter_rows import PERSON, MatterFact
from settlement.rows import MoveKind
from settlement.storage import reference
from settlement.storage.family_messages import Untold, gateway_since, owe, untold
from settlement.storage.lease import PlainConnection
from settlement.storage.matters import read_matters
from settlement.storage.policies import load_policy_set
from settlement.usecases.matter_messages import message
from settlement.usecases.matter_payloads import open_wanted
from settlement.view import View

LOOK_BACK = timedelta(days=7)
"""How far the first look of a process goes back: so long this loop may have been away."""
OVERLAP = timedelta(minutes=10)
"""Looked at again: what moved is seen once it is committed, later than it says."""
STEP_MAX = 200
TOPICS = MappingProxyType(
    {MoveKind.PAID: "family.paid", MoveKind.RETURNED: "family.returned"}
)


class FamilyMessages:
    """The loop's work; it remembers how far it has looked, and who has no telephone."""

    def __init__(self, keyring: Keyring, *, clock: Clock = system_clock) -> None:
        self._keyring = keyring
        self._clock = clock
        self._after: tuple[datetime, int] | None = None
        self._unreachable: dict[int, datetime] = {}
        """entries of accounts whose holder gave no telephone, and when they moved"""
        self._region_name: str | None = None

    async def step(self, connection: PlainConnection) -> int:
        """Owe what is not owed yet; how many messages."""
        since = await gateway_since(connection)
        if since is None:
            self._after = None
            return 0
        now = self._clock()
        after = self._after or (max(since, now - LOOK_BACK) - OVERLAP, 0)
        found = await untold(connection, after=after, limit=STEP_MAX)
        owed = await self._owe(connection, found)
        if len(found) == STEP_MAX:
            last = found[-1].notice
            self._after = last.moved_at, last.entry_id
        else:
            self._after = now - OVERLAP, 0
            self._forget(self._after[0])
        return owed

    async def _owe(self, connection: PlainConnection, found: Sequence[Untold]) -> int:
        new = [one for one in found if one.notice.entry_id not in self._unreachable]
        if not new:
            return 0
        phones = await self._phones(connection, new)
        owed = 0
        for one in new:
            phone = phones.get(one.notice.psn_no)
            if phone is None:
                self._unreachable[one.notice.entry_id] = one.notice.moved_at
            else:
                owed += await owe(connection, await self._row(connection, one, phone))
        return owed

    async def _phones(
        self, connection: PlainConnection, found: Iterable[Untold]
    ) -> dict[str, str]:
        """The telephones that these people gave last."""
        view, about = View(), {(one.lane, one.notice.psn_no) for one in found}
        await read_matters(connection, about, view, await installed_shape(connection))
        phones = {}
        for person_no, matters in view.matters.items():
            own = (self._phone(fact) for _, fact in sorted(matters.items(), reverse=True))
            phone = next(filter(None, own), None)
            if phone is not None:
                phones[person_no] = phone
        return phones

    def _phone(self, fact: MatterFact) -> str:
        """What a person gave with a matter; empty where they gave none, somebody else asked for
        them, or it is erased."""
        row = fact.row
        if not row.payload or fact.events[0].actor != f"{PERSON}{row.psn_no}":
            return ""
        try:
            return open_wanted(row, self._keyring).phone
        except UndecipherableError:
            return ""

    async def _row(self, connection: PlainConnection, one: Untold, phone: str) -> OutboxRow:
        notice = one.notice
        row = message(
            notice.short_zh, phone, region_name=await self._region(connection),
            keyring=self._keyring, lane=one.lane, case_no=one.hold_id,
            number=notice_no(notice.kind), topic=TOPICS[notice.kind], at=notice.moved_at,
        )  # fmt: skip
        return replace(row, after_case=one.after_hold)

    async def _region(self, connection: PlainConnection) -> str:
        if self._region_name is None:
            installed = await reference.installation(connection)
            policies = await load_policy_set(connection)
            profile = None if installed is None else policies.region(installed.region)
            self._region_name = "" if profile is None else profile.name
        return self._region_name

    def _forget(self, before: datetime) -> None:
        self._unreachable = {
            entry_id: at for entry_id, at in self._unreachable.items() if at >= before
        }
