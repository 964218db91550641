"""审计日志: who saw and did what, by person, action, subject and day. Looking is audited too."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from settlement.clock import CHINA
from settlement.console.asking import Answer
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.storage import console_cases
from settlement.storage.console_cases import AuditQuery

TITLE = Words("审计日志", "Audit log")
PAGE_ROWS = 100
TEXT_MAX = 80


async def audit(visit: Visit) -> Answer:
    """A page of it, the newest first."""
    asked = {name: visit.asked.query.get(name, "").strip()[:TEXT_MAX] for name in _FIELDS}
    begins = _day(asked["since"])
    ends = _day(asked["until"])
    before = asked["before"]
    query = AuditQuery(
        actor=asked["actor"] or None, action=asked["action"] or None,
        subject=asked["subject"] or None, begins_at=begins,
        ends_at=None if ends is None else ends + timedelta(days=1),
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None,
    )  # fmt: skip
    async with visit.desk.reading() as connection:
        rows = await console_cases.audit_page(connection, query, limit=PAGE_ROWS + 1)
    wanted = " ".join(f"{name}={value}" for name, value in asked.items() if value)
    await visit.note("console.view-audit", "audit", wanted)
    return visit.page(
        "audit.html", TITLE, rows=rows[:PAGE_ROWS], asked=asked,
        older=rows[PAGE_ROWS - 1].audit_id if len(rows) > PAGE_ROWS else None,
    )  # fmt: skip


_FIELDS = ("actor", "action", "subject", "since", "until", "before")


def _day(text: str) -> datetime | None:
    """When a day begins in the region; None where it is no day."""
    try:
        return datetime.combine(date.fromisoformat(text), time(), CHINA).astimezone(UTC)
    except ValueError:
        return None
