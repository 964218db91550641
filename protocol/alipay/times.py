"""Times as this wire writes them: Beijing time to the second, without a zone."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))


def text_of(at: datetime) -> str:
    """An instant as 2026-11-26 09:30:00."""
    return f"{at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"


def instant_of(text: str) -> datetime:
    """The instant that a text names; ValueError for anything else. Notifications may carry
    fractions of a second."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is not None:
        raise ValueError(f"a time with a zone: {text[:30]!r}")
    return at.replace(tzinfo=CHINA)
