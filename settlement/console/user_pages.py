"""用户: who may sign in. A supervisor adds, locks, unlocks, gives a new first password and changes
roles, never their own; a password is shown once and must be changed at the first sign-in."""

from __future__ import annotations

import re

from settlement.console import passwords
from settlement.console.asking import Answer
from settlement.console.rights import Role
from settlement.console.sign_in import name_key
from settlement.console.visits import Visit
from settlement.console.words import ROLES, Words
from settlement.storage import console_cases
from settlement.storage import console_users as users
from settlement.storage.console_users import NewUser, StoredUser

TITLE = Words("用户", "Users")
NAME = re.compile(r"[a-z][a-z0-9._-]{1,31}", re.ASCII)
NAME_WRONG = Words(
    "用户名为2至32位小写字母、数字、点、横线，以字母开头。",
    "A user name has 2 to 32 small letters, digits, dots or dashes and begins with a letter.",
)
DISPLAY_WRONG = Words("请填写姓名。", "Please say what they are called.")
ROLE_WRONG = Words("没有这个角色。", "There is no such role.")
INSTITUTION_WRONG = Words(
    "机构财务须指定一家定点机构，其他角色不得指定。",
    "Institution finance needs one institution; no other role has one.",
)
TAKEN = Words("用户名已存在。", "This user name is taken.")
NOBODY = Words("没有这个用户。", "There is no such user.")
NOT_OWN = Words("不得更改自己的账号。", "You cannot change your own account here.")
NO_REASON = Words("请填写事由。", "Please say why.")
NO_CHANGE = Words("没有变化。", "Nothing changed.")
LOCKED = Words("已锁定并退出其所有登录。", "Locked and signed out everywhere.")
UNLOCKED = Words("已解锁。", "Unlocked.")
ROLE_CHANGED = Words("角色已更改，立即生效。", "The role was changed, at once.")
TEXT_MAX, REASON_MAX = 64, 200


async def users_page(visit: Visit, handed: tuple[str, str] | None = None) -> Answer:
    """Everybody; `handed` is a name and the first password to hand over, shown this once."""
    async with visit.desk.reading() as connection:
        rows = await users.all_users(connection)
    return visit.page(
        "users.html", TITLE, rows=rows, roles=ROLES, handed=handed,
        names=await visit.desk.institution_names(),
    )  # fmt: skip


async def add(visit: Visit) -> Answer:
    """A new user with a first password."""
    form = visit.asked.form
    name, display = form.get("name", "").strip(), form.get("display_name", "").strip()[:TEXT_MAX]
    wrong = user_objection(name, display)
    role, institution = form.get("role", ""), form.get("institution", "").strip()
    reason = form.get("reason", "").strip()[:REASON_MAX]
    wrong = wrong or await _role_objection(visit, role, institution)
    wrong = wrong or (None if reason else NO_REASON)
    if wrong is not None:
        return await users_page(visit.again(wrong))
    password = passwords.new_password()
    new = NewUser(
        name=name, display_name=display, role=role, institution=institution or None,
        password_hash=await visit.desk.hashes.make(password),
    )  # fmt: skip
    async with visit.desk.writing() as connection:
        added = await users.add_user(connection, new, at=visit.at)
    if not added:
        return await users_page(visit.again(TAKEN))
    await visit.note("console.add-user", f"user {name}", f"{role} {institution} {reason}")
    return await users_page(visit, (name, password))


async def change(visit: Visit) -> Answer:
    """Lock, unlock, reset or change the role of somebody else."""
    form = visit.asked.form
    name, what = form.get("name", ""), form.get("what", "")
    reason = form.get("reason", "").strip()[:REASON_MAX]
    if name == visit.who.name:
        return await users_page(visit.again(NOT_OWN))
    if not reason:
        return await users_page(visit.again(NO_REASON))
    async with visit.desk.reading() as connection:
        user = await users.find_user(connection, name)
    if user is None:
        return await users_page(visit.again(NOBODY))
    if what == "reset":
        return await _reset(visit, user, reason)
    if what == "role":
        return await _change_role(visit, user, reason)
    locked = what == "lock"
    async with visit.desk.writing() as connection:
        changed = await users.set_lock(connection, name, locked=locked)
    if not changed:
        return await users_page(visit.again(NO_CHANGE))
    action = "console.lock-user" if locked else "console.unlock-user"
    await visit.note(action, f"user {name}", reason)
    return visit.go("/console/users", LOCKED if locked else UNLOCKED)


def user_objection(name: str, display: str) -> Words | None:
    """What is wrong with a new user's names."""
    if NAME.fullmatch(name) is None:
        return NAME_WRONG
    return None if display else DISPLAY_WRONG


async def _reset(visit: Visit, user: StoredUser, reason: str) -> Answer:
    """A new first password, no second factor, signed out everywhere."""
    password = passwords.new_password()
    hashed = await visit.desk.hashes.make(password)
    async with visit.desk.writing() as connection, connection.transaction():
        await users.set_password(connection, user.name, hashed, at=visit.at, must_change=True)
        await users.set_totp(connection, user.name, None, key_version=0, step=0)
        await users.end_sessions(connection, user.name)
        await users.forget_attempts(connection, name_key(user.name), older_than=visit.at)
    await visit.note("console.reset-user", f"user {user.name}", reason)
    return await users_page(visit, (user.name, password))


async def _change_role(visit: Visit, user: StoredUser, reason: str) -> Answer:
    role = visit.asked.form.get("role", "")
    institution = visit.asked.form.get("institution", "").strip()
    wrong = await _role_objection(visit, role, institution)
    if wrong is not None:
        return await users_page(visit.again(wrong))
    async with visit.desk.writing() as connection:
        await users.set_role(connection, user.name, role, institution or None)
    note = f"{user.role} {user.institution or ''} > {role} {institution}: {reason}"
    await visit.note("console.change-role", f"user {user.name}", note)
    return visit.go("/console/users", ROLE_CHANGED)


async def _role_objection(visit: Visit, role: str, institution: str) -> Words | None:
    if role not in set(Role):
        return ROLE_WRONG
    if (role == Role.INSTITUTION) != bool(institution):
        return INSTITUTION_WRONG
    if not institution:
        return None
    async with visit.desk.reading() as connection:
        found = await console_cases.institutions(connection, institution, "", limit=1)
    return None if found else INSTITUTION_WRONG
