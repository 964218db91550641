"""The statements of the settlement schema, by the names of their blocks."""

from __future__ import annotations

from pathlib import Path

from ledger.postgres.queries import load, load_shapes

SQL_DIRECTORY = Path(__file__).parent / "sql"
SCHEMA_DIRECTORY = SQL_DIRECTORY / "schema"
QUERIES = load(SQL_DIRECTORY / "queries.sql")
SHAPED = load_shapes(SQL_DIRECTORY / "shaped.sql")
IMPORTS = load_shapes(SQL_DIRECTORY / "imports.sql")
REFERENCE = load(SQL_DIRECTORY / "reference.sql")
PAYOUTS = load(SQL_DIRECTORY / "payouts.sql")
FUND_PAYERS = load(SQL_DIRECTORY / "fund_payers.sql")
REGIONAL = load(SQL_DIRECTORY / "regional.sql")
SCATTER = load(SQL_DIRECTORY / "scatter.sql")
ADMIN = load(SQL_DIRECTORY / "admin.sql")
MONEY = load(SQL_DIRECTORY / "money.sql")
CONSOLE = load(SQL_DIRECTORY / "console.sql")
CONSOLE_READING = load(SQL_DIRECTORY / "console_reading.sql")
CONSOLE_MONEY = load(SQL_DIRECTORY / "console_money.sql")
BILLS = load(SQL_DIRECTORY / "bills.sql")
CENSUS = load(SQL_DIRECTORY / "census.sql")
CLOSING = load(SQL_DIRECTORY / "closing.sql")
DAY_TOTALS = load(SQL_DIRECTORY / "day_totals.sql")
MATCHING = load(SQL_DIRECTORY / "matching.sql")
MATCHING_SCATTER = load(SQL_DIRECTORY / "matching_scatter.sql")
CLEARING = load(SQL_DIRECTORY / "clearing_accounts.sql")
CLEARING_SCATTER = load(SQL_DIRECTORY / "clearing_accounts_scatter.sql")
INSTITUTIONS = load(SQL_DIRECTORY / "institutions.sql")
PERSONAL = load(SQL_DIRECTORY / "personal.sql")
ARCHIVE = load(SQL_DIRECTORY / "archive.sql")
SHEETS = load(SQL_DIRECTORY / "sheets.sql")
REIMBURSEMENTS = load(SQL_DIRECTORY / "reimbursements.sql")


def schema_text() -> str:
    """The schema: its files, one a subject, in the order of their numbers."""
    return "\n".join(path.read_text() for path in sorted(SCHEMA_DIRECTORY.glob("*.sql")))
