"""Signing in and out, one's own password and second factor.

A failed sign-in is counted before the password is looked at, under the name that was typed, and
says the same whatever was wrong. What somebody had typed into a form when their session ended is
sealed into the sign-in page, opened only for the same user, and is in the form again afterwards:
it is shown, never acted on.
"""

from __future__ import annotations

import secrets
from hashlib import sha256

import msgspec
from msgspec import Struct

from settlement.console import lockout, passwords, totp
from settlement.console.asking import ROOT, Answer, Cookie, drop_cookie, redirect, set_cookie
from settlement.console.rights import Role
from settlement.console.visits import Draft, Visit, Visitor, csrf_of, is_same
from settlement.console.words import Words
from settlement.storage import console_users as users
from settlement.storage.console_users import Noted, StoredUser, totp_record

TITLE = Words("登录", "Sign in")
WRONG = Words("用户名、密码或动态口令不正确。", "User name, password or code is not right.")
WAIT = Words("尝试次数过多，请稍后再试。", "Too many attempts. Please try again later.")
STALE = Words("登录页已过期，请重新填写。", "This page was out of date. Please try again.")
ENDED = Words(
    "登录已超时。您填写的内容已保留，登录后将回到原表单。",
    "Your session has ended. What you typed is kept: you will find it in the form again.",
)
FIRST = Words("请先登录。", "Please sign in first.")
PASSWORD_TITLE = Words("修改密码", "Change password")
CHANGED = Words("密码已修改，其他登录均已退出。", "Password changed; signed out everywhere else.")
OLD_WRONG = Words("原密码不正确。", "The old password is not right.")
NOT_TWICE = Words("两次输入的新密码不一致。", "The new passwords differ.")
FACTOR_TITLE = Words("动态口令", "Second factor")
FACTOR_ON = Words("动态口令已启用。", "The second factor is on.")
FACTOR_OFF = Words("动态口令已停用。", "The second factor is off.")
CODE_WRONG = Words("动态口令不正确，请重试。", "That code is not right. Please try again.")
ISSUER = "Settlement"
_MAX_NAME = 64


class Kept(Struct, frozen=True, kw_only=True):
    """What was typed, by whom, into the form of which page."""

    user: str
    page: str
    typed: dict[str, str]


async def form(visit: Visit) -> Answer:
    """The sign-in page, with a token that belongs to this browser."""
    if visit.visitor is not None:
        return redirect(ROOT)
    return sign_in_page(visit, kept="", problem=None)


def sign_in_page(visit: Visit, *, kept: str, problem: Words | None, status: int = 200) -> Answer:
    """The page; whoever had no token of the form gets one."""
    secret = visit.asked.cookies.get(Cookie.FORM) or secrets.token_urlsafe(24)
    answer = visit.page(
        "sign_in.html", TITLE, status=status, kept=kept, form_csrf=csrf_of(secret),
        problem=problem, name=visit.asked.form.get("name", "")[:_MAX_NAME],
    )  # fmt: skip
    return answer.with_headers(("Set-Cookie", set_cookie(visit.asked, Cookie.FORM, secret)))


async def submit(visit: Visit) -> Answer:
    """Somebody says who they are."""
    asked, kept = visit.asked, visit.asked.form.get("kept", "")
    secret = asked.cookies.get(Cookie.FORM, "")
    if not secret or not is_same(asked.form.get("csrf", ""), csrf_of(secret)):
        return sign_in_page(visit, kept=kept, problem=STALE, status=403)
    name = asked.form.get("name", "").strip().casefold()[:_MAX_NAME]
    if not await _may_try(visit, name):
        await _failed(visit, name, "wait")
        return sign_in_page(visit, kept=kept, problem=WAIT, status=429)
    user = await _known(visit, name)
    if user is None:
        await _failed(visit, name, "refused")
        return sign_in_page(visit, kept=kept, problem=WRONG, status=401)
    return await _enter(visit, user, _draft(visit, user.name, kept))


async def leave(visit: Visit) -> Answer:
    """Sign out, here."""
    await visit.note("console.sign-out", f"user {visit.who.name}")
    async with visit.desk.writing() as connection:
        await users.end_session(connection, token_hash(visit.who.token))
    return redirect("/console/sign-in").with_headers(
        ("Set-Cookie", drop_cookie(visit.asked, Cookie.SESSION))
    )


