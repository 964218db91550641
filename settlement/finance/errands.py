"""What people order from a page (办理事项): acts of finance that only the schema's owner may do.

An errand says which act, in whose name and why; the acts are those of the commands. What a page
may order is the closed set `Task`: nobody sends SQL, a path or a login. Short ones are done while
somebody waits, long ones by a process of their own (errand_job.py), which says how far it is.
"""

from __future__ import annotations

import os
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import assert_never

from msgspec import Struct

from settlement.clock import Clock, monotonic
from settlement.finance.desk import act_on_month
from settlement.finance.office import Who, open_office
from settlement.finance.progress import Tell
from settlement.said import UNUSABLE, Said
from settlement.storage.errors import StorageError
from settlement.storage.keyfile import KeyFileError
from settlement.storage.lease import PlainConnection, connection_for
from settlement.storage.seal_key import load_seal_keys, seal_key_file

NAME = "settlement-console-act"


class MonthTask(Struct, frozen=True, kw_only=True, tag="month"):
    """An act on a month."""

    month: date
    act: str
    confirm: bool = False

    @property
    def is_short(self) -> bool:
        """Whether it takes no longer than a page."""
        return self.act == "begin"


Task = MonthTask


class Place(Struct, frozen=True, kw_only=True):
    """Where an errand is done."""

    owner_dsn: str
    app_dsn: str
    data_dir: str
    """whose `secrets` have the keys"""


class Errand(Struct, frozen=True, kw_only=True):
    """See the module."""

    place: Place
    task: Task
    actor: str
    reason: str
    at: datetime
    """when it was ordered: its clock goes on from there"""


async def perform(errand: Errand, tell: Tell) -> Said:
    """Do it."""
    try:
        async with connection_for(errand.place.owner_dsn, NAME) as connection:
            return await _do(errand, connection, tell)
    except (StorageError, KeyFileError) as exc:
        return Said(UNUSABLE, f"未能办理 | it could not be done: {exc}")


def clock_from(at: datetime) -> Clock:
    """A clock that shows `at` now."""
    started = monotonic()
    return lambda: at + timedelta(seconds=monotonic() - started)


async def _do(errand: Errand, connection: PlainConnection, tell: Tell) -> Said:
    task = errand.task
    match task:
        case MonthTask():
            return await _month(errand, task, connection, tell)
        case _:
            assert_never(task)


async def _month(
    errand: Errand, task: MonthTask, connection: PlainConnection, tell: Tell
) -> Said:
    data_dir = Path(errand.place.data_dir)
    office = await open_office(
        connection, errand.place.app_dsn, data_dir, tell=tell, clock=clock_from(errand.at),
        keys=load_seal_keys(seal_key_file(data_dir / "secrets", os.environ)),
    )  # fmt: skip
    who = Who(actor=errand.actor, reason=errand.reason)
    return await act_on_month(office, task.month, task.act, who, confirm=task.confirm)
