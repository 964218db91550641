"""What papers come to: asked of the engine without effect, booked by a second person, taken back by
two (核算, 复核, 撤销)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct, structs

from ledger.money import yuan_text
from settlement.books.payout import Amounts
from settlement.books.reimbursement import Act, Filed, Papers, Step
from settlement.clock import Moment
from settlement.commands import Command
from settlement.decision import Decision
from settlement.explanation import ExplanationStep, names_of, render_en, render_zh
from settlement.finance.payout_books import PayoutBooks
from settlement.finance.reimbursement_books import (
    Found,
    free_invoice,
    keep,
    on_one,
    open_papers,
    refused,
    said_of,
    step_of,
)
from settlement.refusal import Refusal
from settlement.rows import SettlementRow
from settlement.said import Said
from settlement.storage import reimbursements as store
from settlement.storage.reader import read_view
from settlement.storage.reference_import import open_agency_accounts
from settlement.storage.under_head import book_under_head
from settlement.storage.world import load_world
from settlement.usecases import reimburse as usecase
from settlement.usecases.reimburse import Reimburse, Reimbursed, TakeBack
from settlement.view import View
from settlement.who import Who
from settlement.world import World

_DECODE_STEPS = msgspec.json.Decoder(tuple[ExplanationStep, ...]).decode
_OTHER = "须由 {who} 以外的人复核 | somebody other than {who} must confirm"


async def calculate(books: PayoutBooks, number: int, who: Who) -> Said:
    """What is paid of the papers, as of now; nothing is booked."""

    async def act(found: Found) -> Said:
        no = refused(found, Act.CALCULATE)
        if no is not None:
            return Said(1, no)
        papers = open_papers(books, found)
        world = await world_for(books, [papers])
        step = step_of(books, found, Act.CALCULATE, who)
        reply = await quoted(books, world, found.filed, papers, step)
        if isinstance(reply, Refusal):
            return said_of(reply, world)
        step = structs.replace(step, amounts=_amounts(reply.row), cash_fen=_left(reply.row))
        await keep(books, found.filed, step)
        lines = [f"{number} {found.filed.invoice_no} 已核算，尚待另一人 confirm 复核 | calculated, "
                 "not booked", *parts(reply.row, world)]  # fmt: skip
        return Said(0, "\n".join([*lines, *_warned(reply)]))

    return await on_one(books, number, act)


async def confirm(books: PayoutBooks, number: int, who: Who) -> Said:
    """Another person confirms what was calculated: it is booked, if it is still the same."""

    async def act(found: Found) -> Said:
        no = refused(found, Act.CONFIRM)
        calculated = found.now.calculated
        if no is not None or calculated is None:
            return Said(1, no or "")
        for other in (found.now.entered_by, calculated.actor):
            if who.is_also(other):
                return Said(1, _OTHER.format(who=other))
        papers = open_papers(books, found)
        world = await world_for(books, [papers])
        elsewhere = await _settled_with(books, found.filed)
        if elsewhere is not None:
            return said_of(elsewhere, world)
        step = structs.replace(
            step_of(books, found, Act.CONFIRM, who), amounts=calculated.amounts,
            cash_fen=calculated.cash_fen, proposer=calculated.actor,
        )  # fmt: skip
        reply = await _carried_out(
            books, world, asking(world, found.filed, papers, step, quote=False)
        )
        if isinstance(reply, Refusal):
            return said_of(reply, world)
        row = reply.row
        step = structs.replace(step, entry_id=row.setl_id)
        await keep(books, found.filed, step)
        return Said(0, "\n".join([
            f"{number} 已复核记账，结算ID {row.setl_id}：{calculated.actor} 核算，{who.actor} "
            f"复核，应付个人 {yuan_text(step.amounts.total_fen)} 元 | booked", *_warned(reply),
        ]))  # fmt: skip

    return await on_one(books, number, act)


async def ask_cancel(books: PayoutBooks, number: int, who: Who) -> Said:
    """One person asks for a booked reimbursement to be taken back."""

    async def act(found: Found) -> Said:
        no = refused(found, Act.ASK_CANCEL)
        if no is not None:
            return Said(1, no)
        await keep(books, found.filed, step_of(books, found, Act.ASK_CANCEL, who))
        return Said(
            0, f"由 {who.actor} 提出撤销 {number}，尚待另一人以 --confirm 确认 | proposed, not "
            "booked"
        )

    return await on_one(books, number, act)


async def cancel(books: PayoutBooks, number: int, who: Who) -> Said:
    """Another person takes it back: the exact negative is booked, and the invoice is free."""

    async def act(found: Found) -> Said:
        no = refused(found, Act.CANCEL)
        settled, asked = found.now.settled, found.now.cancel
        if no is not None or settled is None or settled.entry_id is None:
            return Said(1, no or "")
        if asked is None:
            return Said(1, f"{number} 尚无人提出撤销 | nobody has asked for it yet")
        if who.is_also(asked.actor):
            return Said(1, _OTHER.format(who=asked.actor))
        world = await world_for(books, [])
        step = structs.replace(
            step_of(books, found, Act.CANCEL, who), proposer=asked.actor,
            amounts=Amounts(-settled.amounts.fund_fen, -settled.amounts.account_fen),
            cash_fen=-settled.cash_fen,
        )  # fmt: skip
        command = TakeBack(
            asked=usecase.asked_of(found.filed, f"{number}-C", who.actor), filed=found.filed,
            step=step, setl_id=settled.entry_id, setl_ids=(settled.entry_id,),
        )  # fmt: skip
        reply = await _carried_out(books, world, command)
        if isinstance(reply, Refusal):
            return said_of(reply, world)
        step = structs.replace(step, entry_id=reply.row.setl_id)
        await keep(books, found.filed, step)
        await free_invoice(books, found.filed)
        return Said(
            0, f"{number} 已撤销，撤销结算ID {reply.row.setl_id}：{asked.actor} 提出，{who.actor} "
            "确认；待遇累计已退回，发票可重新受理 | taken back"
        )  # fmt: skip

    return await on_one(books, number, act)


async def world_for(books: PayoutBooks, papers: Sequence[Papers]) -> World:
    """What decisions on some papers read."""
    codes = {line.item_code for one in papers for line in one.claim.lines}
    return await load_world(
        books.connection, books.keyring, item_codes=codes, policies=books.policies
    )


async def quoted(
    books: PayoutBooks, world: World, filed: Filed, papers: Papers, step: Step
) -> Reimbursed | Refusal:
    """What papers come to now, without effect; refused also where somebody else settled with the
    invoice."""
    command = asking(world, filed, papers, step, quote=True)
    view = await read_view(books.connection, [command], books.keyring, books.shape)
    reply = _reply(usecase.reimburse(command, view, world, books.moment))
    if isinstance(reply, Refusal):
        return reply
    return await _settled_with(books, filed) or reply


def asking(
    world: World, filed: Filed, papers: Papers, step: Step, *, quote: bool
) -> Reimburse:
    """The command about papers."""
    return Reimburse(
        asked=usecase.asked_of(filed, f"{filed.number}", step.actor),
        business_key=usecase.business_key(
            papers, usecase.kind_of(papers, world), world.keyring.digest_key
        ),
        filed=filed, papers=papers, step=step, quote=quote,
    )  # fmt: skip


class Looked(Struct, frozen=True, kw_only=True):
    """What papers come to now, for whoever is to confirm what was calculated."""

    refusal: Refusal | None = None
    row: SettlementRow | None = None
    zh: str = ""
    en: str = ""
    """who pays what and why, step by step"""
    warning: str = ""
    same: bool = False
    """whether it is what was calculated"""


async def looked_at(books: PayoutBooks, found: Found, papers: Papers) -> Looked:
    """Ask the engine once more, without effect and without a trace."""
    world = await world_for(books, [papers])
    step = step_of(books, found, Act.CALCULATE, Who(actor=found.now.entered_by, reason=""))
    reply = await quoted(books, world, found.filed, papers, step)
    if isinstance(reply, Refusal):
        return Looked(refusal=reply)
    row, calculated = reply.row, found.now.calculated
    policy = world.policies.version(row.policy)
    names = {} if policy is None else names_of(policy)
    steps = _DECODE_STEPS(row.explanation)
    same = calculated is not None and (calculated.amounts, calculated.cash_fen) == (
        _amounts(row), _left(row)
    )  # fmt: skip
    return Looked(
        row=row, zh=render_zh(steps, names), en=render_en(steps, names), warning=reply.warning,
        same=same,
    )


def parts(row: SettlementRow, world: World) -> list[str]:
    """Who pays what of a bill, and why, for the counter."""
    policy = world.policies.version(row.policy)
    names = {} if policy is None else names_of(policy)
    steps = _DECODE_STEPS(row.explanation)
    return [
        f"  费用合计 {yuan_text(row.total_fen)} 元：全自费 {yuan_text(row.full_self_pay_fen)}、"
        f"超限价 {yuan_text(row.over_ceiling_fen)}、先行自付 {yuan_text(row.pre_self_pay_fen)}、"
        f"符合范围 {yuan_text(row.in_scope_fen)}",
        f"  基金支付 {yuan_text(row.fund_fen)} 元，个人账户支付 {yuan_text(row.account_fen)} 元，"
        f"不予报销 {yuan_text(_left(row))} 元（{row.policy}）",
        *(f"    {line}" for line in render_zh(steps, names).splitlines()),
    ]


async def _carried_out(
    books: PayoutBooks, world: World, command: Reimburse | TakeBack
) -> Reimbursed | Refusal:
    """Decide and book under the journal's head, in the caller's transaction."""
    replies: list[Reimbursed | Refusal] = []

    def decide(one: Command, view: View, at: Moment) -> Decision:
        match one:
            case Reimburse():
                decision = usecase.reimburse(one, view, world, at)
            case TakeBack():
                decision = usecase.take_back(one, view, world, at)
            case _:
                raise TypeError(f"{type(one).__name__} is no reimbursement")
        replies.append(_reply(decision))
        return decision

    await open_agency_accounts(books.connection)
    await book_under_head(
        books.connection, [command], journal=books.journal_of[command.asked.lane],
        shape=books.shape, keyring=books.keyring, moment=books.moment, decide=decide,
    )  # fmt: skip
    return replies[0]


async def _settled_with(books: PayoutBooks, filed: Filed) -> Refusal | None:
    setl_id = await store.settled_by_invoice(
        books.connection, filed.institution, filed.invoice_no
    )
    if setl_id is None:
        return None
    return Refusal(code="REIMBURSEMENT_SETTLED", params={"setl_id": str(setl_id)})


def _reply(decision: Decision) -> Reimbursed | Refusal:
    reply = decision.reply
    if not isinstance(reply, Reimbursed | Refusal):
        raise TypeError(f"{type(reply).__name__} is no reimbursement")
    return reply


def _amounts(row: SettlementRow) -> Amounts:
    return Amounts(row.fund_fen, row.account_fen)


def _left(row: SettlementRow) -> int:
    """What stays with the person: own part, and what the hospital should have borne."""
    return row.cash_fen + row.hospital_fen


def _warned(reply: Reimbursed) -> list[str]:
    return [f"  注意：{reply.warning}"] if reply.warning else []
