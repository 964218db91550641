"""An account pays for a relative (家庭共济), in the lane of whose account it is (ADR 0023).

Held, then paid or released; what was paid may come back. Each is a row, a ledger entry and a new
version of the person, once: asked a second time, nothing happens. Whether a hold pays is decided in
the lane of the patient; who asks here has read it there.
"""

from __future__ import annotations

from typing import Protocol

from msgspec.structs import replace

from ledger.entry import Entry, EntryKind, Transfer
from settlement.chart import FAMILY_CLEARING, EntryCode
from settlement.clock import Moment
from settlement.commands import HoldForRelative, ResolveHold, ReturnPayment
from settlement.decision import Answer, Decision, Held
from settlement.numbers import NumberSource
from settlement.rows import MoveKind, MoveRow, move_commitment
from settlement.view import Effects, View
from settlement.world import World


class Numbering(Protocol):
    """Who gives out numbers; a world does, and so does whoever settles up in the background."""

    @property
    def next_number(self) -> NumberSource:
        """The next number of a lane, on a business day."""


def hold(command: HoldForRelative, view: View, world: World, moment: Moment) -> Decision:
    """Hold what is wanted, or as much of it as there is; nothing of an account that is stopped."""
    booked = view.moves.get(command.hold_id)
    if booked:  # the first try of this batch was written
        return Decision(Held(booked[0].amount_fen))
    asked = command.asked
    person = view.persons.get(asked.person_no)
    if person is None or asked.person_no in world.suspensions.persons:
        return Decision(Held(0))
    amount_fen = min(command.wanted_fen, person.balance_fen)
    if amount_fen <= 0:
        return Decision(Held(0))
    if command.quote:
        return Decision(Held(amount_fen))
    move = MoveRow(
        lane=asked.lane,
        hold_id=command.hold_id,
        kind=MoveKind.HELD,
        entry_id=command.hold_id,
        account=person.account,
        psn_no=asked.person_no,
        patient_lane=command.patient_lane,
        patient_no=command.patient_no,
        undertaking_id=command.undertaking_id,
        setl_id=None,
        institution=asked.institution.code,
        amount_fen=amount_fen,
        balance_fen=person.balance_fen - amount_fen,
    )
    return Decision(Held(amount_fen), _effects(move, _held(move), change_fen=-amount_fen))


def resolve(
    command: ResolveHold, view: View, world: Numbering, moment: Moment
) -> Decision:
    """A hold pays the settlement, or is released."""
    moves = view.moves.get(command.hold_id, [])
    person = view.persons.get(command.asked.person_no)
    if len(moves) != 1 or person is None:
        return Decision(Answer())
    held = moves[0]
    pays = command.setl_id is not None
    change_fen = 0 if pays else held.amount_fen
    move = replace(
        held,
        kind=MoveKind.PAID if pays else MoveKind.RELEASED,
        entry_id=world.next_number(held.lane, moment.business_day),
        setl_id=command.setl_id,
        balance_fen=person.balance_fen + change_fen,
    )
    pending = _held(held)
    entry = Entry(
        lane=move.lane,
        entry_id=move.entry_id,
        kind=EntryKind.POST if pays else EntryKind.VOID,
        code=EntryCode.FAMILY_PAID if pays else EntryCode.FAMILY_RELEASED,
        transfers=pending.transfers,
        commitment=move_commitment(move),
        pending_id=pending.entry_id,
    )
    return Decision(Answer(), _effects(move, entry, change_fen=change_fen, pending=pending))


def give_back(
    command: ReturnPayment, view: View, world: Numbering, moment: Moment
) -> Decision:
    """What a hold paid comes back. Raises where it has not paid yet: that is done first."""
    moves = view.moves.get(command.hold_id, [])
    person = view.persons.get(command.asked.person_no)
    if any(move.kind is MoveKind.RETURNED for move in moves):
        return Decision(Answer())
    paid = [move for move in moves if move.kind is MoveKind.PAID]
    if not paid or person is None:
        raise ValueError(f"hold {command.hold_id} has not paid, so nothing comes back of it")
    move = replace(
        paid[0],
        kind=MoveKind.RETURNED,
        entry_id=world.next_number(paid[0].lane, moment.business_day),
        setl_id=command.setl_id,
        balance_fen=person.balance_fen + paid[0].amount_fen,
    )
    entry = Entry(
        lane=move.lane,
        entry_id=move.entry_id,
        kind=EntryKind.SINGLE,
        code=EntryCode.FAMILY_RETURNED,
        transfers=(Transfer(FAMILY_CLEARING, move.account, move.amount_fen),),
        commitment=move_commitment(move),
    )
    return Decision(Answer(), _effects(move, entry, change_fen=move.amount_fen))


def _held(move: MoveRow) -> Entry:
    """The pending entry of a hold."""
    return Entry(
        lane=move.lane,
        entry_id=move.hold_id,
        kind=EntryKind.PENDING,
        code=EntryCode.FAMILY_HELD,
        transfers=(Transfer(move.account, FAMILY_CLEARING, move.amount_fen),),
        commitment=move_commitment(move),
    )


def _effects(
    move: MoveRow, entry: Entry, *, change_fen: int, pending: Entry | None = None
) -> Effects:
    return Effects(
        lane=move.lane, person_no=move.psn_no, messages=(), entry=entry, move=move,
        pending=pending, account_change_fen=change_fen,
    )  # fmt: skip
