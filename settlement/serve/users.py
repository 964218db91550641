"""`settlement user`: makes and changes the console's users from the shell of a machine that has the
database, so that there is a first supervisor, and a way back in when nobody can sign in."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from settlement.clock import local_time, system_clock
from settlement.console import passwords
from settlement.console.rights import Role
from settlement.console.sign_in import name_key
from settlement.console.user_pages import INSTITUTION_WRONG, user_objection
from settlement.console.words import Words
from settlement.embedded.errors import ServiceError
from settlement.embedded.services import open_database
from settlement.said import UNUSABLE, Said
from settlement.storage import console_cases
from settlement.storage import console_users as users
from settlement.storage.connect import connect_plain
from settlement.storage.console_users import ListedUser, NewUser, Noted
from settlement.storage.lease import PlainConnection


class Wanted(Struct, frozen=True, kw_only=True):
    """What is to become of whom, who orders it, and why."""

    name: str
    actor: str
    reason: str
    role: str = ""
    institution: str = ""
    display_name: str = ""


def listed(data_dir: Path, *, as_json: bool) -> Said:
    """Everybody who may sign in."""

    async def work(connection: PlainConnection) -> Said:
        found = await users.all_users(connection)
        return Said(0, _json(found) if as_json else _table(found))

    return _run(data_dir, work)


def change(data_dir: Path, action: str, wanted: Wanted) -> Said:
    """Add, lock, unlock, reset or give a role; 1 where that cannot be. Audited."""
    return _run(data_dir, lambda connection: _ACTIONS[action](connection, wanted))


async def _add(connection: PlainConnection, wanted: Wanted) -> Said:
    wrong = user_objection(wanted.name, wanted.display_name) or await _role_objection(
        connection, wanted
    )
    if wrong is not None:
        return _said(1, wrong)
    password = passwords.new_password()
    new = NewUser(
        name=wanted.name, display_name=wanted.display_name, role=wanted.role,
        institution=wanted.institution or None,
        password_hash=await passwords.Hashes().make(password),
    )  # fmt: skip
    async with connection.transaction():
        if not await users.add_user(connection, new, at=system_clock()):
            return Said(1, f"用户名已存在 {wanted.name} | this user name is taken")
        await _note(connection, wanted, "add-user", f"{wanted.role} {wanted.institution}".strip())
    return Said(0, _handed(wanted.name, password))


async def _role(connection: PlainConnection, wanted: Wanted) -> Said:
    wrong = await _role_objection(connection, wanted)
    if wrong is not None:
        return _said(1, wrong)
    async with connection.transaction():
        institution = wanted.institution or None
        if not await users.set_role(connection, wanted.name, wanted.role, institution):
            return _nobody(wanted)
        await _note(connection, wanted, "change-role", f"{wanted.role} {wanted.institution}")
    return Said(0, f"{wanted.name}: {wanted.role}")


async def _lock(connection: PlainConnection, wanted: Wanted) -> Said:
    async with connection.transaction():
        if not await users.set_lock(connection, wanted.name, locked=True):
            return _nobody(wanted)
        await _note(connection, wanted, "lock-user")
    return Said(0, f"已锁定 {wanted.name} | locked, and signed out everywhere")


async def _unlock(connection: PlainConnection, wanted: Wanted) -> Said:
    async with connection.transaction():
        if await users.find_user(connection, wanted.name) is None:
            return _nobody(wanted)
        await users.set_lock(connection, wanted.name, locked=False)
        await _forget_attempts(connection, wanted.name)
        await _note(connection, wanted, "unlock-user")
    return Said(0, f"已解锁 {wanted.name} | unlocked")


async def _reset(connection: PlainConnection, wanted: Wanted) -> Said:
    password = passwords.new_password()
    hashed = await passwords.Hashes().make(password)
    async with connection.transaction():
        at = system_clock()
        if not await users.set_password(
            connection, wanted.name, hashed, at=at, must_change=True
        ):
            return _nobody(wanted)
        await users.set_totp(connection, wanted.name, None, key_version=0, step=0)
        await users.end_sessions(connection, wanted.name)
        await _forget_attempts(connection, wanted.name)
        await _note(connection, wanted, "reset-user")
    return Said(0, _handed(wanted.name, password))


_ACTIONS: dict[str, Callable[[PlainConnection, Wanted], Awaitable[Said]]] = {
    "add": _add,
    "role": _role,
    "lock": _lock,
    "unlock": _unlock,
    "reset": _reset,
}


async def _role_objection(connection: PlainConnection, wanted: Wanted) -> Words | None:
    if (wanted.role == Role.INSTITUTION) != bool(wanted.institution):
        return INSTITUTION_WRONG
    if not wanted.institution:
        return None
    known = await console_cases.institutions(connection, wanted.institution, "", limit=1)
    return None if known else INSTITUTION_WRONG


async def _forget_attempts(connection: PlainConnection, name: str) -> None:
    await users.forget_attempts(
        connection, name_key(name), older_than=system_clock() - timedelta(days=1)
    )


async def _note(
    connection: PlainConnection, wanted: Wanted, action: str, more: str = ""
) -> None:
    noted = Noted(
        actor=wanted.actor, action=f"console.{action}", subject=f"user {wanted.name}",
        note=f"{more}: {wanted.reason}" if more else wanted.reason,
    )  # fmt: skip
    await users.note(connection, noted, at=system_clock())


def _handed(name: str, password: str) -> str:
    return (
        f"{name} 的首次密码（只显示这一次，首次登录须修改） | first password, shown this once, to "
        f"be changed at the first sign-in\n{password}"
    )


def _nobody(wanted: Wanted) -> Said:
    return Said(1, f"没有这样的用户 {wanted.name} | there is no such user, or nothing to change")


def _said(status: int, words: Words) -> Said:
    return Said(status, f"{words.zh} | {words.en}")


def _json(found: list[ListedUser]) -> str:
    return msgspec.json.encode({"users": found}).decode()


def _table(found: list[ListedUser]) -> str:
    if not found:
        return "没有控制台用户 nobody may sign in at the console"
    lines = ["控制台用户 name, role, institution, state, last seen, called"]
    for one in found:
        state = "locked" if one.locked else "first password" if one.must_change else "open"
        seen = "-" if one.seen_at is None else f"{local_time(one.seen_at):%Y-%m-%d %H:%M:%S}"
        lines.append(
            f"{one.name}  {one.role}  {one.institution or '-'}  {state}  {seen}  {one.display_name}"
        )
    return "\n".join(lines)


def _run(data_dir: Path, work: Callable[[PlainConnection], Awaitable[Said]]) -> Said:
    try:
        return asyncio.run(_with_connection(data_dir, work))
    except ServiceError as exc:
        return Said(UNUSABLE, f"settlement: {exc}")


async def _with_connection(
    data_dir: Path, work: Callable[[PlainConnection], Awaitable[Said]]
) -> Said:
    async with open_database(data_dir, os.environ) as database:
        connection = await connect_plain(database.app_dsn, name="settlement-operator")
        try:
            return await work(connection)
        finally:
            await connection.close()
