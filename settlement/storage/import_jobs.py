"""Keys for imports over HTTP, and the jobs of files that were sent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.import_job import (
    DECODE_RESULT,
    ENCODE,
    ImportKey,
    ImportRequest,
    JobReport,
    Result,
)
from settlement.keyring import Keyring
from settlement.storage.queries import ADMIN, REFERENCE


class OpenJob(Struct, frozen=True, kw_only=True):
    """A job that is to be run."""

    job_no: int
    kind: str
    attempts: int
    digest: str
    file_name: str
    format: str
    preview: bool
    whole: bool
    skip_bad: bool
    ends_on: date
    operator: str
    reason: str
    confirms: str


async def keep_key(
    connection: Connection[Record], keyring: Keyring, key: ImportKey, *, at: datetime,
    actor: str, reason: str,
) -> None:  # fmt: skip
    """Issue a key, audited. The name of an institution's credential is not free for it."""
    sealed = keyring.seal(key.secret.encode(), import_key_record(key.access_key))
    async with connection.transaction():
        await connection.execute(
            ADMIN["keep_import_key"], at, key.access_key, key.operator, sorted(key.kinds),
            keyring.version, sealed,
        )  # fmt: skip
        subject = f"import key {key.access_key} of {key.operator}: {', '.join(sorted(key.kinds))}"
        await connection.execute(
            REFERENCE["audit"], at, actor, "issue-import-key", subject, reason
        )


async def read_key(
    connection: Connection[Record], keyring: Keyring, access_key: str
) -> ImportKey | None:
    """A key by its name."""
    row = await connection.fetchrow(ADMIN["import_key"], access_key)
    if row is None:
        return None
    return ImportKey(
        access_key=access_key, operator=row["operator"], kinds=frozenset(row["kinds"]),
        secret=keyring.open(
            row["secret"], import_key_record(access_key), row["key_version"]
        ).decode(),
        suspended=row["suspended"],
    )  # fmt: skip


async def next_job_no(connection: Connection[Record]) -> int:
    """A number for a file that is about to arrive."""
    number: int = await connection.fetchval(ADMIN["import_job_no"])
    return number


async def jobs_waiting(connection: Connection[Record]) -> int:
    """How many jobs are not over."""
    count: int = await connection.fetchval(ADMIN["import_jobs_waiting"])
    return count


async def same_job(
    connection: Connection[Record], request: ImportRequest
) -> tuple[int, str] | None:
    """Number and state of the job of the same file."""
    row = await connection.fetchrow(
        ADMIN["same_import_job"], request.kind, request.digest, request.preview, request.whole,
        request.skip_bad, request.ends_on, request.operator, request.confirms,
    )  # fmt: skip
    return None if row is None else (row["job_no"], row["state"])


async def add_job(
    connection: Connection[Record], request: ImportRequest, *, job_no: int, size_bytes: int,
    at: datetime,
) -> bool:  # fmt: skip
    """A file is here: a job, audited; False where the very same one is not over yet."""
    async with connection.transaction():
        added = await connection.fetchval(
            ADMIN["add_import_job"], job_no, size_bytes, at, request.ends_on, request.preview,
            request.whole, request.skip_bad, request.kind, request.digest, request.file_name,
            request.format, request.confirms, request.operator, request.access_key,
            request.reason,
        )  # fmt: skip
        if added is None:
            return False
        subject = f"{request.file_name} sha256:{request.digest}"
        note = f"{request.reason} (job {job_no}, key {request.access_key}, {size_bytes} bytes)"
        await connection.execute(
            REFERENCE["audit"], at, request.operator, f"receive-{request.kind}", subject, note
        )
    return True


async def report(connection: Connection[Record], job_no: int) -> JobReport | None:
    """A job for who asks after it."""
    row = await connection.fetchrow(ADMIN["import_job"], job_no)
    if row is None:
        return None
    fields = dict(row)
    told = fields.pop("result")
    return JobReport(
        job=str(fields.pop("job_no")), sha256=fields.pop("digest"),
        result=DECODE_RESULT(told) if told else None, **fields,
    )  # fmt: skip


async def open_jobs(connection: Connection[Record]) -> Iterable[OpenJob]:
    """Jobs that are not over, the earliest first."""
    return [OpenJob(**dict(row)) for row in await connection.fetch(ADMIN["open_import_jobs"])]


async def begin(connection: Connection[Record], job_no: int, at: datetime) -> None:
    """The import begins."""
    await connection.execute(ADMIN["begin_import_job"], job_no, at)


async def goes_on(connection: Connection[Record], job_no: int, rows_done: int) -> None:
    """How far it is."""
    await connection.execute(ADMIN["import_job_goes_on"], job_no, rows_done)


async def waits(connection: Connection[Record], job_no: int) -> None:
    """It was not carried out: another import runs, or the server stops."""
    await connection.execute(ADMIN["import_job_waits"], job_no)


async def end(
    connection: Connection[Record], job_no: int, state: str, result: Result, at: datetime
) -> None:
    """It is over."""
    await connection.execute(ADMIN["end_import_job"], job_no, state, at, ENCODE(result).decode())


def import_key_record(access_key: str) -> bytes:
    """The associated data under which the secret of an import key is sealed."""
    return f"import_key/{access_key}".encode()
