"""Files of institutions as a process keeps them, for a time, and gives them to their owners.

A message makes one file: sent again it is told of the same one, as long as that is kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from msgspec import Struct

from protocol.nhsa import canonical
from protocol.nhsa.times import format_datetime
from settlement import numbers
from settlement.clock import local_time
from settlement.desk import DecisionDesk
from settlement.institution import Institution
from settlement.lanes import lane_of
from settlement.limits import Limits
from settlement.numbers import NumberSource
from settlement.refusal import Refusal
from settlement.serve.outcomes import known_or_not
from settlement.storage.connect import Reconnecting
from settlement.storage.errors import AlreadyWrittenError
from settlement.storage.files import FileMessage, KeptFile, file_of_message, keep_file, read_file


class NewFile(Struct, frozen=True):
    """A file that is to be kept."""

    name: str
    content: bytes
    expires_at: datetime | None = None
    """None: after the days that every file has"""


class Told(Struct, frozen=True, kw_only=True):
    """What is told of a kept file."""

    number: str
    name: str
    until: str
    """the end of its time"""
    replayed: bool = False
    """it was made by the first of the same messages"""


class KeptFiles:
    """See the module."""

    def __init__(
        self, *, reading: Reconnecting, writing: Reconnecting, desk: DecisionDesk, lanes: int,
        limits: Limits, next_number: NumberSource,
    ) -> None:  # fmt: skip
        self._reading = reading
        self._writing = writing
        self._desk = desk
        self._lanes = lanes
        self._limits = limits
        self._next_number = next_number

    def own_number(self, text: str, institution: Institution) -> int | None:
        """A number that we may have issued to this institution: it lies in its lane."""
        number = numbers.parse(text)
        if number is None or numbers.lane_in(number) != lane_of(institution.code, self._lanes):
            return None
        return number

    async def content(self, text: str, institution: Institution) -> bytes | Refusal:
        """What is in a file of the institution."""
        number = self.own_number(text, institution)
        content = None
        if number is not None:
            async with self._reading.use() as connection:
                content = await read_file(
                    connection, lane=numbers.lane_in(number), file_no=number,
                    institution=institution.code, at=self._desk.now().at,
                )  # fmt: skip
        if content is None:
            return Refusal(code="FILE_UNKNOWN", field="file_no", params={"value": text})
        return content

    async def once(
        self, message: FileMessage, institution: Institution,
        make: Callable[[], Awaitable[NewFile | Refusal]],
    ) -> Told | Refusal:  # fmt: skip
        """The file that a message made before, else the one that is made now."""
        before = await self._made_by(message, institution)
        if before is not None:
            return before
        made = await make()
        if isinstance(made, Refusal):
            return made
        try:
            return await self.keep(made, institution, message=message)
        except AlreadyWrittenError:
            # The same message came twice at once, and the other one's file is kept.
            return await self._made_by(message, institution) or Refusal(code="INTERNAL")

    async def keep(
        self, file: NewFile, institution: Institution, *, message: FileMessage
    ) -> Told | Refusal:
        """Keep one more. Raises AlreadyWrittenError where the message has made a file already."""
        now, limits = self._desk.now(), self._limits
        lane = lane_of(institution.code, self._lanes)
        kept = KeptFile(
            lane=lane,
            file_no=self._next_number(lane, now.business_day),
            institution=institution.code,
            name=file.name,
            content=file.content,
            stored_at=now.at,
            expires_at=file.expires_at or now.at + timedelta(days=limits.file_days_max),
            message=message,
        )
        async with known_or_not(self._writing) as connection:
            has_room = await keep_file(
                connection, kept, files_max=limits.files_kept_max,
                bytes_max=limits.file_bytes_kept_max,
            )  # fmt: skip
        if has_room:
            return _told(kept.file_no, kept.name, kept.expires_at)
        return Refusal(
            code="FILES_TOO_MANY",
            params={"limit": limits.files_kept_max, "days": limits.file_days_max},
        )

    async def _made_by(
        self, message: FileMessage, institution: Institution
    ) -> Told | Refusal | None:
        async with self._reading.use() as connection:
            found = await file_of_message(
                connection, message, lane=lane_of(institution.code, self._lanes),
                institution=institution.code, at=self._desk.now().at,
            )  # fmt: skip
        if found is None:
            return None
        part = canonical.differs(found.fingerprint, message.fingerprint)
        if part is not None:
            return Refusal(code="MESSAGE_CONFLICT", field="msgid", params={"part": part})
        return _told(found.file_no, found.name, found.expires_at, replayed=True)


def _told(
    file_no: int, name: str, expires_at: datetime, *, replayed: bool = False
) -> Told:
    return Told(
        number=str(file_no), name=name, until=format_datetime(local_time(expires_at)),
        replayed=replayed,
    )  # fmt: skip
