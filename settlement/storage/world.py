"""The reference data of decisions that are made beside the gateways: of a clerk, of a command."""

from __future__ import annotations

from collections.abc import Collection

from asyncpg import Connection, Record

from settlement.catalogue import Catalogue
from settlement.keyring import Keyring
from settlement.numbers import NumberBlock
from settlement.policy.loader import PolicySet
from settlement.storage import reference
from settlement.storage.errors import StorageError
from settlement.storage.policies import load_policy_set
from settlement.storage.queries import REFERENCE
from settlement.world import World


async def load_world(
    connection: Connection[Record], keyring: Keyring, *, item_codes: Collection[str] = (),
    policies: PolicySet | None = None,
) -> World:  # fmt: skip
    """Everything as it is now, policies as given if they are; of the catalogue only the items that
    are named. StorageError where the database is not prepared."""
    installed = await reference.installation(connection)
    if installed is None:
        raise StorageError("the database is not prepared: start `settlement serve` first")
    policies = policies or await load_policy_set(connection)
    profile = policies.region(installed.region)
    if profile is None:
        raise StorageError(f"there is no region profile for {installed.region}")
    items = await reference.items_of_codes(connection, item_codes) if item_codes else ()
    return World(
        region=installed.region, lanes=installed.lanes, profile=profile, policies=policies,
        catalogue=Catalogue(items), institutions=await reference.institutions(connection),
        suspensions=await reference.suspensions(connection),
        cancel_approvals=await reference.cancel_approvals(connection, profile),
        receivers=await reference.receivers(connection), keyring=keyring,
        next_number=NumberBlock(await connection.fetchval(REFERENCE["number_block"])).next,
    )  # fmt: skip
