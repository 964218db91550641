"""Cases of people insured elsewhere: reading them into the view of a batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from asyncpg import Connection, Record

from ledger.postgres.laned import fetch_keys
from ledger.postgres.shape import Shape
from settlement.commands import Command
from settlement.elsewhere.remote_rows import CaseEventRow, CaseFact, CaseRow, event_of
from settlement.elsewhere.remote_states import Happening
from settlement.numbers import lane_in
from settlement.rows import MessageOutcome
from settlement.storage.queries import SHAPED
from settlement.view import View

_OF_ORDERS = frozenset({"SCAN", "REFUND"})


def cases_wanted(commands: Sequence[Command], view: View) -> set[int]:
    """The cases that commands name, and of whoever is insured elsewhere those that are under way
    or that a settlement named by the command was. Who asks about an order does not say again where
    its person is insured."""
    wanted = {n for command in commands for n in command.case_nos}
    wanted |= {
        fact.row.setl_id
        for fact in view.payments.values()
        if fact.row.setl_id is not None and _is_stranger(view, fact.row.psn_no)
    }
    for command in commands:
        asked = command.asked
        if not asked.insured_region and asked.infno not in _OF_ORDERS:
            continue
        person = view.persons.get(asked.person_no)
        if not asked.insured_region and (person is None or not person.home_region):
            continue
        if command.standing:
            wanted.add(view.standing.get(command.business_key, 0))
        if person is not None and person.undertaking is not None:
            wanted.add(person.undertaking)
        wanted.update(command.setl_ids)
        keys = [(asked.lane, asked.message_key), *command.other_keys]
        facts = filter(None, map(view.messages.get, keys))
        wanted |= {fact.ref for fact in facts if fact.outcome is MessageOutcome.SETTLEMENT}
    return wanted


def _is_stranger(view: View, person_no: str) -> bool:
    person = view.persons.get(person_no)
    return person is not None and bool(person.home_region)


async def read_cases(
    connection: Connection[Record], numbers: Iterable[int], view: View, shape: Shape
) -> None:
    """Cases by number with their events, into the view."""
    wanted = [number for number in numbers if number]
    lanes = [lane_in(number) for number in wanted]
    for row in await fetch_keys(connection, SHAPED[shape], "read_remote_cases", lanes, wanted):
        fact = view.cases.get(row["case_no"])
        if fact is None:
            case = CaseRow(
                lane=row["lane"], case_no=row["case_no"], hold_id=row["hold_id"],
                opened_at=row["opened_at"], psn_no=row["psn_no"], institution=row["institution"],
                insured_region=row["insured_region"], infno=row["infno"], msgid=row["msgid"],
                mdtrt_id=row["mdtrt_id"], total_fen=row["total_fen"], payload=row["payload"],
            )  # fmt: skip
            fact = view.cases[row["case_no"]] = CaseFact(row=case, events=[])
        event = CaseEventRow(
            lane=row["lane"], case_no=row["case_no"], event_no=row["event_no"],
            kind=Happening(row["kind"]), recorded_at=row["recorded_at"], setl_id=row["setl_id"],
            reference=row["reference"], payload=row["event_payload"],
        )  # fmt: skip
        fact.events.append(event_of(event))
