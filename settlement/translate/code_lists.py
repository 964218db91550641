"""How a row of a list of codes (编码目录) stands in its file. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from protocol.nhsa.list_layouts import (
    CREATED,
    RECORD,
    REGION,
    UPDATED,
    VALID,
    VERSION,
    VERSION_NAME,
    ListLayout,
)
from protocol.nhsa.textfile import text_of
from protocol.nhsa.times import format_datetime
from settlement.clock import local_time
from settlement.code_list import KeptEntry


def row_texts(
    entries: Sequence[KeptEntry], layout: ListLayout, *, version: str, version_name: str,
    region: str,
) -> tuple[str, int]:  # fmt: skip
    """A piece of a file, with the number of its rows."""
    rows = [
        _row_of(kept, layout, version=version, version_name=version_name, region=region)
        for kept in entries
    ]
    return text_of(rows), len(rows)


def _row_of(
    kept: KeptEntry, layout: ListLayout, *, version: str, version_name: str, region: str
) -> Sequence[str]:
    """The values of a row by the layout. What the list was imported with comes first; what it does
    not say and we know, we say; the flag and the version are always ours."""
    entry = kept.entry
    ours = {
        layout.columns[0]: entry.key,
        RECORD: f"{entry.list_no}-{entry.key}",
        REGION: region,
        CREATED: format_datetime(local_time(kept.created_at)),
        UPDATED: format_datetime(local_time(kept.updated_at)),
        VERSION_NAME: version_name,
    }
    always = {VALID: str(int(entry.valid)), VERSION: version}
    values = {**ours, **entry.values, **always}
    return [values.get(column, "") for column in layout.columns]
