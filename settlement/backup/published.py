"""Holding books against seals that were published: what nobody can change any more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from settlement.books.month_states import last_day
from settlement.books.sealing import ByInstitution, Span, roots_of, seal_of
from settlement.embedded.errors import ServiceError
from settlement.finance.proofs import PUBLISHED
from settlement.storage.day_totals import read_day
from settlement.storage.lease import PlainConnection
from settlement.storage.seals import joined


class PublishedSeal(Struct, frozen=True, kw_only=True):
    """The seal of one institution, in hex."""

    institution: str
    seal: str


class Published(Struct, frozen=True, kw_only=True):
    """The seals of a month, as `settlement seals` wrote them."""

    format: str
    region: str
    month: str
    fingerprint: str
    seals: list[PublishedSeal]

    @property
    def span(self) -> Span:
        """Its days."""
        first = date.fromisoformat(f"{self.month}-01")
        return Span(begins_on=first, ends_on=last_day(first))


class Unlike(Struct, frozen=True, kw_only=True):
    """An institution whose month is not what was published."""

    month: str
    institution: str
    missing: bool
    """nothing at all is booked of it; else something else is"""


def read_published(paths: Sequence[Path], region: str) -> list[Published]:
    """Files of published seals. Raises ServiceError for what is none, or another region's."""
    found = []
    for path in paths:
        try:
            one = msgspec.json.decode(path.read_bytes(), type=Published)
        except (OSError, msgspec.DecodeError) as exc:
            raise ServiceError(f"{path} holds no published seals: {exc}.") from exc
        if one.format != PUBLISHED or one.region != region:
            raise ServiceError(f"{path} is of region {one.region}, not of {region}.")
        found.append(one)
    return found


async def unlike_published(
    connection: PlainConnection, published: Sequence[Published]
) -> list[Unlike]:
    """Whose settlements of a published month are not those that were sealed; one more, one less or
    another is enough. Read from what is booked, whatever the database says of seals."""
    return [one for month in published for one in await _unlike(connection, month)]


async def _unlike(connection: PlainConnection, published: Published) -> list[Unlike]:
    span = published.span
    leaves: ByInstitution = {}
    for n in range((span.ends_on - span.begins_on).days + 1):
        joined(leaves, (await read_day(connection, span.begins_on + timedelta(days=n))).leaves)
    booked = {
        one.institution: seal_of(published.region, span, one).hex() for one in roots_of(leaves)
    }
    sealed = {one.institution: one.seal for one in published.seals}
    return [
        Unlike(month=published.month, institution=code, missing=code not in booked)
        for code in sorted(booked.keys() | sealed.keys())
        if booked.get(code) != sealed.get(code)
    ]
