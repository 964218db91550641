"""The files of an archive: Parquet, one a lane, settlements by number with their sealed details.

Any reader of Parquet opens them; the columns are those of `settlement.settlement`, and of the
detail `key_version`, `salt` and `payload`. This is the one module that knows the library, which is
an extra (requirements-archive.txt): nobody else needs it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from hashlib import file_digest
from pathlib import Path

import msgspec
import pyarrow
from pyarrow import parquet

from settlement.archiving import ArchivedFile, ArchiveError
from settlement.rows import RowKind, SettlementRow
from settlement.storage.archive import PAGE_ROWS, ArchivedSettlement

_LOCAL_TIMES = {"service_at"}
"""As sent, in the region's time, without a zone."""
_ROW_FIELDS = SettlementRow.__struct_fields__


class LaneWriter:
    """Writes the file of one lane, a page at a time; `close` says what is in it."""

    def __init__(self, folder: Path, lane: int) -> None:
        self._lane = lane
        self._path = folder / f"settlements-{lane:04d}.parquet"
        self._settlements = self._details = 0
        self._writer = parquet.ParquetWriter(str(self._path), _SCHEMA, compression="zstd")
        self._path.chmod(0o600)

    def add(self, page: Sequence[ArchivedSettlement]) -> None:
        """The next settlements; a page is a row group."""
        columns = {name: [getattr(one.row, name) for one in page] for name in _ROW_FIELDS}
        columns["kind"] = [int(one.row.kind) for one in page]
        for name in ("key_version", "salt", "payload"):
            columns[name] = [getattr(one, name) for one in page]
        self._writer.write_table(pyarrow.table(columns, schema=_SCHEMA))
        self._settlements += len(page)
        self._details += sum(one.salt is not None for one in page)

    def close(self) -> ArchivedFile:
        """End the file, on the disk."""
        self._writer.close()
        with self._path.open("rb+") as file:
            os.fsync(file.fileno())
        return ArchivedFile(
            name=self._path.name, lane=self._lane, settlements=self._settlements,
            details=self._details, size_bytes=self._path.stat().st_size,
            digest=_digest(self._path),
        )  # fmt: skip


def check_file(folder: Path, file: ArchivedFile) -> Path:
    """Where a file is. Raises ArchiveError where it is not what the manifest says."""
    path = folder / file.name
    if path.name != file.name or not path.is_file():
        raise ArchiveError(f"{file.name} 不在 is not there")
    if path.stat().st_size != file.size_bytes or _digest(path) != file.digest:
        raise ArchiveError(f"{file.name} 已被改动 was changed")
    return path


def settlements_in(path: Path) -> Iterator[ArchivedSettlement]:
    """What a file holds, in its order. Raises ArchiveError where it cannot be read."""
    try:
        with parquet.ParquetFile(str(path)) as file:
            for batch in file.iter_batches(batch_size=PAGE_ROWS):
                for values in batch.to_pylist():
                    yield _settlement(values)
    except (pyarrow.ArrowException, KeyError, ValueError, OSError) as exc:
        raise ArchiveError(f"{path.name}: {exc}") from exc


def _settlement(values: dict[str, object]) -> ArchivedSettlement:
    fields = {name: values[name] for name in _ROW_FIELDS}
    fields["kind"] = RowKind(values["kind"])  # type: ignore[arg-type]
    sealed = {name: values[name] for name in ("key_version", "salt", "payload")}
    return ArchivedSettlement(row=SettlementRow(**fields), **sealed)  # type: ignore[arg-type]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _schema() -> pyarrow.Schema:
    """One column a field of the row, then the detail."""
    types = {
        int: pyarrow.int64(), str: pyarrow.string(), bool: pyarrow.bool_(), bytes: pyarrow.binary(),
        date: pyarrow.date32(), datetime: pyarrow.timestamp("us", tz="UTC"),
        RowKind: pyarrow.int64(), int | None: pyarrow.int64(),
    }  # fmt: skip
    columns = [
        pyarrow.field(
            field.name,
            pyarrow.timestamp("us") if field.name in _LOCAL_TIMES else types[field.type],
            nullable=field.type == int | None,
        )
        for field in msgspec.structs.fields(SettlementRow)
    ]
    columns += [
        pyarrow.field("key_version", pyarrow.int64()), pyarrow.field("salt", pyarrow.binary()),
        pyarrow.field("payload", pyarrow.binary()),
    ]  # fmt: skip
    return pyarrow.schema(columns)


_SCHEMA = _schema()