async def leave_everywhere(visit: Visit) -> Answer:
    """Sign out, wherever this user is signed in."""
    await visit.note("console.sign-out-everywhere", f"user {visit.who.name}")
    async with visit.desk.writing() as connection:
        await users.end_sessions(connection, visit.who.name)
    return redirect("/console/sign-in").with_headers(
        ("Set-Cookie", drop_cookie(visit.asked, Cookie.SESSION))
    )


async def password_form(visit: Visit) -> Answer:
    """Where one's password is changed."""
    return visit.page("password.html", PASSWORD_TITLE, must_change=visit.who.must_change)


async def change_password(visit: Visit) -> Answer:
    """A password of one's own: everybody else who is signed in with the old one is signed out."""
    form_, who = visit.asked.form, visit.who
    name = who.name
    if not await _may_try(visit, name):
        return await password_form(visit.again(WAIT))
    async with visit.desk.reading() as connection:
        user = await users.find_user(connection, name)
    old, new = form_.get("old_password", ""), form_.get("new_password", "")
    if user is None or not await visit.desk.hashes.fits(user.password_hash, old):
        await visit.note("console.password-refused", f"user {name}")
        return await password_form(visit.again(OLD_WRONG))
    wrong = passwords.objection(new, name=name)
    if wrong is None and new != form_.get("new_password_again", ""):
        wrong = NOT_TWICE
    if wrong is None and new == old:
        wrong = passwords.IS_SAME
    await _forget(visit, name)
    if wrong is not None:
        return await password_form(visit.again(wrong))
    hashed = await visit.desk.hashes.make(new)
    async with visit.desk.writing() as connection:
        await users.set_password(connection, name, hashed, at=visit.at, must_change=False)
        await users.end_sessions(connection, name)
    await visit.note("console.change-password", f"user {name}")
    return await _open(visit, name, None, visit.go(ROOT, CHANGED))


async def factor_form(visit: Visit) -> Answer:
    """Where the second factor is set up or put away: the key is new each time, sealed in the form
    until a code proves that it arrived."""
    key = _carried_key(visit) or totp.new_key()
    modules, path = totp.qr_path(totp.address_of(key, name=visit.who.name, issuer=ISSUER))
    return visit.page(
        "second_factor.html", FACTOR_TITLE, on=visit.who.has_totp, modules=modules, path=path,
        key_text=totp.key_text(key), key=visit.seal(key, _key_purpose(visit)),
    )  # fmt: skip


async def set_factor(visit: Visit) -> Answer:
    """Turn it on with a code of the new key, or off with a code of the present one."""
    code, name = visit.asked.form.get("code", ""), visit.who.name
    if not await _may_try(visit, name):
        return await factor_form(visit.again(WAIT))
    if visit.who.has_totp:
        return await _factor_off(visit, code)
    key = _carried_key(visit)
    step = None if key is None else totp.matching_step(key, code, visit.at)
    if key is None or step is None:
        return await factor_form(visit.again(CODE_WRONG))
    keyring = visit.desk.keyring
    sealed = keyring.seal(key, totp_record(name))
    async with visit.desk.writing() as connection:
        await users.set_totp(connection, name, sealed, key_version=keyring.version, step=step)
    await _forget(visit, name)
    await visit.note("console.second-factor-on", f"user {name}")
    return visit.go("/console/second-factor", FACTOR_ON)


async def _factor_off(visit: Visit, code: str) -> Answer:
    name = visit.who.name
    async with visit.desk.reading() as connection:
        user = await users.find_user(connection, name)
    if user is None or not await _code_fits(visit, user, code):
        return await factor_form(visit.again(CODE_WRONG))
    async with visit.desk.writing() as connection:
        await users.set_totp(connection, name, None, key_version=0, step=0)
    await _forget(visit, name)
    await visit.note("console.second-factor-off", f"user {name}")
    return visit.go("/console/second-factor", FACTOR_OFF)


def keep_typed(visit: Visit, who: str, page: str, typed: dict[str, str]) -> str:
    """What was typed, sealed for the sign-in page."""
    kept = Kept(user=who, page=page, typed=typed)
    return visit.seal(msgspec.json.encode(kept), b"typed")


def token_hash(token: str) -> bytes:
    """What is kept of a session's token."""
    return sha256(token.encode()).digest()


def name_key(name: str) -> bytes:
    """Under what the failed attempts of a name are counted."""
    return sha256(name.encode()).digest()


