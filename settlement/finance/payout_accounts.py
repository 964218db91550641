"""Bank accounts of institutions (户名, 账号, 开户行): reference data that two people change.

An account is encrypted for its step; one person proposes it, another confirms exactly that. Orders
name the step that they are paid to.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from settlement.bank_account import BankAccount, account_record
from settlement.finance.payout_books import PayoutBooks, SomebodyElseError, in_lane
from settlement.keyring import Keyring, UndecipherableError
from settlement.said import Said
from settlement.storage import payouts as store
from settlement.storage.errors import StorageError
from settlement.storage.payouts import AccountStep
from settlement.who import Who


class Holding(Struct, frozen=True, kw_only=True):
    """The account that holds, by its step."""

    step_no: int
    account: BankAccount


async def propose(books: PayoutBooks, institution: str, account: BankAccount, who: Who) -> Said:
    """One person says where an institution is paid to; nothing changes yet."""
    if institution not in books.institutions:
        return Said(1, f"没有机构 {institution} | there is no such institution")
    lane = books.lane_of(institution)

    async def act() -> Said:
        steps = await _steps(books, lane, institution)
        number = len(steps) + 1
        sealed = books.keyring.seal(
            msgspec.json.encode(account), account_record(lane, institution, number)
        )
        await _keep(books, lane, institution, AccountStep(
            step_no=number, confirms=None, key_version=books.keyring.version, payload=sealed,
            actor=who.actor, reason=who.reason,
        ))  # fmt: skip
        name = books.name_of(institution)
        return Said(
            0,
            f"由 {who.actor} 提出 {name} 收款账户 {account.masked}，尚待另一人以 --confirm 确认 | "
            "proposed, not in force",
        )

    return await in_lane(books, lane, act)


async def confirm(books: PayoutBooks, institution: str, account: BankAccount, who: Who) -> Said:
    """Another person types the same: it holds."""
    if institution not in books.institutions:
        return Said(1, f"没有机构 {institution} | there is no such institution")
    lane = books.lane_of(institution)

    async def act() -> Said:
        steps = await _steps(books, lane, institution)
        last = steps[-1] if steps else None
        if last is None or last.confirms is not None:
            name = books.name_of(institution)
            return Said(1, f"{name} 没有待确认的收款账户 | nothing is proposed")
        if who.is_also(last.actor):
            return Said(
                1, f"须由 {last.actor} 以外的人确认 | somebody other than {last.actor} must confirm"
            )
        if opened(books.keyring, lane, institution, last) != account:
            return Said(
                1, "与提出的账户不一致，未生效 | it is another account than was proposed"
            )
        await _keep(books, lane, institution, AccountStep(
            step_no=len(steps) + 1, confirms=last.step_no, key_version=books.keyring.version,
            payload=b"", actor=who.actor, reason=who.reason,
        ))  # fmt: skip
        return Said(
            0,
            f"{books.name_of(institution)} 收款账户 {account.masked} 已生效：{last.actor} 提出，"
            f"{who.actor} 确认 | in force",
        )

    return await in_lane(books, lane, act)


async def show(books: PayoutBooks, institution: str) -> Said:
    """Who proposed and confirmed which account, the numbers masked."""
    lane = books.lane_of(institution)
    steps = await _steps(books, lane, institution)
    if not steps:
        return Said(1, f"{books.name_of(institution)} 没有登记收款账户 | no account is registered")
    lines = []
    for step in steps:
        what = (
            f"确认第 {step.confirms} 步" if step.confirms is not None
            else f"提出 {opened(books.keyring, lane, institution, step).masked}"
        )  # fmt: skip
        lines.append(f"  {step.step_no}. {step.actor} {what} {step.reason}")
    return Said(0, "\n".join([f"{books.name_of(institution)} 收款账户", *lines]))


async def holdings(
    books: PayoutBooks, lane: int, institutions: list[str]
) -> dict[str, Holding]:
    """The accounts that hold, of institutions of one lane; those without one are left out."""
    found = {}
    for code, steps in (await store.accounts_of(books.connection, lane, institutions)).items():
        confirmed = [step.confirms for step in steps if step.confirms is not None]
        if confirmed:
            step = next(one for one in steps if one.step_no == confirmed[-1])
            account = opened(books.keyring, lane, code, step)
            found[code] = Holding(step_no=step.step_no, account=account)
    return found


async def account_at(books: PayoutBooks, institution: str, step_no: int) -> BankAccount:
    """The account of a step, as an order names it."""
    lane = books.lane_of(institution)
    steps = await _steps(books, lane, institution)
    return opened(
        books.keyring, lane, institution, next(one for one in steps if one.step_no == step_no)
    )


def opened(keyring: Keyring, lane: int, institution: str, step: AccountStep) -> BankAccount:
    """What a step says. StorageError where it does not open."""
    try:
        plain = keyring.open(
            step.payload, account_record(lane, institution, step.step_no), step.key_version
        )
    except UndecipherableError as exc:
        raise StorageError(f"bank account {step.step_no} of {institution}: {exc}") from exc
    return msgspec.json.decode(plain, type=BankAccount)


async def _steps(books: PayoutBooks, lane: int, institution: str) -> tuple[AccountStep, ...]:
    found = await store.accounts_of(books.connection, lane, [institution])
    return found.get(institution, ())


async def _keep(books: PayoutBooks, lane: int, institution: str, step: AccountStep) -> None:
    if not await store.keep_account(
        books.connection, lane, institution, step, books.moment.at
    ):
        raise SomebodyElseError
