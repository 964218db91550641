"""Papers at the counter (材料受理): accepted, entered anew before anything is booked, or refused;
and another bank account, as where the bank sent the money back.

What cannot ever be paid is refused before it is kept: the engine is asked once for all papers of a
file, and of a file with one such paper nothing is kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from ledger.money import yuan_text
from settlement.bank_account import BankAccount
from settlement.books.payout import NONE
from settlement.books.reimbursement import Act, Filed, Papers, Step
from settlement.books.reimbursement_intake import Entered
from settlement.finance.payout_books import PayoutBooks, SomebodyElseError
from settlement.finance.reimbursement_books import (
    Found,
    filed_of,
    free_invoice,
    keep,
    on_one,
    open_papers,
    refused,
    said_of,
    seal_papers,
    step_of,
    take_invoice,
    under_lock,
)
from settlement.finance.reimbursement_deciding import quoted, world_for
from settlement.finance.reimbursement_matters import accept_matter
from settlement.lanes import lane_of
from settlement.refusal import Refusal
from settlement.refusals import text
from settlement.said import Said
from settlement.storage import reimbursements as store
from settlement.storage.reimbursements import Sealed
from settlement.who import Who
from settlement.world import World

_FIRST = 1


async def accept(
    books: PayoutBooks, entered: Sequence[Entered], who: Who, *, matter_no: int = 0
) -> Said:
    """Take the papers of a file in, each invoice under a number of its own; of one that was told in
    advance `matter_no` is the receipt."""
    if matter_no and len(entered) != 1:
        return Said(1, "预受理回执只对应一张发票 | a receipt is about one invoice")
    world = await world_for(books, [one.papers for one in entered])
    faults = []
    for one in entered:
        no = await _objection(books, world, one, who)
        if no is not None:
            faults.append(_fault(one, no, world))
    if faults:
        return Said(1, "\n".join(["未受理 | nothing was accepted:", *faults]))
    lines, status = [], 0
    for one in entered:
        said = await _accept_one(books, world, one, who, matter_no)
        lines.append(said.text)
        status = max(status, said.status)
    return Said(status, "\n".join(lines))


async def amend(books: PayoutBooks, number: int, entered: Sequence[Entered], who: Who) -> Said:
    """Enter the papers of a reimbursement anew; the earlier ones stay as they were."""
    if len(entered) != 1:
        return Said(1, f"须恰好一张发票，文件中有 {len(entered)} 张 | one invoice is needed")
    papers = entered[0].papers

    async def act(found: Found) -> Said:
        no = refused(found, Act.AMEND)
        if no is not None:
            return Said(1, no)
        if papers.claim.person_no != found.filed.person_no:
            return Said(1, "参保人与原材料不一致，请另行受理 | the papers are of somebody else")
        world = await world_for(books, [papers])
        filed, sealed = _next_paper(books, found, papers, who)
        same_invoice = (filed.institution, filed.invoice_no) == (
            found.filed.institution, found.filed.invoice_no
        )  # fmt: skip
        taken = None
        if not same_invoice:
            await free_invoice(books, found.filed)
            taken = await take_invoice(books, filed)
        reply = taken or await quoted(books, world, filed, papers, _entering(books, who))
        if isinstance(reply, Refusal):
            return said_of(reply, world)
        await _keep_paper(books, filed, sealed)
        step = structs.replace(step_of(books, found, Act.AMEND, who), paper_no=filed.paper_no)
        await keep(books, filed, step)
        return Said(0, f"{number} 材料已更正为第 {filed.paper_no} 份，请重新核算 | entered anew")

    return await on_one(books, number, act)


async def change_account(
    books: PayoutBooks, number: int, account: BankAccount, who: Who
) -> Said:
    """Pay to another bank account. Whoever enters it does not give the order."""

    async def act(found: Found) -> Said:
        no = refused(found, Act.ACCOUNT)
        if no is not None:
            return Said(1, no)
        papers = structs.replace(open_papers(books, found), pay_to=account)
        filed, sealed = _next_paper(books, found, papers, who)
        await _keep_paper(books, filed, sealed)
        step = structs.replace(step_of(books, found, Act.ACCOUNT, who), paper_no=filed.paper_no)
        await keep(books, filed, step)
        return Said(
            0, f"{number} 收款账户更换为 {account.masked}，须由 {who.actor} 以外的人下达 | entered"
        )

    return await on_one(books, number, act)


async def refuse(books: PayoutBooks, number: int, who: Who) -> Said:
    """Send the papers back (退件); the invoice may be brought again."""

    async def act(found: Found) -> Said:
        no = refused(found, Act.REFUSE)
        if no is not None:
            return Said(1, no)
        await keep(books, found.filed, step_of(books, found, Act.REFUSE, who))
        await free_invoice(books, found.filed)
        return Said(0, f"{number} 不予报销：{who.reason} | refused")

    return await on_one(books, number, act)


async def _objection(
    books: PayoutBooks, world: World, one: Entered, who: Who
) -> Refusal | None:
    """Why papers cannot be accepted as things stand."""
    lane = lane_of(one.person_no, books.lanes)
    filed = _unsealed(one.papers, who, lane)
    turn = await store.invoice_turn(
        books.connection, lane_of(f"{filed.institution}/{filed.invoice_no}", books.lanes),
        filed.institution, filed.invoice_no,
    )  # fmt: skip
    if turn is not None and turn.taken:
        return Refusal(
            code="REIMBURSEMENT_INVOICE_TAKEN", field="invoice_no",
            params={"value": filed.invoice_no, "number": str(turn.number)},
        )  # fmt: skip
    reply = await quoted(books, world, filed, one.papers, _entering(books, who))
    return reply if isinstance(reply, Refusal) else None


async def _accept_one(
    books: PayoutBooks, world: World, one: Entered, who: Who, matter_no: int
) -> Said:
    lane = lane_of(one.person_no, books.lanes)
    number = books.number(lane)
    sealed = seal_papers(books, one.papers, lane, number, _FIRST)
    filed = filed_of(
        one.papers, sealed, who, lane=lane, number=number, paper_no=_FIRST,
        matter_no=matter_no,
    )  # fmt: skip

    async def act() -> Said:
        taken = await take_invoice(books, filed)
        if taken is None and matter_no:
            taken = await accept_matter(books, world, filed, who)
        if taken is not None:
            return Said(1, _fault(one, taken, world))
        await store.keep_head(books.connection, filed, books.moment.at)
        await _keep_paper(books, filed, sealed)
        await keep(books, filed, _entering(books, who))
        return Said(
            0, f"{number} 已受理：发票 {filed.invoice_no}，{yuan_text(filed.total_fen)} 元，"
            f"收款账户 {one.papers.pay_to.masked}{_other_name(one.papers)} | accepted"
        )  # fmt: skip

    return await under_lock(books, lane, act)


def _other_name(papers: Papers) -> str:
    """Money for a child goes to a parent: allowed, and both people see it."""
    return "" if papers.pay_to.name == papers.name else "（户名与参保人不同，请核对）"


def _next_paper(
    books: PayoutBooks, found: Found, papers: Papers, who: Who
) -> tuple[Filed, Sealed]:
    filed = found.filed
    sealed = seal_papers(books, papers, filed.lane, filed.number, filed.paper_no + 1)
    return filed_of(
        papers, sealed, who, lane=filed.lane, number=filed.number, paper_no=filed.paper_no + 1,
        matter_no=filed.matter_no,
    ), sealed  # fmt: skip


async def _keep_paper(books: PayoutBooks, filed: Filed, sealed: Sealed) -> None:
    if not await store.keep_paper(books.connection, filed, sealed, books.moment.at):
        raise SomebodyElseError


def _unsealed(papers: Papers, who: Who, lane: int) -> Filed:
    """Papers that nobody has kept yet."""
    nothing = Sealed(payload=b"")
    return filed_of(papers, nothing, who, lane=lane, number=0, paper_no=_FIRST, matter_no=0)


def _entering(books: PayoutBooks, who: Who) -> Step:
    return Step(
        step_no=1, act=Act.ACCEPT, at=books.moment.at, booked_on=books.moment.business_day,
        paper_no=_FIRST, amounts=NONE, cash_fen=0, actor=who.actor, proposer="", reference="",
        reason=who.reason,
    )  # fmt: skip


def _fault(one: Entered, refusal: Refusal, world: World) -> str:
    told = text(refusal, world.profile).message
    return f"  第 {one.row} 行 {told} | row {one.row}: {refusal.code}"
