"""What a person told in advance (线上预受理) is accepted with the papers, in the same commit."""

from __future__ import annotations

from settlement.books.reimbursement import Filed
from settlement.clock import Moment
from settlement.commands import Command
from settlement.decision import Decision
from settlement.finance.payout_books import PayoutBooks
from settlement.people.matter_states import Happening, MatterKind
from settlement.people.my_commands import Acting, ChangeMatter
from settlement.refusal import Refusal
from settlement.serve.clerk import asked_of
from settlement.storage.reimbursements import of_matter
from settlement.storage.under_head import book_under_head
from settlement.usecases import matter_changes
from settlement.view import View
from settlement.who import Who
from settlement.world import World


async def accept_matter(
    books: PayoutBooks, world: World, filed: Filed, who: Who
) -> Refusal | None:
    """The receipt is this person's, and was not used before; in the caller's transaction."""
    if await of_matter(books.connection, filed.lane, filed.matter_no) is not None:
        return Refusal(code="MATTER_CLOSED", field="matter_no")
    command = ChangeMatter(
        asked=asked_of(filed.person_no, filed.lane, who.actor), acting=Acting(staff=who.actor),
        matter_no=filed.matter_no, happening=Happening.ACCEPTED,
        note=f"窗口受理编号 {filed.number}",
    )  # fmt: skip
    refused: list[Refusal] = []

    def decide(one: Command, view: View, at: Moment) -> Decision:
        fact = view.matters.get(filed.person_no, {}).get(filed.matter_no)
        if fact is None or fact.row.kind is not MatterKind.REIMBURSEMENT:
            decision = Decision(Refusal(code="MATTER_UNKNOWN", field="matter_no"))
        else:
            decision = matter_changes.change(command, view, world, at)
        if isinstance(decision.reply, Refusal):
            refused.append(decision.reply)
        return decision

    await book_under_head(
        books.connection, [command], journal=books.journal_of[filed.lane], shape=books.shape,
        keyring=books.keyring, moment=books.moment, decide=decide,
    )  # fmt: skip
    return refused[0] if refused else None
