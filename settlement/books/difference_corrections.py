"""How a difference with a channel may be corrected, and what that books.

Pure. Whatever is booked moves the clearing account of the channel by exactly what the channel has
more than our books, so that this account comes to what the channel says. Against what, the
correction says: what is owed to the payer, what was to be collected, or a suspense account.
"""

from __future__ import annotations

from collections.abc import Mapping

from ledger.entry import Transfer
from settlement import chart
from settlement.books.channel_matching import Class, Kind
from settlement.books.difference_states import Correction, Name, Step
from settlement.books.institution_matching import INSTITUTION
from settlement.chart import ChannelAccount, EntryCode, channel_account
from settlement.payments.payment import Custody
from settlement.postings import collected_transfers, undone

CODES: Mapping[Correction, EntryCode] = {
    Correction.MAKE_UP: EntryCode.DIFFERENCE_MADE_UP,
    Correction.REFUND: EntryCode.DIFFERENCE_REFUNDED,
    Correction.VOID: EntryCode.DIFFERENCE_VOIDED,
    Correction.WRITE_OFF: EntryCode.DIFFERENCE_WRITTEN_OFF,
}


def allowed(name: Name, last: Step) -> tuple[Correction, ...]:
    """What may be proposed, the most likely first; a note always. What an institution says moves no
    money: it is asked, and what is wrong is cancelled or settled anew."""
    due_fen, facts = last.due_fen, last.facts
    if not due_fen or facts.found is Class.CUSTODY or name.channel == INSTITUTION:
        return (Correction.NOTE,)
    known = bool(facts.institution)
    if due_fen > 0:
        first = Correction.MAKE_UP
        if name.kind is Kind.REFUND and facts.ours_fen < 0:
            first = Correction.VOID
    else:
        first = Correction.REFUND if name.kind is Kind.REFUND else Correction.VOID
    likely = (first,) if known else ()
    return (*likely, Correction.WRITE_OFF, Correction.NOTE)


def transfers(
    name: Name, last: Step, correction: Correction, base: int | None
) -> tuple[Transfer, ...]:
    """What a correction books. `base` is the first account of the institution, None where nobody
    knows whose it is."""
    due_fen = last.due_fen
    if correction in (Correction.NOTE, Correction.NONE) or not due_fen:
        return ()
    if base is None:
        return _moved(chart.CLEARING_UNKNOWN, chart.SUSPENSE_UNKNOWN, due_fen)
    custody = Custody(last.facts.custody or Custody.OWN)
    clearing = _clearing(base, custody, name.channel)
    match correction:
        case Correction.WRITE_OFF:
            return _moved(clearing, _of(base, custody, _SUSPENSE), due_fen)
        case Correction.VOID if name.kind is Kind.PAYMENT:
            return undone(
                collected_transfers(
                    channel=name.channel, custody=custody, amount_fen=-due_fen,
                    institution_base=base,
                )
            )
        case _:
            return _moved(clearing, _of(base, custody, _TO_RETURN), due_fen)


_SUSPENSE = {
    Custody.OWN: ChannelAccount.SUSPENSE, Custody.AGENCY: ChannelAccount.AGENCY_SUSPENSE,
}  # fmt: skip
_TO_RETURN = {
    Custody.OWN: ChannelAccount.TO_RETURN, Custody.AGENCY: ChannelAccount.AGENCY_TO_RETURN,
}  # fmt: skip


def _moved(clearing: int, against: int, due_fen: int) -> tuple[Transfer, ...]:
    if due_fen > 0:
        return (Transfer(clearing, against, due_fen),)
    return (Transfer(against, clearing, -due_fen),)


def _clearing(base: int, custody: Custody, channel: str) -> int:
    own = custody is Custody.OWN
    account = ChannelAccount.CLEARING if own else ChannelAccount.AGENCY_CLEARING
    return channel_account(base, account, channel)


def _of(base: int, custody: Custody, accounts: Mapping[Custody, ChannelAccount]) -> int:
    return channel_account(base, accounts[custody])
