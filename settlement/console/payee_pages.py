"""拨付, of one institution: how its payment is made up, what became of it, what may be done; and
where it is paid to, which two people decide.
"""

from __future__ import annotations

from datetime import date

from settlement.bank_account import BankAccount
from settlement.books.payout import AFTER, SIGN, WORD, Act, State, refuses_amount, standing
from settlement.books.payout_intake import Asked
from settlement.console.asking import CSV, WORKBOOK, Answer, wants_workbook
from settlement.console.ordering import Order, have_done
from settlement.console.payout_pages import (
    MISSING,
    TITLE,
    day_of,
    order_of,
    paper,
    subject_of,
)
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.finance.errand_tasks import (
    AccountTask,
    AdjustTask,
    PayoutAct,
    WithdrawTask,
)
from settlement.finance.paper_job import Notice
from settlement.finance.payout_accounts import opened
from settlement.finance.payout_periods import Found
from settlement.institution import Institution
from settlement.lanes import lane_of
from settlement.numbers import parse
from settlement.storage import payouts as store
from settlement.storage import reference

ACCOUNT = Words("收款账户", "Payee account")
NOBODY = Words("没有这家机构。", "There is no such institution.")
NO_AMOUNT = Words(
    "请填写调整类型、大于零的金额（至多两位小数）和依据。",
    "Please give the kind, an amount above zero (two decimals at most) and the document.",
)
NO_NUMBER = Words(
    "结算编号须为 19 位数字，或留空。", "A settlement number has 19 digits; or leave it empty."
)
NO_ACCOUNT = Words("请填写户名、账号和开户行。", "Please give name, account number and bank.")
TEXT_MAX = 100
YUAN_MAX = 13
"""Digits of an amount in yuan."""


async def payout(visit: Visit) -> Answer:
    """One institution's period."""
    found, known = await _found(visit)
    if found is None or known is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    await visit.note("console.view-payout", f"payout {found.period.first_on} {known.code}")
    now = found.now
    return visit.page(
        "payout.html", TITLE, found=found, now=now, known=known, signs=SIGN,
        may={
            act.name.lower(): (now.state, act) in AFTER and not refuses_amount(now, act)
            for act in (Act.ADJUST, Act.CONFIRM, Act.PROPOSE, Act.ORDER, Act.CLOSE)
        },
        is_proposer=now.proposal is not None and now.proposal.actor == visit.who.name,
        kinds=WORD, account=None if visit.scope else await _account(visit, known.code),
        waits=now.state in (State.CONFIRMED, State.RETURNED) and now.proposal is not None,
    )  # fmt: skip


async def notice(visit: Visit) -> Answer:
    """The notice of payment (拨付通知)."""
    found, known = await _found(visit)
    if found is None or known is None or found.now.confirmed is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    first_on, as_workbook = found.period.first_on, wants_workbook(visit.asked)
    stem = f"notice-{known.code}-{first_on:%Y%m%d}"
    return await paper(
        visit, Notice(first_on=first_on, institution=known.code, as_workbook=as_workbook),
        f"{stem}.xlsx" if as_workbook else f"{stem}.csv", WORKBOOK if as_workbook else CSV,
        f"payout {first_on} {known.code}",
    )  # fmt: skip


async def confirm(visit: Visit) -> Answer:
    """What is to be paid to it is fixed."""
    return await _act(visit, "confirm")


async def propose(visit: Visit) -> Answer:
    """One person proposes to pay it."""
    return await _act(visit, "propose")


async def order(visit: Visit) -> Answer:
    """Another one orders it."""
    return await _act(visit, "order")


async def close(visit: Visit) -> Answer:
    """Its period is closed."""
    return await _act(visit, "close")


async def adjust(visit: Visit) -> Answer:
    """Propose one adjustment, typed."""
    first_on, code = day_of(visit), visit.parts[1]
    if first_on is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    form = visit.asked.form
    kind, fen = WORD.get(form.get("kind", "")), fen_of(form.get("amount", "").strip())
    source, note = (form.get(name, "").strip()[:TEXT_MAX] for name in ("source", "note"))
    if kind is None or not fen or not source:
        return await payout(visit.again(NO_AMOUNT))
    told = form.get("setl_id", "").strip()
    setl_id = parse(told)
    if told and setl_id is None:
        return await payout(visit.again(NO_NUMBER))
    row = Asked(
        row=2, institution=code, kind=kind, amount_fen=fen, source=source, note=note,
        setl_id=setl_id,
    )  # fmt: skip
    return await have_done(
        visit, _order(visit, first_on, AdjustTask(first_on=first_on, rows=(row,)), "adjust")
    )


