"""People whom medical aid helps, and the stays that it pays a part of.

The demonstration policy for a resident in a second-level hospital: deductible 800.00, the pool pays
80 % of the rest; medical aid pays what is left in scope, all of it for the destitute.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from tests.kit.importing import Office, rows_of
from tests.kit.population import DEAR, Citizen, Kind, some
from tests.kit.reply import Reply, assert_done, assert_money
from tests.kit.town import Town
from tests.kit.ward import StayInProgress, admit

AID, AID_CODE = "610100", 610_100
AID_FEN = 144_000
"""4000.00 in scope: 800.00 and a fifth of the rest are left to the person, and the aid pays them"""


async def destitute(town: Town, directory: Path) -> Citizen:
    """Somebody whom medical aid helps, by an import in a directory."""
    citizen = town.someone(Kind.RESIDENT)
    office = Office(town=town, directory=directory)
    await office.bring("persons", [rows_of(citizen, tags="destitute")])
    return citizen


async def aided(town: Town, directory: Path) -> tuple[StayInProgress, Reply]:
    """A stay that is settled, and its settlement: funds pay 4000.00, medical aid 1440.00 of it."""
    stay = await admit(town.hospital, await destitute(town, directory), some(DEAR, 2))
    assert_done(await town.hospital.send(stay.discharge()))
    settled = await stay.settle(Decimal("4000.00"), account=False)
    assert_money(settled, total="4000.00", fund="4000.00", account="0.00", cash="0.00")
    assert settled.money("maf_pay") == Decimal("1440.00")
    return stay, settled
