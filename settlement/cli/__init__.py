"""The command line: `settlement`, one module a command; they parse, and hand over."""

from __future__ import annotations

from settlement.cli.parser import main

__all__ = ["main"]
