"""What an agency says of persons is the schema's owner's to change, not the application's."""

from __future__ import annotations

import asyncpg
import pytest

from tests.kit.town import a_town
from tests.services import FreshDatabase
from tests.world import connected


async def test_application_may_not_change_what_an_agency_says(database: FreshDatabase) -> None:
    async with a_town(database) as town, connected(database.app_dsn) as application:
        citizen = town.someone()
        for statement in (
            "select settlement.change_persons(1::smallint, array[0::smallint], array[$1],"
            " array[1::smallint], array[null::bytea], array['[]'], array[null::text],"
            " array[null::text], now())",
            "insert into settlement.person_change (version, through_row, changed_at, days, lane,"
            " psn_no) values (1, 1, now(), '{}', 0, $1)",
            "update settlement.person set enrolments = '[]' where psn_no = $1",
            "delete from settlement.lookup where psn_no = $1",
            "insert into settlement.opening (balance_fen, lane, year, psn_no, accumulators, source)"
            " values (0, 0, 2026, $1, '{}', '')",
            "update settlement.import_job set state = 'done' where operator = $1",
            "insert into settlement.import_key (issued_at, access_key, operator, kinds,"
            " key_version, secret) values ('2026-01-01', $1, 'x', '{persons}', 1, '')",
            "update settlement.cutover_file set confirmed_by = $1, confirmed_at = '2026-01-01'",
            "insert into settlement.staff (effective_from, effective_to, institution, code, kind,"
            " name) values ('2026-01-01', '2026-12-31', $1, 'D1', 'doctor', 'x')",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await application.execute(statement, citizen.number)