async def _known(visit: Visit, name: str) -> StoredUser | None:
    """The user, where password and code are right and nobody locked them."""
    async with visit.desk.reading() as connection:
        user = await users.find_user(connection, name)
    stored = None if user is None else user.password_hash
    fits = await visit.desk.hashes.fits(stored, visit.asked.form.get("password", ""))
    if user is None or not fits or user.locked:
        return None
    if user.totp_key is not None and not await _code_fits(
        visit, user, visit.asked.form.get("code", "")
    ):
        return None
    return user


async def _code_fits(visit: Visit, user: StoredUser, code: str) -> bool:
    if user.totp_key is None:
        return False
    key = visit.desk.keyring.open(user.totp_key, totp_record(user.name), user.totp_key_version)
    step = totp.matching_step(key, code, visit.at)
    if step is None:
        return False
    async with visit.desk.writing() as connection:
        return await users.use_totp(connection, user.name, step)


async def _may_try(visit: Visit, name: str) -> bool:
    """Count an attempt; False while the name is left alone."""
    key = name_key(name)
    async with visit.desk.writing() as connection:
        failures, blocked_until = await users.attempts(connection, key)
        if blocked_until is not None and visit.at < blocked_until:
            return False
        until = visit.at + lockout.delay_after(failures + 1)
        return await users.count_attempt(connection, key, before=failures, blocked_until=until)


async def _forget(visit: Visit, name: str) -> None:
    async with visit.desk.writing() as connection:
        await users.forget_attempts(
            connection, name_key(name), older_than=visit.at - lockout.FORGOTTEN_AFTER
        )


async def _failed(visit: Visit, name: str, why: str) -> None:
    noted = Noted(
        actor=name, action="console.sign-in-failed", subject=f"user {name}", note=why,
        origin=visit.asked.address,
    )  # fmt: skip
    await visit.desk.note(noted, visit.at)


def _draft(visit: Visit, name: str, kept: str) -> Draft | None:
    """What this user had typed before; nothing of what another one had."""
    opened = visit.unseal(kept, b"typed")
    if opened is None:
        return None
    was = msgspec.json.decode(opened, type=Kept)
    return Draft(page=was.page, typed=was.typed) if was.user == name else None


async def _enter(visit: Visit, user: StoredUser, draft: Draft | None) -> Answer:
    await _forget(visit, user.name)
    noted = Noted(
        actor=user.name, action="console.sign-in", subject=f"user {user.name}",
        origin=visit.asked.address,
    )  # fmt: skip
    await visit.desk.note(noted, visit.at)
    answer = redirect(ROOT if draft is None else draft.page)
    return await _open(visit, user.name, draft, answer)


async def _open(visit: Visit, name: str, draft: Draft | None, answer: Answer) -> Answer:
    """A session with a token of its own, whatever cookie the browser came with."""
    token = secrets.token_urlsafe(32)
    keyring = visit.desk.keyring
    sealed = None
    if draft is not None:
        sealed = keyring.seal(msgspec.json.encode(draft), draft_record(token))
    old = visit.asked.cookies.get(Cookie.SESSION, "")
    async with visit.desk.writing() as connection:
        await users.end_session(connection, token_hash(old))
        await users.open_session(
            connection, token_hash(token), name, address=visit.asked.address, draft=sealed,
            draft_version=keyring.version, at=visit.at,
        )  # fmt: skip
    return answer.with_headers(
        ("Set-Cookie", set_cookie(visit.asked, Cookie.SESSION, token)),
        ("Set-Cookie", drop_cookie(visit.asked, Cookie.FORM)),
    )


def draft_record(token: str) -> bytes:
    """What a session's draft is sealed for."""
    return b"console draft/" + token_hash(token)


def _key_purpose(visit: Visit) -> bytes:
    return b"second factor/" + visit.who.name.encode()


def _carried_key(visit: Visit) -> bytes | None:
    return visit.unseal(visit.asked.form.get("key", ""), _key_purpose(visit))


def visitor_of(stored: users.StoredSession, token: str, draft: Draft | None) -> Visitor:
    """Who a session belongs to."""
    return Visitor(
        name=stored.name, display_name=stored.display_name, role=Role(stored.role),
        institution=stored.institution, must_change=stored.must_change, has_totp=stored.has_totp,
        started_at=stored.started_at, token=token, draft=draft,
    )  # fmt: skip
