"""Writes what the application's role may do in a new database:

    python -m tests.integration.write_rights
"""

from __future__ import annotations

import asyncio
import json

from settlement.doctor.server import RIGHTS_FILE, right_text
from settlement.storage.doctor import rights
from settlement.storage.lease import connection_for
from tests.kit.patient import a_deployment
from tests.services import temporary_directory


async def rights_of_new() -> list[str]:
    """Of a database that was made just now."""
    with temporary_directory() as base:
        async with a_deployment(base) as deployment:
            dsn, role = deployment.services.owner_dsn, deployment.services.app_role
            async with connection_for(dsn, "settlement-doctor") as owner:
                return sorted(right_text(r) for r in await rights(owner) if r.grantee == role)


if __name__ == "__main__":
    RIGHTS_FILE.write_text(json.dumps(asyncio.run(rights_of_new()), indent=0) + "\n", "utf-8")