async def withdraw(visit: Visit) -> Answer:
    """Take a proposed adjustment back."""
    first_on, code = day_of(visit), visit.parts[1]
    told = visit.asked.form.get("number", "")
    if first_on is None or not (told.isascii() and told.isdecimal() and len(told) < 9):
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    task = WithdrawTask(first_on=first_on, institution=code, number=int(told))
    return await have_done(visit, _order(visit, first_on, task, "withdraw"))


async def account(visit: Visit) -> Answer:
    """Where an institution is paid to: who proposed and confirmed which."""
    code = visit.parts[0]
    lane = lane_of(code, visit.desk.lanes)
    async with visit.desk.reading() as connection:
        known = (await reference.institutions(connection)).get(code)
        steps = (await store.accounts_of(connection, lane, [code])).get(code, ())
    if known is None:
        return visit.page("message.html", NOBODY, status=404, words=NOBODY)
    await visit.note("console.view-account", f"institution {code}")
    shown = [
        (step, "" if step.confirms else opened(visit.desk.keyring, lane, code, step).masked)
        for step in steps
    ]
    last = steps[-1] if steps else None
    return visit.page(
        "payee.html", ACCOUNT, known=known, steps=shown,
        waits=last if last is not None and last.confirms is None else None,
    )  # fmt: skip


async def propose_account(visit: Visit) -> Answer:
    """One person says where it is paid to."""
    return await _set_account(visit, confirm=False)


async def confirm_account(visit: Visit) -> Answer:
    """Another one types the same: it holds."""
    return await _set_account(visit, confirm=True)


def fen_of(text: str) -> int | None:
    """Yuan with two decimals at most; None where it is no such amount."""
    whole, _, cents = text.replace(",", "").partition(".")
    digits = whole + cents
    if not whole or len(whole) > YUAN_MAX or len(cents) > 2:
        return None
    if not (digits.isascii() and digits.isdecimal()):
        return None
    return int(whole) * 100 + int(f"{cents:<02}" if cents else "0")


async def _set_account(visit: Visit, *, confirm: bool) -> Answer:
    code = visit.parts[0]
    name, number, bank = (
        visit.asked.form.get(field, "").strip()[:TEXT_MAX] for field in ("name", "account", "bank")
    )
    if not (name and number and bank):
        return await account(visit.again(NO_ACCOUNT))
    told = BankAccount(name=name, account=number, bank=bank)
    what = "confirm" if confirm else "propose"
    return await have_done(visit, Order(
        task=AccountTask(institution=code, account=told, confirm=confirm), title=ACCOUNT,
        action=f"console.account-{what}", subject=f"institution {code}",
        back=f"/console/payees/{code}", again=account, is_short=True,
    ))  # fmt: skip


async def _act(visit: Visit, act: PayoutAct) -> Answer:
    first_on, code = day_of(visit), visit.parts[1]
    if first_on is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    back = f"/console/payouts/{first_on}/{code}"
    return await have_done(visit, order_of(act, first_on, code, back, payout))


def _order(
    visit: Visit, first_on: date, task: AdjustTask | WithdrawTask, what: str
) -> Order:
    code = visit.parts[1]
    return Order(
        task=task, title=Words(f"{first_on} {code} 调整", f"{first_on} {code}: adjustment"),
        action=f"console.payout-{what}", subject=f"{subject_of(first_on)} {code}",
        back=f"/console/payouts/{first_on}/{code}", again=payout, is_short=True,
    )  # fmt: skip


async def _found(visit: Visit) -> tuple[Found | None, Institution | None]:
    """The period as it stands, where it was stated and may be seen."""
    first_on, code = day_of(visit), visit.parts[1]
    if first_on is None or visit.scope not in (None, code):
        return None, None
    lane = lane_of(code, visit.desk.lanes)
    async with visit.desk.reading() as connection:
        known = (await reference.institutions(connection)).get(code)
        (kept,) = await store.kept_of(connection, lane, [code], first_on, first_on)
    if not kept.steps:
        return None, known
    return Found(kept=kept, now=standing(kept.steps)), known


async def _account(visit: Visit, code: str) -> str:
    """The account in force, masked; empty where there is none."""
    lane = lane_of(code, visit.desk.lanes)
    async with visit.desk.reading() as connection:
        steps = (await store.accounts_of(connection, lane, [code])).get(code, ())
    confirmed = [step.confirms for step in steps if step.confirms is not None]
    if not confirmed:
        return ""
    step = next(one for one in steps if one.step_no == confirmed[-1])
    return opened(visit.desk.keyring, lane, code, step).masked
