"""What operators do once so that regions meet at a simulated hub: certificates, and who is there.

By the commands that an operator of a real region types. Whose hub it is, and in which process it
runs, is the caller's matter: the demonstration's and the drills' differ in that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from loadtest.simulators.hub_authority import Issuer
from settlement.clock import system_clock

Operator = Callable[[Sequence[str]], Awaitable[str]]
"""types a `settlement` command beside the server; gives what it printed"""
IN_FORCE_SECONDS = 1.5
"""What an operator sets is known to every process within a second."""
CERTIFICATE_DAYS = 365
_WHO = ("--reason", "演示", "--actor", "测试操作员")
_JOINED = "joined-hub"
"""A file in a data directory whose region has its certificate and knows the others."""


class Member(Struct, frozen=True, kw_only=True):
    """A region at the hub."""

    region: str
    url: str
    data_dir: Path
    operator: Operator


def write_hub_file(folder: Path, address: str) -> Path:
    """`hub.toml` for every member; the hub's folder, its authority and its own certificate are
    made where there are none."""
    issuer = Issuer(folder)
    issuer.certify_hub(system_clock())
    file = folder / "hub.toml"
    file.write_text(f'address = "{address}"\nroot = "{issuer.root.hex()}"\n')
    return file


async def join(folder: Path, members: Sequence[Member]) -> None:
    """Give every member a certificate and tell it of the others, where that was not done before.
    Raises what an operator raises."""
    issuer = Issuer(folder)
    new = [one for one in members if not (one.data_dir / _JOINED).exists()]
    await asyncio.gather(*(_certify(issuer, folder, one) for one in new))
    if new:
        await asyncio.gather(*(_introduce(issuer, folder, one) for one in members))
        await asyncio.sleep(IN_FORCE_SECONDS)
    for one in members:
        (one.data_dir / _JOINED).touch()


async def _certify(issuer: Issuer, folder: Path, member: Member) -> None:
    request = await member.operator(["hub", "new-identity", *_WHO])
    now = system_clock()
    text = issuer.issue(
        request.strip(), not_before=now - timedelta(minutes=1),
        not_after=now + timedelta(days=CERTIFICATE_DAYS),
    )  # fmt: skip
    file = folder / f"{member.region}.certificate"
    file.write_text(text)
    await member.operator(["hub", "certificate", str(file), *_WHO])


async def _introduce(issuer: Issuer, folder: Path, member: Member) -> None:
    file = folder / f"{member.region}-counterparts.toml"
    file.write_text(issuer.counterparts(member.region))
    await member.operator(["import", "counterparts", str(file), *_WHO])
