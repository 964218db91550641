"""Lists of codes (编码目录) that an agency gives to institutions: diagnoses, operations …

Nothing is settled by them: they are imported, kept and handed on (1307 to 1315, 1321 to 1327).
Which columns a list has is the business of its layout.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

_JOIN = "|"


class Entry(Struct, frozen=True, kw_only=True, gc=False):
    """A row of a list."""

    list_no: str
    """the list, by the infno of its download"""
    key: str
    """what tells the rows of a list apart"""
    values: Mapping[str, str]
    """by column; a column without a value is not there"""
    valid: bool = True
    """有效标志: a code that is no longer used stays in its list and says so"""


class KeptEntry(Struct, frozen=True, gc=False):
    """A row as the database has it."""

    entry: Entry
    created_at: datetime
    updated_at: datetime


def key_of(values: Mapping[str, str], columns: tuple[str, ...]) -> str:
    """The key of a row, of its values in these columns."""
    return _JOIN.join([values.get(column, "") for column in columns])
