"""Who somebody is that is insured in another region: 1101, or a scanned code, asked there
(异地参保人)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from protocol.hub.messages import Kind, PersonTold, Refused
from settlement.commands import Asked, Credential
from settlement.decision import Answer
from settlement.desk import DecisionDesk
from settlement.elsewhere.abroad import askable
from settlement.elsewhere.remote_commands import KeepStranger
from settlement.elsewhere.remote_states import ANSWER_SECONDS
from settlement.gateway import Unavailable
from settlement.institution import Institution
from settlement.lanes import lane_of
from settlement.refusal import Refusal
from settlement.region.verdicts import refused_there
from settlement.serve.asking import Journals
from settlement.serve.region_line import RegionLine
from settlement.storage.connect import Several
from settlement.storage.errors import StorageError
from settlement.storage.switches import remember_token
from settlement.translate import remote as words

TOKEN_LIFE = timedelta(hours=24)
"""How long a token lives here that its own region found somebody by, at most."""
_NO_KEY = bytes(16)
_ANY_LANE = 0


class Stranger(Struct, frozen=True, kw_only=True):
    """Somebody insured elsewhere, who is known here now."""

    person_no: str
    region: str
    """the counterpart's code"""


class StrangerDesk:
    """Asks who somebody is, and lets the person's journal keep it."""

    def __init__(
        self, *, line: RegionLine, journals: Journals, desk: DecisionDesk, side: Several,
        lanes: int, read_clock: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._line = line
        self._journals = journals
        self._desk = desk
        self._side = side
        self._lanes = lanes
        self._clock = read_clock

    @property
    def there(self) -> bool:
        """Whether there is a way to other regions."""
        return self._line.there

    async def look_up(
        self, asked: Asked, credential: Credential, token_key: bytes
    ) -> Answer | Refusal:
        """1101 of somebody insured elsewhere. Raises Unavailable and Overloaded."""
        asking = await self._told(asked, credential)
        if isinstance(asking, Refusal):
            return asking
        keeping, told = asking
        reply = await self._journals.ask(keeping)
        if token_key and not isinstance(reply, Refusal):
            await self._remember(token_key, keeping, asked.institution, told.holds_until)
        return reply

    async def find(
        self, credential: Credential, region: str, institution: Institution, operator: str
    ) -> Stranger | Refusal:
        """Whom a scanned code names, as their region knows them; kept as by 1101. Raises
        Unavailable and Overloaded."""
        asked = Asked(
            infno="1101", institution=institution, msgid="", operator=operator, lane=_ANY_LANE,
            person_no="", message_key=_NO_KEY, fingerprint=b"", insured_region=region,
        )  # fmt: skip
        asking = await self._told(asked, credential)
        if isinstance(asking, Refusal):
            return asking
        keeping, _ = asking
        reply = await self._journals.ask(keeping)
        if isinstance(reply, Refusal):
            return reply
        return Stranger(person_no=keeping.asked.person_no, region=keeping.region)

    async def _told(
        self, asked: Asked, credential: Credential
    ) -> tuple[KeepStranger, PersonTold] | Refusal:
        """What is kept of somebody, and what their region told."""
        if not self._line.there:
            return Refusal(code="REGION_NO_HUB")
        home = askable(self._desk.world.counterparts, asked.insured_region)
        if isinstance(home, Refusal):
            return home
        question = words.person_asked(credential, self._desk.now().local.date())
        told = await self._line.ask(
            home.region, Kind.PERSON, question, self._line.fresh(_ANY_LANE), ANSWER_SECONDS
        )
        if isinstance(told, Refused):
            return refused_there(told)
        if not isinstance(told, PersonTold) or not told.person_no:
            return Refusal(code="REGION_SILENT", params={"region": home.region})
        lane = lane_of(told.person_no, self._lanes)
        keeping = KeepStranger(
            asked=replace(asked, person_no=told.person_no, lane=lane, message_key=_NO_KEY),
            credential=credential, region=home.region,
            identity=words.identity_of(told, credential),
            enrolments=tuple(map(words.enrolment_of, told.enrolments)),
            balance_fen=told.balance_fen,
        )  # fmt: skip
        return keeping, told

    async def _remember(
        self, key: bytes, kept: KeepStranger, institution: Institution, holds_until: datetime
    ) -> None:
        """The token that was shown stands for the person at this institution, as at home."""
        try:
            async with self._side.use() as connection:
                await remember_token(
                    connection, lane=kept.asked.lane, person_no=kept.asked.person_no, key=key,
                    institution=institution.code,
                    expires_at=min(holds_until, self._clock() + TOKEN_LIFE),
                )  # fmt: skip
        except StorageError as exc:
            raise Unavailable("later") from exc
