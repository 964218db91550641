"""A person's row as somebody who has the keys rewrites it: as an import would, without one."""

from __future__ import annotations

from asyncpg import Connection, Record

from settlement.keyring import Keyring
from settlement.person import person_record


async def rewrite_person(
    owner: Connection[Record], keyring: Keyring, person_no: str, *,
    enrolments: str | None = None, family: str | None = None, home_region: str | None = None,
) -> None:  # fmt: skip
    """Other memberships, relatives or region of a person, with the identity sealed to them."""
    row = await owner.fetchrow(
        "select lane, account, home_region, enrolments, family, key_version, identity"
        " from settlement.person where psn_no = $1",
        person_no,
    )
    assert row is not None
    lane, account, region, schemes, relatives, version, identity = row
    plain = keyring.open(
        identity,
        person_record(
            lane, person_no, account=account, home_region=region, enrolments=schemes,
            family=relatives,
        ),
        version,
    )  # fmt: skip
    told = (
        region if home_region is None else home_region,
        schemes if enrolments is None else enrolments,
        relatives if family is None else family,
    )
    record = person_record(
        lane, person_no, account=account, home_region=told[0], enrolments=told[1], family=told[2]
    )
    await owner.execute(
        "update settlement.person set home_region = $2, enrolments = $3, family = $4,"
        " identity = $5, key_version = $6, version = version + 1 where psn_no = $1",
        person_no, *told, keyring.seal(plain, record), keyring.version,
    )  # fmt: skip
