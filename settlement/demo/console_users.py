"""Users of the demonstration's console: one of each role, with new passwords at every start.

They are told once, in the line that says that the server is ready; the database has only their
hashes. A database that is no demonstration is refused.
"""

from __future__ import annotations

from msgspec import Struct

from settlement.clock import system_clock
from settlement.console.passwords import Hashes, new_password
from settlement.console.rights import Role
from settlement.embedded.errors import ServiceError
from settlement.storage import console_users as users
from settlement.storage import reference
from settlement.storage.connect import connect_plain
from settlement.storage.console_users import NewUser

PEOPLE = (
    ("clerk", "测试经办甲", Role.CLERK),
    ("clerk2", "测试经办乙", Role.CLERK),
    ("supervisor", "测试主管", Role.SUPERVISOR),
    ("auditor", "测试审计", Role.AUDITOR),
    ("operator", "测试运维", Role.OPERATOR),
    ("hospital", "测试机构财务", Role.INSTITUTION),
)


class DemoUser(Struct, frozen=True, kw_only=True):
    """Who may sign in, and how."""

    name: str
    role: str
    password: str


async def make_demo_users(owner_dsn: str) -> list[DemoUser]:
    """Everybody, signed out, with a password that nobody knew before. Raises ServiceError where the
    database is no demonstration."""
    hashes, at = Hashes(), system_clock()
    made: list[DemoUser] = []
    connection = await connect_plain(owner_dsn, name="settlement-install")
    try:
        installed = await reference.installation(connection)
        if installed is None or installed.demo_seed is None:
            raise ServiceError("users are made here only in a demonstration database")
        institution = min(await reference.institutions(connection))
        for name, display, role in PEOPLE:
            password = new_password()
            hashed = await hashes.make(password)
            new = NewUser(
                name=name, display_name=display, role=role,
                institution=institution if role is Role.INSTITUTION else None,
                password_hash=hashed, must_change=False,
            )  # fmt: skip
            async with connection.transaction():
                if not await users.add_user(connection, new, at=at):
                    await users.set_password(connection, name, hashed, at=at, must_change=False)
                    await users.end_sessions(connection, name)
            made.append(DemoUser(name=name, role=role.value, password=password))
    finally:
        await connection.close()
    return made
