"""A small world in a real database."""

from __future__ import annotations

from tests.services import database, services
from tests.world import world

__all__ = ["database", "services", "world"]
