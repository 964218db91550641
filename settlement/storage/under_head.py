"""A small batch of our own, beside the queues: read, decided and written under a journal's head.

It is what a queue does on its second try (storage/journal.py), for work that no message asks for.
It takes the same lock first, so it has no rival for the rows of the journal's lanes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from asyncpg import Connection, Record

from ledger.postgres.shape import Shape
from settlement.clock import Moment
from settlement.commands import Command
from settlement.decision import Decision
from settlement.keyring import Keyring
from settlement.storage.errors import translate
from settlement.storage.reader import read_view
from settlement.storage.writer import lock_head, write_batch
from settlement.view import View

Decide = Callable[[Command, View, Moment], Decision]


async def book_under_head(
    connection: Connection[Record], commands: Sequence[Command], *, journal: int, shape: Shape,
    keyring: Keyring, moment: Moment, decide: Decide,
) -> int:  # fmt: skip
    """Carry out commands of one journal in one commit; how many had an effect. What `decide`
    raises takes the batch with it. Driver exceptions leave as storage errors."""
    try:
        async with connection.transaction():
            await lock_head(
                connection, journal=journal, lane=commands[0].asked.lane, shape=shape
            )
            view = await read_view(connection, commands, keyring, shape)
            effects = []
            for command in commands:
                decided = decide(command, view, moment).effects
                if decided is not None:
                    view.apply(decided)
                    effects.append(decided)
            if effects:
                await write_batch(
                    connection, journal=journal, moment=moment, view=view, effects=effects,
                    shape=shape,
                )  # fmt: skip
    except Exception as exc:
        raise translate(exc) or exc from exc
    return len(effects)
