"""Files that an agency hands over, and their import into a town."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from settlement.intake.order import Order
from settlement.intake.source import digest_of
from settlement.serve.imports import Imported, import_file
from tests.kit.population import REGION, Citizen
from tests.kit.town import Town

Cells = Mapping[str, object]


class Office(Struct, frozen=True, kw_only=True):
    """Who imports into a town; files lie in `directory`."""

    town: Town
    directory: Path

    async def bring(
        self, kind: str, rows: Sequence[Cells], *, preview: bool = False, whole: bool = False,
        skip_bad: bool = False, ends_on: date = date(2026, 12, 1),
        issue_to: Path | None = None, actor: str = "测试操作员", confirms: str = "",
    ) -> Imported:  # fmt: skip
        """Import rows as a CSV file."""
        path = self.directory / f"{kind}.csv"
        names = list(dict.fromkeys(name for row in rows for name in row))
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
        keys = self.directory / "keys.json"
        keys.write_bytes(msgspec.json.encode([self.town.key_material]))
        order = Order(
            path=path, format="csv", preview=preview, whole=whole, skip_bad=skip_bad,
            ends_on=ends_on, reason="测试〔2026〕3号", actor=actor, confirms=confirms,
        )  # fmt: skip
        return await import_file(
            kind, order, owner_dsn=self.town.owner_dsn, keys=keys, room=self.directory,
            at=self.town.clock(), issue_to=issue_to,
        )  # fmt: skip


    async def carry(self, kind: str, rows: Sequence[Cells], **more: Any) -> Imported:
        """Import a file of the cut-over: one person proposes it, another confirms it."""
        proposed = await self.bring(kind, rows, actor="测试经办甲", **more)
        if not proposed.written:
            return proposed
        assert not proposed.booked, proposed.further
        path = self.directory / f"{kind}.csv"
        return await self.bring(
            kind, rows, actor="测试经办乙", confirms=digest_of(path), **more
        )


def rows_of(citizen: Citizen, **changes: object) -> Cells:
    """A citizen as a file says them, with other values for some columns."""
    identity = citizen.insured.identity
    [enrolment] = citizen.insured.enrolments
    return {
        "psn_no": citizen.number, "psn_name": identity.name, "certno": identity.certificate_no,
        "gend": identity.sex, "brdy": identity.born_on, "card_no": identity.card_no,
        "card_sn": identity.card_serial, "emp_name": identity.employer,
        "insutype": enrolment.scheme, "psn_type": enrolment.category,
        "psn_insu_stas": enrolment.status, "psn_insu_date": enrolment.enrolled_on,
        "benefit_from": enrolment.benefit_from, "paus_insu_date": enrolment.suspended_on or "",
        "insuplc_admdvs": REGION, "cvlserv_flag": int(enrolment.civil_servant),
        "closed_funds": ";".join(enrolment.closed_funds), **changes,
    }  # fmt: skip
